import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { decide, type KeepReason } from "./policy.ts";
import type { RetentionPolicy } from "./settings.ts";

const NONE: RetentionPolicy = {
	last: 0,
	hourly: 0,
	daily: 0,
	weekly: 0,
	monthly: 0,
	keepAll: false,
	keepImported: true,
};

const at = (iso: string) => BigInt(Date.parse(iso)) * 1_000_000n;

/** What stays of points given as ISO times, oldest first, the newest being the head: time and reasons, oldest first. */
function kept(times: readonly string[], policy: Partial<RetentionPolicy>, more: Map<bigint, KeepReason[]> = new Map()) {
	const newest = times.slice(-1).map((time): [bigint, KeepReason[]] => [at(time), ["head"]]);
	const decisions = decide(times.map(at).reverse(), { ...NONE, ...policy }, new Map([...newest, ...more]));
	return decisions
		.filter(({ reasons }) => reasons.length > 0)
		.map(({ time, reasons }) => [new Date(Number(time / 1_000_000n)).toISOString().slice(0, 16), reasons.join(" ")])
		.reverse();
}

describe("decide", () => {
	const minutes = Array.from({ length: 150 }, (_, minute) => new Date(Date.UTC(2026, 2, 1, 10, minute)).toISOString());

	it("keeps the head whatever the policy says, and nothing else without one", () => {
		assert.deepEqual(kept(minutes, {}), [["2026-03-01T12:29", "head"]]);
		assert.deepEqual(kept([], { last: 3 }), []);
	});

	it("keeps the newest few", () => {
		assert.deepEqual(kept(minutes, { last: 2 }), [
			["2026-03-01T12:28", "last"],
			["2026-03-01T12:29", "head last"],
		]);
	});

	it("keeps the newest point of each of the newest hours", () => {
		assert.deepEqual(kept(minutes, { hourly: 2 }), [
			["2026-03-01T11:59", "hourly"],
			["2026-03-01T12:29", "head hourly"],
		]);
		assert.equal(kept(minutes, { hourly: 99 }).length, 3);
	});

	it("counts hours that have points, not hours that have passed", () => {
		const times = ["2026-01-01T00:30", "2026-01-01T00:40", "2026-06-01T12:00", "2026-06-01T13:00"];
		assert.deepEqual(
			kept(
				times.map((time) => `${time}Z`),
				{ hourly: 3 },
			),
			[
				["2026-01-01T00:40", "hourly"],
				["2026-06-01T12:00", "hourly"],
				["2026-06-01T13:00", "head hourly"],
			],
		);
	});

	it("divides days, ISO weeks and months in UTC", () => {
		// 2026-03-01 is a Sunday: the last day of week 9, and the first of March.
		const times = [
			"2026-02-27T23:59:59Z",
			"2026-02-28T00:00:00Z",
			"2026-02-28T23:59:00Z",
			"2026-03-01T00:00:00Z",
			"2026-03-02T00:00:00Z",
		];
		assert.deepEqual(kept(times, { daily: 3 }), [
			["2026-02-28T23:59", "daily"],
			["2026-03-01T00:00", "daily"],
			["2026-03-02T00:00", "head daily"],
		]);
		assert.deepEqual(kept(times, { weekly: 9 }), [
			["2026-03-01T00:00", "weekly"],
			["2026-03-02T00:00", "head weekly"],
		]);
		assert.deepEqual(kept(times, { monthly: 2 }), [
			["2026-02-28T23:59", "monthly"],
			["2026-03-02T00:00", "head monthly"],
		]);
	});

	it("takes a week for one over the turn of a year", () => {
		// ISO week 53 of 2026: Monday 28 December to Sunday 3 January.
		const times = ["2026-12-27T12:00Z", "2026-12-28T12:00Z", "2027-01-03T12:00Z", "2027-01-04T12:00Z"];
		assert.deepEqual(kept(times, { weekly: 9 }), [
			["2026-12-27T12:00", "weekly"],
			["2027-01-03T12:00", "weekly"],
			["2027-01-04T12:00", "head weekly"],
		]);
	});

	it("joins rules: a point stays where any of them wants it, and says all of them", () => {
		assert.deepEqual(kept(minutes, { last: 1, hourly: 2, daily: 5, monthly: 1 }), [
			["2026-03-01T11:59", "hourly"],
			["2026-03-01T12:29", "head last hourly daily monthly"],
		]);
	});

	it("keeps what it is told to keep, which uses up nothing", () => {
		const more = new Map<bigint, KeepReason[]>([[at("2026-03-01T10:07Z"), ["hold", "alert"]]]);
		assert.deepEqual(kept(minutes, { last: 1 }, more), [
			["2026-03-01T10:07", "hold alert"],
			["2026-03-01T12:29", "head last"],
		]);
	});

	it("counts nothing that is kept as imported, wherever it lies", () => {
		const imported = ["2026-03-01T10:07Z", "2026-03-01T12:28Z"];
		const more = new Map(imported.map((time): [bigint, KeepReason[]] => [at(time), ["imported"]]));
		assert.deepEqual(kept(minutes, { last: 2, hourly: 2 }, more), [
			["2026-03-01T10:07", "imported"],
			["2026-03-01T11:59", "hourly"],
			["2026-03-01T12:27", "last"],
			["2026-03-01T12:28", "imported"],
			["2026-03-01T12:29", "head last hourly"],
		]);
	});

	it("keeps everything where that is wanted", () => {
		assert.equal(kept(minutes, { keepAll: true }).length, minutes.length);
	});

	it("keeps what it kept when it is asked again", () => {
		const policy = { ...NONE, last: 5, hourly: 3, daily: 4, weekly: 3, monthly: 2 };
		const hours = Array.from(
			{ length: 3000 },
			(_, hour) => at("2026-01-01T00:20Z") + BigInt(hour) * 1_800_000_000_000n,
		);
		let points: bigint[] = [];
		for (const time of hours) {
			points = decide([time, ...points], policy, new Map([[time, ["head"]]])).flatMap((decision) =>
				decision.reasons.length > 0 ? [decision.time] : [],
			);
		}
		// Pruned all along, or once at the end: the same points stay.
		const once = decide(hours.toReversed(), policy).flatMap(({ time, reasons }) => (reasons.length > 0 ? [time] : []));
		assert.deepEqual(points, once);
		assert.ok(points.length <= 17, String(points.length));
	});
});
