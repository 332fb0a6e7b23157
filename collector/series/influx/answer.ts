/**
 * Answers to InfluxQL: one JSON document a line, each with some rows of some series. Times are asked for as text, since a number of
 * nanoseconds loses its last digits in JSON.
 */
import { messageOf, UmbraError } from "../../../common/errors.ts";
import { tooManyRows } from "../check.ts";
import type { Series, SeriesQuery } from "../series-store.ts";
import { decodeTag, storedField } from "./names.ts";

/** Of one document; a server that does not send in pieces sends all in one. */
const MAX_DOCUMENT_BYTES = 256 * 2 ** 20;
const LINE_FEED = 0x0a;

type Value = number | string | null;

interface Document {
	readonly error?: string;
	readonly results?: readonly {
		readonly error?: string;
		readonly series?: readonly {
			readonly tags?: Readonly<Record<string, string | null>>;
			readonly columns: readonly string[];
			readonly values?: readonly (readonly Value[])[];
		}[];
	}[];
}

interface Rows {
	readonly tags: Readonly<Record<string, string>>;
	readonly timesNs: bigint[];
	readonly values: Record<string, Value[]>;
}

/**
 * The series of an answer, in the order in which they came.
 *
 * @param limit rows of a series beyond which the others are left out
 * @throws UmbraError `limit` where there are more than `maxRows` rows, `unavailable` where the server says what went wrong or
 * what it says makes no sense.
 */
export async function readAnswer(
	chunks: AsyncIterable<Uint8Array>,
	{ fields, groupBy = [] }: SeriesQuery,
	{ limit = Number.POSITIVE_INFINITY, maxRows }: { readonly limit?: number | undefined; readonly maxRows: number },
): Promise<Series[]> {
	const found = new Map<string, Rows>();
	const time = timeReader();
	let count = 0;
	for await (const line of linesOf(chunks)) {
		const document = parse(line);
		for (const { tags = {}, columns, values: all = [] } of seriesOf(document)) {
			const named = Object.fromEntries(groupBy.map((tag) => [tag, decodeTag(tags[tag] ?? "")]));
			const key = JSON.stringify(named);
			const rows = found.get(key) ?? {
				tags: named,
				timesNs: [],
				values: Object.fromEntries(fields.map((field) => [field, []])),
			};
			found.set(key, rows);
			const values = all.slice(0, limit - rows.timesNs.length);
			count += values.length;
			if (count > maxRows) throw tooManyRows(maxRows);
			const timeColumn = columns.indexOf("time");
			for (const row of values) rows.timesNs.push(time(row[timeColumn]));
			for (const field of fields) {
				const column = columns.indexOf(storedField(field));
				const into = rows.values[field] as Value[];
				for (const row of values) into.push(row[column] ?? null);
			}
		}
	}
	return [...found.values()];
}

function seriesOf(document: Document) {
	const error = document.error ?? document.results?.find((result) => result.error !== undefined)?.error;
	if (error !== undefined) {
		throw new UmbraError("unavailable", `InfluxDB cannot answer: ${error}`, {
			...(/not found/.test(error) && {
				hint: "the database is missing, or InfluxDB 2.x has no DBRP mapping of that name: see docs/operations.md",
			}),
		});
	}
	return document.results?.flatMap((result) => result.series ?? []) ?? [];
}

function parse(line: Buffer): Document {
	try {
		return JSON.parse(line.toString("utf8")) as Document;
	} catch (error) {
		throw new UmbraError("unavailable", `InfluxDB's answer is no JSON: ${messageOf(error)}`, { cause: error });
	}
}

async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
	let held: Uint8Array[] = [];
	let bytes = 0;
	for await (const chunk of chunks) {
		let from = 0;
		for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
			held.push(chunk.subarray(from, end));
			const line = Buffer.concat(held);
			if (line.length > 0) yield line;
			[held, bytes, from] = [[], 0, end + 1];
		}
		held.push(chunk.subarray(from));
		bytes += chunk.length - from;
		if (bytes > MAX_DOCUMENT_BYTES) {
			throw new UmbraError("limit", `InfluxDB's answer is larger than ${MAX_DOCUMENT_BYTES} bytes`);
		}
	}
	const rest = Buffer.concat(held);
	if (rest.length > 0) yield rest;
}

/** Reads `2026-11-21T19:48:03.123456789Z` and its like; rows that follow each other mostly share their second. */
function timeReader(): (text: Value | undefined) => bigint {
	let second = "";
	let secondNs = 0n;
	return (text) => {
		const match = /^([^.Z]+)(?:\.(\d{1,9}))?Z$/.exec(String(text));
		if (match !== null && match[1] !== second) {
			second = match[1] as string;
			const ms = Date.parse(`${second}Z`);
			if (Number.isNaN(ms)) second = "";
			else secondNs = BigInt(ms) * 1_000_000n;
		}
		if (match === null || second === "") {
			throw new UmbraError("unavailable", `InfluxDB's answer has a row without a time: ${text}`);
		}
		return secondNs + BigInt((match[2] ?? "").padEnd(9, "0"));
	};
}
