/**
 * LevelDB's tables (`doc/table_format.md` of LevelDB): blocks one behind another, each with its compression and its
 * checksum, the last of them saying where the others are, and a footer.
 */
import { isUmbraError, UmbraError } from "../errors.ts";
import { crc32c, masked } from "./crc32c.ts";
import type { FileDamage } from "./damage.ts";
import { Fields } from "./fields.ts";
import { unsnappy } from "./snappy.ts";

const FOOTER = 48;
const MAGIC = 0xdb4775248b80fb57n;
/** Behind each block: how it is compressed, and its checksum. */
const TRAILER = 5;
const PLAIN = 0;
const SNAPPY = 1;

interface Place {
	readonly offset: number;
	readonly size: number;
}

/** Whether every byte of a table is what LevelDB wrote; undefined where it is. */
export function tableDamage(bytes: Buffer): Omit<FileDamage, "file"> | undefined {
	let at: Omit<FileDamage, "file" | "message"> = {
		offset: Math.max(0, bytes.length - FOOTER),
		structure: "table footer",
	};
	const placesOf = (place: Place): Place[] => {
		at = { offset: place.offset, structure: "table block" };
		return placesIn(contentOf(bytes, place));
	};
	try {
		const { meta, index } = footer(bytes);
		const blocks = placesOf(index);
		const filters = placesOf(meta);
		let end = 0;
		for (const place of [...blocks, ...filters, meta, index]) {
			at = { offset: end, structure: "table block" };
			if (place.offset !== end) throw new UmbraError("corrupt", `the next block is at ${place.offset}, wanted ${end}`);
			compression(bytes, place);
			end += place.size + TRAILER;
		}
		at = { offset: end, structure: "table footer" };
		if (end !== bytes.length - FOOTER) throw new UmbraError("corrupt", `blocks end at ${end}`);
		return undefined;
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		return { ...at, message: error.message };
	}
}

function footer(bytes: Buffer): { readonly meta: Place; readonly index: Place } {
	if (bytes.length < FOOTER) throw new UmbraError("truncated", `${bytes.length} bytes, wanted at least ${FOOTER}`);
	const footer = bytes.subarray(-FOOTER);
	if (footer.readBigUInt64LE(FOOTER - 8) !== MAGIC) throw new UmbraError("corrupt", "it is not the end of a table");
	const fields = new Fields(footer);
	const places = { meta: placeOf(fields), index: placeOf(fields) };
	const padding = footer.subarray(fields.at, FOOTER - 8);
	if (padding.some((byte) => byte !== 0)) throw new UmbraError("corrupt", "its padding is not empty");
	return places;
}

function placeOf(fields: Fields): Place {
	return { offset: fields.number(), size: fields.number() };
}

/** Where the blocks are that a block names. */
function placesIn(content: Uint8Array): Place[] {
	const restarts = content.length < 4 ? 0 : Buffer.from(content.subarray(-4)).readUInt32LE(0);
	const end = content.length - 4 * (restarts + 1);
	if (end < 0) throw new UmbraError("corrupt", `${restarts} restarts in a block of ${content.length} bytes`);
	const fields = new Fields(content.subarray(0, end));
	const places: Place[] = [];
	while (fields.rest > 0) {
		fields.number();
		const keyBytes = fields.number();
		const valueBytes = fields.number();
		fields.bytes(keyBytes);
		places.push(placeOf(new Fields(fields.bytes(valueBytes))));
	}
	return places;
}

/** Of a block, where its checksum fits: how it is compressed. */
function compression(bytes: Buffer, { offset, size }: Place): number {
	const end = offset + size;
	if (end + TRAILER > bytes.length - FOOTER) throw new UmbraError("corrupt", "a block beyond the end");
	if (masked(crc32c(bytes, offset, end + 1)) !== bytes.readUInt32LE(end + 1)) {
		throw new UmbraError("corrupt", "the checksum of a block does not fit it");
	}
	return bytes[end]!;
}

function contentOf(bytes: Buffer, place: Place): Uint8Array {
	const kind = compression(bytes, place);
	const content = bytes.subarray(place.offset, place.offset + place.size);
	if (kind === PLAIN) return content;
	if (kind === SNAPPY) return unsnappy(content);
	throw new UmbraError("unsupported", `a block with compression ${kind}`);
}
