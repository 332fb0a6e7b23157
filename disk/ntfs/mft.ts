/**
 * The Master File Table: file records by number, one, many or all of them. The table describes itself: record 0 says
 * where its clusters lie, and may need extension records to do so, which lie where it said so far.
 * Source: the Linux-NTFS project's documentation, "$MFT", "$ATTRIBUTE_LIST"; ntfs-3g's mft.c.
 */
import { appendRange } from "../parser/ranges.ts";
import { Zeroes } from "../parser/zeroes.ts";
import { addAttribute, addFault, addRecord, type FileRecord, findStream, newFile, type RawRecord } from "./file.ts";
import { AT, AttributeCursor, applyFixups, parseRecordHeader, RECORD_IN_USE, recordNumber } from "./record.ts";
import { MAX_REPARSE_BYTES } from "./reparse.ts";
import { allocatedClusters, type Runs } from "./runlist.ts";
import type { NtfsVolume, Pieces } from "./volume.ts";

export const MFT_RECORD = 0;
/** Of the table, read at once when all of it is read. */
const SCAN_BYTES = 1 << 20;
const SCANS_IN_FLIGHT = 3;
/** Passed over at once where nothing was ever written. */
const ZERO_BYTES = 64 << 20;
/** The format's own limit for $ATTRIBUTE_LIST. */
const MAX_LIST_BYTES = 256 << 10;
/** Extension records that are read together, and how many may be another file's before the list is given up. */
const EXTENSIONS_PER_READ = 64;
const MAX_FOREIGN = 16;
/** NTFS numbers files with 32 bits. */
const MAX_RECORDS = 2 ** 32;
/** More of them nobody asks for one by one. */
const MAX_FAULTY = 1 << 16;
const FILE_MAGIC = 0x454c4946;
const LIST_ENTRY_SIZE = 26;

/** A file with the records that tell of it: resident values stand in them. */
export interface LoadedFile {
	readonly file: FileRecord;
	/** By number. */
	readonly raw: ReadonlyMap<number, RawRecord>;
}

interface ListEntry {
	readonly type: number;
	readonly record: number;
	readonly sequence: number;
	readonly instance: number;
}

export class Mft {
	readonly volume: NtfsVolume;
	/** Records, and files by their base records, that had a problem; bounded. A scan begins with none. */
	readonly faulty = new Set<number>();
	/** Of the table's $DATA. */
	#runs: Runs = [];
	#records = 0;

	private constructor(volume: NtfsVolume) {
		this.volume = volume;
	}

	/** @throws UmbraError `corrupt` where neither the table nor its mirror tells where it lies. */
	static async open(volume: NtfsVolume, signal?: AbortSignal): Promise<Mft> {
		const mft = new Mft(volume);
		await mft.#findItself(signal);
		return mft;
	}

	/** How many records there are, in use or not. */
	get records(): number {
		return this.#records;
	}

