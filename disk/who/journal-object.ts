/**
 * The structures of systemd's journal files: https://systemd.io/JOURNAL_FILE_FORMAT, fields by their names there. All
 * are little-endian and lie at multiples of 8.
 */
import { UmbraError } from "../../common/errors.ts";

export interface JournalHeader {
	readonly isKeyedHash: boolean;
	readonly isCompact: boolean;
	readonly file_id: Buffer;
	readonly data_hash_table_offset: number;
	/** Bytes. */
	readonly data_hash_table_size: number;
	/** 32 hex digits: of the last entry, or of whoever opened the file last. */
	readonly tail_entry_boot_id: string;
}

export interface ObjectHeader {
	readonly type: number;
	readonly flags: number;
	/** Bytes, this header included. */
	readonly size: number;
}

export interface DataObject {
	readonly offset: number;
	readonly flags: number;
	readonly next_hash_offset: number;
	/** The first entry with this data, and an array of the others. */
	readonly entry_offset: number;
	readonly entry_array_offset: number;
	readonly n_entries: number;
	/** Where the payload begins, and how long it is, compressed or not. */
	readonly payload_offset: number;
	readonly payload_size: number;
	/** Of the payload: `NAME=value` of what was hashed. */
	readonly hash: bigint;
}

/** Of the oldest format, which has all fields that are used. */
export const HEADER_SIZE = 208;
export const OBJECT_HEADER_SIZE = 16;
/** Of a data object, compact or not, before its payload. */
export const DATA_HEADER_SIZE = 72;
export const ENTRY_HEADER_SIZE = 64;
export const ARRAY_HEADER_SIZE = 24;
/** One bucket: head and tail of a chain. */
export const HASH_ITEM_SIZE = 16;

export const OBJECT_DATA = 1;
export const OBJECT_ENTRY = 3;
export const OBJECT_ENTRY_ARRAY = 6;

export const COMPRESSED_XZ = 1;
export const COMPRESSED_LZ4 = 2;
export const COMPRESSED_ZSTD = 4;

const SIGNATURE = "LPKSHHRH";
const KEYED_HASH = 4;
const COMPACT = 16;
const KNOWN_INCOMPATIBLE = 1 | 2 | KEYED_HASH | 8 | COMPACT;

/** @throws UmbraError `truncated`, `corrupt`, or `unsupported` for flags of a later format. */
export function parseJournalHeader(bytes: Buffer, path: string): JournalHeader {
	if (bytes.length < HEADER_SIZE) throw wrong("truncated", path, 0, "Header", `${bytes.length} bytes`);
	if (bytes.toString("latin1", 0, 8) !== SIGNATURE) throw wrong("corrupt", path, 0, "Header", "another signature");
	const incompatible = bytes.readUInt32LE(12);
	if ((incompatible & ~KNOWN_INCOMPATIBLE) !== 0) {
		throw wrong("unsupported", path, 12, "Header", `incompatible_flags 0x${incompatible.toString(16)}`);
	}
	const header_size = u64(bytes, 88, path, 88);
	if (header_size < HEADER_SIZE) throw wrong("corrupt", path, 88, "Header", `header_size ${header_size}`);
	return {
		isKeyedHash: (incompatible & KEYED_HASH) !== 0,
		isCompact: (incompatible & COMPACT) !== 0,
		file_id: Buffer.from(bytes.subarray(24, 40)),
		data_hash_table_offset: u64(bytes, 104, path, 104),
		data_hash_table_size: u64(bytes, 112, path, 112),
		tail_entry_boot_id: bytes.toString("hex", 56, 72),
	};
}

/** @param offset of the object in the file, for the error. */
export function parseObjectHeader(bytes: Buffer, path: string, offset: number): ObjectHeader {
	if (bytes.length < OBJECT_HEADER_SIZE) throw wrong("truncated", path, offset, "ObjectHeader", "the end");
	return { type: bytes.readUInt8(0), flags: bytes.readUInt8(1), size: u64(bytes, 8, path, offset + 8) };
}

/** @throws UmbraError `corrupt`, `truncated`. */
export function parseDataObject(bytes: Buffer, path: string, offset: number, isCompact: boolean): DataObject {
	const { type, flags, size } = parseObjectHeader(bytes, path, offset);
	const payload = isCompact ? DATA_HEADER_SIZE : DATA_HEADER_SIZE - 8;
	if (type !== OBJECT_DATA || size <= payload) {
		throw wrong("corrupt", path, offset, "DataObject", `type ${type}, size ${size}`);
	}
	if (bytes.length < payload) throw wrong("truncated", path, offset, "DataObject", "the end");
	return {
		offset,
		flags,
		hash: bytes.readBigUInt64LE(16),
		next_hash_offset: u64(bytes, 24, path, offset + 24),
		entry_offset: u64(bytes, 40, path, offset + 40),
		entry_array_offset: u64(bytes, 48, path, offset + 48),
		n_entries: u64(bytes, 56, path, offset + 56),
		payload_offset: offset + payload,
		payload_size: size - payload,
	};
}

/** @throws UmbraError `corrupt` for what no file can reach. */
export function u64(bytes: Buffer, at: number, path: string, offset: number): number {
	const value = bytes.readUInt32LE(at + 4) * 2 ** 32 + bytes.readUInt32LE(at);
	if (!Number.isSafeInteger(value)) throw wrong("corrupt", path, offset, "le64", "a value beyond 2^53");
	return value;
}

export function wrong(
	code: "corrupt" | "truncated" | "unsupported",
	path: string,
	offset: number,
	structure: string,
	found: string,
): UmbraError {
	return new UmbraError(code, `${path}: journal ${structure} at ${offset}: ${found}`, {
		context: { path, offset, structure, found },
	});
}
