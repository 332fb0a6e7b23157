/**
 * Block groups: where their descriptors stand, what they say, and which blocks are fixed structures.
 * Source: Linux Documentation/filesystems/ext4/group_descr.rst and blockgroup.rst;
 * `ext4_bg_has_super`, `ext4_group_desc_csum`, `descriptor_loc` in fs/ext4/super.c.
 */
import { crc16, crc32c, crc32cWord, crc32cZeroes, viewOf } from "../parser/checksum.ts";
import type { Problems } from "../parser/problems.ts";
import { RangeSet } from "../parser/ranges.ts";
import type { BlockRun, Volume } from "../parser/volume.ts";
import type { Superblock } from "./superblock.ts";

const BG_INODE_UNINIT = 0x1;
const BG_CHECKSUM_OFFSET = 0x1e;

/** What the descriptors say, by group. A position of 0 is one that lies outside the volume. */
export interface Groups {
	readonly blockBitmap: Float64Array;
	readonly inodeBitmap: Float64Array;
	readonly inodeTable: Float64Array;
	/** Inodes from the group's first that may be in use; the rest of the table was never written. */
	readonly inodesInUse: Uint32Array;
	readonly inodeBitmapCsum: Uint32Array;
	/** Sum over all groups, in clusters. */
	readonly freeClusters: number;
}

/** Blocks of one group's part of the inode table. */
export function tableBlocks(superblock: Superblock): number {
	return Math.ceil((superblock.inodesPerGroup * superblock.inodeSize) / superblock.blockSize);
}

export function firstBlockOf(superblock: Superblock, group: number): number {
	return superblock.firstDataBlock + group * superblock.blocksPerGroup;
}

function isPowerOf(base: number, value: number): boolean {
	let power = base;
	while (power < value) power *= base;
	return power === value;
}

/** True where the group begins with a copy of the superblock. */
export function hasSuper(superblock: Superblock, group: number): boolean {
	if (group === 0) return true;
	if (superblock.features.sparseSuper2) return superblock.backupBgs.includes(group);
	if (group <= 1 || !superblock.features.sparseSuper) return true;
	return group % 2 === 1 && (isPowerOf(3, group) || isPowerOf(5, group) || isPowerOf(7, group));
}

/** The block of the superblock in use: 1 where blocks are 1 KiB, else 0 (even where s_first_data_block is 0 for both). */
function superBlock(superblock: Superblock): number {
	return superblock.blockSize === 1024 ? 1 : 0;
}

/** The block that holds the `index`th block of descriptors. */
function descriptorBlock(superblock: Superblock, index: number): number {
	if (!superblock.features.metaBg || index < superblock.firstMetaBg) return superBlock(superblock) + 1 + index;
	const group = index * (superblock.blockSize / superblock.descSize);
	// With 1 KiB blocks and s_first_data_block 0 (bigalloc), the first group still begins one block later.
	const shift = group === 0 && superblock.blockSize === 1024 && superblock.firstDataBlock === 0 ? 1 : 0;
	return firstBlockOf(superblock, group) + (hasSuper(superblock, group) ? 1 : 0) + shift;
}

