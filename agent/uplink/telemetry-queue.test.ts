import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { unpackSamples } from "../../proto/samples.ts";
import { TelemetryQueue } from "./telemetry-queue.ts";

const named = (from: number, count: number) =>
	Array.from({ length: count }, (_, n) => ({ measurement: `m${from + n}`, fields: { value: from + n } }));

/** Names of the samples of everything that can be taken, a list a batch. */
function takeAll(queue: TelemetryQueue): string[][] {
	const batches: string[][] = [];
	for (let batch = queue.take(); batch !== undefined; batch = queue.take()) {
		const names = unpackSamples(batch.bytes).map(({ measurement }) => measurement ?? "");
		assert.equal(names.length, batch.samples);
		batches.push(names);
	}
	return batches;
}

describe("TelemetryQueue", () => {
	it("gives what waits in order, in blocks, and a block that is not full when there is no other", () => {
		const queue = new TelemetryQueue(2 ** 20);
		queue.push(named(0, 2500));
		const batches = takeAll(queue);
		assert.deepEqual(
			batches.map((names) => names.length),
			[1000, 1000, 500],
		);
		assert.deepEqual(
			batches.flat(),
			named(0, 2500).map(({ measurement }) => measurement),
		);
		assert.equal(queue.take(), undefined);
		assert.equal(queue.flying, 3);
	});

	it("gives again in a new session what was not acknowledged in the last, before what came since", () => {
		const queue = new TelemetryQueue(2 ** 20);
		queue.push(named(0, 1));
		const first = queue.take();
		queue.push(named(1, 1));
		queue.take();
		queue.acknowledge(first?.sequence ?? 0);
		queue.push(named(2, 1));
		queue.restart();
		assert.equal(queue.flying, 0);
		assert.deepEqual(takeAll(queue), [["m1"], ["m2"]]);
	});

	it("drops the oldest blocks of too much and counts their samples, also those that come back from a session", () => {
		const queue = new TelemetryQueue(12_000);
		queue.push(named(0, 10_000));
		assert.ok(queue.dropped > 0 && queue.dropped % 1000 === 0, String(queue.dropped));
		const kept = takeAll(queue).flat();
		assert.equal(kept.length, 10_000 - queue.dropped);
		assert.equal(kept.at(-1), "m9999");
		const dropped = queue.dropped;
		queue.push(named(10_000, 2000));
		queue.restart();
		const again = takeAll(queue).flat();
		assert.equal(again.at(-1), "m11999");
		assert.ok(queue.dropped > dropped);
		assert.equal(again.length, 12_000 - queue.dropped);
	});
});
