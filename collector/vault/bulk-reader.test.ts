import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { assertBytes } from "../../disk/source/testing.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { BulkReader, MAX_BULK_CHUNKS } from "./bulk-reader.ts";
import { FolderPackStore } from "./folder-pack-store.ts";
import { flipBit, put, sampleChunk } from "./testing.ts";
import { Vault } from "./vault.ts";

const { signal } = new AbortController();

/** Chunks raw and compressed, whole and short, in packs of about four. */
async function filled(vault: Vault, count = 40) {
	const chunks = Array.from({ length: count }, (_, at) => sampleChunk(at, at % 7 === 3 ? 1000 + at : BLOCK_SIZE));
	for (const chunk of chunks) assert.equal(await put(vault, chunk), undefined);
	return chunks;
}

describe("BulkReader", () => {
	it("gives the same as get, of whatever chunks in whatever order, also what is not written yet", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: 400_000 });
		const chunks = await filled(vault);
		await using reader = new BulkReader(vault);
		for (let round = 0; round < 60; round++) {
			if (round === 20) await vault.flush();
			const first = random.between(0, chunks.length - 1);
			const count = random.between(0, MAX_BULK_CHUNKS + 1);
			const wanted = Array.from({ length: count }, (_, at) =>
				random.chance(0.8) ? chunks[(first + at) % chunks.length]! : random.pick(chunks),
			);
			using batch = await reader.read(
				wanted.map(({ name }) => name),
				signal,
			);
			for (const [at, { data }] of wanted.entries()) assertBytes(batch.chunks[at]!, data, `chunk ${at}`);
		}
	});

	it("takes the long way where all slots are taken, and gives back what it took", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const chunks = await filled(vault, 8);
		await vault.flush();
		await using reader = new BulkReader(vault);
		const names = chunks.map(({ name }) => name);
		for (let round = 0; round < 3; round++) {
			using held = new DisposableStack();
			const batches = await Promise.all(Array.from({ length: 80 }, () => reader.read(names, signal)));
			for (const batch of batches) {
				held.use(batch);
				for (const [at, { data }] of chunks.entries()) assertBytes(batch.chunks[at]!, data, `chunk ${at}`);
			}
		}
	});

	it("says which chunk is damaged, as get does", async () => {
		await using folder = await tempFolder();
		const damaged = sampleChunk(2);
		await using vault = await Vault.open({ folder: folder.path });
		for (const seed of [0, 2, 4]) await put(vault, sampleChunk(seed));
		await vault.flush();
		const [pack] = await readdir(folder.file("packs"));
		await flipBit(folder.file(`packs/${pack}`), 24 + 2 * 52 + BLOCK_SIZE + 99);
		await using reader = new BulkReader(vault);
		const wanted = await vault.get(damaged.name).catch((error: Error) => error);
		assert.ok(wanted instanceof Error);
		const names = [0, 2, 4].map((seed) => sampleChunk(seed).name);
		await assert.rejects(reader.read(names, signal), { code: "corrupt", message: wanted.message });
		using good = await reader.read([names[0]!, names[2]!], signal);
		assertBytes(good.chunks[1]!, sampleChunk(4).data, "behind it");
		await assert.rejects(reader.read([sampleChunk(6).name], signal), { code: "not-found" });
	});

	it("reads on once its thread is gone, and where packs are no files", async () => {
		await using folder = await tempFolder();
		await using packs = await FolderPackStore.open(folder.path);
		await using vault = await Vault.over(Object.assign(Object.create(packs), { lend: undefined }, bound(packs)));
		const chunks = await filled(vault, 8);
		await vault.flush();
		const reader = new BulkReader(vault);
		const names = chunks.map(({ name }) => name);
		for (let round = 0; round < 2; round++) {
			using batch = await reader.read(names, signal);
			for (const [at, { data }] of chunks.entries()) assertBytes(batch.chunks[at]!, data, `chunk ${at}`);
			await reader[Symbol.asyncDispose]();
		}
	});
});

/** The methods of a store, without `lend`. */
function bound(packs: FolderPackStore): object {
	const names = ["list", "create", "resume", "read", "remove"] as const;
	return Object.fromEntries(names.map((name) => [name, packs[name].bind(packs)]));
}
