/**
 * The stored form of a disk tree: a *base*, which is a whole tree, and *deltas*, each of which is what changed since the
 * part before it. Numbers are LEB128 varints; signed ones are zigzag.
 */
import { UmbraError } from "../common/errors.ts";
import type { Owners } from "./owners.ts";
import { differenceOf } from "./rescan/layered-scan.ts";
import { readScan, readScanChanges, writeScan, writeScanChanges } from "./scan-codec.ts";
import { nameOfSealed, type SealedFormat, seal, unseal } from "./sealed.ts";
import type { Segment, Segments } from "./segments.ts";
import type { DiskTree, MachineTree, VolumeTree } from "./tree.ts";
import { type ColumnReader, ColumnWriter } from "./tree-columns.ts";

/** Without change journals. */
const VERSION_WITHOUT_JOURNALS = 3;
const COMMON = {
	structure: "disk tree",
	versions: [4, VERSION_WITHOUT_JOURNALS],
	/** About 25 million files. */
	maxBody: 1024 * 1024 * 1024,
} as const;
const BASE: SealedFormat = { ...COMMON, magic: "UTRE" };
const DELTA: SealedFormat = { ...COMMON, magic: "UTRD" };

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
	return seal(BASE, writer.bytes());
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
	return seal(DELTA, writer.bytes(), previous);
}

/** What tells an encoded part from any other. */
export const nameOfPart = nameOfSealed;

/**
 * @throws UmbraError `corrupt` for anything that `encodeDiskTree` did not write or that was damaged since;
 * `unsupported` for a version that is neither this one nor the one before.
 */
export function decodeDiskTree(bytes: Uint8Array): DiskTree {
	const { disks, volumes, problems } = decodeMachineTree(bytes);
	const [disk] = disks;
	if (disk === undefined || disks.length > 1) throw damaged(`${disks.length} disks, wanted one`);
	return { size: disk.size, table: disk.table, volumes, problems };
}

/** @throws as `decodeDiskTree`. */
export function decodeMachineTree(bytes: Uint8Array): MachineTree {
	return unseal(BASE, bytes, undefined, (reader, version) => readTree(reader, version, undefined));
}

/**
 * The tree after a delta.
 *
 * @param before the tree with which the part of the name `previous` ends.
 * @throws as `decodeDiskTree`, `corrupt` also for a delta of another part.
 */
export function applyTreeDelta(before: MachineTree, bytes: Uint8Array, previous: Uint8Array): MachineTree {
	return unseal(DELTA, bytes, previous, (reader, version) => readTree(reader, version, before));
}

function damaged(what: string): UmbraError {
	return new UmbraError("corrupt", `disk tree: ${what}`, { context: { structure: "disk tree" } });
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

function readTree(reader: ColumnReader, version: number, before: MachineTree | undefined): MachineTree {
	const disks = Array.from({ length: reader.count(3) }, () => {
		return { name: reader.string(), size: reader.natural(), table: reader.choice(TABLES) };
	});
	const problems = Array.from({ length: reader.count(1) }, () => reader.string());
	const volumes = Array.from({ length: reader.count(8) }, () => {
		return readVolume(reader, version, disks.length, before);
	});
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
			throw damaged("a segment that makes no sense");
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
	const { scan, journal } = volume;
	writer.byte(journal === undefined ? 0 : 1);
	if (journal !== undefined) {
		writer.string(journal.id);
		writer.natural(journal.next);
	}
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

function readVolume(reader: ColumnReader, version: number, disks: number, before: MachineTree | undefined): VolumeTree {
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
	const hasJournal = version !== VERSION_WITHOUT_JOURNALS && reader.choice([false, true]);
	const journal = hasJournal ? { id: reader.string(), next: reader.natural() } : undefined;
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
		...(journal === undefined ? {} : { journal }),
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
