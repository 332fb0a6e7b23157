import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { definitionOf, isMeasurement, MEASUREMENTS, type MeasurementName, point } from "./measurements.ts";

const NAMES = Object.keys(MEASUREMENTS) as MeasurementName[];

describe("MEASUREMENTS", () => {
	for (const name of NAMES) {
		it(`names tags and fields of ${name} apart, in letters that every store takes`, () => {
			const { tags, fields } = definitionOf(name);
			const names = [name, ...Object.keys(tags), ...Object.keys(fields)];
			for (const each of names) assert.match(each, /^[a-z][a-z0-9_]*$/);
			assert.equal(new Set(names.slice(1)).size, names.length - 1);
			// A word that InfluxDB, or SQL, has for itself.
			for (const each of names.slice(1))
				assert.ok(!["time", "measurement", "series"].includes(each) || name === "vm_vcpu", each);
			assert.ok(Object.keys(tags).length > 0);
		});
	}
});

describe("point", () => {
	it("leaves out what is not known", () => {
		const made = point("vm", { host: "h", vm: "v" }, 5n, { state: 1, cpu_time: undefined, uptime_seconds: Number.NaN });
		assert.deepEqual(made, { measurement: "vm", tags: { host: "h", vm: "v" }, timeNs: 5n, fields: { state: 1 } });
		assert.equal(point("vm", { host: "h", vm: "v" }, 5n, { state: Number.POSITIVE_INFINITY }), null);
		assert.equal(point("alert", { host: "h", vm: "v", cause: "c", severity: "info" }, 5n, { summary: "" }), null);
	});
});

describe("isMeasurement", () => {
	it("knows its own, and nothing that every object has", () => {
		assert.ok(isMeasurement("vm_disk"));
		assert.ok(!isMeasurement("toString"));
	});
});
