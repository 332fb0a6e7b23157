/**
 * The change journal, $Extend\$UsnJrnl: its stream $J holds a record for every change of a file, its past made a hole.
 * A record's number, its USN, is its place in $J.
 * Source: Microsoft's USN_RECORD_V2 and USN_RECORD_V3; for $Max, the Linux-NTFS project's documentation.
 */
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { FileNode, Filesystem } from "../filesystem.ts";
import { decodeName } from "./names.ts";
import { NtfsFilesystem } from "./ntfs.ts";
import { readFileTime } from "./time.ts";

const JOURNAL = "/$Extend/$UsnJrnl:$J";
/** No record crosses a boundary of this size; what is left before one is zeroes. */
const PAGE = 4096;
const RECORD_V2 = 60;
const RECORD_V3 = 76;
/** Read at once; whole pages. */
const READ_BYTES = 1 << 20;
/** Of the newest records: as much as Windows keeps unless it is told otherwise, half a million of them. */
const MAX_BYTES = 32 << 20;

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

export interface UsnJournal {
	/** Oldest first. */
	readonly records: readonly UsnRecord[];
	/** From here on there are records that were not asked for or are not there yet: `since` of the next reading. */
	readonly next: number;
	/** The first USN that is still there, and not beyond what is read at once: what is between `since` and it is lost. */
	readonly first: number;
	/** Pages that made no sense. */
	readonly damaged: number;
}

export interface Rename {
	readonly inode: number;
	readonly generation: number;
	readonly time: number;
	readonly oldParent: number;
	readonly oldName: string;
	readonly parent: number;
	readonly name: string;
}

/**
 * Appends the records of `bytes`, which begin at the USN `usn`, a page's boundary.
 *
 * @returns how many pages ended in something that is no record.
 */
export function parseUsnRecords(bytes: Buffer, usn: number, records: UsnRecord[]): number {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	let damaged = 0;
	for (let page = 0; page < bytes.length; page += PAGE) {
		const end = Math.min(page + PAGE, bytes.length);
		for (let at = page; at + 8 <= end; ) {
			const length = view.getUint32(at, true);
			if (length === 0) {
				// A hole is a page of zeroes; so is what is left of a page.
				break;
			}
			const record = length % 8 === 0 && at + length <= end ? parseRecord(bytes, view, at, length) : undefined;
			if (record === undefined || record.usn !== usn + at) {
				damaged++;
				break;
			}
			if (record !== UNKNOWN) records.push(record);
			at += length;
		}
	}
	return damaged;
}

/** Of a version that tells nothing of names: ranges of a file that changed, in version 4. */
const UNKNOWN: UsnRecord = {
	...{ usn: -1, inode: 0, generation: 0, parent: 0, parentGeneration: 0 },
	...{ name: "", time: 0, reason: 0, attributes: 0 },
};

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
	if (nameLength % 2 !== 0 || nameOffset < fixed || nameOffset + nameLength > length) return undefined;
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
 * @throws UmbraError `unsupported` for what is no NTFS, or what the source throws.
 */
export async function readUsnJournal(
	filesystem: Filesystem,
	since = 0,
	signal?: AbortSignal,
): Promise<UsnJournal | undefined> {
	if (!(filesystem instanceof NtfsFilesystem)) {
		throw new UmbraError("unsupported", `a volume of kind ${filesystem.kind} has no change journal`, {
			context: { found: filesystem.kind, wanted: "ntfs" },
		});
	}
	let node: FileNode;
	try {
		node = await filesystem.lookup(JOURNAL, signal);
	} catch (error) {
		if (isUmbraError(error, "not-found")) return undefined;
		throw error;
	}
	return readUsnStream(filesystem, node, since, signal);
}

/** The same from a stream that is such a journal. */
export async function readUsnStream(
	filesystem: NtfsFilesystem,
	node: FileNode,
	since = 0,
	signal?: AbortSignal,
): Promise<UsnJournal> {
	const begin = Math.min(node.size, await filesystem.firstByte(node, signal));
	const first = Math.max(begin, node.size - MAX_BYTES);
	const from = Math.max(since, first);
	const records: UsnRecord[] = [];
	let damaged = 0;
	for (let at = Math.floor(from / PAGE) * PAGE; at < node.size; at += READ_BYTES) {
		const bytes = await filesystem.readFile(node, at, READ_BYTES, signal);
		damaged += parseUsnRecords(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at, records);
	}
	return { records: records.filter(({ usn }) => usn >= from), next: node.size, first, damaged };
}

/** Renames and moves, oldest first: each is told by two records of one file, the old name and then the new. */
export function renamesOf(records: readonly UsnRecord[]): Rename[] {
	const renames: Rename[] = [];
	const old = new Map<number, UsnRecord>();
	for (const record of records) {
		const { inode, generation, parent, name, time, reason } = record;
		if ((reason & REASON.RENAME_OLD_NAME) !== 0) old.set(inode, record);
		// Further records until the file is closed repeat the reason.
		if ((reason & REASON.RENAME_NEW_NAME) === 0) continue;
		const before = old.get(inode);
		if (before === undefined || before.generation !== generation) continue;
		old.delete(inode);
		renames.push({ inode, generation, time, oldParent: before.parent, oldName: before.name, parent, name });
	}
	return renames;
}
