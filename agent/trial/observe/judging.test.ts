import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LastingFailure } from "../../../common/failures/classifier.ts";
import type { FailureType } from "../../../common/failures/failures.ts";
import { Collapse } from "./collapse.ts";
import { type Look, Silence } from "./silence.ts";
import { Stalls } from "./stall.ts";
import { judge, type Seen } from "./verdict.ts";

describe("Silence", () => {
	const idle = { isAlive: false, isHeld: false, ranMs: 5, isMissed: false };
	/** Looks from 0, one a second; the seconds at which it came to count as silent. */
	const watch = (seconds: number, lookAt: (second: number) => Partial<Look>): number[] => {
		const silence = new Silence();
		return Array.from({ length: seconds }, (_, second) => second).filter(
			(second) => silence.look({ ...idle, atMs: second * 1000, ...lookAt(second) }) !== undefined,
		);
	};

	it("lets a guest be that has nothing to do", () => {
		assert.deepEqual(
			watch(600, () => ({})),
			[],
		);
	});

	it("tells once of an agent or a probe that had answered, where nothing else shows life either", () => {
		assert.deepEqual(
			watch(200, () => ({ isMissed: true })),
			[30],
		);
		assert.deepEqual(
			watch(200, (second) => ({ isMissed: true, isAlive: second % 20 === 0 })),
			[],
		);
	});

	it("tells of processors that are not even woken", () => {
		assert.deepEqual(
			watch(100, () => ({ ranMs: 0 })),
			[30],
		);
		assert.deepEqual(
			watch(100, () => ({ ranMs: undefined })),
			[],
		);
		// What they did after the last sign of life, before they stopped.
		assert.deepEqual(
			watch(100, (second) => ({ isAlive: second === 3, ranMs: second <= 4 ? 5 : 0 })),
			[34],
		);
	});

	it("does not count time in which the host did not let it run", () => {
		assert.deepEqual(
			watch(100, (second) => ({ isMissed: true, ranMs: 0, isHeld: second < 50 })),
			[79],
		);
	});

	it("tells again after signs of life", () => {
		assert.deepEqual(
			watch(100, (second) => ({ isMissed: true, isAlive: second === 40 })),
			[30, 70],
		);
	});
});

describe("Collapse", () => {
	const options = { floorMs: 1000, quietMs: 10_000 };
	/** One value a second: 10 ms while it is quiet, then those that are given. */
	const run = (values: readonly number[], more: Partial<ConstructorParameters<typeof Collapse>[0]> = {}) => {
		const collapse = new Collapse({ ...options, ...more });
		for (let second = 0; second < 10; second++) collapse.add(second * 1000, 10);
		const at = values.flatMap((value, index) => (collapse.add(10_000 + index * 1000, value) ? [index] : []));
		return { collapse, at };
	};

	it("tells of latencies many times the usual, that last", () => {
		const { collapse, at } = run(Array.from({ length: 30 }, () => 1500));
		assert.deepEqual([at, collapse.hasCollapsed, collapse.usualMs], [[10], true, 10]);
	});

	it("lets bursts be, and what people wait for, and what was slow before", () => {
		assert.deepEqual(run(Array.from({ length: 60 }, (_, at) => (at % 9 === 0 ? 900 : 5000))).at, []);
		assert.deepEqual(run(Array.from({ length: 60 }, () => 990)).at, []);
		assert.deepEqual(
			run(
				Array.from({ length: 60 }, () => 1500),
				{ usualMs: 100 },
			).at,
			[],
		);
		assert.deepEqual(run(Array.from({ length: 4 }, () => 60_000)).at, []);
	});

	it("says nothing where it is not known what is usual", () => {
		const collapse = new Collapse({ floorMs: 1, quietMs: 0 });
		for (let second = 0; second < 100; second++) assert.equal(collapse.add(second * 1000, 1e6), false);
	});

	it("is over with the first value that is as it should be", () => {
		assert.equal(run([...Array.from({ length: 30 }, () => 1500), 20]).collapse.hasCollapsed, false);
	});
});

