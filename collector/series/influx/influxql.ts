/** Questions as InfluxQL, which InfluxDB 1.x, 2.x and 3 all answer. What it is made of was checked before (`check.ts`). */
import type { SeriesQuery } from "../series-store.ts";
import { encodeTag, storedField } from "./names.ts";

export interface Select {
	readonly text: string;
	/**
	 * The first so many rows of each series count: InfluxDB 1.x limits each field for itself, so that rows of several fields
	 * may be more.
	 */
	readonly limit: number | undefined;
	/** Rows are to be turned around, and cut then only: a rate of newest-first values would run backwards. */
	readonly reverse: boolean;
}

/** @returns undefined where the answer is empty whatever is stored. */
export function selectOf(query: SeriesQuery): Select | undefined {
	const { measurement, fields, where = {}, fromNs, toNs, window, rate = false, descending = false, limit } = query;
	if (fromNs >= toNs || Object.values(where).some((wanted) => wanted.length === 0 && typeof wanted !== "string")) {
		return undefined;
	}
	const time = [`time >= ${fromNs}`, `time < ${toNs}`];
	const conditions = [...time, ...Object.entries(where).map(([tag, wanted]) => conditionOf(tag, wanted))].join(" AND ");
	const groupBy = [...new Set(query.groupBy)].map(quoteName);
	const every = window === undefined ? [] : [`time(${window.everyNs}ns)`];
	const names = [...new Set(fields)].map((field) => quoteName(storedField(field)));
	const columns = (inner: (name: string) => string) => names.map((name) => `${inner(name)} AS ${name}`).join(", ");
	const reverse = rate && descending;
	const first = reverse ? undefined : limit;
	const end = [
		groupClause([...every, ...groupBy]),
		window === undefined ? "" : " fill(none)",
		descending && !reverse ? " ORDER BY time DESC" : "",
		first !== undefined ? ` LIMIT ${first}` : "",
	].join("");
	const source = quoteName(measurement);
	if (!rate) {
		const aggregate = window?.aggregate;
		const select = columns((name) => (aggregate === undefined ? name : `${aggregate}(${name})`));
		return { text: `SELECT ${select} FROM ${source} WHERE ${conditions}${end}`, limit: first, reverse };
	}
	const steps = columns((name) => `non_negative_derivative(last(${name}), 1s)`);
	const series = `SELECT ${steps} FROM ${source} WHERE ${conditions}${groupClause([...every, "*"])} fill(none)`;
	const sums = columns((name) => `sum(${name})`);
	return { text: `SELECT ${sums} FROM (${series}) WHERE ${time.join(" AND ")}${end}`, limit: first, reverse };
}

function groupClause(parts: readonly string[]): string {
	return parts.length === 0 ? "" : ` GROUP BY ${parts.join(", ")}`;
}

function conditionOf(tag: string, wanted: string | readonly string[]): string {
	const values = typeof wanted === "string" ? [wanted] : [...new Set(wanted)];
	const name = quoteName(tag);
	return `(${values.map((value) => `${name} = ${quoteText(encodeTag(value))}`).join(" OR ")})`;
}

/** An identifier. */
export function quoteName(name: string): string {
	return `"${escapeWith(name, '"')}"`;
}

export function quoteText(text: string): string {
	return `'${escapeWith(text, "'")}'`;
}

function escapeWith(text: string, quote: string): string {
	return text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`).replaceAll("\n", "\\n");
}
