/** Names as they stand on disk: code page 437 in short names, UTF-16 in long ones. */

/** Bytes 0x80 to 0xff of code page 437, the default of Linux and of most Windows installations. */
const CP437 =
	"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀" +
	"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00a0";

const UPPER: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
	byte < 0x80 ? String.fromCharCode(byte) : CP437[byte - 0x80]!,
);
/** A letter whose small form is not in the code page stays as it is. */
const LOWER: readonly string[] = UPPER.map((character) => {
	const lower = character.toLowerCase();
	return UPPER.includes(lower) ? lower : character;
});

const BASE_LENGTH = 8;
const EXTENSION_LENGTH = 3;
/** Windows NT's marks that a part of a short name is in small letters. */
const LOWER_BASE = 0x08;
const LOWER_EXTENSION = 0x10;

/** A field of a short name: ends at the first NUL, trailing blanks are padding. */
export function decodeShort(bytes: Buffer, at: number, length: number, letters = UPPER): string {
	let text = "";
	let end = 0;
	for (let i = 0; i < length; i++) {
		const byte = bytes[at + i]!;
		if (byte === 0) break;
		// Where 0xe5 would mark a deleted entry, 0x05 stands for it.
		text += i === 0 && byte === 0x05 ? letters[0xe5]! : letters[byte]!;
		if (byte !== 0x20) end = text.length;
	}
	return text.slice(0, end);
}

/** The name of the short entry at `at`, in the letters that Windows NT's marks ask for, as Linux and Windows show it. */
export function decodeShortName(bytes: Buffer, at: number): string {
	const marks = bytes[at + 12]!;
	const base = decodeShort(bytes, at, BASE_LENGTH, (marks & LOWER_BASE) !== 0 ? LOWER : UPPER);
	const lower = (marks & LOWER_EXTENSION) !== 0 ? LOWER : UPPER;
	const extension = decodeExtension(bytes, at + BASE_LENGTH, lower);
	const name = extension === "" ? base : `${base}.${extension}`;
	// Blanks alone, which no driver writes, would make the file's path its directory's.
	return name === "" ? escapeByte(0x20) : tame(name);
}

function decodeExtension(bytes: Buffer, at: number, letters: readonly string[]): string {
	let text = "";
	let end = 0;
	for (let i = 0; i < EXTENSION_LENGTH; i++) {
		const byte = bytes[at + i]!;
		if (byte === 0) break;
		text += letters[byte]!;
		if (byte !== 0x20) end = text.length;
	}
	return text.slice(0, end);
}

/** Of the eleven bytes of a short name; every part of the long name carries it. */
export function shortChecksum(bytes: Buffer, at: number): number {
	let sum = 0;
	for (let i = 0; i < BASE_LENGTH + EXTENSION_LENGTH; i++) {
		sum = (((sum & 1) << 7) + (sum >>> 1) + bytes[at + i]!) & 0xff;
	}
	return sum;
}

/** UTF-16 as text. A surrogate without its other half stands as the `\xNN` of the three bytes that UTF-8 would give it. */
export function decodeUtf16(units: Uint16Array, length: number): string {
	const text = String.fromCharCode(...units.subarray(0, length));
	return tame(text.isWellFormed() ? text : escapeSurrogates(text));
}

function escapeSurrogates(text: string): string {
	return text.replace(/\p{Surrogate}/gu, (half) => {
		const unit = half.charCodeAt(0);
		return [0xe0 | (unit >>> 12), 0x80 | ((unit >>> 6) & 0x3f), 0x80 | (unit & 0x3f)].map(escapeByte).join("");
	});
}

/** Names that would leave their directory, or cut a path short, escaped: no driver writes them. */
function tame(name: string): string {
	if (name === "." || name === "..") return name.replaceAll(".", "\\x2e");
	if (!name.includes("/") && !name.includes("\0")) return name;
	return name.replaceAll("/", "\\x2f").replaceAll("\0", "\\x00");
}

function escapeByte(byte: number): string {
	return `\\x${byte.toString(16).padStart(2, "0")}`;
}
