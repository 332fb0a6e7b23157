/**
 * Moves the levers of one clone at their times. Levers of one name wait for each other, others do not; what is late is done at once,
 * in order. Whatever goes wrong is told in the log, and the trial goes on.
 */
import { setTimeout as sleepFor } from "node:timers/promises";
import { messageOf } from "../../../common/errors.ts";
import { type LeverName, MOMENTARY } from "../../../common/trial/levers.ts";
import { type LeverLog, MAX_LEVERS } from "../../../common/trial/report.ts";
import type { LeverValues, ScheduledStep } from "../../../common/trial/schedule.ts";
import type { Lever, LeverTarget, MakeLever } from "./lever.ts";
import { LEVERS } from "./levers.ts";

/** Of all that is still set when the trial ends. A clone that cannot be reverted is thrown away with everything else. */
const REVERT_MS = 60_000;
/** For a lever that is about to be taken back to tell whether it still holds; what does not answer by then is not known. */
const CHECK_MS = 12_000;
const MAX_PROBLEM = 1000;
const MAX_TEXT = 4096;

export interface Clock {
	/** Milliseconds, as `performance.now()`. */
	now(): number;
	/** @throws the signal's reason. */
	sleep(milliseconds: number, signal: AbortSignal): Promise<void>;
}

const clockOfHost: Clock = {
	now: () => performance.now(),
	sleep: async (milliseconds, signal) => void (await sleepFor(milliseconds, undefined, { signal })),
};

export interface LeverDriverOptions {
	/** As `scheduleOf` has them. */
	readonly steps: readonly ScheduledStep[];
	readonly target: LeverTarget;
	/** When the trial began, by the clock. */
	readonly originMs: number;
	/** Ends it, as `stop` does. */
	readonly signal: AbortSignal;
	readonly levers?: Readonly<Record<LeverName, MakeLever>>;
	readonly clock?: Clock;
}

/** A lever that was moved, and from what; there is one for each setting of a phase. */
interface Held {
	readonly lever: Lever;
	readonly name: LeverName;
	isSet: boolean;
	/** It did when it was asked last. */
	holds: boolean;
}

export class LeverDriver implements AsyncDisposable {
	readonly #options: Required<LeverDriverOptions>;
	readonly #stop = new AbortController();
	readonly #held = new Map<string, Held>();
	/** By name of the lever: what it does now, and after that. */
	readonly #turns = new Map<LeverName, Promise<void>>();
	readonly #log: LeverLog[] = [];
	readonly #steps: Promise<void>;
	#dropped = 0;
	#firstStressMs: number | null = null;
	#stopped: Promise<void> | undefined;

	private constructor(options: LeverDriverOptions) {
		this.#options = { levers: LEVERS, clock: clockOfHost, ...options };
		this.#steps = this.#run();
	}

	static start(options: LeverDriverOptions): LeverDriver {
		return new LeverDriver(options);
	}

	/** When all steps have been done, or it was stopped. Never rejects. */
	get finished(): Promise<void> {
		return this.#steps;
	}

	/** In the order in which they were done; of more than a report may have, the first. */
	get log(): readonly LeverLog[] {
		return this.#log;
	}

	/** Entries that the log has no room for. */
	get droppedEntries(): number {
		return this.#dropped;
	}

	/** When the first lever that could be moved was, from the beginning of the trial; null as long as none was. */
	get firstStressMs(): number | null {
		return this.#firstStressMs;
	}

	/** Takes back all that is still set; no lever is moved afterwards. Never rejects: what could not be taken back is in the log. */
	async stop(): Promise<void> {
		this.#stopped ??= this.#end();
		await this.#stopped;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
	}

