import assert from "node:assert/strict";
import { rm, stat, truncate } from "node:fs/promises";
import { describe, it } from "node:test";
import { nameToHex } from "../../common/block.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { LiveTree } from "./live-chunks.ts";
import { FILE_HEADER_SIZE, RECORD_HEADER_SIZE } from "./pack-format.ts";
import { errorOf, flipBit, put, sampleChunk } from "./testing.ts";
import { updateTree } from "./tree.ts";
import { Vault } from "./vault.ts";

const LENGTH = 20_000;
/** Three blocks to a pack. */
const PACK_BYTES = 70_000;
const RECORD = RECORD_HEADER_SIZE + LENGTH;
const blocks = Array.from({ length: 8 }, (_, at) => sampleChunk(at * 2, LENGTH));

/** Two points: the first four blocks, at 3,000 on of a disk of two levels; and the last five. */
async function fill(vault: Vault): Promise<LiveTree[]> {
	for (const block of blocks) await put(vault, block);
	const tree = async (name: string, firstBlock: number, from: number, to: number, size: number) => {
		const names = Buffer.concat(blocks.slice(from, to).map((block) => block.name));
		return { name, blocks: size, root: await updateTree(vault, null, size, [{ firstBlock, names }]) };
	};
	const trees = [await tree("one", 3000, 0, 4, 5000), await tree("two", 0, 3, 8, 10)];
	await vault.flush();
	return trees;
}

async function* each(trees: readonly LiveTree[]): AsyncGenerator<LiveTree> {
	yield* trees;
}

const options = (readShare: number) => ({ readShare });

describe("Vault.scrub", () => {
	it("finds nothing in a good vault, reads what share it is told to, and counts", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const trees = await fill(vault);
		const quick = await vault.scrub(each(trees), options(0));
		assert.deepEqual([quick.packDamage, quick.treeDamage, quick.readPacks, quick.trees], [[], [], 0, 2]);
		assert.deepEqual([quick.packs, quick.pages], [3, 3]);
		assert.equal((await vault.scrub(each(trees), options(1))).readPacks, 3);
		const draws = [0.4, 0.6, 0.1];
		const sample = await vault.scrub(each(trees), { ...options(0.5), random: () => draws.shift() ?? 1 });
		assert.equal(sample.readPacks, 2);
	});

	it("reads no faster than it is told", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const trees = await fill(vault);
		const start = performance.now();
		const { readBytes } = await vault.scrub(each(trees), { readShare: 1, bytesPerSecond: 150_000 });
		// The last pack need not have been waited for, and a quarter of a second's worth comes at once.
		const paced = readBytes - PACK_BYTES - 150_000 / 4;
		assert.ok(paced > 0 && performance.now() - start >= (paced / 150_000) * 1000);
	});

	it("finds rotten data when it reads it, and names the disks and blocks that it hits", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const trees = await fill(vault);
		// The first record of the second pack: block 3, which both disks have.
		await flipBit(folder.file("packs/00000002.pack"), FILE_HEADER_SIZE + RECORD_HEADER_SIZE + 77);
		assert.deepEqual((await vault.scrub(each(trees), options(0))).treeDamage, [], "its data is not read");
		const { packDamage, treeDamage, damagedTrees } = await vault.scrub(each(trees), options(1));
		const name = nameToHex(blocks[3]!.name);
		assert.deepEqual(
			packDamage.map(({ pack, structure, offset, name }) => [pack, structure, offset, name]),
			[[2, "chunk record", FILE_HEADER_SIZE, name]],
		);
		assert.deepEqual(
			treeDamage.map(({ tree, kind, firstBlock, count, name }) => [tree, kind, firstBlock, count, name]),
			[
				["one", "block", 3003, 1, name],
				["two", "block", 0, 1, name],
			],
		);
		assert.equal(damagedTrees, 2);
		assert.equal((await errorOf(vault.get(blocks[3]!.name))).code, "corrupt");
	});

	it("finds a rotten page without reading any block, whatever is in memory of it", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const trees = await fill(vault);
		await vault.get(trees[1]!.root);
		const pack = folder.file("packs/00000003.pack");
		// The last record: the page of the second disk.
		await flipBit(pack, (await stat(pack)).size - 20);
		const { treeDamage } = await vault.scrub(each(trees), options(0));
		assert.deepEqual(
			treeDamage.map(({ tree, kind, firstBlock, count }) => [tree, kind, firstBlock, count]),
			[["two", "page", 0, 10]],
		);
	});

	for (const [what, offset, structure] of [
		["pack header", 3, "pack header"],
		["trailer", -60, "pack trailer"],
		["footer", -20, "pack trailer"],
		["footer's magic", -1, "pack trailer"],
	] as const) {
		it(`finds a flipped bit in a ${what} without reading the rest; the points are whole`, async () => {
			await using folder = await tempFolder();
			await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
			const trees = await fill(vault);
			const pack = folder.file("packs/00000001.pack");
			await flipBit(pack, offset < 0 ? (await stat(pack)).size + offset : offset);
			const { packDamage, treeDamage } = await vault.scrub(each(trees), options(0));
			assert.deepEqual(
				packDamage.map(({ pack, structure }) => [pack, structure]),
				[[1, structure]],
			);
			assert.deepEqual(treeDamage, []);
		});
	}

	it("finds a flipped bit in a record's header when it reads it; its data is good all the same", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const trees = await fill(vault);
		await flipBit(folder.file("packs/00000001.pack"), FILE_HEADER_SIZE + RECORD + 20);
		const { packDamage, treeDamage } = await vault.scrub(each(trees), options(1));
		assert.deepEqual([packDamage.length, packDamage[0]?.structure, treeDamage], [1, "chunk record", []]);
		assert.equal(Buffer.compare(await vault.get(blocks[1]!.name), blocks[1]!.data), 0);
	});

	it("finds packs that are gone or were cut, and whom that hits", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const trees = await fill(vault);
		await truncate(folder.file("packs/00000002.pack"), FILE_HEADER_SIZE + RECORD);
		await rm(folder.file("packs/00000001.pack"));
		const { packDamage, treeDamage } = await vault.scrub(each(trees), options(0));
		assert.deepEqual(packDamage.map(({ pack, structure }) => [pack, structure]).sort(), [
			[1, "chunk record"],
			[2, "chunk record"],
			[2, "pack trailer"],
		]);
		assert.deepEqual(
			treeDamage.map(({ tree, firstBlock }) => [tree, firstBlock]),
			[
				["one", 3000],
				["one", 3001],
				["one", 3002],
				["two", 1],
				["two", 2],
			],
		);
	});
});
