/**
 * Finds the records of a pack that has no (good) trailer. A record counts when its data is what its
 * name says, so nothing that a crash or a guest left behind passes for a chunk that it is not.
 */
import { isUmbraError } from "../../common/errors.ts";
import { type ChunkForm, lookIntoChunk } from "./chunk-form.ts";
import {
	FILE_HEADER_SIZE,
	packMeta,
	parseRecordHeader,
	RECORD_HEADER_SIZE,
	RECORD_MAGIC,
	type RecordHeader,
	TRAILER_ENTRY_SIZE,
	writeTrailerEntry,
} from "./pack-format.ts";

export interface PackScan {
	/** Trailer entries of the good records, in file order. */
	readonly entries: Buffer;
	/** Where the last good record ends (the end of the file header without any): what follows is a torn tail. */
	readonly end: number;
	/** Ranges before `end` that hold no good record: damage, not a torn tail. */
	readonly gaps: readonly { readonly offset: number; readonly length: number }[];
}

/**
 * Scans a whole pack. Damage between good records is stepped over (the next record is found by its
 * magic), since what was flushed behind it must not be lost.
 */
export function scanPack(pack: Buffer, form: ChunkForm): PackScan {
	const found: { header: RecordHeader; offset: number }[] = [];
	const gaps: { offset: number; length: number }[] = [];
	let end = Math.min(FILE_HEADER_SIZE, pack.length);
	let at = end;
	while (at !== -1 && at + RECORD_HEADER_SIZE <= pack.length) {
		const header = goodRecord(pack, at, form);
		if (header === undefined) {
			at = pack.indexOf(RECORD_MAGIC, at + 1);
			continue;
		}
		if (at > end) gaps.push({ offset: end, length: at - end });
		found.push({ header, offset: at });
		at += RECORD_HEADER_SIZE + header.storedLength;
		end = at;
	}
	const entries = Buffer.alloc(found.length * TRAILER_ENTRY_SIZE);
	found.forEach(({ header, offset }, index) => {
		const meta = packMeta(header.encoding, header.storedLength);
		writeTrailerEntry(entries, index * TRAILER_ENTRY_SIZE, header.name, offset, meta);
	});
	return { entries, end, gaps };
}

/** The header of the record at `at`, where header and data are whole and verified. */
export function goodRecord(pack: Buffer, at: number, form: ChunkForm): RecordHeader | undefined {
	// The common case in a damaged region, without the price of an exception.
	if (pack.compare(RECORD_MAGIC, 0, RECORD_MAGIC.length, at, at + RECORD_MAGIC.length) !== 0) return undefined;
	try {
		const header = parseRecordHeader(pack.subarray(at), form.packVersion);
		const start = at + RECORD_HEADER_SIZE;
		if (start + header.storedLength > pack.length) return undefined;
		const stored = pack.subarray(start, start + header.storedLength);
		const plain = lookIntoChunk(form, header.name, header.encoding, stored);
		return plain.length === header.plainLength ? header : undefined;
	} catch (error) {
		if (isUmbraError(error, "corrupt", "truncated")) return undefined;
		throw error;
	}
}
