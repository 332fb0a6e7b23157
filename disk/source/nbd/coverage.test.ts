import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../../common/errors.ts";
import { testRandom } from "../../../test/support/random.ts";
import { Coverage } from "./coverage.ts";

describe("Coverage", () => {
	it("agrees with a map of bytes on any order of pieces", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 300; round++) {
			const size = random.between(1, 60);
			const bytes = new Uint8Array(size);
			const coverage = new Coverage();
			for (let piece = 0; piece < 40; piece++) {
				const start = random.below(size);
				const end = random.between(start + 1, Math.min(size, start + 12));
				if (bytes.subarray(start, end).includes(1)) {
					assert.throws(
						() => coverage.add(start, end),
						(error) => isUmbraError(error, "unavailable"),
					);
					break;
				}
				coverage.add(start, end);
				bytes.fill(1, start, end);
				assert.equal(coverage.covers(0, size), !bytes.includes(0));
			}
		}
	});

	it("keeps one piece of a reply that comes in order, and bounds one that does not", () => {
		const inOrder = new Coverage();
		for (let at = 0; at < 100_000; at++) inOrder.add(at, at + 1);
		assert.ok(inOrder.covers(0, 100_000));
		const scattered = new Coverage();
		assert.throws(
			() => {
				for (let at = 0; at < 100_000; at++) scattered.add(2 * at, 2 * at + 1);
			},
			(error) => isUmbraError(error, "unavailable") && error.context.field === "pieces",
		);
	});
});
