/**
 * The stored form of a disk tree: a *base*, which is a whole tree, and *deltas*, each of which is what changed since the
 * part before it. All numbers are little-endian or LEB128 varints; signed ones are zigzag.
 *
 *   "UTRE" (base) or "UTRD" (delta) | u8 version | u32 length of the plain body | 32 bytes BLAKE3 of what follows |
 *   delta: the 32 bytes BLAKE3 of the part before | zstd body
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { blake3Name, NAME_SIZE } from "../common/block.ts";
import { isUmbraError, UmbraError } from "../common/errors.ts";
import type { Owners } from "./owners.ts";
import { differenceOf } from "./rescan/layered-scan.ts";
import { readScan, readScanChanges, writeScan, writeScanChanges } from "./scan-codec.ts";
import type { Segment, Segments } from "./segments.ts";
import type { DiskTree, MachineTree, VolumeTree } from "./tree.ts";
import { ColumnReader, ColumnWriter } from "./tree-columns.ts";

const BASE_MAGIC = "UTRE";
const DELTA_MAGIC = "UTRD";
const VERSION = 3;
const NAME_AT = 9;
const HEADER_SIZE = NAME_AT + NAME_SIZE;
/** About 25 million files; bounds what a damaged length can make zstd allocate. */
const MAX_BODY = 1024 * 1024 * 1024;

const TABLES: readonly DiskTree["table"][] = ["none", "mbr", "gpt"];
/** How a volume's scan is told: not at all, as a whole, or as what changed since one of the tree before. */
const NO_SCAN = 0;
const WHOLE_SCAN = 1;
const CHANGES = 2;

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
	writeTree(writer, tree, undefined);
	return seal(BASE_MAGIC, writer.bytes(), undefined);
}

/**
 * What changed from one tree to the next. Small where the scans of the one were made from those of the other.
 *
 * @param previous the name of the encoded part that ends with the tree before.
 * @throws as `encodeDiskTree`.
 */
export function encodeTreeDelta(before: MachineTree, after: MachineTree, previous: Uint8Array): Uint8Array {
	const writer = new ColumnWriter();
	writeTree(writer, after, before);
	return seal(DELTA_MAGIC, writer.bytes(), previous);
}

/** What tells an encoded part from any other. */
export function nameOfPart(part: Uint8Array): Uint8Array {
	return Uint8Array.from(part.subarray(NAME_AT, HEADER_SIZE));
}

function seal(magic: string, body: Uint8Array, previous: Uint8Array | undefined): Uint8Array {
	if (body.length > MAX_BODY) {
		throw new UmbraError("limit", `disk tree: ${body.length} bytes of columns, at most ${MAX_BODY} fit`, {
			context: { structure: "disk tree", found: body.length, wanted: MAX_BODY },
		});
	}
	const packed = zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
	const out = Buffer.allocUnsafe(HEADER_SIZE + (previous?.length ?? 0) + packed.length);
	out.write(magic, 0, "latin1");
	out.writeUInt8(VERSION, 4);
	out.writeUInt32LE(body.length, 5);
	if (previous !== undefined) out.set(previous, HEADER_SIZE);
	out.set(packed, out.length - packed.length);
	out.set(blake3Name(out.subarray(HEADER_SIZE)), NAME_AT);
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
	return unseal(BASE_MAGIC, bytes, undefined, (reader) => readTree(reader, undefined));
}

/**
 * The tree after a delta.
 *
 * @param before the tree with which the part of the name `previous` ends.
 * @throws as `decodeDiskTree`, `corrupt` also for a delta of another part.
 */
export function applyTreeDelta(before: MachineTree, bytes: Uint8Array, previous: Uint8Array): MachineTree {
	return unseal(DELTA_MAGIC, bytes, previous, (reader) => readTree(reader, before));
}

