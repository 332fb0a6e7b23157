import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BLOCK_SIZE } from "../../common/block.ts";
import { isUmbraError } from "../../common/errors.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { thrownBy } from "../vault/testing.ts";
import { type BlockFrame, FrameReader, writeFrames } from "./block-frames.ts";

const BLOCKS = 500;

function sample(random: Random): BlockFrame[] {
	const frames: BlockFrame[] = [];
	for (let block = random.below(10); block < BLOCKS; block += 1 + random.below(40)) {
		const length = random.chance(0.3) ? BLOCK_SIZE : 1 + random.below(2000);
		const encoding = random.chance(0.5) ? "raw" : "zstd";
		frames.push({ block, encoding, name: random.bytes(32), data: random.bytes(length) });
	}
	return frames;
}

/** What is read of pieces; copies, as each frame is good until the next only. */
function read(reader: FrameReader, pieces: Iterable<Uint8Array>): BlockFrame[] {
	const found: BlockFrame[] = [];
	for (const piece of pieces) {
		for (const { block, encoding, name, data } of reader.push(piece))
			found.push({ block, encoding, name: Buffer.from(name), data: Buffer.from(data) });
	}
	reader.end();
	return found;
}

function* cut(random: Random, bytes: Buffer): Generator<Buffer> {
	for (let at = 0; at < bytes.length; ) {
		const end = at + 1 + random.below(random.chance(0.5) ? 60 : 100_000);
		yield bytes.subarray(at, end);
		at = end;
	}
}

describe("FrameReader", () => {
	it("reads what writeFrames wrote, however it is cut", (context) => {
		const random = testRandom(context);
		for (let round = 0; round < 30; round++) {
			const frames = sample(random).map((frame) => ({ ...frame, name: Buffer.from(frame.name) }));
			const wanted = frames.map((frame) => ({ ...frame, data: Buffer.from(frame.data) }));
			assert.deepEqual(read(new FrameReader(BLOCKS), cut(random, writeFrames(frames))), wanted);
		}
	});

	const good = { block: 3, encoding: "raw", name: new Uint8Array(32), data: new Uint8Array(10) } as const;
	for (const [what, offset, value, field] of [
		["a block before the one before it", 0, 2, "number"],
		["a block twice", 0, 3, "number"],
		["a block that was not asked for", 0, BLOCKS, "number"],
		["an encoding that there is not", 4, 2, "encoding"],
		["no bytes", 8, 0, "length"],
		["more bytes than a block has", 8, BLOCK_SIZE + 1, "length"],
	] as const) {
		it(`refuses ${what}`, (context) => {
			const bytes = Buffer.concat([writeFrames([good]), writeFrames([{ ...good, block: 4 }])]);
			bytes.writeUInt32LE(value, bytes.length / 2 + offset);
			for (const pieces of [[bytes], cut(testRandom(context), bytes)]) {
				const error = thrownBy(() => read(new FrameReader(BLOCKS), pieces));
				assert.deepEqual([error.code, error.context.field, error.context.found], ["corrupt", field, value]);
			}
		});
	}

	it("knows when it was cut off", () => {
		const bytes = writeFrames([good, { ...good, block: 4 }]);
		for (let length = 0; length <= bytes.length; length++) {
			if (length % (bytes.length / 2) === 0)
				assert.equal(read(new FrameReader(BLOCKS), [bytes.subarray(0, length)]).length, length / (bytes.length / 2));
			else
				assert.ok(
					isUmbraError(
						thrownBy(() => read(new FrameReader(BLOCKS), [bytes.subarray(0, length)])),
						"truncated",
					),
				);
		}
	});
});
