import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { entropyText, severityText, table } from "./table.ts";

describe("table", () => {
	const columns = [
		{ title: "NAME", value: (row: readonly [string, string]) => row[0] },
		{ title: "N", value: (row: readonly [string, string]) => row[1], right: true },
		{ title: "LAST", value: () => "x" },
	];
	it("aligns columns, numbers to the right, and leaves no blanks at the end", () => {
		const lines = table(
			[
				["a", "1"],
				["longer than its title", "12345"],
			],
			columns,
		).map(stripVTControlCharacters);
		assert.deepEqual(lines, [
			"NAME                       N  LAST",
			"a                          1  x",
			"longer than its title  12345  x",
		]);
	});
	it("does not count colours as width", () => {
		const lines = table([["\u001b[31mred\u001b[39m", "1"]], columns).map(stripVTControlCharacters);
		assert.deepEqual(lines, ["NAME  N  LAST", "red   1  x"]);
	});
	it("shows the heading alone where there is nothing", () => {
		assert.deepEqual(table([], columns).map(stripVTControlCharacters), ["NAME  N  LAST"]);
	});
	it("takes as many rows as there are", () => {
		const rows = Array.from({ length: 300_000 }, (_, at) => [`row ${at}`, "1"] as const);
		assert.equal(table(rows, columns).length, 300_001);
	});
});

describe("severityText and entropyText", () => {
	it("have a word for nothing", () => {
		assert.equal(severityText(null), "-");
		assert.equal(stripVTControlCharacters(severityText("critical")), "critical");
		assert.equal(entropyText(null), "-");
		assert.equal(entropyText(0), "0.0");
		assert.equal(entropyText(7.96), "8.0");
	});
});
