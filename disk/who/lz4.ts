/** LZ4 blocks: `doc/lz4_Block_format.md` of the lz4 project. */
import { UmbraError } from "../../common/errors.ts";

/** Matches are at least this long. */
const MIN_MATCH = 4;

/**
 * The plain bytes of a block.
 *
 * @param size how many they are; it sets the memory that is taken.
 * @throws UmbraError `corrupt` where the block is damaged or gives another size.
 */
export function decodeLz4Block(block: Buffer, size: number): Buffer {
	const plain = Buffer.alloc(size);
	let [from, to] = [0, 0];
	/** A count that a nibble began, in further bytes while these are 255. */
	const count = (nibble: number): number => {
		let value = nibble;
		for (let more = nibble === 15; more; ) {
			const byte = block[from++];
			if (byte === undefined) throw damaged(from, "a length without an end");
			value += byte;
			more = byte === 255;
		}
		return value;
	};
	for (;;) {
		const token = block[from++];
		if (token === undefined) throw damaged(from, "no end");
		const literals = count(token >> 4);
		if (literals > block.length - from || literals > size - to) throw damaged(from, `${literals} literals`);
		block.copy(plain, to, from, from + literals);
		from += literals;
		to += literals;
		if (from === block.length) break;
		if (block.length - from < 2) throw damaged(from, "half an offset");
		const offset = block.readUInt16LE(from);
		from += 2;
		const length = count(token & 15) + MIN_MATCH;
		if (offset === 0 || offset > to || length > size - to) throw damaged(from, `${length} bytes from ${offset} before`);
		// Byte by byte: a match may overlap what it makes.
		for (const end = to + length; to < end; to++) plain[to] = plain[to - offset]!;
	}
	if (to !== size) throw damaged(from, `${to} bytes instead of ${size}`);
	return plain;
}

function damaged(offset: number, found: string): UmbraError {
	return new UmbraError("corrupt", `LZ4 block: ${found} at ${offset}`, {
		context: { structure: "LZ4 block", offset, found },
	});
}
