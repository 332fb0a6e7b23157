/**
 * One inode as it stands on disk.
 * Source: `struct xfs_dinode` in the kernel's fs/xfs/libxfs/xfs_format.h; what is checked is what
 * xfs_dinode_verify checks, as far as a reader depends on it.
 */
import type { DeviceNumber, FileNode, FileType, Ranges } from "../filesystem.ts";
import type { ReusedNode } from "../listing.ts";
import { manyChecksumsHold } from "../parser/checksum.ts";
import { checksumHolds } from "./checksum.ts";
import { inodePosition, readWide, uuidHolds, type Xfs } from "./geometry.ts";

const XFS_DINODE_MAGIC = 0x494e;
const DI_CRC = 100;
const DI_FLAGS2_LOW = 124;
const DI_INO = 152;
const DI_UUID = 160;
/** Where the forks begin: xfs_dinode_size. */
const V2_CORE = 100;
const V3_CORE = 176;

export const FORMAT_DEV = 0;
export const FORMAT_LOCAL = 1;
export const FORMAT_EXTENTS = 2;
export const FORMAT_BTREE = 3;

const XFS_DIFLAG_REALTIME = 0x1;
const XFS_DIFLAG2_BIGTIME = 0x8;
const XFS_DIFLAG2_NREXT64 = 0x10;
const XFS_DIFLAG2_METADATA = 0x20;

/** A FileNode while its ranges are still being found. */
export interface Node extends FileNode {
	data: Ranges;
	meta: Ranges;
}

/** Data or attributes of an inode: where in the inode they are described, and how. */
export interface Fork {
	readonly format: number;
	/** Offset in the view that the inode was parsed from. */
	readonly at: number;
	/** Bytes. */
	readonly size: number;
	readonly extents: number;
}

/** Most inodes have nothing to put there, and a list of their own costs more than all else of them. */
const NONE: Ranges = [];

const BLOCK_FORMATS = (1 << FORMAT_EXTENTS) | (1 << FORMAT_BTREE);
const TYPES: (FileType | undefined)[] = new Array(16).fill(undefined);
/** Formats of the data fork that each type may have, as bits; by the type's number, too. */
const FORMATS = new Uint8Array(16);
for (const [number, type, formats] of [
	[1, "fifo", 1 << FORMAT_DEV],
	[2, "char", 1 << FORMAT_DEV],
	[4, "dir", BLOCK_FORMATS | (1 << FORMAT_LOCAL)],
	[6, "block", 1 << FORMAT_DEV],
	[8, "file", BLOCK_FORMATS],
	[10, "symlink", BLOCK_FORMATS | (1 << FORMAT_LOCAL)],
	[12, "socket", 1 << FORMAT_DEV],
] as const) {
	TYPES[number] = type;
	FORMATS[number] = formats;
}

/**
 * Parses the inode at `at`; its ranges are left empty.
 *
 * Undefined where it is not in use: free, or unlinked and only open (the kernel frees it when it mounts).
 *
 * @throws UmbraError `corrupt` where it makes no sense.
 */
export function parseInode(xfs: Xfs, view: DataView, at: number, inode: number): Node | undefined {
	const type = typeInUse(xfs, view, at, inode);
	if (type === undefined) return undefined;
	const bigtime = hasBigtime(view, at);
	return {
		inode,
		generation: view.getUint32(at + 92),
		type,
		size: sizeOf(xfs, view, at, inode),
		mode: view.getUint16(at + 2),
		uid: view.getUint32(at + 8),
		gid: view.getUint32(at + 12),
		nlink: linksOf(view, at),
		mtime: timeOf(view, at + 40, bigtime),
		ctime: timeOf(view, at + 48, bigtime),
		data: NONE,
		meta: NONE,
	};
}

