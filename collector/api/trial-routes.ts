/** /v1/trials, /v1/signatures, and what a VM does on average, which stress profiles are made from. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { FAILURE_TYPES, type FailureType } from "../../common/failures/failures.ts";
import { nowNs } from "../../common/units.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { TrialOutcome } from "../catalog/trial-records.ts";
import { type ApiContext, requestSignal, requireVm, unknownVm } from "./context.ts";
import { loadOf } from "./load.ts";
import { operation, pageOf } from "./operation.ts";
import { type PageQuery, pageOptions, sealPage } from "./paging.ts";
import * as s from "./schemas.ts";
import { ref, withDescription } from "./shapes.ts";
import { parseTime, timeOptions } from "./time.ts";
import { signatureView, trialView } from "./views.ts";

/** Of an import: tens of thousands of signatures. */
const MAX_IMPORT_BYTES = 32 * 2 ** 20;
const YAML = "application/yaml";
/** What a VM does on average is that of its last week, unless asked otherwise. */
const DEFAULT_LOAD_DAYS = 7n;
const NS_PER_DAY = 86_400_000_000_000n;

interface TrialQuery extends s.TimesQuery {
	readonly vm?: string;
	readonly outcome?: TrialOutcome;
	readonly signature?: string;
}

interface SignatureQuery extends PageQuery {
	readonly vm?: string;
	readonly type?: FailureType;
}

interface IdParams {
	readonly id: string;
}

const id = { type: "string", minLength: 1, maxLength: 200, description: "as the listing shows it" } as const;
const idParams = s.object({ id }, ["id"]);
const by = { ...s.fields.name, description: "who says so" } as const;
const CHOSEN = "Chosen after a page was read: one may hold fewer than `limit`, or none, and `next` goes on.";