/** Reads all descriptors. One that makes no sense is a problem and stands as a group without inodes. */
export async function readGroups(
	superblock: Superblock,
	volume: Volume,
	problems: Problems,
	signal?: AbortSignal,
): Promise<Groups> {
	const { features, groups, descSize, blockSize } = superblock;
	const perBlock = blockSize / descSize;
	const found = {
		blockBitmap: new Float64Array(groups),
		inodeBitmap: new Float64Array(groups),
		inodeTable: new Float64Array(groups),
		inodesInUse: new Uint32Array(groups),
		inodeBitmapCsum: new Uint32Array(groups),
		freeClusters: 0,
	};
	const table = tableBlocks(superblock);
	const uninit = features.gdtCsum || features.metadataCsum;
	const wide = descSize >= 64;

	const runs: BlockRun<number>[] = [];
	for (let index = 0; index * perBlock < groups; index++) {
		const block = descriptorBlock(superblock, index);
		if (volume.holds(block, 1)) runs.push({ start: block, count: 1, tag: index });
		else problems.add("corrupt", `group descriptors ${index} lie outside the volume`, { structure: "ext4_group_desc" });
	}
	const parse = (group: number, bytes: Buffer, at: number): void => {
		const context = { structure: "ext4_group_desc", group };
		const high = (offset: number) => (wide ? bytes.readUInt32LE(at + offset) * 2 ** 32 : 0);
		const high16 = (offset: number) => (wide ? bytes.readUInt16LE(at + offset) << 16 : 0);
		const sound =
			!uninit || descriptorChecksum(superblock, group, bytes, at) === bytes.readUInt16LE(at + BG_CHECKSUM_OFFSET);
		if (!sound) problems.add("corrupt", `the descriptor of group ${group} does not match its checksum`, context);
		const inodeTable = bytes.readUInt32LE(at + 0x08) + high(0x28);
		if (volume.holds(inodeTable, table)) {
			found.inodeTable[group] = inodeTable;
		} else {
			problems.add("corrupt", `the inode table of group ${group} lies outside the volume`, {
				...context,
				found: inodeTable,
			});
		}
		const blockBitmap = bytes.readUInt32LE(at) + high(0x20);
		const inodeBitmap = bytes.readUInt32LE(at + 0x04) + high(0x24);
		if (volume.holds(blockBitmap, 1)) found.blockBitmap[group] = blockBitmap;
		if (volume.holds(inodeBitmap, 1)) found.inodeBitmap[group] = inodeBitmap;
		found.inodeBitmapCsum[group] = bytes.readUInt16LE(at + 0x1a) | high16(0x3a);
		found.freeClusters += bytes.readUInt16LE(at + 0x0c) + (wide ? bytes.readUInt16LE(at + 0x2c) * 2 ** 16 : 0);
		let inUse = superblock.inodesPerGroup;
		// What a damaged descriptor says of itself must not hide inodes.
		if (uninit && sound) {
			const unused = bytes.readUInt16LE(at + 0x1c) + (wide ? bytes.readUInt16LE(at + 0x32) * 2 ** 16 : 0);
			inUse = (bytes.readUInt16LE(at + 0x12) & BG_INODE_UNINIT) !== 0 ? 0 : Math.max(0, inUse - unused);
		}
		found.inodesInUse[group] = found.inodeTable[group] === 0 ? 0 : inUse;
	};
	await volume.readRuns(
		runs,
		(index, _first, _count, bytes, at) => {
			const end = Math.min(groups, (index + 1) * perBlock);
			for (let group = index * perBlock; group < end; group++) {
				parse(group, bytes, at + (group - index * perBlock) * descSize);
			}
		},
		signal,
	);
	return found;
}

function descriptorChecksum(superblock: Superblock, group: number, bytes: Buffer, at: number): number {
	const end = at + superblock.descSize;
	const field = at + BG_CHECKSUM_OFFSET;
	if (superblock.features.metadataCsum) {
		const view = viewOf(bytes);
		const crc = crc32c(crc32cWord(superblock.csumSeed, group), view, at, field);
		return crc32c(crc32cZeroes(crc, 2), view, field + 2, end) & 0xffff;
	}
	const number = Buffer.alloc(4);
	number.writeUInt32LE(group);
	const crc = crc16(crc16(crc16(0xffff, superblock.uuidBytes), number), bytes, at, field);
	return crc16(crc, bytes, field + 2, end);
}

/** The fixed structures: superblocks, descriptors and the room to grow them, bitmaps, inode tables, MMP. */
export function fixedRanges(superblock: Superblock, groups: Groups): RangeSet {
	const ranges = new RangeSet();
	const { blockSize, features } = superblock;
	const perBlock = blockSize / superblock.descSize;
	const descriptorBlocks = Math.ceil(superblock.groups / perBlock);
	const contiguous = features.metaBg ? Math.min(superblock.firstMetaBg, descriptorBlocks) : descriptorBlocks;
	const add = (block: number, count: number) => {
		const end = Math.min(block + count, superblock.blocksCount);
		if (end > block) ranges.add(block * blockSize, (end - block) * blockSize);
	};
	const table = tableBlocks(superblock);
	add(0, superBlock(superblock) + 1); // with what stands before the superblock, for a boot loader
	for (let group = 0; group < superblock.groups; group++) {
		const first = group === 0 ? superBlock(superblock) : firstBlockOf(superblock, group);
		const copies = hasSuper(superblock, group) ? 1 : 0;
		const inMeta = group % perBlock;
		if (!features.metaBg || group < superblock.firstMetaBg * perBlock) {
			if (copies === 1) add(first, 1 + contiguous + superblock.reservedGdtBlocks);
		} else if (inMeta <= 1 || inMeta === perBlock - 1) {
			add(first, copies + 1);
		} else {
			add(first, copies);
		}
		if (groups.blockBitmap[group]! > 0) add(groups.blockBitmap[group]!, 1);
		if (groups.inodeBitmap[group]! > 0) add(groups.inodeBitmap[group]!, 1);
		if (groups.inodeTable[group]! > 0) add(groups.inodeTable[group]!, table);
	}
	if (superblock.mmpBlock > 0) add(superblock.mmpBlock, 1);
	return ranges;
}
