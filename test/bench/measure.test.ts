import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { interleaved, median } from "./measure.ts";

describe("median", () => {
	for (const [values, expected] of [
		[[3], 3],
		[[9, 1, 5], 5],
		[[10, 2, 4, 100], 7],
	] as const) {
		it(`of ${values.join(", ")} is ${expected}`, () => assert.equal(median(values), expected));
	}

	it("of nothing is refused", () => assert.throws(() => median([]), RangeError));
});

describe("interleaved", () => {
	it("runs every variant each round, another one first each time, and drops the warm-up", async () => {
		const order: string[] = [];
		const variant = (name: string) => async (round: number) => {
			order.push(`${name}${round}`);
			return round;
		};
		const results = await interleaved({ a: variant("a"), b: variant("b") }, 2, 1);
		assert.deepEqual(order, ["a0", "b0", "b1", "a1", "a2", "b2"]);
		assert.deepEqual(results, { a: [1, 2], b: [1, 2] });
	});
});
