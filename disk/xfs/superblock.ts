/**
 * The superblock: what the volume says of itself, checked before anything is derived from it.
 * Source: `struct xfs_dsb` in the kernel's fs/xfs/libxfs/xfs_format.h, the checks of xfs_validate_sb_common.
 */
import { type ErrorCode, UmbraError } from "../../common/errors.ts";
import { checksumHolds } from "./checksum.ts";
import { type Features, parseFeatures } from "./features.ts";

/** The part of the first sector that has fields; sectors are at least this long. */
export const SUPERBLOCK_SIZE = 512;
const XFS_SB_MAGIC = 0x58465342;
const XFS_SB_CRC_OFF = 224;
/** XFS_MIN_AG_BLOCKS. */
const MIN_AG_BLOCKS = 64;
/** 4 TiB of the smallest groups that mkfs.xfs makes; bounds the memory that groups take. */
const MAX_AGS = 1 << 18;
/** XFS_MAX_BLOCKSIZE_LOG; a directory block is no longer either. */
const MAX_BLOCK_LOG = 16;
/** Offsets are exact numbers up to here. */
const MAX_BYTES = Number.MAX_SAFE_INTEGER;
/** NULLFSINO: no such inode. */
const NULL_INO = 2n ** 64n - 1n;

export interface Superblock {
	readonly features: Features;
	readonly label: string;
	readonly uuid: string;
	/** What the log carries: the UUID, as words. */
	readonly logUuid: Uint32Array;
	/** What the structures of version 5 carry, as words: the UUID, unless somebody changed that since. */
	readonly metaUuid: Uint32Array;
	readonly blockSize: number;
	readonly blockLog: number;
	readonly dblocks: number;
	readonly agBlocks: number;
	readonly agCount: number;
	/** Bits of a block number that stand for the block in its group. */
	readonly agBlockLog: number;
	readonly sectorSize: number;
	readonly inodeSize: number;
	readonly inodesPerBlock: number;
	/** Bits of an inode number that stand for the inode in its group. */
	readonly aginoLog: number;
	readonly rootInode: number;
	/** Blocks of a directory block. */
	readonly dirBlocks: number;
	/** Block number of the log (with the group in its upper bits), 0 where the log is on another device. */
	readonly logStart: number;
	readonly logBlocks: number;
	readonly freeBlocks: number;
	/** Realtime bitmaps and quotas: in use, named by no directory. */
	readonly hiddenInodes: readonly number[];
	/** mkfs.xfs or xfs_copy did not end. */
	readonly inProgress: boolean;
}

/**
 * @param bytes the first sector, `SUPERBLOCK_SIZE` bytes of it at least.
 * @param volumeBytes how long the volume is.
 * @throws UmbraError `corrupt`, `unsupported`, `truncated` (the volume ends before the filesystem does), `limit`.
 */
