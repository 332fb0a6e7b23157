/** How measurements lie in tables: a column a tag, the time, and one or several columns a field. */
import type { FieldKind, Measurement } from "../../../common/measurements/measurement.ts";
import { definitionOf, MEASUREMENTS, type MeasurementName } from "../../../common/measurements/measurements.ts";

/** How finely points are kept: as they came, or summarised by the minute or the hour. */
export type Level = "raw" | "minute" | "hour";

export const MINUTE_NS = 60_000_000_000n;
export const HOUR_NS: bigint = 60n * MINUTE_NS;
/** Parts hold one day, so that a day can be made anew and thrown away as a whole. */
export const DAY_NS: bigint = 24n * HOUR_NS;

export const STEP_NS: Readonly<Record<Exclude<Level, "raw">, bigint>> = { minute: MINUTE_NS, hour: HOUR_NS };
/** From fine to coarse. */
export const LEVELS: readonly Level[] = ["raw", "minute", "hour"];

/** Nanoseconds since 1970; no tag and no field begins with an underscore. */
export const TIME = '"_time"';

export interface TableField {
	readonly name: string;
	readonly kind: FieldKind;
}

/** The tables of one measurement, whatever their level. */
export interface Table {
	readonly measurement: MeasurementName;
	/** In the order by which parts are sorted: what people ask for comes first. */
	readonly tags: readonly string[];
	readonly fields: readonly TableField[];
	/** Place of each in `fields`. */
	readonly fieldPlaces: ReadonlyMap<string, number>;
}

const TABLES: ReadonlyMap<MeasurementName, Table> = new Map(
	(Object.keys(MEASUREMENTS) as MeasurementName[]).map((measurement) => [measurement, layOut(measurement)]),
);

export function tableOf(measurement: MeasurementName): Table {
	return TABLES.get(measurement)!;
}

function layOut(measurement: MeasurementName): Table {
	const { tags, fields }: Measurement = definitionOf(measurement);
	const names = Object.keys(tags);
	const list = Object.entries(fields).map(([name, { kind }]) => ({ name, kind }));
	return {
		measurement,
		tags: names.includes("vm") ? ["vm", ...names.filter((name) => name !== "vm")] : names,
		fields: list,
		fieldPlaces: new Map(list.map(({ name }, place) => [name, place])),
	};
}

/**
 * Columns of a summarised field, each with how it comes of the raw values of its window. A counter keeps the last value, which is
 * what rates are made of.
 */
export function summariesOf({ name, kind }: TableField): { readonly column: string; readonly sql: string }[] {
	const value = column(name);
	const summaries = [
		{ column: column(name, "count"), sql: `count(${value})::UINTEGER` },
		{ column: column(name, "last"), sql: `arg_max(${value}, ${TIME})` },
	];
	if (kind === "gauge") {
		for (const part of ["sum", "min", "max"] as const) {
			summaries.push({ column: column(name, part), sql: `${part}(${value})` });
		}
	}
	return summaries;
}

/** The SQL name of a field's only column, or of one of those of a summarised field. */
export function column(field: string, part?: "count" | "last" | "sum" | "min" | "max"): string {
	return part === undefined ? `"${field}"` : `"${field}.${part}"`;
}

/** A string in SQL. It must not hold a NUL, as tags do not. */
export function quote(text: string): string {
	return `'${text.replaceAll("'", "''")}'`;
}

/** Of a time in SQL: where the window begins, counted from 1970. */
export function windowSql(time: string, everyNs: bigint): string {
	return `(${time} - ((${time} % ${everyNs}) + ${everyNs}) % ${everyNs})`;
}

/** Where the stretch of `lengthNs` begins that a time lies in, counted from 1970. */
export function floorTo(timeNs: bigint, lengthNs: bigint): bigint {
	return timeNs - (((timeNs % lengthNs) + lengthNs) % lengthNs);
}
