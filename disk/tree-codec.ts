/**
 * The stored form of a disk tree. All numbers are little-endian or LEB128 varints; signed ones are zigzag.
 *
 *   "UTRE" | u8 version | u32 length of the plain body | 32 bytes BLAKE3 of what follows | zstd body
 *
 * The body holds columns rather than records: the values of one field of all nodes stand together, as
 * differences where they ascend, since that is what zstd shrinks best and decodes fastest.
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { blake3Name, NAME_SIZE } from "../common/block.ts";
import { isUmbraError, UmbraError } from "../common/errors.ts";
import type { FileNode, FilesystemScan, FileType, Link, Ranges } from "./filesystem.ts";
import type { Owners } from "./owners.ts";
import type { Segment, Segments } from "./segments.ts";
import type { DiskTree, MachineTree, VolumeTree } from "./tree.ts";
import { ColumnReader, ColumnWriter } from "./tree-columns.ts";

const MAGIC = "UTRE";
const VERSION = 2;
const HEADER_SIZE = 4 + 1 + 4 + NAME_SIZE;
/** About 25 million files; bounds what a damaged length can make zstd allocate. */
const MAX_BODY = 1024 * 1024 * 1024;
/** Names are joined into strings of this many, so that one name kept alive does not keep all of them. */
const NAMES_PER_RUN = 16384;

/** The order is part of the format. */
const TYPES: readonly FileType[] = ["file", "dir", "symlink", "char", "block", "fifo", "socket"];
const TABLES: readonly DiskTree["table"][] = ["none", "mbr", "gpt"];
/** In the type's byte: ctime is the same as mtime and is left out. */
const SAME_TIMES = 0x80;

/**
 * @throws UmbraError `limit` for a tree that does not fit the format (more than 1 GiB of plain columns, a number
 * that is no natural number below 2^52).
 */
export function encodeDiskTree(tree: DiskTree): Uint8Array {
	const { size, table, volumes, problems } = tree;
	return encodeMachineTree({ disks: [{ name: "", size, table }], volumes, problems });
}

/** @throws as `encodeDiskTree`. */
export function encodeMachineTree(tree: MachineTree): Uint8Array {
	const writer = new ColumnWriter();
	writer.natural(tree.disks.length);
	for (const { name, size, table } of tree.disks) {
		writer.string(name);
		writer.natural(size);
		writer.byte(TABLES.indexOf(table));
	}
	writer.natural(tree.problems.length);
	for (const problem of tree.problems) writer.string(problem);
	writer.natural(tree.volumes.length);
	for (const volume of tree.volumes) writeVolume(writer, volume);
	const body = writer.bytes();
	if (body.length > MAX_BODY) {
		throw new UmbraError("limit", `disk tree: ${body.length} bytes of columns, at most ${MAX_BODY} fit`, {
			context: { structure: "disk tree", found: body.length, wanted: MAX_BODY },
		});
	}
	const packed = zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
	const out = Buffer.allocUnsafe(HEADER_SIZE + packed.length);
	out.write(MAGIC, 0, "latin1");
	out.writeUInt8(VERSION, 4);
	out.writeUInt32LE(body.length, 5);
	out.set(blake3Name(packed), 9);
	out.set(packed, HEADER_SIZE);
	return out;
}

/**
 * @throws UmbraError `corrupt` for anything that `encodeDiskTree` did not write or that was damaged since;
 * `unsupported` for another version.
 */
export function decodeDiskTree(bytes: Uint8Array): DiskTree {
	const { disks, volumes, problems } = decodeMachineTree(bytes);
	const [disk] = disks;
	if (disk === undefined || disks.length > 1) throw damaged(`${disks.length} disks, wanted one`, HEADER_SIZE);
	return { size: disk.size, table: disk.table, volumes, problems };
}

/** @throws as `decodeDiskTree`. */
export function decodeMachineTree(bytes: Uint8Array): MachineTree {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (buffer.length < HEADER_SIZE || buffer.toString("latin1", 0, 4) !== MAGIC) throw damaged("no disk tree", 0);
	const version = buffer.readUInt8(4);
	if (version !== VERSION) {
		throw new UmbraError("unsupported", `disk tree: version ${version}, wanted ${VERSION}`, {
			context: { structure: "disk tree", offset: 4, found: version, wanted: VERSION },
		});
	}
	const length = buffer.readUInt32LE(5);
	if (length > MAX_BODY) throw damaged(`body of ${length} bytes`, 5);
	const packed = buffer.subarray(HEADER_SIZE);
	if (!buffer.subarray(9, HEADER_SIZE).equals(blake3Name(packed))) throw damaged("checksum does not match", 9);
	try {
		const body = zstdDecompressSync(packed, { maxOutputLength: Math.max(length, 1) });
		if (body.length !== length) throw damaged(`body of ${body.length} bytes, wanted ${length}`, 5);
		const reader = new ColumnReader(body);
		const tree = readTree(reader);
		reader.end();
		return tree;
	} catch (error) {
		if (isUmbraError(error)) throw error;
		throw damaged("cannot be unpacked", HEADER_SIZE, error);
	}
}

