/** Part of `suite.ts`: summaries, rates, order and limits. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Point } from "../../../common/measurements/measurements.ts";
import type { Aggregate } from "../series-store.ts";
import { ask, at, BASE_NS, disk, every, HOUR_NS, rowsOf, SECOND_NS, type Stores, VM } from "./stores.ts";

export function summarises(stores: Stores): void {
	const { withStore } = stores;
	it("summarises windows, which count from 1970 on", async () => {
		// 7 s do not divide an hour: where a window begins depends on the year 1970 only.
		const everyNs = 7n * SECOND_NS;
		const start = ((BASE_NS + 100n * SECOND_NS) / everyNs) * everyNs;
		const values: [bigint, number][] = [
			[0n, 4],
			[1n, 1],
			[2n, 9],
			[6n, 2],
			[everyNs, 5],
			[5n * everyNs, 6],
		];
		const points: Point[] = values.map(([offset, threads]) => ({
			measurement: "vm",
			tags: VM,
			timeNs: start + (offset < everyNs ? offset * SECOND_NS : offset),
			fields: offset === everyNs ? { threads, state: 1 } : { threads },
		}));
		await withStore(points, async (store) => {
			const wanted: Record<Aggregate, number> = {
				mean: 4,
				min: 1,
				max: 9,
				sum: 16,
				count: 4,
				first: 4,
				last: 2,
				median: 3,
			};
			for (const aggregate of Object.keys(wanted) as Aggregate[]) {
				const [series] = await store.query(ask("vm", ["threads", "state"], { window: { everyNs, aggregate } }));
				assert.deepEqual(series?.timesNs, [start, start + everyNs, start + 5n * everyNs], aggregate);
				const one = aggregate === "count";
				assert.deepEqual(series?.values["threads"], [wanted[aggregate], one ? 1 : 5, one ? 1 : 6], aggregate);
				assert.deepEqual(series?.values["state"], [null, 1, null], aggregate);
			}
			// The range cuts the window, and the window keeps its name.
			const [cut] = await store.query(
				ask("vm", ["threads"], {
					fromNs: start + SECOND_NS,
					toNs: start + 6n * SECOND_NS,
					window: { everyNs, aggregate: "sum" },
				}),
			);
			assert.deepEqual([cut?.timesNs, cut?.values], [[start], { threads: [10] }]);
		});
	});

	it("summarises texts by the first, the last and their number", async () => {
		const tags = { ...VM, severity: "info" };
		const points = ["zebra", "apple", "mango"].map((feature, second) => at(second, "anomaly", tags, { feature }));
		await withStore(points, async (store) => {
			for (const [aggregate, wanted] of [
				["first", "zebra"],
				["last", "mango"],
				["count", 3],
			] as const) {
				const [series] = await store.query(ask("anomaly", ["feature"], { window: every(60, aggregate) }));
				assert.deepEqual(rowsOf(series, "feature"), [[0, wanted]]);
			}
		});
	});

	it("summarises series together, or apart", async () => {
		const points = [
			at(0, "vm_disk", disk("vda", "a"), { idle_seconds: 1 }),
			at(1, "vm_disk", disk("vdb", "a"), { idle_seconds: 3 }),
			at(2, "vm_disk", disk("vda", "b"), { idle_seconds: 8 }),
			at(61, "vm_disk", disk("vda", "b"), { idle_seconds: 9 }),
		];
		await withStore(points, async (store) => {
			const window = every(60, "mean");
			const [all] = await store.query(ask("vm_disk", ["idle_seconds"], { window }));
			assert.deepEqual(rowsOf(all, "idle_seconds"), [
				[0, 4],
				[60, 9],
			]);
			const [a, b] = await store.query(ask("vm_disk", ["idle_seconds"], { window, groupBy: ["vm"] }));
			assert.deepEqual(rowsOf(a, "idle_seconds"), [[0, 2]]);
			assert.deepEqual(rowsOf(b, "idle_seconds"), [
				[0, 8],
				[60, 9],
			]);
		});
	});

	it("tells the newest first, and no more of each series than wanted", async () => {
		const points = [0, 10, 20, 30].flatMap((seconds) => [
			at(seconds, "vm", { host: "h1", vm: "a" }, { state: seconds }),
			at(seconds + 1, "vm", { host: "h1", vm: "b" }, { state: seconds + 1 }),
		]);
		await withStore(points, async (store) => {
			const states = async (rest: Parameters<typeof ask>[2]) =>
				(await store.query(ask("vm", ["state"], { groupBy: ["vm"], ...rest }))).map(({ values }) => values["state"]);
			assert.deepEqual(await states({ descending: true }), [
				[30, 20, 10, 0],
				[31, 21, 11, 1],
			]);
			assert.deepEqual(await states({ limit: 2 }), [
				[0, 10],
				[1, 11],
			]);
			assert.deepEqual(await states({ descending: true, limit: 1 }), [[30], [31]]);
			assert.deepEqual(await states({ limit: 100 }), [
				[0, 10, 20, 30],
				[1, 11, 21, 31],
			]);
			const window = every(20, "max");
			assert.deepEqual(await states({ window, descending: true }), [
				[30, 10],
				[31, 11],
			]);
			assert.deepEqual(await states({ window, descending: true, limit: 1 }), [[30], [31]]);
			assert.deepEqual(await states({ window, limit: 1 }), [[10], [11]]);
			assert.deepEqual(await states({ groupBy: [], limit: 3 }), [[0, 1, 10]]);
		});
	});

	it("tells how fast counters rise, summed over series, and leaves out where one begins anew", async () => {
		const a: [number, number][] = [
			[0, 100],
			[5, 150],
			[10, 250],
			[20, 30],
			[30, 80],
			[55, 380],
		];
		const b: [number, number][] = [
			[11, 1000],
			[21, 1010],
			[31, 1010],
		];
		const points = [
			...a.map(([seconds, value]) => at(seconds, "vm_disk", disk("vda"), { rd_bytes: value })),
			...b.map(([seconds, value]) => at(seconds, "vm_disk", disk("vdb"), { rd_bytes: value, wr_bytes: 2 * value })),
		];
		await withStore(points, async (store) => {
			const rates = async (fields: string[], rest: Parameters<typeof ask>[2] = {}) =>
				await store.query(
					ask("vm_disk", fields, { fromNs: BASE_NS - HOUR_NS, rate: true, window: every(10, "last"), ...rest }),
				);
			const [all] = await rates(["rd_bytes"]);
			// vda: 150, 250, 30 (anew), 80, then two windows later 380; vdb: 1000, 1010, 1010.
			assert.deepEqual(rowsOf(all, "rd_bytes"), [
				[10, 10],
				[20, 1],
				[30, 5],
				[50, 15],
			]);
			const [vda, vdb] = await rates(["rd_bytes"], { groupBy: ["disk"] });
			assert.deepEqual(rowsOf(vda, "rd_bytes"), [
				[10, 10],
				[30, 5],
				[50, 15],
			]);
			assert.deepEqual(rowsOf(vdb, "rd_bytes"), [
				[20, 1],
				[30, 0],
			]);
			const [both] = await rates(["rd_bytes", "wr_bytes"]);
			assert.deepEqual(rowsOf(both, "rd_bytes"), [
				[10, 10],
				[20, 1],
				[30, 5],
				[50, 15],
			]);
			assert.deepEqual(rowsOf(both, "wr_bytes"), [
				[10, null],
				[20, 2],
				[30, 0],
				[50, null],
			]);
			const [newest] = await rates(["rd_bytes"], { descending: true, limit: 2 });
			assert.deepEqual(rowsOf(newest, "rd_bytes"), [
				[50, 15],
				[30, 5],
			]);
		});
	});
}
