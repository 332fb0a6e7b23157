/** Part of `suite.ts`: closing and opening, many at once, stopping. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { isAbort } from "../../../common/errors.ts";
import { ask, at, BASE_NS, every, HOUR_NS, rowsOf, SECOND_NS, type Stores, VM } from "./stores.ts";

export function livesOn(stores: Stores): void {
	const { withStore, makePlace } = stores;
	it("has after closing and opening what was written before, flushed or not", async () => {
		await using place = await makePlace();
		for (let round = 0; round < 3; round++) {
			await using store = await place.open();
			const points = [0, 1].map((each) => at(round * 2 + each, "vm", VM, { state: round * 2 + each }));
			await store.write(points);
			if (round === 1) await store.flush();
		}
		await using store = await place.open();
		await store.flush();
		const [series] = await store.query(ask("vm", ["state"]));
		assert.deepEqual(
			rowsOf(series, "state"),
			[0, 1, 2, 3, 4, 5].map((each) => [each, each]),
		);
		await store.write([at(2, "vm", VM, { threads: 9 })]);
		await store.flush();
		const [merged] = await store.query(ask("vm", ["state", "threads"], { fromNs: BASE_NS + 2n * SECOND_NS, limit: 1 }));
		assert.deepEqual(merged?.values, { state: [2], threads: [9] });
	});

	it("takes writes side by side", async () => {
		await withStore([], async (store) => {
			const writes = Array.from({ length: 40 }, (_, each) =>
				store.write([0, 1, 2].map((second) => at(second, "vm", { host: "h1", vm: `vm${each}` }, { state: each }))),
			);
			await Promise.all(writes);
			await store.flush();
			const series = await store.query(ask("vm", ["state"], { groupBy: ["vm"] }));
			assert.equal(series.length, 40);
			for (const { tags, values } of series) {
				assert.deepEqual(
					values["state"],
					[0, 1, 2].map(() => Number(tags["vm"]?.slice(2))),
				);
			}
			const { pointsWritten, writeFailures, lastError, backlogBytes, backlogSeconds } = store.status();
			assert.deepEqual([pointsWritten, writeFailures, lastError, backlogBytes, backlogSeconds], [120, 0, "", 0, 0]);
		});
	});

	it("stops where its caller does", async () => {
		const points = Array.from({ length: 500 }, (_, second) => at(second, "vm", VM, { state: second }));
		await withStore(points, async (store) => {
			await assert.rejects(store.query(ask("vm", ["state"]), AbortSignal.abort()), isAbort);
			await assert.rejects(store.flush(AbortSignal.abort()), isAbort);
			const controller = new AbortController();
			const asked = store.query(ask("vm", ["state"], { window: every(1, "median") }), controller.signal);
			controller.abort();
			await asked.catch((error: unknown) => assert.ok(isAbort(error), String(error)));
			const [series] = await store.query(ask("vm", ["state"]));
			assert.equal(series?.timesNs.length, 500);
		});
	});

	it("takes thousands of series", async () => {
		const vms = Array.from({ length: 3000 }, (_, each) => `vm${String(each).padStart(4, "0")}`);
		const points = [0, 60].flatMap((second) =>
			vms.map((vm, each) => at(second, "vm", { host: `h${each % 7}`, vm }, { state: each, cpu_time: second * each })),
		);
		await withStore(points, async (store) => {
			const all = await store.query(ask("vm", ["state"], { groupBy: ["vm"] }));
			assert.deepEqual(
				all.map(({ tags }) => tags["vm"]),
				vms,
			);
			assert.ok(all.every(({ values }, each) => values["state"]?.length === 2 && values["state"][0] === each));
			const hosts = await store.query(ask("vm", ["state"], { groupBy: ["host"], window: every(60, "count") }));
			assert.deepEqual(hosts[0], {
				tags: { host: "h0" },
				timesNs: [BASE_NS, BASE_NS + 60n * SECOND_NS],
				values: { state: [429, 429] },
			});
			const [rate] = await store.query(
				ask("vm", ["cpu_time"], { fromNs: BASE_NS - HOUR_NS, window: every(60, "last"), rate: true }),
			);
			assert.deepEqual(rowsOf(rate, "cpu_time"), [[60, (2999 * 3000) / 2]]);
		});
	});
}
