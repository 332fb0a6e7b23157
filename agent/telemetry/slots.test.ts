import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nextSlot, offsetOf, slots } from "./slots.ts";

describe("offsetOf", () => {
	it("spreads VMs over the interval, the same way each time, in steps of a tenth", () => {
		const counts = new Map<number, number>();
		for (let n = 0; n < 500; n++) {
			const offset = offsetOf(`web-${n}`, 10_000);
			assert.equal(offset, offsetOf(`web-${n}`, 10_000));
			counts.set(offset, (counts.get(offset) ?? 0) + 1);
		}
		assert.deepEqual(
			[...counts.keys()].sort((a, b) => a - b),
			Array.from({ length: 10 }, (_, n) => n * 1000),
		);
		for (const [offset, count] of counts) assert.ok(count > 25 && count < 75, `${count} VMs at ${offset}`);
	});
});

describe("nextSlot", () => {
	const table: readonly (readonly [
		what: string,
		now: number,
		interval: number,
		offset: number,
		time: number,
		inMs: number,
	])[] = [
		["at the next multiple of the interval", 123_456, 10_000, 0, 130_000, 6544],
		["a whole interval later when it has just begun", 130_000, 10_000, 0, 140_000, 10_000],
		["later in this interval", 131_000, 10_000, 3000, 133_000, 2000],
		["in the next, where this one's has passed", 134_000, 10_000, 3000, 143_000, 9000],
		["stamped by the second in which it begins", 134_000, 5000, 1500, 136_000, 2500],
		["within a second, stamped by its beginning", 134_050, 1000, 700, 134_000, 650],
		["over a day", 1_764_000_000_001, 600_000, 540_000, 1_764_000_540_000, 539_999],
	];
	for (const [what, now, interval, offset, time, inMs] of table) {
		it(`is ${what}`, () => assert.deepEqual(nextSlot(now, interval, offset), { timeMs: time, inMs }));
	}

	it("never stands still or jumps: stamps are an interval apart whenever it is asked", () => {
		let last = nextSlot(1_764_000_000_000, 7000, 2100).timeMs;
		for (let now = 1_764_000_000_000; now < 1_764_000_300_000; now += 37) {
			const { timeMs, inMs } = nextSlot(now, 7000, 2100);
			assert.ok(timeMs === last || timeMs === last + 7000, `${timeMs} after ${last}`);
			assert.ok(inMs > 0 && inMs <= 7000);
			last = timeMs;
		}
	});
});

describe("slots", () => {
	it("come at their time, evenly; a loop that takes longer than one leaves out what has passed", async () => {
		const stop = new AbortController();
		const times: number[] = [];
		for await (const { timeMs } of slots(100, 30, stop.signal)) {
			const late = Date.now() - (timeMs + 30);
			assert.ok(late >= -2, `${late} ms late`);
			times.push(timeMs);
			if (times.length === 2) await new Promise((resolve) => setTimeout(resolve, 250));
			if (times.length === 4) stop.abort();
		}
		assert.ok(times.every((time) => time % 100 === 0));
		const steps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
		assert.ok(steps.every((step) => step >= 100));
		assert.ok((steps[1] ?? 0) >= 200, `steps ${steps}`);
	});

	it("end when they are told to, also in the middle of a wait", async () => {
		const stop = new AbortController();
		setTimeout(() => stop.abort(), 10);
		// One has just been, whatever time it is: the next is ten minutes away.
		const offset = Date.now() % 600_000;
		for await (const _ of slots(600_000, offset, stop.signal)) assert.fail("a slot long before its time");
	});
});
