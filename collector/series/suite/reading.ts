/** Part of `suite.ts`: points come back as they were written, of the series and the time asked for. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { SeriesQuery } from "../series-store.ts";
import { ask, at, BASE_NS, disk, every, HOUR_NS, rowsOf, SECOND_NS, type Stores, VM } from "./stores.ts";

export function readsWhatWasWritten(stores: Stores): void {
	const { withStore } = stores;
	it("gives back gauges, counters and texts", async () => {
		const points = [
			at(0, "vm", VM, { cpu_usage_percent: 12.5, cpu_time: 1000 }),
			at(10, "vm", VM, { cpu_usage_percent: 0, cpu_time: 2000 }),
			at(0, "anomaly", { ...VM, severity: "info" }, { score: 0.25, feature: "files" }),
		];
		await withStore(points, async (store) => {
			assert.deepEqual(await store.query(ask("vm", ["cpu_time", "cpu_usage_percent"])), [
				{
					tags: {},
					timesNs: [BASE_NS, BASE_NS + 10n * SECOND_NS],
					values: { cpu_time: [1000, 2000], cpu_usage_percent: [12.5, 0] },
				},
			]);
			const [anomaly] = await store.query(ask("anomaly", ["feature", "score"]));
			assert.deepEqual(anomaly?.values, { feature: ["files"], score: [0.25] });
		});
	});

	it("tells null where a point lacks a field, and nothing of points that have none of those asked for", async () => {
		const points = [
			at(0, "vm", VM, { state: 1 }),
			at(1, "vm", VM, { threads: 5 }),
			at(2, "vm", VM, { up: 1 }),
			at(3, "vm", VM, { state: 3, threads: 6 }),
		];
		await withStore(points, async (store) => {
			const [series] = await store.query(ask("vm", ["state", "threads"]));
			assert.deepEqual(rowsOf(series, "state"), [
				[0, 1],
				[1, null],
				[3, 3],
			]);
			assert.deepEqual(rowsOf(series, "threads"), [
				[0, null],
				[1, 5],
				[3, 6],
			]);
		});
	});

	it("takes the same points again without a trace", async () => {
		const points = [0, 10, 20].map((seconds) => at(seconds, "vm", VM, { state: seconds, threads: 1 }));
		await withStore([...points, ...points], async (store) => {
			await store.write(points);
			await store.flush();
			await store.write(points.slice(1));
			await store.flush();
			const [series] = await store.query(ask("vm", ["state"]));
			assert.deepEqual(rowsOf(series, "state"), [
				[0, 0],
				[10, 10],
				[20, 20],
			]);
			const [counts] = await store.query(ask("vm", ["state"], { window: every(3600, "count") }));
			assert.deepEqual(rowsOf(counts, "state"), [[0, 3]]);
		});
	});

	it("replaces field by field what a series has at that instant, within a write and later", async () => {
		const first = [at(0, "vm", VM, { state: 1, threads: 1, up: 1 }), at(0, "vm", VM, { threads: 2 })];
		await withStore(first, async (store) => {
			const fields = ["state", "threads", "up"];
			const read = async () => (await store.query(ask("vm", fields)))[0]?.values;
			assert.deepEqual(await read(), { state: [1], threads: [2], up: [1] });
			await store.write([at(0, "vm", VM, { up: 0 }), at(0, "vm", { ...VM, vm: "other" }, { up: 7 })]);
			await store.flush();
			const series = await store.query(ask("vm", fields, { where: VM }));
			assert.deepEqual(series[0]?.values, { state: [1], threads: [2], up: [0] });
		});
	});

	it("reads from a time on, before another", async () => {
		const points = [0, 1, 2, 3].map((seconds) => at(seconds, "vm", VM, { state: seconds }));
		await withStore(points, async (store) => {
			const between = async (from: bigint, to: bigint) =>
				rowsOf((await store.query(ask("vm", ["state"], { fromNs: BASE_NS + from, toNs: BASE_NS + to })))[0], "state");
			assert.deepEqual(await between(SECOND_NS, 3n * SECOND_NS), [
				[1, 1],
				[2, 2],
			]);
			assert.deepEqual(await between(SECOND_NS + 1n, 3n * SECOND_NS + 1n), [
				[2, 2],
				[3, 3],
			]);
			assert.deepEqual(await between(-SECOND_NS, 0n), []);
			assert.deepEqual(await between(SECOND_NS, SECOND_NS), []);
		});
	});

	it("takes points out of order, and days late", async () => {
		const seconds = [50, 10, 40, -3 * 86_400, 20, 30, -2 * 86_400, 0];
		await withStore([at(60, "vm", VM, { state: 60 })], async (store) => {
			for (const each of seconds) {
				await store.write([at(each, "vm", VM, { state: each })]);
				if (each === 20) await store.flush();
			}
			await store.flush();
			const fromNs = BASE_NS - 96n * HOUR_NS;
			const [series] = await store.query(ask("vm", ["state"], { fromNs }));
			const wanted = [...seconds, 60].sort((a, b) => a - b);
			assert.deepEqual(
				rowsOf(series, "state"),
				wanted.map((each) => [each, each]),
			);
			const [days] = await store.query(ask("vm", ["state"], { fromNs, window: every(86_400, "last") }));
			assert.equal(days?.values["state"]?.[0], -3 * 86_400);
			assert.equal(days?.values["state"]?.at(-1), 60);
		});
	});

	it("finds series by their tags: one value, any of several, none of them, or no such tag", async () => {
		const points = [
			at(0, "vm_disk", disk("vda"), { errors: 1 }),
			at(1, "vm_disk", disk("vdb"), { errors: 2 }),
			at(2, "vm_disk", disk("vda", "web2"), { errors: 3 }),
			at(3, "vm_disk", { host: "h2", vm: "web2" }, { errors: 4 }),
			at(4, "vm_disk", { host: "h2", vm: "web2", disk: "" }, { errors: 5 }),
		];
		await withStore(points, async (store) => {
			const found = async (where: SeriesQuery["where"] & {}) =>
				(await store.query(ask("vm_disk", ["errors"], { where })))[0]?.values["errors"] ?? [];
			assert.deepEqual(await found({}), [1, 2, 3, 4, 5]);
			assert.deepEqual(await found({ vm: "web1" }), [1, 2]);
			assert.deepEqual(await found({ vm: "web1", disk: "vdb" }), [2]);
			assert.deepEqual(await found({ disk: ["vdb", "vdz", "vda"] }), [1, 2, 3]);
			assert.deepEqual(await found({ disk: "" }), [4, 5]);
			assert.deepEqual(await found({ disk: ["", "vdb"] }), [2, 4, 5]);
			assert.deepEqual(await found({ disk: [] }), []);
			assert.deepEqual(await found({ vm: "web" }), []);
		});
	});

	it("tells series apart by the tags asked for, takes together what is alike in them, and sorts by them", async () => {
		const points = [
			at(0, "vm_disk", disk("vdb", "b"), { errors: 1 }),
			at(1, "vm_disk", disk("vda", "b"), { errors: 2 }),
			at(2, "vm_disk", disk("vda", "a"), { errors: 3 }),
			at(3, "vm_disk", { host: "h2", vm: "a", disk: "vda" }, { errors: 4 }),
			at(4, "vm_disk", { host: "h2", vm: "a" }, { errors: 5 }),
		];
		await withStore(points, async (store) => {
			const grouped = async (...groupBy: string[]) =>
				(await store.query(ask("vm_disk", ["errors"], { groupBy }))).map(({ tags, values }) => [
					tags,
					values["errors"],
				]);
			assert.deepEqual(await grouped("vm"), [
				[{ vm: "a" }, [3, 4, 5]],
				[{ vm: "b" }, [1, 2]],
			]);
			assert.deepEqual(await grouped("vm", "disk"), [
				[{ vm: "a", disk: "" }, [5]],
				[{ vm: "a", disk: "vda" }, [3, 4]],
				[{ vm: "b", disk: "vda" }, [2]],
				[{ vm: "b", disk: "vdb" }, [1]],
			]);
			assert.deepEqual(await grouped("disk", "vm"), [
				[{ disk: "", vm: "a" }, [5]],
				[{ disk: "vda", vm: "a" }, [3, 4]],
				[{ disk: "vda", vm: "b" }, [2]],
				[{ disk: "vdb", vm: "b" }, [1]],
			]);
		});
	});
}
