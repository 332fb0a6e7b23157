/**
 * A file as its records tell it: one base record and, where that was too small, the extension records that its
 * attribute list names. All that is kept is what a FileNode, a directory or a read needs.
 */
import type { Ranges } from "../filesystem.ts";
import { decodeName } from "./names.ts";
import { AT, AttributeCursor, type RecordHeader, recordNumber, u64 } from "./record.ts";
import { decodeRuns, type Runs } from "./runlist.ts";
import { readFileTime } from "./time.ts";

/** A name in the DOS namespace is an alias of the long one beside it. */
export const NAMESPACE_DOS = 2;
/** Of a $FILE_NAME, before the name itself. */
export const FILE_NAME_SIZE = 66;
/** More streams than this a file has only to do harm: each becomes an entry of its own. */
const MAX_STREAMS = 4096;
/** Likewise names: Windows allows 1,024 hard links. */
const MAX_NAMES = 65536;

/** The content of one attribute, put together from its pieces. */
export interface Stream {
	/** Empty for the attribute without a name. */
	readonly name: string;
	readonly resident: boolean;
	/** The record that holds a resident value, where in the buffer of that record it stands, and how long it is. */
	readonly record: number;
	readonly valueAt: number;
	/** Bytes; of a resident value its length. */
	size: number;
	/** Bytes; what lies behind reads as zeroes. */
	initialized: number;
	flags: number;
	/** Clusters that are compressed together; 0 where none are. */
	unit: number;
	readonly runs: Runs;
	/** The cluster at which the next piece must begin. */
	next: number;
}

export interface FileName {
	readonly parent: number;
	readonly parentSequence: number;
	readonly name: string;
}

export interface FileRecord {
	readonly record: number;
	readonly header: RecordHeader;
	mtime: number;
	ctime: number;
	/** FILE_ATTRIBUTE_* flags. */
	attributes: number;
	/** Of $Secure; 0 where there is none. */
	securityId: number;
	/** Without DOS aliases. */
	readonly names: FileName[];
	/** $DATA: the unnamed one, if there is one, is not always the first. */
	readonly streams: Stream[];
	/** Of the index of names, "$I30". */
	indexRoot: Stream | undefined;
	indexAllocation: Stream | undefined;
	indexBitmap: Stream | undefined;
	reparse: Stream | undefined;
	/** 0 where the file is no reparse point, or where that does not stand in its records and was not read yet. */
	reparseTag: number;
	/** What was read of a reparse point that does not stand in the file's records. */
	reparseData: Buffer | undefined;
	security: Stream | undefined;
	attributeList: Stream | undefined;
	/** The records beside the base record that its attribute list names. */
	readonly extensions: number[];
	/** Everything else that takes clusters. */
	readonly others: Stream[];
	/** What was wrong with it, in words. */
	readonly faults: string[];
}

export const ATTRIBUTE_READONLY = 0x1;

export function newFile(record: number, header: RecordHeader): FileRecord {
	return {
		record,
		header,
		mtime: 0,
		ctime: 0,
		attributes: 0,
		securityId: 0,
		names: [],
		streams: [],
		indexRoot: undefined,
		indexAllocation: undefined,
		indexBitmap: undefined,
		reparse: undefined,
		reparseTag: 0,
		reparseData: undefined,
		security: undefined,
		attributeList: undefined,
		extensions: [],
		others: [],
		faults: [],
	};
}

/** A record in a buffer, its fixups applied. */
export interface RawRecord {
	readonly record: number;
	readonly header: RecordHeader;
	readonly bytes: Buffer;
	readonly view: DataView;
}

/** Adds all that one record holds of a file. */
export function addRecord(file: FileRecord, raw: RawRecord, clusters: number): void {
	const cursor = new AttributeCursor(raw.view, raw.header.attributes, raw.header.end);
	while (cursor.next()) addAttribute(file, raw, cursor, clusters);
	if (cursor.fault !== undefined) addFault(file, cursor.fault);
}

/** Adds the attribute that the cursor stands at. Pieces of one attribute must come in the order of their clusters. */
export function addAttribute(file: FileRecord, raw: RawRecord, cursor: AttributeCursor, clusters: number): void {
	const piece = (known: Stream | undefined, name = "") => addPiece(file, known, name, raw, cursor, clusters);
	switch (cursor.type) {
		case AT.STANDARD_INFORMATION:
			addStandardInformation(file, raw.view, cursor);
			break;
		case AT.FILE_NAME:
			addName(file, raw, cursor);
			break;
		case AT.DATA: {
			const name = cursor.nameLength === 0 ? "" : decodeName(raw.bytes, cursor.nameAt, cursor.nameLength);
			const known = findStream(file.streams, name);
			if (known === undefined && file.streams.length >= MAX_STREAMS) {
				addFault(file, `more than ${MAX_STREAMS} streams; the rest are not listed`);
				break;
			}
			const stream = piece(known, name);
			if (known === undefined && stream !== undefined) file.streams.push(stream);
			break;
		}
		case AT.INDEX_ROOT:
			if (isNameIndex(raw.bytes, cursor)) file.indexRoot ??= piece(undefined);
			break;
		case AT.INDEX_ALLOCATION:
			if (isNameIndex(raw.bytes, cursor)) file.indexAllocation = piece(file.indexAllocation);
			else addOther(file, raw, cursor, clusters);
			break;
		case AT.BITMAP:
			if (isNameIndex(raw.bytes, cursor)) file.indexBitmap = piece(file.indexBitmap);
			else addOther(file, raw, cursor, clusters);
			break;
		case AT.REPARSE_POINT:
			file.reparse = piece(file.reparse);
			if (cursor.resident && cursor.valueLength >= 4) file.reparseTag = raw.view.getUint32(cursor.valueAt, true);
			break;
		case AT.SECURITY_DESCRIPTOR:
			file.security = piece(file.security);
			break;
		case AT.ATTRIBUTE_LIST:
			file.attributeList ??= piece(undefined);
			break;
		default:
			addOther(file, raw, cursor, clusters);
	}
}

