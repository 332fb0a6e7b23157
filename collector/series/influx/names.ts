/**
 * How names stand in InfluxDB. Tag values may be anything, InfluxDB's line protocol cannot say everything: it has no way to
 * write a backslash before a space, or a line break. Such characters stand percent-encoded in the database, so that all that
 * is written is read back as it was; all others, which is all that one ever meets, stand as they are.
 */

/** InfluxDB drops a field of this name without a word. */
const TIME = "time";
const TIME_STORED = "time_ns";

const BACKSLASH = 0x5c;
const PERCENT = 0x25;
const DELETE = 0x7f;
const FIRST_PRINTABLE = 0x20;
/** What `encodeTag` writes; its own percent sign too where it would be read as one of them. */
const ENCODED = /%(?:0[0-9A-F]|1[0-9A-F]|25|5C|7F)/g;
const ENCODED_HERE = new RegExp(ENCODED.source, "y");

/** The field's name in the database. */
export function storedField(name: string): string {
	return name === TIME ? TIME_STORED : name;
}

/** A tag's value as it stands in the database. `decodeTag` undoes it. */
export function encodeTag(value: string): string {
	let encoded = "";
	let plainFrom = 0;
	for (let at = 0; at < value.length; at++) {
		const code = value.charCodeAt(at);
		if (!isEncoded(code, value, at)) continue;
		encoded += `${value.slice(plainFrom, at)}%${code.toString(16).toUpperCase().padStart(2, "0")}`;
		plainFrom = at + 1;
	}
	return plainFrom === 0 ? value : encoded + value.slice(plainFrom);
}

export function decodeTag(stored: string): string {
	if (!stored.includes("%")) return stored;
	return stored.replaceAll(ENCODED, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
}

function isEncoded(code: number, value: string, at: number): boolean {
	if (code !== PERCENT) return code < FIRST_PRINTABLE || code === BACKSLASH || code === DELETE;
	ENCODED_HERE.lastIndex = at;
	return ENCODED_HERE.test(value);
}
