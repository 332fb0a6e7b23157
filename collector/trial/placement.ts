/** Which agent a batch goes to. Pure. */
import { UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";
import type { AgentStatus, TrialCapacity } from "../ingest/heartbeat.ts";

export interface Placement {
	/** Id or host; any by default. */
	readonly agent: string | undefined;
	/** Of the guest that is cloned. */
	readonly memoryBytes: number;
	/** True for agents that run a batch now: what others say is reserved is of one that has ended since. */
	readonly isBusy: (agentId: string) => boolean;
}

interface Offer {
	readonly agent: AgentStatus;
	readonly trials: TrialCapacity;
	/** Bytes that it may come to have for this batch. */
	readonly memoryBytes: number;
	readonly freeSlots: number;
	/** Clones that there is room for, by slots and by memory. */
	readonly clones: number;
}

/**
 * The one that had room for the most clones when it was last heard of, of several the one with the most slots; whether there is room
 * now, it knows itself.
 *
 * @throws UmbraError `unavailable` where no agent takes trials, or none has the memory for one clone.
 */
export function chooseAgent(all: readonly AgentStatus[], placement: Placement): AgentStatus {
	const { agent: wanted, memoryBytes, isBusy } = placement;
	const offers = all.flatMap((agent): Offer[] => {
		const trials = agent.heartbeat?.trials;
		if (agent.stale || !trials || (wanted !== undefined && agent.id !== wanted && agent.host !== wanted)) return [];
		const freeSlots = Math.max(0, trials.slots - trials.usedSlots);
		const byMemory = Math.floor(leftOf(trials) / Math.max(1, memoryBytes));
		const most = isBusy(agent.id) ? leftOf(trials) : trials.memoryBytes;
		return [{ agent, trials, memoryBytes: most, freeSlots, clones: Math.min(freeSlots, byMemory) }];
	});
	if (offers.length === 0) {
		throw new UmbraError("unavailable", `no connected agent${wanted === undefined ? "" : ` ${wanted}`} takes trials`, {
			hint: "an agent does once its settings have trials: { slots, memory }",
		});
	}
	const [first, ...others] = offers.filter((offer) => offer.memoryBytes >= memoryBytes);
	if (first !== undefined) return others.reduce((one, other) => (isRoomier(other, one) ? other : one), first).agent;
	const lacks = offers.map(({ agent, trials, memoryBytes: left }) => {
		const of = `${formatBytes(left)} of the ${formatBytes(trials.memoryBytes)} for trials are left`;
		return `${agent.host} lacks ${formatBytes(memoryBytes - left)} (${of})`;
	});
	throw new UmbraError(
		"unavailable",
		`no agent has the ${formatBytes(memoryBytes)} of memory that one clone may come to need: ${lacks.join("; ")}`,
		{
			context: { wanted: memoryBytes },
			hint: "wait until batches have ended (umbra trial batches), or give trials more: trials.memory",
		},
	);
}

function leftOf({ memoryBytes, reservedBytes }: TrialCapacity): number {
	return Math.max(0, memoryBytes - reservedBytes);
}

function isRoomier(one: Offer, other: Offer): boolean {
	return one.clones > other.clones || (one.clones === other.clones && one.freeSlots > other.freeSlots);
}
