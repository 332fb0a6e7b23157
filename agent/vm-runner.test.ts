import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pino } from "pino";
import { isUmbraError, UmbraError } from "../common/errors.ts";
import { silentLogger } from "../common/log.ts";
import { v1 } from "../proto/service.ts";
import { until } from "../test/support/wait.ts";
import type { CaptureOptions, CaptureResult, Capturer } from "./capture/capture.ts";
import type { VmSettings } from "./config.ts";
import type { DiskInfo, Machine } from "./hypervisor/hypervisor.ts";
import { VmRunner, type VmRunnerOptions } from "./vm-runner.ts";

/** A stand-in for a hypervisor's machine: it has disks to name and can go away; nobody can open a snapshot of it. */
class StandInMachine implements Machine {
	readonly name = "web";
	readonly uuid = "";
	readonly ended = new AbortController();
	readonly gone = this.ended.signal;
	found: DiskInfo[] = ["va", "vb"].map((id) => ({ id, size: 2 ** 20, format: "raw" }));
	state = async () => "running" as const;
	disks = async () => this.found;
	read = () => Promise.reject(new UmbraError("internal", "a stand-in has no counters"));
	openSnapshot = () => Promise.reject(new UmbraError("internal", "a stand-in has no snapshots"));
}

/** A stand-in for the capturer: its captures end when and how the test says. */
class StandInCapturer {
	readonly calls: {
		readonly disks: readonly string[];
		readonly signal: AbortSignal | undefined;
		readonly hasState: boolean;
		readonly state: CaptureOptions["state"];
	}[] = [];
	/** When a state was captured before, in Unix milliseconds. */
	last: number | undefined;
	/** A machine whose RAM cannot be captured. */
	refusesState = false;
	/** What a capture does; at once and well unless the test has other plans. */
	work: (signal: AbortSignal | undefined) => Promise<void> = async () => {};
	running = 0;

	lastState = async () => this.last;

	async capture(
		_machine: Machine,
		disks: readonly string[],
		{ signal, state }: CaptureOptions,
	): Promise<CaptureResult> {
		assert.equal(this.running++, 0, "two captures of one machine at a time");
		this.calls.push({ disks, signal, hasState: state !== undefined, state });
		const number = this.calls.length;
		try {
			if (state !== undefined && this.refusesState)
				throw new UmbraError("unsupported", "a device that is passed through");
			await this.work(signal);
			return {
				id: `c${number}`,
				sequence: BigInt(number),
				timeNs: BigInt(number),
				pauseNs: 0n,
				captureNs: 0n,
				disks: [],
				files: 0,
			};
		} finally {
			this.running--;
		}
	}
}

/** A runner that runs until the end of the scope. */
class Stage implements AsyncDisposable {
	readonly machine = new StandInMachine();
	readonly capturer = new StandInCapturer();
	readonly stop = new AbortController();
	readonly outcomes: boolean[] = [];
	readonly runner: VmRunner;
	readonly run: Promise<void>;

	constructor(
		settings: Partial<VmSettings> = {},
		options: Partial<Pick<VmRunnerOptions, "blocked" | "log" | "onDatabaseFailure">> & {
			readonly schedule?: string;
			readonly states?: string | undefined;
			readonly ram?: VmRunnerOptions["ram"];
			readonly prepare?: (capturer: StandInCapturer) => void;
		} = {},
	) {
		options.prepare?.(this.capturer);
		this.runner = new VmRunner({
			machine: this.machine,
			settings: { exclude: false, excludeDisks: [], ...settings },
			// Only the first capture comes by itself.
			defaultSchedule: options.schedule ?? "every 1h",
			states: options.states,
			ram: options.ram ?? {},
			capturer: this.capturer as unknown as Capturer,
			inTurn: (work) => work(),
			blocked: options.blocked ?? (async () => undefined),
			onCaptured: (succeeded) => this.outcomes.push(succeeded),
			onDatabaseFailure: options.onDatabaseFailure ?? ((error) => assert.fail(String(error))),
			log: options.log ?? silentLogger(),
		});
		this.run = this.runner.run(this.stop.signal);
	}

	async captures(count: number): Promise<void> {
		await until(() => this.capturer.calls.length >= count, { what: `${count} captures`, intervalMs: 2 });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.stop.abort();
		await this.run;
	}
}

