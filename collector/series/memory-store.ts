/** For tests: a store that is as plain as the contract can be read, and forgets everything with the process. */
import type { Point } from "../../common/measurements/measurements.ts";
import { checkQuery, compareSeries, tooManyRows, whyRefused } from "./check.ts";
import {
	type Aggregate,
	MAX_ROWS,
	type Series,
	type SeriesQuery,
	type SeriesStatus,
	type SeriesStore,
} from "./series-store.ts";

type Value = number | string;
type Tags = Readonly<Record<string, string>>;

interface Row {
	readonly series: string;
	readonly tags: Tags;
	readonly timeNs: bigint;
	readonly fields: Readonly<Record<string, Value>>;
}
interface Answer {
	readonly timeNs: bigint;
	readonly values: Readonly<Record<string, Value | null>>;
}

export class MemorySeriesStore implements SeriesStore {
	readonly finished: Promise<void> = new Promise(() => {});
	/** By measurement, series and time. */
	readonly #rows: Map<string, Row>;
	readonly #maxRows: number;
	#written = 0;
	#refused = 0;

	/** @param rows of a store that was closed, to open it again */
	constructor(rows: Map<string, Row> = new Map(), maxRows: number = MAX_ROWS) {
		this.#rows = rows;
		this.#maxRows = maxRows;
	}

	async write(points: readonly Point[]): Promise<void> {
		for (const point of points) {
			if (whyRefused(point) !== undefined) {
				this.#refused++;
				continue;
			}
			const { measurement, timeNs, fields } = point;
			const tags = Object.entries(point.tags).filter(([, value]) => value !== "");
			const series = JSON.stringify([measurement, ...tags.sort()]);
			const key = `${timeNs} ${series}`;
			const before = this.#rows.get(key)?.fields;
			this.#rows.set(key, { series, tags: Object.fromEntries(tags), timeNs, fields: { ...before, ...fields } });
			this.#written++;
		}
	}

	async flush(signal?: AbortSignal): Promise<void> {
		signal?.throwIfAborted();
	}

	async query(query: SeriesQuery, signal?: AbortSignal): Promise<Series[]> {
		checkQuery(query);
		signal?.throwIfAborted();
		const { fields, groupBy = [], descending = false, limit = Number.POSITIVE_INFINITY } = query;
		const groups = Map.groupBy(this.#matching(query), ({ tags }) =>
			JSON.stringify(groupBy.map((tag) => tags[tag] ?? "")),
		);
		const result: Series[] = [];
		let rows = 0;
		for (const members of groups.values()) {
			let answers = answersOf(members, query).filter(({ values }) =>
				Object.values(values).some((value) => value !== null),
			);
			answers.sort((a, b) => (a.timeNs < b.timeNs ? -1 : a.timeNs > b.timeNs ? 1 : 0));
			if (descending) answers.reverse();
			answers = answers.slice(0, limit);
			if (answers.length === 0) continue;
			rows += answers.length;
			if (rows > this.#maxRows) throw tooManyRows(this.#maxRows);
			result.push({
				tags: Object.fromEntries(groupBy.map((tag) => [tag, members[0]!.tags[tag] ?? ""])),
				timesNs: answers.map(({ timeNs }) => timeNs),
				values: Object.fromEntries(fields.map((field) => [field, answers.map(({ values }) => values[field]!)])),
			});
		}
		return result.sort(compareSeries(groupBy));
	}

	#matching({ measurement, where = {}, fromNs, toNs }: SeriesQuery): Row[] {
		return [...this.#rows.values()].filter(
			({ series, tags, timeNs }) =>
				timeNs >= fromNs &&
				timeNs < toNs &&
				JSON.parse(series)[0] === measurement &&
				Object.entries(where).every(([tag, wanted]) =>
					(typeof wanted === "string" ? [wanted] : wanted).includes(tags[tag] ?? ""),
				),
		);
	}

	status(): SeriesStatus {
		return {
			kind: "embedded",
			place: "memory",
			pointsWritten: this.#written,
			pointsRefused: this.#refused,
			writeFailures: 0,
			backlogBytes: 0,
			backlogSeconds: 0,
			lastError: "",
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {}
}

function answersOf(members: readonly Row[], query: SeriesQuery): Answer[] {
	const { fields, window, rate = false } = query;
	if (window === undefined)
		return members.map(({ timeNs, fields: has }) => rowOf(timeNs, fields, (field) => has[field]));
	const { everyNs, aggregate } = window;
	if (rate) return ratesOf(members, fields, everyNs);
	return [...Map.groupBy(members, ({ timeNs }) => windowOf(timeNs, everyNs))].map(([start, rows]) =>
		rowOf(start, fields, (field) => summarise(valuesOf(rows, field), aggregate)),
	);
}

function ratesOf(members: readonly Row[], fields: readonly string[], everyNs: bigint): Answer[] {
	const sums = new Map<bigint, Record<string, number>>();
	for (const rows of Map.groupBy(members, ({ series }) => series).values()) {
		for (const field of fields) {
			let before: { start: bigint; value: number } | undefined;
			const windows = Map.groupBy(rows, ({ timeNs }) => windowOf(timeNs, everyNs));
			for (const start of [...windows.keys()].sort((a, b) => (a < b ? -1 : 1))) {
				const value = summarise(valuesOf(windows.get(start)!, field), "last") as number | undefined;
				if (value === undefined) continue;
				if (before !== undefined && value >= before.value) {
					const seconds = Number(start - before.start) / 1e9;
					const sum = sums.get(start) ?? {};
					sum[field] = (sum[field] ?? 0) + (value - before.value) / seconds;
					sums.set(start, sum);
				}
				before = { start, value };
			}
		}
	}
	return [...sums].map(([start, sum]) => rowOf(start, fields, (field) => sum[field]));
}

function rowOf(timeNs: bigint, fields: readonly string[], value: (field: string) => Value | undefined): Answer {
	return { timeNs, values: Object.fromEntries(fields.map((field) => [field, value(field) ?? null])) };
}

/** In the order of their times. */
function valuesOf(rows: readonly Row[], field: string): Value[] {
	return rows
		.filter(({ fields }) => fields[field] !== undefined)
		.sort((a, b) => (a.timeNs < b.timeNs ? -1 : 1))
		.map(({ fields }) => fields[field]!);
}

function summarise(values: readonly Value[], aggregate: Aggregate): Value | undefined {
	if (values.length === 0) return undefined;
	if (aggregate === "count") return values.length;
	if (aggregate === "first" || aggregate === "last") return values.at(aggregate === "first" ? 0 : -1);
	const numbers = (values as number[]).toSorted((a, b) => a - b);
	const sum = numbers.reduce((total, value) => total + value, 0);
	switch (aggregate) {
		case "sum":
			return sum;
		case "mean":
			return sum / numbers.length;
		case "min":
			return numbers[0];
		case "max":
			return numbers.at(-1);
		case "median":
			return (numbers[(numbers.length - 1) >> 1]! + numbers[numbers.length >> 1]!) / 2;
	}
}

/** Where the window begins that a time lies in. */
export function windowOf(timeNs: bigint, everyNs: bigint): bigint {
	return timeNs - (((timeNs % everyNs) + everyNs) % everyNs);
}
