import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { memorySource } from "../ext/testing.ts";
import { ChangedRanges } from "../rescan/changed-ranges.ts";
import { AllocationTable, type ClusterHeap, type TableBits } from "./table.ts";

const FAT_OFFSET = 512;
const CLUSTER = 1024;

function makeTable(bytes: Buffer, bits: TableBits, clusterCount: number) {
	const heap: ClusterHeap = { bits, fatOffset: FAT_OFFSET, heapOffset: 8192, clusterSize: CLUSTER, clusterCount };
	const table = new AllocationTable(memorySource(bytes), heap);
	const entries = () => Promise.all(Array.from({ length: clusterCount }, (_, i) => table.next(2 + i)));
	return { table, entries };
}

describe("AllocationTable", () => {
	for (const bits of [12, 16, 32, "exfat"] as const) {
		it(`knows which clusters a change of it is about: ${bits}`, async (t) => {
			const random = testRandom(t);
			for (let round = 0; round < 60; round++) {
				const count = random.between(1, 100);
				const length = Math.ceil(((count + 2) * (bits === "exfat" ? 32 : bits)) / 8);
				const bytes = random.bytes(FAT_OFFSET + length);
				const before = await makeTable(bytes, bits, count).entries();
				const offset = FAT_OFFSET + random.below(length);
				const changed = random.between(1, Math.min(9, FAT_OFFSET + length - offset));
				random.bytes(changed).copy(bytes, offset);
				const { table, entries } = makeTable(bytes, bits, count);
				const after = await entries();
				const relinked = table.relinked(new ChangedRanges([offset, changed]));
				const told = `seed ${random.seed}, round ${round}`;
				const clusters = table
					.clustersOf(relinked)
					.flatMap(([first, run]) => Array.from({ length: run }, (_, i) => first + i));
				for (const [i, next] of after.entries()) {
					if (next !== before[i]) assert.ok(clusters.includes(2 + i), `${told}: cluster ${2 + i}`);
				}
				assert.ok(clusters.length <= changed + 1, told);
				for (const cluster of clusters) assert.ok(table.holds(cluster), told);
			}
		});
	}

	it("knows whether clusters are still a chain, asking only of those in doubt", async () => {
		const bytes = Buffer.alloc(FAT_OFFSET + 64 * 2);
		const set = (cluster: number, next: number) => bytes.writeUInt16LE(next, FAT_OFFSET + 2 * cluster);
		for (const [cluster, next] of [
			[10, 11],
			[11, 12],
			[12, 30],
			[30, 31],
			[31, 0xffff],
		] as const) {
			set(cluster, next);
		}
		const isChain = (doubtful: number) => {
			const { table } = makeTable(bytes, 16, 60);
			const ranges = [table.offsetOf(10), 3 * CLUSTER, table.offsetOf(30), 2 * CLUSTER];
			return table.isChain(ranges, new ChangedRanges([table.offsetOf(doubtful), CLUSTER]));
		};
		for (const cluster of [9, 10, 11, 12, 13, 30, 31, 32]) assert.equal(await isChain(cluster), true);
		for (const [cluster, wrong, right] of [
			[10, 12, 11],
			[12, 13, 30],
			[12, 0xffff, 30],
			[31, 32, 0xffff],
			[31, 0, 0xffff],
		] as const) {
			set(cluster, wrong);
			assert.equal(await isChain(cluster), false, `${cluster} to ${wrong}`);
			assert.equal(await isChain(30), true);
			set(cluster, right);
		}
	});
});