function damaged(what: string, offset: number, cause?: unknown): UmbraError {
	return new UmbraError("corrupt", `disk tree: ${what}`, { cause, context: { structure: "disk tree", offset } });
}

function readTree(reader: ColumnReader): MachineTree {
	const disks = Array.from({ length: reader.count(3) }, () => {
		return { name: reader.string(), size: reader.natural(), table: reader.choice(TABLES) };
	});
	const problems = Array.from({ length: reader.count(1) }, () => reader.string());
	const volumes = Array.from({ length: reader.count(8) }, () => readVolume(reader, disks.length));
	return { disks, problems, volumes };
}

function writeSegments(writer: ColumnWriter, segments: Segments): void {
	writer.natural(segments.length);
	for (const { length, stripeSize, stripes } of segments) {
		writer.natural(length);
		writer.natural(stripes.length);
		if (stripes.length > 1) writer.natural(stripeSize);
		for (const { disk, offset } of stripes) {
			writer.natural(disk);
			writer.natural(offset);
		}
	}
}

/** What the map relies on: whole turns of stripes, on disks that there are, below 2^53. */
function readSegments(reader: ColumnReader, disks: number): Segments {
	const segments: Segment[] = [];
	let start = 0;
	for (let left = reader.count(4); left > 0; left--) {
		const length = reader.natural();
		const count = reader.count(2);
		const stripeSize = count > 1 ? reader.natural() : 0;
		const stripes = Array.from({ length: count }, () => ({ disk: reader.natural(), offset: reader.natural() }));
		const isWhole = count === 1 || (count > 1 && stripeSize > 0 && length % (stripeSize * count) === 0);
		const isPlaced = stripes.every(({ disk, offset }) => disk < disks && Number.isSafeInteger(offset + length));
		if (length === 0 || !isWhole || !isPlaced || !Number.isSafeInteger(start + length)) {
			throw damaged("a segment that makes no sense", HEADER_SIZE);
		}
		segments.push({ start, length, stripeSize, stripes });
		start += length;
	}
	return segments;
}

function writeVolume(writer: ColumnWriter, volume: VolumeTree): void {
	writer.string(volume.id);
	writer.natural(volume.disk);
	writer.natural(volume.offset);
	writer.natural(volume.length);
	writeSegments(writer, volume.segments);
	writer.string(volume.lvUuid);
	writer.string(volume.kind);
	writer.string(volume.label);
	writer.string(volume.uuid);
	writer.natural(volume.blockSize);
	writer.natural(volume.usedBytes);
	writer.natural(volume.freeBytes);
	writer.natural(volume.files);
	writeNames(writer, volume.owners.users);
	writeNames(writer, volume.owners.groups);
	writer.byte(volume.scan === undefined ? 0 : 1);
	if (volume.scan !== undefined) writeScan(writer, volume.scan, volume.blockSize);
}

function readVolume(reader: ColumnReader, disks: number): VolumeTree {
	const id = reader.string();
	const disk = reader.natural();
	const offset = reader.natural();
	const length = reader.natural();
	const segments = readSegments(reader, disks);
	const lvUuid = reader.string();
	const kind = reader.string();
	const label = reader.string();
	const uuid = reader.string();
	const blockSize = reader.natural();
	const usedBytes = reader.natural();
	const freeBytes = reader.natural();
	const files = reader.natural();
	const owners: Owners = { users: readNames(reader), groups: readNames(reader) };
	const scan = reader.choice([false, true]) ? readScan(reader) : undefined;
	return {
		id,
		disk,
		offset,
		length,
		segments,
		lvUuid,
		kind,
		label,
		uuid,
		blockSize,
		usedBytes,
		freeBytes,
		files,
		owners,
		scan,
	};
}

function writeNames(writer: ColumnWriter, names: ReadonlyMap<number, string>): void {
	writer.natural(names.size);
	for (const [number, name] of names) {
		writer.natural(number);
		writer.string(name);
	}
}

function readNames(reader: ColumnReader): Map<number, string> {
	const names = new Map<number, string>();
	for (let left = reader.count(2); left > 0; left--) names.set(reader.natural(), reader.string());
	return names;
}

