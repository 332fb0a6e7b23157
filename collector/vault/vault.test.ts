import assert from "node:assert/strict";
import { readdir, rm, stat, truncate, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { setTimeout } from "node:timers/promises";
import { zstdCompressSync } from "node:zlib";
import { BLOCK_SIZE, blake3Name, ZERO_NAME } from "../../common/block.ts";
import { startProgram } from "../../test/support/processes.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import type { StoredChunk } from "./chunk-store.ts";
import { FolderPackStore } from "./folder-pack-store.ts";
import { lockFile } from "./lock.ts";
import { FILE_HEADER_SIZE, RECORD_HEADER_SIZE } from "./pack-format.ts";
import { errorOf, FaultyPackStore, flipBit, put, sampleChunk } from "./testing.ts";
import { Vault } from "./vault.ts";

/** Three or four whole random blocks to a pack. */
const PACK_BYTES = 256 * 1024;

async function putAll(vault: Vault, chunks: readonly StoredChunk[]): Promise<void> {
	for (const outcome of await Promise.all(chunks.map((chunk) => put(vault, chunk)))) assert.equal(outcome, undefined);
}

async function assertHolds(vault: Vault, chunks: readonly StoredChunk[]): Promise<void> {
	for (const chunk of chunks) {
		assert.ok(vault.has(chunk.name));
		assert.deepEqual(Buffer.compare(await vault.get(chunk.name), chunk.data), 0);
	}
}

describe("Vault", () => {
	const chunks = Array.from({ length: 40 }, (_, seed) => sampleChunk(seed));

	it("gives back what was put: before a flush, after it, and after opening it again", async () => {
		await using folder = await tempFolder();
		{
			await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
			await putAll(vault, chunks);
			await assertHolds(vault, chunks);
			await vault.flush();
			await assertHolds(vault, chunks);
			assert.equal(vault.stats().chunks, 40);
			assert.ok(vault.stats().packs > 4, String(vault.stats().packs));
		}
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		await assertHolds(vault, chunks);
		assert.equal(vault.stats().chunks, 40);
	});

	it("stores a chunk once, however often and under however many calls at once it comes", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		await putAll(vault, Array(50).fill(chunks[0]));
		await putAll(vault, Array(50).fill(chunks[0]));
		assert.equal(vault.stats().chunks, 1);
		assert.ok(vault.stats().storedBytes < 2 * BLOCK_SIZE);
	});

	it("stores zstd as it comes, compresses raw where that pays, and leaves noise as it is", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const [noise, text] = [sampleChunk(2), sampleChunk(3)];
		await put(vault, noise);
		assert.equal(vault.stats().storedBytes, RECORD_HEADER_SIZE + BLOCK_SIZE);
		const data = zstdCompressSync(text.data);
		await put(vault, { name: text.name, encoding: "zstd", data });
		assert.equal(vault.stats().storedBytes, 2 * RECORD_HEADER_SIZE + BLOCK_SIZE + data.length);
		const other = sampleChunk(5);
		await put(vault, other);
		assert.ok(vault.stats().storedBytes < 3 * RECORD_HEADER_SIZE + BLOCK_SIZE + data.length + 0.6 * BLOCK_SIZE);
		await vault.flush();
		await assertHolds(vault, [noise, text, other]);
	});

	it("copies what it is given: the caller may reuse the bytes once put resolved", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const bytes = Buffer.from(chunks[2]!.data);
		const name = await vault.putPlain(bytes);
		bytes.fill(1);
		await vault.flush();
		await assertHolds(vault, [chunks[2]!]);
		assert.deepEqual(name, chunks[2]!.name);
	});

	const good = sampleChunk(2);
	const zeroes = Buffer.alloc(BLOCK_SIZE);
	const bomb = zstdCompressSync(Buffer.alloc(2 ** 26));
	const rejected: readonly (StoredChunk & { title: string })[] = [
		{ title: "content that is not what the name says", name: good.name, encoding: "raw", data: sampleChunk(4).data },
		{ title: "zstd that is none", name: good.name, encoding: "zstd", data: good.data },
		{
			title: "zstd that was cut short",
			name: good.name,
			encoding: "zstd",
			data: zstdCompressSync(good.data).subarray(9),
		},
		{ title: "zstd that unpacks to 64 MiB", name: good.name, encoding: "zstd", data: bomb },
		{ title: "more than a block", name: good.name, encoding: "raw", data: Buffer.alloc(BLOCK_SIZE + 1, 1) },
		{ title: "nothing", name: blake3Name(Buffer.alloc(0)), encoding: "raw", data: Buffer.alloc(0) },
		{ title: "zeroes under a name of their own", name: blake3Name(zeroes), encoding: "raw", data: zeroes },
		{ title: "a name that is too short", name: good.name.subarray(0, 31), encoding: "raw", data: good.data },
		{ title: "an unknown encoding", name: good.name, encoding: "lz4" as "raw", data: good.data },
	];
	for (const { title, ...chunk } of rejected) {
		it(`rejects ${title} as corrupt, and stores nothing`, async () => {
			await using folder = await tempFolder();
			await using vault = await Vault.open({ folder: folder.path });
			assert.equal((await put(vault, chunk))?.code, "corrupt");
			assert.equal(vault.has(chunk.name), false);
			assert.deepEqual(vault.stats(), { chunks: 0, packs: 0, storedBytes: 0 });
		});
	}

	it("knows zeroes without storing them", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		assert.ok(vault.has(ZERO_NAME));
		assert.deepEqual(await vault.putPlain(Buffer.alloc(32768)), ZERO_NAME);
		assert.equal(Buffer.compare(await vault.get(ZERO_NAME), zeroes), 0);
		assert.equal(vault.stats().chunks, 0);
	});

	it("says not-found for what it does not have, and limit for more than a block", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		assert.equal((await errorOf(vault.get(good.name))).code, "not-found");
		assert.equal((await errorOf(vault.get(good.name.subarray(1)))).code, "not-found");
		assert.equal((await errorOf(vault.putPlain(Buffer.alloc(BLOCK_SIZE + 1)))).code, "limit");
	});

	it("throws the signal's reason", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		await put(vault, good);
		const reason = new Error("enough");
		await assert.rejects(vault.get(good.name, AbortSignal.abort(reason)), reason);
	});

	it("shares one sync among flushes that come together, and needs none when nothing is new", async () => {
		await using folder = await tempFolder();
		await using packs = new FaultyPackStore(await FolderPackStore.open(folder.path));
		await using vault = await Vault.over(packs);
		await putAll(vault, chunks.slice(0, 3));
		await Promise.all(Array.from({ length: 50 }, () => vault.flush()));
		assert.equal(packs.syncs, 1);
		await vault.flush();
		assert.equal(packs.syncs, 1);
		const first = put(vault, chunks[3]!).then(() => vault.flush());
		const second = put(vault, chunks[4]!).then(() => vault.flush());
		await Promise.all([first, second]);
		assert.ok(packs.syncs <= 3);
	});

	it("goes on with the pack that was not full when it was closed", async () => {
		await using folder = await tempFolder();
		for (const chunk of chunks.slice(0, 6)) {
			await using vault = await Vault.open({ folder: folder.path });
			await put(vault, chunk);
		}
		await using vault = await Vault.open({ folder: folder.path });
		await assertHolds(vault, chunks.slice(0, 6));
		assert.equal(vault.stats().packs, 1);
	});

	it("refuses a pack size that holds no block, or that offsets cannot reach", async () => {
		await using folder = await tempFolder();
		for (const packBytes of [0, 65536, Number.NaN, 2 ** 32]) {
			assert.equal((await errorOf(Vault.open({ folder: folder.path, packBytes }))).code, "bad-config");
		}
	});
});

