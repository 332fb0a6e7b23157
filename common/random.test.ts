import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../test/support/random.ts";
import { createRandom } from "./random.ts";

describe("createRandom", () => {
	it("gives the same sequence for the same seed, today and in a year", () => {
		const random = createRandom(42);
		assert.equal(random.bytes(16).toString("hex"), createRandom(42).bytes(16).toString("hex"));
		assert.notEqual(createRandom(42).bytes(16).toString("hex"), createRandom(43).bytes(16).toString("hex"));
		assert.equal(createRandom(42).bytes(16).toString("hex"), "fd88e60a79e854b3b82607e1b2e9805a");
	});

	it("stays within its bounds, reaches them, and spreads evenly", (context) => {
		const random = testRandom(context);
		const counts = new Array<number>(10).fill(0);
		for (let round = 0; round < 10_000; round++) {
			const value = random.between(3, 12);
			assert.ok(Number.isInteger(value) && value >= 3 && value <= 12, `${value}`);
			counts[value - 3]!++;
		}
		// 1,000 expected each, standard deviation 30: 8 of them.
		for (const count of counts) assert.ok(Math.abs(count - 1000) < 240, `${counts}`);
	});

	it("makes bytes of high entropy", (context) => {
		const bytes = testRandom(context).bytes(2 ** 20);
		const counts = new Array<number>(256).fill(0);
		for (const byte of bytes) counts[byte]!++;
		const entropy = -counts.reduce((sum, count) => sum + (count / bytes.length) * Math.log2(count / bytes.length), 0);
		assert.ok(entropy > 7.999, `${entropy}`);
	});

	it("shuffles without losing any", (context) => {
		const values = Array.from({ length: 50 }, (_, index) => index);
		const shuffled = testRandom(context).shuffle(values);
		assert.notDeepEqual(shuffled, values);
		assert.deepEqual(
			shuffled.toSorted((a, b) => a - b),
			values,
		);
	});
});
