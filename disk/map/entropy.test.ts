import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { pageEntropy, toEntropyByte } from "./entropy.ts";

/** By the definition: -sum p log2 p. */
function plainEntropy(bytes: Uint8Array): number {
	let sum = 0;
	for (let value = 0; value < 256; value++) {
		const share = bytes.filter((byte) => byte === value).length / bytes.length;
		if (share > 0) sum -= share * Math.log2(share);
	}
	return sum;
}

describe("pageEntropy", () => {
	it("is 0 for one value and for nothing, 8 for all values alike", () => {
		assert.equal(pageEntropy(new Uint8Array(4096), 0, 4096), 0);
		assert.equal(pageEntropy(new Uint8Array(4096), 0, 0), 0);
		assert.equal(
			pageEntropy(
				Uint8Array.from({ length: 4096 }, (_, at) => at),
				0,
				4096,
			),
			8,
		);
		assert.equal(toEntropyByte(8), 255);
		assert.equal(toEntropyByte(0), 0);
	});

	it("agrees with the definition at any offset and length", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 100; round++) {
			const bytes = random.bytes(20_000);
			const narrow = random.pick([2, 16, 256]);
			for (let at = 0; at < bytes.length; at++) bytes[at] = bytes[at]! % narrow;
			const offset = random.below(100);
			const length = random.pick([1, 7, 4096, random.between(1, 19_000)]);
			const wanted = plainEntropy(bytes.subarray(offset, offset + length));
			assert.ok(Math.abs(pageEntropy(bytes, offset, length) - wanted) < 1e-9);
		}
	});
});
