/** Names as they stand on disk, which are UTF-16 code units, as text. */

/** A name has at most 255 units; a stream's too. */
const scratch = Buffer.alloc(256);
const BACKSLASH_X = "\\x";

/**
 * `units` UTF-16 units from `at` as text. Half surrogate pairs, which NTFS allows, stand as the bytes that they would
 * be in WTF-8, each as `\xNN`; so do `/` and NUL, and the dots of `.` and `..`: none of them is in a name that Windows
 * writes, and each would make one file's path look like another's.
 */
export function decodeName(bytes: Buffer, at: number, units: number): string {
	if (units > 255) return decodeOdd(bytes, at, units);
	for (let i = 0; i < units; i++) {
		const low = bytes[at + 2 * i]!;
		if (bytes[at + 2 * i + 1] !== 0 || low >= 0x80 || low === 0x2f || low === 0) return decodeOdd(bytes, at, units);
		scratch[i] = low;
	}
	if (units <= 2 && scratch[0] === 0x2e && (units === 1 || scratch[1] === 0x2e))
		return `${BACKSLASH_X}2e`.repeat(units);
	return scratch.toString("latin1", 0, units);
}

function decodeOdd(bytes: Buffer, at: number, units: number): string {
	const text = bytes.toString("utf16le", at, at + 2 * units);
	if (text.isWellFormed() && !/[/\0]/.test(text)) return text;
	let safe = "";
	for (const character of text) {
		const code = character.codePointAt(0)!;
		if (code === 0 || code === 0x2f) safe += escapeByte(code);
		else if (code >= 0xd800 && code <= 0xdfff) {
			safe +=
				escapeByte(0xe0 | (code >>> 12)) + escapeByte(0x80 | ((code >>> 6) & 63)) + escapeByte(0x80 | (code & 63));
		} else safe += character;
	}
	return safe;
}

function escapeByte(byte: number): string {
	return BACKSLASH_X + byte.toString(16).padStart(2, "0");
}
