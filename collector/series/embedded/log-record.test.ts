import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../../common/errors.ts";
import { testRandom } from "../../../test/support/random.ts";
import { Block } from "./block.ts";
import { tableOf } from "./layout.ts";
import { checkSegmentHeader, encodeRecord, encodeSegmentHeader, type RowsSection, readSegment } from "./log-record.ts";

function block(...numbers: number[]): Block {
	const made = new Block(tableOf("anomaly"));
	for (const number of numbers) {
		made.add(
			number,
			BigInt(number) * 1000n,
			number % 2 === 0 ? { score: number } : { feature: `f${number}`, score: -number },
		);
	}
	return made;
}

/** A segment of these records. */
function segment(...records: readonly number[][]): Buffer {
	const tags = { host: "h", vm: "ü,'" };
	const parts = records.map((numbers) =>
		encodeRecord(
			[{ measurement: "anomaly", series: numbers.map((number) => [number, tags] as const) }],
			[block(...numbers)],
		),
	);
	return Buffer.concat([encodeSegmentHeader(7), ...parts]);
}

function numbersOf(bytes: Buffer): number[] {
	return readSegment(bytes).sections.flatMap((section) => ("rows" in section ? [...section.series] : []));
}

describe("readSegment", () => {
	it("reads what was written: series, times, numbers and texts", () => {
		const { sections, damagedBytes, tornBytes } = readSegment(segment([1, 2, 3]));
		assert.deepEqual([damagedBytes, tornBytes], [0, 0]);
		assert.deepEqual(sections[0], {
			measurement: "anomaly",
			series: [1, 2, 3].map((number) => [number, { host: "h", vm: "ü,'" }]),
		});
		const { series, times, columns, rows } = sections[1] as RowsSection;
		assert.deepEqual([rows, [...series], [...times]], [3, [1, 2, 3], [1000n, 2000n, 3000n]]);
		assert.deepEqual(
			columns.map(({ field, values }) => [field, [...values]]),
			[
				["score", [-1, 2, -3]],
				["feature", ["f1", null, "f3"]],
			],
		);
	});

	it("reads what is whole of a segment that is cut anywhere", () => {
		const bytes = segment([1], [2], [3]);
		const ends = [segment([1]).length, segment([1], [2]).length, bytes.length];
		for (let length = 20; length <= bytes.length; length++) {
			const whole = ends.filter((end) => end <= length).length;
			assert.deepEqual(numbersOf(bytes.subarray(0, length)), [1, 2, 3].slice(0, whole), `cut at ${length}`);
		}
	});

	it("loses no more than the record that a changed byte is in", (context) => {
		const random = testRandom(context);
		const bytes = segment([1], [2], [3]);
		const [begin, end] = [segment([1]).length, segment([1], [2]).length];
		for (let offset = begin; offset < end; offset++) {
			const changed = Buffer.from(bytes);
			changed[offset]! ^= 1 << random.below(8);
			const found = readSegment(changed);
			assert.deepEqual(numbersOf(changed), [1, 3], `at ${offset}`);
			assert.equal(found.damagedBytes, end - begin);
		}
	});

	it("reads nothing of what is no log", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 50; round++) {
			const bytes = random.bytes(random.below(5000) + 20);
			for (let at = 0; at < 5; at++) bytes.write("SREC", random.below(bytes.length), "latin1");
			assert.deepEqual(readSegment(bytes).sections, []);
		}
	});
});

describe("checkSegmentHeader", () => {
	it("refuses what is cut, changed, of another number or of a newer version", () => {
		const header = encodeSegmentHeader(7);
		checkSegmentHeader(header, 7, "p");
		const changed = header.map((byte, at) => (at === 9 ? byte ^ 1 : byte));
		for (const bytes of [header.subarray(0, 19), Buffer.from(changed), encodeSegmentHeader(8)]) {
			assert.throws(
				() => checkSegmentHeader(bytes, 7, "p"),
				(error) => isUmbraError(error, "corrupt"),
			);
		}
		assert.throws(
			() => checkSegmentHeader(encodeSegmentHeader(7, 2), 7, "p"),
			(error) => isUmbraError(error, "unsupported"),
		);
	});
});
