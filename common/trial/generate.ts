/** Profiles made from what a VM does anyway: a little more of it than usual, and now and then a fault. */
import { createRandom, type Random } from "../random.ts";
import type { LeverSetting } from "./levers.ts";
import type { StressProfile } from "./profile.ts";
import { rounded } from "./schedule.ts";

/** What a VM does on average. */
export interface LoadAverages {
	/** Of all its vCPUs, 0 to 100. */
	readonly cpuPercent: number;
	/** Of its memory, 0 to 100. */
	readonly memoryPercent: number;
	/** Read and written, of all disks. */
	readonly ioBytesPerSecond: number;
}

/** How much more than the average, and how far from that, up or down. */
export const LEVELS = {
	cpuPercent: { factor: 1.2, variation: 0.2, most: 100 },
	memoryPercent: { factor: 1.1, variation: 0.1, most: 100 },
	ioBytesPerSecond: { factor: 1.3, variation: 0.15, most: 1e12 },
} as const satisfies Readonly<Record<keyof LoadAverages, object>>;

/** Shares of the profiles that have one. */
export const CORRUPTION_SHARE = 0.1;
export const SPIKE_SHARE = 0.05;
/** Of spikes: what people notice, to what makes services give up. */
const SPIKE_MS = [100, 1000] as const;
const SPIKE_LASTS_MS = [1000, 10_000] as const;
/** The clone runs as it came before any stress, so that what it does by itself can be told from that. */
const SETTLE_MS = 5000;

export interface GenerateOptions {
	readonly vm: string;
	readonly averages: LoadAverages;
	/** 0 to 2^32 - 1. */
	readonly seed: number;
	/** At least 10 s; 2 minutes unless given. */
	readonly durationMs?: number;
}

/** The same seed and averages give the same profile. */
export function generateProfile({ vm, averages, seed, durationMs = 120_000 }: GenerateOptions): StressProfile {
	const random = createRandom(seed);
	const level = (name: keyof LoadAverages): number => {
		const { factor, variation, most } = LEVELS[name];
		const strayed = 1 + (random.fraction() * 2 - 1) * variation;
		return rounded(Math.min(averages[name] * factor * strayed, most));
	};
	const load: LeverSetting = {
		lever: "load",
		cpuPercent: level("cpuPercent"),
		memoryPercent: level("memoryPercent"),
		ioBytesPerSecond: Math.round(level("ioBytesPerSecond")),
	};
	const phases: StressProfile["phases"] = [{ from: SETTLE_MS, for: durationMs - SETTLE_MS, levers: [load] }];
	// Drawn in any case, so that one has nothing to do with the other.
	const [isCorrupted, isSpiked] = [random.chance(CORRUPTION_SHARE), random.chance(SPIKE_SHARE)];
	if (isCorrupted) phases.push({ from: instant(random, durationMs), levers: [corruption(random)] });
	if (isSpiked) {
		const lasts = random.between(...SPIKE_LASTS_MS);
		const from = instant(random, durationMs);
		phases.push({ from, for: Math.min(lasts, durationMs - from), levers: [spike(random)] });
	}
	return { name: `${vm}-${seed}`.slice(-200), seed, duration: durationMs, phases, probes: [] };
}

/** While it is under stress, with time left to show what comes of it. */
function instant(random: Random, durationMs: number): number {
	return random.between(SETTLE_MS, Math.max(SETTLE_MS, Math.floor(durationMs * 0.75)));
}

function corruption(random: Random): LeverSetting {
	const pages = random.pick(["any", "kernel", "user"] as const);
	return { lever: "memory-corruption", pages, count: random.between(1, 8), bitsPerPage: random.between(1, 4) };
}

function spike(random: Random): LeverSetting {
	const [ms, lever] = [random.between(...SPIKE_MS), random.pick(["disk-latency", "network-latency"] as const)];
	return { lever, ms, jitterMs: Math.round(ms / 10) };
}
