/** Names as they stand on disk, which are bytes, as text. */

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

const BACKSLASH = 0x5c;
/** What stands for a byte where it stands in a text. */
const ESCAPE = /\\x(00|2f|5c|[89a-f][0-9a-f])/g;

/** Takes a name that stands in `bytes` from `start` to `end`, and whose it is. */
export type EachEntry = (bytes: Buffer, start: number, end: number, inode: number) => void;

/**
 * A name as text. Bytes that are not UTF-8 stand as `\xNN`; so do `/` and NUL, which no kernel writes
 * into a name and which would make one file's path look like another's, and a backslash that would look
 * like such an escape.
 */
export function decodeName(bytes: Buffer, start: number, end: number): string {
	if (!isPlain(bytes, start, end)) return decodeOdd(bytes.subarray(start, end), true);
	return bytes.toString("latin1", start, end);
}

/** Whether a name is ASCII, and stands for itself. */
export function isPlain(bytes: Buffer, start: number, end: number): boolean {
	for (let at = start; at < end; at++) {
		const byte = bytes[at]!;
		if (byte >= 0x80 || byte === 0x2f || byte === 0 || byte === BACKSLASH) return false;
	}
	return true;
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
		const isEscaped = byte === BACKSLASH && looksEscaped(bytes, at);
		if (character === undefined || (escapeSlash && character === "/") || character === "\0" || isEscaped) {
			text += escapeByte(byte);
			at++;
		} else {
			text += character;
			at += length;
		}
	}
	return text;
}

function looksEscaped(bytes: Uint8Array, at: number): boolean {
	return String.fromCharCode(...bytes.subarray(at, at + 4)).search(ESCAPE) === 0;
}

/** The bytes that `decodeName` or `decodeTarget` made this text of. */
export function encodeName(text: string): Buffer {
	const parts: Buffer[] = [];
	let done = 0;
	for (const { 0: escaped, 1: hex, index } of text.matchAll(ESCAPE)) {
		parts.push(Buffer.from(text.slice(done, index), "utf8"), Buffer.from(hex!, "hex"));
		done = index + escaped.length;
	}
	return Buffer.concat([...parts, Buffer.from(text.slice(done), "utf8")]);
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
