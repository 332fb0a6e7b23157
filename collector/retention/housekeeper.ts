/** Does by the clock what an operator could do by hand: drops points by policy, and gives back the space they took. */
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { Retention } from "./retention.ts";
import type { GcSettings, RetentionSettings } from "./settings.ts";
import type { VaultJobs } from "./vault-jobs.ts";

/** Before this nothing can go after a start, whatever the grace time: there is no hurry while everyone connects. */
const MIN_FIRST_GC_MS = 60_000;

export interface HousekeeperOptions {
	readonly catalog: Catalog;
	readonly retention: Retention;
	readonly jobs: VaultJobs;
	readonly settings: RetentionSettings;
	readonly gc: GcSettings;
	readonly log: Logger;
}

export class Housekeeper implements AsyncDisposable {
	/** Settles when its loops have ended; rejects on a fault of its own. */
	readonly finished: Promise<void>;
	readonly #options: HousekeeperOptions;
	readonly #stop = new AbortController();

	private constructor(options: HousekeeperOptions) {
		this.#options = options;
		this.finished = Promise.all([this.#dropPoints(), this.#giveBackSpace()]).then(() => undefined);
		// For whoever watches `finished`.
		this.finished.catch(() => undefined);
	}

	static start(options: HousekeeperOptions): Housekeeper {
		return new Housekeeper(options);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.finished.catch(() => undefined);
	}

	async #dropPoints(): Promise<void> {
		const { signal } = this.#stop;
		do {
			await this.#dropOfAll(signal);
		} while (await this.#pause(this.#options.settings.every));
	}

	async #dropOfAll(signal: AbortSignal): Promise<void> {
		const { catalog, retention, log } = this.#options;
		let cursor: string | undefined;
		try {
			do {
				const page = await catalog.vms({ cursor });
				for (const { vm } of page.items) {
					try {
						await retention.apply(vm, signal);
					} catch (error) {
						if (signal.aborted) return;
						if (!isUmbraError(error)) throw error;
						// One VM must not keep the others from getting rid of anything.
						log.error({ vm, err: error }, `cannot drop points now: ${messageOf(error)}`);
					}
				}
				cursor = page.next ?? undefined;
			} while (cursor !== undefined);
		} catch (error) {
			if (!isUmbraError(error)) throw error;
			log.error({ err: error }, `cannot drop points now: ${messageOf(error)}`);
		}
	}

	async #giveBackSpace(): Promise<void> {
		const { gc, jobs, log } = this.#options;
		if (gc.every === 0) return;
		// Until then everything counts as asked for at the start.
		let pause = Math.max(gc.grace, MIN_FIRST_GC_MS);
		while (await this.#pause(pause)) {
			pause = gc.every;
			try {
				jobs.startGc({ dryRun: false });
			} catch (error) {
				if (!isUmbraError(error, "conflict", "unavailable")) throw error;
				log.info(`space is given back later: ${error.message}`);
			}
			await jobs.ended();
		}
	}

	/** False where it is told to stop meanwhile. */
	async #pause(milliseconds: number): Promise<boolean> {
		await sleep(milliseconds, undefined, { signal: this.#stop.signal }).catch(() => undefined);
		return !this.#stop.signal.aborted;
	}
}
