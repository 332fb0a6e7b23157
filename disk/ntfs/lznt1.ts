/**
 * LZNT1, the compression of NTFS: chunks of 4 KiB, each on its own, of literals and of references back into the
 * chunk whose split between distance and length moves with the place.
 * Source: Microsoft's [MS-XCA] 2.5, "LZNT1 Algorithm Details".
 */

const CHUNK_SIZE = 4096;

/**
 * Decodes `packed` into `out`, which is zeroes where the chunks end early.
 *
 * @returns undefined, or what is wrong, in words; what stood before the fault is in `out`.
 */
export function decodeLznt1(packed: Uint8Array, out: Uint8Array): string | undefined {
	let at = 0;
	for (let start = 0; start < out.length && at + 2 <= packed.length; start += CHUNK_SIZE) {
		const header = packed[at]! | (packed[at + 1]! << 8);
		if (header === 0) return undefined;
		at += 2;
		const end = at + (header & 0xfff) + 1;
		if (end > packed.length) return `a chunk of ${end - at} bytes where ${packed.length - at} are left`;
		const limit = Math.min(start + CHUNK_SIZE, out.length);
		if ((header & 0x8000) === 0) {
			out.set(packed.subarray(at, Math.min(end, at + limit - start)), start);
		} else {
			const fault = decodeChunk(packed, at, end, out, start, limit);
			if (fault !== undefined) return fault;
		}
		at = end;
	}
	return undefined;
}

function decodeChunk(
	packed: Uint8Array,
	from: number,
	end: number,
	out: Uint8Array,
	start: number,
	limit: number,
): string | undefined {
	let at = from;
	let to = start;
	// Bits of a reference that are the length; the more of the chunk there is, the more the distance needs.
	let lengthBits = 12;
	while (at < end) {
		let flags = packed[at++]!;
		for (let bit = 0; bit < 8 && at < end; bit++, flags >>>= 1) {
			if ((flags & 1) === 0) {
				if (to >= limit) return "a chunk that is longer than 4 KiB";
				out[to++] = packed[at++]!;
				continue;
			}
			if (at + 2 > end) return "a reference that is cut off";
			const reference = packed[at]! | (packed[at + 1]! << 8);
			at += 2;
			while (lengthBits > 4 && to - start > 1 << (16 - lengthBits)) lengthBits--;
			const distance = (reference >>> lengthBits) + 1;
			const length = (reference & ((1 << lengthBits) - 1)) + 3;
			if (distance > to - start) return `a reference ${distance} bytes back from byte ${to - start}`;
			if (to + length > limit) return "a chunk that is longer than 4 KiB";
			if (distance >= length) {
				out.copyWithin(to, to - distance, to - distance + length);
				to += length;
			} else {
				for (let left = length; left > 0; left--, to++) out[to] = out[to - distance]!;
			}
		}
	}
	return undefined;
}
