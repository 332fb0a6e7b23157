/** /v1/vault: how large it is, and the work that goes on in it. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { parseDuration } from "../../common/units.ts";
import type { ApiContext } from "./context.ts";
import { operation } from "./operation.ts";
import { fields, object } from "./schemas.ts";
import { nullable, ref, withDescription } from "./shapes.ts";

const count = { type: "integer", minimum: 0 } as const;
const sizes = { chunks: count, packs: count, storedBytes: count, vms: count, points: count, diskBytes: count };
const stats = {
	description: "`diskBytes` are those of the VMs' disks as they are now.",
	type: "object",
	required: [...Object.keys(sizes), "lastGc"],
	properties: { ...sizes, lastGc: nullable(ref("VaultJob")) },
};
const job = withDescription(ref("VaultJob"), "The job as it is now.");

export function vaultRoutes(app: FastifyInstance, { catalog, store, jobs }: ApiContext): void {
	app.get(
		"/v1/vault/stats",
		operation({ id: "getVaultStats", tag: "vault", summary: "How much is stored", answers: { 200: stats } }),
		async () => {
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
		},
	);

	app.get<{ Querystring: { readonly id?: string } }>(
		"/v1/vault/job",
		operation({
			id: "getVaultJob",
			tag: "vault",
			summary: "The job that runs in the vault, or the last that did",
			querystring: object({ id: { type: "string", minLength: 1, maxLength: 64, description: "one of the last few" } }),
			answers: { 200: job },
			errors: [404],
		}),
		async ({ query: { id } }) => {
			const found = id === undefined ? jobs.job : jobs.find(id);
			if (found) return found;
			const what = id === undefined ? "no job" : `no job ${id}`;
			throw new UmbraError("not-found", `${what} ran on the vault since the collector was started`);
		},
	);

	app.delete(
		"/v1/vault/job",
		operation({
			id: "stopVaultJob",
			tag: "vault",
			summary: "End the job that runs in the vault",
			answers: {
				200: { ...nullable(ref("VaultJob")), description: "The job as it ended; null where none ran since the start." },
			},
		}),
		async (_request, reply) => {
			await jobs.stop();
			// By itself, null would be an empty answer.
			return reply.type("application/json; charset=utf-8").send(JSON.stringify(jobs.job));
		},
	);

	app.post<{ Querystring: { readonly dryRun: string; readonly grace?: string } }>(
		"/v1/vault/gc",
		operation({
			id: "startGc",
			tag: "vault",
			summary: "Give back the space of what no point needs",
			querystring: object({
				dryRun: { ...fields.flag, description: "only say what would go" },
				grace: { type: "string", minLength: 1, maxLength: 32, description: "instead of gc.grace, if shorter" },
			}),
			answers: { 200: job },
			errors: [409],
		}),
		async ({ query: { dryRun, grace } }) => {
			const graceMs = grace === undefined ? undefined : parseDuration(grace);
			return jobs.startGc({ dryRun: dryRun === "1" || dryRun === "true", graceMs });
		},
	);

	app.post<{ Querystring: { readonly readShare: number; readonly bytesPerSecond?: number } }>(
		"/v1/vault/check",
		operation({
			id: "startCheck",
			tag: "vault",
			summary: "Look for damage",
			querystring: object({
				readShare: {
					type: "number",
					minimum: 0,
					maximum: 1,
					default: 0,
					description: "share of the packs of which every byte is read",
				},
				bytesPerSecond: {
					type: "integer",
					minimum: 2 ** 20,
					description: "reads no faster; as fast as it can where it is left out",
				},
			}),
			answers: { 200: job },
			errors: [409],
		}),
		async ({ query }) => jobs.startCheck(query),
	);
}
