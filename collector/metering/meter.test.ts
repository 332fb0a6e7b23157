import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { silentLogger } from "../../common/log.ts";
import type { Point } from "../../common/measurements/measurements.ts";
import { until } from "../../test/support/wait.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { AlertRecord } from "../catalog/records.ts";
import type { SeriesStore } from "../series/series-store.ts";
import { Meter } from "./meter.ts";
import type { SelfMeter } from "./self-meter.ts";

const ALERT: AlertRecord = {
	...{ id: "one", host: "host1", vm: "web1", time: "5", changesetId: "c", changesetTime: "5", cause: "anomaly" },
	...{ severity: "warning", state: "firing", summary: "", mitigation: "", score: 1, count: 1, lastSeen: "5", quiet: 0 },
	...{ resolvedTime: null, files: [], fileCount: 0, contributions: [], features: {}, undelivered: [] },
};

describe("Meter", () => {
	it("tells of what does not fire any more, or not as gravely, after it was last told to fire", async () => {
		let alerts: readonly AlertRecord[] = [];
		let tellings = 0;
		const firingAlerts = async () => {
			tellings++;
			return alerts;
		};
		const catalog = { firingAlerts } as unknown as Catalog;
		const points: Point[] = [];
		const write = async (more: readonly Point[]) => void points.push(...more);
		const store = { write } as unknown as SeriesStore;
		const self = { points: async () => [] as Point[] } as unknown as SelfMeter;
		const timing = { every: 2, firing: 1 };
		await using _meter = Meter.start({ catalog, store, self, log: silentLogger(), timing });
		/** Of each severity, what was told last. */
		const told = async (firing: readonly AlertRecord[]) => {
			alerts = firing;
			const from = tellings;
			// The one that is under way has read the alerts already.
			await until(() => tellings >= from + 3, { what: "tellings" });
			const last = new Map<unknown, unknown>();
			for (const { tags, fields } of points) last.set(tags["severity"], fields["firing"]);
			return Object.fromEntries(last);
		};
		const warning = { ...ALERT, severity: "warning" } as const;
		const critical = { ...warning, severity: "critical" } as const;
		assert.deepEqual(await told([warning]), { warning: 1 });
		assert.deepEqual(await told([critical]), { warning: 0, critical: 1 });
		assert.deepEqual(await told([]), { warning: 0, critical: 0 });
		const count = points.length;
		await told([]);
		assert.equal(points.length, count, "once is enough");
	});
});