/** The same into `node`, as far as a listing tells of it. False, and nothing is changed, where it is not in use. */
export function parseListed(xfs: Xfs, view: DataView, at: number, inode: number, node: ReusedNode): boolean {
	const type = typeInUse(xfs, view, at, inode);
	if (type === undefined) return false;
	node.size = sizeOf(xfs, view, at, inode);
	node.inode = inode;
	node.type = type;
	node.mode = view.getInt16(at + 2) & 0xffff;
	node.uid = view.getInt32(at + 8) >>> 0;
	node.gid = view.getInt32(at + 12) >>> 0;
	node.nlink = linksOf(view, at);
	node.mtime = timeOf(view, at + 40, hasBigtime(view, at));
	return true;
}

function typeInUse(xfs: Xfs, view: DataView, at: number, inode: number): FileType | undefined {
	const start = view.getInt32(at);
	if (start >>> 16 !== XFS_DINODE_MAGIC) {
		throw corruptInode(xfs, inode, "di_magic", `the magic number 0x${(start >>> 16).toString(16)}`);
	}
	const version = view.getInt8(at + 4) & 0xff;
	const v3 = version === 3;
	if (v3 !== (xfs.superblock.features.version === 5) || version < 1 || version > 3) {
		throw corruptInode(xfs, inode, "di_version", `version ${version}`);
	}
	if (v3) checkOwner(xfs, view, at, inode);
	const mode = start & 0xffff;
	if (mode === 0 || linksOf(view, at) === 0) return undefined;
	const type = TYPES[mode >>> 12];
	if (type === undefined) throw corruptInode(xfs, inode, "di_mode", `the impossible mode 0${mode.toString(8)}`);
	const format = view.getInt8(at + 5) & 0xff;
	// The kernel's own files may have other formats, and nobody reads them here.
	if ((FORMATS[mode >>> 12]! & (1 << format)) === 0 && !isKernelsOwn(view, at)) {
		throw corruptInode(xfs, inode, "di_format", `format ${format}, which a ${type} cannot have`);
	}
	return type;
}

function linksOf(view: DataView, at: number): number {
	return view.getInt8(at + 4) === 1 ? view.getUint16(at + 6) : view.getInt32(at + 16) >>> 0;
}

function hasBigtime(view: DataView, at: number): boolean {
	return (flags2(view, at) & XFS_DIFLAG2_BIGTIME) !== 0;
}

/** A stale inode of another file or filesystem must not pass for the one that was asked for. */
function checkOwner(xfs: Xfs, view: DataView, at: number, inode: number): void {
	const found = readWide(view, at + DI_INO);
	if (found !== inode) throw corruptInode(xfs, inode, "di_ino", `the number of inode ${found}`);
	if (!uuidHolds(view, at + DI_UUID, xfs.superblock.metaUuid)) {
		throw corruptInode(xfs, inode, "di_uuid", "the UUID of another filesystem");
	}
}

function sizeOf(xfs: Xfs, view: DataView, at: number, inode: number): number {
	const size = readWide(view, at + 56);
	if (size <= Number.MAX_SAFE_INTEGER) return size;
	if (view.getInt32(at + 56) < 0) throw corruptInode(xfs, inode, "di_size", `a size of ${size}`);
	// XFS allows 8 EiB of holes; what of them lies beyond here is not told apart.
	xfs.problems.add("limit", `inode ${inode} has a size of ${size}, shown as ${Number.MAX_SAFE_INTEGER}`, {
		structure: "xfs_dinode",
		field: "di_size",
		inode,
		found: size,
	});
	return Number.MAX_SAFE_INTEGER;
}

const NANOSECONDS = 1e9;
/** XFS_BIGTIME_EPOCH_OFFSET: bigtime counts nanoseconds from the earliest time that 32 bits of seconds reach. */
const BIGTIME_EPOCH = 2 ** 31;

function timeOf(view: DataView, at: number, bigtime: boolean): number {
	const high = view.getInt32(at);
	const low = view.getInt32(at + 4) >>> 0;
	if (!bigtime) return high + low / NANOSECONDS;
	// 64 bits divided by 10^9. A double's quotient is at most one off; the rest, which tells, needs only the low 32 bits.
	let seconds = Math.floor(((high >>> 0) * 2 ** 32 + low) / NANOSECONDS);
	let rest = (low - Math.imul(seconds, NANOSECONDS)) | 0;
	if (rest < 0) {
		seconds--;
		rest += NANOSECONDS;
	} else if (rest >= NANOSECONDS) {
		seconds++;
		rest -= NANOSECONDS;
	}
	return seconds - BIGTIME_EPOCH + rest / NANOSECONDS;
}

