import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { CORRUPTION_SHARE, generateProfile, LEVELS, type LoadAverages, SPIKE_SHARE } from "./generate.ts";
import type { StressProfile } from "./profile.ts";
import { scheduleOf } from "./schedule.ts";

const PROFILES = 10_000;
const averages: LoadAverages = { cpuPercent: 40, memoryPercent: 60, ioBytesPerSecond: 5_000_000 };

const has = ({ phases }: StressProfile, ...levers: readonly string[]): boolean =>
	phases.some((phase) => phase.levers.some(({ lever }) => levers.includes(lever)));

describe("generateProfile", () => {
	it("stays within the ranges, fills them evenly, and has faults in the shares that it says, over 10,000 profiles", (context) => {
		const first = testRandom(context).below(2 ** 31);
		let [corrupted, spiked, both] = [0, 0, 0];
		const tenths = {
			cpuPercent: Array(10).fill(0),
			memoryPercent: Array(10).fill(0),
			ioBytesPerSecond: Array(10).fill(0),
		};
		for (let at = 0; at < PROFILES; at++) {
			const profile = generateProfile({ vm: "web1", averages, seed: first + at });
			const [load] = profile.phases[0]?.levers ?? [];
			assert.ok(load?.lever === "load");
			for (const name of Object.keys(LEVELS) as (keyof LoadAverages)[]) {
				const { factor, variation } = LEVELS[name];
				const share = (Number(load[name]) / (averages[name] * factor) - 1) / variation;
				assert.ok(Math.abs(share) <= 1.0001, `seed ${first + at}: ${name} ${load[name]}`);
				tenths[name][Math.min(9, Math.max(0, Math.floor((share + 1) * 5)))]++;
			}
			const [isCorrupted, isSpiked] = [
				has(profile, "memory-corruption"),
				has(profile, "disk-latency", "network-latency"),
			];
			if (isCorrupted) corrupted++;
			if (isSpiked) spiked++;
			if (isCorrupted && isSpiked) both++;
			for (const { from, for: length } of profile.phases) {
				assert.ok(from >= 5000 && from + (length ?? 0) <= profile.duration, `seed ${first + at}`);
			}
		}
		/** Six standard deviations of a binomial share: wrong once in five hundred million runs. */
		const near = (found: number, share: number, what: string): void => {
			const deviation = Math.sqrt(PROFILES * share * (1 - share));
			assert.ok(Math.abs(found - PROFILES * share) < 6 * deviation, `${what}: ${found} of ${PROFILES}`);
		};
		near(corrupted, CORRUPTION_SHARE, "memory corruption");
		near(spiked, SPIKE_SHARE, "latency spikes");
		near(both, CORRUPTION_SHARE * SPIKE_SHARE, "both");
		for (const [name, counts] of Object.entries(tenths))
			for (const count of counts) near(count, 0.1, `a tenth of ${name}`);
	});

	it("never asks for more than all of a thing", () => {
		const all = { cpuPercent: 100, memoryPercent: 97, ioBytesPerSecond: 0 };
		for (let seed = 0; seed < 100; seed++) {
			const [load] = generateProfile({ vm: "x", averages: all, seed }).phases[0]?.levers ?? [];
			assert.ok(load?.lever === "load" && Number(load.cpuPercent) <= 100 && Number(load.memoryPercent) <= 100);
			assert.equal(load.ioBytesPerSecond, 0);
		}
	});

	it("makes the same of the same seed, today and in a year, and something else of the next", () => {
		const make = (seed: number) => generateProfile({ vm: "web1", averages, seed });
		assert.deepEqual(make(7), make(7));
		assert.notDeepEqual(make(7).phases, make(8).phases);
		assert.deepEqual(make(7), GOLDEN);
	});
});

const GOLDEN: StressProfile = {
	name: "web1-7",
	seed: 7,
	duration: 120_000,
	phases: [
		{
			from: 5000,
			for: 115_000,
			levers: [{ lever: "load", cpuPercent: 42.372, memoryPercent: 64.557, ioBytesPerSecond: 6_430_150 }],
		},
	],
	probes: [],
};

