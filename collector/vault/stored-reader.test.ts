import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { assertBytes } from "../../disk/source/testing.ts";
import { testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { openChunk, PLAIN_FORM } from "./chunk-form.ts";
import type { StoredChunk } from "./chunk-store.ts";
import { FILE_HEADER_SIZE, RECORD_HEADER_SIZE } from "./pack-format.ts";
import type { PackStore } from "./pack-store.ts";
import { errorOf, flipBit, put, sampleChunk } from "./testing.ts";
import { Vault } from "./vault.ts";

/** Chunks raw and compressed, whole and short, in packs of about four. */
async function filled(vault: Vault, count = 40): Promise<StoredChunk[]> {
	const chunks = Array.from({ length: count }, (_, at) => sampleChunk(at, at % 7 === 3 ? 1000 + at : BLOCK_SIZE));
	for (const { data } of chunks) await vault.putPlain(data);
	return chunks;
}

const namesOf = (chunks: readonly StoredChunk[]) => chunks.map(({ name }) => name);

function assertSame(found: readonly StoredChunk[], wanted: readonly StoredChunk[]): void {
	assert.equal(found.length, wanted.length);
	for (const [at, { name, data }] of wanted.entries()) {
		const { encoding, data: stored } = found[at]!;
		assertBytes(found[at]!.name, name, `name ${at}`);
		assertBytes(openChunk(PLAIN_FORM, name, encoding, stored), data, `chunk ${at}`);
	}
}

describe("Vault.getStored", () => {
	for (const [what, secret] of [
		["in the clear", undefined],
		["encrypted", "a key that only the operator has"],
	] as const) {
		it(`gives what get does, of whatever chunks in whatever order, also what is not written yet: ${what}`, async (context) => {
			const random = testRandom(context);
			await using folder = await tempFolder();
			await using vault = await Vault.open({ folder: folder.path, packBytes: 400_000, secret });
			const chunks = await filled(vault);
			for (let round = 0; round < 40; round++) {
				if (round === 10) await vault.flush();
				const first = random.below(chunks.length);
				const wanted = Array.from({ length: random.below(40) }, (_, at) =>
					random.chance(0.8) ? chunks[(first + at) % chunks.length]! : random.pick(chunks),
				);
				assertSame(await vault.getStored(namesOf(wanted)), wanted);
			}
			const encodings = (await vault.getStored(namesOf(chunks))).map(({ encoding }) => encoding);
			assert.deepEqual(new Set(encodings), new Set(["raw", "zstd"]), "they come as they are stored");
		});
	}

	it("reads neighbours at once", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path });
		const chunks = await filled(vault, 10);
		await vault.flush();
		let reads = 0;
		const { packs } = vault;
		const read: PackStore["read"] = async (...place) => {
			reads++;
			return await Object.getPrototypeOf(packs).read.apply(packs, place);
		};
		Object.assign(packs, { read });
		assertSame(await vault.getStored(namesOf(chunks)), chunks);
		assert.equal(reads, 1);
	});

	it("does not look at what it gives; says what it cannot give, as get does", async () => {
		await using folder = await tempFolder();
		await using vault = await Vault.open({ folder: folder.path, packBytes: 70_000, cacheBytes: 0 });
		const chunks = [0, 2, 4].map((seed) => sampleChunk(seed, 20_000));
		for (const chunk of chunks) assert.equal(await put(vault, chunk), undefined);
		await vault.flush();
		const pack = (await readdir(folder.file("packs")))[0]!;
		await flipBit(folder.file(`packs/${pack}`), FILE_HEADER_SIZE + RECORD_HEADER_SIZE + 77);
		const [damaged] = await vault.getStored(namesOf(chunks));
		assert.throws(() => openChunk(PLAIN_FORM, damaged!.name, damaged!.encoding, damaged!.data));
		assert.equal((await errorOf(vault.getStored([chunks[1]!.name, Buffer.alloc(32, 1)]))).code, "not-found");
		await assert.rejects(vault.getStored(namesOf(chunks), AbortSignal.abort(new RangeError("mine"))), RangeError);
	});

	it("says that an encrypted chunk is damaged", async () => {
		await using folder = await tempFolder();
		const damage: number[] = [];
		await using vault = await Vault.open({
			folder: folder.path,
			secret: "a key that only the operator has",
			cacheBytes: 0,
			onDamage: (pack) => damage.push(pack),
		});
		const chunk = sampleChunk(2, 20_000);
		await put(vault, chunk);
		await vault.flush();
		await flipBit(folder.file("packs/00000001.pack"), FILE_HEADER_SIZE + RECORD_HEADER_SIZE + 77);
		assert.equal((await errorOf(vault.getStored([chunk.name]))).code, "corrupt");
		assert.deepEqual(damage, [1]);
	});
});
