/** Trials: clones of a VM's state, on an agent that has room for them. */
import type { FastifyInstance } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { toLong, toNumber, type wire } from "../../proto/service.ts";
import type { AgentStatus } from "../ingest/heartbeat.ts";
import { ref, withDescription } from "./answers.ts";
import { type ApiContext, requestSignal } from "./context.ts";
import { operation } from "./operation.ts";
import { refusedBy } from "./orders.ts";
import { fields, object, type VmParams, vmParams } from "./schemas.ts";
import { findState } from "./state-routes.ts";

const MAX_CLONES = 64;
const MAX_SECONDS = 3600;
/** To bring the state to the agent, and to take everything down again. */
const SPARE_MS = 900_000;

export interface CloneRunView {
	readonly name: string;
	/** From the start of its process until it ran. */
	readonly startedMs: number;
	/** Of the host's memory. */
	readonly ownBytes: number;
	readonly sharedBytes: number;
	readonly survived: boolean;
	/** How it ended; empty where it survived. */
	readonly end: string;
	readonly sentFrames: number;
	readonly consoleBytes: number;
}

export interface TrialRunView {
	readonly vm: string;
	readonly time: string;
	readonly agentId: string;
	readonly host: string;
	/** Until the state was ready to be cloned. */
	readonly templateMs: number;
	readonly ramBytes: number;
	readonly diskBytes: number;
	readonly clones: readonly CloneRunView[];
	/** In what clones differ from their machine. */
	readonly notes: readonly string[];
}

interface TrialQuery {
	readonly time: string;
	readonly clones: number;
	readonly seconds: number;
	readonly agent?: string;
}

export function runTrialRoutes(app: FastifyInstance, { catalog, agents, tickets, closing }: ApiContext): void {
	app.post<{ Params: VmParams; Querystring: TrialQuery }>(
		"/v1/vms/:vm/trials",
		operation({
			id: "runTrial",
			tag: "trials",
			summary: "Let clones of a VM's state run for a while, isolated, on an agent that has room",
			description: "Answers when they have run and are gone again.",
			params: vmParams,
			querystring: object({
				time: { ...fields.time, default: "latest", description: "the newest state at or before it" },
				clones: { type: "integer", minimum: 1, maximum: MAX_CLONES, default: 1, description: "how many" },
				seconds: { type: "integer", minimum: 0, maximum: MAX_SECONDS, default: 30, description: "that each runs" },
				agent: { type: "string", minLength: 1, maxLength: 255, description: "on this agent; any with room by default" },
			}),
			answers: { 200: withDescription(ref("TrialRun"), "How they fared.") },
			errors: [404, 409, 503],
		}),
		async ({ params: { vm }, query }, reply): Promise<TrialRunView> => {
			const { point } = await findState(catalog, { vm, time: query.time });
			const agent = choose(agents.list(), query);
			using ticket = tickets.issue(point);
			const durationMs = query.seconds * 1000;
			const runTrial = {
				...{ ticket: ticket.bytes, vm, timeNs: toLong(BigInt(point.time)) },
				...{ clones: query.clones, durationMs: toLong(durationMs) },
			};
			const signal = requestSignal(reply, closing);
			const result = await agents.sendOrder(agent.id, { runTrial }, { timeoutMs: durationMs + SPARE_MS, signal });
			if (!result.ok || !result.trial) throw refusedBy(agent.id, `a trial of ${vm}`, result);
			return { vm, time: point.time, agentId: agent.id, host: agent.host, ...view(result.trial) };
		},
	);
}

/** The one that had the most room when it was last heard of; whether there is some now, it knows itself. @throws UmbraError `unavailable`, `not-found`. */
function choose(all: readonly AgentStatus[], { clones, agent }: TrialQuery): AgentStatus {
	const free = ({ heartbeat }: AgentStatus) => (heartbeat?.trials?.slots ?? 0) - (heartbeat?.trials?.usedSlots ?? 0);
	const offered = all.filter(({ stale, heartbeat }) => !stale && heartbeat?.trials);
	const named = agent === undefined ? offered : offered.filter(({ id, host }) => id === agent || host === agent);
	if (named.length === 0) {
		throw new UmbraError("unavailable", `no connected agent${agent === undefined ? "" : ` ${agent}`} takes trials`, {
			hint: "an agent does once its settings have trials: { slots, memory }",
		});
	}
	const large = named.filter(({ heartbeat }) => (heartbeat?.trials?.slots ?? 0) >= clones);
	if (large.length === 0) throw new UmbraError("unavailable", `no agent has ${clones} slots for trials`);
	return large.reduce((one, other) => (free(other) > free(one) ? other : one));
}

function view(trial: wire.v1.TrialResult.$Properties): Omit<TrialRunView, "vm" | "time" | "agentId" | "host"> {
	return {
		templateMs: trial.templateMs ?? 0,
		ramBytes: toNumber(trial.ramBytes),
		diskBytes: toNumber(trial.diskBytes),
		notes: trial.notes ?? [],
		clones: (trial.clones ?? []).slice(0, MAX_CLONES).map((clone) => ({
			name: clone.name ?? "",
			startedMs: clone.startedMs ?? 0,
			ownBytes: toNumber(clone.ownBytes),
			sharedBytes: toNumber(clone.sharedBytes),
			survived: clone.survived ?? false,
			end: clone.end ?? "",
			sentFrames: toNumber(clone.sentFrames),
			consoleBytes: toNumber(clone.consoleBytes),
		})),
	};
}
