import assert from "node:assert/strict";
import { createDecipheriv, scryptSync } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { Blake3Hasher } from "@napi-rs/blake-hash";
import { nameToHex, ZERO_NAME } from "../../common/block.ts";
import { assertBytes } from "../../disk/source/testing.ts";
import { createRandom, testRandom } from "../../test/support/random.ts";
import { type TempFolder, tempFolder } from "../../test/support/temp.ts";
import { BulkReader } from "./bulk-reader.ts";
import { checkPack } from "./check.ts";
import { chunkForm } from "./chunk-form.ts";
import type { StoredChunk } from "./chunk-store.ts";
import type { LiveTree } from "./live-chunks.ts";
import { MemoryDisk, MemoryPackStore } from "./memory-packs.ts";
import { errorOf, put, sampleChunk, testKeys } from "./testing.ts";
import { readNames, updateTree } from "./tree.ts";
import { Vault } from "./vault.ts";

const SECRET = "a key that only the operator has";
const BLOCKS = 40;
const LENGTH = 3000;
const blocks = Array.from({ length: BLOCKS }, (_, at) => sampleChunk(at, LENGTH));

/** Every fourth comes as a plain page would, the others as agents bring them. */
async function fill(vault: Vault): Promise<LiveTree> {
	for (const [at, block] of blocks.entries()) {
		if (at % 4 === 0) await vault.putPlain(block.data);
		else assert.equal(await put(vault, block), undefined);
	}
	const names = Buffer.concat(blocks.map(({ name }) => name));
	const root = await updateTree(vault, null, 2000, [{ firstBlock: 1000, names }]);
	await vault.flush();
	return { name: "vm@1/vda", root, blocks: 2000 };
}

/** What of `wanted` any file of the folder holds, or is called. */
async function foundIn(folder: string, wanted: ReadonlyMap<string, Buffer>): Promise<string[]> {
	const found = new Set<string>();
	for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
		const bytes = file.isFile() ? await readFile(`${file.parentPath}/${file.name}`) : Buffer.alloc(0);
		for (const [what, piece] of wanted) {
			if (bytes.includes(piece) || file.name.includes(piece.toString("latin1"))) found.add(what);
		}
	}
	return [...found];
}

/** Pieces of the contents and all forms of their names. */
function pieces(chunks: readonly StoredChunk[], root: Uint8Array): Map<string, Buffer> {
	const wanted = new Map<string, Buffer>();
	const random = createRandom(1);
	const addName = (what: string, name: Uint8Array) => {
		const bytes = Buffer.from(name);
		for (const encoding of ["hex", "base64", "base64url"] as const) {
			wanted.set(`name of ${what} in ${encoding}`, Buffer.from(bytes.toString(encoding)));
		}
		wanted.set(`name of ${what}`, bytes.subarray(0, 8));
	};
	for (const [at, { name, data }] of chunks.entries()) {
		addName(`chunk ${at}`, name);
		const start = random.below(data.length - 16);
		wanted.set(`content of ${at}`, Buffer.from(data.subarray(start, start + 16)));
	}
	addName("the root", root);
	return wanted;
}

