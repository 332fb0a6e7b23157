/** Trials that the collector orders: what is read of it, and what this host gives to them. */
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, messageOf, UmbraError } from "../common/errors.ts";
import type { Logger } from "../common/log.ts";
import type { CloneReport } from "../common/trial/report.ts";
import { toLong, type wire } from "../proto/service.ts";
import { runTrial, trialPoint } from "./trial/run-trial.ts";
import { type TrialLimits, Trials } from "./trial/trials.ts";
import { Link, type LinkOptions } from "./uplink/link.ts";
import { openRemotePoint } from "./uplink/remote-point.ts";

/** Connections over which blocks come. */
const CONNECTIONS = 2;
/** How often the collector is asked whether the order still stands. */
const WATCH_MS = 5_000;
/** For the collector to have a report on stable storage. */
const REPORT_MS = 30_000;
const REPORT_TRIES = 5;
/** So often without an answer, and it is taken to be over. */
const MAX_SILENCES = 12;

export interface TrialRunnerOptions {
	readonly folder: string;
	readonly limits: TrialLimits;
	readonly link: Omit<LinkOptions, "connections">;
	readonly log: Logger;
}

export class TrialRunner implements AsyncDisposable {
	readonly #options: TrialRunnerOptions;
	readonly #trials: Trials;
	readonly #running = new Set<Promise<unknown>>();

	private constructor(options: TrialRunnerOptions, trials: Trials) {
		this.#options = options;
		this.#trials = trials;
	}

	/** @throws UmbraError as `Trials.open`. */
	static async open(options: TrialRunnerOptions): Promise<TrialRunner> {
		return new TrialRunner(options, await Trials.open(options));
	}

	capacity(): wire.v1.ITrialCapacity {
		const { slots, usedSlots, memoryBytes, reservedBytes } = this.#trials;
		return { slots, usedSlots, memoryBytes: toLong(memoryBytes), reservedBytes: toLong(reservedBytes) };
	}

	/** @throws UmbraError as the link, `runTrial`; the signal's reason. */
	async run(order: wire.v1.IRunTrial, signal: AbortSignal): Promise<wire.v1.ITrialResult> {
		const running = this.#run(order, signal).finally(() => this.#running.delete(running));
		this.#running.add(running);
		return await running;
	}

	async #run(order: wire.v1.IRunTrial, signal: AbortSignal): Promise<wire.v1.ITrialResult> {
		const { link: options, log } = this.#options;
		using link = await Link.open({ ...options, connections: CONNECTIONS }, signal);
		const ticket = order.ticket ?? new Uint8Array();
		const over = new AbortController();
		const either = AbortSignal.any([signal, over.signal]);
		const point = await trialPoint(await openRemotePoint(link, ticket, either), either);
		log.info({ point: point.name, clones: order.clones }, "a trial begins");
		const watching = watch(link, ticket, over);
		try {
			const tell = async (report: CloneReport): Promise<void> => {
				const told = { ticket, report: Buffer.from(JSON.stringify(report)) };
				await withRetries(() => link.reportTrial(told, REPORT_MS, either), either);
			};
			return await runTrial({ trials: this.#trials, order, point, tell, log, signal: either });
		} catch (error) {
			log.info({ point: point.name, reason: messageOf(error) }, "a trial ended before its time");
			throw error;
		} finally {
			over.abort();
			await watching;
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#trials[Symbol.asyncDispose]();
		await Promise.allSettled(this.#running);
	}
}

/** A collector that is busy for a moment does not lose a trial. @throws what the last one threw; the signal's reason. */
async function withRetries(work: () => Promise<unknown>, signal: AbortSignal): Promise<void> {
	for (let tries = 1; ; tries++) {
		try {
			await work();
			return;
		} catch (error) {
			signal.throwIfAborted();
			if (!isUmbraError(error, "unavailable") || tries === REPORT_TRIES) throw error;
			await sleep(WATCH_MS, undefined, { signal });
		}
	}
}

/**
 * Aborts `over` when the order is: whoever gave it went away, or the collector was started anew. Nobody would learn how the
 * trial fared, and its disks cannot be read any more.
 */
async function watch(link: Link, ticket: Uint8Array, over: AbortController): Promise<void> {
	let silences = 0;
	while (!over.signal.aborted) {
		try {
			await sleep(WATCH_MS, undefined, { signal: over.signal });
			await link.openPoint({ ticket }, WATCH_MS, over.signal);
			silences = 0;
		} catch (error) {
			if (over.signal.aborted) return;
			silences++;
			if (!isUmbraError(error, "denied") && silences < MAX_SILENCES) continue;
			over.abort(new UmbraError("unavailable", "the order for the trial is over", { cause: error }));
		}
	}
}
