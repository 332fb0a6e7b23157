import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UmbraError } from "../../../common/errors.ts";
import { LEVER_NAMES, type LeverName } from "../../../common/trial/levers.ts";
import type { StressProfile } from "../../../common/trial/profile.ts";
import { scheduleOf } from "../../../common/trial/schedule.ts";
import { type Clock, LeverDriver } from "./driver.ts";
import type { Lever, LeverTarget, MakeLever } from "./lever.ts";
import { LEVERS } from "./levers.ts";

/** Time goes on when everything that is to be done now has been. */
class TestClock implements Clock {
	#now = 1000;
	readonly #sleepers: { readonly until: number; readonly wake: () => void }[] = [];

	now(): number {
		return this.#now;
	}

	async sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		await new Promise<void>((resolve, reject) => {
			const abort = () => reject(signal.reason);
			signal.addEventListener("abort", abort, { once: true });
			const wake = () => {
				signal.removeEventListener("abort", abort);
				resolve();
			};
			this.#sleepers.push({ until: this.#now + milliseconds, wake });
		});
	}

	async pass(milliseconds: number): Promise<void> {
		const end = this.#now + milliseconds;
		for (;;) {
			await new Promise(setImmediate);
			const next = this.#sleepers.sort((one, other) => one.until - other.until)[0];
			if (next === undefined || next.until > end) break;
			this.#sleepers.shift();
			this.#now = Math.max(this.#now, next.until);
			next.wake();
		}
		this.#now = end;
		await new Promise(setImmediate);
	}
}

type Told = [name: string, what: "apply" | "verify" | "revert", atMs: number];

/** Levers that write down what is asked of them; `over` says what else they do. */
function fakes(clock: Clock, over: Partial<Record<LeverName, Partial<Lever>>> = {}) {
	const told: Told[] = [];
	let made = 0;
	const make = (name: LeverName): MakeLever => {
		return () => {
			made++;
			const tell = (what: Told[1]) => told.push([name, what, clock.now() - 1000]);
			return {
				apply: async (move) => {
					tell("apply");
					return (await over[name]?.apply?.(move)) ?? {};
				},
				verify: async (signal) => {
					tell("verify");
					await over[name]?.verify?.(signal);
				},
				revert: async (signal) => {
					tell("revert");
					await over[name]?.revert?.(signal);
				},
			};
		};
	};
	const levers = Object.fromEntries(LEVER_NAMES.map((name) => [name, make(name)])) as Record<LeverName, MakeLever>;
	return { levers, told, made: () => made };
}

const target = {} as LeverTarget;
const profile = (phases: StressProfile["phases"]): StressProfile => ({
	...{ name: "x", seed: 1, duration: 10_000, probes: [] },
	phases,
});
const PROFILE = profile([
	{ from: 1000, for: 2000, levers: [{ lever: "cpu-share", percent: { ramp: [10, 30], every: 1000 } }] },
	{ from: 2500, for: 1000, levers: [{ lever: "nmi", every: 400 }] },
]);

function drive(
	phases: StressProfile,
	over: Partial<Record<LeverName, Partial<Lever>>> = {},
	signal = new AbortController().signal,
) {
	const clock = new TestClock();
	const { levers, told, made } = fakes(clock, over);
	const driver = LeverDriver.start({ steps: scheduleOf(phases), target, originMs: 1000, signal, levers, clock });
	return { clock, driver, told, made };
}

describe("LEVERS", () => {
	it("has one for each name", () => {
		assert.deepEqual(Object.keys(LEVERS).sort(), [...LEVER_NAMES].sort());
	});
});

