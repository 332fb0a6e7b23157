/** The one checksum of XFS version 5: CRC-32C over a whole structure in which the checksum's own field counts as zero. */
import { crc32c } from "../parser/checksum.ts";

/**
 * Whether bytes `start` to `end` match the little-endian checksum at `field`, an offset in `view`. The bytes are as
 * before when it returns.
 */
export function checksumHolds(view: DataView, start: number, end: number, field: number): boolean {
	const found = view.getUint32(field, true);
	// One pass over a structure with the field cleared is faster than three around it.
	view.setUint32(field, 0);
	const crc = ~crc32c(0xffffffff, view, start, end) >>> 0;
	view.setUint32(field, found, true);
	return crc === found;
}

/** Zeroes are passed over in steps of this many bytes. */
const STEP = 16;
/** So much of an inode, its fixed part among it, is added up in any case. */
const MIN_INODE = 192;
/** Steps of 1, 2, 4, ... 128: an inode is at most 2,048 bytes. */
const STEP_LOGS = 8;

/**
 * A CRC is linear: what a run of zero bytes does to it is the sum of what it does to each of its bits. For each length
 * of a run four tables, one a byte of the register, say that.
 */
const ZEROES: readonly Int32Array[] = makeZeroes();

function makeZeroes(): Int32Array[] {
	const zero = new DataView(new ArrayBuffer(STEP));
	const steps: Int32Array[] = [];
	let pass = (crc: number) => crc32c(crc, zero);
	for (let log = 0; log < STEP_LOGS; log++) {
		const table = new Int32Array(4 * 256);
		for (let byte = 0; byte < 4; byte++) {
			for (let value = 1; value < 256; value++) table[byte * 256 + value] = pass(value << (8 * byte));
		}
		steps.push(table);
		pass = (crc) => overStep(table, overStep(table, crc));
	}
	return steps;
}

function overStep(table: Int32Array, crc: number): number {
	return (
		table[crc & 0xff]! ^
		table[0x100 + ((crc >>> 8) & 0xff)]! ^
		table[0x200 + ((crc >>> 16) & 0xff)]! ^
		table[0x300 + (crc >>> 24)]!
	);
}

/**
 * As `checksumHolds`, for an inode of 256 to 2,048 bytes: most of it is zeroes behind the last extent, and to see that
 * they are costs a quarter of what it costs to add them up.
 */
export function inodeChecksumHolds(view: DataView, start: number, size: number, field: number): boolean {
	let end = start + size;
	while (
		end > start + MIN_INODE &&
		(view.getInt32(end - 4) | view.getInt32(end - 8) | view.getInt32(end - 12) | view.getInt32(end - 16)) === 0
	) {
		end -= STEP;
	}
	const steps = (start + size - end) / STEP;
	const found = view.getUint32(field, true);
	view.setUint32(field, 0);
	let crc = crc32c(0xffffffff, view, start, end);
	view.setUint32(field, found, true);
	for (let log = 0; log < STEP_LOGS; log++) if ((steps & (1 << log)) !== 0) crc = overStep(ZEROES[log]!, crc);
	return ~crc >>> 0 === found;
}

/** Sets the checksum that `checksumHolds` wants: for tests that change a structure and want it read all the same. */
export function setChecksum(view: DataView, start: number, end: number, field: number): void {
	view.setUint32(field, 0);
	view.setUint32(field, ~crc32c(0xffffffff, view, start, end) >>> 0, true);
}
