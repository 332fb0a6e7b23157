/**
 * LevelDB's log format (`doc/log_format.md` of LevelDB), in which its logs and its MANIFEST are written: blocks of 32 KiB
 * with records of checksum, length, type and data. LevelDB itself passes over what does not hold, and what follows in
 * that block, without a word.
 */
import { crc32c, masked } from "./crc32c.ts";

const BLOCK = 32_768;
const HEADER = 7;
/** What a disk writes at once; parts of a file that a power cut kept from it are zeroes in such units. */
const SECTOR = 512;

const FULL = 1;
const FIRST = 2;
const LAST = 4;

export interface LogContent {
	/** Whole records, in their order. */
	readonly records: readonly Uint8Array[];
	/** The first place that was written whole, and is not what was written; undefined where there is none. */
	readonly damage: { readonly offset: number; readonly message: string } | undefined;
}

/** Zeroes at the end of what a crash tore. Records of logs end in text, those of a MANIFEST in a key, with up to 7. */
const ZEROES = { log: 1, manifest: 16 } as const;

/**
 * Reads a log up to its end, to where a crash tore it, or to where it is damaged. What a crash leaves (less than was to be
 * written, or zeroes) was never acknowledged, and is no damage.
 */
export function readLog(bytes: Uint8Array, kind: keyof typeof ZEROES): LogContent {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const records: Uint8Array[] = [];
	let fragments: Uint8Array[] = [];
	let at = 0;
	while (bytes.length - at >= HEADER) {
		const room = BLOCK - (at % BLOCK);
		if (room < HEADER) {
			at += room;
			continue;
		}
		const sum = view.getUint32(at, true);
		const length = view.getUint16(at + 4, true);
		const type = bytes[at + 6]!;
		const start = at + HEADER;
		const end = start + length;
		if (length > room - HEADER || end > bytes.length || masked(crc32c(bytes, at + 6, end)) !== sum) {
			const damage = isTorn(bytes, { at, sum, length, room: room - HEADER }, ZEROES[kind])
				? undefined
				: { offset: at, message: "the checksum of a record does not fit it" };
			return { records, damage };
		}
		if (type === FULL || type === FIRST) fragments = [];
		fragments.push(bytes.subarray(start, end));
		if (type === FULL || type === LAST) records.push(fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments));
		at = end;
	}
	return { records, damage: undefined };
}

interface Header {
	/** Where it begins. */
	readonly at: number;
	readonly sum: number;
	readonly length: number;
	/** For the data of a record, in this block. */
	readonly room: number;
}

/** Whether a crash can have left a record that does not hold as it is. */
function isTorn(bytes: Uint8Array, { at, sum, length, room }: Header, zeroes: number): boolean {
	const start = at + HEADER;
	const rest = bytes.length - start;
	// It goes on behind the end, or so it seems where one bit of its length is another.
	for (let bit = 1; bit < BLOCK; bit <<= 1) {
		const other = length ^ bit;
		if (other <= Math.min(rest, room) && masked(crc32c(bytes, at + 6, start + other)) === sum) return false;
	}
	if (length <= room && length > rest) return true;
	const isEmptyAtEnd = bytes.subarray(-zeroes).every((byte) => byte === 0);
	return isEmptyAtEnd || hasEmptySector(bytes, at, Math.min(bytes.length, start + room));
}

function hasEmptySector(bytes: Uint8Array, from: number, to: number): boolean {
	for (let at = Math.ceil(from / SECTOR) * SECTOR; at + SECTOR <= to; at += SECTOR) {
		if (bytes.subarray(at, at + SECTOR).every((byte) => byte === 0)) return true;
	}
	return false;
}