function writeScan(writer: ColumnWriter, scan: FilesystemScan, blockSize: number): void {
	const nodes = [...scan.nodes.values()];
	const unit = rangeUnit(scan, nodes, blockSize);
	writer.natural(scan.root);
	writer.natural(unit);
	writer.natural(nodes.length);
	let last = 0;
	for (const { inode } of nodes) {
		writer.integer(inode - last);
		last = inode;
	}
	for (const { generation } of nodes) writer.natural(generation);
	for (const { type, mtime, ctime } of nodes) {
		writer.byte(TYPES.indexOf(type) | (Object.is(mtime, ctime) ? SAME_TIMES : 0));
	}
	for (const { size } of nodes) writer.natural(size);
	for (const { mode } of nodes) writer.natural(mode);
	for (const { uid } of nodes) writer.natural(uid);
	for (const { gid } of nodes) writer.natural(gid);
	for (const { nlink } of nodes) writer.natural(nlink);
	for (const { mtime } of nodes) writer.float(mtime);
	for (const { mtime, ctime } of nodes) if (!Object.is(mtime, ctime)) writer.float(ctime);
	writer.rangeLists(nodes, "data", unit);
	writer.rangeLists(nodes, "meta", unit);
	writer.ranges(scan.metadata, unit);
	writer.ranges(scan.journal, unit);
	writeLinks(writer, scan.links);
}

function readScan(reader: ColumnReader): FilesystemScan {
	const root = reader.natural();
	const unit = reader.natural();
	// A node has at least eight bytes of varints and type, eight of mtime and two of range counts.
	const count = reader.count(18);
	const inodes = reader.deltas(count);
	const generations = reader.naturals(count);
	const types = reader.raw(count);
	const sizes = reader.naturals(count);
	const modes = reader.naturals(count);
	const uids = reader.naturals(count);
	const gids = reader.naturals(count);
	const nlinks = reader.naturals(count);
	const mtimes = reader.floats(count);
	let differing = 0;
	for (let at = 0; at < count; at++) if ((types[at]! & SAME_TIMES) === 0) differing++;
	const ctimes = reader.floats(differing);
	const data = reader.rangeLists(count, unit);
	const meta = reader.rangeLists(count, unit);
	const metadata = reader.ranges(unit);
	const journal = reader.ranges(unit);
	const nodes = new Map<number, FileNode>();
	for (let at = 0, other = 0; at < count; at++) {
		const inode = inodes[at]!;
		const type = TYPES[types[at]! & ~SAME_TIMES];
		if (type === undefined) throw damaged(`type ${types[at]} of inode ${inode}`, HEADER_SIZE);
		const mtime = mtimes[at]!;
		nodes.set(inode, {
			inode,
			generation: generations[at]!,
			type,
			size: sizes[at]!,
			mode: modes[at]!,
			uid: uids[at]!,
			gid: gids[at]!,
			nlink: nlinks[at]!,
			mtime,
			ctime: (types[at]! & SAME_TIMES) === 0 ? ctimes[other++]! : mtime,
			data: data[at]!,
			meta: meta[at]!,
		});
	}
	if (nodes.size !== count) throw damaged("the same inode twice", HEADER_SIZE);
	return { root, nodes, links: readLinks(reader), metadata, journal };
}

function writeLinks(writer: ColumnWriter, links: readonly Link[]): void {
	writer.natural(links.length);
	let last = 0;
	for (const { parent } of links) {
		writer.integer(parent - last);
		last = parent;
	}
	last = 0;
	for (const { inode } of links) {
		writer.integer(inode - last);
		last = inode;
	}
	for (let at = 0; at < links.length; at += NAMES_PER_RUN) {
		let names = links.slice(at, at + NAMES_PER_RUN).map(({ name }) => name);
		let joined = names.join("");
		if (!joined.isWellFormed()) {
			// Joined, a half surrogate pair could find its other half in the next name.
			names = names.map((name) => name.toWellFormed());
			joined = names.join("");
		}
		for (const name of names) writer.natural(name.length);
		writer.string(joined);
	}
}

function readLinks(reader: ColumnReader): Link[] {
	const count = reader.count(3);
	const parents = reader.deltas(count);
	const inodes = reader.deltas(count);
	const links = new Array<Link>(count);
	for (let from = 0; from < count; from += NAMES_PER_RUN) {
		const to = Math.min(from + NAMES_PER_RUN, count);
		const lengths = reader.naturals(to - from);
		const joined = reader.string();
		let start = 0;
		for (let at = from; at < to; at++) {
			const end = start + lengths[at - from]!;
			links[at] = { parent: parents[at]!, name: joined.slice(start, end), inode: inodes[at]! };
			start = end;
		}
		if (start !== joined.length) throw damaged("lengths of names do not add up", HEADER_SIZE);
	}
	return links;
}

/** The block size where every range is whole blocks, as it is in practice; else 1. */
function rangeUnit(scan: FilesystemScan, nodes: readonly FileNode[], blockSize: number): number {
	if (blockSize <= 1) return 1;
	const whole = (ranges: Ranges): boolean => ranges.every((value) => value % blockSize === 0);
	const fits =
		whole(scan.metadata) && whole(scan.journal) && nodes.every(({ data, meta }) => whole(data) && whole(meta));
	return fits ? blockSize : 1;
}
