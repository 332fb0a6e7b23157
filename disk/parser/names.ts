/** Names as they stand on disk, which are bytes, as text. */

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * A name as text. Bytes that are not UTF-8 stand as `\xNN`; so do `/` and NUL, which no kernel writes
 * into a name and which would make one file's path look like another's.
 */
export function decodeName(bytes: Buffer, start: number, end: number): string {
	for (let at = start; at < end; at++) {
		const byte = bytes[at]!;
		if (byte >= 0x80 || byte === 0x2f || byte === 0) return decodeOdd(bytes.subarray(start, end), true);
	}
	return bytes.toString("latin1", start, end);
}

/** A symlink's target as text: as a name, but that `/` stands for itself. */
export function decodeTarget(bytes: Uint8Array): string {
	return decodeOdd(bytes, false);
}

function decodeOdd(bytes: Uint8Array, escapeSlash: boolean): string {
	let text = "";
	for (let at = 0; at < bytes.length; ) {
		const byte = bytes[at]!;
		const length = byte < 0x80 ? 1 : byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
		const character = decodeCharacter(bytes.subarray(at, at + length));
		if (character === undefined || (escapeSlash && character === "/") || character === "\0") {
			text += escapeByte(byte);
			at++;
		} else {
			text += character;
			at += length;
		}
	}
	return text;
}

function decodeCharacter(bytes: Uint8Array): string | undefined {
	try {
		return utf8.decode(bytes);
	} catch {
		return undefined; // not UTF-8, which a name need not be
	}
}

/** The name of an encrypted file: its cipher text, with everything but letters, digits, `.`, `_` and `-` escaped. */
export function decodeEncryptedName(bytes: Uint8Array): string {
	let text = "";
	for (const byte of bytes) {
		const character = String.fromCharCode(byte);
		text += /[A-Za-z0-9._-]/.test(character) ? character : escapeByte(byte);
	}
	return text;
}

function escapeByte(byte: number): string {
	return `\\x${byte.toString(16).padStart(2, "0")}`;
}
