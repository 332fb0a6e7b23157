/** Where the inodes in use stand. */
import type { BlockRun } from "../parser/volume.ts";
import { blockInGroup, inodeNumber } from "./geometry.ts";
import type { Superblock } from "./superblock.ts";
import { CHUNK_INODES, type InodeChunk, isHole } from "./trees.ts";

/** Inodes of a chunk that stand one behind another. */
export interface InodeRun {
	readonly chunk: InodeChunk;
	readonly from: number;
	readonly to: number;
}

/** The blocks of a chunk, but for its holes. */
export function chunkRuns(superblock: Superblock, chunk: InodeChunk): BlockRun<InodeRun>[] {
	const { inodesPerBlock } = superblock;
	const runs: BlockRun<InodeRun>[] = [];
	for (let from = 0; from < CHUNK_INODES; from++) {
		if (isHole(chunk, from)) continue;
		let to = from + 1;
		while (to < CHUNK_INODES && !isHole(chunk, to)) to++;
		const first = Math.floor((chunk.agino + from) / inodesPerBlock);
		const count = Math.ceil((chunk.agino + to) / inodesPerBlock) - first;
		const start = blockInGroup(superblock, chunk.group, first, count);
		if (start !== undefined) runs.push({ start, count, tag: { chunk, from, to } });
		from = to;
	}
	return runs;
}

/**
 * The inodes in use of a piece of such a run, as `RunReader` has it: where each begins in the bytes, and its number in
 * the volume.
 */
export function forInodes(
	superblock: Superblock,
	{ chunk, from, to }: InodeRun,
	first: number,
	count: number,
	at: number,
	each: (at: number, inode: number) => void,
): void {
	const { inodeSize, inodesPerBlock } = superblock;
	const { agino, freeLow, freeHigh } = chunk;
	// The inode, counted from the chunk's first, that begins the piece; a block may begin before the chunk.
	const begin = Math.floor((agino + from) / inodesPerBlock + first) * inodesPerBlock - agino;
	const end = Math.min(to, begin + count * inodesPerBlock);
	const number = inodeNumber(superblock, chunk.group, agino);
	for (let i = Math.max(from, begin); i < end; i++) {
		if (((i < 32 ? freeLow >>> i : freeHigh >>> (i - 32)) & 1) !== 0) continue;
		each(at + (i - begin) * inodeSize, number + i);
	}
}
