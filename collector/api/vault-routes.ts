/** /v1/vault: how large it is, and the work that goes on in it. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { parseDuration } from "../../common/units.ts";
import type { ApiContext } from "./context.ts";
import { fields, object } from "./schemas.ts";

export function vaultRoutes(app: FastifyInstance, { catalog, store, jobs }: ApiContext): void {
	app.get("/v1/vault/stats", async () => {
		let [vms, points, diskBytes] = [0, 0, 0];
		let cursor: string | undefined;
		do {
			const page = await catalog.vms({ cursor });
			for (const { vm, disks } of page.items) {
				vms++;
				for (const { sizeBytes } of disks) diskBytes += sizeBytes;
				for await (const _time of catalog.pointTimes(vm)) points++;
			}
			cursor = page.next ?? undefined;
		} while (cursor !== undefined);
		return { ...store.stats(), vms, points, diskBytes, lastGc: jobs.lastGc };
	});

	app.get("/v1/vault/job", async () => {
		if (jobs.job === null) throw new UmbraError("not-found", "no job ran on the vault since the collector was started");
		return jobs.job;
	});

	app.delete("/v1/vault/job", async () => {
		await jobs.stop();
		return jobs.job;
	});

	app.post<{ Querystring: { readonly dryRun: string; readonly grace?: string } }>(
		"/v1/vault/gc",
		{
			schema: {
				querystring: object({
					dryRun: fields.flag,
					grace: { type: "string", minLength: 1, maxLength: 32, description: "instead of gc.grace, if shorter" },
				}),
			},
		},
		async ({ query: { dryRun, grace } }) => {
			const graceMs = grace === undefined ? undefined : parseDuration(grace);
			return jobs.startGc({ dryRun: dryRun === "1" || dryRun === "true", graceMs });
		},
	);

	app.post<{ Querystring: { readonly readShare: number } }>(
		"/v1/vault/check",
		{
			schema: {
				querystring: object({
					readShare: {
						type: "number",
						minimum: 0,
						maximum: 1,
						default: 0,
						description: "share of the packs of which every byte is read",
					},
				}),
			},
		},
		async ({ query: { readShare } }) => jobs.startCheck({ readShare }),
	);
}
