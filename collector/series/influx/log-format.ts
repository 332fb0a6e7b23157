/**
 * The bytes of the backlog's segment files (docs/formats.md, "Backlog of InfluxDB"): a header, then records. A record holds
 * lines of one lane, says by itself where it ends, and whether it is whole. All integers are little-endian.
 *
 *   segment header   "UMBRALNS" | version u32 | position of the file's first byte u64 | CRC of the 20 bytes before u32
 *   record header    "LINE" | bytes u32 | lines u32 | lane u8, three zero bytes | accepted u64 | hours of the first and last
 *                    point i32, i32 | CRC of the lines u32 | CRC of the 36 bytes before u32
 *   record           the header, then `bytes` bytes of lines, each with its line feed
 */
import { crc32 } from "node:zlib";
import { type Lines, MAX_LINE_BYTES } from "./lines.ts";
import type { Hours } from "./turnstile.ts";

export const SEGMENT_HEADER_BYTES = 24;
export const RECORD_HEADER_BYTES = 40;
/** A record is closed once it has this many bytes, so that one line more is all that it can have beyond. */
export const RECORD_BYTES = 512 * 1024;
export const MAX_RECORD_BYTES: number = RECORD_BYTES + MAX_LINE_BYTES;
const VERSION = 1;
const SEGMENT_MAGIC = Buffer.from("UMBRALNS", "latin1");
const RECORD_MAGIC = Buffer.from("LINE", "latin1");

/** What a commit puts into the log. */
export interface LogRecord extends Lines {
	/** Lines of one lane are delivered in their order. */
	readonly lane: number;
	/** Unix milliseconds. */
	readonly acceptedMs: number;
}

/** A record in the log, and the positions where it begins and behind it. */
export interface StoredRecord extends LogRecord {
	readonly position: number;
	readonly next: number;
}

export interface RecordHeader {
	readonly bytes: number;
	readonly lines: number;
	readonly lane: number;
	readonly acceptedMs: number;
	readonly hours: Hours;
	readonly crc: number;
}

export function segmentHeader(first: number): Buffer {
	const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
	SEGMENT_MAGIC.copy(header);
	header.writeUInt32LE(VERSION, 8);
	header.writeBigUInt64LE(BigInt(first), 12);
	header.writeUInt32LE(crc32(header.subarray(0, 20)), 20);
	return header;
}

/** True where `bytes` begin with the header of the segment that starts at position `first`. */
export function isSegmentHeader(bytes: Buffer, first: number): boolean {
	return bytes.length >= SEGMENT_HEADER_BYTES && bytes.subarray(0, SEGMENT_HEADER_BYTES).equals(segmentHeader(first));
}

export function recordHeader({ lane, lines, acceptedMs, hours, payload }: LogRecord): Buffer {
	const header = Buffer.alloc(RECORD_HEADER_BYTES);
	RECORD_MAGIC.copy(header);
	header.writeUInt32LE(payload.length, 4);
	header.writeUInt32LE(lines, 8);
	header.writeUInt8(lane, 12);
	header.writeBigUInt64LE(BigInt(acceptedMs), 16);
	header.writeInt32LE(hours.first, 24);
	header.writeInt32LE(hours.last, 28);
	header.writeUInt32LE(crc32(payload), 32);
	header.writeUInt32LE(crc32(header.subarray(0, 36)), 36);
	return header;
}

/** The record header at `offset`; undefined where there is none that could be true. */
export function parseRecordHeader(bytes: Buffer, offset: number): RecordHeader | undefined {
	if (offset + RECORD_HEADER_BYTES > bytes.length) return undefined;
	const header = bytes.subarray(offset, offset + RECORD_HEADER_BYTES);
	if (!header.subarray(0, 4).equals(RECORD_MAGIC)) return undefined;
	if (crc32(header.subarray(0, 36)) !== header.readUInt32LE(36)) return undefined;
	const length = header.readUInt32LE(4);
	const lines = header.readUInt32LE(8);
	if (length > MAX_RECORD_BYTES || lines === 0 || lines > length) return undefined;
	return {
		bytes: length,
		lines,
		lane: header.readUInt8(12),
		acceptedMs: Number(header.readBigUInt64LE(16)),
		hours: { first: header.readInt32LE(24), last: header.readInt32LE(28) },
		crc: header.readUInt32LE(32),
	};
}

/** Where the next record header might begin, at or behind `offset`; -1 where none does. */
export function findRecord(bytes: Buffer, offset: number): number {
	for (let at = bytes.indexOf(RECORD_MAGIC, offset); at >= 0; at = bytes.indexOf(RECORD_MAGIC, at + 1)) {
		if (parseRecordHeader(bytes, at) !== undefined) return at;
	}
	return -1;
}

export function isPayloadWhole(header: RecordHeader, payload: Buffer): boolean {
	return payload.length === header.bytes && crc32(payload) === header.crc;
}

/** Of a file named by the position of its first byte: 16 hexadecimal digits and `.lines`. */
export function segmentName(first: number): string {
	return `${first.toString(16).padStart(16, "0")}.lines`;
}

/** Undefined for other files. */
export function positionOfSegment(name: string): number | undefined {
	const position = /^[0-9a-f]{16}\.lines$/.test(name) ? Number.parseInt(name, 16) : Number.NaN;
	return Number.isSafeInteger(position) ? position : undefined;
}
