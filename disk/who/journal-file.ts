/** One journal file: finds the entries that carry a given field, by its hash table, and reads them. */
import { constants, zstdDecompressSync } from "node:zlib";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { RangeReader } from "./guest-files.ts";
import { jenkinsHash64, sipHash24 } from "./journal-hash.ts";
import {
	ARRAY_HEADER_SIZE,
	COMPRESSED_LZ4,
	COMPRESSED_XZ,
	COMPRESSED_ZSTD,
	DATA_HEADER_SIZE,
	type DataObject,
	ENTRY_HEADER_SIZE,
	HASH_ITEM_SIZE,
	HEADER_SIZE,
	type JournalHeader,
	OBJECT_ENTRY,
	OBJECT_ENTRY_ARRAY,
	parseDataObject,
	parseJournalHeader,
	parseObjectHeader,
	u64,
	wrong,
} from "./journal-object.ts";
import { decodeLz4Block } from "./lz4.ts";

export interface JournalEntry {
	/** Seconds since 1970. */
	readonly time: number;
	/** 32 hex digits. */
	readonly bootId: string;
	/** Only those asked for; of a field that stands there twice, the first. */
	readonly fields: ReadonlyMap<string, string>;
}

/** Chains are as long as there are collisions: a table holds several buckets an object. */
const MAX_CHAIN = 1024;
/** Each array of a chain is twice as long as the one before. */
const MAX_ARRAYS = 128;
/** journald puts about 30 fields to an entry. */
const MAX_ITEMS = 256;
/** Longer than journald's own limit for a line of a log, 48 KiB. */
const MAX_FIELD = 64 * 1024;
/** What an encoder needs for that much, so that a hostile frame cannot ask for a window of 128 MiB. */
const MAX_WINDOW_LOG = 20;
/** As journald: longer names are not taken. */
const MAX_NAME = 64;
const MICROSECONDS = 1e6;

/** A place in the entries of one data object. */
interface EntryArray {
	/** The index of its first item. */
	readonly first: number;
	readonly items: number;
	readonly offset: number;
}

export class JournalFile {
	readonly header: JournalHeader;
	/** Why fields are missing from what was read; undefined where none is. */
	unread: UmbraError | undefined;
	readonly #reader: RangeReader;

	private constructor(reader: RangeReader, header: JournalHeader) {
		this.#reader = reader;
		this.header = header;
	}

	/** @throws UmbraError `corrupt`, `truncated`, `unsupported`; what `reader` throws. */
	static async open(reader: RangeReader): Promise<JournalFile> {
		return new JournalFile(reader, parseJournalHeader(await reader.read(0, HEADER_SIZE), reader.path));
	}

	/** When the first entry with a field was written, in seconds since 1970; undefined where there is none. */
	async firstOf(match: string): Promise<number | undefined> {
		const data = await this.#find(Buffer.from(match));
		return data === undefined || data.entry_offset === 0 ? undefined : this.#timeOf(data.entry_offset);
	}

	/**
	 * The entries with a field, the newest first, such as lie in the interval as far as entries are in the order of time.
	 *
	 * @param match "NAME=value", shorter than what journald compresses.
	 * @param names of the fields to read.
	 * @param most entries to read.
	 * @throws UmbraError `corrupt`, `truncated`; what the reader throws.
	 */
	async *entriesWith(
		match: string,
		interval: { readonly from: number; readonly to: number },
		names: ReadonlySet<string>,
		most: number,
	): AsyncGenerator<JournalEntry> {
		const data = await this.#find(Buffer.from(match));
		if (data === undefined) return;
		const arrays = await this.#arraysOf(data);
		const last = arrays.at(-1);
		let index = await this.#firstAfter(arrays, interval.to, last === undefined ? 1 : last.first + last.items);
		for (let count = 0; index > 0 && count < most; count++) {
			index--;
			const offset = index === 0 ? data.entry_offset : await this.#arrayItem(arrays, index);
			const entry = await this.#readEntry(offset, names);
			if (entry === undefined || entry.time > interval.to) continue;
			if (entry.time < interval.from) return;
			yield entry;
		}
	}