	async #run(): Promise<void> {
		const { steps, originMs, clock } = this.#options;
		const signal = AbortSignal.any([this.#options.signal, this.#stop.signal]);
		try {
			for (const step of steps) {
				const waitMs = originMs + step.atMs - clock.now();
				if (waitMs > 0) await clock.sleep(waitMs, signal);
				signal.throwIfAborted();
				this.#queue(step.lever, async () => {
					if (!signal.aborted) await this.#do(step, signal);
				});
			}
			await Promise.all(this.#turns.values());
		} catch (error) {
			if (!signal.aborted) throw error;
		}
		if (this.#options.signal.aborted) await this.stop();
	}

	async #end(): Promise<void> {
		this.#stop.abort();
		const revert = (which: (name: LeverName) => boolean) => {
			const signal = AbortSignal.timeout(REVERT_MS);
			for (const held of [...this.#held.values()].reverse()) {
				if (held.isSet && which(held.name)) this.#queue(held.name, () => this.#revert(held, signal, true));
			}
		};
		// First what has a clone stand: others may wait for its answer.
		revert((name) => MOMENTARY.has(name));
		// All that was begun comes to its end: it is told to by the signal, and QEMU does answer or is gone.
		await Promise.all(this.#turns.values());
		revert(() => true);
		await Promise.all(this.#turns.values());
	}

	#queue(name: LeverName, work: () => Promise<void>): void {
		this.#turns.set(name, (this.#turns.get(name) ?? Promise.resolve()).then(work));
	}

	async #do(step: ScheduledStep, signal: AbortSignal): Promise<void> {
		const { lever: name, action, values, seed, phase, index } = step;
		const key = `${phase}.${index}`;
		const known = this.#held.get(key);
		if (action === "revert") {
			if (known !== undefined) await this.#revert(known, signal);
			return;
		}
		const atMs = this.#sinceOrigin();
		let told: LeverValues = {};
		const problem = await problemOf(async () => {
			const held = known ?? {
				lever: this.#options.levers[name](this.#options.target),
				name,
				isSet: false,
				holds: false,
			};
			this.#held.set(key, held);
			held.isSet = true;
			held.holds = false;
			told = await held.lever.apply({ values, seed, signal });
			this.#firstStressMs ??= atMs;
			await held.lever.verify(signal);
			held.holds = true;
		});
		this.#add({ atMs, lever: name, action, values: { ...values, ...told }, problem });
	}

	async #revert(held: Held, signal: AbortSignal, isLast = false): Promise<void> {
		if (!held.isSet) return;
		const atMs = this.#sinceOrigin();
		const lost = await this.#lost(held, signal);
		// One that was interrupted is done again at the end.
		if (signal.aborted && !isLast) return;
		const failed = await problemOf(() => held.lever.revert(signal));
		if (failed !== "" && signal.aborted && !isLast) return;
		held.isSet = false;
		const problem = failed || lost;
		// What is over by itself is not worth a line.
		if (MOMENTARY.has(held.name) && problem === "") return;
		this.#add({ atMs, lever: held.name, action: "revert", values: {}, problem });
	}

	/** Why a lever that held does not any more, such as work that its guest put an end to; nobody asks while it is only held. */
	async #lost({ lever, name, holds }: Held, signal: AbortSignal): Promise<string> {
		if (!holds || MOMENTARY.has(name)) return "";
		const late = AbortSignal.timeout(CHECK_MS);
		const problem = await problemOf(() => lever.verify(AbortSignal.any([signal, late])));
		return problem === "" || late.aborted ? "" : `it did not hold to the end: ${problem}`.slice(0, MAX_PROBLEM);
	}

	#sinceOrigin(): number {
		return Math.max(0, Math.round((this.#options.clock.now() - this.#options.originMs) * 1000) / 1000);
	}

	#add(entry: LeverLog): void {
		if (this.#log.length >= MAX_LEVERS) {
			this.#dropped++;
			return;
		}
		const values = Object.entries(entry.values).map(([key, value]) => [
			key,
			typeof value === "string" ? value.slice(0, MAX_TEXT) : value,
		]);
		this.#log.push({ ...entry, values: Object.fromEntries(values) });
	}
}

/** Empty where there is none. */
async function problemOf(work: () => Promise<void>): Promise<string> {
	try {
		await work();
		return "";
	} catch (error) {
		return messageOf(error).slice(0, MAX_PROBLEM) || "it failed";
	}
}
