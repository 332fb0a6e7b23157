/** What the parts of the suite share. */
import type { MeasurementName, Point } from "../../../common/measurements/measurements.ts";
import type { Aggregate, Series, SeriesQuery, SeriesStore } from "../series-store.ts";

export const SECOND_NS = 1_000_000_000n;
export const HOUR_NS: bigint = 3600n * SECOND_NS;
/** Begins an hour some hours ago, so that no store's retention gets at what is written after it. */
export const BASE_NS: bigint = ((BigInt(Date.now()) * 1_000_000n) / HOUR_NS - 5n) * HOUR_NS;

/** Where a store lies; empty at first. */
export interface SeriesPlace extends AsyncDisposable {
	/** Opens the store there, for the first time or after it was disposed of. `maxRows` stands in for `MAX_ROWS`. */
	open(options?: { readonly maxRows?: number }): Promise<SeriesStore>;
}

export interface Stores {
	makePlace(): Promise<SeriesPlace>;
	/** Opens a new store, puts the points into it, and hands it over once they can be queried. */
	withStore(points: readonly Point[], use: (store: SeriesStore) => Promise<void>): Promise<void>;
}

export const VM = { host: "h1", vm: "web1" };

export function disk(name: string, vm = "web1"): Record<string, string> {
	return { host: "h1", vm, disk: name };
}

/** A point so many seconds after `BASE_NS`. */
export function at(
	seconds: number,
	measurement: MeasurementName,
	tags: Readonly<Record<string, string>>,
	fields: Readonly<Record<string, number | string>>,
): Point {
	return { measurement, tags, timeNs: BASE_NS + BigInt(seconds) * SECOND_NS, fields };
}

/** A query from `BASE_NS` on, for four hours. */
export function ask(
	measurement: MeasurementName,
	fields: readonly string[],
	rest: Partial<Omit<SeriesQuery, "measurement" | "fields">> = {},
): SeriesQuery {
	return { measurement, fields, fromNs: BASE_NS, toNs: BASE_NS + 4n * HOUR_NS, ...rest };
}

export function every(seconds: number, aggregate: Aggregate): SeriesQuery["window"] & {} {
	return { everyNs: BigInt(seconds) * SECOND_NS, aggregate };
}

/** Seconds after `BASE_NS`, then the value of one field, row by row. */
export function rowsOf(series: Series | undefined, field: string): [number, number | string | null][] {
	return (series?.timesNs ?? []).map((time, row) => [
		Number(time - BASE_NS) / 1e9,
		series?.values[field]?.[row] as number | string | null,
	]);
}
