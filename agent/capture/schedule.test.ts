import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { nextDelay, parseSchedule } from "./schedule.ts";

describe("parseSchedule", () => {
	it("takes intervals and cron patterns", () => {
		assert.deepEqual(parseSchedule("every 60s"), { kind: "every", ms: 60_000 });
		assert.deepEqual(parseSchedule("  every   1.5h "), { kind: "every", ms: 5_400_000 });
		assert.deepEqual(parseSchedule("cron 0 * * * *"), { kind: "cron", pattern: "0 * * * *" });
	});
	for (const [text, why] of [
		["", /wanted "every 60s"/],
		["60s", /wanted "every 60s"/],
		["every", /wanted "every 60s"/],
		["every 60", /not a duration/],
		["every 999ms", /shortest interval is 1s/],
		["cron 99 * * * *", /^not a schedule: "cron 99/],
		["cron 0 0 30 2 *", /^not a schedule: "[^"]+"; it never comes due$/],
	] as const) {
		it(`refuses "${text}"`, () => {
			assert.throws(
				() => parseSchedule(text),
				(error) => isUmbraError(error, "bad-config") && why.test(error.message),
			);
		});
	}
});

describe("nextDelay", () => {
	const every = parseSchedule("every 60s");
	it("is due at once at first, then an interval after the last begin", () => {
		assert.equal(nextDelay(every, undefined, 0), 0);
		assert.equal(nextDelay(every, 0, 0), 60_000);
		assert.equal(nextDelay(every, 59_999, 0), 1);
		assert.equal(nextDelay(every, 60_000, 0), 0);
		assert.equal(nextDelay(every, 1e9, 0), 0);
	});
	it("does not look at the clock for an interval, which may be set meanwhile", () => {
		for (const now of [0, 1.7e12, -1.7e12]) assert.equal(nextDelay(every, 20_000, now), 40_000);
	});
	it("waits for the next time of a cron pattern, whenever the last one was", () => {
		const hourly = parseSchedule("cron 0 * * * *");
		const now = Date.UTC(2026, 5, 1, 12, 30, 15);
		for (const last of [undefined, 0, 1e6]) assert.equal(nextDelay(hourly, last, now), 29 * 60_000 + 45_000);
		assert.equal(nextDelay(hourly, 0, Date.UTC(2026, 5, 1, 13, 0, 0)), 3_600_000, "not the same minute again");
	});
	it("never comes due where a pattern has no more times", () => {
		assert.equal(nextDelay({ kind: "cron", pattern: "0 0 30 2 *" }, undefined, 0), Number.POSITIVE_INFINITY);
	});
});
