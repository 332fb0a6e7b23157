/**
 * `series/` keeps points of time series (`common/measurements/`) and answers questions about them. There are two stores,
 * an embedded one and InfluxDB; whoever writes or asks does not know which it is. It knows nothing of agents, changesets or alerts.
 *
 * Words: a *point* is one reading of one series; a *window* is a stretch of time whose points are summarised as one
 * row; the *backlog* is what was accepted and the database has not taken yet.
 */
import type { MeasurementName, Point } from "../../common/measurements/measurements.ts";

export type Aggregate = "mean" | "min" | "max" | "sum" | "count" | "first" | "last" | "median";

/** What to read. Field and tag names are those of the measurement; anything else is refused. */
export interface SeriesQuery {
	readonly measurement: MeasurementName;
	/** At least one. */
	readonly fields: readonly string[];
	/** Only series with these tags; a list means any of them. */
	readonly where?: Readonly<Record<string, string | readonly string[]>>;
	/** Unix nanoseconds: from `fromNs` on, before `toNs`. */
	readonly fromNs: bigint;
	readonly toNs: bigint;
	/** Tags that tell the result's series apart; points of series that are alike in them are taken together. None: one series. */
	readonly groupBy?: readonly string[];
	/** Summarise each window of `everyNs`, aligned to 1970; windows without points are left out. Without it: the points themselves. */
	readonly window?: { readonly everyNs: bigint; readonly aggregate: Aggregate };
	/**
	 * Of counters: the rise a second between the last values of consecutive windows of each series, summed over the series taken
	 * together; where a counter begins anew, that step is left out. Needs a window, whose aggregate does not count.
	 */
	readonly rate?: boolean;
	/** Newest first. */
	readonly descending?: boolean;
	/** At most so many rows of each series. */
	readonly limit?: number;
}

export interface Series {
	/** Of `groupBy`; empty string where a point had none. */
	readonly tags: Readonly<Record<string, string>>;
	/** Unix nanoseconds of each row: of the point, or where its window begins. */
	readonly timesNs: readonly bigint[];
	/** By field, as long as `timesNs`; null where a row has none. */
	readonly values: Readonly<Record<string, readonly (number | string | null)[]>>;
}

/** How a store does; all counters are since it was opened. */
export interface SeriesStatus {
	readonly kind: "embedded" | "influxdb";
	/** Where it is, for people; without secrets. */
	readonly place: string;
	readonly pointsWritten: number;
	/** Points that the database will never take. */
	readonly pointsRefused: number;
	readonly writeFailures: number;
	readonly backlogBytes: number;
	/** 0 where nothing waits. */
	readonly backlogSeconds: number;
	/** What the newest attempt to write ended with; empty where it succeeded. */
	readonly lastError: string;
}

export interface SeriesStore extends AsyncDisposable {
	/** Rejects when it has failed for good. */
	readonly finished: Promise<void>;
	/**
	 * Takes points. Once it resolves they survive a SIGKILL of the collector and of the database. A point of a series at an instant
	 * that has one already replaces its fields, so that repeating a write is harmless.
	 *
	 * @throws UmbraError `limit` where the backlog is full: nothing of `points` was taken, try again later; `unavailable` where the
	 * collector's own disk fails.
	 */
	write(points: readonly Point[]): Promise<void>;
	/** Resolves when all that was accepted so far can be queried. */
	flush(signal?: AbortSignal): Promise<void>;
	/**
	 * Series in the order of their tags, rows in the order of time.
	 *
	 * @throws UmbraError `bad-config` for a query that makes no sense, `limit` where the answer would be larger than `MAX_ROWS`,
	 * `unavailable` where the database does not answer.
	 */
	query(query: SeriesQuery, signal?: AbortSignal): Promise<Series[]>;
	status(): SeriesStatus;
}

/** Rows in one answer, over all of its series: more is a mistake, or wants a window. */
export const MAX_ROWS = 1_000_000;
