import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scheduleInterval } from "./schedule-interval.ts";

const NOW = new Date("2026-03-02T10:30:00");
const HOUR = 3_600_000;

describe("scheduleInterval", () => {
	for (const [schedule, wanted] of [
		["every 60s", 60_000],
		["every 1.5h", 1.5 * HOUR],
		["cron 0 * * * *", HOUR],
		["cron */5 * * * *", HOUR / 12],
		["cron 0 3 * * *", 24 * HOUR],
		["paused", undefined],
		["excluded", undefined],
		["", undefined],
		["cron 99 * * * *", undefined],
		["every now and then", undefined],
	] as const) {
		it(`takes "${schedule}" for ${wanted ?? "nothing that is due"}`, () => {
			assert.equal(scheduleInterval(schedule, NOW), wanted);
		});
	}
});
