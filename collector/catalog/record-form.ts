/**
 * A record as text: `#`, the CRC-32 of its key and its JSON in 8 hexadecimal digits, the JSON. The key is covered, so that
 * what stands under another record's key shows. The schema's record is JSON alone: every version can read it.
 */
import { crc32 } from "node:zlib";
import { UmbraError } from "../../common/errors.ts";
import { keys } from "./keys.ts";

const MARK = "#";
const JSON_AT = 9;

export function encodeRecord(key: string, value: unknown): string {
	const json = JSON.stringify(value);
	return key === keys.schema ? json : marked(key, json);
}

/** @throws UmbraError `corrupt` for what is not as `encodeRecord` made it. */
export function decodeRecord<T>(key: string, text: string): T {
	const json = key === keys.schema ? text : text.slice(JSON_AT);
	if (key !== keys.schema && (text[0] !== MARK || text.slice(1, JSON_AT) !== sumOf(key, json))) {
		throw damaged(key, "is not what was written: its checksum does not fit it");
	}
	try {
		return JSON.parse(json) as T;
	} catch (error) {
		throw damaged(key, "is not JSON", error);
	}
}

/** Of a record without a checksum the same with one; undefined where it has one. */
export function withChecksum(key: string, text: string): string | undefined {
	return text[0] === MARK || key === keys.schema ? undefined : marked(key, text);
}

function marked(key: string, json: string): string {
	return MARK + sumOf(key, json) + json;
}

function sumOf(key: string, json: string): string {
	return crc32(key + json)
		.toString(16)
		.padStart(JSON_AT - 1, "0");
}

function damaged(key: string, what: string, cause?: unknown): UmbraError {
	return new UmbraError("corrupt", `the catalog's record ${key} ${what}`, {
		...(cause === undefined ? {} : { cause }),
		context: { structure: "catalog record", key },
		hint: "`umbra vault check` lists everything that is damaged; restore the catalog from a backup",
	});
}