describe("scheduleOf", () => {
	const base = { name: "x", seed: 3, duration: 60_000, probes: [] };

	it("sets what is held when its phase begins, moves it along, and takes it back; does what is momentary again and again", () => {
		const steps = scheduleOf({
			...base,
			phases: [
				{
					from: 10_000,
					for: 4000,
					levers: [{ lever: "cpu-share", percent: { ramp: [10, 50], every: 1000 } }, { lever: "network-link" }],
				},
				{
					from: 14_000,
					for: 5000,
					levers: [
						{ lever: "cpu-share", percent: 90 },
						{ lever: "nmi", every: 2000 },
					],
				},
			],
		});
		assert.deepEqual(
			steps.map(({ atMs, lever, action, values }) => [atMs, lever, action, values["percent"]]),
			[
				[10_000, "cpu-share", "set", 10],
				[10_000, "network-link", "set", undefined],
				[11_000, "cpu-share", "set", 20],
				[12_000, "cpu-share", "set", 30],
				[13_000, "cpu-share", "set", 40],
				[14_000, "cpu-share", "revert", undefined],
				[14_000, "network-link", "revert", undefined],
				[14_000, "cpu-share", "set", 90],
				[14_000, "nmi", "fire", undefined],
				[16_000, "nmi", "fire", undefined],
				[18_000, "nmi", "fire", undefined],
				[19_000, "cpu-share", "revert", undefined],
			],
		);
	});

	it("draws what is left to chance from the seed alone, lever by lever", (context) => {
		const random = testRandom(context);
		const profile = (seed: number, percent: number): StressProfile => ({
			...base,
			seed,
			phases: [
				{
					from: 0,
					levers: [
						{ lever: "cpu-share", percent },
						{ lever: "disk-latency", ms: { between: [10, 500] }, jitterMs: 0 },
					],
				},
				{ from: 0, levers: [{ lever: "cpu-stall", ms: 100, every: 3000, jitter: 1000 }] },
			],
		});
		const seed = random.below(2 ** 31);
		assert.deepEqual(scheduleOf(profile(seed, 10)), scheduleOf(profile(seed, 10)));
		const others = (steps: ReturnType<typeof scheduleOf>) => steps.filter(({ lever }) => lever !== "cpu-share");
		assert.deepEqual(others(scheduleOf(profile(seed, 10))), others(scheduleOf(profile(seed, 20))));
		assert.notDeepEqual(others(scheduleOf(profile(seed, 10))), others(scheduleOf(profile(seed + 1, 10))));
	});

	it("keeps to whole milliseconds within the trial, in order, and never sets what it does not take back", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 200; round++) {
			const from = random.below(30_000);
			const every = random.between(100, 5000);
			const steps = scheduleOf({
				...base,
				seed: random.below(2 ** 32),
				phases: [
					{ from, for: random.between(1, 20_000), levers: [{ lever: "nmi", every, jitter: random.below(9000) }] },
					{ from, levers: [{ lever: "network-loss", percent: { ramp: [0, 100], every } }] },
				],
			});
			const open = new Set<string>();
			for (const [at, { atMs, lever, action }] of steps.entries()) {
				assert.ok(Number.isInteger(atMs) && atMs >= from && atMs <= 60_000 && atMs >= (steps[at - 1]?.atMs ?? 0));
				if (action === "set") open.add(lever);
				if (action === "revert") assert.ok(open.delete(lever));
			}
			assert.equal(open.size, 0);
		}
	});

	it("refuses a profile of more steps than anyone means", () => {
		const phases = Array.from({ length: 3 }, () => ({
			from: 0,
			levers: Array.from({ length: 5 }, () => ({ lever: "nmi" as const, every: 10 })),
		}));
		assert.throws(() => scheduleOf({ ...base, duration: 864e5, phases }), {
			code: "bad-config",
			message: /phases\.0\.levers\.0: more than 100000 steps/,
		});
	});
});