describe("a damaged vault", () => {
	/** Two packs, the first sealed, and the chunks in the first. */
	async function damagedVault(path: string): Promise<readonly StoredChunk[]> {
		const chunks = [2, 4, 6, 8, 10].map((seed) => sampleChunk(seed));
		await using vault = await Vault.open({ folder: path, packBytes: PACK_BYTES });
		for (const chunk of chunks) await put(vault, chunk);
		return chunks;
	}

	it("says corrupt, with pack and offset, for the chunk whose bytes rotted, and serves the others", async () => {
		await using folder = await tempFolder();
		const chunks = await damagedVault(folder.path);
		const offset = FILE_HEADER_SIZE + RECORD_HEADER_SIZE + BLOCK_SIZE;
		await flipBit(folder.file("packs/00000001.pack"), offset + RECORD_HEADER_SIZE + 5000);
		await using vault = await Vault.open({ folder: folder.path });
		const error = await errorOf(vault.get(chunks[1]!.name));
		assert.deepEqual([error.code, error.context["pack"], error.context.offset], ["corrupt", 1, offset]);
		await assertHolds(vault, chunks.toSpliced(1, 1));
	});

	it("finds every chunk although the trailer or the footer rotted, and mends them", async () => {
		for (const fromEnd of [1, 10, 25, 30, 100, 150]) {
			await using folder = await tempFolder();
			const chunks = await damagedVault(folder.path);
			const path = folder.file("packs/00000001.pack");
			const { size } = await stat(path);
			await flipBit(path, size - fromEnd);
			await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
			await assertHolds(vault, chunks);
		}
	});

	it("loses nothing else when a pack is gone, cut short or full of noise", async (context) => {
		const noise = testRandom(context).bytes(PACK_BYTES);
		const damages: ((path: string) => Promise<void>)[] = [
			(path) => rm(path),
			(path) => truncate(path, 0),
			(path) => truncate(path, 10),
			(path) => truncate(path, FILE_HEADER_SIZE + RECORD_HEADER_SIZE),
			(path) => writeFile(path, noise),
		];
		for (const damage of damages) {
			await using folder = await tempFolder();
			const chunks = await damagedVault(folder.path);
			await damage(folder.file("packs/00000001.pack"));
			await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
			assert.equal(vault.has(chunks[0]!.name), false);
			assert.equal((await errorOf(vault.get(chunks[0]!.name))).code, "not-found");
			await assertHolds(vault, chunks.slice(-2));
			await putAll(vault, chunks);
			await vault.flush();
			await assertHolds(vault, chunks);
		}
	});

	it("says corrupt when a pack is cut short while it is open", async () => {
		await using folder = await tempFolder();
		const chunks = await damagedVault(folder.path);
		await using vault = await Vault.open({ folder: folder.path });
		await truncate(folder.file("packs/00000001.pack"), 100);
		assert.equal((await errorOf(vault.get(chunks[0]!.name))).code, "corrupt");
	});
});

