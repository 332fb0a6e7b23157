/** What vouches for the vault: hash chains, damage and its healing, the index anew from the packs. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { formatHead, parseHead } from "../catalog/chain.ts";
import { checkHead } from "../catalog/chain-check.ts";
import { type ApiContext, requestSignal, requireVm } from "./context.ts";
import { operation, pageOf } from "./operation.ts";
import { type PageQuery, pageOptions, sealPage } from "./paging.ts";
import { object, pageFields, type VmParams, vmParams } from "./schemas.ts";
import { ref, withDescription } from "./shapes.ts";

const job = withDescription(ref("VaultJob"), "The job as it is now.");
const head = { type: "string", minLength: 66, maxLength: 80, description: "a head that was noted earlier" } as const;
const text = { type: "string" } as const;

export function integrityRoutes(app: FastifyInstance, context: ApiContext): void {
	const { catalog, jobs, healer, patrol, closing } = context;

	app.get<{ Params: VmParams }>(
		"/v1/vms/:vm/chain",
		operation({
			id: "getChain",
			tag: "vms",
			summary: "The head of the hash chain over a VM's changesets",
			description: "Note it elsewhere: `verify` tells later whether it is still part of the chain.",
			params: vmParams,
			answers: {
				200: {
					description: "The newest link; the VM may be no more.",
					type: "object",
					required: ["vm", "head", "time", "begun"],
					properties: { vm: text, head: text, time: text, begun: text },
				},
			},
			errors: [404],
		}),
		async ({ params: { vm } }) => {
			const chain = await catalog.chain(vm);
			if (chain !== undefined) {
				return { vm, head: formatHead(chain), time: chain.time, begun: chain.begun };
			}
			await requireVm(catalog, vm);
			throw new UmbraError("not-found", `VM ${vm} has no hash chain yet`, {
				hint: "it begins with the next changeset",
			});
		},
	);

	app.get<{ Params: VmParams; Querystring: { readonly head: string } }>(
		"/v1/vms/:vm/chain/verify",
		operation({
			id: "verifyChain",
			tag: "vms",
			summary: "Whether a head that was noted earlier is still part of the chain, and the chain holds",
			params: vmParams,
			querystring: object({ head }, ["head"]),
			answers: {
				200: {
					description: "What was found; every changeset of the VM was looked at.",
					type: "object",
					required: ["noted", "isPart", "check"],
					properties: { noted: text, isPart: { type: "boolean" }, check: ref("ChainCheck") },
				},
			},
		}),
		async ({ params: { vm }, query }, reply) => {
			const signal = requestSignal(reply, closing);
			const { noted, isPart, ...check } = await checkHead(catalog, vm, parseHead(query.head), { files: true, signal });
			return { noted, isPart, check };
		},
	);

	app.post(
		"/v1/vault/rebuild-index",
		operation({
			id: "startRebuildIndex",
			tag: "vault",
			summary: "Have the index say what the packs hold, and mend damaged packs",
			answers: { 200: job },
			errors: [409],
		}),
		async () => jobs.startRebuild(),
	);

	app.get<{ Querystring: PageQuery }>(
		"/v1/vault/damage",
		operation({
			id: "listDamage",
			tag: "vault",
			summary: "What points need and the vault cannot give",
			querystring: object(pageFields),
			answers: { 200: pageOf(ref("Damage"), "Chunks, by their names.") },
		}),
		async ({ query }) => sealPage(await catalog.damages(pageOptions(query))),
	);

	app.post(
		"/v1/vault/heal",
		operation({
			id: "startHeal",
			tag: "vault",
			summary: "Find out what points miss, and ask the agents for it",
			answers: { 200: job },
			errors: [409],
		}),
		async () => {
			const started = jobs.startHeal(new Set());
			healer.askNow();
			return started;
		},
	);

	app.get(
		"/v1/vault/scrub",
		operation({
			id: "getBackgroundScrub",
			tag: "vault",
			summary: "How far the scrub in the background is",
			answers: { 200: withDescription(ref("BackgroundScrub"), "The round that lasts, or the last one.") },
		}),
		async () => patrol.status,
	);
}
