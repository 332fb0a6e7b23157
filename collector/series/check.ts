/** What every store refuses, in the same words, and the order in which every store answers. */
import { UmbraError } from "../../common/errors.ts";
import type { Field, Measurement } from "../../common/measurements/measurement.ts";
import { definitionOf, isMeasurement, type Point } from "../../common/measurements/measurements.ts";
import type { Aggregate, Series, SeriesQuery } from "./series-store.ts";

/** Of text only these make sense. */
const TEXT_AGGREGATES: ReadonlySet<Aggregate> = new Set(["first", "last", "count"]);
const AGGREGATES: ReadonlySet<Aggregate> = new Set([
	...TEXT_AGGREGATES,
	...(["mean", "min", "max", "sum", "median"] as const),
]);
/** What 64 bits hold, without the few at either end that InfluxDB keeps for itself. */
const MIN_TIME_NS = -(2n ** 63n) + 2n;
const MAX_TIME_NS = 2n ** 63n - 2n;
/** 73 years, so that reckoning with windows stays within 64 bits. */
const MAX_WINDOW_NS = 2n ** 61n;

/** @throws UmbraError `bad-config` for a query that makes no sense; it names what is wrong, and what is there instead. */
export function checkQuery(query: SeriesQuery): Measurement {
	const { measurement: name, fields, where = {}, fromNs, toNs, groupBy = [], window, rate = false, limit } = query;
	if (!isMeasurement(name)) throw wrong("measurement", name, "one of docs/metrics.md");
	const measurement: Measurement = definitionOf(name);
	if (fields.length === 0) throw wrong("fields", "none", "at least one");
	for (const field of fields) {
		const definition = fieldOf(measurement, field);
		if (definition === undefined) throw wrong("fields", field, `of ${name}: ${names(measurement.fields)}`);
		if (rate && definition.kind !== "counter") throw wrong("rate", `${field}, a ${definition.kind}`, "a counter");
		if (!rate && window !== undefined && definition.kind === "text" && !TEXT_AGGREGATES.has(window.aggregate)) {
			throw wrong("window.aggregate", `${window.aggregate} of ${field}, a text`, [...TEXT_AGGREGATES].join(", "));
		}
	}
	for (const tag of [...Object.keys(where), ...groupBy]) {
		if (!Object.hasOwn(measurement.tags, tag)) throw wrong("tags", tag, `of ${name}: ${names(measurement.tags)}`);
	}
	if (fromNs > toNs) throw wrong("fromNs", fromNs, `at most toNs, ${toNs}`);
	for (const [field, time] of Object.entries({ fromNs, toNs })) {
		if (!isTime(time)) throw wrong(field, time, `${MIN_TIME_NS} to ${MAX_TIME_NS}`);
	}
	if (rate && window === undefined) throw wrong("rate", "no window", "a window");
	if (window !== undefined && !(window.everyNs > 0n && window.everyNs <= MAX_WINDOW_NS)) {
		throw wrong("window.everyNs", window.everyNs, `above 0, at most ${MAX_WINDOW_NS}`);
	}
	if (window !== undefined && !AGGREGATES.has(window.aggregate)) {
		throw wrong("window.aggregate", window.aggregate, [...AGGREGATES].join(", "));
	}
	if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
		throw wrong("limit", limit, "a whole number above 0");
	}
	return measurement;
}

/** Why no store can take the point; undefined where nothing is wrong with it. */
export function whyRefused(point: Point): string | undefined {
	if (!isMeasurement(point.measurement)) return `no such measurement: ${point.measurement}`;
	const measurement: Measurement = definitionOf(point.measurement);
	for (const tag in point.tags) {
		if (!Object.hasOwn(measurement.tags, tag)) return `${point.measurement} has no tag ${tag}`;
		const value = point.tags[tag];
		// No database has a way to write them down.
		if (typeof value !== "string" || !value.isWellFormed() || value.includes("\0"))
			return `tag ${tag} is no Unicode text`;
	}
	let count = 0;
	for (const name in point.fields) {
		const field = fieldOf(measurement, name);
		if (field === undefined) return `${point.measurement} has no field ${name}`;
		const value = point.fields[name];
		if (field.kind === "text" ? typeof value !== "string" : !Number.isFinite(value)) {
			return `field ${name} is a ${field.kind}, found ${typeof value === "string" ? "text" : value}`;
		}
		count++;
	}
	if (count === 0) return "it has no fields";
	return isTime(point.timeNs) ? undefined : `no time that 64 bits hold: ${point.timeNs}`;
}

/** The order of series in an answer: tag after tag, as they are asked for. */
export function compareSeries(groupBy: readonly string[]): (a: Series, b: Series) => number {
	return (a, b) => {
		for (const tag of groupBy) {
			const [left, right] = [a.tags[tag] ?? "", b.tags[tag] ?? ""];
			if (left !== right) return left < right ? -1 : 1;
		}
		return 0;
	};
}

export function tooManyRows(limit: number): UmbraError {
	return new UmbraError("limit", `the answer would have more than ${limit} rows`, {
		context: { field: "limit", wanted: `at most ${limit} rows` },
		hint: "ask for a shorter time or fewer series, or summarise windows of time",
	});
}

function isTime(timeNs: bigint): boolean {
	return timeNs >= MIN_TIME_NS && timeNs <= MAX_TIME_NS;
}

function fieldOf(measurement: Measurement, name: string): Field | undefined {
	return Object.hasOwn(measurement.fields, name) ? measurement.fields[name] : undefined;
}

function names(record: Readonly<Record<string, unknown>>): string {
	return Object.keys(record).join(", ");
}

function wrong(field: string, found: unknown, wanted: string): UmbraError {
	return new UmbraError("bad-config", `${field}: found ${found}, wanted ${wanted}`, {
		context: { field, found, wanted },
	});
}
