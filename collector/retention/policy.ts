/**
 * `collector/retention/` decides which points stay and sees to it that the others, and the space that they took, go.
 * Words: a *policy* says how many points of a VM to keep; a *hold* keeps one point whatever the policy says; the
 * *head* is the point of a VM that its agent builds upon, the newest but for what was imported; a *job* is long work on the vault, such as giving
 * back space or a check. It knows the catalog's points and the vault's promises, nothing of agents or of files.
 *
 * This file is the decision, without a clock and a store.
 */
import type { RetentionPolicy } from "./settings.ts";

export type KeepReason =
	| ("head" | "hold" | "alert" | "unjudged" | "imported")
	| ("last" | "hourly" | "daily" | "weekly" | "monthly");

export interface Decision {
	/** Unix nanoseconds. */
	readonly time: bigint;
	/** Why the point stays; empty: it goes. */
	readonly reasons: readonly KeepReason[];
}

const NS_PER_HOUR = 3_600_000_000_000n;
const NS_PER_DAY = 24n * NS_PER_HOUR;

type Rule = "last" | "hourly" | "daily" | "weekly" | "monthly";

/** The number of the period, UTC, that a time lies in. Of each of the newest periods with points, the newest point stays. */
const PERIODS: Readonly<Record<Rule, (time: bigint) => bigint>> = {
	last: (time) => time,
	hourly: (time) => time / NS_PER_HOUR,
	daily: (time) => time / NS_PER_DAY,
	// ISO weeks begin on Monday, and day 0, 1970-01-01, was a Thursday.
	weekly: (time) => (time / NS_PER_DAY + 3n) / 7n,
	monthly: monthOf,
};

const EVERYTHING: RetentionPolicy = {
	last: Number.POSITIVE_INFINITY,
	hourly: 0,
	daily: 0,
	weekly: 0,
	monthly: 0,
	keepAll: true,
	keepImported: true,
};

/**
 * Decides about every point of one VM.
 *
 * @param times of all its points, newest first.
 * @param kept reasons that do not come from the policy's rules, by time. One that is kept as imported is none of those
 * that the rules count.
 */
export function decide(
	times: readonly bigint[],
	policy: RetentionPolicy,
	kept: ReadonlyMap<bigint, readonly KeepReason[]> = new Map(),
): Decision[] {
	const wanted = policy.keepAll ? EVERYTHING : policy;
	const rules = (Object.keys(PERIODS) as Rule[]).map((rule) => ({ rule, left: wanted[rule], period: -1n }));
	return times.map((time) => {
		const reasons = [...(kept.get(time) ?? [])];
		if (reasons.includes("imported")) return { time, reasons };
		for (const state of rules) {
			const period = PERIODS[state.rule](time);
			if (state.left === 0 || period === state.period) continue;
			state.period = period;
			state.left--;
			reasons.push(state.rule);
		}
		return { time, reasons };
	});
}

function monthOf(time: bigint): bigint {
	const date = new Date(Number(time / 1_000_000n));
	return BigInt(date.getUTCFullYear() * 12 + date.getUTCMonth());
}
