/** Trials that the collector orders: what is read of it, and what this host gives to them. */
import type { Logger } from "../common/log.ts";
import { toLong, type wire } from "../proto/service.ts";
import { runTrial, trialPoint } from "./trial/run-trial.ts";
import { type TrialLimits, Trials } from "./trial/trials.ts";
import { Link, type LinkOptions } from "./uplink/link.ts";
import { openRemotePoint } from "./uplink/remote-point.ts";

/** Connections over which blocks come. */
const CONNECTIONS = 2;

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
		const point = await trialPoint(await openRemotePoint(link, order.ticket ?? new Uint8Array(), signal), signal);
		log.info({ point: point.name, clones: order.clones }, "a trial begins");
		return await runTrial(this.#trials, order, point, signal);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#trials[Symbol.asyncDispose]();
		await Promise.allSettled(this.#running);
	}
}
