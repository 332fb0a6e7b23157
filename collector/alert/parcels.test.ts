import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Grouping, ParcelSchedule } from "./parcels.ts";
import { alertNamed } from "./testing.ts";

const HOST: Grouping = { by: ["host"], wait: 30, interval: 300 };

describe("ParcelSchedule", () => {
	it("lets an alert on its own go at once, and never again", () => {
		const schedule = new ParcelSchedule(undefined, undefined, 1000);
		const [parcel, ...others] = schedule.plan([alertNamed("a")], [], 1000);
		assert.equal(others.length, 0);
		assert.deepEqual([parcel?.key, parcel?.dueAt, parcel?.labels], ["a", 0, undefined]);
		schedule.posted("a", 1001);
		assert.equal(schedule.plan([], [alertNamed("a")], 2000)[0]?.dueAt, Number.POSITIVE_INFINITY);
		assert.ok(!schedule.wantsKnown);
	});

	it("waits from the first news of a group, whatever comes after it", () => {
		const schedule = new ParcelSchedule(HOST, undefined, 0);
		assert.equal(schedule.plan([alertNamed("a")], [], 1000)[0]?.dueAt, 1030);
		const [parcel, other] = schedule.plan(
			[alertNamed("a"), alertNamed("b"), alertNamed("c", { host: "h2" })],
			[],
			1020,
		);
		assert.deepEqual([parcel?.news.length, parcel?.dueAt, parcel?.labels], [2, 1030, { host: "host-1" }]);
		assert.equal(other?.dueAt, 1050);
	});

	it("keeps the interval between posts of a group", () => {
		const schedule = new ParcelSchedule(HOST, undefined, 0);
		schedule.plan([alertNamed("a")], [], 1000);
		schedule.posted(JSON.stringify({ host: "host-1" }), 1030);
		const known = alertNamed("a", { undelivered: [] });
		assert.equal(schedule.plan([alertNamed("b")], [known], 1040)[0]?.dueAt, 1330);
		assert.deepEqual(schedule.plan([alertNamed("b")], [known], 1040)[0]?.known, [known]);
		// Once nothing of it fires and all is told, the group is as new.
		schedule.plan([], [], 1050);
		assert.equal(schedule.plan([alertNamed("b")], [], 1060)[0]?.dueAt, 1090);
	});

	it("repeats what fires, under another key each time and one key for all attempts", () => {
		const schedule = new ParcelSchedule(undefined, 100, 0);
		const firing = alertNamed("a", { undelivered: [] });
		const first = schedule.plan([], [firing], 50)[0];
		assert.equal(first?.dueAt, 100);
		assert.equal(schedule.plan([], [firing], 120)[0]?.idempotencyKey, first?.idempotencyKey);
		schedule.posted("a", 130);
		const second = schedule.plan([], [firing], 140)[0];
		assert.equal(second?.dueAt, 230);
		assert.notEqual(second?.idempotencyKey, first?.idempotencyKey);
	});

	it("gives a group another key as soon as there is other news in it", () => {
		const schedule = new ParcelSchedule(HOST, undefined, 0);
		const keyOf = (...news: ReturnType<typeof alertNamed>[]) => schedule.plan(news, [], 0)[0]?.idempotencyKey;
		assert.equal(keyOf(alertNamed("a")), keyOf(alertNamed("a")));
		assert.notEqual(keyOf(alertNamed("a")), keyOf(alertNamed("a", { state: "resolved" })));
		assert.notEqual(keyOf(alertNamed("a")), keyOf(alertNamed("a"), alertNamed("b")));
	});
});