describe("a vault on a disk that fails", () => {
	const chunks = Array.from({ length: 300 }, (_, index) => sampleChunk(index * 2, 16384));

	it("loses nothing that was accepted when the disk fills up at any byte, and goes on when there is space", async (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 6; round++) {
			await using folder = await tempFolder();
			await using packs = new FaultyPackStore(await FolderPackStore.open(folder.path));
			await using vault = await Vault.over(packs, { packBytes: PACK_BYTES });
			packs.space = random.below(4_000_000);
			const accepted: StoredChunk[] = [];
			const stop = random.below(300);
			for (const chunk of chunks.slice(0, stop)) {
				const outcome = await put(vault, chunk).catch((error: unknown) => error);
				if (outcome === undefined) accepted.push(chunk);
			}
			const flushed = await vault.flush().catch((error: unknown) => error);
			// All of it may just have fitted.
			if (packs.space < 16384 && packs.refusals > 0 && accepted.length > 0)
				assert.equal((flushed as { code?: string } | undefined)?.code, "limit");
			await assertHolds(vault, accepted);
			packs.space = Number.POSITIVE_INFINITY;
			await vault.flush();
			await putAll(vault, chunks);
			await vault.flush();
			await assertHolds(vault, chunks);
			await using reopened = await FolderPackStore.open(folder.path);
			await using again = await Vault.over(reopened, { packBytes: PACK_BYTES });
			await assertHolds(again, chunks);
		}
	});

	it("holds a bounded amount in memory while the disk is full, then refuses with limit", async () => {
		await using folder = await tempFolder();
		await using packs = new FaultyPackStore(await FolderPackStore.open(folder.path));
		packs.space = 0;
		await using vault = await Vault.over(packs);
		let accepted = 0;
		const error = await errorOf(
			(async () => {
				for (let seed = 0; seed < 1000; seed += 2) {
					await put(vault, sampleChunk(seed));
					accepted++;
				}
			})(),
		);
		assert.equal(error.code, "limit");
		assert.ok(accepted > 50 && accepted < 200, String(accepted));
		packs.space = Number.POSITIVE_INFINITY;
	});

	it("forgets what a failed sync may have lost, refuses work, and opens again with what was flushed", async () => {
		await using folder = await tempFolder();
		await using packs = new FaultyPackStore(await FolderPackStore.open(folder.path));
		const [before, after] = [chunks.slice(0, 20), chunks.slice(20, 40)];
		{
			await using vault = await Vault.over(packs, { packBytes: PACK_BYTES });
			await putAll(vault, before);
			await vault.flush();
			packs.failSync = true;
			// Packs that become full are synced at once: some of them may be refused already.
			for (const chunk of after) await put(vault, chunk).catch(() => undefined);
			assert.equal((await errorOf(vault.flush())).code, "unavailable");
			packs.failSync = false;
			assert.equal((await errorOf(vault.flush())).code, "unavailable");
			assert.equal((await errorOf(put(vault, chunks[50]!))).code, "unavailable");
			for (const chunk of after) assert.equal(vault.has(chunk.name), false);
			await assertHolds(vault, before);
		}
		await using vault = await Vault.over(packs, { packBytes: PACK_BYTES });
		await assertHolds(vault, before);
		for (const chunk of after) assert.equal(vault.has(chunk.name), false);
		await putAll(vault, after);
		await vault.flush();
		await assertHolds(vault, after);
	});

	it("keeps what an earlier run answered for when the sync at its start fails", async () => {
		await using folder = await tempFolder();
		await using packs = new FaultyPackStore(await FolderPackStore.open(folder.path));
		const flushed = chunks.slice(0, 20);
		{
			// Some packs are sealed, the last is not.
			await using vault = await Vault.over(packs, { packBytes: PACK_BYTES });
			await putAll(vault, flushed);
			await vault.flush();
		}
		packs.failSync = true;
		assert.equal((await errorOf(Vault.over(packs, { packBytes: PACK_BYTES }))).code, "unavailable");
		packs.failSync = false;
		await using vault = await Vault.over(packs, { packBytes: PACK_BYTES });
		await assertHolds(vault, flushed);
	});

	it("cuts off what was being written while a sync failed", async () => {
		await using folder = await tempFolder();
		await using packs = new FaultyPackStore(await FolderPackStore.open(folder.path));
		const [writing, failing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
		{
			await using vault = await Vault.over(packs, { packBytes: PACK_BYTES });
			// The sync that seals the first pack fails while the second is being written, which ends only afterwards.
			packs.failSync = true;
			packs.beforeSync = () => writing.promise.then(failing.resolve);
			packs.beforeAppend = async (pack) => {
				if (pack === 1) return;
				writing.resolve();
				// The pause is for a cut that would not wait.
				await failing.promise.then(() => setTimeout(50));
			};
			await putAll(vault, chunks.slice(0, 20));
			assert.equal((await errorOf(vault.flush())).code, "unavailable");
			packs.failSync = false;
		}
		await using vault = await Vault.over(packs, { packBytes: PACK_BYTES });
		for (const chunk of chunks) assert.equal(vault.has(chunk.name), false);
	});
});

