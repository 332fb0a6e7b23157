import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { BlockSource } from "../source/source.ts";
import { type BlockRun, SPARSE_GAP_BYTES, Volume } from "./volume.ts";

const BLOCK = 4096;
const MIB = 1 << 20;
const GAP = 32 * 1024;
const BLOCKS = 8192;

type Read = readonly [offset: number, length: number];

/** Every block begins with its number. `atHand` says which reads need not be waited for. */
function counted(atHand: (read: number) => boolean = () => false) {
	const reads: Read[] = [];
	const fill = (target: Uint8Array, offset: number): void => {
		reads.push([offset, target.length]);
		const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
		for (let at = 0; at < target.length; at += BLOCK) view.setUint32(at, (offset + at) / BLOCK);
	};
	const source: BlockSource = {
		name: "counted",
		size: BLOCKS * BLOCK,
		read: async (offset, length) => {
			const bytes = new Uint8Array(length);
			fill(bytes, offset);
			return bytes;
		},
		readInto: async (target, offset) => {
			await Promise.resolve();
			fill(target, offset);
		},
		readNow: (target, offset) => {
			if (!atHand(reads.length)) return false;
			fill(target, offset);
			return true;
		},
		extents: async (offset, length) => [{ offset, length, zero: false }],
		[Symbol.asyncDispose]: async () => {},
	};
	return { reads, volume: new Volume(source, BLOCK, BLOCKS) };
}

/** The blocks that were handed over, in the order in which they were. */
async function read(volume: Volume, runs: readonly BlockRun<number>[], gapBytes?: number): Promise<number[]> {
	const came: number[] = [];
	const each = (start: number, first: number, count: number, bytes: Buffer, at: number): void => {
		for (let i = 0; i < count; i++) {
			assert.equal(bytes.readUInt32BE(at + i * BLOCK), start + first + i);
			came.push(start + first + i);
		}
	};
	await volume.readRuns(runs, each, undefined, gapBytes);
	return came;
}

const run = (start: number, count: number): BlockRun<number> => ({ start, count, tag: start });

describe("Volume.readRuns", () => {
	it("reads runs that follow each other, or nearly, at once, whatever their order", async () => {
		const { reads, volume } = counted();
		const far = GAP / BLOCK;
		assert.deepEqual(await read(volume, [run(30 + far, 2), run(10, 10), run(20, 10)]), [
			...Array.from({ length: 20 }, (_, i) => 10 + i),
			30 + far,
			31 + far,
		]);
		assert.deepEqual(reads, [[10 * BLOCK, (22 + far) * BLOCK]]);
	});

	it("reads nothing of a gap that is larger than it may be", async () => {
		for (const [gap, gapBytes] of [[GAP, undefined] as const, [SPARSE_GAP_BYTES, SPARSE_GAP_BYTES] as const]) {
			const { reads, volume } = counted();
			const next = 20 + gap / BLOCK + 1;
			await read(volume, [run(10, 10), run(next, 1)], gapBytes);
			assert.deepEqual(reads, [
				[10 * BLOCK, 10 * BLOCK],
				[next * BLOCK, BLOCK],
			]);
		}
	});

	it("never reads more than a mebibyte at once, nor more of gaps than of each one a gap", async () => {
		const { reads, volume } = counted();
		const runs = Array.from({ length: 400 }, (_, i) => run(1 + i * 9, 1));
		const came = await read(volume, [...runs, run(4000, 700)]);
		assert.deepEqual(
			came,
			[...runs, ...Array.from({ length: 700 }, (_, i) => run(4000 + i, 1))].map(({ start }) => start),
		);
		assert.ok(reads.every(([, length]) => length <= MIB));
		assert.ok(reads.length <= 20, `${reads.length} reads`);
		const bytes = reads.reduce((sum, [, length]) => sum + length, 0);
		assert.ok(bytes <= 1100 * BLOCK + 399 * GAP, `${bytes} bytes`);
	});

	it("hands over in disk order where some reads are at hand and others are not", async () => {
		const runs = Array.from({ length: 60 }, (_, i) => run(1 + i * 100, 1));
		for (const every of [1, 2, 3, 7]) {
			const { reads, volume } = counted((number) => number % every === 0);
			assert.deepEqual(
				await read(volume, runs),
				runs.map(({ start }) => start),
			);
			assert.equal(reads.length, runs.length);
		}
	});

	it("reads nothing more once it is aborted", async () => {
		const { reads, volume } = counted(() => true);
		const aborted = AbortSignal.abort();
		await assert.rejects(
			volume.readRuns([run(1, 1)], () => undefined, aborted),
			{ name: "AbortError" },
		);
		assert.equal(reads.length, 0);
	});

	it("throws what a reader throws, and reads on with the same memory afterwards", async () => {
		const { volume } = counted(() => true);
		const places = new Set<ArrayBufferLike>();
		for (let i = 0; i < 40; i++) {
			const fails = (_tag: number, _first: number, _count: number, bytes: Buffer): void => {
				places.add(bytes.buffer);
				throw new RangeError("no");
			};
			await assert.rejects(volume.readRuns([run(1, 1)], fails), RangeError);
		}
		assert.equal(places.size, 1);
	});
});
