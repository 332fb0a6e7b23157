import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { testRandom } from "../test/support/random.ts";
import { FrameDecoder, FrameEncoder } from "./zstd.ts";

/** Where its output fills a chunk to the last byte, Node puts an empty frame behind it: with a chunk for all of it, never. */
const WHOLE = { chunkSize: 80_000 };
const LEVEL_1 = { ...WHOLE, params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const WINDOW_LOG = 23;

describe("FrameEncoder", () => {
	it("makes the very frames that zstdCompressSync does, one after the other", (context) => {
		const random = testRandom(context);
		const encoder = new FrameEncoder(1, 65_536);
		for (let round = 0; round < 200; round++) {
			// Now and then more than it has memory for, or what does not shrink.
			const length = random.below(70_000);
			const plain = round % 10 === 0 ? random.bytes(length) : textOf(random.below(1000), length);
			assert.deepEqual(Buffer.from(encoder.encode(plain, 80_000) ?? []), zstdCompressSync(plain, LEVEL_1));
		}
	});

	it("keeps no frame that is too large, and goes on", () => {
		const encoder = new FrameEncoder(1, 65_536);
		const plain = textOf(1, 50_000);
		const { length } = zstdCompressSync(plain, LEVEL_1);
		assert.equal(encoder.encode(plain, length - 1), undefined);
		const [first, second] = [encoder.encode(plain, length), encoder.encode(textOf(2, 100), 200)];
		assert.deepEqual(Buffer.from(first ?? []), zstdCompressSync(plain, LEVEL_1), "it is nobody else's memory");
		assert.deepEqual(Buffer.from(second ?? []), zstdCompressSync(textOf(2, 100), LEVEL_1));
	});
});

describe("FrameDecoder", () => {
	it("gives back what was compressed, over shared memory too", (context) => {
		const random = testRandom(context);
		const decoder = new FrameDecoder(WINDOW_LOG);
		const shared = new Uint8Array(new SharedArrayBuffer(80_000));
		for (let round = 0; round < 200; round++) {
			const plain = textOf(random.below(1000), random.below(70_000));
			const target = round % 2 === 0 ? Buffer.alloc(80_000) : shared;
			const length = decoder.decode(zstdCompressSync(plain, WHOLE), target);
			assert.equal(length, plain.length);
			assert.equal(Buffer.compare(target.subarray(0, length), plain), 0);
		}
	});

	it("refuses what zstdDecompressSync refuses, and what is too large, without a trace in the next frame", (context) => {
		const random = testRandom(context);
		const decoder = new FrameDecoder(WINDOW_LOG);
		const target = Buffer.alloc(65_537);
		const plain = textOf(7, 65_536);
		const frame = zstdCompressSync(plain, LEVEL_1);
		const large = zstdCompressSync(Buffer.alloc(20_000_000), {
			params: { [constants.ZSTD_c_windowLog]: 24, [constants.ZSTD_c_compressionLevel]: 1 },
		});
		const bad: readonly Uint8Array[] = [
			Buffer.alloc(0),
			Buffer.from("no frame at all"),
			frame.subarray(0, frame.length - 1),
			frame.subarray(0, random.below(frame.length)),
			Buffer.concat([frame, Buffer.from("more")]),
			zstdCompressSync(Buffer.alloc(65_537)),
			zstdCompressSync(Buffer.alloc(1_000_000)),
			large,
		];
		for (const [at, input] of bad.entries()) {
			assert.equal(decoder.decode(input, target), undefined, `input ${at}`);
			assert.equal(decoder.decode(frame, target), plain.length, `after input ${at}`);
			assert.equal(target.compare(plain, 0, plain.length, 0, plain.length), 0, `after input ${at}`);
		}
	});

	it("never tells other bytes of a damaged frame than zstdDecompressSync does", (context) => {
		const random = testRandom(context);
		const decoder = new FrameDecoder(WINDOW_LOG);
		const target = Buffer.alloc(65_537);
		for (let round = 0; round < 200; round++) {
			const frame = Buffer.from(zstdCompressSync(textOf(random.below(1000), 1 + random.below(65_536))));
			for (let change = 0; change <= random.below(3); change++) frame[random.below(frame.length)] = random.below(256);
			const length = decoder.decode(frame, target);
			if (length === undefined) continue;
			assert.deepEqual(target.subarray(0, length), zstdDecompressSync(frame));
		}
	});
});

/** Words of few letters, which compress to a third or so. */
function textOf(seed: number, length: number): Buffer {
	const bytes = Buffer.allocUnsafe(length);
	let state = seed + 1;
	for (let at = 0; at < length; at++) {
		state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
		bytes[at] = 97 + ((state >>> 16) % 7);
	}
	return bytes;
}
