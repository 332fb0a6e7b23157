/**
 * The bytes of a segment file: a header, then records, each of which says by itself where it ends, where
 * it stands in the queue and whether it is whole. All integers are little-endian.
 *
 *   segment header   "UMBRASPL" | version u32 | first position u64 | CRC-32 of the 20 bytes before u32
 *   record header    "CHNK" | CRC-32 of the 52 bytes that follow u32 | position u64 | length u32 |
 *                    encoding u8, three zero bytes | CRC-32 of the data u32 | name 32 bytes
 *   record data      `length` bytes
 */
import { crc32 } from "node:zlib";
import { BLOCK_SIZE, NAME_SIZE } from "../../common/block.ts";

export type Encoding = "raw" | "zstd";

export const SEGMENT_HEADER_BYTES = 24;
export const RECORD_HEADER_BYTES = 60;
/** A chunk is one block, and is stored raw where zstd does not shrink it: nothing longer is ever written or believed. */
export const MAX_CHUNK_BYTES = BLOCK_SIZE;

const SEGMENT_MAGIC = Buffer.from("UMBRASPL", "latin1");
const VERSION = 1;
/** Begins every record; what a scan looks for behind a damaged one. */
export const RECORD_MAGIC = Buffer.from("CHNK", "latin1");
const ENCODINGS: readonly Encoding[] = ["raw", "zstd"];

export interface RecordHeader {
	/** Place in the queue, ascending by one from record to record. */
	readonly position: number;
	/** Bytes of data behind the header, 1 to `MAX_CHUNK_BYTES`. */
	readonly length: number;
	readonly encoding: Encoding;
	readonly dataCrc: number;
	readonly name: Uint8Array;
}

export function encodeSegmentHeader(first: number): Buffer {
	const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
	SEGMENT_MAGIC.copy(bytes);
	bytes.writeUInt32LE(VERSION, 8);
	bytes.writeBigUInt64LE(BigInt(first), 12);
	bytes.writeUInt32LE(crc32(bytes.subarray(0, 20)), 20);
	return bytes;
}

/** True where `bytes` begin as the segment whose first position is `first`. */
export function isSegmentHeader(bytes: Uint8Array, first: number): boolean {
	return encodeSegmentHeader(first).equals(bytes.subarray(0, SEGMENT_HEADER_BYTES));
}

/** Writes header and data at `at`; the caller has made sure that they fit. Returns the record's size. */
export function writeRecord(
	target: Buffer,
	at: number,
	position: number,
	name: Uint8Array,
	encoding: Encoding,
	data: Uint8Array,
): number {
	RECORD_MAGIC.copy(target, at);
	target.writeUInt32LE(position % 2 ** 32, at + 8);
	target.writeUInt32LE(Math.floor(position / 2 ** 32), at + 12);
	target.writeUInt32LE(data.length, at + 16);
	target.writeUInt32LE(ENCODINGS.indexOf(encoding), at + 20);
	target.writeUInt32LE(crc32(data), at + 24);
	target.set(name, at + 28);
	target.writeUInt32LE(crc32(target.subarray(at + 8, at + RECORD_HEADER_BYTES)), at + 4);
	target.set(data, at + RECORD_HEADER_BYTES);
	return RECORD_HEADER_BYTES + data.length;
}

/** The header at `at`, its name a view of `bytes`; undefined where there is no whole and valid one. */
export function parseRecordHeader(bytes: Buffer, at: number): RecordHeader | undefined {
	if (bytes.length - at < RECORD_HEADER_BYTES) return undefined;
	if (RECORD_MAGIC.compare(bytes, at, at + RECORD_MAGIC.length) !== 0) return undefined;
	if (crc32(bytes.subarray(at + 8, at + RECORD_HEADER_BYTES)) !== bytes.readUInt32LE(at + 4)) return undefined;
	const position = bytes.readUInt32LE(at + 8) + bytes.readUInt32LE(at + 12) * 2 ** 32;
	const length = bytes.readUInt32LE(at + 16);
	const encoding = ENCODINGS[bytes.readUInt32LE(at + 20)];
	if (!Number.isSafeInteger(position) || length === 0 || length > MAX_CHUNK_BYTES || encoding === undefined) {
		return undefined;
	}
	const name = bytes.subarray(at + 28, at + 28 + NAME_SIZE);
	return { position, length, encoding, dataCrc: bytes.readUInt32LE(at + 24), name };
}

/** True where `data` is what was written behind `header`. */
export function isDataWhole(header: RecordHeader, data: Uint8Array): boolean {
	return data.length === header.length && crc32(data) === header.dataCrc;
}
