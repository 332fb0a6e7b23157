/** From a file's records to the FileNodes that stand for it: one for itself and one for each of its named streams. */
import type { FileNode, FileType, Ranges } from "../filesystem.ts";
import { ATTRIBUTE_READONLY, type FileRecord, findStream, metaStreams, NO_RANGES, type Stream } from "./file.ts";
import { MFT_RECORD, type Mft } from "./mft.ts";
import { RECORD_IS_DIRECTORY } from "./record.ts";
import { reparseTarget, reparseType, TAG } from "./reparse.ts";
import type { Security } from "./security.ts";
import { streamInodes } from "./stream-ids.ts";
import type { NtfsVolume } from "./volume.ts";

/** What everything that reads an opened volume needs. */
export interface Ntfs {
	readonly volume: NtfsVolume;
	readonly mft: Mft;
	readonly security: Security;
}

/** Where the Windows Overlay Filter keeps the content of a file whose data it made a hole. */
const WOF_STREAM = "WofCompressedData";

/** st_mode's type bits. */
const TYPE_BITS: Readonly<Record<FileType, number>> = {
	fifo: 0o010000,
	char: 0o020000,
	dir: 0o040000,
	block: 0o060000,
	file: 0o100000,
	symlink: 0o120000,
	socket: 0o140000,
};

/**
 * Where a stream's content lies. Resident content is a part of its MFT record, and no finer place is told of any
 * content than the block that holds it: the record is given, so that a change of that record is this file's.
 */
function rangesOf({ volume, mft }: Ntfs, stream: Stream | undefined) {
	if (stream === undefined) return NO_RANGES;
	if (!stream.resident) return stream.runs.length === 0 ? NO_RANGES : volume.ranges(stream.runs);
	return stream.size === 0 ? NO_RANGES : mft.recordRanges(stream.record);
}

/** Streams that are entries of their own: all that have a name, but for the one that is the file's content by another way. */
export function namedStreams(file: FileRecord): Stream[] {
	if (file.streams.length === 0 || (file.streams.length === 1 && file.streams[0]!.name === "")) return NO_STREAMS;
	const wof = file.reparseTag === TAG.WOF;
	return file.streams.filter(({ name }) => name !== "" && !(wof && name === WOF_STREAM));
}

const NO_STREAMS: Stream[] = [];
const NO_NODES: FileNode[] = [];

/** NTFS has no such thing; this is what its driver in Linux shows. @param attributes FILE_ATTRIBUTE_* flags. */
export function modeOf(type: FileType, attributes: number): number {
	const readOnly = type === "file" && (attributes & ATTRIBUTE_READONLY) !== 0;
	const permissions = type === "symlink" ? 0o777 : type === "dir" ? 0o755 : readOnly ? 0o444 : 0o644;
	return TYPE_BITS[type] | permissions;
}

/** @param bytesOf the buffer in which the values of a record stand. */
export function makeNode(ntfs: Ntfs, file: FileRecord, bytesOf: (record: number) => Buffer): FileNode {
	const tag = file.reparseTag;
	const directory = (file.header.flags & RECORD_IS_DIRECTORY) !== 0;
	const type = reparseType(tag) ?? (directory ? "dir" : "file");
	const main = findStream(file.streams, "");
	const { security } = file;
	const descriptor =
		file.securityId === 0 && security?.resident === true
			? bytesOf(security.record).subarray(security.valueAt, security.valueAt + security.size)
			: undefined;
	const { uid, gid } = ntfs.security.ownerOf(file.securityId, descriptor);
	let size = main?.size ?? 0;
	let content = main;
	if (type === "dir") {
		size = (file.indexAllocation ?? file.indexRoot)?.size ?? 0;
		// A small directory has its names in its record, and so are its times, which follow them: that record stays metadata.
		content = file.indexAllocation;
	} else if (type === "symlink") {
		size = linkSize(file, bytesOf);
	} else if (tag === TAG.WOF) {
		content = findStream(file.streams, WOF_STREAM);
	}
	return {
		inode: file.record,
		generation: file.header.sequence,
		type,
		size,
		mode: modeOf(type, file.attributes),
		uid,
		gid,
		nlink: Math.max(1, file.names.length),
		mtime: file.mtime,
		ctime: file.ctime,
		data: rangesOf(ntfs, content),
		meta: metaOf(ntfs, file, content),
	};
}

/**
 * Clusters that hold no content, and extension records but for those that hold some. The MFT is all meta: what of it
 * is no file's content is nobody's but its own.
 */
function metaOf({ volume, mft }: Ntfs, file: FileRecord, content: Stream | undefined): Ranges {
	const others = metaStreams(file);
	if (others.length === 0 && file.extensions.length === 0 && file.record !== MFT_RECORD) return NO_RANGES;
	const ranges: number[] = [];
	for (const stream of others) volume.ranges(stream.runs, ranges);
	if (file.record === MFT_RECORD) volume.ranges(findStream(file.streams, "")?.runs ?? [], ranges);
	else if (file.extensions.length > 0) {
		const shown = content === undefined ? namedStreams(file) : [content, ...namedStreams(file)];
		const holders = new Set(shown.filter(({ resident, size }) => resident && size > 0).map(({ record }) => record));
		for (const record of file.extensions) if (!holders.has(record)) ranges.push(...mft.recordRanges(record));
	}
	return ranges;
}

/** What a reparse point says; undefined where there is none. */
export function reparseDataOf(file: FileRecord, bytesOf: (record: number) => Buffer): Buffer | undefined {
	const { reparse, reparseData } = file;
	if (reparse === undefined || !reparse.resident) return reparseData;
	return bytesOf(reparse.record).subarray(reparse.valueAt, reparse.valueAt + reparse.size);
}

function linkSize(file: FileRecord, bytesOf: (record: number) => Buffer): number {
	const data = reparseDataOf(file, bytesOf);
	return data === undefined ? 0 : Buffer.byteLength(reparseTarget(data) ?? "");
}

/** Named streams as files of their own, with the times and the owner of the file that they belong to. */
export function makeStreamNodes(ntfs: Ntfs, file: FileRecord, node: FileNode, streams: readonly Stream[]): FileNode[] {
	if (streams.length === 0) return NO_NODES;
	const inodes = streamInodes(
		file.record,
		streams.map(({ name }) => name),
	);
	const mode = TYPE_BITS.file | ((file.attributes & ATTRIBUTE_READONLY) !== 0 && node.type === "file" ? 0o444 : 0o644);
	return streams.map((stream, i) => ({
		inode: inodes[i]!,
		generation: node.generation,
		type: "file",
		size: stream.size,
		mode,
		uid: node.uid,
		gid: node.gid,
		nlink: node.nlink,
		mtime: node.mtime,
		ctime: node.ctime,
		data: rangesOf(ntfs, stream),
		meta: NO_RANGES,
	}));
}
