import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TokenBucket } from "./token-bucket.ts";

describe("TokenBucket", () => {
	it("lets pass what is asked of it, whatever the frames' lengths, over any while that it is busy", () => {
		for (const frame of [60, 1514, 9000]) {
			const bucket = new TokenBucket();
			let passed = 0;
			for (let now = 0; now < 60_000; now++) {
				for (let offered = 0; offered < 200; offered += frame) {
					const wait = bucket.take(frame, 100_000, now);
					if (wait !== undefined && now + wait <= 60_000) passed += frame;
				}
			}
			// Besides the rate a burst of ten milliseconds.
			assert.ok(Math.abs(passed - 6_000_000) <= 1000 + frame, `${passed} of frames of ${frame}`);
		}
	});

	it("holds back, in their order, no more than half a second's worth and one frame", () => {
		const bucket = new TokenBucket();
		const waits = Array.from({ length: 100 }, () => bucket.take(1000, 50_000, 0));
		const taken = waits.filter((wait) => wait !== undefined);
		// 20 ms each; the first finds half of that in the bucket.
		assert.deepEqual(taken.slice(0, 3), [10, 30, 50]);
		assert.equal(taken.length, 26);
		assert.equal(waits[26], undefined);
		assert.equal(bucket.take(1000, 50_000, 600), 0 + 10);
	});

	it("lets one frame pass, in its time, that is longer than all that may wait", () => {
		assert.equal(new TokenBucket().take(1000, 100, 0), 9990);
	});

	it("lets all pass without a limit, and keeps nothing of an earlier one", () => {
		const bucket = new TokenBucket();
		for (let at = 0; at < 10; at++) bucket.take(1000, 1000, 0);
		assert.equal(bucket.take(1e6, 0, 1), 0);
		assert.equal(bucket.take(1000, 1000, 2), 990);
	});
});
