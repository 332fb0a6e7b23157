/**
 * When readings are taken. Time is cut into intervals that begin at multiples of the interval since 1970, and each into
 * *slots*. Whoever is read has a slot, the same in every interval: so every series is evenly spaced for as long as the
 * agent runs, and the work of many VMs is spread. Several in a slot are read together, which costs a good deal less
 * than waking up for each.
 */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const SECOND_MS = 1000;
const SLOTS = 10;

export interface Slot {
	/** What its readings carry, in Unix milliseconds: the slot's whole second, exactly an interval after the one before. */
	readonly timeMs: number;
}

/** Where in an interval `name` has its slot, in milliseconds: the same in every run, and in any for names that are alike. */
export function offsetOf(name: string, intervalMs: number): number {
	const hash = createHash("sha256").update(name).digest().readUInt32LE();
	return (hash % SLOTS) * (intervalMs / SLOTS);
}

/** The slot that comes next after `nowMs`, and in how many milliseconds. `offsetMs` is the slot's place in the interval. */
export function nextSlot(nowMs: number, intervalMs: number, offsetMs: number): Slot & { readonly inMs: number } {
	const round = Math.floor((nowMs - offsetMs) / intervalMs) + 1;
	const startMs = round * intervalMs;
	return {
		timeMs: startMs + Math.floor(offsetMs / SECOND_MS) * SECOND_MS,
		inMs: startMs + offsetMs - nowMs,
	};
}

/**
 * The slots, each when it begins, until the signal is aborted. Those that pass while the loop is busy are left out. The
 * wall clock decides: when it is set, the slots follow it.
 */
export async function* slots(intervalMs: number, offsetMs: number, signal: AbortSignal): AsyncGenerator<Slot> {
	let last: number | undefined;
	while (!signal.aborted) {
		const slot = nextSlot(Date.now(), intervalMs, offsetMs);
		try {
			await sleep(slot.inMs, undefined, { signal });
		} catch {
			return;
		}
		// A timer may ring a little early: then the same slot comes again.
		if (slot.timeMs === last) continue;
		last = slot.timeMs;
		yield { timeMs: slot.timeMs };
	}
}