describe("an encrypted vault on disk", () => {
	it("holds neither contents nor names of what is in it, which a plain one does", async () => {
		for (const secret of [SECRET, undefined]) {
			await using folder = await tempFolder();
			let wanted: Map<string, Buffer>;
			{
				// Packs sealed and unsealed, and a pack that was resumed.
				await using vault = await Vault.open({ folder: folder.path, secret, packBytes: 70_000 });
				wanted = pieces(blocks, (await fill(vault)).root);
			}
			await using _again = await Vault.open({ folder: folder.path, secret, packBytes: 70_000 });
			const found = await foundIn(folder.path, wanted);
			if (secret !== undefined) assert.deepEqual(found, []);
			// Every name, and the content of all that does not compress; else the search would prove nothing.
			else assert.ok(found.length >= BLOCKS + BLOCKS / 2, `${found.length} of ${wanted.size} found`);
		}
	});

	it("is what docs/formats.md says", async () => {
		await using folder = await tempFolder();
		{
			await using vault = await Vault.open({ folder: folder.path, secret: SECRET });
			await fill(vault);
		}
		const found = await readByTheBook(folder);
		for (const { name, data } of blocks) {
			const stored = nameToHex(keyed(found.names, name));
			assertBytes(found.chunks.get(stored) ?? Buffer.alloc(0), data, stored);
		}
		// And the three pages of the disk.
		assert.equal(found.chunks.size, BLOCKS + 3);
	});

	it("is found damaged by a check with any byte flipped, and never gives other bytes", async (context) => {
		const random = testRandom(context);
		const keys = testKeys(1);
		const disk = new MemoryDisk();
		const small = Array.from({ length: 6 }, (_, seed) => sampleChunk(seed, 40 + seed));
		{
			await using vault = await Vault.over(new MemoryPackStore(disk), { keys, packBytes: 66_000 });
			for (const chunk of small) await put(vault, chunk);
			// Enough for the first pack to be sealed.
			await put(vault, sampleChunk(8));
		}
		const whole = disk.packs.get(1)!.bytes;
		assert.deepEqual(checkPack({ id: 1, bytes: whole.length }, whole, chunkForm(keys)).damage, []);
		for (let at = 0; at < whole.length; at++) {
			const flipped = Buffer.from(whole);
			flipped[at]! ^= 1 << (at % 8);
			const { damage } = checkPack({ id: 1, bytes: whole.length }, flipped, chunkForm(keys));
			assert.ok(damage.length > 0, `byte ${at}`);
			if (!random.chance(0.1)) continue;
			disk.packs.set(1, { bytes: flipped, synced: flipped.length });
			const before = new Map([...disk.packs].map(([id, { bytes, synced }]) => [id, { bytes, synced }]));
			{
				await using vault = await Vault.over(new MemoryPackStore(disk), { keys, packBytes: 66_000 });
				for (const { name, data } of small) {
					if (!vault.has(name)) continue;
					const got = await vault.get(name).catch((error: { code: string }) => error.code);
					if (typeof got === "string") assert.equal(got, "corrupt");
					else assertBytes(got, data, `byte ${at}`);
				}
			}
			disk.packs.clear();
			for (const [id, pack] of before) disk.packs.set(id, pack);
		}
	});

	it("gives every chunk to whoever reads one by one, and to whoever reads many at once", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, secret: SECRET });
		const tree = await fill(vault);
		await using reader = new BulkReader(vault);
		const { signal } = new AbortController();
		for (let at = 0; at < BLOCKS; at += 8) {
			const some = blocks.slice(at, at + 8);
			using batch = await reader.read(
				some.map(({ name }) => name),
				signal,
			);
			for (const [index, { data, name }] of some.entries()) {
				assertBytes(batch.chunks[index]!, data, `chunk ${at + index}`);
				assertBytes(await vault.get(name), data, `chunk ${at + index}`);
			}
		}
		const names = await readNames(vault, tree, 1000, BLOCKS);
		assertBytes(names, Buffer.concat(blocks.map(({ name }) => name)), "names");
		assert.ok(vault.has(ZERO_NAME));
		assert.equal((await errorOf(vault.get(sampleChunk(BLOCKS).name))).code, "not-found");
	});

	it("is encrypted with the newest key where space is given back", async () => {
		const disk = new MemoryDisk();
		const options = { packBytes: 70_000, graceMs: 0 };
		{
			await using vault = await Vault.over(new MemoryPackStore(disk), { ...options, keys: testKeys(1) });
			await fill(vault);
		}
		await using vault = await Vault.over(new MemoryPackStore(disk), { ...options, keys: testKeys(1, 1) });
		for (const seed of [50, 52, 54]) await vault.putPlain(sampleChunk(seed).data);
		// A disk of fewer blocks: what the first packs hold is needed in part.
		const names = Buffer.concat(blocks.filter((_, at) => at % 3 === 0).map(({ name }) => name));
		const root = await updateTree(vault, null, 2000, [{ firstBlock: 0, names }]);
		await vault.flush();
		async function* roots() {
			yield { name: "vm@2/vda", root, blocks: 2000 };
		}
		const old = () => [...disk.packs.values()].filter(({ bytes }) => bytes.readUInt32LE(16) === 1).length;
		assert.ok(old() > 0);
		const { rewrittenPacks } = await vault.collect(roots(), { graceMs: 0, rewriteBelow: 1, bytesPerSecond: 1e12 });
		assert.ok(rewrittenPacks > 0);
		assert.equal(old(), 0);
		for (const block of blocks.filter((_, at) => at % 3 === 0))
			assertBytes(await vault.get(block.name), block.data, "kept");
	});
});

/** Written from docs/formats.md alone. */
async function readByTheBook(folder: TempFolder): Promise<{ names: Buffer; chunks: Map<string, Buffer> }> {
	const [line = "{}"] = (await readFile(folder.file("keyring"), "utf8")).split("\n");
	const { version, wrapped, scrypt, check, nonce, keys } = JSON.parse(line);
	const { salt, cost, blockSize, parallelization } = scrypt;
	const options = { cost, blockSize, parallelization, maxmem: 2 ** 28 };
	const derived = scryptSync(SECRET, Buffer.from(salt, "base64"), 48, options);
	assert.equal(derived.subarray(32).toString("base64"), check);
	const bound = JSON.stringify([version, wrapped, salt, cost, blockSize, parallelization, check]);
	const opened = open(derived.subarray(0, 32), Buffer.from(nonce, "base64"), bound, Buffer.from(keys, "base64"));
	const { names, contents } = JSON.parse(opened.toString());
	const chunks = new Map<string, Buffer>();
	for (const file of await readdir(folder.file("packs"))) {
		const pack = await readFile(folder.file(`packs/${file}`));
		assert.deepEqual([pack.readUInt32LE(8), pack.readUInt32LE(16)], [2, contents.at(-1).id]);
		for (let at = 24; pack.toString("latin1", at, at + 4) === "UCHK"; at += 52 + pack.readUInt32LE(at + 12)) {
			const encoding = pack[at + 4]!;
			const stored = pack.subarray(at + 16, at + 48);
			const bytes = pack.subarray(at + 52, at + 52 + pack.readUInt32LE(at + 12));
			const { key } = contents.find(({ id }: { id: number }) => id === bytes.readUInt32LE(0));
			const chunkKey = keyed(Buffer.from(key, "base64"), stored);
			const data = open(chunkKey, bytes.subarray(4, 16), Buffer.from([...stored, encoding]), bytes.subarray(16));
			const plain = encoding === 1 ? zstdDecompressSync(data) : data;
			assert.equal(plain.length, pack.readUInt32LE(at + 8));
			chunks.set(stored.toString("hex"), plain);
		}
	}
	return { names: Buffer.from(names, "base64"), chunks };
}

function open(key: Buffer, nonce: Buffer, bound: string | Buffer, bytes: Buffer): Buffer {
	const decipher = createDecipheriv("aes-256-gcm", key, nonce);
	decipher.setAAD(Buffer.from(bound));
	decipher.setAuthTag(bytes.subarray(-16));
	return Buffer.concat([decipher.update(bytes.subarray(0, -16)), decipher.final()]);
}

function keyed(key: Buffer, bytes: Uint8Array): Buffer {
	return Blake3Hasher.newKeyed(key).update(Buffer.from(bytes)).digestBuffer();
}
