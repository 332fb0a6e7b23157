/**
 * InfluxQL made of the measurements' own names: a field that its measurement does not have does not compile, and neither
 * does a counter that is read as if it were a gauge. Whoever serves these dashboards from another store has to answer four
 * kinds of statement and nothing else; docs/grafana.md describes them.
 *
 * `$timeFilter` and `$__interval` are Grafana's: it puts the panel's time range and the width of a step there. `$vm` and
 * its like are variables of the dashboard, always within `=~ /^$vm$/`: Grafana escapes what is chosen and joins several by `|`.
 */
import type { FieldKind, Unit } from "../common/measurements/measurement.ts";
import {
	definitionOf,
	type FieldName,
	type MEASUREMENTS,
	type MeasurementName,
	type TagName,
} from "../common/measurements/measurements.ts";

/** In InfluxQL `time` is when a point was; a field of that name cannot be asked for. */
type Askable<M extends MeasurementName> = Exclude<FieldName<M>, "time">;
/** The fields of a measurement that are of a kind. */
type FieldOf<M extends MeasurementName, K extends FieldKind> = {
	[F in Askable<M>]: (typeof MEASUREMENTS)[M]["fields"][F] extends { readonly kind: K } ? F : never;
}[Askable<M>];
export type GaugeName<M extends MeasurementName> = FieldOf<M, "gauge">;
export type CounterName<M extends MeasurementName> = FieldOf<M, "counter">;

/** What is selected, under the name of its field unless said otherwise. */
export interface Column<M extends MeasurementName> {
	readonly measurement: M;
	readonly field: FieldName<M>;
	readonly expression: string;
	readonly name: string;
	/** Of the field; a rate is in this a second. */
	readonly unit: Unit;
	readonly rate: boolean;
}

export interface Where<M extends MeasurementName> {
	/** Tags that are narrowed by the dashboard's variables of the same name. */
	readonly scope?: readonly TagName<M>[];
	/** Tags that have this value, or one of these. */
	readonly tags?: { readonly [T in TagName<M>]?: string | readonly string[] };
	/** Tags that have none of these values. */
	readonly not?: { readonly [T in TagName<M>]?: readonly string[] };
	/** Gauges that are at least this. */
	readonly atLeast?: { readonly [F in GaugeName<M>]?: number };
}

export interface Question<M extends MeasurementName> extends Where<M> {
	readonly by?: readonly TagName<M>[];
}

/** Everything that can be asked of a measurement. */
export interface Source<M extends MeasurementName> {
	mean(field: GaugeName<M>, name?: string): Column<M>;
	max(field: GaugeName<M>, name?: string): Column<M>;
	min(field: GaugeName<M>, name?: string): Column<M>;
	sum(field: GaugeName<M>, name?: string): Column<M>;
	last(field: FieldOf<M, "gauge" | "text">, name?: string): Column<M>;
	/** How fast a counter rises, a second; a counter that begins anew is no negative rate. */
	rate(field: CounterName<M>, name?: string): Column<M>;
	/** The newest of one gauge less the newest of another. */
	difference(left: GaugeName<M>, right: GaugeName<M>, name: string): Column<M>;
	/** A field as it was written, for `records`. */
	value(field: FieldOf<M, "gauge" | "text">): Column<M>;
	/** One series for each combination of `by`, a point a step; steps without a reading are left out. */
	series(columns: readonly Column<M>[], question: Question<M>): string;
	/** One row for each combination of `by`, over the whole time range. */
	summary(columns: readonly Column<M>[], question: Question<M>): string;
	/** The newest `limit` points as they were written, with the tags `by`. */
	records(columns: readonly Column<M>[], question: Question<M> & { readonly limit: number }): string;
	/** The values of a tag. */
	tagValues(tag: TagName<M>, question: { readonly scope?: readonly TagName<M>[] }): string;
}

export function of<const M extends MeasurementName>(measurement: M): Source<M> {
	const column = (expression: string, field: FieldName<M>, name: string = field, rate = false): Column<M> => ({
		measurement,
		field,
		expression,
		name,
		unit: definitionOf(measurement).fields[field]!.unit,
		rate,
	});
	const called = (name: string) => (field: FieldName<M>, as?: string) =>
		column(`${name}(${identifier(field)})`, field, as);
	const select = (columns: readonly Column<M>[]) =>
		`SELECT ${columns.map(({ expression, name }) => `${expression} AS ${identifier(name)}`).join(", ")}`;
	const from = `FROM ${identifier(measurement)}`;
	return {
		mean: called("mean"),
		max: called("max"),
		min: called("min"),
		sum: called("sum"),
		last: called("last"),
		rate: (field, name) => column(`non_negative_derivative(last(${identifier(field)}), 1s)`, field, name, true),
		difference: (left, right, name) => column(`last(${identifier(left)}) - last(${identifier(right)})`, left, name),
		value: (field) => column(identifier(field), field),
		series: (columns, question) => {
			const groups = ["time($__interval)", ...(question.by ?? []).map(identifier)].join(", ");
			return `${select(columns)} ${from} ${where(question)} GROUP BY ${groups} fill(none)`;
		},
		summary: (columns, question) => {
			const groups = (question.by ?? []).map(identifier).join(", ");
			return `${select(columns)} ${from} ${where(question)}${groups === "" ? "" : ` GROUP BY ${groups}`}`;
		},
		records: (columns, question) => {
			const selected = [...(question.by ?? []), ...columns.map(({ field }) => field)].map(identifier).join(", ");
			return `SELECT ${selected} ${from} ${where(question)} ORDER BY time DESC LIMIT ${question.limit}`;
		},
		tagValues: (tag, { scope = [] }) => {
			const narrowed = scope.map(scoped).join(" AND ");
			return `SHOW TAG VALUES ${from} WITH KEY = ${identifier(tag)}${narrowed === "" ? "" : ` WHERE ${narrowed}`}`;
		},
	};
}

function where<M extends MeasurementName>({ scope = [], tags = {}, not = {}, atLeast = {} }: Where<M>): string {
	const conditions = [
		...scope.map(scoped),
		...entries<string | readonly string[]>(tags).map(([tag, wanted]) =>
			typeof wanted === "string"
				? `${identifier(tag)} = '${wanted}'`
				: `${identifier(tag)} =~ /^(${wanted.join("|")})$/`,
		),
		...entries<readonly string[]>(not).map(([tag, unwanted]) => `${identifier(tag)} !~ /^(${unwanted.join("|")})$/`),
		...entries<number>(atLeast).map(([field, limit]) => `${identifier(field)} >= ${limit}`),
		"$timeFilter",
	];
	return `WHERE ${conditions.join(" AND ")}`;
}

function scoped(tag: string): string {
	return `${identifier(tag)} =~ /^$${tag}$/`;
}

function entries<V>(record: { readonly [name: string]: V | undefined }): [string, V][] {
	return Object.entries(record).filter((entry): entry is [string, V] => entry[1] !== undefined);
}

/** Names are those of measurements, which need no escaping; quoted, since some are words of InfluxQL (`host`, `time`). */
function identifier(name: string): string {
	return `"${name}"`;
}
