/**
 * The checksums of ext4 and jbd2. All take and return the running register, without the inversions at
 * either end that the usual CRC functions add, because the formats chain them (the kernel's
 * `ext4_chksum` and `jbd2_chksum`).
 */
import { type Checksummer, LONGEST_SUMMED, makeChecksummer } from "./checksum-kernel.ts";

/** Sixteen tables for slicing over a reflected polynomial, end to end: table k advances a byte by k further bytes. */
function reflectedTables(polynomial: number): Int32Array {
	const tables = new Int32Array(16 * 256);
	for (let byte = 0; byte < 256; byte++) {
		let value = byte;
		for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? polynomial : 0);
		tables[byte] = value;
	}
	for (let at = 256; at < tables.length; at++) {
		const value = tables[at - 256]!;
		tables[at] = (value >>> 8) ^ tables[value & 0xff]!;
	}
	return tables;
}

const T = reflectedTables(0x82f63b78);

/** Twice as fast over a DataView's 32-bit words as over an array's bytes; a view is cheap where there is none yet. */
export function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

let fast: Checksummer | undefined;

/** @returns memory of `bytes` bytes: of what stands in it, CRC-32C takes two thirds of the time. To be called once. */
export function makeFastMemory(bytes: number): Uint8Array<ArrayBuffer> {
	fast = makeChecksummer(T, bytes);
	return new Uint8Array(fast.buffer, fast.reserved, bytes);
}

/** CRC-32C (Castagnoli) over bytes `start` to `end` of `view`, going on from `crc`. */
export function crc32c(crc: number, view: DataView, start = 0, end = view.byteLength): number {
	if (view.buffer === fast?.buffer) return fast.add(crc, view.byteOffset + start, view.byteOffset + end) >>> 0;
	let value = crc | 0;
	let at = start;
	for (const last = end - 15; at < last; at += 16) {
		const a = value ^ view.getInt32(at, true);
		const b = view.getInt32(at + 4, true);
		const c = view.getInt32(at + 8, true);
		const d = view.getInt32(at + 12, true);
		value =
			T[0xf00 + (a & 0xff)]! ^
			T[0xe00 + ((a >>> 8) & 0xff)]! ^
			T[0xd00 + ((a >>> 16) & 0xff)]! ^
			T[0xc00 + (a >>> 24)]! ^
			T[0xb00 + (b & 0xff)]! ^
			T[0xa00 + ((b >>> 8) & 0xff)]! ^
			T[0x900 + ((b >>> 16) & 0xff)]! ^
			T[0x800 + (b >>> 24)]! ^
			T[0x700 + (c & 0xff)]! ^
			T[0x600 + ((c >>> 8) & 0xff)]! ^
			T[0x500 + ((c >>> 16) & 0xff)]! ^
			T[0x400 + (c >>> 24)]! ^
			T[0x300 + (d & 0xff)]! ^
			T[0x200 + ((d >>> 8) & 0xff)]! ^
			T[0x100 + ((d >>> 16) & 0xff)]! ^
			T[d >>> 24]!;
	}
	for (; at < end; at++) value = (value >>> 8) ^ T[(value ^ view.getUint8(at)) & 0xff]!;
	return value >>> 0;
}

/**
 * As `crc32c`, for an inode: most of it is zeroes at the end, and to see that they are costs a fraction of what it costs
 * to add them up.
 *
 * @param least up to here it is added up in any case.
 */
export function crc32cOfInode(crc: number, view: DataView, start: number, least: number, end: number): number {
	if (view.buffer !== fast?.buffer) return crc32c(crc, view, start, end);
	const { byteOffset } = view;
	return fast.addPadded(crc, byteOffset + start, byteOffset + least, byteOffset + end) >>> 0;
}

/**
 * Whether these structures, of `size` bytes and one behind another from `at`, match their checksums: CRC-32C with both
 * inversions over all of a structure, in which the checksum itself, little-endian at `field`, counts as zeroes. It takes
 * a fraction of the time that each would take alone. False also where it cannot be told at once: then they are
 * to be looked at one by one.
 *
 * @param used a bit for each that is looked at, the lowest for the first.
 */
export function manyChecksumsHold(view: DataView, at: number, size: number, field: number, used: number): boolean {
	if (view.buffer !== fast?.buffer || size % 64 !== 0 || size > LONGEST_SUMMED) return false;
	if (size !== ofZeroes.size) ofZeroes = { size, checksum: ~crc32cZeroes(0xffffffff, size) };
	return fast.sumOfMany(view.byteOffset + at, size, field, used, ofZeroes.checksum) === 0;
}

let ofZeroes = { size: 0, checksum: 0 };

/** CRC-32C over `count` zero bytes: what a checksum field counts as while its own checksum is made. */
export function crc32cZeroes(crc: number, count: number): number {
	let value = crc;
	for (let i = 0; i < count; i++) value = (value >>> 8) ^ T[value & 0xff]!;
	return value >>> 0;
}

/** CRC-32C over a 32-bit little-endian number. */
export function crc32cWord(crc: number, word: number): number {
	const value = crc ^ word;
	return (
		(T[0x300 + (value & 0xff)]! ^
			T[0x200 + ((value >>> 8) & 0xff)]! ^
			T[0x100 + ((value >>> 16) & 0xff)]! ^
			T[value >>> 24]!) >>>
		0
	);
}

const CRC16 = new Uint16Array(256);
for (let byte = 0; byte < 256; byte++) {
	let value = byte;
	for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0xa001 : 0);
	CRC16[byte] = value;
}

/** CRC-16 (polynomial 0x8005, reflected), for the group descriptors of `uninit_bg` filesystems. */
export function crc16(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
	let value = crc;
	for (let at = start; at < end; at++) value = (value >>> 8) ^ CRC16[(value ^ bytes[at]!) & 0xff]!;
	return value;
}

const CRC32_BE = new Uint32Array(256);
for (let byte = 0; byte < 256; byte++) {
	let value = byte << 24;
	for (let bit = 0; bit < 8; bit++) value = (value << 1) ^ (value & 0x80000000 ? 0x04c11db7 : 0);
	CRC32_BE[byte] = value;
}

/** CRC-32 (polynomial 0x04c11db7, most significant bit first), for `journal_checksum` commit blocks. */
export function crc32be(crc: number, bytes: Uint8Array, start = 0, end = bytes.length): number {
	let value = crc;
	for (let at = start; at < end; at++) value = (value << 8) ^ CRC32_BE[((value >>> 24) ^ bytes[at]!) & 0xff]!;
	return value >>> 0;
}
