/** Part of `suite.ts`: odd numbers, texts and names. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Point } from "../../../common/measurements/measurements.ts";
import { ask, at, BASE_NS, SECOND_NS, type Stores, VM } from "./stores.ts";

export function keepsValues(stores: Stores): void {
	const { withStore } = stores;
	it("keeps numbers and texts to the last digit", async () => {
		const numbers = [2 ** 53 - 1, -(2 ** 53 - 1), 1.7976931348623157e308, 2.2250738585072014e-308, -0.1, 1 / 3, 0];
		const texts = [
			"a\nb\r\n\tc",
			'say "hi"\\',
			"it's, a=b c",
			"日本語 🚀 ü",
			"x".repeat(30_000),
			"\\",
			" ",
			"$1 %s $x",
		];
		const tags = { ...VM, severity: "info" };
		const points = [
			...numbers.map((score, second) => at(second, "anomaly", tags, { score })),
			...texts.map((files, second) => at(second, "anomaly", tags, { files })),
		];
		await withStore(points, async (store) => {
			const [score] = await store.query(ask("anomaly", ["score"]));
			assert.deepEqual(score?.values["score"], numbers);
			const [files] = await store.query(ask("anomaly", ["files"]));
			assert.deepEqual(files?.values["files"], texts);
		});
	});

	it("keeps times to the nanosecond", async () => {
		const offsets = [0n, 1n, 999n, 123_456_789n];
		const points: Point[] = offsets.map((offset) => ({
			measurement: "vm",
			tags: VM,
			timeNs: BASE_NS + offset,
			fields: { state: Number(offset) },
		}));
		await withStore(points, async (store) => {
			const [series] = await store.query(ask("vm", ["state"]));
			assert.deepEqual(
				series?.timesNs,
				offsets.map((offset) => BASE_NS + offset),
			);
		});
	});

	it("keeps apart what tags may be called", async () => {
		const names = [
			...[
				"a'b",
				'a"b',
				"a,b",
				"a b",
				"a=b",
				"a\\b",
				"a\\,b",
				"a\\ b",
				"a,vm=b",
				" a",
				"a ",
				"a|b",
				"a;b--",
				"$tag",
				"%s",
			],
			...[
				"/a.*/",
				"*",
				"日本語",
				"🚀",
				"e\u0301",
				"é",
				"A",
				"a",
				"x".repeat(1000),
				"null",
				"NULL",
				"0",
				"1e3",
				"#c",
				"''",
			],
		];
		const points = names.map((vm, second) => at(second, "vm", { host: "h'1 ,=\"", vm }, { state: second }));
		await withStore(points, async (store) => {
			const all = await store.query(ask("vm", ["state"], { groupBy: ["vm", "host"] }));
			assert.deepEqual(
				all.map(({ tags }) => tags["vm"]),
				names.toSorted(),
			);
			for (const [state, vm] of names.entries()) {
				const found = await store.query(ask("vm", ["state"], { where: { vm }, groupBy: ["vm", "host"] }));
				const values = { state: [state] };
				assert.deepEqual(found, [
					{ tags: { vm, host: "h'1 ,=\"" }, timesNs: [BASE_NS + BigInt(state) * SECOND_NS], values },
				]);
			}
			const found = await store.query(ask("vm", ["state"], { where: { vm: names } }));
			assert.equal(found[0]?.timesNs.length, names.length);
		});
	});

	it("either keeps line breaks and the like in tags or refuses the point, and takes what comes with it", async () => {
		const names = ["a\nb", "a\r\nb", "a\tb", "a\\", "\\", "a\u0000b", "\u001b[31m", "\ud800"];
		const good = at(100, "vm", { host: "h1", vm: "good" }, { state: 100 });
		const points = names.map((vm, second) => at(second, "vm", { host: "h1", vm }, { state: second }));
		await withStore(
			points.flatMap((point) => [point, good]),
			async (store) => {
				const { pointsRefused } = store.status();
				const found = await store.query(ask("vm", ["state"], { groupBy: ["vm"] }));
				const told = new Map(found.map(({ tags, values }) => [tags["vm"], values["state"]]));
				assert.deepEqual(told.get("good"), [100]);
				told.delete("good");
				for (const [vm, state] of told) assert.deepEqual(state, [names.indexOf(vm!)], JSON.stringify(vm));
				assert.equal(told.size + pointsRefused, names.length);
			},
		);
	});
}
