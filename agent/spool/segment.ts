/** One segment file: what is known of it in memory, and how that is read back from the bytes. */
import type { FileHandle } from "node:fs/promises";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { NAME_SIZE } from "../../common/block.ts";
import { translateFileError } from "./file-error.ts";
import {
	isDataWhole,
	isSegmentHeader,
	parseRecordHeader,
	RECORD_HEADER_BYTES,
	RECORD_MAGIC,
	type RecordHeader,
	SEGMENT_HEADER_BYTES,
} from "./record.ts";

/** How far a scan reads at once while it looks for the next record behind a damaged one. */
const SEARCH_BYTES = 1 << 20;

/** A chunk's name as a key: 32 characters of one byte each. */
export type NameKey = string;

export function nameKey(name: Uint8Array): NameKey {
	return Buffer.from(name.buffer, name.byteOffset, NAME_SIZE).toString("latin1");
}

/** What memory holds of one segment: about 120 bytes a chunk, the name included. */
export class Segment {
	readonly path: string;
	/** Position of the first record. */
	readonly first: number;
	/** By position minus `first`; undefined where the record is damaged. */
	readonly names: (NameKey | undefined)[] = [];
	readonly offsets: number[] = [];
	readonly lengths: number[] = [];
	/** Size of the file once everything that is buffered for it is written. */
	bytes: number;
	#reader: Promise<FileHandle> | undefined;
	/** How many records, from the first, are in the file and can be read. */
	readable = 0;

	constructor(path: string, first: number, bytes = SEGMENT_HEADER_BYTES) {
		this.path = path;
		this.first = first;
		this.bytes = bytes;
	}

	/** One past the last position. */
	get end(): number {
		return this.first + this.names.length;
	}

	/** The file for reading, opened once: what is read is near the head of the queue, so few are open at a time. */
	reader(): Promise<FileHandle> {
		if (this.#reader === undefined) {
			const opening = open(this.path, "r");
			opening.catch(() => {
				this.#reader = undefined;
			});
			this.#reader = opening;
		}
		return this.#reader;
	}

	/** Waits for reads under way. */
	async closeReader(): Promise<void> {
		const reader = this.#reader;
		this.#reader = undefined;
		await (await reader?.catch(() => undefined))?.close();
	}

	push(name: NameKey | undefined, offset: number, length: number): void {
		this.names.push(name);
		this.offsets.push(offset);
		this.lengths.push(length);
	}
}

const FILE_NAME = /^([0-9a-f]{14})\.seg$/;

/** Names sort as positions do: 14 hexadecimal digits hold every safe integer. */
export function segmentPath(folder: string, first: number): string {
	return join(folder, `${first.toString(16).padStart(14, "0")}.seg`);
}

/** The first position that a file name says; undefined where it is not a segment's. */
export function positionOfFile(name: string): number | undefined {
	const digits = FILE_NAME.exec(name)?.[1];
	if (digits === undefined) return undefined;
	const first = Number.parseInt(digits, 16);
	return Number.isSafeInteger(first) ? first : undefined;
}

/** A range of a segment file that holds no record which can be trusted. */
export interface Damage {
	readonly offset: number;
	readonly bytes: number;
}

export interface ScannedSegment {
	readonly segment: Segment;
	/** Ranges in the middle. */
	readonly damage: readonly Damage[];
	/** Where the last whole record ends; behind it lies a torn one if the file is longer. */
	readonly wholeBytes: number;
	readonly fileBytes: number;
}

/**
 * Reads the headers of every record, and with `checkData` the data too: for the segment that was written last,
 * the only one that a crash can tear (each is synced before the next is begun).
 *
 * @throws UmbraError `unavailable` where the file cannot be read.
 */
export async function scanSegment(
	path: string,
	first: number,
	checkData: boolean,
	signal?: AbortSignal,
): Promise<ScannedSegment> {
	try {
		await using handle = await open(path, "r");
		const fileBytes = (await handle.stat()).size;
		return await scan(handle, path, first, fileBytes, checkData, signal);
	} catch (error) {
		throw translateFileError(error, "read the spool segment", path);
	}
}

