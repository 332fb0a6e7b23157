/** Where the inodes in use stand. */
import type { BlockRun } from "../parser/volume.ts";
import { blockInGroup, inodeNumber, type Xfs } from "./geometry.ts";
import { inodesHold } from "./inode.ts";
import type { Superblock } from "./superblock.ts";
import { CHUNK_INODES, endOfRun, HOLE_INODES, type InodeChunk } from "./trees.ts";

/** Inodes that one word of a chunk's masks tells of, and that are checked at once. */
const HALF = 32;

/** Inodes of a chunk that stand one behind another. */
export interface InodeRun {
	readonly chunk: InodeChunk;
	readonly from: number;
	readonly to: number;
}

/** The blocks of these chunks, but for their holes. */
export function chunkRuns(superblock: Superblock, chunks: readonly InodeChunk[]): BlockRun<InodeRun>[] {
	const runs: BlockRun<InodeRun>[] = [];
	for (const chunk of chunks) addRuns(superblock, chunk, runs);
	return runs;
}

function addRuns(superblock: Superblock, chunk: InodeChunk, runs: BlockRun<InodeRun>[]): void {
	const { inodesPerBlock } = superblock;
	for (let from = 0; from < CHUNK_INODES; from += HOLE_INODES) {
		const to = endOfRun(chunk, from);
		if (to === from) continue;
		const first = Math.floor((chunk.agino + from) / inodesPerBlock);
		const count = Math.ceil((chunk.agino + to) / inodesPerBlock) - first;
		const start = blockInGroup(superblock, chunk.group, first, count);
		if (start !== undefined) runs.push({ start, count, tag: { chunk, from, to } });
		from = to;
	}
}

/** An inode in use: where it begins in the bytes, its number in the volume, and whether its checksum is known to be right. */
export type EachInode = (at: number, inode: number, sound: boolean) => void;

/** Hands over the inodes in use of a piece of such a run, as `RunReader` has it. */
export function forInodes(
	xfs: Xfs,
	{ chunk, from, to }: InodeRun,
	first: number,
	count: number,
	view: DataView,
	at: number,
	each: EachInode,
): void {
	const { inodeSize, inodesPerBlock } = xfs.superblock;
	const { agino, freeLow, freeHigh } = chunk;
	// The inode, counted from the chunk's first, that begins the piece; a block may begin before the chunk.
	const begin = Math.floor((agino + from) / inodesPerBlock + first) * inodesPerBlock - agino;
	const end = Math.min(to, begin + count * inodesPerBlock);
	const number = inodeNumber(xfs.superblock, chunk.group, agino);
	for (let i = Math.max(from, begin); i < end; ) {
		const place = at + (i - begin) * inodeSize;
		const some = Math.min(end, i < HALF ? HALF : CHUNK_INODES) - i;
		const used = ~((i < HALF ? freeLow : freeHigh) >>> (i % HALF)) & (0xffffffff >>> (HALF - some));
		const sound = inodesHold(xfs, view, place, used);
		for (let k = 0; k < some; k++) {
			if (((used >>> k) & 1) !== 0) each(place + k * inodeSize, number + i + k, sound);
		}
		i += some;
	}
}
