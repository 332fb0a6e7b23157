/** Whether what a statement answers was recorded, judged by the statement's own list of columns. Pure. */
import assert from "node:assert/strict";
import type { Point } from "../../common/measurements/measurements.ts";
import type { Series, Value } from "./grafana.ts";

interface Recorded {
	readonly values: readonly (string | number)[];
	/** A second, from each to the next. */
	readonly rises: readonly number[];
}
type Judge = (value: Value, recorded: Recorded, isAtEdge: boolean) => boolean;

/** By what is done with a field. The first and the last step of a chart may have a part of a rise. */
const JUDGES: Readonly<Record<string, Judge>> = {
	"": (value, { values }) => values.includes(value as string | number),
	last: (value, { values }) => values.includes(value as string | number),
	min: (value, { values }) => values.includes(value as number),
	max: (value, { values }) => values.includes(value as number),
	mean: (value, { values }) => isBetween(value, lowest(values), highest(values)),
	sum: (value, { values }) =>
		isBetween(
			value,
			lowest(values),
			values.reduce<number>((sum, each) => sum + Number(each), 0),
		),
	count: (value, { values }) => isBetween(value, 1, values.length),
	rate: (value, { rises }, isAtEdge) => isBetween(value, isAtEdge ? 0 : lowest(rises), highest(rises)),
};

/**
 * Each column that shows a field, or one thing made of it, holds values that the run recorded for just those tags. Not judged
 * are columns that reckon with several fields.
 *
 * @returns columns that were judged
 */
export function assertRecorded(query: string, answer: readonly Series[], points: readonly Point[]): number {
	const [, list = "", measurement = ""] = /^SELECT (.+?) FROM "(\w+)" WHERE/.exec(query) ?? [];
	const wanted = list.split(/, (?=["a-z])/).map(columnOf);
	let judged = 0;
	for (const { tags = {}, columns, values } of answer) {
		const own = points.filter(
			(point) =>
				point.measurement === measurement &&
				Object.entries(tags).every(([tag, value]) => ((point.tags as Record<string, string>)[tag] ?? "") === value),
		);
		assert.equal(wanted.length, columns.length - 1, `${list}: ${columns}`);
		for (const [at, { judge, field }] of wanted.entries()) {
			if (judge === undefined) continue;
			const recorded = recordedOf(own, field);
			for (const [line, row] of values.entries()) {
				const value = row[at + 1] ?? null;
				if (value === null) continue;
				const isAtEdge = line === 0 || line === values.length - 1;
				assert.ok(
					judge(value, recorded, isAtEdge),
					`${query}: ${value} of ${field} for ${JSON.stringify(tags)} was never recorded`,
				);
			}
			judged++;
		}
	}
	return judged;
}

/** Of points of one series, or of several where a statement takes them together. */
function recordedOf(points: readonly Point[], field: string): Recorded {
	const found = points.flatMap(({ tags, timeNs, fields }) => {
		const value = (fields as Record<string, string | number>)[field] ?? (tags as Record<string, string>)[field];
		return value === undefined ? [] : [{ value, timeNs }];
	});
	found.sort((one, other) => Number(one.timeNs - other.timeNs));
	const rises = found.slice(1).map(({ value, timeNs }, at) => {
		const before = found[at]!;
		return ((Number(value) - Number(before.value)) * 1e9) / Number(timeNs - before.timeNs);
	});
	return { values: found.map(({ value }) => value), rises };
}

/** One of a SELECT's list. */
function columnOf(text: string): { readonly judge: Judge | undefined; readonly field: string } {
	const shown = /^(?:(last|min|max|mean|sum|count)\()?"(\w+)"\)?(?: AS "[^"]+")?$/.exec(text);
	if (shown !== null) return { judge: JUDGES[shown[1] ?? ""], field: shown[2] ?? "" };
	const rate = /^non_negative_derivative\(last\("(\w+)"\), 1s\)(?: AS "[^"]+")?$/.exec(text);
	return rate === null ? { judge: undefined, field: "" } : { judge: JUDGES["rate"], field: rate[1] ?? "" };
}

function isBetween(value: Value, low: number, high: number): boolean {
	const error = 1e-9 * Math.max(Math.abs(low), Math.abs(high));
	return Number(value) >= low - error && Number(value) <= high + error;
}

function lowest(values: readonly (string | number)[]): number {
	return values.reduce<number>((low, each) => Math.min(low, Number(each)), Number.POSITIVE_INFINITY);
}

function highest(values: readonly (string | number)[]): number {
	return values.reduce<number>((high, each) => Math.max(high, Number(each)), Number.NEGATIVE_INFINITY);
}
