import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SeriesQuery } from "../series-store.ts";
import { readAnswer } from "./answer.ts";

const QUERY: SeriesQuery = { measurement: "vm", fields: ["state", "up"], fromNs: 0n, toNs: 1n, groupBy: ["vm"] };
const UNBOUNDED = { maxRows: 1000 };
const T = "2023-11-14T22:13:20";
const T_NS = 1_700_000_000_000_000_000n;

function documents(...series: object[]): string {
	return series.map((each) => `${JSON.stringify({ results: [{ statement_id: 0, series: [each] }] })}\n`).join("");
}

async function* inPieces(text: string, size = text.length): AsyncGenerator<Uint8Array> {
	const bytes = Buffer.from(text);
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("readAnswer", () => {
	it("puts pieces of series together, wherever the bytes are cut", async () => {
		const columns = ["time", "up", "state"];
		const text = documents(
			{ name: "vm", tags: { vm: "ü %0A" }, columns, values: [[`${T}.000000001Z`, 1, null]], partial: true },
			{
				name: "vm",
				tags: { vm: "ü %0A" },
				columns,
				values: [
					[`${T}.12Z`, 1.5, 2],
					["1969-12-31T23:59:59.9Z", 0, 1],
				],
			},
			{ name: "vm", tags: { vm: "" }, columns, values: [[`${T}Z`, null, 3]] },
		);
		for (let size = 1; size < 60; size++) {
			assert.deepEqual(await readAnswer(inPieces(text, size), QUERY, UNBOUNDED), [
				{
					tags: { vm: "ü \n" },
					timesNs: [T_NS + 1n, T_NS + 120_000_000n, -100_000_000n],
					values: { state: [null, 2, 1], up: [1, 1.5, 0] },
				},
				{ tags: { vm: "" }, timesNs: [T_NS], values: { state: [3], up: [null] } },
			]);
		}
	});

	it("takes an answer in one piece without a line feed, and one without anything", async () => {
		const text = documents({ name: "vm", columns: ["time", "state"], values: [[`${T}Z`, 1]] }).trimEnd();
		const [series] = await readAnswer(inPieces(text), { ...QUERY, groupBy: [] }, UNBOUNDED);
		assert.deepEqual(series, { tags: {}, timesNs: [T_NS], values: { state: [1], up: [null] } });
		assert.deepEqual(await readAnswer(inPieces('{"results":[{"statement_id":0}]}'), QUERY, UNBOUNDED), []);
		assert.deepEqual(await readAnswer(inPieces(""), QUERY, UNBOUNDED), []);
	});

	it("leaves out rows beyond the limit, counts the others over all series, and stops at too many", async () => {
		const values = Array.from({ length: 30 }, (_, at) => [`${T}.${String(at).padStart(3, "0")}Z`, at]);
		const series = ["a", "b"].map((vm) => ({ name: "vm", tags: { vm }, columns: ["time", "state"], values }));
		const text = documents(...series);
		const found = await readAnswer(inPieces(text), QUERY, { limit: 10, maxRows: 20 });
		assert.deepEqual(
			found.map(({ timesNs }) => timesNs.length),
			[10, 10],
		);
		await assert.rejects(readAnswer(inPieces(text), QUERY, { limit: 11, maxRows: 20 }), { code: "limit" });
		await assert.rejects(readAnswer(inPieces(text), QUERY, { maxRows: 59 }), { code: "limit" });
	});

	for (const [what, text, message] of [
		[
			"an error of the statement",
			'{"results":[{"statement_id":0,"error":"database not found: x"}]}',
			/database not found: x/,
		],
		["an error of the request", '{"error":"timeout"}', /cannot answer: timeout/],
		["what is no JSON", "<html>", /is no JSON/],
		["a row without a time", '{"results":[{"series":[{"columns":["state"],"values":[[1]]}]}]}', /without a time/],
		[
			"a time that is none",
			'{"results":[{"series":[{"columns":["time"],"values":[["2023-99-14T22:13:20Z"]]}]}]}',
			/without a time/,
		],
	] as const) {
		it(`refuses ${what}`, async () => {
			await assert.rejects(readAnswer(inPieces(text), QUERY, UNBOUNDED), { code: "unavailable", message });
		});
	}
});
