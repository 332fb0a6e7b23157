/**
 * What Grafana does between a dashboard's JSON or a rule's YAML and InfluxDB, as its sources have it: the browser puts variables
 * in (public/app/plugins/datasource/influxdb/datasource.ts), the server macros (pkg/tsdb/influxdb/models/query.go), and makes frames of
 * the answer (pkg/tsdb/influxdb/influxql/buffered). Expressions are as in pkg/expr.
 */
import type { AlertQuery, ProvisionedRule } from "../alerting/file.ts";

/** What is chosen of each variable: `$__all`, one value or several. */
export type Chosen = Readonly<Record<string, string | readonly string[]>>;

export interface TimeRange {
	readonly fromMs: number;
	readonly toMs: number;
}

/** As `escapeRegex` of @grafana/data. */
function escapeRegex(text: string): string {
	return text.replaceAll(/[\\^$*+?.()|[\]{}/]/g, "\\$&");
}

/** All variables can have several values and a value of their own for all of them, which goes in as it is. */
export function withVariables(query: string, chosen: Chosen): string {
	return query.replaceAll(/\$([a-z]+)\b/g, (whole, name: string) => {
		const value = chosen[name];
		if (value === undefined) return whole;
		if (value === "$__all") return ".*";
		return typeof value === "string" ? escapeRegex(value) : `(${value.map(escapeRegex).join("|")})`;
	});
}

export function withMacros(query: string, { fromMs, toMs }: TimeRange, stepMs: number): string {
	return query
		.replaceAll("$timeFilter", `time >= ${fromMs}ms and time <= ${toMs}ms`)
		.replaceAll("$__interval", stepMs % 60_000 === 0 ? `${stepMs / 60_000}m` : `${stepMs / 1000}s`);
}

