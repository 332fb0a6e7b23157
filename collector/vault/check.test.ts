import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { describe, it } from "node:test";
import { nameToHex } from "../../common/block.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { checkPack, checkVault } from "./check.ts";
import { PLAIN_FORM } from "./chunk-form.ts";
import { FILE_HEADER_SIZE, RECORD_HEADER_SIZE } from "./pack-format.ts";
import { flipBit, put, sampleChunk } from "./testing.ts";
import { Vault } from "./vault.ts";

const LENGTH = 20_000;
const chunks = Array.from({ length: 14 }, (_, index) => sampleChunk(index * 2, LENGTH));
/** Nine records to the first pack, which is sealed, the others in the second. */
const PACK_BYTES = FILE_HEADER_SIZE + 9 * (RECORD_HEADER_SIZE + LENGTH) + 100;

async function fill(path: string): Promise<void> {
	await using vault = await Vault.open({ folder: path, packBytes: PACK_BYTES });
	for (const chunk of chunks) await put(vault, chunk);
}

describe("checkVault", () => {
	it("finds nothing wrong with a good vault, also while it is written to", async () => {
		await using folder = await tempFolder();
		await fill(folder.path);
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const checks = await Array.fromAsync(checkVault(vault.packs, PLAIN_FORM));
		assert.deepEqual(
			checks.map(({ pack, chunks, sealed, damage }) => ({ pack, chunks, sealed, damage })),
			[
				{ pack: 1, chunks: 9, sealed: true, damage: [] },
				{ pack: 2, chunks: 5, sealed: false, damage: [] },
			],
		);
	});

	it("names the chunk whose data rotted", async () => {
		await using folder = await tempFolder();
		await fill(folder.path);
		const offset = FILE_HEADER_SIZE + 3 * (RECORD_HEADER_SIZE + LENGTH);
		await flipBit(folder.file("packs/00000001.pack"), offset + 1000);
		await using vault = await Vault.open({ folder: folder.path, packBytes: PACK_BYTES });
		const [first, second] = await Array.fromAsync(checkVault(vault.packs, PLAIN_FORM));
		assert.equal(first?.chunks, 8);
		const [damage] = first?.damage ?? [];
		assert.deepEqual(
			[first?.damage.length, damage?.structure, damage?.offset, damage?.name],
			[1, "chunk record", offset, nameToHex(chunks[3]!.name)],
		);
		assert.deepEqual(second?.damage, []);
	});
});

describe("checkPack", () => {
	it("notices a flipped bit anywhere in a sealed pack", async () => {
		await using folder = await tempFolder();
		await fill(folder.path);
		const path = folder.file("packs/00000001.pack");
		const pack = await readFile(path);
		const info = { id: 1, bytes: (await stat(path)).size };
		assert.deepEqual(checkPack(info, pack, PLAIN_FORM).damage, []);
		const ends = [0, FILE_HEADER_SIZE, FILE_HEADER_SIZE + RECORD_HEADER_SIZE, pack.length - 9 * 40 - 8 - 28];
		const offsets = ends.flatMap((end) => [end, end + 5, end + 17, end + 40]);
		for (let at = 1; at <= 28; at++) offsets.push(pack.length - at);
		for (const offset of offsets) {
			const flipped = Buffer.from(pack);
			flipped[offset]! ^= 4;
			assert.ok(checkPack(info, flipped, PLAIN_FORM).damage.length > 0, `byte ${offset}`);
		}
		assert.match(checkPack({ ...info, id: 2 }, pack, PLAIN_FORM).damage[0]?.message ?? "", /pack id is 1/);
	});

	it("takes the torn tail of an unsealed pack for no damage", async () => {
		await using folder = await tempFolder();
		await fill(folder.path);
		const pack = await readFile(folder.file("packs/00000002.pack"));
		for (const cut of [0, 1, 100, LENGTH, LENGTH + 100]) {
			const torn = pack.subarray(0, pack.length - cut);
			assert.deepEqual(checkPack({ id: 2, bytes: torn.length }, torn, PLAIN_FORM).damage, [], `${cut} bytes`);
		}
	});
});
