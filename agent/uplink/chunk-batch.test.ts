import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blake3Name } from "../../common/block.ts";
import { toLong, v1 } from "../../proto/service.ts";
import { encodeChunkBatch } from "./chunk-batch.ts";

describe("encodeChunkBatch", () => {
	for (const batch of [1, 127, 128, 300, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER]) {
		it(`writes what the generated decoder reads, with batch ${batch}`, () => {
			const chunks = [1, 127, 128, 16_383, 16_384, 65_536].map((length, position) => {
				const data = Buffer.alloc(length, position + 1);
				return { position, name: blake3Name(data), encoding: position % 2 ? "raw" : "zstd", data } as const;
			});
			const message = v1.ChunkBatch.decode(encodeChunkBatch(batch, chunks));
			assert.equal(String(message.batch), String(toLong(batch)));
			assert.deepEqual(
				message.chunks.map(({ name, encoding, data }) => ({
					name: Buffer.from(name as Uint8Array),
					encoding,
					data: Buffer.from(data as Uint8Array),
				})),
				chunks.map(({ name, encoding, data }) => ({
					name: Buffer.from(name),
					encoding: encoding === "raw" ? 0 : 1,
					data,
				})),
			);
			assert.equal(message.$unknowns, undefined);
		});
	}

	it("writes into the buffer it is given where the message fits, and beside it where not", () => {
		const data = Buffer.alloc(100, 7);
		const chunks = [{ position: 0, name: blake3Name(data), encoding: "raw", data } as const];
		const alone = encodeChunkBatch(9, chunks);
		const large = Buffer.alloc(1000, 0xee);
		const inside = encodeChunkBatch(9, chunks, large);
		assert.deepEqual(inside, alone);
		assert.equal(inside.buffer, large.buffer);
		const small = Buffer.alloc(alone.length - 1, 0xee);
		assert.deepEqual(encodeChunkBatch(9, chunks, small), alone);
		assert.ok(small.every((byte) => byte === 0xee));
	});
});