describe("LeverDriver", () => {
	it("moves each lever at its time, one object a setting, asks whether it holds, and tells all of it", async () => {
		const { clock, driver, told, made } = drive(PROFILE, { nmi: { apply: async () => ({ told: "more" }) } });
		assert.equal(driver.firstStressMs, null);
		await clock.pass(10_000);
		await driver.finished;
		assert.deepEqual(told, [
			...[
				["cpu-share", "apply", 1000],
				["cpu-share", "verify", 1000],
				["cpu-share", "apply", 2000],
				["cpu-share", "verify", 2000],
			],
			...[2500, 2900].flatMap((at) => [
				["nmi", "apply", at],
				["nmi", "verify", at],
			]),
			["cpu-share", "verify", 3000],
			["cpu-share", "revert", 3000],
			["nmi", "apply", 3300],
			["nmi", "verify", 3300],
		]);
		assert.deepEqual(
			driver.log.map(({ atMs, lever, action, values, problem }) => [atMs, lever, action, values, problem]),
			[
				[1000, "cpu-share", "set", { percent: 10 }, ""],
				[2000, "cpu-share", "set", { percent: 20 }, ""],
				[2500, "nmi", "fire", { told: "more" }, ""],
				[2900, "nmi", "fire", { told: "more" }, ""],
				[3000, "cpu-share", "revert", {}, ""],
				[3300, "nmi", "fire", { told: "more" }, ""],
			],
		);
		assert.equal(driver.firstStressMs, 1000);
		assert.equal(made(), 2);
		await driver.stop();
		assert.deepEqual(told.at(-1), ["nmi", "revert", 10_000]);
		assert.equal(driver.log.length, 6);
	});

	it("goes on where a lever cannot be moved or does not hold, and tells why", async () => {
		const refused = new UmbraError("unsupported", "no cpu here");
		const { clock, driver } = drive(PROFILE, {
			"cpu-share": { apply: () => Promise.reject(refused) },
			nmi: { verify: () => Promise.reject(new Error("nothing came")) },
		});
		await clock.pass(10_000);
		assert.deepEqual(
			driver.log.map(({ atMs, problem }) => [atMs, problem]),
			[
				[1000, "no cpu here"],
				[2000, "no cpu here"],
				[2500, "nothing came"],
				[2900, "nothing came"],
				[3000, ""],
				[3300, "nothing came"],
			],
		);
		assert.equal(driver.firstStressMs, 2500);
	});

	it("tells of a lever that held when it was set and not when it was to be taken back, be it at the end", async () => {
		const levers = [{ lever: "disk-rate" as const, requestsPerSecond: 1 }];
		const phases = [...PROFILE.phases, { from: 0, for: 10_000, levers }];
		let asked = 0;
		const verify = async () => {
			if (++asked > 1) throw new UmbraError("unavailable", "killed");
		};
		const { clock, driver, told } = drive(profile(phases), { "disk-rate": { verify } });
		await clock.pass(9_000);
		await driver.stop();
		assert.deepEqual(told.at(-1), ["disk-rate", "revert", 9_000], "it is taken back all the same");
		const { lever, action, problem } = driver.log.at(-1) ?? {};
		assert.deepEqual([lever, action, problem], ["disk-rate", "revert", "it did not hold to the end: killed"]);
		assert.ok(
			driver.log.slice(0, -1).every((entry) => entry.problem === ""),
			JSON.stringify(driver.log),
		);
	});

	it("tells a lever that could not even be made", async () => {
		const clock = new TestClock();
		const { levers } = fakes(clock);
		const make = () => {
			throw new UmbraError("unsupported", "not built");
		};
		const steps = scheduleOf(PROFILE);
		const { signal } = new AbortController();
		const driver = LeverDriver.start({
			steps,
			target,
			originMs: 1000,
			signal,
			levers: { ...levers, "cpu-share": make },
			clock,
		});
		await clock.pass(10_000);
		assert.deepEqual(
			driver.log.filter(({ problem }) => problem !== "").map(({ atMs, problem }) => [atMs, problem]),
			[
				[1000, "not built"],
				[2000, "not built"],
			],
		);
	});

	it("does what is late at once, in order, and lets other levers not wait for it", async () => {
		const slow = Promise.withResolvers<void>();
		const { clock, driver, told } = drive(PROFILE, {
			"cpu-share": { verify: () => slow.promise },
		});
		await clock.pass(5000);
		assert.deepEqual(
			told.filter(([name]) => name === "nmi").map(([, , at]) => at),
			[2500, 2500, 2900, 2900, 3300, 3300],
		);
		assert.equal(told.filter(([name]) => name === "cpu-share").length, 2);
		slow.resolve();
		await driver.finished;
		assert.deepEqual(
			told.filter(([name]) => name === "cpu-share").map(([, what, at]) => [what, at]),
			[
				["apply", 1000],
				["verify", 1000],
				["apply", 5000],
				["verify", 5000],
				["verify", 5000],
				["revert", 5000],
			],
		);
	});

	for (const way of ["stopped", "aborted", "disposed of"] as const) {
		it(`takes back what is set when it is ${way}, and moves nothing afterwards`, async () => {
			const abort = new AbortController();
			const { clock, driver, told } = drive(PROFILE, {}, abort.signal);
			await clock.pass(1500);
			if (way === "stopped") await driver.stop();
			else if (way === "aborted") abort.abort();
			else await driver[Symbol.asyncDispose]();
			await driver.finished;
			await driver.stop();
			await clock.pass(10_000);
			assert.deepEqual(told.slice(2), [
				["cpu-share", "verify", 1500],
				["cpu-share", "revert", 1500],
			]);
			assert.deepEqual(driver.log.at(-1), {
				atMs: 1500,
				lever: "cpu-share",
				action: "revert",
				values: {},
				problem: "",
			});
		});
	}

	it("first ends what has the clone stand, for whose answer others may wait", async () => {
		const answer = Promise.withResolvers<void>();
		const { clock, driver, told } = drive(PROFILE, {
			"cpu-share": { verify: () => answer.promise },
			nmi: { revert: async () => answer.resolve() },
		});
		await clock.pass(2600);
		await driver.stop();
		assert.deepEqual(told.slice(-3), [
			["nmi", "revert", 2600],
			["cpu-share", "verify", 2600],
			["cpu-share", "revert", 2600],
		]);
	});

	it("tells what could not be taken back, and tries it again at the end only where it was interrupted", async () => {
		let tries = 0;
		const { clock, driver } = drive(PROFILE, {
			"cpu-share": {
				revert: async (signal) => {
					tries++;
					if (tries === 1) {
						await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
					}
					throw new Error("it sticks");
				},
			},
		});
		await clock.pass(4000);
		await driver.stop();
		await driver.stop();
		assert.equal(tries, 2);
		assert.deepEqual(
			driver.log.filter(({ action }) => action === "revert").map(({ problem }) => problem),
			["it sticks"],
		);
	});

	it("keeps no more entries than a report may have", async () => {
		const { clock, driver } = drive(profile([{ from: 0, for: 5100, levers: [{ lever: "nmi", every: 1 }] }]));
		await clock.pass(10_000);
		assert.equal(driver.log.length, 5000);
		assert.equal(driver.droppedEntries, 100);
	});
});
