/**
 * The bytes of a log segment: a header, then records, each of which says by itself where it ends and whether it is whole, and calls
 * everything by its name, so that another release of Umbra can read it. All numbers are little-endian; a *name* is its length (u8) in
 * UTF-8 and that; a *document* its length (u32) and JSON.
 *
 *   segment header   "UMBRASER" | version u32 | segment number u32 | CRC-32 of the 16 bytes before u32
 *   record           "SREC" | length of the sections u32 | CRC-32 of the sections u32 | sections
 *   series section   "S" | measurement name | document [[number, {tag: value}], ...]
 *   rows section     "R" | measurement name | rows u32 | series numbers i32 x rows | times i64 x rows | columns u16 | columns
 *   column           field name | "N" | values f64 x rows, NaN where there is none
 *                    field name | "T" | document [text or null, ...]
 *
 * A series has its number within its segment only; a section that names it stands before the first rows of it.
 */
import { crc32 } from "node:zlib";
import { UmbraError } from "../../../common/errors.ts";
import type { Block, Numbers } from "./block.ts";

export const SEGMENT_HEADER_BYTES = 20;
const SEGMENT_MAGIC = Buffer.from("UMBRASER", "latin1");
const VERSION = 1;
const RECORD_MAGIC = Buffer.from("SREC", "latin1");
const RECORD_HEADER_BYTES = 12;
const [SERIES, ROWS, NUMBERS, TEXTS] = [0x53, 0x52, 0x4e, 0x54];

export type Tags = Readonly<Record<string, string>>;

export interface SeriesSection {
	readonly measurement: string;
	readonly series: readonly (readonly [number: number, tags: Tags])[];
}
export interface RowsSection {
	readonly measurement: string;
	readonly rows: number;
	readonly series: Int32Array;
	readonly times: BigInt64Array;
	readonly columns: readonly { readonly field: string; readonly values: Numbers | readonly (string | null)[] }[];
}
export type Section = SeriesSection | RowsSection;

export function encodeSegmentHeader(segment: number, version: number = VERSION): Buffer {
	const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
	SEGMENT_MAGIC.copy(bytes);
	bytes.writeUInt32LE(version, 8);
	bytes.writeUInt32LE(segment, 12);
	bytes.writeUInt32LE(crc32(bytes.subarray(0, 16)), 16);
	return bytes;
}

/** @throws UmbraError `unsupported` for a newer version, `corrupt` for what is no segment of that number. */
export function checkSegmentHeader(bytes: Buffer, segment: number, path: string): void {
	const isWhole =
		bytes.length >= SEGMENT_HEADER_BYTES &&
		bytes.subarray(0, SEGMENT_MAGIC.length).equals(SEGMENT_MAGIC) &&
		crc32(bytes.subarray(0, 16)) === bytes.readUInt32LE(16);
	const version = isWhole ? bytes.readUInt32LE(8) : 0;
	if (version > VERSION) {
		throw new UmbraError("unsupported", `${path} is of version ${version}, wanted at most ${VERSION}`, {
			context: { path, field: "version", found: version, wanted: VERSION },
			hint: "it was written by a newer Umbra: use that one",
		});
	}
	if (!isWhole || version !== VERSION || bytes.readUInt32LE(12) !== segment) {
		throw new UmbraError("corrupt", `${path} is not segment ${segment} of a log of series`, {
			context: { path, structure: "segment header" },
		});
	}
}

/** A record as it is written: pieces, to be written one behind the other. */
export function encodeRecord(series: readonly SeriesSection[], blocks: readonly Block[]): Buffer {
	const writer = new Writer();
	for (const section of series) {
		writer.byte(SERIES);
		writer.name(section.measurement);
		writer.document(section.series);
	}
	for (const block of blocks) writeRows(writer, block);
	return writer.record();
}

function writeRows(writer: Writer, { table, rows, series, times, columns }: Block): void {
	writer.byte(ROWS);
	writer.name(table.measurement);
	writer.u32(rows);
	writer.array(series.subarray(0, rows));
	writer.array(times.subarray(0, rows));
	writer.u16(columns.reduce((count, values) => count + (values === undefined ? 0 : 1), 0));
	for (const [place, values] of columns.entries()) {
		if (values === undefined) continue;
		writer.name(table.fields[place]!.name);
		if (values instanceof Float64Array) {
			writer.byte(NUMBERS);
			writer.array(values.subarray(0, rows));
		} else {
			writer.byte(TEXTS);
			writer.document(Array.from({ length: rows }, (_, row) => values[row] ?? null));
		}
	}
}

class Writer {
	#bytes = Buffer.allocUnsafe(16 * 1024);
	#end = RECORD_HEADER_BYTES;

