/** Trials that are to be run: clones of a VM's state, on an agent that has room for them. */
import { setImmediate } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { checkTrialCount } from "../../common/trial/batch-size.ts";
import { MAX_PROFILE_BYTES, parseBatch, type TrialBatch } from "../../common/trial/profile.ts";
import { scheduleOf } from "../../common/trial/schedule.ts";
import { MAX_TRIAL_CLONES } from "../../proto/service.ts";
import { replaysOf, type WantedTrial } from "../trial/batches.ts";
import type { ApiContext } from "./context.ts";
import { operation } from "./operation.ts";
import { fields, object, type VmParams, vmParams } from "./schemas.ts";
import { list, ref, withDescription } from "./shapes.ts";
import { findState } from "./state-routes.ts";

const MAX_SECONDS = 86_400;
const MAX_REPLAYS = 100;
const MAX_SEED = 2 ** 32 - 1;

interface StartQuery {
	readonly time: string;
	readonly clones: number;
	readonly seconds: number;
	readonly seed?: number;
	readonly agent?: string;
}

interface ReplayQuery {
	readonly times: number;
	readonly agent?: string;
}

interface IdParams {
	readonly id: string;
}

const id = { type: "string", minLength: 1, maxLength: 200 } as const;
const batchParams = object({ id: { ...id, description: "of a batch" } }, ["id"]);
const agent = {
	...{ type: "string", minLength: 1, maxLength: 255 },
	description: "id or host of the agent that runs them; any with room by default",
};
const GOES_ON = "Answers when they have begun; they go on by themselves, as many at a time as the agent has room for.";

export function batchRoutes(app: FastifyInstance, { catalog, batches }: ApiContext): void {
	app.post<{ Params: VmParams; Querystring: StartQuery; Body: string | undefined }>(
		"/v1/vms/:vm/trials",
		{
			...operation({
				id: "startTrials",
				tag: "trials",
				summary: "Let clones of a VM's state run, isolated, each under its own stress",
				description: `The body is YAML as docs/trials.md tells: a profile or a batch of them, at most ${MAX_TRIAL_CLONES} trials with the control. Without one, clones run without stress. ${GOES_ON}`,
				params: vmParams,
				querystring: object({
					time: { ...fields.time, default: "latest", description: "the newest state at or before it" },
					clones: {
						...{ type: "integer", minimum: 1, maximum: MAX_TRIAL_CLONES, default: 1 },
						description: "how many without stress, where there is no body",
					},
					seconds: {
						...{ type: "integer", minimum: 1, maximum: MAX_SECONDS, default: 30 },
						description: "that a clone without stress runs, where there is no body",
					},
					seed: {
						...{ type: "integer", minimum: 0, maximum: MAX_SEED },
						description: "in place of that of the first profile; the ones after it get those that follow",
					},
					agent,
				}),
				body: { content: { "application/yaml": { schema: { type: "string" } } } },
				answers: { 202: withDescription(ref("TrialBatch"), "The batch.") },
				errors: [404, 409, 503],
			}),
			bodyLimit: MAX_PROFILE_BYTES,
		},
		async ({ params: { vm }, query, body }, reply) => {
			const batch = body === undefined || body === "" ? undefined : parseBatch(body, "the profile");
			if (batch !== undefined) {
				checkTrialCount(batch, "the profile");
				await checkSchedules(batch);
			}
			if (batch?.vm !== undefined && batch.vm !== vm) {
				throw new UmbraError("conflict", `the profiles are made for VM ${batch.vm}, not for ${vm}`, {
					hint: "leave vm out of them where they are meant for any",
				});
			}
			const { point } = await findState(catalog, { vm, time: query.time });
			const stressed = batch === undefined ? undefined : wantedOf(batch, query.seed);
			const unstressed: WantedTrial = { profile: null, replays: null };
			const wanted = stressed ?? Array.from({ length: query.clones }, () => unstressed);
			const durationMs =
				Math.max(0, ...(batch?.profiles ?? []).map(({ duration }) => duration)) || query.seconds * 1000;
			const probes = batch?.probes ?? [];
			reply.code(202);
			return await batches.start({ point, agent: query.agent, trials: wanted, probes, durationMs });
		},
	);

	app.post<{ Params: IdParams; Querystring: ReplayQuery }>(
		"/v1/trials/:id/replays",
		operation({
			id: "replayTrial",
			tag: "trials",
			summary: "Run a trial again, from the same state under the same stress",
			description: `How often its failure came again is counted by its signature. ${GOES_ON}`,
			params: object({ id: { ...id, description: "as the listing shows it" } }, ["id"]),
			querystring: object({
				times: { type: "integer", minimum: 1, maximum: MAX_REPLAYS, default: 1, description: "how often" },
				agent,
			}),
			answers: { 202: withDescription(ref("TrialBatch"), "The batch.") },
			errors: [404, 409, 503],
		}),
		async ({ params, query: { times, agent: on } }, reply) => {
			const trial = await catalog.trials.trial(params.id);
			if (trial === undefined) {
				throw new UmbraError("not-found", `no trial ${JSON.stringify(params.id)}`, { hint: "umbra trials lists them" });
			}
			const point = await catalog.changeset(trial.vm, BigInt(trial.point));
			if (point?.state === undefined) {
				throw new UmbraError("not-found", `the state that ${trial.id} was made from is not kept any more`, {
					hint: `umbra hold keeps a point; umbra trial run ${trial.vm} --profile runs the same stress on another`,
				});
			}
			reply.code(202);
			return await batches.start({ point, agent: on, ...replaysOf(trial, times) });
		},
	);

	app.get(
		"/v1/trial-batches",
		operation({
			id: "listTrialBatches",
			tag: "trials",
			summary: "Trials that were ordered since the collector started, by batch",
			answers: { 200: withDescription(list(ref("TrialBatch")), "Running ones and the newest that ended.") },
		}),
		() => batches.list(),
	);

	app.get<{ Params: IdParams }>(
		"/v1/trial-batches/:id",
		operation({
			id: "getTrialBatch",
			tag: "trials",
			summary: "One batch: which of its trials have ended, and how",
			params: batchParams,
			answers: { 200: withDescription(ref("TrialBatch"), "The batch.") },
			errors: [404],
		}),
		({ params }) => batches.get(params.id),
	);

	app.delete<{ Params: IdParams }>(
		"/v1/trial-batches/:id",
		operation({
			id: "cancelTrialBatch",
			tag: "trials",
			summary: "End a batch: its trials that have not ended are lost",
			params: batchParams,
			answers: { 200: withDescription(ref("TrialBatch"), "As it was.") },
			errors: [404],
		}),
		({ params }) => batches.cancel(params.id),
	);
}

/** One after the other, with the loop free in between: each may take as long as 100,000 steps do. @throws UmbraError `bad-config`. */
async function checkSchedules({ profiles }: TrialBatch): Promise<void> {
	for (const profile of profiles) {
		scheduleOf(profile);
		await setImmediate();
	}
}

/** A control runs beside the others unless the batch says otherwise. */
function wantedOf({ control, profiles }: TrialBatch, seed: number | undefined): WantedTrial[] {
	const stressed = profiles.map((profile, at): WantedTrial => {
		const own = seed === undefined ? profile.seed : (seed + at) % (MAX_SEED + 1);
		return { profile: { ...profile, seed: own }, replays: null };
	});
	return [...stressed, ...(control ? [{ profile: null, replays: null }] : [])];
}
