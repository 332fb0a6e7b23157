/** The journal's superblock (big-endian, as all of jbd2). Source: `journal_superblock_t` in include/linux/jbd2.h. */
import { crc32c, crc32cZeroes, viewOf } from "../parser/checksum.ts";
import type { Problems } from "../parser/problems.ts";

export const JOURNAL_MAGIC = 0xc03b3998;
const SUPERBLOCK_V1 = 3;
const SUPERBLOCK_V2 = 4;
const SUPERBLOCK_SIZE = 1024;
const CHECKSUM_OFFSET = 0xfc;
const CRC32C_TYPE = 4;
const COMPAT_CHECKSUM = 0x1;
const INCOMPAT_64BIT = 0x2;
const INCOMPAT_ASYNC_COMMIT = 0x4;
const INCOMPAT_CSUM_V2 = 0x8;
const INCOMPAT_CSUM_V3 = 0x10;
const INCOMPAT_FAST_COMMIT = 0x20;
/** revoke, 64bit, async_commit, csum_v2, csum_v3, fast_commit. */
const INCOMPAT_KNOWN = 0x3f;
/** JBD2_DEFAULT_FAST_COMMIT_BLOCKS: what a zero in s_num_fc_blks means. */
const DEFAULT_FAST_COMMIT_BLOCKS = 256;
/** JBD2_MIN_JOURNAL_BLOCKS. */
const MIN_BLOCKS = 1024;

export interface JournalSuperblock {
	/** The log goes round in blocks `first` to `last` - 1 of the journal. */
	readonly first: number;
	readonly last: number;
	/** Where the oldest transaction begins; 0 where there is none. */
	readonly start: number;
	readonly sequence: number;
	readonly bit64: boolean;
	readonly csumV3: boolean;
	readonly asyncCommit: boolean;
	/** `journal_checksum` of old: the commit block carries a CRC-32 over the transaction. */
	readonly dataChecksum: boolean;
	/** Undefined where blocks carry no CRC-32C. */
	readonly csumSeed: number | undefined;
	/** Bytes of a tag in a descriptor block, without the UUID that may follow. */
	readonly tagBytes: number;
	readonly fastCommitStart: number | undefined;
}

/**
 * Undefined, and a problem, where the journal cannot be replayed.
 *
 * @param available blocks that the journal's inode has.
 */
export function parseJournalSuperblock(
	bytes: Buffer,
	blockSize: number,
	available: number,
	problems: Problems,
): JournalSuperblock | undefined {
	const refuse = (code: "corrupt" | "unsupported", field: string, found: unknown): undefined => {
		problems.add(code, `the journal is not replayed: its superblock has ${field} ${found}`, {
			structure: "journal_superblock_t",
			field,
			found,
		});
		return undefined;
	};
	const view = viewOf(bytes);
	const magic = bytes.readUInt32BE(0);
	if (magic !== JOURNAL_MAGIC) return refuse("corrupt", "h_magic", `0x${magic.toString(16)}`);
	const type = bytes.readUInt32BE(4);
	if (type !== SUPERBLOCK_V1 && type !== SUPERBLOCK_V2) return refuse("corrupt", "h_blocktype", type);
	const v2 = type === SUPERBLOCK_V2;
	const compat = v2 ? bytes.readUInt32BE(0x24) : 0;
	const incompat = v2 ? bytes.readUInt32BE(0x28) : 0;
	if ((incompat & ~INCOMPAT_KNOWN) !== 0)
		return refuse("unsupported", "s_feature_incompat", `0x${incompat.toString(16)}`);
	if (bytes.readUInt32BE(0x0c) !== blockSize) return refuse("corrupt", "s_blocksize", bytes.readUInt32BE(0x0c));

	const csumV3 = (incompat & INCOMPAT_CSUM_V3) !== 0;
	const csumV2 = (incompat & INCOMPAT_CSUM_V2) !== 0;
	if (csumV2 && csumV3) return refuse("corrupt", "s_feature_incompat", "csum_v2 and csum_v3 at once");
	if (csumV2 || csumV3) {
		if (bytes[0x50] !== CRC32C_TYPE) return refuse("unsupported", "s_checksum_type", bytes[0x50]);
		const crc = crc32cZeroes(crc32c(0xffffffff, view, 0, CHECKSUM_OFFSET), 4);
		if (crc32c(crc, view, CHECKSUM_OFFSET + 4, SUPERBLOCK_SIZE) !== bytes.readUInt32BE(CHECKSUM_OFFSET)) {
			return refuse("corrupt", "s_checksum", `0x${bytes.readUInt32BE(CHECKSUM_OFFSET).toString(16)}, which is wrong`);
		}
	}

	const maxLength = bytes.readUInt32BE(0x10);
	const first = bytes.readUInt32BE(0x14);
	if (maxLength > available) return refuse("corrupt", "s_maxlen", `${maxLength} of ${available} blocks`);
	if (first === 0 || first >= maxLength) return refuse("corrupt", "s_first", first);
	let last = maxLength;
	let fastCommitStart: number | undefined;
	if ((incompat & INCOMPAT_FAST_COMMIT) !== 0) {
		const count = bytes.readUInt32BE(0x54) || DEFAULT_FAST_COMMIT_BLOCKS;
		if (maxLength - count >= MIN_BLOCKS) {
			last = maxLength - count;
			fastCommitStart = last + 1;
		}
	}
	const start = bytes.readUInt32BE(0x1c);
	if (start !== 0 && (start < first || start >= last)) return refuse("corrupt", "s_start", start);
	const bit64 = (incompat & INCOMPAT_64BIT) !== 0;
	return {
		first,
		last,
		start,
		sequence: bytes.readUInt32BE(0x18),
		bit64,
		csumV3,
		asyncCommit: (incompat & INCOMPAT_ASYNC_COMMIT) !== 0,
		dataChecksum: (compat & COMPAT_CHECKSUM) !== 0,
		csumSeed: csumV2 || csumV3 ? crc32c(0xffffffff, view, 0x30, 0x40) : undefined,
		// journal_tag_bytes: v3 has tags of its own; the two bytes more with v2 are a mistake that became the format.
		tagBytes: csumV3 ? 16 : 8 + (bit64 ? 4 : 0) + (csumV2 ? 2 : 0),
		fastCommitStart,
	};
}
