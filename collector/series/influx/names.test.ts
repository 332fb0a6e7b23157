import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../../test/support/random.ts";
import { decodeTag, encodeTag, storedField } from "./names.ts";

describe("encodeTag", () => {
	it("leaves names alone that one meets, and encodes what a line cannot say", () => {
		for (const name of ["web1", "a b,c=d", "100%", "%zz", "%41", "日本語", "/mnt/x"])
			assert.equal(encodeTag(name), name);
		assert.equal(encodeTag("a\\"), "a%5C");
		assert.equal(encodeTag("a\r\nb\u0000\u007f"), "a%0D%0Ab%00%7F");
		assert.equal(encodeTag("%0A%5C%25"), "%250A%255C%2525");
	});

	it("is undone by decodeTag, whatever the name", (context) => {
		const random = testRandom(context);
		const parts = ["%", "0", "5", "2", "A", "C", "F", "7", "\\", "\n", "\u0000", "é", "a", "%25", "%0A", "1"];
		for (let round = 0; round < 20_000; round++) {
			const name = Array.from({ length: random.below(8) }, () => random.pick(parts)).join("");
			assert.equal(decodeTag(encodeTag(name)), name, JSON.stringify(name));
		}
	});
});

describe("storedField", () => {
	it("renames the one field that InfluxDB would drop", () => {
		assert.deepEqual([storedField("time"), storedField("times")], ["time_ns", "times"]);
	});
});