async function scan(
	handle: FileHandle,
	path: string,
	first: number,
	fileBytes: number,
	checkData: boolean,
	signal: AbortSignal | undefined,
): Promise<ScannedSegment> {
	const segment = new Segment(path, first, fileBytes);
	const damage: Damage[] = [];
	const buffer = Buffer.allocUnsafe(SEARCH_BYTES);
	let wholeBytes = 0;
	let offset = 0;
	const head = await readAt(handle, buffer, 0, SEGMENT_HEADER_BYTES);
	if (isSegmentHeader(head, first)) {
		offset = SEGMENT_HEADER_BYTES;
		wholeBytes = SEGMENT_HEADER_BYTES;
	}
	while (offset < fileBytes) {
		signal?.throwIfAborted();
		const found = await recordAt(handle, buffer, offset, segment, fileBytes, checkData);
		if (found !== undefined) {
			// A gap in the positions is what stood in the damaged range: it keeps its places, without names.
			while (segment.end < found.position) segment.push(undefined, offset, 0);
			segment.push(nameKey(found.name), offset, found.length);
			offset += RECORD_HEADER_BYTES + found.length;
			wholeBytes = offset;
			continue;
		}
		const next = await nextRecord(handle, buffer, offset + 1, segment, fileBytes, checkData, signal);
		if (next === undefined) break; // Nothing whole follows: a torn tail.
		damage.push({ offset, bytes: next - offset });
		offset = next;
	}
	segment.readable = segment.names.length;
	return { segment, damage, wholeBytes, fileBytes };
}

async function readAt(handle: FileHandle, buffer: Buffer, offset: number, length: number): Promise<Buffer> {
	let filled = 0;
	while (filled < length) {
		const { bytesRead } = await handle.read(buffer, filled, length - filled, offset + filled);
		if (bytesRead === 0) break;
		filled += bytesRead;
	}
	return buffer.subarray(0, filled);
}

/** The record at `offset` if it is whole and can stand at this place of the queue. */
async function recordAt(
	handle: FileHandle,
	buffer: Buffer,
	offset: number,
	segment: Segment,
	fileBytes: number,
	checkData: boolean,
): Promise<RecordHeader | undefined> {
	const header = parseRecordHeader(await readAt(handle, buffer, offset, RECORD_HEADER_BYTES), 0);
	if (header === undefined || header.length > fileBytes - offset - RECORD_HEADER_BYTES) return undefined;
	// Positions rise, and no file holds more records before this offset than fit there.
	const most = segment.first + Math.ceil(offset / RECORD_HEADER_BYTES);
	if (header.position < segment.end || header.position > most) return undefined;
	if (!checkData) return header;
	const record = await readAt(handle, buffer, offset, RECORD_HEADER_BYTES + header.length);
	return isDataWhole(header, record.subarray(RECORD_HEADER_BYTES)) ? header : undefined;
}

/** Offset of the next valid record at or behind `from`. */
async function nextRecord(
	handle: FileHandle,
	buffer: Buffer,
	from: number,
	segment: Segment,
	fileBytes: number,
	checkData: boolean,
	signal: AbortSignal | undefined,
): Promise<number | undefined> {
	for (let base = from; base < fileBytes; base += SEARCH_BYTES - RECORD_MAGIC.length + 1) {
		signal?.throwIfAborted();
		const window = Buffer.from(await readAt(handle, buffer, base, SEARCH_BYTES));
		for (let at = window.indexOf(RECORD_MAGIC); at >= 0; at = window.indexOf(RECORD_MAGIC, at + 1)) {
			const found = await recordAt(handle, buffer, base + at, segment, fileBytes, checkData);
			if (found !== undefined) return base + at;
		}
	}
	return undefined;
}
