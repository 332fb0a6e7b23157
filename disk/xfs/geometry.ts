/**
 * Where things are. XFS numbers blocks and inodes with the allocation group in the upper bits, which
 * leaves gaps between groups; on the disk the groups lie one behind another. "Block" in this folder
 * means a block counted from the start of the volume, without gaps; the numbers as they stand on disk
 * are called fsblock and agblock.
 */
import type { Problems } from "../parser/problems.ts";
import type { Volume } from "../parser/volume.ts";
import type { Superblock } from "./superblock.ts";

/** What everything that reads an opened volume needs. */
export interface Xfs {
	readonly superblock: Superblock;
	readonly volume: Volume;
	readonly problems: Problems;
}

/** Of two. To work one out costs more than all else of finding an inode. */
const POWERS: Readonly<Float64Array> = Float64Array.from({ length: 64 }, (_, exponent) => 2 ** exponent);

/** Blocks of a group: all the same but for the last. */
export function groupLength({ dblocks, agBlocks, agCount }: Superblock, group: number): number {
	return group === agCount - 1 ? dblocks - group * agBlocks : agBlocks;
}

/** Undefined where the blocks do not lie in one group of the volume. */
export function blockOf(superblock: Superblock, fsblock: number, count: number): number | undefined {
	const size = POWERS[superblock.agBlockLog]!;
	const group = Math.floor(fsblock / size);
	return blockInGroup(superblock, group, fsblock - group * size, count);
}

export function blockInGroup(
	superblock: Superblock,
	group: number,
	agblock: number,
	count: number,
): number | undefined {
	if (group >= superblock.agCount || count < 1) return undefined;
	if (agblock + count > groupLength(superblock, group)) return undefined;
	return group * superblock.agBlocks + agblock;
}

/** The number of the inode that stands at a place of a group. */
export function inodeNumber({ aginoLog }: Superblock, group: number, agino: number): number {
	return group * POWERS[aginoLog]! + agino;
}

/** Whether the volume has a place for this inode. */
export function hasInode(superblock: Superblock, inode: number): boolean {
	const size = POWERS[superblock.aginoLog]!;
	const group = Math.floor(inode / size);
	const agino = inode - group * size;
	// Of larger numbers the lowest bits are lost: what stands there is another number.
	if (!(inode >= 1 && inode <= Number.MAX_SAFE_INTEGER) || group >= superblock.agCount) return false;
	return agino < groupLength(superblock, group) * superblock.inodesPerBlock;
}

/** Byte offset of an inode. Undefined where the volume has no place for it. */
export function inodePosition(superblock: Superblock, inode: number): number | undefined {
	if (!Number.isInteger(inode) || !hasInode(superblock, inode)) return undefined;
	const { aginoLog, agBlocks, inodesPerBlock, inodeSize } = superblock;
	const size = POWERS[aginoLog]!;
	const group = Math.floor(inode / size);
	return (group * agBlocks * inodesPerBlock + (inode - group * size)) * inodeSize;
}

/** Whether a structure of version 5 belongs to this filesystem, and not to one that stood here before. */
export function uuidHolds(view: DataView, at: number, uuid: Uint32Array): boolean {
	return (
		view.getInt32(at) === (uuid[0]! | 0) &&
		view.getInt32(at + 4) === (uuid[1]! | 0) &&
		view.getInt32(at + 8) === (uuid[2]! | 0) &&
		view.getInt32(at + 12) === (uuid[3]! | 0)
	);
}

/**
 * The 64-bit number at `at`, exact below 2^53. Signed words, here and in inodes: V8's first compiler reads them in line
 * and unsigned ones by a call, which takes five times as long, and most listings end before its last one has taken over.
 */
export function readWide(view: DataView, at: number): number {
	const high = view.getInt32(at);
	const low = view.getInt32(at + 4) >>> 0;
	// Of most volumes the numbers are small integers, which are quicker than others as long as they are made of nothing else.
	return high === 0 ? low : (high >>> 0) * 2 ** 32 + low;
}