describe("a vault's lock", () => {
	it("refuses a second opening in this process, and lets go when it is closed", async () => {
		await using folder = await tempFolder();
		{
			await using _ = await Vault.open({ folder: folder.path });
			const error = await errorOf(Vault.open({ folder: folder.path }));
			assert.equal(error.code, "conflict");
			assert.match(error.hint ?? "", /collector/);
		}
		await using vault = await Vault.open({ folder: folder.path });
		assert.equal(vault.stats().chunks, 0);
		assert.deepEqual((await readdir(folder.path)).sort(), ["lock", "packs"]);
	});

	it("is held against other processes, and goes with the one that is killed", async () => {
		await using folder = await tempFolder();
		const module = JSON.stringify(new URL("./lock.ts", import.meta.url).href);
		const path = JSON.stringify(folder.file("lock"));
		const script = `import { lockFile } from ${module}; lockFile(${path}); console.log("locked"); setInterval(() => {}, 1e6)`;
		await using holder = await startProgram(process.execPath, ["--input-type=module", "-e", script]);
		await holder.said(/locked/);
		assert.throws(() => lockFile(folder.file("lock")), { code: "conflict" });
		await holder.kill();
		using _ = lockFile(folder.file("lock"));
	});

	it("says unavailable where it cannot be made", async () => {
		await using folder = await tempFolder();
		assert.throws(() => lockFile(folder.file("missing/lock")), { code: "unavailable" });
	});
});
