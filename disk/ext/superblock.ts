/**
 * The superblock: what the volume says of itself, checked before anything is derived from it.
 * Source: Linux Documentation/filesystems/ext4/super.rst and fs/ext4/super.c (the checks at mount).
 */
import { UmbraError } from "../../common/errors.ts";
import { crc32c, viewOf } from "../parser/checksum.ts";
import { type ExtKind, type Features, kindOf, parseFeatures } from "./features.ts";

export const SUPERBLOCK_OFFSET = 1024;
export const SUPERBLOCK_SIZE = 1024;
const EXT4_MAGIC = 0xef53;
/** 64 KiB: EXT4_MAX_BLOCK_LOG_SIZE. */
const MAX_LOG_BLOCK_SIZE = 6;
const GOOD_OLD_INODE_SIZE = 128;
const GOOD_OLD_FIRST_INO = 11;
const GOOD_OLD_DESC_SIZE = 32;
const MIN_DESC_SIZE_64BIT = 64;
/** 256 TiB of 128 MiB groups; bounds the memory that descriptors take. */
const MAX_GROUPS = 1 << 21;
/** Offsets are exact numbers up to here. */
const MAX_BYTES = Number.MAX_SAFE_INTEGER;

export interface Superblock {
	readonly kind: ExtKind;
	readonly features: Features;
	readonly label: string;
	readonly uuid: string;
	readonly blockSize: number;
	readonly blocksCount: number;
	readonly firstDataBlock: number;
	readonly blocksPerGroup: number;
	/** Blocks in an allocation cluster; 1 without bigalloc. */
	readonly clusterBlocks: number;
	readonly groups: number;
	readonly inodesCount: number;
	readonly inodesPerGroup: number;
	readonly inodeSize: number;
	readonly firstIno: number;
	readonly descSize: number;
	readonly reservedGdtBlocks: number;
	readonly firstMetaBg: number;
	readonly backupBgs: readonly [number, number];
	/** 0 where there is none inside the volume. */
	readonly journalInum: number;
	/** Inodes that hold quotas or the orphan file: in use, named by no directory. */
	readonly hiddenInodes: readonly number[];
	/** 0 where there is none. */
	readonly mmpBlock: number;
	/** What every metadata checksum starts from. */
	readonly csumSeed: number;
	/** Where metadata_csum is on: whether the superblock's own holds. */
	readonly checksumHolds: boolean;
	/** As found, for the checksums of old group descriptors. */
	readonly uuidBytes: Uint8Array;
}

/** True where the first 4 KiB of a volume may be an ext2, ext3 or ext4. */
export function isExt(first4096: Uint8Array): boolean {
	if (first4096.length < SUPERBLOCK_OFFSET + SUPERBLOCK_SIZE) return false;
	const view = new DataView(first4096.buffer, first4096.byteOffset + SUPERBLOCK_OFFSET, SUPERBLOCK_SIZE);
	return (
		view.getUint16(0x38, true) === EXT4_MAGIC &&
		view.getUint32(0x18, true) <= MAX_LOG_BLOCK_SIZE &&
		view.getUint32(0x4c, true) <= 1 &&
		view.getUint32(0, true) > 0
	);
}

/**
 * @param bytes the 1,024 bytes of the superblock.
 * @param volumeBytes how long the volume is.
 * @throws UmbraError `corrupt`, `unsupported`, `truncated` (the volume ends before the filesystem does), `limit`.
 */