	async #find(payload: Buffer): Promise<DataObject | undefined> {
		const { data_hash_table_offset: table, data_hash_table_size: size, isKeyedHash, file_id } = this.header;
		const buckets = Math.floor(size / HASH_ITEM_SIZE);
		if (buckets === 0) return undefined;
		const hash = isKeyedHash ? sipHash24(payload, file_id) : jenkinsHash64(payload);
		const bucket = table + Number(hash % BigInt(buckets)) * HASH_ITEM_SIZE;
		let offset = u64(await this.#read(bucket, 8), 0, this.#reader.path, bucket);
		for (let length = 0; offset !== 0; length++) {
			if (length === MAX_CHAIN) throw this.#wrong(offset, "DataObject", `more than ${MAX_CHAIN} in a chain`);
			const data = await this.#data(offset);
			if (data.hash === hash && data.payload_size === payload.length && data.flags === 0) {
				if ((await this.#read(data.payload_offset, payload.length)).equals(payload)) return data;
			}
			// Chains grow at their end, and so does the file.
			if (data.next_hash_offset !== 0 && data.next_hash_offset <= offset) {
				throw this.#wrong(offset, "DataObject", `next_hash_offset ${data.next_hash_offset}`);
			}
			offset = data.next_hash_offset;
		}
		return undefined;
	}

	/** Item 0 of a data object's entries stands in the object itself. */
	async #arraysOf(data: DataObject): Promise<EntryArray[]> {
		const arrays: EntryArray[] = [];
		let [first, offset] = [1, data.entry_array_offset];
		while (offset !== 0 && first < data.n_entries && arrays.length < MAX_ARRAYS) {
			const bytes = await this.#read(offset, ARRAY_HEADER_SIZE);
			const { type, size } = parseObjectHeader(bytes, this.#reader.path, offset);
			if (type !== OBJECT_ENTRY_ARRAY || size < ARRAY_HEADER_SIZE || size > this.#reader.size - offset) {
				throw this.#wrong(offset, "EntryArrayObject", `type ${type}, size ${size}`);
			}
			const room = Math.floor((size - ARRAY_HEADER_SIZE) / this.#itemSize);
			const items = Math.min(room, data.n_entries - first);
			if (items > 0) arrays.push({ first, items, offset });
			first += items;
			const next = u64(bytes, 16, this.#reader.path, offset + 16);
			if (next !== 0 && next <= offset) throw this.#wrong(offset, "EntryArrayObject", `next ${next}`);
			offset = next;
		}
		return arrays;
	}

	/** The index, 1 or higher, of the first entry after `time`, of `count`. */
	async #firstAfter(arrays: readonly EntryArray[], time: number, count: number): Promise<number> {
		let [low, high] = [1, count];
		while (low < high) {
			const middle = Math.floor((low + high) / 2);
			const offset = await this.#arrayItem(arrays, middle);
			// What was not written yet when the disk was read lies at the end.
			const found = offset === 0 ? undefined : await this.#timeOf(offset);
			if (found === undefined || found > time) high = middle;
			else low = middle + 1;
		}
		return low;
	}

	async #arrayItem(arrays: readonly EntryArray[], index: number): Promise<number> {
		const array = arrays.findLast(({ first }) => first <= index)!;
		const at = array.offset + ARRAY_HEADER_SIZE + (index - array.first) * this.#itemSize;
		const bytes = await this.#read(at, this.#itemSize);
		return this.header.isCompact ? bytes.readUInt32LE(0) : u64(bytes, 0, this.#reader.path, at);
	}

	async #timeOf(offset: number): Promise<number | undefined> {
		const bytes = await this.#read(offset, ENTRY_HEADER_SIZE);
		if (bytes.readUInt8(0) !== OBJECT_ENTRY) return undefined;
		return u64(bytes, 24, this.#reader.path, offset + 24) / MICROSECONDS;
	}

	/** Undefined where the entry was not all written when the disk was read. */
	async #readEntry(offset: number, names: ReadonlySet<string>): Promise<JournalEntry | undefined> {
		if (offset === 0) return undefined;
		const head = await this.#read(offset, ENTRY_HEADER_SIZE);
		const { type, size } = parseObjectHeader(head, this.#reader.path, offset);
		if (type !== OBJECT_ENTRY || size < ENTRY_HEADER_SIZE) return undefined;
		const { isCompact } = this.header;
		const itemSize = isCompact ? 4 : 16;
		const count = Math.min(MAX_ITEMS, Math.floor((size - ENTRY_HEADER_SIZE) / itemSize));
		const items = await this.#read(offset + ENTRY_HEADER_SIZE, count * itemSize);
		const fields = new Map<string, string>();
		for (let at = 0; at < items.length; at += itemSize) {
			const place = isCompact ? items.readUInt32LE(at) : u64(items, at, this.#reader.path, offset + at);
			if (place === 0) continue;
			try {
				const field = await this.#readField(place, names);
				if (field !== undefined && !fields.has(field.name)) fields.set(field.name, field.value);
			} catch (error) {
				if (!isUmbraError(error, "corrupt", "truncated", "unsupported")) throw error;
				this.unread ??= error;
			}
		}
		return {
			time: u64(head, 24, this.#reader.path, offset + 24) / MICROSECONDS,
			bootId: head.toString("hex", 40, 56),
			fields,
		};
	}

	async #readField(
		offset: number,
		names: ReadonlySet<string>,
	): Promise<{ readonly name: string; readonly value: string } | undefined> {
		const { isCompact } = this.header;
		// The name in one read with the header: most fields are not asked for.
		const head = await this.#reader.read(offset, DATA_HEADER_SIZE + MAX_NAME);
		const data = parseDataObject(head, this.#reader.path, offset, isCompact);
		if (data.payload_size > MAX_FIELD) return undefined;
		if (data.flags === 0) {
			const start = data.payload_offset - offset;
			const mark = head.indexOf("=", start);
			if (mark === -1 || !names.has(head.toString("latin1", start, mark))) return undefined;
		}
		if ((data.flags & COMPRESSED_XZ) !== 0) {
			throw new UmbraError("unsupported", `${this.#reader.path}: fields compressed with xz are not read`, {
				context: { path: this.#reader.path, offset, structure: "DataObject", found: "xz" },
			});
		}
		const stored = await this.#read(data.payload_offset, data.payload_size);
		const payload = data.flags === 0 ? stored : this.#decompress(stored, data);
		const mark = payload.indexOf("=");
		if (mark === -1) return undefined;
		const name = payload.toString("latin1", 0, mark);
		return names.has(name) ? { name, value: payload.toString("utf8", mark + 1).toWellFormed() } : undefined;
	}

	#decompress(stored: Buffer, { flags, offset }: DataObject): Buffer {
		if (flags === COMPRESSED_LZ4) {
			const size = stored.length < 8 ? 0 : u64(stored, 0, this.#reader.path, offset);
			if (size === 0 || size > MAX_FIELD) return Buffer.alloc(0);
			return decodeLz4Block(stored.subarray(8), size);
		}
		if (flags !== COMPRESSED_ZSTD) throw this.#wrong(offset, "DataObject", `flags ${flags}`);
		try {
			return zstdDecompressSync(stored, {
				maxOutputLength: MAX_FIELD,
				params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
			});
		} catch (error) {
			// A field that is too long is none of those that are looked for.
			if (error instanceof RangeError) return Buffer.alloc(0);
			throw new UmbraError("corrupt", `${this.#reader.path}: journal DataObject at ${offset}: no zstd frame`, {
				cause: error,
				context: { path: this.#reader.path, offset, structure: "DataObject" },
			});
		}
	}

	async #data(offset: number): Promise<DataObject> {
		const length = this.header.isCompact ? DATA_HEADER_SIZE : DATA_HEADER_SIZE - 8;
		return parseDataObject(await this.#read(offset, length), this.#reader.path, offset, this.header.isCompact);
	}

	get #itemSize(): number {
		return this.header.isCompact ? 4 : 8;
	}

	/** All of it. */
	async #read(offset: number, length: number): Promise<Buffer> {
		const bytes = await this.#reader.read(offset, length);
		if (bytes.length < length) {
			throw wrong("truncated", this.#reader.path, offset, "object", `${bytes.length} of ${length} bytes`);
		}
		return bytes;
	}

	#wrong(offset: number, structure: string, found: string): UmbraError {
		return wrong("corrupt", this.#reader.path, offset, structure, found);
	}
}