/** Once everything that is ready has run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("VmRunner", () => {
	it("captures at once, then on schedule, all disks that are not excluded", async () => {
		await using stage = new Stage({ excludeDisks: ["vb", "vc"] }, { schedule: "every 1s" });
		await stage.captures(2);
		assert.deepEqual(
			stage.capturer.calls.map(({ disks }) => disks),
			[["va"], ["va"]],
		);
		const { disks, state, schedule } = stage.runner.status();
		assert.deepEqual(
			disks?.map(({ disk, excluded }) => [disk, excluded]),
			[
				["va", false],
				["vb", true],
			],
		);
		assert.equal(state, v1.VmState.VM_STATE_RUNNING);
		assert.equal(schedule, "every 1s");
	});

	it("captures RAM and devices when they are due, which a start of the agent does not change", async () => {
		const HOUR = 3_600_000;
		const hadState = async (states: string | undefined, last: number | undefined): Promise<boolean[]> => {
			await using stage = new Stage(
				{},
				{ schedule: "every 1s", states, prepare: (capturer) => (capturer.last = last) },
			);
			await stage.captures(2);
			return stage.capturer.calls.slice(0, 2).map(({ hasState }) => hasState);
		};
		const results = await Promise.all([
			hadState(undefined, undefined),
			hadState("every 12h", undefined),
			hadState("every 12h", Date.now() - HOUR),
			hadState("every 12h", Date.now() - 13 * HOUR),
		]);
		assert.deepEqual(results, [
			[false, false],
			[true, false],
			[false, false],
			[true, false],
		]);
		// More often than disks alone, if so told.
		await using stage = new Stage({}, { states: "every 1s" });
		await stage.captures(2);
		assert.deepEqual(
			stage.capturer.calls.map(({ hasState }) => hasState),
			[true, true],
		);
	});

	it("has RAM preallocated where the settings say so, whoever wants a state", async () => {
		await using stage = new Stage({}, { states: "every 1h", ram: { preallocate: true, askGuest: true } });
		await stage.captures(1);
		await stage.runner.captureNow({ state: { allowPause: true } });
		assert.deepEqual(
			stage.capturer.calls.map(({ state }) => state),
			[
				{ allowPause: false, preallocate: true, askGuest: true },
				{ allowPause: true, preallocate: true, askGuest: true },
			],
		);
	});

	it("captures the disks where RAM and devices, though due, cannot be", async () => {
		await using stage = new Stage({}, { states: "every 1h", prepare: (capturer) => (capturer.refusesState = true) });
		await until(() => stage.outcomes.length === 1, { what: "a capture" });
		assert.deepEqual(stage.outcomes, [true]);
		assert.deepEqual(
			stage.capturer.calls.map(({ hasState }) => hasState),
			[true, false],
		);
	});

	it("answers all who asked before a capture began with that one, and those who came later with the next", async () => {
		await using stage = new Stage();
		await stage.captures(1);
		const gate = Promise.withResolvers<void>();
		stage.capturer.work = () => gate.promise;
		const early = [stage.runner.captureNow(), stage.runner.captureNow()];
		await stage.captures(2);
		const late = stage.runner.captureNow();
		await settled();
		assert.equal(stage.capturer.calls.length, 2);
		gate.resolve();
		assert.deepEqual(
			(await Promise.all(early)).map(({ id }) => id),
			["c2", "c2"],
		);
		assert.equal((await late).id, "c3");
	});

	it("tells whoever asked what the capture failed with, and goes on", async () => {
		await using stage = new Stage();
		await stage.captures(1);
		stage.capturer.work = () => Promise.reject(new UmbraError("limit", "the scratch is full"));
		await assert.rejects(stage.runner.captureNow(), (error) => isUmbraError(error, "limit"));
		assert.equal(stage.runner.status().lastError, "the scratch is full");
		stage.capturer.work = async () => {};
		assert.equal((await stage.runner.captureNow()).id, "c3");
		assert.equal(stage.runner.status().lastError, "");
	});

	it("does not capture by itself while it is paused, on demand it does, and a new policy wakes it", async () => {
		await using stage = new Stage();
		await stage.captures(1);
		stage.runner.setPolicy({ paused: true, schedule: "every 1s" });
		assert.equal(stage.runner.status().schedule, "paused");
		await stage.runner.captureNow();
		await settled();
		assert.equal(stage.capturer.calls.length, 2);
		stage.runner.setPolicy({ paused: false });
		await stage.captures(4);
		assert.throws(
			() => stage.runner.setPolicy({ schedule: "sometimes", paused: true }),
			(error) => isUmbraError(error, "bad-config"),
		);
		assert.equal(stage.runner.status().schedule, "every 1s", "nothing of it was taken");
	});

	it("never captures an excluded VM by itself", async () => {
		await using stage = new Stage({ exclude: true }, { schedule: "every 1s" });
		assert.equal(stage.runner.status().schedule, "excluded");
		assert.equal((await stage.runner.captureNow()).id, "c1");
		assert.equal(stage.capturer.calls.length, 1);
	});

	for (const [what, settings, policy] of [
		["between two captures", {}, {}],
		["while it is paused", {}, { paused: true }],
		["of an excluded VM", { exclude: true }, {}],
	] as const) {
		it(`ends when the agent stops ${what}`, async () => {
			await using stage = new Stage(settings);
			if (!("exclude" in settings)) await stage.captures(1);
			stage.runner.setPolicy(policy);
			await settled();
			stage.stop.abort();
			await stage.run;
			await assert.rejects(stage.runner.captureNow(), (error) => isUmbraError(error, "unavailable"));
		});
		it(`ends when the machine is gone ${what}`, async () => {
			await using stage = new Stage(settings);
			if (!("exclude" in settings)) await stage.captures(1);
			stage.runner.setPolicy(policy);
			await settled();
			stage.machine.ended.abort();
			await stage.run;
			assert.equal(stage.runner.status().state, v1.VmState.VM_STATE_GONE);
			await assert.rejects(stage.runner.captureNow(), (error) => isUmbraError(error, "unavailable"));
		});
	}

	it("aborts the capture under way when the machine is gone, and leaves nobody waiting", async () => {
		const lines: string[] = [];
		const log = pino({ level: "warn" }, { write: (line: string) => lines.push(line) });
		await using stage = new Stage({}, { log });
		await stage.captures(1);
		stage.capturer.work = (signal) =>
			new Promise((_, reject) =>
				signal?.addEventListener("abort", () => reject(new UmbraError("unavailable", "gone"))),
			);
		const first = stage.runner.captureNow();
		await stage.captures(2);
		const second = stage.runner.captureNow();
		stage.machine.ended.abort(new UmbraError("unavailable", "connection closed"));
		await assert.rejects(first, (error) => isUmbraError(error, "unavailable"));
		await assert.rejects(second, (error) => isUmbraError(error, "unavailable"));
		await stage.run;
		assert.deepEqual(lines, [], "a VM that is shut down is no failure");
	});

	it("logs a failure that repeats once, and another one again", async () => {
		const lines: string[] = [];
		const log = pino(
			{ level: "info" },
			{ write: (line: string) => lines.push((JSON.parse(line) as { msg: string }).msg) },
		);
		await using stage = new Stage({}, { log });
		await stage.captures(1);
		for (const message of ["full", "full", "full", "broken", "full", ""]) {
			stage.capturer.work = message === "" ? async () => {} : () => Promise.reject(new UmbraError("limit", message));
			await stage.runner.captureNow().catch(() => {});
		}
		assert.deepEqual(lines, [
			"captured",
			"capture failed",
			"capture failed",
			"capture failed",
			"captures work again",
			"captured",
		]);
	});

	it("does not begin while the host says why not", async () => {
		let why: string | undefined = "the spool is full";
		await using stage = new Stage({}, { blocked: async () => why });
		await until(() => stage.runner.status().lastError !== "", { what: "the first attempt", intervalMs: 2 });
		await assert.rejects(
			stage.runner.captureNow(),
			(error) => isUmbraError(error, "limit") && error.hint !== undefined,
		);
		assert.equal(stage.capturer.calls.length, 0);
		why = undefined;
		assert.equal((await stage.runner.captureNow()).id, "c1");
	});

	it("says that there is no disk to capture", async () => {
		await using stage = new Stage({ excludeDisks: ["va", "vb"] });
		await assert.rejects(stage.runner.captureNow(), (error) => isUmbraError(error, "not-found"));
	});

	it("captures anew at once when the collector turned one down, and waits when that keeps happening", async () => {
		await using stage = new Stage();
		await stage.captures(1);
		stage.runner.captureAnew();
		await stage.captures(2);
		stage.runner.captureAnew();
		// Half a minute from now; a demand does not wait for it.
		await stage.runner.captureNow();
		assert.equal(stage.capturer.calls.length, 3);
	});

	it("tells of a failing database, which only a restart mends", async () => {
		const failures: unknown[] = [];
		await using stage = new Stage({}, { onDatabaseFailure: (error) => failures.push(error) });
		await stage.captures(1);
		const failure = Object.assign(new Error("IO error: No space left on device"), { code: "LEVEL_IO_ERROR" });
		stage.capturer.work = () => Promise.reject(failure);
		await assert.rejects(stage.runner.captureNow(), /No space left/);
		assert.deepEqual(failures, [failure]);
	});
});