	async #findItself(signal?: AbortSignal): Promise<void> {
		const { boot, problems } = this.volume;
		const places = [boot.mftCluster, boot.mftMirrorCluster];
		let first: string | undefined;
		for (const cluster of places) {
			const count = Math.ceil(boot.recordSize / boot.clusterSize);
			this.#runs = [0, cluster, Math.min(count, boot.clusters - cluster)];
			this.#records = 1;
			const raw = await this.#readOne(MFT_RECORD, signal);
			const fault = typeof raw === "string" ? raw : await this.#adopt(raw, signal);
			if (fault === undefined) {
				if (first !== undefined) problems.add("corrupt", `the MFT's own record has ${first}; its mirror is used`, {});
				return;
			}
			first ??= fault;
		}
		throw problems.error("corrupt", `the MFT cannot be found: its own record has ${first}`, {
			structure: "$MFT",
			offset: boot.mftCluster * boot.clusterSize,
		});
	}

	async #readOne(record: number, signal?: AbortSignal): Promise<RawRecord | string> {
		let result: RawRecord | string = "no place";
		await this.#readEach(
			[record],
			(_, raw) => {
				result = raw;
			},
			signal,
		);
		return result;
	}

	/** Takes the table's place from its own record. */
	async #adopt(raw: RawRecord, signal?: AbortSignal): Promise<string | undefined> {
		const { boot } = this.volume;
		if ((raw.header.flags & RECORD_IN_USE) === 0) return "no mark of being in use";
		const file = newFile(MFT_RECORD, raw.header);
		addRecord(file, raw, boot.clusters);
		let data = findStream(file.streams, "");
		if (data === undefined || data.resident || data.runs.length === 0) return file.faults[0] ?? "no clusters";
		const count = (runs: Runs): number =>
			Math.min(Math.floor(data!.initialized / boot.recordSize), MAX_RECORDS, reach(runs, boot) / boot.recordSize);
		this.#runs = data.runs;
		this.#records = Math.floor(count(data.runs));
		if (file.attributeList !== undefined) {
			// Piece by piece: each extension record lies in what the ones before it told.
			const entries = await this.#readList({ file, raw: new Map([[MFT_RECORD, raw]]) }, signal);
			for (const entry of entries) {
				if (entry.type !== AT.DATA || entry.record === MFT_RECORD) continue;
				const extension = entry.record < this.#records ? await this.#readOne(entry.record, signal) : "no place yet";
				if (typeof extension === "string") {
					addFault(file, `extension record ${entry.record} has ${extension}`);
					break;
				}
				addListed(file, extension, entry, boot.clusters);
				data = findStream(file.streams, "")!;
				this.#runs = data.runs;
				this.#records = Math.floor(count(data.runs));
			}
		}
		if (allocatedClusters(this.#runs) > boot.clusters) return "more clusters than the volume";
		for (const fault of file.faults) this.problem(MFT_RECORD, fault);
		return undefined;
	}

	problem(record: number, what: string): void {
		if (this.faulty.size < MAX_FAULTY) this.faulty.add(record);
		this.volume.problems.add("corrupt", `MFT record ${record} has ${what}`, { structure: "FILE", record });
	}

	/** Where a record lies: one range, or several where clusters are smaller than records. */
	recordRanges(record: number): number[] {
		return this.ranges(record, 1);
	}

	/** Where consecutive records lie. */
	ranges(first: number, count: number): number[] {
		const { recordSize } = this.volume.boot;
		const pieces = this.volume.pieces(this.#runs, first * recordSize, count * recordSize);
		const ranges: number[] = [];
		for (let i = 0; i < pieces.length; i += 3) appendRange(ranges, pieces[i]!, pieces[i + 1]!);
		return ranges;
	}

	/** Reads records by number, in few reads. What is not a record is told in words. */
	async #readEach(
		records: readonly number[],
		each: (record: number, raw: RawRecord | string) => void,
		signal?: AbortSignal,
	): Promise<void> {
		const { recordSize } = this.volume.boot;
		const perRead = SCAN_BYTES / recordSize;
		for (let from = 0; from < records.length; from += perRead) {
			const batch = records.slice(from, from + perRead);
			const pieces: Pieces = [];
			const held: boolean[] = [];
			for (const [i, record] of batch.entries()) {
				const known = pieces.length;
				if (record < this.#records) {
					this.volume.pieces(this.#runs, record * recordSize, recordSize, pieces, i * recordSize);
				}
				held.push(pieces.length > known);
			}
			const bytes = await this.volume.gather(pieces, batch.length * recordSize, signal);
			const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
			for (const [i, record] of batch.entries()) {
				each(record, held[i] ? parseRecord(bytes, view, i * recordSize, recordSize, record) : "no place in the MFT");
			}
		}
	}

	/** Calls `each` for every record that is in use and makes sense, in order. The bytes are gone afterwards. */
	async scan(each: (raw: RawRecord) => void, signal?: AbortSignal): Promise<void> {
		const { recordSize } = this.volume.boot;
		const perRead = SCAN_BYTES / recordSize;
		const zeroes = new Zeroes(this.volume.source);
		const inFlight: { first: number; count: number; bytes: Promise<Buffer> }[] = [];
		const spare: ArrayBufferLike[] = [];
		const finishOldest = async (): Promise<void> => {
			const { first, count, bytes: reading } = inFlight.shift()!;
			const bytes = await reading;
			const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
			for (let i = 0; i < count; i++) {
				const raw = parseRecord(bytes, view, i * recordSize, recordSize, first + i);
				if (typeof raw !== "string") {
					if ((raw.header.flags & RECORD_IN_USE) !== 0) each(raw);
				} else if (raw !== BLANK) this.problem(first + i, raw);
			}
			if (this.volume.source.readInto !== undefined) spare.push(bytes.buffer);
		};
		for (let first = 0; first < this.#records; ) {
			// Zeroes are records that were never used.
			const [position = 0, length = 0] = this.volume.pieces(this.#runs, first * recordSize, ZERO_BYTES);
			const unused = Math.floor(Math.min(await zeroes.from(position, signal), length) / recordSize);
			if (unused > 0) {
				first += unused;
				continue;
			}
			const count = Math.min(perRead, this.#records - first);
			const pieces = this.volume.pieces(this.#runs, first * recordSize, count * recordSize);
			const bytes = this.volume.gather(pieces, count * recordSize, signal, spare.pop());
			bytes.catch(() => undefined); // it is awaited in its turn, unless an earlier one failed
			inFlight.push({ first, count, bytes });
			first += count;
			if (inFlight.length >= SCANS_IN_FLIGHT) await finishOldest();
		}
		while (inFlight.length > 0) await finishOldest();
	}

	/** Calls `each` for those of the records that are in use; what makes no sense is a problem. */
	async readInUse(records: readonly number[], each: (raw: RawRecord) => void, signal?: AbortSignal): Promise<void> {
		await this.#readEach(
			records,
			(record, raw) => {
				if (typeof raw === "string") {
					if (raw !== BLANK && record < this.#records) this.problem(record, raw);
				} else if ((raw.header.flags & RECORD_IN_USE) !== 0) each(raw);
			},
			signal,
		);
	}

	/**
	 * Files by the numbers of their base records, with all their extension records. Undefined for one that is no base
	 * record in use; the reason, where it is a fault, is a problem.
	 */
	async loadFiles(records: readonly number[], signal?: AbortSignal): Promise<Map<number, LoadedFile>> {
		const loaded = new Map<number, LoadedFile>();
		for await (const file of this.files(records, signal)) loaded.set(file.file.record, file);
		return loaded;
	}

	/** The same file by file: what is not kept is gone, and a file's extension records may be many. */
	async *files(records: readonly number[], signal?: AbortSignal): AsyncGenerator<LoadedFile> {
		const { clusters } = this.volume.boot;
		const loaded: { file: FileRecord; raw: Map<number, RawRecord>; listed: boolean }[] = [];
		await this.#readEach(
			records,
			(record, raw) => {
				if (typeof raw === "string") {
					if (raw !== BLANK && record < this.#records) this.problem(record, raw);
					return;
				}
				if ((raw.header.flags & RECORD_IN_USE) === 0 || raw.header.isExtension) return;
				const file = newFile(record, raw.header);
				if (hasAttributeList(raw)) {
					const alone = newFile(record, raw.header);
					addRecord(alone, raw, clusters);
					file.attributeList = alone.attributeList;
				}
				const listed = file.attributeList !== undefined;
				if (!listed) addRecord(file, raw, clusters);
				loaded.push({ file, raw: new Map([[record, raw]]), listed });
			},
			signal,
		);
		loaded.reverse();
		for (let next = loaded.pop(); next !== undefined; next = loaded.pop()) {
			const { file, raw, listed } = next;
			if (listed) await this.#loadListed({ file, raw }, signal);
			await this.#loadReparse(file, signal);
			yield { file, raw };
		}
	}

	async #loadReparse(file: FileRecord, signal?: AbortSignal): Promise<void> {
		const { reparse } = file;
		if (reparse === undefined || reparse.resident) return;
		const size = Math.min(reparse.size, MAX_REPARSE_BYTES);
		const data = await this.volume.gather(this.volume.pieces(reparse.runs, 0, size), size, signal);
		file.reparseData = data;
		if (size >= 4) file.reparseTag = data.readUInt32LE(0);
	}

	async #loadListed(
		{ file, raw }: { file: FileRecord; raw: Map<number, RawRecord> },
		signal?: AbortSignal,
	): Promise<void> {
		const { clusters } = this.volume.boot;
		const entries = await this.#readList({ file, raw }, signal);
		const wanted = [...new Set(entries.map(({ record }) => record))].filter((record) => record !== file.record);
		let foreign = 0;
		for (let from = 0; from < wanted.length && foreign <= MAX_FOREIGN; from += EXTENSIONS_PER_READ) {
			await this.#readEach(
				wanted.slice(from, from + EXTENSIONS_PER_READ),
				(record, extension) => {
					if (typeof extension !== "string" && isExtensionOf(file, extension)) {
						raw.set(record, extension);
						file.extensions.push(record);
					} else {
						foreign++;
						const what = typeof extension === "string" ? `has ${extension}` : "is another file's";
						addFault(file, `an extension record ${record} that ${what}`);
					}
				},
				signal,
			);
		}
		for (const entry of entries) {
			const holder = raw.get(entry.record);
			if (holder !== undefined) addListed(file, holder, entry, clusters);
		}
		if (entries.length === 0) addRecord(file, raw.get(file.record)!, clusters);
	}

	async #readList({ file, raw }: LoadedFile, signal?: AbortSignal): Promise<ListEntry[]> {
		const list = file.attributeList!;
		const size = Math.min(list.size, MAX_LIST_BYTES);
		if (size < list.size) addFault(file, `an attribute list of ${list.size} bytes`);
		let bytes: Buffer;
		if (list.resident) bytes = raw.get(list.record)!.bytes.subarray(list.valueAt, list.valueAt + size);
		else bytes = await this.volume.gather(this.volume.pieces(list.runs, 0, size), size, signal);
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		const entries: ListEntry[] = [];
		const seen = new Set<number>();
		for (let at = 0; at + LIST_ENTRY_SIZE <= size; ) {
			const length = view.getUint16(at + 4, true);
			if (length < LIST_ENTRY_SIZE || at + length > size) {
				addFault(file, `an entry of ${length} bytes in its attribute list`);
				break;
			}
			const record = recordNumber(view, at + 16);
			const instance = view.getUint16(at + 24, true);
			// The number of an attribute is its own in its record: one that is named again would be there twice.
			const id = record * 65536 + instance;
			if (record < MAX_RECORDS && !seen.has(id)) {
				seen.add(id);
				const sequence = view.getUint16(at + 22, true);
				entries.push({ type: view.getUint32(at, true), record, sequence, instance });
			} else addFault(file, `attribute ${instance} of record ${record} twice in its attribute list, or no such record`);
			at += length;
		}
		return entries;
	}
}

