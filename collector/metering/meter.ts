/** Writes what the collector measures of itself every ten seconds, and what fires, or does not any more, every minute. */
import { setTimeout as sleep } from "node:timers/promises";
import { isAbort, isUmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { nowNs } from "../../common/units.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { AlertRecord } from "../catalog/records.ts";
import type { SeriesStore } from "../series/series-store.ts";
import { alertSeries, endedPoint, firingPoint } from "./alert-points.ts";
import type { SelfMeter } from "./self-meter.ts";

export interface MeterTiming {
	/** Milliseconds between readings. */
	readonly every: number;
	/** Milliseconds between two tellings of what fires. */
	readonly firing: number;
}

export interface MeterOptions {
	readonly catalog: Catalog;
	readonly store: SeriesStore;
	readonly self: SelfMeter;
	readonly log: Logger;
	readonly timing?: MeterTiming;
}

const TIMING: MeterTiming = { every: 10_000, firing: 60_000 };

export class Meter implements AsyncDisposable {
	/** Settles when the loop has ended; rejects on a fault of its own. */
	readonly finished: Promise<void>;
	readonly #options: MeterOptions;
	readonly #timing: MeterTiming;
	readonly #stop = new AbortController();
	#toldFiring = Number.NEGATIVE_INFINITY;
	/** By their series, those that were told last. */
	#firing: ReadonlyMap<string, AlertRecord> = new Map();
	#failing = "";

	private constructor(options: MeterOptions) {
		this.#options = options;
		this.#timing = options.timing ?? TIMING;
		this.finished = this.#run();
		// For whoever watches `finished`.
		this.finished.catch(() => undefined);
	}

	static start(options: MeterOptions): Meter {
		return new Meter(options);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.finished.catch(() => undefined);
	}

	async #run(): Promise<void> {
		const { signal } = this.#stop;
		while (!signal.aborted) {
			try {
				await this.#read();
				this.#failing = "";
			} catch (error) {
				if (!isUmbraError(error)) throw error;
				// Readings repeat: one that is lost is not worth more than a line.
				const { log } = this.#options;
				if (error.message !== this.#failing)
					log.warn({ err: error }, `cannot keep what was measured: ${error.message}`);
				this.#failing = error.message;
			}
			// On whole steps of the clock, so that readings of all collectors stand side by side.
			const pause = this.#timing.every - (Date.now() % this.#timing.every);
			await sleep(pause, undefined, { signal }).catch((error: unknown) => {
				if (!isAbort(error)) throw error;
			});
		}
	}

	async #read(): Promise<void> {
		const { catalog, store, self } = this.#options;
		const now = nowNs();
		const points = await self.points(now);
		if (performance.now() - this.#toldFiring < this.#timing.firing) {
			await store.write(points);
			return;
		}
		const firing = new Map((await catalog.firingAlerts()).map((alert) => [alertSeries(alert), alert]));
		// An alert ends at the time of a capture, which may lie before its last telling, and a graver one is another series.
		const ended = [...this.#firing].flatMap(([series, alert]) => (firing.has(series) ? [] : [endedPoint(alert, now)]));
		const told = [...[...firing.values()].map((alert) => firingPoint(alert, now)), ...ended];
		await store.write([...points, ...told.filter((point) => point !== null)]);
		[this.#firing, this.#toldFiring] = [firing, performance.now()];
	}
}