export function parseSuperblock(bytes: Buffer, volumeBytes: number, volume: string): Superblock {
	const refuse = (code: ErrorCode, offset: number, field: string, found: unknown, wanted: string) =>
		new UmbraError(code, `${volume}: XFS superblock: ${field} is ${found}, wanted ${wanted}`, {
			context: { path: volume, structure: "xfs_dsb", offset, field, found, wanted },
		});
	const u8 = (at: number) => bytes.readUInt8(at);
	const u16 = (at: number) => bytes.readUInt16BE(at);
	const u32 = (at: number) => bytes.readUInt32BE(at);
	const u64 = (at: number, field: string) => {
		const value = bytes.readBigUInt64BE(at);
		if (value > BigInt(MAX_BYTES)) throw refuse("corrupt", at, field, value, "at most 2^53");
		return Number(value);
	};

	if (u32(0) !== XFS_SB_MAGIC) throw refuse("corrupt", 0, "sb_magicnum", `0x${u32(0).toString(16)}`, "0x58465342");
	const features = parseFeatures(
		// Old kernels put sb_features2 into the field behind it, and both count.
		{ versionnum: u16(100), features2: u32(200) | u32(204), roCompat: u32(212), incompat: u32(216) },
		volume,
	);

	const blockLog = u8(120);
	if (blockLog < 9 || blockLog > MAX_BLOCK_LOG) throw refuse("corrupt", 120, "sb_blocklog", blockLog, "9 to 16");
	const blockSize = 2 ** blockLog;
	if (u32(4) !== blockSize) throw refuse("corrupt", 4, "sb_blocksize", u32(4), String(blockSize));
	const sectorSize = u16(102);
	if (!isPowerOfTwo(sectorSize) || sectorSize < 512 || sectorSize > Math.min(blockSize, 32768)) {
		throw refuse("corrupt", 102, "sb_sectsize", sectorSize, "a power of two from 512 to the block size");
	}
	const inodeSize = u16(104);
	if (!isPowerOfTwo(inodeSize) || inodeSize < 256 || inodeSize > Math.min(blockSize, 2048)) {
		throw refuse("corrupt", 104, "sb_inodesize", inodeSize, "a power of two from 256 to 2048 within a block");
	}
	const inodesPerBlock = blockSize / inodeSize;
	if (u16(106) !== inodesPerBlock) throw refuse("corrupt", 106, "sb_inopblock", u16(106), String(inodesPerBlock));
	const inodesPerBlockLog = Math.log2(inodesPerBlock);
	if (u8(123) !== inodesPerBlockLog) throw refuse("corrupt", 123, "sb_inopblog", u8(123), String(inodesPerBlockLog));

	const dblocks = u64(8, "sb_dblocks");
	if (dblocks === 0 || dblocks > MAX_BYTES / blockSize) {
		throw refuse("corrupt", 8, "sb_dblocks", dblocks, "a volume that can be addressed");
	}
	if (dblocks * blockSize > volumeBytes) {
		throw refuse("truncated", 8, "sb_dblocks", dblocks, `at most ${Math.floor(volumeBytes / blockSize)} here`);
	}
	const agBlocks = u32(84);
	const agBlockLog = u8(124);
	if (agBlocks < MIN_AG_BLOCKS) throw refuse("corrupt", 84, "sb_agblocks", agBlocks, `at least ${MIN_AG_BLOCKS}`);
	if (agBlockLog !== Math.ceil(Math.log2(agBlocks))) {
		throw refuse("corrupt", 124, "sb_agblklog", agBlockLog, String(Math.ceil(Math.log2(agBlocks))));
	}
	const agCount = u32(88);
	if (agCount !== Math.ceil(dblocks / agBlocks)) {
		throw refuse("corrupt", 88, "sb_agcount", agCount, String(Math.ceil(dblocks / agBlocks)));
	}
	if (agCount > MAX_AGS) throw refuse("limit", 88, "sb_agcount", agCount, `at most ${MAX_AGS}`);
	const dirBlockLog = u8(192);
	if (blockLog + dirBlockLog > MAX_BLOCK_LOG) {
		throw refuse("corrupt", 192, "sb_dirblklog", dirBlockLog, "directory blocks of at most 64 KiB");
	}

	const uuid = bytes.subarray(32, 48);
	const hidden = [64, 72, 160, 168, ...(features.version === 5 ? [232] : [])].map((at) => bytes.readBigUInt64BE(at));
	return {
		features,
		label: textOf(bytes.subarray(108, 120)),
		uuid: uuid.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
		logUuid: Uint32Array.from([0, 4, 8, 12], (at) => u32(32 + at)),
		metaUuid: Uint32Array.from([0, 4, 8, 12], (at) => u32((features.metaUuid ? 248 : 32) + at)),
		blockSize,
		blockLog,
		dblocks,
		agBlocks,
		agCount,
		agBlockLog,
		sectorSize,
		inodeSize,
		inodesPerBlock,
		aginoLog: agBlockLog + inodesPerBlockLog,
		rootInode: u64(56, "sb_rootino"),
		dirBlocks: 2 ** dirBlockLog,
		logStart: u64(48, "sb_logstart"),
		logBlocks: u32(96),
		freeBlocks: Math.min(dblocks, Number(bytes.readBigUInt64BE(144))),
		hiddenInodes: hidden.filter((inode) => inode !== 0n && inode < NULL_INO).map(Number),
		inProgress: u8(126) !== 0,
	};

	function textOf(field: Buffer): string {
		const end = field.indexOf(0);
		return (end < 0 ? field : field.subarray(0, end)).toString("utf8").trimEnd();
	}
}

/** @param sector the whole first sector. */
export function superblockChecksumHolds(sector: Buffer): boolean {
	const view = new DataView(sector.buffer, sector.byteOffset, sector.byteLength);
	return checksumHolds(view, 0, sector.length, XFS_SB_CRC_OFF);
}

function isPowerOfTwo(value: number): boolean {
	return value > 0 && (value & (value - 1)) === 0;
}