	#room(bytes: number): number {
		const at = this.#end;
		this.#end += bytes;
		if (this.#end > this.#bytes.length) {
			const grown = Buffer.allocUnsafe(Math.max(this.#end, this.#bytes.length * 2));
			this.#bytes.copy(grown, 0, 0, at);
			this.#bytes = grown;
		}
		return at;
	}

	byte(value: number): void {
		const at = this.#room(1);
		this.#bytes[at] = value;
	}

	u16(value: number): void {
		const at = this.#room(2);
		this.#bytes.writeUInt16LE(value, at);
	}

	u32(value: number): void {
		const at = this.#room(4);
		this.#bytes.writeUInt32LE(value, at);
	}

	/** Names of measurements and fields are plain ASCII. */
	name(text: string): void {
		this.byte(text.length);
		const at = this.#room(text.length);
		this.#bytes.write(text, at, "latin1");
	}

	document(value: unknown): void {
		const bytes = Buffer.from(JSON.stringify(value));
		this.u32(bytes.length);
		this.array(bytes);
	}

	/** As it lies in memory: the processors that Umbra runs on are little-endian. */
	array(values: Uint8Array | Int32Array | BigInt64Array | Float64Array): void {
		const at = this.#room(values.byteLength);
		this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
	}

	record(): Buffer {
		const bytes = this.#bytes.subarray(0, this.#end);
		const sections = bytes.subarray(RECORD_HEADER_BYTES);
		RECORD_MAGIC.copy(bytes);
		bytes.writeUInt32LE(sections.length, 4);
		bytes.writeUInt32LE(crc32(sections), 8);
		return bytes;
	}
}

/** What is in a segment: the sections of its whole records, and how much between them was none. */
export interface SegmentContent {
	readonly sections: Section[];
	/** Bytes before the last whole record that belong to none: damage. */
	readonly damagedBytes: number;
	/** Bytes behind the last whole record: what was being written when the collector ended. */
	readonly tornBytes: number;
}

/** @param bytes a segment whose header was checked */
export function readSegment(bytes: Buffer): SegmentContent {
	const sections: Section[] = [];
	let damagedBytes = 0;
	let end = SEGMENT_HEADER_BYTES;
	for (let at = bytes.indexOf(RECORD_MAGIC, end); at >= 0; ) {
		const found = readRecord(bytes, at);
		if (found === undefined) {
			at = bytes.indexOf(RECORD_MAGIC, at + 1);
			continue;
		}
		damagedBytes += at - end;
		sections.push(...found.sections);
		end = found.end;
		at = bytes.indexOf(RECORD_MAGIC, end);
	}
	return { sections, damagedBytes, tornBytes: bytes.length - end };
}

function readRecord(bytes: Buffer, at: number): { readonly sections: Section[]; readonly end: number } | undefined {
	if (bytes.length - at < RECORD_HEADER_BYTES) return undefined;
	const [length, crc] = [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at + 8)];
	const begin = at + RECORD_HEADER_BYTES;
	if (length > bytes.length - begin) return undefined;
	const content = bytes.subarray(begin, begin + length);
	if (crc32(content) !== crc) return undefined;
	return { sections: [...readSections(new Reader(content))], end: begin + length };
}

function* readSections(reader: Reader): Generator<Section> {
	while (reader.left > 0) {
		const kind = reader.byte();
		const measurement = reader.name();
		if (kind === SERIES) yield { measurement, series: reader.document() as SeriesSection["series"] };
		else if (kind === ROWS) yield readRows(reader, measurement);
		// The checksum is right, so this is no damage.
		else throw new UmbraError("unsupported", `a record has a section of an unknown kind ${kind}`);
	}
}

function readRows(reader: Reader, measurement: string): RowsSection {
	const rows = reader.u32();
	const series = new Int32Array(reader.copy(rows * 4));
	const times = new BigInt64Array(reader.copy(rows * 8));
	const columns: { field: string; values: Numbers | (string | null)[] }[] = [];
	for (let count = reader.u16(); count > 0; count--) {
		const field = reader.name();
		const values =
			reader.byte() === NUMBERS ? new Float64Array(reader.copy(rows * 8)) : (reader.document() as (string | null)[]);
		columns.push({ field, values });
	}
	return { measurement, rows, series, times, columns };
}

class Reader {
	readonly #bytes: Buffer;
	#at = 0;

	constructor(bytes: Buffer) {
		this.#bytes = bytes;
	}

	get left(): number {
		return this.#bytes.length - this.#at;
	}

	#take(bytes: number): number {
		if (bytes > this.left) {
			throw new UmbraError("corrupt", `a section ends after ${this.left} bytes, wanted ${bytes}`, {
				context: { structure: "record", offset: this.#at },
			});
		}
		this.#at += bytes;
		return this.#at - bytes;
	}

	byte(): number {
		return this.#bytes[this.#take(1)]!;
	}

	u16(): number {
		return this.#bytes.readUInt16LE(this.#take(2));
	}

	u32(): number {
		return this.#bytes.readUInt32LE(this.#take(4));
	}

	name(): string {
		const length = this.byte();
		const at = this.#take(length);
		return this.#bytes.toString("latin1", at, at + length);
	}

	document(): unknown {
		const length = this.u32();
		const at = this.#take(length);
		return JSON.parse(this.#bytes.toString("utf8", at, at + length));
	}

	/** Aligned, and for its own. */
	copy(bytes: number): ArrayBuffer {
		const at = this.#take(bytes);
		const target = new ArrayBuffer(bytes);
		new Uint8Array(target).set(this.#bytes.subarray(at, at + bytes));
		return target;
	}
}
