/** Rows of DuckDB as the series of an answer. */
import type { DuckDBMaterializedResult } from "@duckdb/node-api";
import { compareSeries, tooManyRows } from "../check.ts";
import type { Series, SeriesQuery } from "../series-store.ts";

/**
 * @param result of `questionSql`
 * @throws UmbraError `limit` for more than `maxRows` rows, what the signal was aborted with.
 */
export async function readAnswer(
	result: DuckDBMaterializedResult,
	{ fields, groupBy = [] }: SeriesQuery,
	maxRows: number,
	signal?: AbortSignal,
): Promise<Series[]> {
	if (result.rowCount > maxRows) throw tooManyRows(maxRows);
	const answer: {
		tags: Record<string, string>;
		timesNs: bigint[];
		values: Record<string, (number | string | null)[]>;
	}[] = [];
	let lastHash: bigint | undefined;
	let series: (typeof answer)[number] | undefined;
	for (;;) {
		const chunk = await result.fetchChunk();
		signal?.throwIfAborted();
		if (chunk === null || chunk.rowCount === 0) break;
		const tags = groupBy.map((_, at) => chunk.getColumnVector(at));
		const times = chunk.getColumnVector(groupBy.length);
		const values = fields.map((_, at) => chunk.getColumnVector(groupBy.length + 1 + at));
		const hashes = groupBy.length > 0 ? chunk.getColumnVector(groupBy.length + 1 + fields.length) : undefined;
		for (let row = 0; row < chunk.rowCount; row++) {
			// Reading the tags of every row would take longer than all the rest.
			const hash = hashes?.getItem(row) as bigint | undefined;
			if (series === undefined || hash !== lastHash) {
				lastHash = hash;
				series = {
					tags: Object.fromEntries(groupBy.map((tag, at) => [tag, tags[at]!.getItem(row) as string])),
					timesNs: [],
					values: Object.fromEntries(fields.map((field) => [field, []])),
				};
				answer.push(series);
			}
			series.timesNs.push(times.getItem(row) as bigint);
			for (let at = 0; at < fields.length; at++) {
				series.values[fields[at]!]!.push(values[at]!.getItem(row) as number | string | null);
			}
		}
	}
	return answer.sort(compareSeries(groupBy));
}
