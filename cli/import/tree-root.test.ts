/** The agent's reckoning of a disk's root against the collector's own trees. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BlockIndex } from "../../agent/capture/block-index.ts";
import { RECORD_SIZE } from "../../agent/capture/record.ts";
import { openDb } from "../../agent/capture/testing.ts";
import { treeRoot } from "../../agent/import/tree-root.ts";
import { type NameRun, updateTree } from "../../collector/vault/tree.ts";
import { Vault } from "../../collector/vault/vault.ts";
import { BLOCK_SIZE, nameToHex } from "../../common/block.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";

describe("treeRoot", () => {
	it("is the collector's, for disks of every height", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await using db = await openDb(folder.file("db"));
		await using vault = await Vault.open({ folder: folder.file("vault") });
		const index = new BlockIndex(db);
		const sizes = [0, 1, 1023, 1024, 1025, 5000, 2 ** 20, 2 ** 20 + 1, 3 * 2 ** 20 + 77];
		for (const [at, blocks] of sizes.entries()) {
			const places = new Set<number>(blocks === 0 ? [] : [blocks - 1]);
			for (let count = random.below(200); count > 0 && blocks > 0; count--) {
				// Some beside each other, some far apart.
				const first = random.below(blocks);
				for (let block = first; block < Math.min(blocks, first + random.below(80)); block++) places.add(block);
			}
			const vm = `vm${at}`;
			await index.begin(vm);
			const stager = index.stager(vm, "vda", "anew");
			const runs: NameRun[] = [];
			for (const block of [...places].sort((a, b) => a - b)) {
				const record = random.bytes(RECORD_SIZE);
				await stager.put(block, record);
				runs.push({ firstBlock: block, names: record.subarray(0, 32) });
			}
			await stager.end();
			await db.batch(index.finishOperations(vm, [stager]));
			await index.fold(vm);
			const sizeBytes = Math.max(0, blocks * BLOCK_SIZE - random.below(BLOCK_SIZE / 2));
			const root = await treeRoot(index, vm, "vda", sizeBytes);
			// A disk of no bytes has no tree there.
			const wanted = blocks === 0 ? new Uint8Array(32) : await updateTree(vault, null, blocks, runs);
			assert.equal(nameToHex(root), nameToHex(wanted), `${blocks} blocks`);
		}
	});
});
