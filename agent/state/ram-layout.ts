/**
 * How RAM is laid out to be kept: its blocks one behind the other, each at the next 64 KiB block, so that it is stored
 * as a disk is and an aligned run of guest-physical pages is one chunk, whatever machine it came from.
 */
import { BLOCK_SIZE, blockCount } from "../../common/block.ts";
import type { RamBlock } from "./migration-stream.ts";

export interface PlacedBlock extends RamBlock {
	/** Of its first byte, a multiple of 64 KiB. */
	readonly offset: number;
}

export interface RamLayout {
	readonly blocks: readonly PlacedBlock[];
	/** Bytes, gaps included: a multiple of 64 KiB. */
	readonly size: number;
}

export function layOut(blocks: readonly RamBlock[]): RamLayout {
	let size = 0;
	const placed = blocks.map((block) => {
		const offset = size;
		size += blockCount(block.size) * BLOCK_SIZE;
		return { name: block.name, size: block.size, offset };
	});
	return { blocks: placed, size };
}
