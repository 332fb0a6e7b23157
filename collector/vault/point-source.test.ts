import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blockCount, blockName, NAME_SIZE, ZERO_NAME } from "../../common/block.ts";
import { assertBytes, behavesAsBlockSource, sampleDisk } from "../../disk/source/testing.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { pointSource } from "./point-source.ts";
import { errorOf, flipBit } from "./testing.ts";
import { updateTree } from "./tree.ts";
import { Vault } from "./vault.ts";

/** Puts a disk into the vault; its root. */
async function store(vault: Vault, disk: Uint8Array): Promise<Uint8Array> {
	const blocks = blockCount(disk.length);
	const names = Buffer.alloc(blocks * NAME_SIZE);
	for (let block = 0; block < blocks; block++) {
		const bytes = Buffer.alloc(BLOCK_SIZE);
		bytes.set(disk.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE));
		names.set(await vault.putPlain(bytes), block * NAME_SIZE);
		assert.deepEqual(Buffer.from(blockName(bytes)), names.subarray(block * NAME_SIZE, (block + 1) * NAME_SIZE));
	}
	return await updateTree(vault, null, blocks, [{ firstBlock: 0, names }]);
}

behavesAsBlockSource("pointSource", { knowsZeroes: true }, async (resources) => {
	const folder = resources.use(await tempFolder());
	const vault = resources.use(await Vault.open({ folder: folder.path }));
	const disk = sampleDisk(5_000_003);
	return {
		source: pointSource(vault, { root: await store(vault, disk), sizeBytes: disk.length, name: "a point" }),
		disk,
	};
});

describe("pointSource", () => {
	it("reads a disk from end to end, in steps of any size, across name windows", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const disk = new Uint8Array(1030 * BLOCK_SIZE + 77);
		disk.set(sampleDisk(300_000), 1000);
		disk.set(sampleDisk(700_077), disk.length - 700_077);
		const root = await store(vault, disk);
		for (const step of [1_000_000, 65536, 300_001]) {
			await using source = pointSource(vault, { root, sizeBytes: disk.length, name: "a point" });
			for (let at = 0; at < disk.length; at += step) {
				const length = Math.min(step, disk.length - at);
				assertBytes(await source.read(at, length), disk.subarray(at, at + length), `${at}+${length}`);
			}
		}
	});

	it("reads a disk of zeroes, and one of no size", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		await using source = pointSource(vault, { root: ZERO_NAME, sizeBytes: 2 ** 50, name: "huge" });
		assertBytes(await source.read(2 ** 49, 100_000), new Uint8Array(100_000), "zeroes");
		assert.deepEqual(await source.extents(0, 2 ** 50), [{ offset: 0, length: 2 ** 50, zero: true }]);
		await using none = pointSource(vault, { root: ZERO_NAME, sizeBytes: 0, name: "none" });
		assert.equal((await none.read(0, 0)).length, 0);
		assert.deepEqual(await none.extents(0, 0), []);
	});

	it("fails with corrupt where a block rotted, also when it was read ahead, and reads on behind it", async () => {
		await using folder = await tempFolder();
		const disk = sampleDisk(40 * BLOCK_SIZE).map((byte, index) => byte ^ (1 + (index >> 16)));
		let root: Uint8Array;
		{
			await using vault = await Vault.open({ folder: folder.path });
			root = await store(vault, disk);
		}
		await flipBit(folder.file("packs/00000001.pack"), 200_000);
		await using vault = await Vault.open({ folder: folder.path });
		await using source = pointSource(vault, { root, sizeBytes: disk.length, name: "rotten" });
		let failures = 0;
		for (let at = 0; at < disk.length; at += BLOCK_SIZE) {
			const outcome = await source.read(at, BLOCK_SIZE).catch((error: unknown) => error);
			if (outcome instanceof Uint8Array) {
				assertBytes(outcome, disk.subarray(at, at + BLOCK_SIZE), String(at));
			} else {
				failures++;
				const error = await errorOf(Promise.reject(outcome));
				assert.ok(["corrupt", "not-found"].includes(error.code), error.message);
			}
		}
		assert.equal(failures, 1);
	});
});
