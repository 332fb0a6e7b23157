/** CRC-32C, as LevelDB guards its logs and blocks. */

/** Reversed. */
const POLYNOMIAL = 0x82f63b78;
/** Eight bytes at once: a kilobyte of table for each. */
const SLICES = 8;
// Signed, so that the engine keeps to integers.
const TABLE = makeTable();

function makeTable(): Int32Array {
	const table = new Int32Array(SLICES * 256);
	for (let byte = 0; byte < 256; byte++) {
		let crc = byte;
		for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 0 ? crc >>> 1 : (crc >>> 1) ^ POLYNOMIAL;
		table[byte] = crc;
	}
	for (let at = 256; at < table.length; at++) {
		const before = table[at - 256]!;
		table[at] = (before >>> 8) ^ table[before & 255]!;
	}
	return table;
}

/** Of `bytes` from `start` to `end`, behind those whose sum is `before`. */
export function crc32c(bytes: Uint8Array, start: number, end: number, before = 0): number {
	const table = TABLE;
	let crc = ~before;
	let at = start;
	for (const last = end - SLICES; at <= last; at += SLICES) {
		crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
		crc =
			table[1792 + (crc & 255)]! ^
			table[1536 + ((crc >>> 8) & 255)]! ^
			table[1280 + ((crc >>> 16) & 255)]! ^
			table[1024 + (crc >>> 24)]! ^
			table[768 + bytes[at + 4]!]! ^
			table[512 + bytes[at + 5]!]! ^
			table[256 + bytes[at + 6]!]! ^
			table[bytes[at + 7]!]!;
	}
	for (; at < end; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 255]!;
	return ~crc >>> 0;
}

/** As LevelDB writes it down, so that a sum over sums stays a good one. */
export function masked(crc: number): number {
	return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
