/** Parts: Parquet files that never change, sorted by series and time, each of one measurement, level and day (or month). */
import type { MeasurementName } from "../../../common/measurements/measurements.ts";
import type { Level } from "./layout.ts";

export interface Part {
	/** Never given twice; also the name of its file. */
	readonly number: number;
	readonly measurement: MeasurementName;
	readonly level: Level;
	/** The stretch that it belongs to, a day or a month: from, before. */
	readonly beginNs: bigint;
	readonly endNs: bigint;
	/** Times of its rows, both included. */
	readonly minNs: bigint;
	readonly maxNs: bigint;
	/** The newest log segment that its rows came from: of two values of one instant that of the higher counts. */
	readonly segment: number;
	/** Parts that were made together: what they hold of a series is in one of them. */
	readonly run: number;
	/** How often its rows were merged: 0 as they came. */
	readonly tier: number;
	/** Of raw parts: the coarser levels hold what is in it. */
	readonly folded: boolean;
	/** Times between which another part of that day may have rows of the same series and instant; absent where none has. */
	readonly doubtNs?: { readonly from: bigint; readonly to: bigint };
	/** Smallest and largest value of the first tag. */
	readonly tag: { readonly from: string; readonly to: string };
	/** Columns besides the tags and the time. */
	readonly columns: readonly string[];
	readonly rows: number;
	readonly bytes: number;
}

export function partFile({ measurement, level, number }: Pick<Part, "measurement" | "level" | "number">): string {
	return `${measurement}-${level}-${String(number).padStart(8, "0")}.parquet`;
}

/** Undefined for what is no part's file. */
export function parsePartFile(
	name: string,
): { readonly measurement: string; readonly level: Level; readonly number: number } | undefined {
	const [, measurement, level, number] = /^([a-z0-9_]+)-(raw|minute|hour)-(\d{8,})\.parquet$/.exec(name) ?? [];
	if (measurement === undefined) return undefined;
	return { measurement, level: level as Level, number: Number(number) };
}

/** The calendar month, UTC, that a time lies in. */
export function monthOf(timeNs: bigint): { readonly beginNs: bigint; readonly endNs: bigint } {
	const date = new Date(Number(timeNs / 1_000_000n));
	const begin = (month: number): bigint => BigInt(Date.UTC(date.getUTCFullYear(), month)) * 1_000_000n;
	return { beginNs: begin(date.getUTCMonth()), endNs: begin(date.getUTCMonth() + 1) };
}

/** Whether it may have rows of this stretch of time, and of one of these values of the first tag. */
export function mayHold(part: Part, fromNs: bigint, toNs: bigint, tags?: readonly string[]): boolean {
	if (part.maxNs < fromNs || part.minNs >= toNs) return false;
	return (
		tags === undefined || tags.some((tag) => compareUtf8(tag, part.tag.from) >= 0 && compareUtf8(tag, part.tag.to) <= 0)
	);
}

/** As DuckDB sorts texts. */
function compareUtf8(a: string, b: string): number {
	return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