/** Bytes of the attribute that lie somewhere from its start on, without a hole. */
function reach(runs: Runs, { clusterSize }: { readonly clusterSize: number }): number {
	let next = 0;
	for (let i = 0; i < runs.length && runs[i] === next; i += 3) next += runs[i + 2]!;
	return next * clusterSize;
}

/** What a record that was never used looks like. */
const BLANK = "nothing in it";

function parseRecord(bytes: Buffer, view: DataView, at: number, size: number, record: number): RawRecord | string {
	const magic = view.getUint32(at, true);
	if (magic !== FILE_MAGIC) {
		return magic === 0 || magic === 0xffffffff
			? BLANK
			: `the signature ${JSON.stringify(bytes.toString("latin1", at, at + 4))}`;
	}
	const fault = applyFixups(bytes, view, at, size);
	if (fault !== undefined) return fault;
	const header = parseRecordHeader(view, at, size);
	return typeof header === "string" ? header : { record, header, bytes, view };
}

/** Whether the file needs more than this record: the list, if there is one, comes second. */
export function hasAttributeList({ view, header }: RawRecord): boolean {
	const cursor = new AttributeCursor(view, header.attributes, header.end);
	while (cursor.next()) if (cursor.type >= AT.ATTRIBUTE_LIST) return cursor.type === AT.ATTRIBUTE_LIST;
	return false;
}

/** Whether the record is in use as one of the file's. */
function isExtensionOf({ record, header }: FileRecord, raw: RawRecord): boolean {
	if ((raw.header.flags & RECORD_IN_USE) === 0) return false;
	return raw.record === record || (raw.header.base === record && raw.header.baseSequence === header.sequence);
}

/** Adds the attribute that an entry of the list names. */
function addListed(file: FileRecord, raw: RawRecord, entry: ListEntry, clusters: number): void {
	const { header } = raw;
	if (!isExtensionOf(file, raw) || header.sequence !== entry.sequence) {
		addFault(file, `an extension record ${raw.record} that is another file's`);
		return;
	}
	const cursor = new AttributeCursor(raw.view, header.attributes, header.end);
	while (cursor.next()) {
		if (cursor.type !== entry.type || raw.view.getUint16(cursor.at + 14, true) !== entry.instance) continue;
		addAttribute(file, raw, cursor, clusters);
		return;
	}
	addFault(file, `no attribute 0x${entry.type.toString(16)} in record ${raw.record}, which its list names`);
}
