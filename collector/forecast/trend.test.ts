import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { forecastCapacity, NEVER_DAYS } from "./capacity.ts";
import { theilSen } from "./trend.ts";

const HOUR_NS = 3_600_000_000_000n;
const GIB = 2 ** 30;

/** Hourly readings up to now, as `bytes` has them. */
function hourly(count: number, bytes: (hour: number) => number, sizeBytes = 100 * GIB) {
	const now = 1_795_000_000_000_000_000n;
	const hours = Array.from({ length: count }, (_, at) => at);
	return { timesNs: hours.map((at) => now - BigInt(count - 1 - at) * HOUR_NS), usedBytes: hours.map(bytes), sizeBytes };
}

describe("theilSen", () => {
	it("finds a line, and keeps to it while a quarter of the points say otherwise", () => {
		const xs = Array.from({ length: 40 }, (_, at) => at);
		const trend = theilSen(
			xs,
			xs.map((x) => (x % 4 === 3 ? 1e9 : 3 * x + 7)),
		);
		assert.ok(Math.abs(trend!.slope - 3) < 1e-9);
		assert.ok(Math.abs(trend!.at(100) - 307) < 1e-6);
		assert.ok(trend!.slopeLow <= 3 && trend!.slopeHigh >= 3);
	});

	it("says nothing of fewer than three points, or of one instant", () => {
		assert.equal(theilSen([1, 2], [1, 2]), undefined);
		assert.equal(theilSen([1, 1, 1], [1, 2, 3]), undefined);
		assert.throws(() => theilSen([1], []), RangeError);
	});

	it("has the true slope in its 80 % interval about so often", (context) => {
		const random = testRandom(context);
		const normal = () => Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction());
		const xs = Array.from({ length: 60 }, (_, at) => at);
		let inside = 0;
		const rounds = 300;
		for (let round = 0; round < rounds; round++) {
			const slope = normal();
			const trend = theilSen(
				xs,
				xs.map((x) => slope * x + 20 * normal()),
			);
			if (trend!.slopeLow <= slope && slope <= trend!.slopeHigh) inside++;
		}
		// Six standard deviations of a fair count: 0.8 ± 0.14.
		assert.ok(inside / rounds > 0.66 && inside / rounds < 0.94, `${inside} of ${rounds}`);
	});

	it("moves with its points: shifted, stretched, turned over", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 50; round++) {
			const xs = Array.from({ length: 3 + Math.floor(random.fraction() * 30) }, (_, at) => at + random.fraction());
			const ys = xs.map(() => random.fraction() * 1000);
			const [a, b] = [random.fraction() * 10 + 0.1, random.fraction() * 1000];
			const trend = theilSen(xs, ys)!;
			const moved = theilSen(
				xs,
				ys.map((y) => a * y + b),
			)!;
			assert.ok(Math.abs(moved.slope - a * trend.slope) < 1e-6 * (1 + Math.abs(moved.slope)));
			const turned = theilSen(
				xs,
				ys.map((y) => -y),
			)!;
			assert.ok(Math.abs(turned.slopeLow + trend.slopeHigh) < 1e-6 * (1 + Math.abs(trend.slopeHigh)));
		}
	});
});

describe("forecastCapacity", () => {
	it("divides what is free by what comes a day", () => {
		const forecast = forecastCapacity(hourly(72, (hour) => 40 * GIB + (hour / 24) * 2 * GIB));
		const used = 40 * GIB + (71 / 24) * 2 * GIB;
		assert.ok(Math.abs(forecast!.daysToFull - (100 * GIB - used) / (2 * GIB)) < 1e-6);
		assert.ok(Math.abs(forecast!.growthPerDay - 2 * GIB) < 1);
		assert.equal(forecast!.usedIn30Days, 100 * GIB);
		assert.ok(Math.abs(forecast!.usedIn7Days - (used + 14 * GIB)) < 10);
		assert.equal(forecast!.points, 72);
	});

	it("is not led astray by a backup that comes each night and goes", () => {
		const forecast = forecastCapacity(
			hourly(240, (hour) => 40 * GIB + (hour / 24) * GIB + (hour % 24 < 3 ? 30 * GIB : 0)),
		);
		assert.ok(Math.abs(forecast!.growthPerDay - GIB) < 0.2 * GIB, String(forecast!.growthPerDay / GIB));
	});

	it("never sees the end of what shrinks or stands still, and is there at once with what is full", () => {
		assert.equal(forecastCapacity(hourly(48, () => GIB))?.daysToFull, NEVER_DAYS);
		assert.equal(forecastCapacity(hourly(48, (hour) => (100 - hour) * GIB))?.daysToFullLow, NEVER_DAYS);
		assert.equal(forecastCapacity(hourly(48, (hour) => (60 + hour) * GIB, 107 * GIB))?.daysToFull, 0);
	});

	it("says nothing before there is enough to say it by", () => {
		assert.equal(forecastCapacity(hourly(5, (hour) => hour)), undefined);
		assert.equal(forecastCapacity({ timesNs: [], usedBytes: [], sizeBytes: 1 }), undefined);
		const minutes = hourly(60, (hour) => hour);
		const close = { ...minutes, timesNs: minutes.timesNs.map((_, at) => BigInt(at) * 60_000_000_000n) };
		assert.equal(forecastCapacity(close), undefined);
	});
});