const STEPS_S = [1, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
/** Points of a panel half a screen wide. */
const POINTS = 800;

/** The width of a step: the time range by the panel's width, rounded, and not below the finest one. */
export function stepMs({ fromMs, toMs }: TimeRange, finest: string): number {
	const wanted = (toMs - fromMs) / POINTS;
	const rounded = STEPS_S.find((seconds) => seconds * 1000 >= wanted) ?? 86_400;
	return Math.max(rounded * 1000, milliseconds(finest));
}

export function milliseconds(duration: string): number {
	const [, amount = "", unit = ""] = /^(\d+)([smhd])$/.exec(duration) ?? [];
	const factor = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
	if (factor === undefined) throw new Error(`not a duration: ${duration}`);
	return Number(amount) * factor;
}

export type Value = string | number | null;
export interface Series {
	readonly name: string;
	readonly tags?: Readonly<Record<string, string>>;
	readonly columns: readonly string[];
	readonly values: readonly (readonly Value[])[];
}

/** Asks as Grafana's server does. @throws Error with InfluxDB's answer where the statement is wrong. */
export async function ask(url: string, database: string, statement: string): Promise<readonly Series[]> {
	const response = await fetch(`${url}/query?db=${database}&epoch=ms`, {
		method: "POST",
		body: new URLSearchParams({ q: statement }),
	});
	const answer = (await response.json()) as {
		readonly error?: string;
		readonly results?: readonly { readonly error?: string; readonly series?: readonly Series[] }[];
	};
	const error = answer.error ?? answer.results?.[0]?.error;
	if (error !== undefined) throw new Error(`${error} in: ${statement}`);
	return answer.results?.[0]?.series ?? [];
}

/** A line of a chart. */
export interface Frame {
	readonly column: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly times: readonly number[];
	readonly values: readonly Value[];
}

/** `time_series`: a frame for each column of each series. */
export function framesOf(series: readonly Series[]): Frame[] {
	return series.flatMap(({ tags = {}, columns, values }) =>
		columns.slice(1).map((column, index) => ({
			column,
			labels: tags,
			times: values.map((row) => Number(row[0])),
			values: values.map((row) => row[index + 1] ?? null),
		})),
	);
}

export type Row = Readonly<Record<string, Value>>;

/** `table`: one frame, its tags as columns. */
export function rowsOf(series: readonly Series[]): Row[] {
	return series.flatMap(({ tags = {}, columns, values }) =>
		values.map((row) => ({
			...tags,
			...Object.fromEntries(columns.map((column, index) => [column === "time" ? "Time" : column, row[index] ?? null])),
		})),
	);
}

interface Transformation {
	readonly id: string;
	// biome-ignore lint/suspicious/noExplicitAny: each has options of its own
	readonly options: any;
}

/** Rows as a table shows them, under the titles of its columns. */
export function transformed(rows: readonly Row[], transformations: readonly Transformation[]): Row[] {
	return transformations.reduce<Row[]>((before, { id, options }) => {
		switch (id) {
			case "filterByValue": {
				const [{ fieldName, config }] = options.filters;
				return before.filter((row) => row[fieldName] === config.options.value);
			}
			case "groupBy":
				return grouped(before, options.fields);
			case "organize": {
				const { indexByName, renameByName, excludeByName } = options;
				return before.map((row) =>
					Object.fromEntries(
						Object.entries(row)
							.filter(([name]) => excludeByName[name] !== true)
							.sort(([a], [b]) => (indexByName[a] ?? 99) - (indexByName[b] ?? 99))
							.map(([name, value]) => [renameByName[name] ?? name, value]),
					),
				);
			}
			case "sortBy": {
				const [{ field, desc }] = options.sort;
				return before.toSorted((a, b) => (desc ? -1 : 1) * (Number(a[field]) - Number(b[field])));
			}
			case "limit":
				return before.slice(0, Number(options.limitField));
			default:
				throw new Error(`no transformation ${id}`);
		}
	}, rows.slice());
}

function grouped(
	rows: readonly Row[],
	fields: Readonly<Record<string, { readonly operation: string; readonly aggregations: readonly string[] }>>,
): Row[] {
	const names = (operation: string) => Object.keys(fields).filter((name) => fields[name]!.operation === operation);
	const groups = Map.groupBy(rows, (row) => JSON.stringify(names("groupby").map((name) => row[name])));
	return [...groups.values()].map((members) =>
		Object.fromEntries([
			...names("groupby").map((name) => [name, members[0]![name]!] as const),
			...names("aggregate").map((name): readonly [string, Value] => {
				const [calculation = ""] = fields[name]!.aggregations;
				const total = () => members.reduce((sum, row) => sum + Number(row[name]), 0);
				return [`${name} (${calculation})`, calculation === "sum" ? total() : members.at(-1)![name]!];
			}),
		]),
	);
}

/** An instance of a rule: its labels, whether it fires, and the numbers that its text can tell. */
export interface Instance {
	readonly labels: Readonly<Record<string, string>>;
	readonly firing: boolean;
	readonly values: Readonly<Record<string, number>>;
}

interface Reduced {
	readonly labels: Readonly<Record<string, string>>;
	readonly value: number;
}

/** Evaluates a rule. @throws Error where two results of its condition have the same labels, as Grafana does. */
export async function evaluate(
	rule: ProvisionedRule,
	atMs: number,
	url: string,
	database: string,
): Promise<Instance[]> {
	const frames = new Map<string, readonly Frame[]>();
	const numbers = new Map<string, readonly Reduced[]>();
	for (const query of rule.data) {
		const { model, refId } = query;
		if ("query" in model) frames.set(refId, await asked(query, atMs, url, database));
		else if (model.type === "reduce") {
			const series = frames.get(model.expression) ?? [];
			numbers.set(
				refId,
				series.map(({ labels, values }) => ({ labels, value: reduce(model.reducer, values) })),
			);
		} else if (model.type === "threshold") {
			const { type, params } = model.conditions[0]!.evaluator;
			const [limit = 0] = params;
			numbers.set(
				refId,
				(numbers.get(model.expression) ?? []).map(({ labels, value }) => ({
					labels,
					value: Number(type === "gt" ? value > limit : value < limit),
				})),
			);
		}
	}
	const condition = numbers.get(rule.condition) ?? [];
	const seen = new Set<string>();
	return condition.map(({ labels, value }) => {
		const fingerprint = print(labels);
		if (seen.has(fingerprint)) throw new Error(`${rule.uid}: two results for ${fingerprint}`);
		seen.add(fingerprint);
		// Of several numbers with the same labels the last one stays.
		const values = [...numbers].flatMap(([refId, results]) =>
			results.filter((each) => print(each.labels) === fingerprint).map((each) => [refId, each.value] as const),
		);
		return { labels, firing: value !== 0, values: Object.fromEntries(values) };
	});
}

async function asked({ model, relativeTimeRange }: AlertQuery, atMs: number, url: string, database: string) {
	if (!("query" in model)) return [];
	const range = { fromMs: atMs - relativeTimeRange.from * 1000, toMs: atMs - relativeTimeRange.to * 1000 };
	return framesOf(await ask(url, database, withMacros(model.query, range, model.intervalMs)));
}

/** Without what is no number. */
function reduce(reducer: string, values: readonly Value[]): number {
	const known = values.filter((value) => typeof value === "number");
	if (reducer === "max") return known.length === 0 ? Number.NaN : Math.max(...known);
	if (reducer === "last") return known.at(-1) ?? Number.NaN;
	throw new Error(`no reducer ${reducer}`);
}

function print(labels: Readonly<Record<string, string>>): string {
	return JSON.stringify(Object.entries(labels).sort());
}
