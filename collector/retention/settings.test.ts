import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { checkConfig } from "../../common/config.ts";
import { collectorConfig } from "../config.ts";
import { policyFor } from "./settings.ts";

const EXAMPLE = new URL("../../packaging/examples/collector.yaml", import.meta.url);
const config = (more: object) => checkConfig(collectorConfig, { dataDir: "/d", ...more }, "collector.yaml");

describe("the settings of retention", () => {
	it("keep a rolling window by default, as the example says", async () => {
		const { retention, gc } = config({});
		assert.deepEqual(policyFor(retention, [], "any"), {
			last: 60,
			hourly: 48,
			daily: 14,
			weekly: 8,
			monthly: 6,
			keepAll: false,
			keepImported: true,
		});
		const text = (await readFile(EXAMPLE, "utf8")).replace(/^# (retention|gc): /gm, "$1: ");
		const example = checkConfig(collectorConfig, parse(text), "the example");
		assert.deepEqual([example.retention, example.gc], [retention, gc]);
	});

	it("differ for the VMs of the first entry that fits; what it leaves out is as for the others", () => {
		const { retention, vms } = config({
			retention: { last: 5 },
			vms: [
				{ match: "db-*", retention: { daily: 60 } },
				{ name: "db-9", retention: { keepAll: true } },
				{ name: "archive", retention: { keepAll: true } },
			],
		});
		const policies = ["db-9", "archive", "web"].map((name) => policyFor(retention, vms, name));
		assert.deepEqual(
			policies.map(({ last, daily, keepAll }) => [last, daily, keepAll]),
			[
				[5, 60, false],
				[5, 14, true],
				[5, 14, false],
			],
		);
	});

	for (const [what, settings, message] of [
		["an unknown rule", { retention: { yearly: 3 } }, /retention: .*yearly/],
		["an unknown rule of a VM", { vms: [{ name: "a", retention: { lst: 3 } }] }, /vms\.0\.retention: .*lst/],
		["an entry that fits no VM", { vms: [{ retention: { last: 3 } }] }, /vms\.0\.match: .*fits no VM/],
		["fewer than none", { retention: { last: -1 } }, /retention\.last/],
		["a share beyond all", { gc: { rewriteBelow: 1.5 } }, /gc\.rewriteBelow/],
		["a time longer than a timer holds", { gc: { grace: "30d" } }, /gc\.grace: wanted at most 20d/],
	] as const) {
		it(`refuse ${what}`, () => {
			assert.throws(() => config(settings), { code: "bad-config", message });
		});
	}
});
