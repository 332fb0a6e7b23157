/**
 * Extended attributes, as far as they hold file content (inline data) or name inodes that hold their
 * values (ea_inode).
 * Source: Linux Documentation/filesystems/ext4/attributes.rst and inlinedata.rst.
 */
import { EXT4_INLINE_DATA_FL, type Ext, I_BLOCK_OFFSET, I_BLOCK_SIZE, inodeFlags } from "./inode.ts";

const ATTRIBUTE_MAGIC = 0xea020000;
const BLOCK_HEADER_SIZE = 32;
const ENTRY_SIZE = 16;
const GOOD_OLD_INODE_SIZE = 128;
/** EXT4_XATTR_INDEX_SYSTEM with the name "data": the part of inline data that i_block has no room for. */
const INDEX_SYSTEM = 7;

interface Attribute {
	readonly index: number;
	readonly name: string;
	/** Zero where the value stands here. */
	readonly valueInode: number;
	readonly valueOffset: number;
	readonly valueSize: number;
}

function* entries(bytes: Buffer, first: number, valueBase: number, end: number): Generator<Attribute> {
	for (let at = first; at + ENTRY_SIZE <= end && bytes.readUInt32LE(at) !== 0; ) {
		const nameLength = bytes[at]!;
		if (at + ENTRY_SIZE + nameLength > end) return;
		yield {
			index: bytes[at + 1]!,
			name: bytes.toString("latin1", at + ENTRY_SIZE, at + ENTRY_SIZE + nameLength),
			valueInode: bytes.readUInt32LE(at + 4),
			valueOffset: valueBase + bytes.readUInt16LE(at + 2),
			valueSize: bytes.readUInt32LE(at + 8),
		};
		at += (ENTRY_SIZE + nameLength + 3) & ~3;
	}
}

/** The attributes that stand in the inode itself, behind its fields. */
function inodeEntries(ext: Ext, bytes: Buffer, at: number): Generator<Attribute> | readonly Attribute[] {
	const { inodeSize } = ext.superblock;
	if (inodeSize <= GOOD_OLD_INODE_SIZE) return [];
	const start = GOOD_OLD_INODE_SIZE + bytes.readUInt16LE(at + GOOD_OLD_INODE_SIZE);
	if (start + 4 > inodeSize || start % 4 !== 0 || bytes.readUInt32LE(at + start) !== ATTRIBUTE_MAGIC) return [];
	return entries(bytes, at + start + 4, at + start + 4, at + inodeSize);
}

/** Inodes that hold values of this inode's own attributes. */
export function valueInodesOfInode(ext: Ext, bytes: Buffer, at: number): number[] {
	return [...inodeEntries(ext, bytes, at)].map((entry) => entry.valueInode).filter((inode) => inode !== 0);
}

/** Inodes that hold values of the attributes in the block at `at`; none where it is no attribute block. */
export function valueInodesOfBlock(ext: Ext, bytes: Buffer, at: number): number[] {
	if (bytes.readUInt32LE(at) !== ATTRIBUTE_MAGIC) return [];
	const found = entries(bytes, at + BLOCK_HEADER_SIZE, at, at + ext.superblock.blockSize);
	return [...found].map((entry) => entry.valueInode).filter((inode) => inode !== 0);
}

/**
 * The content of an inode whose data stands in it: i_block, then the system.data attribute.
 * For a directory the first four bytes are its parent's number, then two lists of entries follow.
 *
 * Undefined where the inode has no inline data.
 */
export function inlineData(
	ext: Ext,
	bytes: Buffer,
	view: DataView,
	at: number,
): { readonly head: Buffer; readonly rest: Buffer } | undefined {
	if ((inodeFlags(view, at) & EXT4_INLINE_DATA_FL) === 0) return undefined;
	const head = bytes.subarray(at + I_BLOCK_OFFSET, at + I_BLOCK_OFFSET + I_BLOCK_SIZE);
	for (const entry of inodeEntries(ext, bytes, at)) {
		if (entry.index !== INDEX_SYSTEM || entry.name !== "data") continue;
		const end = entry.valueOffset + entry.valueSize;
		if (entry.valueInode === 0 && end <= at + ext.superblock.inodeSize) {
			return { head, rest: bytes.subarray(entry.valueOffset, end) };
		}
		ext.problems.add("corrupt", "inline data that reaches beyond its inode", {
			structure: "ext4_xattr_entry",
			offset: at,
		});
	}
	return { head, rest: Buffer.alloc(0) };
}
