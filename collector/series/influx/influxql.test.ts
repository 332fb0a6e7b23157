import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SeriesQuery } from "../series-store.ts";
import { quoteName, quoteText, selectOf } from "./influxql.ts";

function textOf(query: Partial<SeriesQuery>): string | undefined {
	return selectOf({ measurement: "vm_disk", fields: ["rd_bytes"], fromNs: 5n, toNs: 70n, ...query })?.text;
}

describe("selectOf", () => {
	it("asks for points", () => {
		assert.equal(textOf({}), `SELECT "rd_bytes" AS "rd_bytes" FROM "vm_disk" WHERE time >= 5 AND time < 70`);
		const query = { fields: ["rd_bytes", "wr_bytes"], groupBy: ["vm", "disk"], descending: true, limit: 3 };
		assert.equal(
			textOf({ ...query, where: { host: "h" } }),
			`SELECT "rd_bytes" AS "rd_bytes", "wr_bytes" AS "wr_bytes" FROM "vm_disk" WHERE time >= 5 AND time < 70 AND ("host" = 'h') GROUP BY "vm", "disk" ORDER BY time DESC LIMIT 3`,
		);
	});

	it("asks for windows", () => {
		assert.equal(
			textOf({ window: { everyNs: 10n, aggregate: "median" }, groupBy: ["vm"] }),
			`SELECT median("rd_bytes") AS "rd_bytes" FROM "vm_disk" WHERE time >= 5 AND time < 70 GROUP BY time(10ns), "vm" fill(none)`,
		);
	});

	it("asks for rates of each series, then for their sum; the newest first is for the caller to do", () => {
		const query = { window: { everyNs: 10n, aggregate: "last" }, rate: true, descending: true, limit: 2 } as const;
		const inner = `SELECT non_negative_derivative(last("rd_bytes"), 1s) AS "rd_bytes" FROM "vm_disk" WHERE time >= 5 AND time < 70 AND ("vm" = 'a') GROUP BY time(10ns), * fill(none)`;
		assert.deepEqual(
			selectOf({ measurement: "vm_disk", fields: ["rd_bytes"], fromNs: 5n, toNs: 70n, where: { vm: "a" }, ...query }),
			{
				text: `SELECT sum("rd_bytes") AS "rd_bytes" FROM (${inner}) WHERE time >= 5 AND time < 70 GROUP BY time(10ns) fill(none)`,
				limit: undefined,
				reverse: true,
			},
		);
	});

	it("lets nothing out of its quotes", () => {
		assert.match(
			textOf({ where: { vm: ["x' OR 'a'='a", "b\\", "c\nd", '"'] } }) ?? "",
			/ AND \("vm" = 'x\\' OR \\'a\\'=\\'a' OR "vm" = 'b%5C' OR "vm" = 'c%0Ad' OR "vm" = '"'\)$/,
		);
		assert.equal(quoteText("a\\'b\n"), "'a\\\\\\'b\\n'");
		assert.equal(quoteName('a"b\\'), '"a\\"b\\\\"');
	});

	it("asks for the field time by the name under which it is stored", () => {
		assert.match(textOf({ measurement: "vm_vcpu", fields: ["time"] }) ?? "", /^SELECT "time_ns" AS "time_ns" FROM/);
	});

	it("asks nothing where the answer is empty anyway", () => {
		assert.equal(textOf({ toNs: 5n }), undefined);
		assert.equal(textOf({ where: { vm: [] } }), undefined);
	});
});
