import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { of } from "./influxql.ts";

const vm = of("vm");
const disk = of("vm_disk");
const alert = of("alert");

describe("of", () => {
	it("asks for series over time, narrowed by variables and tags", () => {
		assert.equal(
			vm.series([vm.mean("cpu_usage_percent", "used"), vm.max("cpu_steal_percent")], {
				scope: ["host", "vm"],
				by: ["vm"],
			}),
			'SELECT mean("cpu_usage_percent") AS "used", max("cpu_steal_percent") AS "cpu_steal_percent" FROM "vm"' +
				' WHERE "host" =~ /^$host$/ AND "vm" =~ /^$vm$/ AND $timeFilter GROUP BY time($__interval), "vm" fill(none)',
		);
	});

	it("asks for counters as rates", () => {
		assert.equal(
			disk.series([disk.rate("rd_bytes")], {}),
			'SELECT non_negative_derivative(last("rd_bytes"), 1s) AS "rd_bytes" FROM "vm_disk" WHERE $timeFilter' +
				" GROUP BY time($__interval) fill(none)",
		);
		assert.equal(disk.rate("rd_bytes").rate, true);
	});

	it("asks for one row a combination of tags", () => {
		assert.equal(
			alert.summary([alert.last("summary")], {
				tags: { severity: ["warning", "critical"], cause: "anomaly" },
				not: { vm: ["a", "b"] },
				atLeast: { firing: 1 },
				by: ["host", "vm"],
			}),
			'SELECT last("summary") AS "summary" FROM "alert" WHERE "severity" =~ /^(warning|critical)$/ AND "cause" = \'anomaly\'' +
				' AND "vm" !~ /^(a|b)$/ AND "firing" >= 1 AND $timeFilter GROUP BY "host", "vm"',
		);
	});

	it("asks for records, the newest first, and for the values of a tag", () => {
		assert.equal(
			alert.records([alert.value("summary")], { by: ["vm"], limit: 5 }),
			'SELECT "vm", "summary" FROM "alert" WHERE $timeFilter ORDER BY time DESC LIMIT 5',
		);
		assert.equal(
			alert.tagValues("vm", { scope: ["host"] }),
			'SHOW TAG VALUES FROM "alert" WITH KEY = "vm" WHERE "host" =~ /^$host$/',
		);
		assert.equal(alert.tagValues("vm", {}), 'SHOW TAG VALUES FROM "alert" WITH KEY = "vm"');
	});

	it("does not compile with what the measurements do not have", () => {
		const wrong = [
			// @ts-expect-error no such field
			() => vm.mean("cpu_usage"),
			// @ts-expect-error a counter has no mean
			() => vm.mean("cpu_time"),
			// @ts-expect-error a gauge has no rate
			() => vm.rate("cpu_usage_percent"),
			// @ts-expect-error a text has no maximum
			() => alert.max("summary"),
			// @ts-expect-error no such tag
			() => vm.summary([vm.last("state")], { by: ["disk"] }),
			// @ts-expect-error another measurement's column
			() => vm.summary([disk.last("capacity")], {}),
			// @ts-expect-error in InfluxQL that is when the point was
			() => of("vm_vcpu").rate("time"),
		];
		assert.equal(wrong.length, 7);
	});
});
