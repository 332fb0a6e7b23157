import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { BLOCK_SIZE, blake3Name } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import { testRandom } from "../../test/support/random.ts";
import { chunkForm, openChunk, PLAIN_FORM } from "./chunk-form.ts";
import type { StoredChunk } from "./chunk-store.ts";
import { ChunkVerifier } from "./chunk-verifier.ts";
import { errorOf, sampleChunk, testKeys } from "./testing.ts";

describe("ChunkVerifier", () => {
	for (const keys of [undefined, testKeys(1)]) {
		const what = keys === undefined ? "" : ", of an encrypted vault";
		it(`says of every chunk of many batches at once what decoding it in place says${what}`, async (context) => {
			const form = chunkForm(keys);
			const random = testRandom(context);
			await using verifier = new ChunkVerifier(keys);
			const chunkOf = (): StoredChunk => {
				const chunk = sampleChunk(random.below(1000), 1 + random.below(BLOCK_SIZE));
				const other = sampleChunk(random.below(1000), 100);
				switch (random.below(5)) {
					case 0:
						return { ...chunk, name: other.name };
					case 1:
						return { ...chunk, encoding: "zstd" };
					case 2:
						return { ...chunk, encoding: "zstd", data: zstdCompressSync(chunk.data) };
					case 3:
						return { name: blake3Name(Buffer.alloc(9)), encoding: "raw", data: Buffer.alloc(9) };
					default:
						return chunk;
				}
			};
			const batches = Array.from({ length: 30 }, () => Array.from({ length: random.below(20) }, chunkOf));
			await Promise.all(
				batches.map(async (batch) => {
					const verified = await verifier.verify(batch);
					assert.equal(verified.length, batch.length);
					for (const [at, { name, encoding, data }] of batch.entries()) {
						const verdict = verified[at]!;
						if (verdict instanceof UmbraError) {
							assert.equal(verdict.code, "corrupt");
							assert.throws(() => openChunk(PLAIN_FORM, name, encoding, data), { message: verdict.message });
							continue;
						}
						const plain = openChunk(PLAIN_FORM, name, encoding, data);
						assert.equal(verdict.plainLength, plain.length);
						const { length } = form.decrypt(form.storedName(name), verdict.encoding, verdict.data);
						assert.ok(length <= data.length);
						const found = openChunk(form, form.storedName(name), verdict.encoding, verdict.data);
						assert.equal(Buffer.compare(found, plain), 0);
					}
				}),
			);
		});
	}

	it("rejects what waits when it is closed, and what comes after", async () => {
		const verifier = new ChunkVerifier();
		const waiting = errorOf(verifier.verify([sampleChunk(1)]));
		await verifier[Symbol.asyncDispose]();
		assert.equal((await waiting).code, "internal");
		assert.equal((await errorOf(verifier.verify([sampleChunk(1)]))).code, "internal");
	});
});
