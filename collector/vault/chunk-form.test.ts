import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { BLOCK_SIZE, blake3Name, nameToHex } from "../../common/block.ts";
import { findProgram } from "../../packaging/guest/programs.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { encodeChunk } from "./chunk-codec.ts";
import { chunkForm, openChunk, PLAIN_FORM } from "./chunk-form.ts";
import type { ChunkEncoding } from "./chunk-store.ts";
import { sampleChunk, testKeys, thrownBy } from "./testing.ts";

const KEYS = testKeys(1);
const form = chunkForm(KEYS);

function encrypted(seed: number, length?: number, of = form) {
	const { name, data: plain } = sampleChunk(seed, length);
	const { encoding, data } = encodeChunk(plain);
	const stored = of.storedName(name);
	return { plain, encoding, data, stored, bytes: of.encrypt(stored, encoding, data) };
}

describe("an encrypted chunk", () => {
	it("opens to what it was, whatever its size and encoding", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 200; round++) {
			const length = random.pick([1, 2, 31, 32, 33, BLOCK_SIZE - 1, BLOCK_SIZE, 1 + random.below(BLOCK_SIZE)]);
			// Odd seeds give text: a few random bytes may be zeroes, which are no chunk.
			const seed = random.below(2 ** 30) * 2 + (length < 16 ? 1 : random.below(2));
			const { plain, encoding, data, stored, bytes } = encrypted(seed, length);
			assert.equal(bytes.length, data.length + 32);
			assert.equal(Buffer.compare(openChunk(form, stored, encoding, bytes), plain), 0);
		}
	});

	it("shows nothing of the chunk, not even that it is the same chunk again", () => {
		const one = encrypted(2);
		const again = encrypted(2);
		assert.equal(Buffer.from(one.bytes).indexOf(one.plain.subarray(0, 8)), -1);
		assert.notDeepEqual(one.bytes.subarray(4), again.bytes.subarray(4));
		assert.deepEqual(one.stored, again.stored);
	});

	it("is refused with any bit flipped, cut short, and as another chunk or in another encoding", () => {
		const { stored, encoding, bytes } = encrypted(3, 100);
		const refused = (name: Uint8Array, as: ChunkEncoding, what: Uint8Array, message: string) =>
			assert.equal(thrownBy(() => openChunk(form, name, as, what)).code, "corrupt", message);
		for (let bit = 0; bit < bytes.length * 8; bit++) {
			const flipped = Buffer.from(bytes);
			flipped[bit >> 3]! ^= 1 << (bit & 7);
			refused(stored, encoding, flipped, `bit ${bit}`);
		}
		for (let length = 0; length < bytes.length; length++)
			refused(stored, encoding, bytes.subarray(0, length), `${length}`);
		refused(stored, encoding === "raw" ? "zstd" : "raw", bytes, "the other encoding");
		refused(encrypted(5, 100).stored, encoding, bytes, "another chunk");
		const plain = sampleChunk(4, 100);
		refused(form.storedName(plain.name), "raw", plain.data, "not encrypted");
	});

	it("is refused by other keys, whichever of them differs", () => {
		const { stored, encoding, bytes } = encrypted(3);
		const others = [testKeys(2), { ...KEYS, names: testKeys(2).names }, { ...KEYS, contents: testKeys(2).contents }];
		for (const keys of others) {
			assert.equal(thrownBy(() => openChunk(chunkForm(keys), stored, encoding, bytes)).code, "corrupt");
		}
	});

	it("opens with older keys of its vault, and is renewed to the newest", () => {
		const { stored, encoding, bytes, plain } = encrypted(3);
		const rotated = chunkForm(testKeys(1, 2));
		assert.equal(Buffer.compare(openChunk(rotated, stored, encoding, bytes), plain), 0);
		const renewed = rotated.renew(stored, encoding, bytes);
		assert.equal(Buffer.compare(openChunk(rotated, stored, encoding, renewed), plain), 0);
		assert.deepEqual([Buffer.from(bytes).readUInt32LE(0), Buffer.from(renewed).readUInt32LE(0)], [1, 3]);
		assert.equal(thrownBy(() => openChunk(form, stored, encoding, renewed)).code, "corrupt");
		assert.equal(rotated.renew(stored, encoding, renewed), renewed);
	});

	it("is called by the keyed hash that b3sum makes of its name", needs("b3sum"), async () => {
		await using folder = await tempFolder();
		const { name } = sampleChunk(7);
		await writeFile(folder.file("name"), name);
		const said = execFileSync(findProgram("b3sum")!, ["--keyed", folder.file("name")], {
			input: KEYS.names,
			encoding: "utf8",
		});
		assert.equal(nameToHex(form.storedName(name)), said.slice(0, 64));
	});
});

describe("a plain chunk", () => {
	it("is called by its name and stored as it is", () => {
		const { name, data } = sampleChunk(2);
		assert.equal(PLAIN_FORM.storedName(name), name);
		assert.equal(PLAIN_FORM.encrypt(name, "raw", data), data);
		assert.equal(openChunk(PLAIN_FORM, blake3Name(data), "raw", data), data);
	});
});