export function parseSuperblock(bytes: Uint8Array, volumeBytes: number, volume: string): Superblock {
	const view = new DataView(bytes.buffer, bytes.byteOffset, SUPERBLOCK_SIZE);
	const u16 = (at: number) => view.getUint16(at, true);
	const u32 = (at: number) => view.getUint32(at, true);

	const refuse = (code: "corrupt" | "truncated" | "limit", at: number, field: string, found: unknown, wanted: string) =>
		new UmbraError(code, `${volume}: ext superblock: ${field} is ${found}, wanted ${wanted}`, {
			context: { path: volume, structure: "ext4_super_block", offset: SUPERBLOCK_OFFSET + at, field, found, wanted },
		});

	if (u16(0x38) !== EXT4_MAGIC) throw refuse("corrupt", 0x38, "s_magic", `0x${u16(0x38).toString(16)}`, "0xef53");
	const dynamic = u32(0x4c) >= 1;
	const features = parseFeatures(dynamic ? u32(0x5c) : 0, dynamic ? u32(0x60) : 0, dynamic ? u32(0x64) : 0, volume);

	const logBlockSize = u32(0x18);
	if (logBlockSize > MAX_LOG_BLOCK_SIZE) throw refuse("corrupt", 0x18, "s_log_block_size", logBlockSize, "at most 6");
	const blockSize = 1024 << logBlockSize;
	const blocksCount = u32(0x04) + (features.bit64 ? u32(0x150) * 2 ** 32 : 0);
	const firstDataBlock = u32(0x14);
	if (
		firstDataBlock > 1 ||
		(firstDataBlock === 1) !== (blockSize === 1024 && !(features.bigalloc && firstDataBlock === 0))
	) {
		throw refuse("corrupt", 0x14, "s_first_data_block", firstDataBlock, "1 for 1 KiB blocks, else 0");
	}
	if (blocksCount <= firstDataBlock || blocksCount > MAX_BYTES / blockSize) {
		throw refuse("corrupt", 0x04, "s_blocks_count", blocksCount, "a volume that can be addressed");
	}
	if (blocksCount * blockSize > volumeBytes) {
		throw refuse(
			"truncated",
			0x04,
			"s_blocks_count",
			blocksCount,
			`at most ${Math.floor(volumeBytes / blockSize)} here`,
		);
	}

	const logCluster = features.bigalloc ? u32(0x1c) : logBlockSize;
	if (logCluster < logBlockSize || logCluster > 20) {
		throw refuse("corrupt", 0x1c, "s_log_cluster_size", logCluster, `${logBlockSize} to 20`);
	}
	const clusterBlocks = 1 << (logCluster - logBlockSize);
	const blocksPerGroup = u32(0x20);
	if (blocksPerGroup < 8 || blocksPerGroup > blockSize * 8 * clusterBlocks) {
		throw refuse("corrupt", 0x20, "s_blocks_per_group", blocksPerGroup, `8 to ${blockSize * 8 * clusterBlocks}`);
	}
	const groups = Math.ceil((blocksCount - firstDataBlock) / blocksPerGroup);
	if (groups > MAX_GROUPS) throw refuse("limit", 0x20, "block groups", groups, `at most ${MAX_GROUPS}`);

	const inodeSize = dynamic ? u16(0x58) : GOOD_OLD_INODE_SIZE;
	if (inodeSize < GOOD_OLD_INODE_SIZE || inodeSize > blockSize || (inodeSize & (inodeSize - 1)) !== 0) {
		throw refuse("corrupt", 0x58, "s_inode_size", inodeSize, `a power of two from 128 to ${blockSize}`);
	}
	const inodesPerGroup = u32(0x28);
	if (inodesPerGroup < blockSize / inodeSize || inodesPerGroup > blockSize * 8) {
		throw refuse("corrupt", 0x28, "s_inodes_per_group", inodesPerGroup, `${blockSize / inodeSize} to ${blockSize * 8}`);
	}
	const inodesCount = u32(0);
	if (inodesCount !== inodesPerGroup * groups) {
		throw refuse("corrupt", 0, "s_inodes_count", inodesCount, `${inodesPerGroup} in each of ${groups} groups`);
	}
	if (inodesCount * inodeSize > volumeBytes) {
		throw refuse("corrupt", 0, "s_inodes_count", inodesCount, "tables that fit the volume");
	}

	const firstIno = dynamic ? u32(0x54) : GOOD_OLD_FIRST_INO;
	if (firstIno < GOOD_OLD_FIRST_INO || firstIno > inodesCount) {
		throw refuse("corrupt", 0x54, "s_first_ino", firstIno, `${GOOD_OLD_FIRST_INO} to ${inodesCount}`);
	}

	const descSize = features.bit64 ? u16(0xfe) : GOOD_OLD_DESC_SIZE;
	if (features.bit64 && (descSize < MIN_DESC_SIZE_64BIT || descSize > blockSize || (descSize & (descSize - 1)) !== 0)) {
		throw refuse("corrupt", 0xfe, "s_desc_size", descSize, `a power of two from 64 to ${blockSize}`);
	}
	if (groups * descSize > volumeBytes) {
		throw refuse("corrupt", 0xfe, "s_desc_size", descSize, "descriptors that fit the volume");
	}
	const reservedGdtBlocks = features.resizeInode ? u16(0xce) : 0;
	if (reservedGdtBlocks > blockSize / 4) {
		throw refuse("corrupt", 0xce, "s_reserved_gdt_blocks", reservedGdtBlocks, `at most ${blockSize / 4}`);
	}

	const uuidBytes = bytes.slice(0x68, 0x78);
	const uuidHex = Buffer.from(uuidBytes).toString("hex");
	const mmpBlock = features.mmp ? u32(0x168) + u32(0x16c) * 2 ** 32 : 0;
	return {
		kind: kindOf(features),
		features,
		label: textOf(bytes, 0x78, 16),
		uuid: uuidHex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5"),
		blockSize,
		blocksCount,
		firstDataBlock,
		blocksPerGroup,
		clusterBlocks,
		groups,
		inodesCount,
		inodesPerGroup,
		inodeSize,
		firstIno,
		descSize,
		reservedGdtBlocks,
		firstMetaBg: features.metaBg ? u32(0x104) : 0,
		backupBgs: [u32(0x24c), u32(0x250)],
		journalInum: features.hasJournal ? u32(0xe0) : 0,
		hiddenInodes: [
			...(features.quota ? [u32(0x240), u32(0x244)] : []),
			...(features.project ? [u32(0x26c)] : []),
			...(features.orphanFile ? [u32(0x280)] : []),
		].filter((inode) => inode !== 0),
		mmpBlock: mmpBlock < blocksCount ? mmpBlock : 0,
		csumSeed: features.csumSeed ? u32(0x270) : crc32c(0xffffffff, viewOf(uuidBytes)),
		checksumHolds: !features.metadataCsum || crc32c(0xffffffff, view, 0, 0x3fc) === u32(0x3fc),
		uuidBytes,
	};
}

function textOf(bytes: Uint8Array, at: number, length: number): string {
	const text = bytes.subarray(at, at + length);
	const end = text.indexOf(0);
	return Buffer.from(end < 0 ? text : text.subarray(0, end)).toString("utf8");
}
