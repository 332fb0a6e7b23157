/** Part of `suite.ts`: nothing to tell, questions and points that make no sense, answers that are too large. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { isUmbraError } from "../../../common/errors.ts";
import type { MeasurementName } from "../../../common/measurements/measurements.ts";
import type { SeriesQuery, SeriesStore } from "../series-store.ts";
import { ask, at, BASE_NS, every, rowsOf, SECOND_NS, type Stores, VM } from "./stores.ts";

export function refuses(stores: Stores): void {
	const { withStore, makePlace } = stores;
	it("answers with nothing where there is nothing", async () => {
		await withStore([], async (store) => {
			assert.deepEqual(await store.query(ask("vm", ["state"])), []);
			assert.deepEqual(await store.query(ask("vm", ["state"], { groupBy: ["vm"], window: every(60, "mean") })), []);
			assert.deepEqual(await store.query(ask("vm", ["cpu_time"], { rate: true, window: every(60, "last") })), []);
			await store.write([]);
			await store.write([at(0, "vm", VM, { state: 1 })]);
			await store.flush();
			assert.deepEqual(await store.query(ask("vm", ["threads"])), []);
			assert.deepEqual(await store.query(ask("vm", ["threads"], { window: every(60, "count") })), []);
			assert.deepEqual(await store.query(ask("vm", ["state"], { where: { vm: "nobody" } })), []);
			assert.deepEqual(await store.query(ask("host", ["load1"])), []);
		});
	});

	const REFUSED: [string, Partial<Record<keyof SeriesQuery, unknown>>, RegExp][] = [
		["a measurement that is none", { measurement: "toString" }, /measurement: found toString/],
		["no fields", { fields: [] }, /fields: found none/],
		["a field that is none", { fields: ["state", "wings"] }, /fields: found wings, wanted of vm: state, /],
		["a tag as a field", { fields: ["vm"] }, /fields: found vm/],
		["a tag that is none", { where: { disk: "vda" } }, /tags: found disk, wanted of vm: host, vm/],
		["a grouping that is none", { groupBy: ["vm", "constructor"] }, /tags: found constructor/],
		["a range that runs backwards", { fromNs: 2n, toNs: 1n }, /fromNs: found 2, wanted at most toNs, 1/],
		["a window of no length", { window: { everyNs: 0n, aggregate: "mean" } }, /window.everyNs: found 0/],
		["an aggregate that is none", { window: { everyNs: 1n, aggregate: "mode" } }, /window.aggregate: found mode/],
		["a rate without a window", { fields: ["cpu_time"], rate: true }, /rate: found no window/],
		["a rate of a gauge", { rate: true, window: every(1, "last") }, /rate: found state, a gauge, wanted a counter/],
		["a limit of nothing", { limit: 0 }, /limit: found 0/],
		["half a row", { limit: 1.5 }, /limit: found 1.5/],
		[
			"the mean of a text",
			{ measurement: "anomaly", fields: ["feature"], window: every(1, "mean") },
			/window.aggregate: found mean of feature, a text/,
		],
	];
	describe("refuses", () => {
		const resources = new AsyncDisposableStack();
		let store: SeriesStore;
		before(async () => {
			store = resources.use(await resources.use(await makePlace()).open());
		});
		after(async () => await resources.disposeAsync());

		for (const [what, change, message] of REFUSED) {
			it(what, async () => {
				const query = { ...ask("vm", ["state"]), ...change } as SeriesQuery;
				await assert.rejects(store.query(query), (error) => {
					assert.ok(isUmbraError(error, "bad-config"), String(error));
					assert.match(error.message, message);
					return true;
				});
			});
		}
	});

	it("refuses points that are none, counts them, and takes what comes with them", async () => {
		const wrong = [
			at(0, "vm", VM, { wings: 1 }),
			at(0, "vm", VM, {}),
			at(0, "vm", VM, { state: Number.NaN }),
			at(0, "vm", VM, { state: Number.POSITIVE_INFINITY }),
			at(0, "vm", VM, { state: "running" }),
			at(0, "anomaly", { ...VM, severity: "info" }, { feature: 5 }),
			at(0, "vm", { ...VM, path: "/etc" }, { state: 1 }),
			at(0, "nothing" as MeasurementName, VM, { state: 1 }),
			{ ...at(0, "vm", VM, { state: 1 }), timeNs: 2n ** 63n },
		];
		await withStore([...wrong, at(1, "vm", VM, { state: 1 })], async (store) => {
			assert.equal(store.status().pointsRefused, wrong.length);
			assert.equal(store.status().pointsWritten, 1);
			const [series] = await store.query(ask("vm", ["state"]));
			assert.deepEqual(rowsOf(series, "state"), [[1, 1]]);
			assert.deepEqual(await store.query(ask("anomaly", ["feature"])), []);
		});
	});

	it("refuses an answer of too many rows, over all of its series", async () => {
		await using place = await makePlace();
		await using store = await place.open({ maxRows: 20 });
		const points = Array.from({ length: 21 }, (_, at_) =>
			at(at_, "vm", { host: "h1", vm: `vm${at_ % 3}` }, { state: at_ }),
		);
		await store.write(points);
		await store.flush();
		for (const groupBy of [[], ["vm"]]) {
			await assert.rejects(store.query(ask("vm", ["state"], { groupBy })), (error) => isUmbraError(error, "limit"));
		}
		const rows = async (rest: Parameters<typeof ask>[2]) =>
			(await store.query(ask("vm", ["state"], rest))).reduce((sum, { timesNs }) => sum + timesNs.length, 0);
		assert.equal(await rows({ toNs: BASE_NS + 20n * SECOND_NS }), 20);
		assert.equal(await rows({ limit: 6, groupBy: ["vm"] }), 18);
		assert.equal(await rows({ window: every(2, "mean") }), 11);
	});
}