/** Bits of di_flags2, of which only the low half is in use. */
function flags2(view: DataView, at: number): number {
	return view.getInt8(at + 4) === 3 ? view.getInt32(at + DI_FLAGS2_LOW) : 0;
}

/** True of a file in the kernel's own directory tree (metadir). */
export function isKernelsOwn(view: DataView, at: number): boolean {
	return (flags2(view, at) & XFS_DIFLAG2_METADATA) !== 0;
}

/** What a character or block device stands for, where other inodes have their data fork: 14 bits and 18. */
export function deviceNumber(view: DataView, at: number): DeviceNumber {
	const number = view.getUint32(at + (view.getUint8(at + 4) === 3 ? V3_CORE : V2_CORE));
	return { major: number >>> 18, minor: number & 0x3ffff };
}

/** True where the content lies on the realtime device. */
export function isRealtime(view: DataView, at: number): boolean {
	return (view.getUint16(at + 90) & XFS_DIFLAG_REALTIME) !== 0;
}

export function dataFork(xfs: Xfs, view: DataView, at: number): Fork {
	const core = view.getUint8(at + 4) === 3 ? V3_CORE : V2_CORE;
	const most = xfs.superblock.inodeSize - core;
	const offset = view.getUint8(at + 82) * 8;
	const wide = (flags2(view, at) & XFS_DIFLAG2_NREXT64) !== 0;
	return {
		format: view.getUint8(at + 5),
		at: at + core,
		size: offset === 0 ? most : Math.min(offset, most),
		extents: wide ? view.getUint32(at + 24) * 2 ** 32 + view.getUint32(at + 28) : view.getUint32(at + 76),
	};
}

/** Undefined where the inode has no attributes outside itself. */
export function attributeFork(xfs: Xfs, view: DataView, at: number): Fork | undefined {
	const offset = view.getUint8(at + 82) * 8;
	const format = view.getUint8(at + 83);
	if (offset === 0 || (format !== FORMAT_EXTENTS && format !== FORMAT_BTREE)) return undefined;
	const core = view.getUint8(at + 4) === 3 ? V3_CORE : V2_CORE;
	const wide = (flags2(view, at) & XFS_DIFLAG2_NREXT64) !== 0;
	const extents = wide ? view.getUint32(at + 76) : view.getUint16(at + 80);
	if (extents === 0) return undefined;
	const size = Math.max(0, xfs.superblock.inodeSize - core - offset);
	return { format, at: at + core + offset, size, extents };
}

/**
 * Whether all these inodes, one behind another from `at`, are known to match their checksums; version 4 has none. False
 * where `checkInode` is to look at each.
 *
 * @param used as of `manyChecksumsHold`.
 */
export function inodesHold(xfs: Xfs, view: DataView, at: number, used: number): boolean {
	const { features, inodeSize } = xfs.superblock;
	return features.version !== 5 || manyChecksumsHold(view, at, inodeSize, DI_CRC, used);
}

/** Adds a problem where the inode does not match its checksum; version 4 has none. */
export function checkInode(xfs: Xfs, view: DataView, at: number, inode: number): void {
	const { features, inodeSize } = xfs.superblock;
	if (features.version !== 5 || checksumHolds(view, at, at + inodeSize, at + DI_CRC)) return;
	xfs.problems.add("corrupt", `inode ${inode} does not match its checksum`, {
		structure: "xfs_dinode",
		offset: inodePosition(xfs.superblock, inode) ?? 0,
		inode,
	});
}

export function corruptInode(xfs: Xfs, inode: number, field: string, what: string) {
	return xfs.problems.error("corrupt", `inode ${inode} has ${what}`, {
		structure: "xfs_dinode",
		field,
		offset: inodePosition(xfs.superblock, inode) ?? 0,
		inode,
	});
}
