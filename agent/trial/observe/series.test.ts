import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cloneReport } from "../../../common/trial/report.ts";
import { SeriesRecorder } from "./series.ts";

describe("SeriesRecorder", () => {
	it("has each value in its second, and null where there was none", () => {
		const recorder = new SeriesRecorder();
		recorder.add(-1000, { early: 1 });
		recorder.add(0, { a: 1 });
		recorder.add(2000, { a: 3, b: 1 / 3, c: undefined, d: Number.NaN });
		recorder.add(2999, { a: 4 });
		recorder.add(3000, {});
		assert.deepEqual(recorder.series(), {
			intervalMs: 1000,
			values: { a: [1, null, 4, null], b: [null, null, 0.33333, null] },
		});
	});

	it("puts intervals together where there come to be too many, by their mean", () => {
		const recorder = new SeriesRecorder();
		const names = Array.from({ length: 40 }, (_, at) => `n${at}`);
		for (let second = 0; second < 3600; second++) {
			recorder.add(second * 1000, Object.fromEntries(names.map((name) => [name, second])));
		}
		const series = recorder.series();
		assert.equal(series.intervalMs, 4000);
		assert.deepEqual(series.values["n7"]?.slice(0, 3), [1.5, 5.5, 9.5]);
		assert.equal(series.values["n7"]?.length, 900);
		assert.ok(JSON.stringify(series).length < 300_000);
	});

	it("takes no more series than a report has room for", () => {
		const recorder = new SeriesRecorder();
		recorder.add(0, Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`${at} ${"x".repeat(200)}`, at])));
		assert.equal(cloneReport.shape.series.safeParse(recorder.series()).success, true);
	});
});
