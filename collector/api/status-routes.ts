/** /v1/health, /v1/agents, /v1/telemetry, /v1/alerts, /v1/anomalies. */
import type { FastifyInstance } from "fastify";
import type { AlertRecord } from "../catalog/records.ts";
import type { ApiContext } from "./context.ts";
import { fields, object, type PageQuery, pageFields } from "./schemas.ts";
import { parseTime } from "./time.ts";

interface AlertQuery extends PageQuery {
	readonly vm?: string;
	readonly state?: AlertRecord["state"];
	readonly since?: string;
}

export function statusRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, store, agents, telemetry, judge } = context;

	app.get("/v1/health", async () => ({
		status: "ok",
		collectorId: catalog.collectorId,
		agents: agents.connectedCount,
		vault: store.stats(),
		judging: judge.status,
	}));

	app.get<{ Querystring: PageQuery }>(
		"/v1/agents",
		{ schema: { querystring: object(pageFields) } },
		async ({ query }) => {
			const page = await catalog.agents(query);
			const items = page.items.map((record) => {
				const live = agents.status(record.id);
				return { ...record, connected: false, stale: false, heartbeat: null, ...live, firstSeen: record.firstSeen };
			});
			return { items, next: page.next };
		},
	);

	app.get<{ Querystring: { readonly measurement?: string; readonly host?: string; readonly vm?: string } }>(
		"/v1/telemetry",
		{ schema: { querystring: object({ measurement: fields.vm, host: fields.vm, vm: fields.vm }) } },
		async ({ query: { measurement, ...tags } }) => ({ items: telemetry.find(measurement, tags), next: null }),
	);

	app.get<{ Querystring: AlertQuery }>(
		"/v1/alerts",
		{
			schema: {
				querystring: object({
					...pageFields,
					vm: fields.vm,
					state: { type: "string", enum: ["firing", "resolved"] },
					since: fields.time,
				}),
			},
		},
		async ({ query: { vm, state, since, limit, cursor } }) => {
			const from = since === undefined ? undefined : parseTime("since", since).first;
			const page = await catalog.alerts({ vm, from, limit, cursor, reverse: true });
			// Filtered after paging: a page may hold fewer than `limit`, and `next` goes on.
			return { items: page.items.filter((alert) => state === undefined || alert.state === state), next: page.next };
		},
	);

	app.get<{ Querystring: PageQuery & { readonly since?: string } }>(
		"/v1/anomalies",
		{ schema: { querystring: object({ ...pageFields, since: fields.time }) } },
		async ({ query: { since, limit, cursor } }) => {
			const from = since === undefined ? undefined : parseTime("since", since).first;
			return await catalog.anomalies({ from, limit, cursor, reverse: true });
		},
	);
}
