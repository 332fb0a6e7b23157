/** Snappy's block format (`format_description.txt` of Snappy), in which LevelDB compresses its blocks. */
import { UmbraError } from "../errors.ts";
import { Fields } from "./fields.ts";

/** LevelDB begins another block at 4 KiB; one entry may be larger. */
const MAX_BYTES = 2 ** 28;

/** @throws UmbraError `corrupt`. */
export function unsnappy(bytes: Uint8Array): Uint8Array {
	const fields = new Fields(bytes);
	const size = fields.number();
	if (size > MAX_BYTES) throw new UmbraError("corrupt", `a block of ${size} bytes, wanted at most ${MAX_BYTES}`);
	const plain = Buffer.alloc(size);
	let at = 0;
	const little = (length: number) => fields.bytes(length).reduceRight((value, byte) => value * 256 + byte, 0);
	while (fields.rest > 0) {
		const tag = little(1);
		const kind = tag & 3;
		let length = (tag >>> 2) + 1;
		if (kind === 0) {
			if (length > 60) length = little(length - 60) + 1;
			const literal = fields.bytes(length);
			if (at + length > size) break;
			plain.set(literal, at);
			at += length;
			continue;
		}
		let offset: number;
		if (kind === 1) {
			length = ((tag >>> 2) & 7) + 4;
			offset = (tag >>> 5) * 256 + little(1);
		} else {
			offset = little(kind === 2 ? 2 : 4);
		}
		if (offset === 0 || offset > at || at + length > size) break;
		for (const end = at + length; at < end; at++) plain[at] = plain[at - offset]!;
	}
	if (at !== size || fields.rest > 0) throw new UmbraError("corrupt", "a compressed block that does not fit its size");
	return plain;
}
