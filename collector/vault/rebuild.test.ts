import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { nameToHex } from "../../common/block.ts";
import { silentLogger } from "../../common/log.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { type ChunkForm, chunkForm, PLAIN_FORM, type VaultKeys } from "./chunk-form.ts";
import { ChunkIndex } from "./chunk-index.ts";
import type { StoredChunk } from "./chunk-store.ts";
import { FolderPackStore } from "./folder-pack-store.ts";
import { FILE_HEADER_SIZE, FOOTER_SIZE, packMeta, RECORD_HEADER_SIZE } from "./pack-format.ts";
import { loadPacks } from "./pack-load.ts";
import { PackWriter } from "./pack-writer.ts";
import { type RebuildResult, rebuildIndex } from "./rebuild.ts";
import { errorOf, flipBit, put, sampleChunk } from "./testing.ts";
import { Vault } from "./vault.ts";

const LENGTH = 9_000;
const PACK_BYTES = 70_000;
const RECORD = RECORD_HEADER_SIZE + LENGTH;
const FAST = { bytesPerSecond: 1e12 };
const KEYS: VaultKeys = { names: new Uint8Array(32).fill(7), contents: [{ id: 5, key: new Uint8Array(32).fill(9) }] };

const packFile = (id: number) => `packs/${id.toString(16).padStart(8, "0")}.pack`;

interface Opened extends AsyncDisposable {
	readonly vault: Vault;
}

/** Nothing is kept in memory, so that what is read is read from the disk. */
async function open(
	folder: TempFolder,
	keys?: VaultKeys,
	onDamage: (pack: number) => void = () => undefined,
): Promise<Opened> {
	const packs = await FolderPackStore.open(folder.file("packs"));
	const vault = await Vault.over(packs, { packBytes: PACK_BYTES, cacheBytes: 0, keys, onDamage });
	return {
		vault,
		[Symbol.asyncDispose]: async () => {
			await vault[Symbol.asyncDispose]();
			await packs[Symbol.asyncDispose]();
		},
	};
}

async function fill(folder: TempFolder, count: number, keys?: VaultKeys): Promise<StoredChunk[]> {
	const chunks = Array.from({ length: count }, (_, at) => sampleChunk(at, LENGTH));
	await using opened = await open(folder, keys);
	for (const chunk of chunks) await put(opened.vault, chunk);
	return chunks;
}

/** Which of the chunks can be read, by their numbers. */
async function readable(vault: Vault, chunks: readonly StoredChunk[]): Promise<number[]> {
	const found: number[] = [];
	for (const [at, { name, data }] of chunks.entries()) {
		const bytes = await vault.get(name).catch((error: unknown) => error);
		if (bytes instanceof Uint8Array && Buffer.compare(bytes, data) === 0) found.push(at);
	}
	return found;
}

async function* none(): AsyncGenerator<never> {}

describe("rebuildIndex", () => {
	/** The index of the packs in a folder, and what rebuilding makes of another one. */
	async function rebuilt(folder: TempFolder, form: ChunkForm, spoil: (index: ChunkIndex) => void) {
		await using packs = await FolderPackStore.open(folder.file("packs"));
		const wanted = (await loadPacks(packs, form, silentLogger())).index;
		const index = (await loadPacks(packs, form, silentLogger())).index;
		spoil(index);
		return { wanted, ...(await over(packs, form, index)) };
	}

	async function over(packs: FolderPackStore, form: ChunkForm, index: ChunkIndex) {
		const onLost = () => undefined;
		const options = { store: packs, form, packBytes: PACK_BYTES, nextId: 1000, log: silentLogger(), onLost };
		const writer = new PackWriter(options);
		const vault = {
			packs,
			index,
			form,
			writer,
			read: () => Promise.reject(new Error("nothing else is asked")),
			remove: (stored: Uint8Array) => void index.remove(stored),
			removed: () => undefined,
		};
		const result = await rebuildIndex(
			{
				...vault,
				read: async (stored) => {
					const place = index.find(stored);
					assert.ok(place);
					const data = await packs.read(place.pack, place.offset + RECORD_HEADER_SIZE, place.storedLength);
					const { openChunk } = await import("./chunk-form.ts");
					return openChunk(form, stored, place.encoding, data);
				},
			},
			FAST,
		);
		await writer.close();
		return { index, result };
	}

	function places(index: ChunkIndex): Map<string, unknown> {
		const found = new Map<string, unknown>();
		for (let entry = 0; entry < index.entries; entry++) {
			const place = index.place(entry);
			if (place !== undefined) found.set(nameToHex(index.nameOf(entry)), place);
		}
		return found;
	}

	for (const [kind, keys] of [
		["plain", undefined],
		["encrypted", KEYS],
	] as const) {
		it(`makes a lost index anew (${kind})`, async () => {
			await using folder = await tempFolder();
			await fill(folder, 30, keys);
			const form = chunkForm(keys);
			await using packs = await FolderPackStore.open(folder.file("packs"));
			const wanted = (await loadPacks(packs, form, silentLogger())).index;
			const { index, result } = await over(packs, form, new ChunkIndex());
			assert.equal(wanted.size, 30);
			assert.deepEqual([...places(index).keys()].sort(), [...places(wanted).keys()].sort());
			assert.deepEqual([result.found, result.moved, result.lost, result.left], [30, 0, 0, []]);
		});
	}

	it("mends an index that is wrong in any way", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const chunks = await fill(folder, 40);
		// The pack that was left open is sealed by the first look at it.
		{
			await using opened = await open(folder);
			await opened.vault.rebuild(FAST);
		}
		const { wanted, index, result } = await rebuilt(folder, PLAIN_FORM, (spoilt) => {
			for (const { name } of random.shuffle(chunks).slice(0, 25)) {
				const entry = spoilt.entryOf(name);
				const place = spoilt.place(entry)!;
				const { pack, offset } = place;
				const how = random.below(5);
				if (how === 0) spoilt.remove(name);
				else if (how === 1) spoilt.move(entry, 1 + random.below(9), FILE_HEADER_SIZE + random.below(7) * RECORD);
				else if (how === 2) spoilt.move(entry, pack, offset + 1 + random.below(100));
				else if (how === 3) spoilt.move(entry, pack, offset, packMeta("raw", 1 + random.below(LENGTH - 1)));
				else spoilt.move(entry, 900 + random.below(50), offset);
			}
			// A name that nobody ever stored.
			spoilt.add(random.bytes(32), 1, FILE_HEADER_SIZE, packMeta("raw", LENGTH));
		});
		assert.deepEqual([result.left, result.lost], [[], 1]);
		const [found, right] = [places(index), places(wanted)];
		assert.equal(found.size, right.size);
		for (const [name, place] of right) {
			// What lay in a pack without a trailer lies in another now.
			if (!result.setAside.includes((place as { pack: number }).pack)) assert.deepEqual(found.get(name), place, name);
			else assert.ok(found.has(name));
		}
	});
});

