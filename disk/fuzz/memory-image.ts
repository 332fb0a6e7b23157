/** An image in memory without its zeroes, for those who read it thousands of times. */
import { open } from "node:fs/promises";
import { isZero } from "../../common/block.ts";
import type { BlockSource } from "../source/source.ts";

const BLOCK = 65536;

export async function loadImage(path: string): Promise<BlockSource> {
	await using file = await open(path);
	const { size } = await file.stat();
	const blocks = new Map<number, Buffer>();
	for (let at = 0; at < size; at += BLOCK) {
		const block = Buffer.alloc(Math.min(BLOCK, size - at));
		await file.read(block, 0, block.length, at);
		if (!isZero(block)) blocks.set(at / BLOCK, block);
	}
	return {
		name: path,
		size,
		read: async (offset, length) => {
			const bytes = new Uint8Array(length);
			for (let at = offset; at < offset + length; ) {
				const inBlock = at % BLOCK;
				const count = Math.min(BLOCK - inBlock, offset + length - at);
				const block = blocks.get((at - inBlock) / BLOCK);
				if (block !== undefined) bytes.set(block.subarray(inBlock, inBlock + count), at - offset);
				at += count;
			}
			return bytes;
		},
		extents: async (offset, length) => [{ offset, length, zero: false }],
		[Symbol.asyncDispose]: async () => {},
	};
}
