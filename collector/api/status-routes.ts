/** /v1/health, /v1/agents, /v1/telemetry, /v1/alerts, /v1/anomalies. */
import type { FastifyInstance } from "fastify";
import type { AlertRecord } from "../catalog/records.ts";
import type { ApiContext } from "./context.ts";
import { operation, pageOf } from "./operation.ts";
import { type PageQuery, pageOptions, sealPage } from "./paging.ts";
import { fields, object, pageFields } from "./schemas.ts";
import { ref } from "./shapes.ts";
import { parseTime } from "./time.ts";
import { agentView } from "./views.ts";

interface AlertQuery extends PageQuery {
	readonly vm?: string;
	readonly state?: AlertRecord["state"];
	readonly since?: string;
}

interface SampleQuery extends PageQuery {
	readonly measurement?: string;
	readonly host?: string;
	readonly vm?: string;
}

const count = { type: "integer", minimum: 0 } as const;
const vaultSize = {
	type: "object",
	required: ["chunks", "packs", "storedBytes"],
	properties: { chunks: count, packs: count, storedBytes: count },
};
const health = {
	description: "How it is.",
	type: "object",
	required: ["status", "collectorId", "agents", "vault", "judging"],
	properties: {
		status: { type: "string", enum: ["ok"] },
		collectorId: { type: "string", description: "of its data folder, made once" },
		agents: { ...count, description: "that are connected" },
		vault: vaultSize,
		judging: {
			type: "object",
			required: ["waiting", "unjudgeable"],
			properties: { waiting: { ...count, description: "VMs" }, unjudgeable: { ...count, description: "changesets" } },
		},
	},
};

export function statusRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, store, agents, telemetry, judge } = context;

	app.get(
		"/v1/health",
		operation({ id: "getHealth", tag: "collector", summary: "How the collector is", answers: { 200: health } }),
		async () => ({
			status: "ok",
			collectorId: catalog.collectorId,
			agents: agents.connectedCount,
			vault: store.stats(),
			judging: judge.status,
		}),
	);

	app.get<{ Querystring: PageQuery }>(
		"/v1/agents",
		operation({
			id: "listAgents",
			tag: "collector",
			summary: "Agents that ever connected",
			querystring: object(pageFields),
			answers: { 200: pageOf(ref("Agent"), "Agents by their ids.") },
		}),
		async ({ query }) => {
			const { items, next } = sealPage(await catalog.agents(pageOptions(query)));
			return { items: items.map((record) => agentView(record, agents.status(record.id))), next };
		},
	);

	app.get<{ Querystring: SampleQuery }>(
		"/v1/telemetry",
		operation({
			id: "listTelemetry",
			tag: "collector",
			summary: "The newest sample of every series",
			querystring: object({ ...pageFields, measurement: fields.name, host: fields.name, vm: fields.vm }),
			answers: { 200: pageOf(ref("Sample"), "Samples by measurement and tags.") },
		}),
		async ({ query: { measurement, host, vm, ...page } }) => {
			const tags = { ...(host === undefined ? {} : { host }), ...(vm === undefined ? {} : { vm }) };
			return sealPage(telemetry.page(measurement, tags, pageOptions(page)));
		},
	);

	app.get<{ Querystring: AlertQuery }>(
		"/v1/alerts",
		operation({
			id: "listAlerts",
			tag: "alerts",
			summary: "Alerts, newest first",
			description:
				"Chosen by `state` after a page was read: one may hold fewer than `limit`, or none, and `next` goes on.",
			querystring: object({
				...pageFields,
				vm: fields.vm,
				state: { type: "string", enum: ["firing", "resolved"], description: "only these" },
				since: fields.since,
			}),
			answers: { 200: pageOf(ref("Alert"), "Alerts in order of the time they were first raised.") },
		}),
		async ({ query: { vm, state, since, ...page } }) => {
			const from = since === undefined ? undefined : parseTime("since", since).first;
			const { items, next } = sealPage(await catalog.alerts({ vm, from, ...pageOptions(page), reverse: true }));
			return { items: items.filter((alert) => state === undefined || alert.state === state), next };
		},
	);

	app.get<{ Querystring: PageQuery & { readonly since?: string } }>(
		"/v1/anomalies",
		operation({
			id: "listAnomalies",
			tag: "alerts",
			summary: "Changesets that were judged abnormal, newest first",
			querystring: object({ ...pageFields, since: fields.since }),
			answers: { 200: pageOf(ref("Changeset"), "Changesets above `info`, or with a trigger.") },
		}),
		async ({ query: { since, ...page } }) => {
			const from = since === undefined ? undefined : parseTime("since", since).first;
			return sealPage(await catalog.anomalies({ from, ...pageOptions(page), reverse: true }));
		},
	);
}