describe("Vault.rebuild", () => {
	it("finds nothing to do in a good vault", async () => {
		await using folder = await tempFolder();
		const chunks = await fill(folder, 20);
		await using opened = await open(folder);
		const steps: string[] = [];
		const result = await opened.vault.rebuild({
			...FAST,
			onProgress: ({ phase, done, total }) => steps.push(`${phase} ${done}/${total}`),
		});
		assert.deepEqual(
			[result.found, result.moved, result.lost, result.setAside, result.left, result.chunks],
			[0, 0, 0, [], [], 20],
		);
		assert.equal(steps[0], `packs 0/${result.packs}`);
		assert.equal((await readable(opened.vault, chunks)).length, 20);
	});

	it("reads the records of a pack whose trailer is damaged, and writes them anew", async (context) => {
		const random = testRandom(context);
		for (const damage of ["footer", "trailer", "cut"]) {
			await using folder = await tempFolder();
			const chunks = await fill(folder, 20);
			await using opened = await open(folder);
			const path = folder.file(packFile(1));
			const { size } = await stat(path);
			if (damage === "footer") await flipBit(path, size - 1 - random.below(FOOTER_SIZE), random.below(8));
			else if (damage === "trailer") await flipBit(path, size - FOOTER_SIZE - 1 - random.below(200), random.below(8));
			else await truncate(path, size - 1 - random.below(200));
			const result = await opened.vault.rebuild(FAST);
			assert.deepEqual([result.setAside, result.lost, result.left], [[1], 0, []], damage);
			assert.equal((await readable(opened.vault, chunks)).length, 20);
			const files = await readdir(folder.file("packs"));
			assert.ok(
				files.some((file) => /^00000001\.pack\.damaged-\d+$/.test(file)),
				String(files),
			);
			const check = await opened.vault.scrub(none(), { readShare: 1, ...FAST });
			assert.deepEqual([check.packDamage, check.chunks], [[], 20]);
		}
	});

	it("reads a chunk by the trailer where its record's header is damaged", async () => {
		await using folder = await tempFolder();
		const chunks = await fill(folder, 20);
		await flipBit(folder.file(packFile(1)), FILE_HEADER_SIZE + RECORD + 3);
		await using opened = await open(folder);
		const result = await opened.vault.rebuild(FAST);
		assert.deepEqual([result.setAside, result.lost], [[1], 0]);
		assert.equal((await readable(opened.vault, chunks)).length, 20);
	});

	it("takes a damaged chunk out, so that it is taken when it is brought again, also after a restart", async () => {
		await using folder = await tempFolder();
		const chunks = await fill(folder, 20);
		const lost = chunks[2]!;
		await flipBit(folder.file(packFile(1)), FILE_HEADER_SIZE + 2 * RECORD + RECORD_HEADER_SIZE + 100);
		{
			const told: number[] = [];
			await using opened = await open(folder, undefined, (pack) => void told.push(pack));
			assert.equal((await errorOf(opened.vault.get(lost.name))).code, "corrupt");
			assert.deepEqual(told, [1]);
			assert.equal(opened.vault.has(lost.name), true);
			const result = await opened.vault.rebuild({ ...FAST, packs: new Set(told) });
			assert.deepEqual([result.packs, result.lost, result.setAside], [1, 1, [1]]);
			assert.deepEqual(told, [1], "its own reading is no news");
			assert.equal(opened.vault.has(lost.name), false);
			assert.equal((await readable(opened.vault, chunks)).length, 19);
		}
		await using opened = await open(folder);
		assert.equal(opened.vault.has(lost.name), false);
		await put(opened.vault, lost);
		await opened.vault.flush();
		assert.equal((await readable(opened.vault, chunks)).length, 20);
		const { packDamage } = await opened.vault.scrub(none(), { readShare: 1, ...FAST });
		assert.deepEqual(packDamage, []);
	});

	it("finds the second copy of a damaged chunk in a pack that nobody asked it to look at", async () => {
		await using folder = await tempFolder();
		const chunks = await fill(folder, 20);
		// As a process leaves it that was killed before the pack went that it had copied.
		const copy = await readFile(folder.file(packFile(1)));
		const { encodeFileHeader, PLAIN_PACK } = await import("./pack-format.ts");
		encodeFileHeader(99, PLAIN_PACK, 0).copy(copy);
		await flipBit(folder.file(packFile(1)), FILE_HEADER_SIZE + RECORD_HEADER_SIZE + 5);
		await using opened = await open(folder);
		await writeFile(folder.file(packFile(3)), copy);
		await rm(folder.file(packFile(3)));
		encodeFileHeader(2, PLAIN_PACK, 0).copy(copy);
		await writeFile(folder.file(packFile(2)), copy);
		const result = await opened.vault.rebuild({ ...FAST, packs: new Set([1]) });
		assert.deepEqual([result.lost, result.moved], [0, 1]);
		assert.ok((await readable(opened.vault, chunks)).includes(0));
	});

	it("does nothing to packs whose key is missing", async () => {
		await using folder = await tempFolder();
		await fill(folder, 20, KEYS);
		const other = { ...KEYS, contents: [{ id: 6, key: KEYS.contents[0]!.key }] };
		await using packs = await FolderPackStore.open(folder.file("packs"));
		const before = await packs.list();
		// The last one lies open, so that opening the vault as a whole says it already.
		await packs.remove(before.at(-1)!.id);
		await using vault = await Vault.over(packs, { packBytes: PACK_BYTES, keys: other });
		assert.equal((await errorOf(vault.rebuild(FAST))).code, "denied");
		assert.deepEqual(await packs.list(), before.slice(0, -1));
	});

	/** Spoils packs at random while the vault is open, or before it is. */
	async function spoil(random: Random, folder: TempFolder, packs: number): Promise<void> {
		for (let round = 1 + random.below(4); round > 0; round--) {
			const path = folder.file(packFile(1 + random.below(packs)));
			const size = await stat(path).then(
				(found) => found.size,
				() => 0,
			);
			if (size === 0) continue;
			const how = random.below(10);
			if (how === 0) await rm(path);
			else if (how === 1) await truncate(path, random.below(size));
			else if (how < 4) {
				const bytes = await readFile(path);
				const start = random.below(size);
				random.bytes(Math.min(size - start, 1 + random.below(3 * RECORD))).copy(bytes, start);
				await writeFile(path, bytes);
			} else if (how < 6) await flipBit(path, size - 1 - random.below(Math.min(size, 400)), random.below(8));
			else await flipBit(path, random.below(size), random.below(8));
		}
	}

	for (const keys of [undefined, KEYS]) {
		it(`loses nothing that could be read, and leaves no damage (${keys ? "encrypted" : "plain"})`, async (context) => {
			const random = testRandom(context);
			for (let round = 0; round < 3; round++) {
				await using folder = await tempFolder();
				const chunks = await fill(folder, 40, keys);
				const before = random.chance(0.3);
				if (before) await spoil(random, folder, 5);
				let result: RebuildResult;
				let could: number[];
				{
					await using opened = await open(folder, keys);
					if (!before) await spoil(random, folder, 5);
					could = await readable(opened.vault, chunks);
					result = await opened.vault.rebuild(FAST);
					const can = await readable(opened.vault, chunks);
					for (const at of could) assert.ok(can.includes(at), `chunk ${at} of round ${round} was lost`);
					const has = chunks.flatMap(({ name }, at) => (opened.vault.has(name) ? [at] : []));
					assert.deepEqual(has, can, "what is there can be read");
					could = can;
					const check = await opened.vault.scrub(none(), { readShare: 1, ...FAST });
					const wrong = check.packDamage.filter(({ pack }) => !result.left.some((left) => left.pack === pack));
					assert.deepEqual(wrong, []);
					await opened.vault.flush();
				}
				await using opened = await open(folder, keys);
				assert.deepEqual(await readable(opened.vault, chunks), could, "after a restart");
			}
		});
	}
});
