/** Forecasts the capacity of every VM's filesystems, once an hour. */
import { setTimeout as sleep } from "node:timers/promises";
import { isAbort, isUmbraError, messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { type Point, point } from "../../common/measurements/measurements.ts";
import { nowNs } from "../../common/units.ts";
import type { Series, SeriesStore } from "../series/series-store.ts";
import { forecastCapacity } from "./capacity.ts";

export interface ForecasterOptions {
	readonly store: SeriesStore;
	/** Names of all VMs. */
	readonly vms: () => AsyncIterable<string>;
	readonly log: Logger;
	/** Milliseconds. */
	readonly every?: number;
}

const EVERY_MS = 3_600_000;
/** After a start agents come and the store catches up. */
const FIRST_MS = 60_000;
const HOUR_NS = 3_600_000_000_000n;
const HISTORY_NS = 30n * 24n * HOUR_NS;

export class Forecaster implements AsyncDisposable {
	/** Settles when the loop has ended; rejects on a fault of its own. */
	readonly finished: Promise<void>;
	readonly #options: ForecasterOptions;
	readonly #stop = new AbortController();

	private constructor(options: ForecasterOptions) {
		this.#options = options;
		this.finished = this.#run();
		// For whoever watches `finished`.
		this.finished.catch(() => undefined);
	}

	static start(options: ForecasterOptions): Forecaster {
		return new Forecaster(options);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.finished.catch(() => undefined);
	}

	async #run(): Promise<void> {
		const { every = EVERY_MS, log } = this.#options;
		const { signal } = this.#stop;
		for (let pause = Math.min(FIRST_MS, every); await this.#pause(pause); pause = every) {
			try {
				for await (const vm of this.#options.vms()) {
					if (signal.aborted) return;
					const points = await forecastVm(this.#options.store, vm, nowNs(), signal);
					if (points.length > 0) await this.#options.store.write(points);
				}
			} catch (error) {
				if (signal.aborted) return;
				if (!isUmbraError(error)) throw error;
				log.warn({ err: error }, `cannot forecast now, trying again later: ${messageOf(error)}`);
			}
		}
	}

	/** False where it is to end. */
	async #pause(milliseconds: number): Promise<boolean> {
		try {
			await sleep(milliseconds, undefined, { signal: this.#stop.signal });
			return true;
		} catch (error) {
			if (!isAbort(error)) throw error;
			return false;
		}
	}
}

/** `forecast` points of one VM, one a filesystem of which enough is known. */
export async function forecastVm(store: SeriesStore, vm: string, now: bigint, signal: AbortSignal): Promise<Point[]> {
	const found = await store.query(
		{
			measurement: "vm_volume",
			fields: ["used_bytes", "size_bytes"],
			where: { vm },
			fromNs: now - HISTORY_NS,
			toNs: now + 1n,
			groupBy: ["host", "disk", "volume"],
			window: { everyNs: HOUR_NS, aggregate: "last" },
		},
		signal,
	);
	return found.flatMap((series) => forecastSeries(series, vm, now));
}

function forecastSeries({ tags, timesNs, values }: Series, vm: string, now: bigint): Point[] {
	const used = values["used_bytes"] ?? [];
	const known = timesNs.flatMap((time, at) => (typeof used[at] === "number" ? [{ time, bytes: used[at] }] : []));
	const size = values["size_bytes"]?.findLast((value) => typeof value === "number");
	if (typeof size !== "number") return [];
	const forecast = forecastCapacity({
		timesNs: known.map(({ time }) => time),
		usedBytes: known.map(({ bytes }) => bytes),
		sizeBytes: size,
	});
	if (forecast === undefined) return [];
	const { host = "", disk = "", volume = "" } = tags;
	const made = point("forecast", { host, vm, disk, volume }, now, {
		used_bytes: forecast.used,
		size_bytes: forecast.size,
		growth_bytes_per_day: forecast.growthPerDay,
		days_to_full: forecast.daysToFull,
		days_to_full_low: forecast.daysToFullLow,
		days_to_full_high: forecast.daysToFullHigh,
		used_in_7_days_bytes: forecast.usedIn7Days,
		used_in_30_days_bytes: forecast.usedIn30Days,
		points: forecast.points,
	});
	return made === null ? [] : [made];
}
