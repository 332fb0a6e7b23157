import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkConfig } from "../../common/config.ts";
import { isUmbraError } from "../../common/errors.ts";
import { embeddedSettings, seriesSettings } from "./settings.ts";

const DAY_NS = 86_400_000_000_000n;

describe("seriesSettings", () => {
	it("is the embedded store with a week, a month and a year by default", () => {
		const wanted = {
			store: "embedded",
			retention: { rawNs: 7n * DAY_NS, minuteNs: 30n * DAY_NS, hourNs: 400n * DAY_NS },
			memory: 512 * 2 ** 20,
		};
		assert.deepEqual(checkConfig(seriesSettings, {}, "c"), wanted);
		assert.deepEqual(checkConfig(seriesSettings, { store: "embedded" }, "c"), wanted);
	});

	it("is InfluxDB where that is asked for", () => {
		const found = checkConfig(
			seriesSettings,
			{ store: "influxdb", url: "http://127.0.0.1:8086", database: "umbra" },
			"c",
		);
		assert.equal(found.store, "influxdb");
	});

	it("takes durations and sizes as operators write them", () => {
		const found = checkConfig(embeddedSettings, { retention: { raw: "48h", hour: "1000d" }, memory: "1GiB" }, "c");
		assert.deepEqual(found.retention, { rawNs: 2n * DAY_NS, minuteNs: 30n * DAY_NS, hourNs: 1000n * DAY_NS });
		assert.equal(found.memory, 2 ** 30);
	});

	for (const [what, value, message] of [
		["another store", { store: "prometheus" }, /store: .*embedded/],
		["less than a day", { retention: { raw: "1h" } }, /retention\.raw: wanted 1d to 36500d, found 3600000/],
		["minutes kept shorter than raw points", { retention: { raw: "60d" } }, /retention: wanted raw <= minute <= hour/],
		["too little memory", { memory: "64MiB" }, /memory: wanted at least 128MiB/],
		["what it does not know", { retention: { year: "1d" } }, /retention: .*year/],
	] as const) {
		it(`refuses ${what}`, () => {
			assert.throws(
				() => checkConfig(seriesSettings, value, "c"),
				(error) => {
					assert.ok(isUmbraError(error, "bad-config"));
					assert.match(error.message, message);
					return true;
				},
			);
		});
	}
});
