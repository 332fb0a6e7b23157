import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cloneReport, MAX_EVENTS } from "../../../common/trial/report.ts";
import { MachineEvents } from "./machine-events.ts";

const { events: shape } = cloneReport.shape;

describe("MachineEvents", () => {
	it("keeps the order, and counts what is told again", () => {
		const events = new MachineEvents();
		events.add({ event: "STOP", data: {} }, -0.4);
		for (let at = 0; at < 1000; at++) events.add({ event: "BLOCK_IO_ERROR", data: { device: "disk0" } }, 1000 + at);
		events.add({ event: "BLOCK_IO_ERROR", data: { device: "disk1" } }, 3000);
		const expected = [
			{ atMs: 0, event: "STOP", detail: "", count: 1 },
			{ atMs: 1000, event: "BLOCK_IO_ERROR", detail: '{"device":"disk0"}', count: 1000 },
			{ atMs: 3000, event: "BLOCK_IO_ERROR", detail: '{"device":"disk1"}', count: 1 },
		];
		assert.deepEqual(events.all(), expected);
		assert.deepEqual(shape.parse(events.all()), expected);
	});

	it("is never more than a report holds", () => {
		const events = new MachineEvents();
		for (let at = 0; at < 2 * MAX_EVENTS; at++)
			events.add({ event: "X".repeat(100), data: { at, y: "z".repeat(999) } }, at);
		assert.equal(shape.parse(events.all()).length, MAX_EVENTS);
	});
});