function unseal<T>(
	magic: string,
	bytes: Uint8Array,
	previous: Uint8Array | undefined,
	read: (reader: ColumnReader) => T,
): T {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const start = HEADER_SIZE + (previous?.length ?? 0);
	if (buffer.length < start || buffer.toString("latin1", 0, 4) !== magic) throw damaged("no disk tree", 0);
	const version = buffer.readUInt8(4);
	if (version !== VERSION) {
		throw new UmbraError("unsupported", `disk tree: version ${version}, wanted ${VERSION}`, {
			context: { structure: "disk tree", offset: 4, found: version, wanted: VERSION },
		});
	}
	const length = buffer.readUInt32LE(5);
	if (length > MAX_BODY) throw damaged(`body of ${length} bytes`, 5);
	const checked = blake3Name(buffer.subarray(HEADER_SIZE));
	if (!buffer.subarray(NAME_AT, HEADER_SIZE).equals(checked)) throw damaged("checksum does not match", NAME_AT);
	if (previous !== undefined && !buffer.subarray(HEADER_SIZE, start).equals(previous)) {
		throw damaged("changes of another tree", HEADER_SIZE);
	}
	try {
		const body = zstdDecompressSync(buffer.subarray(start), { maxOutputLength: Math.max(length, 1) });
		if (body.length !== length) throw damaged(`body of ${body.length} bytes, wanted ${length}`, 5);
		const reader = new ColumnReader(body);
		const result = read(reader);
		reader.end();
		return result;
	} catch (error) {
		if (isUmbraError(error)) throw error;
		throw damaged("cannot be unpacked", HEADER_SIZE, error);
	}
}

function damaged(what: string, offset: number, cause?: unknown): UmbraError {
	return new UmbraError("corrupt", `disk tree: ${what}`, { cause, context: { structure: "disk tree", offset } });
}

function writeTree(writer: ColumnWriter, tree: MachineTree, before: MachineTree | undefined): void {
	writer.natural(tree.disks.length);
	for (const { name, size, table } of tree.disks) {
		writer.string(name);
		writer.natural(size);
		writer.byte(TABLES.indexOf(table));
	}
	writer.natural(tree.problems.length);
	for (const problem of tree.problems) writer.string(problem);
	writer.natural(tree.volumes.length);
	for (const volume of tree.volumes) writeVolume(writer, volume, before);
}

function readTree(reader: ColumnReader, before: MachineTree | undefined): MachineTree {
	const disks = Array.from({ length: reader.count(3) }, () => {
		return { name: reader.string(), size: reader.natural(), table: reader.choice(TABLES) };
	});
	const problems = Array.from({ length: reader.count(1) }, () => reader.string());
	const volumes = Array.from({ length: reader.count(8) }, () => readVolume(reader, disks.length, before));
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

function writeVolume(writer: ColumnWriter, volume: VolumeTree, before: MachineTree | undefined): void {
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
	const { scan } = volume;
	if (scan === undefined) {
		writer.byte(NO_SCAN);
		return;
	}
	for (const [at, { scan: old }] of (before?.volumes ?? []).entries()) {
		const difference = old === undefined ? undefined : differenceOf(old, scan);
		if (old === undefined || difference === undefined) continue;
		writer.byte(CHANGES);
		writer.natural(at);
		writeScanChanges(writer, old, scan, difference, volume.blockSize);
		return;
	}
	writer.byte(WHOLE_SCAN);
	writeScan(writer, scan, volume.blockSize);
}

function readVolumeScan(reader: ColumnReader, before: MachineTree | undefined): VolumeTree["scan"] {
	switch (reader.choice([NO_SCAN, WHOLE_SCAN, CHANGES])) {
		case NO_SCAN:
			return undefined;
		case WHOLE_SCAN:
			return readScan(reader);
		default: {
			const old = before?.volumes[reader.natural()]?.scan;
			if (old === undefined) throw reader.damaged("changes of a volume that is not there");
			return readScanChanges(reader, old);
		}
	}
}

function readVolume(reader: ColumnReader, disks: number, before: MachineTree | undefined): VolumeTree {
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
	const scan = readVolumeScan(reader, before);
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
