/**
 * Directory blocks, read linearly: the inner nodes of a hashed directory are made to look like empty
 * blocks, so nothing of the hash tree is needed to list.
 * Source: Linux Documentation/filesystems/ext4/directory.rst.
 */
import { crc32c, viewOf } from "../parser/checksum.ts";
import { decodeEncryptedName, decodeName, type EachEntry } from "../parser/names.ts";

const ENTRY_HEADER = 8;
const TAIL_SIZE = 12;
/** EXT4_FT_DIR_CSUM: the type of the fake entry that carries a leaf's checksum. */
const TAIL_TYPE = 0xde;

export interface DirectoryContext {
	/** The encrypt flag of the directory's inode. */
	readonly encrypted: boolean;
	/** Bounds the inode numbers. */
	readonly inodesCount: number;
	/** Zero where leaves carry no checksum, else what it starts from. */
	readonly seed: number;
}

/**
 * Hands over the names of `bytes[start..end)`, without `.` and `..`.
 *
 * Undefined where all was well, else what was wrong; the names before it have been handed over.
 */
export function parseDirectoryBlock(
	bytes: Buffer,
	start: number,
	end: number,
	context: DirectoryContext,
	each: EachEntry,
): string | undefined {
	let fault: string | undefined;
	for (let at = start; at < end; ) {
		if (end - at < ENTRY_HEADER) return `an entry cut short at byte ${at - start}`;
		const inode = (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
		const length = recordLength(bytes[at + 4]! | (bytes[at + 5]! << 8), end - start);
		const name = bytes[at + 6]!;
		if (length < ENTRY_HEADER + name || (length & 3) !== 0 || at + length > end) {
			return `an entry of length ${length} at byte ${at - start}`;
		}
		if (inode > context.inodesCount) {
			fault = `an entry for inode ${inode} at byte ${at - start}`;
		} else if (inode !== 0) {
			const from = at + ENTRY_HEADER;
			const dots = name <= 2 && bytes[from] === 0x2e && (name === 1 || bytes[from + 1] === 0x2e);
			if (name === 0) fault = `an entry without a name at byte ${at - start}`;
			else if (!dots) each(bytes, from, from + name, inode);
		} else if (bytes[at + 7] === TAIL_TYPE && length === TAIL_SIZE && name === 0 && at + length === end) {
			if (context.seed !== 0 && crc32c(context.seed, viewOf(bytes), start, at) !== bytes.readUInt32LE(at + 8))
				fault = "a block that fails its checksum";
		}
		at += length;
	}
	return fault;
}

export function entryName({ encrypted }: DirectoryContext, bytes: Buffer, start: number, end: number): string {
	return encrypted ? decodeEncryptedName(bytes.subarray(start, end)) : decodeName(bytes, start, end);
}

/** The two low bits extend the length for blocks of 64 KiB and more; 65,535 and 0 mean the whole block. */
function recordLength(raw: number, blockSize: number): number {
	if (blockSize < 65536) return raw;
	if (raw === 65535 || raw === 0) return blockSize;
	return (raw & 65532) | ((raw & 3) << 16);
}