function addOther(file: FileRecord, raw: RawRecord, cursor: AttributeCursor, clusters: number): void {
	if (cursor.resident) return;
	// Only where it lies is of interest: pieces need not be put together.
	const runs: Runs = [];
	const result = decodeRuns(raw.bytes, runsAt(raw.view, cursor), cursor.at + cursor.length, 0, clusters, runs);
	if (typeof result === "string") addFault(file, result);
	file.others.push(newStream("", false, raw.record, 0, runs));
}

function addStandardInformation(file: FileRecord, view: DataView, cursor: AttributeCursor): void {
	const { valueAt, valueLength, resident } = cursor;
	if (!resident || valueLength < 48) {
		addFault(file, "a $STANDARD_INFORMATION that is cut off");
		return;
	}
	file.mtime = readFileTime(view, valueAt + 8);
	file.ctime = readFileTime(view, valueAt + 16);
	file.attributes = view.getUint32(valueAt + 32, true);
	// Version 3; before, the descriptor stood in an attribute of its own.
	if (valueLength >= 72) file.securityId = view.getUint32(valueAt + 52, true);
}

function addName(file: FileRecord, { bytes, view }: RawRecord, cursor: AttributeCursor): void {
	const { valueAt, valueLength, resident } = cursor;
	const units = valueLength >= FILE_NAME_SIZE ? view.getUint8(valueAt + 64) : 0;
	if (!resident || units === 0 || FILE_NAME_SIZE + 2 * units > valueLength) {
		addFault(file, "a $FILE_NAME that makes no sense");
		return;
	}
	if (view.getUint8(valueAt + 65) === NAMESPACE_DOS || file.names.length >= MAX_NAMES) return;
	file.names.push({
		parent: recordNumber(view, valueAt),
		parentSequence: view.getUint16(valueAt + 6, true),
		name: decodeName(bytes, valueAt + FILE_NAME_SIZE, units),
	});
}

function addPiece(
	file: FileRecord,
	known: Stream | undefined,
	name: string,
	{ bytes, view, record }: RawRecord,
	cursor: AttributeCursor,
	clusters: number,
): Stream | undefined {
	const { at, flags } = cursor;
	if (cursor.resident) {
		if (known !== undefined) {
			addFault(file, `attribute 0x${cursor.type.toString(16)} twice`);
			return known;
		}
		const stream = newStream(name, true, record, cursor.valueAt, []);
		stream.size = cursor.valueLength;
		stream.initialized = cursor.valueLength;
		stream.flags = flags;
		return stream;
	}
	const first = u64(view, at + 16);
	if (known === undefined ? first !== 0 : known.resident || first !== known.next) {
		const wanted = known?.next ?? 0;
		addFault(file, `a piece of attribute 0x${cursor.type.toString(16)} for cluster ${first}, where ${wanted} was due`);
		return known;
	}
	const stream = known ?? newStream(name, false, record, 0, []);
	if (known === undefined) {
		const size = u64(view, at + 48);
		const unit = view.getUint8(at + 34);
		// Runs and sizes are bounded alike; a compression unit is 16 clusters, and 2^16 is far beyond any.
		if (!Number.isSafeInteger(size) || unit > 16) {
			addFault(file, `an attribute 0x${cursor.type.toString(16)} of ${size} bytes in units of 2^${unit} clusters`);
			return undefined;
		}
		stream.size = size;
		stream.initialized = Math.min(size, u64(view, at + 56));
		stream.flags = flags;
		stream.unit = unit === 0 ? 0 : 1 << unit;
	}
	const result = decodeRuns(bytes, runsAt(view, cursor), at + cursor.length, first, clusters, stream.runs);
	if (typeof result === "string") {
		addFault(file, result);
		stream.next = Number.NaN; // nothing can follow
	} else stream.next = result;
	return stream;
}

function newStream(name: string, resident: boolean, record: number, valueAt: number, runs: Runs): Stream {
	return { name, resident, record, valueAt, size: 0, initialized: 0, flags: 0, unit: 0, runs, next: 0 };
}

function runsAt(view: DataView, cursor: AttributeCursor): number {
	return cursor.at + view.getUint16(cursor.at + 32, true);
}

export function isNameIndex(bytes: Buffer, { nameAt, nameLength }: AttributeCursor): boolean {
	return nameLength === 4 && bytes.toString("latin1", nameAt, nameAt + 8) === "$\0I\x003\x000\0";
}

export function findStream(streams: readonly Stream[], name: string): Stream | undefined {
	for (const stream of streams) if (stream.name === name) return stream;
	return undefined;
}

export function addFault(file: FileRecord, what: string): void {
	// One that is wrong throughout is not described better by more of it.
	if (file.faults.length < 4) file.faults.push(what);
}

/** Clusters of what only says where the content lies, or what kind of file it is. */
export function metaStreams(file: FileRecord): readonly Stream[] {
	let streams = file.others;
	for (const stream of [file.indexBitmap, file.reparse, file.security, file.attributeList]) {
		if (stream !== undefined && !stream.resident) streams = [...streams, stream];
	}
	return streams;
}

export const NO_RANGES: Ranges = [];
