/**
 * One inode as it stands in the inode table.
 * Source: Linux Documentation/filesystems/ext4/inodes.rst, `struct ext4_inode` in fs/ext4/ext4.h.
 */
import type { FileNode, FileType, Ranges } from "../filesystem.ts";
import { crc32cOfInode, crc32cWord } from "../parser/checksum.ts";
import type { Problems } from "../parser/problems.ts";
import type { Volume } from "../parser/volume.ts";
import type { Groups } from "./groups.ts";
import type { Superblock } from "./superblock.ts";

export const ROOT_INODE = 2;
export const I_BLOCK_OFFSET = 0x28;
export const I_BLOCK_SIZE = 60;
const GOOD_OLD_INODE_SIZE = 128;
/** With the fields that ext4 added; what follows is extended attributes, or nothing. */
const FIXED_SIZE = 160;

export const EXT4_ENCRYPT_FL = 0x800;
export const EXT4_EXTENTS_FL = 0x80000;
export const EXT4_INLINE_DATA_FL = 0x10000000;

/** What everything that reads an opened volume needs. */
export interface Ext {
	readonly superblock: Superblock;
	readonly groups: Groups;
	readonly volume: Volume;
	readonly problems: Problems;
}

/** A FileNode while its ranges are still being found. */
export interface Node extends FileNode {
	data: Ranges;
	meta: Ranges;
}

/** Most inodes have nothing to put there, and a list of their own costs more than all else of them. */
const NONE: Ranges = [];

const TYPES: Readonly<Record<number, FileType>> = {
	1: "fifo",
	2: "char",
	4: "dir",
	6: "block",
	8: "file",
	10: "symlink",
	12: "socket",
};

/** Where an inode stands. Undefined where there is no such inode or its group's table lies nowhere. */
export function inodePosition(ext: Ext, inode: number): number | undefined {
	const { superblock, groups } = ext;
	if (!Number.isInteger(inode) || inode < 1 || inode > superblock.inodesCount) return undefined;
	const group = Math.floor((inode - 1) / superblock.inodesPerGroup);
	const table = groups.inodeTable[group]!;
	if (table === 0) return undefined;
	return table * superblock.blockSize + ((inode - 1) % superblock.inodesPerGroup) * superblock.inodeSize;
}

/**
 * Parses the inode at `at`; its ranges are left empty.
 *
 * Undefined where it is not in use: deleted, or orphaned (no name is left, and the kernel frees it when it mounts).
 *
 * @throws UmbraError `corrupt` where it makes no sense.
 */
export function parseInode(ext: Ext, view: DataView, at: number, inode: number): Node | undefined {
	const mode = view.getUint16(at, true);
	const nlink = view.getUint16(at + 0x1a, true);
	if (mode === 0 || nlink === 0) return undefined;
	const type = TYPES[mode >>> 12];
	if (type === undefined) {
		throw ext.problems.error("corrupt", `inode ${inode} has the impossible mode 0${mode.toString(8)}`, {
			structure: "ext4_inode",
			field: "i_mode",
			offset: inodePosition(ext, inode) ?? 0,
			found: mode,
		});
	}
	let size = view.getUint32(at + 0x04, true);
	// Only where the kernel looks too (ext4_isize): elsewhere the upper half may hold an old i_dir_acl.
	if (type === "file" || (type === "dir" && ext.superblock.features.largeDir)) {
		size += view.getUint32(at + 0x6c, true) * 2 ** 32;
	}
	if (size > Number.MAX_SAFE_INTEGER) {
		throw ext.problems.error("corrupt", `inode ${inode} claims a size of ${size}`, {
			structure: "ext4_inode",
			field: "i_size",
			offset: inodePosition(ext, inode) ?? 0,
			found: size,
		});
	}
	let ctime = view.getInt32(at + 0x0c, true);
	let mtime = view.getInt32(at + 0x10, true);
	if (ext.superblock.inodeSize > GOOD_OLD_INODE_SIZE) {
		const extra = view.getUint16(at + 0x80, true);
		if (extra >= 8) ctime = widenTime(ctime, view.getUint32(at + 0x84, true));
		if (extra >= 12) mtime = widenTime(mtime, view.getUint32(at + 0x88, true));
	}
	return {
		inode,
		generation: view.getUint32(at + 0x64, true),
		type,
		size,
		mode,
		uid: view.getUint16(at + 0x02, true) + view.getUint16(at + 0x78, true) * 0x10000,
		gid: view.getUint16(at + 0x18, true) + view.getUint16(at + 0x7a, true) * 0x10000,
		nlink,
		mtime,
		ctime,
		data: NONE,
		meta: NONE,
	};
}

/** Two bits of epoch above the 32 of seconds, thirty of nanoseconds (EXT4_DECODE_EXTRA_TIME). */
function widenTime(seconds: number, extra: number): number {
	return seconds + (extra & 3) * 2 ** 32 + (extra >>> 2) / 1e9;
}

/** The block of extended attributes, 0 where there is none. */
export function attributeBlock(view: DataView, at: number): number {
	return view.getUint32(at + 0x68, true) + view.getUint16(at + 0x76, true) * 2 ** 32;
}

export function inodeFlags(view: DataView, at: number): number {
	return view.getUint32(at + 0x20, true);
}

/** True where a symlink's target stands in i_block itself. */
export function isFastSymlink(ext: Ext, view: DataView, at: number): boolean {
	if (view.getUint32(at + 0x04, true) >= I_BLOCK_SIZE) return false;
	if ((inodeFlags(view, at) & (EXT4_EXTENTS_FL | EXT4_INLINE_DATA_FL)) !== 0) return false;
	// With ea_inode, i_blocks also counts the blocks of attribute inodes, and the size alone decides.
	if (ext.superblock.features.eaInode) return true;
	const { blockSize, clusterBlocks } = ext.superblock;
	const own = attributeBlock(view, at) === 0 ? 0 : (blockSize * clusterBlocks) / 512;
	return view.getUint32(at + 0x1c, true) <= own;
}

/** What the checksums of this inode's blocks start from. */
export function inodeSeed(ext: Ext, inode: number, generation: number): number {
	return crc32cWord(crc32cWord(ext.superblock.csumSeed, inode), generation);
}

/** Whether an inode matches its checksum; true where the volume has none. The bytes are as before when it returns. */
export function inodeChecksumHolds(ext: Ext, view: DataView, at: number, inode: number): boolean {
	const { features, inodeSize } = ext.superblock;
	if (!features.metadataCsum) return true;
	const wide = inodeSize > GOOD_OLD_INODE_SIZE && view.getUint16(at + 0x80, true) >= 4;
	const low = view.getUint16(at + 0x7c, true);
	const high = wide ? view.getUint16(at + 0x82, true) : 0;
	const seed = inodeSeed(ext, inode, view.getUint32(at + 0x64, true));
	// The fields count as zero. One pass over an inode with them cleared is faster than three around them.
	view.setUint16(at + 0x7c, 0);
	if (wide) view.setUint16(at + 0x82, 0);
	const crc = crc32cOfInode(seed, view, at, at + Math.min(inodeSize, FIXED_SIZE), at + inodeSize);
	view.setUint16(at + 0x7c, low, true);
	if (wide) view.setUint16(at + 0x82, high, true);
	return (wide ? crc : crc & 0xffff) === low + high * 0x10000;
}
