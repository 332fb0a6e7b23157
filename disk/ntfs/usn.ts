/**
 * The change journal, $Extend\$UsnJrnl: its stream $J holds a record for every change of a file, its past made a hole.
 * A record's number, its USN, is its place in $J. The stream $Max names the journal: one that was deleted and made anew
 * has another identifier.
 * Source: Microsoft's USN_RECORD_V2, USN_RECORD_V3 and USN_RECORD_V4; for $Max, the Linux-NTFS project's documentation.
 */
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { FileNode, Filesystem } from "../filesystem.ts";
import { decodeName } from "./names.ts";
import { NtfsFilesystem } from "./ntfs.ts";
import { readFileTime } from "./time.ts";

const JOURNAL = "/$Extend/$UsnJrnl:$J";
const LIMITS = "/$Extend/$UsnJrnl:$Max";
/** Of $Max: UsnJournalID, LowestValidUsn. */
const ID_AT = 16;
const LOWEST_AT = 24;
const LIMITS_BYTES = 32;
/** No record crosses a boundary of this size; what is left before one is zeroes. */
const PAGE = 4096;
const RECORD_V2 = 60;
const RECORD_V3 = 76;
const RECORD_V4 = 56;
/** Read at once; whole pages. */
const READ_BYTES = 1 << 20;
/** Of the newest records: half of what Windows keeps unless it is told otherwise, at most 262,144 of them. */
const MAX_BYTES = 16 << 20;
/** Looked through from the end for the last record: behind it there may be what was not written to the disk yet. */
const TAIL_BYTES = [64 << 10, 1 << 20];

export const REASON = {
	DATA_OVERWRITE: 0x1,
	DATA_EXTEND: 0x2,
	DATA_TRUNCATION: 0x4,
	NAMED_DATA_OVERWRITE: 0x10,
	NAMED_DATA_EXTEND: 0x20,
	NAMED_DATA_TRUNCATION: 0x40,
	FILE_CREATE: 0x100,
	FILE_DELETE: 0x200,
	SECURITY_CHANGE: 0x800,
	RENAME_OLD_NAME: 0x1000,
	RENAME_NEW_NAME: 0x2000,
	BASIC_INFO_CHANGE: 0x8000,
	HARD_LINK_CHANGE: 0x10000,
	CLOSE: 0x80000000,
} as const;

export interface UsnRecord {
	readonly usn: number;
	/** As FileNode.inode and FileNode.generation of the file, and of the directory it was in. */
	readonly inode: number;
	readonly generation: number;
	readonly parent: number;
	readonly parentGeneration: number;
	readonly name: string;
	/** Seconds since 1970. */
	readonly time: number;
	/** Of `REASON`, several at once. */
	readonly reason: number;
	/** FILE_ATTRIBUTE_* flags. */
	readonly attributes: number;
}

/** What was read of a stream of records. */
export interface UsnStream {
	/** Oldest first. */
	readonly records: readonly UsnRecord[];
	/** Behind the last record that is there: `since` of the next reading. */
	readonly next: number;
	/** The first USN that is still there, and not beyond what is read at once: what is between `since` and it is lost. */
	readonly first: number;
	/** Pages that made no sense. */
	readonly damaged: number;
}

export interface UsnJournal extends UsnStream {
	/** As `JournalEnd.id`. */
	readonly id: string;
}

/** Where a change journal ended at some time. */
export interface JournalEnd {
	/** Of the journal, 16 hexadecimal digits; empty where the volume does not say. */
	readonly id: string;
	/** As `UsnStream.next`. */
	readonly next: number;
}

/**
 * Appends the records of `bytes`, which begin at the USN `usn`, a page's boundary.
 *
 * @returns how many pages ended in something that is no record, and the USN behind the last record, 0 without any.
 */
export function parseUsnRecords(
	bytes: Buffer,
	usn: number,
	records: UsnRecord[],
): { readonly damaged: number; readonly end: number } {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	let damaged = 0;
	let end = 0;
	for (let page = 0; page < bytes.length; page += PAGE) {
		const pageEnd = Math.min(page + PAGE, bytes.length);
		for (let at = page; at + 8 <= pageEnd; ) {
			const length = view.getUint32(at, true);
			if (length === 0) {
				// A hole is a page of zeroes; so is what is left of a page.
				break;
			}
			const fits = length % 8 === 0 && at + length <= pageEnd;
			const record = fits ? parseRecord(bytes, view, at, length) : undefined;
			const isRange = fits && isRangeRecord(view, at, length, usn + at);
			if (record?.usn !== usn + at && !isRange) {
				damaged++;
				break;
			}
			if (record !== undefined) records.push(record);
			at += length;
			end = usn + at;
		}
	}
	return { damaged, end };
}

/** Version 4 tells which ranges of a file changed, without a name, behind a record that has one. */
function isRangeRecord(view: DataView, at: number, length: number, usn: number): boolean {
	if (length < RECORD_V4 || view.getUint16(at + 4, true) !== 4) return false;
	return Number(view.getBigInt64(at + 40, true)) === usn;
}