describe("Stalls", () => {
	const failure = (type: FailureType, atMs: number) => ({ type, title: "in f", alternatives: ["or g"], atMs });
	/** Looks from 0, one a second, of milliseconds that the vCPUs ran; "held" where their process did not. */
	const seen = (looks: readonly (number | "held" | undefined)[]) => {
		const stalls = new Stalls();
		for (const [at, ran] of looks.entries()) stalls.look(at * 1000, ran === "held", ran === "held" ? 0 : ran);
		return stalls;
	};

	it("names what a kernel says after its machine stood still by that", () => {
		for (const looks of [
			[5, "held", "held", "held", 5, 5],
			[5, 0, 0, 0, 5, 5],
		] as const) {
			const stalls = seen(looks);
			for (const atMs of [3200, 4100, 8000]) {
				const { title, alternatives } = stalls.named(failure("soft-lockup", atMs));
				assert.deepEqual([title, alternatives], ["soft lockup after the machine stood still", []]);
			}
			assert.equal(stalls.named(failure("rcu-stall", 4000)).title, "RCU stall after the machine stood still");
			for (const other of [failure("soft-lockup", 1000), failure("soft-lockup", 9500), failure("oops", 4000)]) {
				assert.equal(stalls.named(other), other);
			}
		}
	});

	it("leaves alone what is told of a processor that did run, or of which nothing is known", () => {
		for (const looks of [
			[5, 1000, 1000, 1000, 1000],
			[5, 5, 0, 5, 5],
			[5, undefined, undefined, undefined, 5],
		]) {
			const other = failure("soft-lockup", 4000);
			assert.equal(seen(looks).named(other), other);
		}
	});
});

describe("judge", () => {
	const failureOf = (type: FailureType, atMs: number, consequences: readonly FailureType[] = []): LastingFailure => ({
		...{ type, title: type, alternatives: [], atMs, lastMs: atMs, count: 1, excerpt: [] },
		consequences: consequences.map((each) => ({ type: each, title: each, alternatives: [] })),
	});
	const ended = (failures: readonly LastingFailure[], more: Partial<Seen> = {}) =>
		judge({
			...{ failures, lastMs: failures.map(({ lastMs }) => lastMs), certainMs: null, isWell: true, answeredMs: null },
			...{ endMs: 120_000, ...more },
		});
	const SURVIVED = { failedMs: null, isDegraded: false };
	const DEGRADED = { failedMs: null, isDegraded: true };

	it("tells survived, degraded and failed apart", () => {
		assert.deepEqual(ended([]), SURVIVED);
		for (const type of ["oom-kill", "io-error", "probe-failure", "silence", "watchdog", "filesystem-error"] as const) {
			assert.deepEqual(ended([failureOf(type, 5000)]), DEGRADED, type);
		}
		for (const type of ["kernel-panic", "oops", "remount-read-only", "reboot", "deadlock", "unclassified"] as const) {
			assert.deepEqual(ended([failureOf(type, 5000)]), { failedMs: 5000, isDegraded: false }, type);
		}
		assert.deepEqual(ended([failureOf("io-error", 3000, ["remount-read-only"])]).failedMs, 3000);
	});

	it("takes for failed what is not well in the end, from its first failure on", () => {
		assert.deepEqual(ended([failureOf("oom-kill", 5000)], { isWell: false }).failedMs, 5000);
		assert.deepEqual(ended([], { isWell: false }).failedMs, 120_000);
		assert.deepEqual(ended([failureOf("oom-kill", 9000)], { certainMs: 7000 }).failedMs, 7000);
	});

	it("takes what was told to the end for what is not over, unless somebody answered since", () => {
		assert.deepEqual(ended([failureOf("soft-lockup", 30_000)]), DEGRADED);
		assert.deepEqual(ended([failureOf("soft-lockup", 110_000)]).failedMs, 110_000);
		assert.deepEqual(ended([failureOf("soft-lockup", 110_000)], { answeredMs: 115_000 }), DEGRADED);
		assert.deepEqual(ended([failureOf("soft-lockup", 110_000)], { answeredMs: 100_000 }).failedMs, 110_000);
	});
});