export function trialRoutes(app: FastifyInstance, { catalog, signatures, series, closing }: ApiContext): void {
	app.addContentTypeParser(YAML, { parseAs: "string" }, (_request, body, done) => done(null, body));

	app.get<{ Querystring: TrialQuery }>(
		"/v1/trials",
		operation({
			id: "listTrials",
			tag: "trials",
			summary: "Trials of shadow VMs",
			description: CHOSEN,
			querystring: s.object({
				...s.timesFields,
				vm: { ...s.fields.vm, description: "only of this VM" },
				outcome: { type: "string", enum: ["survived", "degraded", "failed", "lost"], description: "only these" },
				signature: { ...id, description: "only those that ended in this one" },
			}),
			answers: { 200: pageOf(ref("ListedTrial"), "Trials in the order in which they began.") },
			errors: [404],
		}),
		async ({ query }) => {
			const { vm, outcome, signature } = query;
			const page = sealPage(await catalog.trials.trials({ vm, ...timeOptions(query), ...pageOptions(query) }));
			if (vm !== undefined && page.items.length === 0) await requireTried(catalog, vm);
			const isWanted = (trial: (typeof page.items)[number]): boolean =>
				(outcome === undefined || trial.outcome === outcome) &&
				(signature === undefined || trial.signature === signature);
			return { items: page.items.filter(isWanted).map(trialView), next: page.next };
		},
	);

	app.get<{ Params: IdParams }>(
		"/v1/trials/:id",
		operation({
			id: "getTrial",
			tag: "trials",
			summary: "One trial, with its profile and what was done when",
			params: idParams,
			answers: { 200: withDescription(ref("Trial"), "The trial.") },
			errors: [404],
		}),
		async ({ params }) => {
			const trial = await catalog.trials.trial(params.id);
			if (trial !== undefined) return trial;
			throw new UmbraError("not-found", `no trial ${JSON.stringify(params.id)}`, {
				hint: "umbra trials lists them; the oldest of a VM are not kept",
			});
		},
	);

	app.get<{ Params: IdParams }>(
		"/v1/trials/:id/story",
		operation({
			id: "getTrialStory",
			tag: "trials",
			summary: "What was seen of a trial: its failures, telemetry, probes, console and screens",
			description: "The newest trials of a VM have one (`trials.stories` in the settings); a lost one has none.",
			params: idParams,
			answers: { 200: withDescription(ref("TrialStory"), "The story.") },
			errors: [404],
		}),
		async ({ params }) => {
			const trial = await catalog.trials.trial(params.id);
			const story = trial === undefined ? undefined : await catalog.trials.story(trial);
			if (story !== undefined) return story;
			throw new UmbraError("not-found", `nothing is kept of what was seen of trial ${JSON.stringify(params.id)}`, {
				hint: "the newest trials of a VM have a story: trials.stories in the collector's settings",
			});
		},
	);

	app.get<{ Querystring: SignatureQuery }>(
		"/v1/signatures",
		operation({
			id: "listSignatures",
			tag: "trials",
			summary: "Ways to fail that trials found",
			description: CHOSEN,
			querystring: s.object({
				...s.pageFields,
				vm: { ...s.fields.vm, description: "only those that clones of this VM showed" },
				type: { type: "string", enum: [...FAILURE_TYPES], description: "only of this type" },
			}),
			answers: { 200: pageOf(ref("Signature"), "Signatures in the order of their ids.") },
			errors: [404],
		}),
		async ({ query }) => {
			const { vm, type } = query;
			const { items, next } = sealPage(await catalog.trials.signatures({ vm, ...pageOptions(query) }));
			if (vm !== undefined && items.length === 0) await requireTried(catalog, vm);
			return { items: items.filter((each) => type === undefined || each.type === type).map(signatureView), next };
		},
	);

	app.get<{ Params: IdParams }>(
		"/v1/signatures/:id",
		operation({
			id: "getSignature",
			tag: "trials",
			summary: "One signature",
			params: idParams,
			answers: { 200: withDescription(ref("Signature"), "The signature.") },
			errors: [404],
		}),
		async ({ params }) => signatureView(await signatures.signature(params.id)),
	);

	app.put<{ Params: IdParams; Body: { readonly text: string; readonly by: string } }>(
		"/v1/signatures/:id/mitigation",
		operation({
			id: "setMitigation",
			tag: "trials",
			summary: "Say what to do first about a failure, in place of what is said of its type",
			params: idParams,
			body: s.object({ text: { type: "string", minLength: 1, maxLength: 4096, description: "what to do" }, by }, [
				"text",
				"by",
			]),
			answers: { 200: withDescription(ref("Signature"), "The signature with it.") },
			errors: [404],
		}),
		async ({ params, body }) =>
			signatureView(await signatures.setMitigation(params.id, { text: body.text, by: body.by })),
	);

	app.delete<{ Params: IdParams }>(
		"/v1/signatures/:id/mitigation",
		operation({
			id: "resetMitigation",
			tag: "trials",
			summary: "Let what is said of its type count again",
			params: idParams,
			answers: { 200: withDescription(ref("Signature"), "The signature with it.") },
			errors: [404],
		}),
		async ({ params }) => signatureView(await signatures.setMitigation(params.id, null)),
	);

	app.get(
		"/v1/signatures.yaml",
		operation({
			id: "exportSignatures",
			tag: "trials",
			summary: "All signatures as YAML, for another site; without names of VMs",
			answers: {
				200: {
					description: "docs/formats.md says what is in it.",
					content: { [YAML]: { schema: { type: "string" } } },
				},
			},
		}),
		async (_request, reply) => reply.type(YAML).send(await signatures.exportAll()),
	);

	app.post<{
		Body: string;
		Querystring: { readonly by: string; readonly takeMitigations: "0" | "1" | "false" | "true" };
	}>(
		"/v1/signatures.yaml",
		{
			...operation({
				id: "importSignatures",
				tag: "trials",
				summary: "Take in what another site knows, its counts apart from ours",
				description: "A mitigation that operators wrote here stays, unless `takeMitigations` says otherwise.",
				querystring: s.object(
					{
						by,
						takeMitigations: {
							...s.fields.flag,
							description: "let the other site's mitigations take the place of ours",
						},
					},
					["by"],
				),
				body: { content: { [YAML]: { schema: { type: "string" } } } },
				answers: { 200: withDescription(ref("SignatureImport"), "What came of it.") },
			}),
			bodyLimit: MAX_IMPORT_BYTES,
		},
		async ({ body, query: { by: who, takeMitigations } }) => {
			const options = { by: who, takeMitigations: takeMitigations === "1" || takeMitigations === "true" };
			return await signatures.importAll(body, "the import", options);
		},
	);

	app.get<{ Params: s.VmParams; Querystring: { readonly since?: string } }>(
		"/v1/vms/:vm/load",
		operation({
			id: "getLoad",
			tag: "trials",
			summary: "What a VM does on average, which stress profiles are made from",
			params: s.vmParams,
			querystring: s.object({
				since: { ...s.fields.since, description: "from this time on; a week back unless given" },
			}),
			answers: { 200: withDescription(ref("Load"), "Averages; null where nothing was measured.") },
			errors: [404, 503],
		}),
		async ({ params: { vm }, query: { since } }, reply) => {
			await requireVm(catalog, vm);
			const to = nowNs();
			const from = since === undefined ? to - DEFAULT_LOAD_DAYS * NS_PER_DAY : parseTime("since", since).first;
			return await loadOf(series, vm, from, to, requestSignal(reply, closing));
		},
	);
}

/** Trials and signatures stay when their VM goes. @throws UmbraError `not-found` for one of which nothing is known. */
async function requireTried(catalog: Catalog, vm: string): Promise<void> {
	if ((await catalog.vm(vm)) !== undefined) return;
	const [trials, signatures] = [catalog.trials.trials({ vm, limit: 1 }), catalog.trials.signatures({ vm, limit: 1 })];
	const known = (await Promise.all([trials, signatures])).flatMap(({ items }): unknown[] => [...items]);
	if (known.length === 0) throw unknownVm(vm);
}