function parseRecord(bytes: Buffer, view: DataView, at: number, length: number): UsnRecord | undefined {
	const version = view.getUint16(at + 4, true);
	if (version !== 2 && version !== 3) return undefined;
	// Version 3 has references of 128 bits, of which NTFS uses the lower half.
	const wide = version === 3 ? 8 : 0;
	const fixed = version === 3 ? RECORD_V3 : RECORD_V2;
	if (length < fixed) return undefined;
	const rest = at + 2 * wide;
	const nameLength = view.getUint16(rest + 56, true);
	const nameOffset = view.getUint16(rest + 58, true);
	if (nameLength === 0 || nameLength % 2 !== 0 || nameOffset < fixed || nameOffset + nameLength > length)
		return undefined;
	return {
		usn: Number(view.getBigInt64(rest + 24, true)),
		inode: reference(view, at + 8),
		generation: view.getUint16(at + 14, true),
		parent: reference(view, at + 16 + wide),
		parentGeneration: view.getUint16(at + 22 + wide, true),
		name: decodeName(bytes, at + nameOffset, nameLength / 2),
		time: readFileTime(view, rest + 32),
		reason: view.getUint32(rest + 40, true),
		attributes: view.getUint32(rest + 52, true),
	};
}

function reference(view: DataView, at: number): number {
	return view.getUint32(at, true) + view.getUint16(at + 4, true) * 2 ** 32;
}

/**
 * The change journal from `since` on; undefined where the volume keeps none.
 *
 * @param since a USN, such as `next` of the reading before; 0 for all that is there.
 * @throws UmbraError `unsupported` for what is no NTFS, `corrupt` or `limit` for a journal that cannot be reached, or
 * what the source throws.
 */
export async function readUsnJournal(
	filesystem: Filesystem,
	since = 0,
	signal?: AbortSignal,
): Promise<UsnJournal | undefined> {
	const found = await findJournal(filesystem, signal);
	if (found === undefined) return undefined;
	const { ntfs, node, id, lowest } = found;
	const read = await readUsnStream(ntfs, node, since, signal);
	return { ...read, id, first: Math.max(read.first, Math.min(lowest, node.size)) };
}

/**
 * Where the change journal ends now, for little reading; undefined where the volume keeps none.
 *
 * @throws as `readUsnJournal`.
 */
export async function readUsnEnd(filesystem: Filesystem, signal?: AbortSignal): Promise<JournalEnd | undefined> {
	const found = await findJournal(filesystem, signal);
	if (found === undefined) return undefined;
	const { ntfs, node, id } = found;
	for (const bytes of TAIL_BYTES) {
		const { records, next } = await readUsnStream(ntfs, node, Math.max(0, node.size - bytes), signal);
		if (records.length > 0) return { id, next };
	}
	return { id, next: node.size };
}

interface FoundJournal {
	readonly ntfs: NtfsFilesystem;
	/** Of $J. */
	readonly node: FileNode;
	readonly id: string;
	/** LowestValidUsn. */
	readonly lowest: number;
}

async function findJournal(filesystem: Filesystem, signal?: AbortSignal): Promise<FoundJournal | undefined> {
	if (!(filesystem instanceof NtfsFilesystem)) {
		throw new UmbraError("unsupported", `a volume of kind ${filesystem.kind} has no change journal`, {
			context: { found: filesystem.kind, wanted: "ntfs" },
		});
	}
	const node = await lookup(filesystem, JOURNAL, signal);
	if (node === undefined) return undefined;
	const limits = await lookup(filesystem, LIMITS, signal);
	if (limits === undefined || limits.size < LIMITS_BYTES) return { ntfs: filesystem, node, id: "", lowest: 0 };
	const bytes = Buffer.from(await filesystem.readFile(limits, 0, LIMITS_BYTES, signal));
	const id = bytes.readBigUInt64LE(ID_AT).toString(16).padStart(16, "0");
	return { ntfs: filesystem, node, id, lowest: Math.max(0, Number(bytes.readBigInt64LE(LOWEST_AT))) };
}

async function lookup(filesystem: Filesystem, path: string, signal?: AbortSignal): Promise<FileNode | undefined> {
	try {
		return await filesystem.lookup(path, signal);
	} catch (error) {
		if (isUmbraError(error, "not-found")) return undefined;
		throw error;
	}
}

/** The same from a stream that is such a journal. */
export async function readUsnStream(
	filesystem: NtfsFilesystem,
	node: FileNode,
	since = 0,
	signal?: AbortSignal,
): Promise<UsnStream> {
	const begin = Math.min(node.size, await filesystem.firstByte(node, signal));
	const first = Math.max(begin, node.size - MAX_BYTES);
	const from = Math.max(since, first);
	const records: UsnRecord[] = [];
	let damaged = 0;
	let next = Math.min(from, node.size);
	for (let at = Math.floor(from / PAGE) * PAGE; at < node.size; at += READ_BYTES) {
		const bytes = await filesystem.readFile(node, at, READ_BYTES, signal);
		const read = parseUsnRecords(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at, records);
		damaged += read.damaged;
		next = Math.max(next, read.end);
	}
	return { records: records.filter(({ usn }) => usn >= from), next, first, damaged };
}
