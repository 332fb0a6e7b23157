/**
 * What a qcow2 image says of itself beyond its present content: which snapshots it holds, and which ranges of two of its
 * states can differ. QEMU reads the contents; see `qemu-nbd.ts`.
 *
 * Source: QEMU, docs/interop/qcow2.txt; the bounds are those of block/qcow2.h.
 */
import { UmbraError } from "../../common/errors.ts";
import { checkRange } from "./range.ts";
import type { BlockSource } from "./source.ts";

const MAGIC = 0x514649fb; // "QFI\xfb"
const HEADER_BYTES = 104;
const V2_HEADER_BYTES = 72;
const MIN_CLUSTER_BITS = 9;
const MAX_CLUSTER_BITS = 21;
/** QCOW_MAX_L1_SIZE, 32 MiB. */
const MAX_L1_ENTRIES = 2 ** 22;
/** QCOW_MAX_SNAPSHOTS, QCOW_MAX_SNAPSHOT_EXTRA_DATA. */
const MAX_SNAPSHOTS = 65_536;
const MAX_EXTRA_BYTES = 1024;
/** An image of 64 snapshots with names takes some KiB; more than this a table is not read. */
const MAX_SNAPSHOT_TABLE_BYTES = 16 * 1024 * 1024;
const SNAPSHOT_HEADER_BYTES = 40;
const L1_ENTRY_BYTES = 8;
/** Bits 9 to 55: the offset of an L2 table. */
const L1_OFFSET_MASK = 0x00ff_ffff_ffff_fe00n;
/** Of an L2 entry: says that the cluster has one user, not what is in it. */
const COPIED = 1n << 63n;
const INCOMPATIBLE_DATA_FILE = 1n << 2n;
const INCOMPATIBLE_EXTENDED_L2 = 1n << 4n;
/** 16 bytes of extra data hold the disk's size. */
const EXTRA_WITH_SIZE = 16;
/** No disk that a collector takes is larger; bounds the tables that are read. */
const MAX_DISK_BYTES = 2 ** 46;
/** Beyond so many ranges their list costs more than it saves. */
const MAX_RANGES = 1_000_000;

/** The L1 table of one state. */
export interface Qcow2State {
	readonly l1Offset: number;
	readonly l1Entries: number;
	/** Of the disk then, bytes. */
	readonly sizeBytes: number;
}

export interface Qcow2Snapshot extends Qcow2State {
	readonly id: string;
	readonly name: string;
	/** When it was made, Unix nanoseconds. */
	readonly timeNs: bigint;
	/** Of the machine's memory, which lies behind the disk; 0 where it was not saved. */
	readonly vmStateBytes: number;
}

export interface Qcow2Image {
	readonly version: 2 | 3;
	readonly clusterBits: number;
	/** The state that it is in. */
	readonly present: Qcow2State;
	readonly snapshots: readonly Qcow2Snapshot[];
	readonly hasBackingFile: boolean;
	readonly hasDataFile: boolean;
	readonly hasExtendedL2: boolean;
}

export interface Qcow2Header extends Omit<Qcow2Image, "snapshots"> {
	readonly snapshotCount: number;
	readonly snapshotsOffset: number;
}

/** @throws UmbraError as `readQcow2`. */
export async function readQcow2Header(file: BlockSource, signal?: AbortSignal): Promise<Qcow2Header> {
	return parseHeader(await file.read(0, Math.min(HEADER_BYTES, file.size), signal), file.name);
}

/**
 * Reads the header and the snapshot table.
 *
 * @throws UmbraError `corrupt` or `truncated` where it is not what it should be, `unsupported` for another format.
 */
export async function readQcow2(file: BlockSource, signal?: AbortSignal): Promise<Qcow2Image> {
	const { snapshotCount, snapshotsOffset, ...image } = await readQcow2Header(file, signal);
	if (snapshotCount === 0) return { ...image, snapshots: [] };
	if (snapshotsOffset >= file.size) throw tooShort(file.name, "snapshot table", snapshotsOffset, file.size);
	const length = Math.min(MAX_SNAPSHOT_TABLE_BYTES, file.size - snapshotsOffset);
	const table = await readBuffer(file, snapshotsOffset, length, signal);
	return { ...image, snapshots: parseSnapshots(table, snapshotCount, image, file.name) };
}

async function readBuffer(file: BlockSource, offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
	checkRange(file.name, file.size, offset, length);
	const bytes = await file.read(offset, length, signal);
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function parseHeader(header: Uint8Array, path: string): Qcow2Header {
	const bytes = Buffer.from(header.buffer, header.byteOffset, header.length);
	if (bytes.length < V2_HEADER_BYTES || bytes.readUInt32BE(0) !== MAGIC) {
		throw new UmbraError("unsupported", `${path}: not a qcow2 image`, { context: { path, structure: "qcow2 header" } });
	}
	const version = bytes.readUInt32BE(4);
	if (version !== 2 && version !== 3) throw wrong(path, "qcow2 header", "version", version, "2 or 3");
	if (version === 3 && bytes.length < HEADER_BYTES) {
		throw new UmbraError("truncated", `${path}: ends within its qcow2 header`, {
			context: { path, structure: "qcow2 header", found: bytes.length, wanted: HEADER_BYTES },
		});
	}
	const clusterBits = bytes.readUInt32BE(20);
	if (clusterBits < MIN_CLUSTER_BITS || clusterBits > MAX_CLUSTER_BITS) {
		throw wrong(path, "qcow2 header", "cluster_bits", clusterBits, `${MIN_CLUSTER_BITS} to ${MAX_CLUSTER_BITS}`);
	}
	const incompatible = version === 3 ? bytes.readBigUInt64BE(72) : 0n;
	const l1Entries = bytes.readUInt32BE(36);
	if (l1Entries > MAX_L1_ENTRIES) throw wrong(path, "qcow2 header", "l1_size", l1Entries, `at most ${MAX_L1_ENTRIES}`);
	const snapshotCount = bytes.readUInt32BE(60);
	if (snapshotCount > MAX_SNAPSHOTS)
		throw wrong(path, "qcow2 header", "nb_snapshots", snapshotCount, `at most ${MAX_SNAPSHOTS}`);
	const number = (field: string, offset: number) => exact(path, "qcow2 header", field, bytes.readBigUInt64BE(offset));
	return {
		version,
		clusterBits,
		present: { l1Offset: number("l1_table_offset", 40), l1Entries, sizeBytes: number("size", 24) },
		hasBackingFile: bytes.readBigUInt64BE(8) !== 0n,
		hasDataFile: (incompatible & INCOMPATIBLE_DATA_FILE) !== 0n,
		hasExtendedL2: (incompatible & INCOMPATIBLE_EXTENDED_L2) !== 0n,
		snapshotCount,
		snapshotsOffset: number("snapshots_offset", 64),
	};
}

function parseSnapshots(table: Buffer, count: number, { present }: Pick<Qcow2Header, "present">, path: string) {
	const snapshots: Qcow2Snapshot[] = [];
	const seen = new Set<string>();
	let at = 0;
	const need = (end: number) => {
		if (end <= table.length) return;
		throw tooShort(path, `snapshot ${snapshots.length + 1} of ${count}`, end, table.length);
	};
	while (snapshots.length < count) {
		need(at + SNAPSHOT_HEADER_BYTES);
		const structure = `qcow2 snapshot ${snapshots.length + 1}`;
		const l1Entries = table.readUInt32BE(at + 8);
		if (l1Entries > MAX_L1_ENTRIES) throw wrong(path, structure, "l1_size", l1Entries, `at most ${MAX_L1_ENTRIES}`);
		const [idBytes, nameBytes] = [table.readUInt16BE(at + 12), table.readUInt16BE(at + 14)];
		const extraBytes = table.readUInt32BE(at + 36);
		if (extraBytes > MAX_EXTRA_BYTES) {
			throw wrong(path, structure, "extra_data_size", extraBytes, `at most ${MAX_EXTRA_BYTES}`);
		}
		const [extra, id] = [at + SNAPSHOT_HEADER_BYTES, at + SNAPSHOT_HEADER_BYTES + extraBytes];
		const end = id + idBytes + nameBytes;
		need(end);
		const hasSize = extraBytes >= EXTRA_WITH_SIZE;
		const vmState = extraBytes >= 8 ? table.readBigUInt64BE(extra) : BigInt(table.readUInt32BE(at + 32));
		const snapshot: Qcow2Snapshot = {
			id: table.toString("utf8", id, id + idBytes),
			name: table.toString("utf8", id + idBytes, end),
			timeNs: BigInt(table.readUInt32BE(at + 16)) * 1_000_000_000n + BigInt(table.readUInt32BE(at + 20)),
			vmStateBytes: exact(path, structure, "vm_state_size", vmState),
			l1Offset: exact(path, structure, "l1_table_offset", table.readBigUInt64BE(at)),
			l1Entries,
			sizeBytes: hasSize ? exact(path, structure, "disk_size", table.readBigUInt64BE(extra + 8)) : present.sizeBytes,
		};
		// They are told apart by both; a name with a NUL in it cannot be said to QEMU.
		const key = JSON.stringify([snapshot.id, snapshot.name]);
		if (seen.has(key)) throw wrong(path, structure, "id and name", key, "those of no other snapshot");
		if (key.includes("\\u0000")) throw wrong(path, structure, "id and name", key, "text without NUL");
		seen.add(key);
		snapshots.push(snapshot);
		at = Math.ceil(end / 8) * 8;
	}
	return snapshots;
}

/**
 * Ranges of the disk, as ascending `[offset, length, ...]`, outside of which two states of an image read the same: what
 * both map to the same place in the file. Undefined where that cannot be told cheaply.
 *
 * @throws UmbraError `corrupt`, `truncated`.
 */
export async function differingRanges(
	file: BlockSource,
	image: Qcow2Image,
	a: Qcow2State,
	b: Qcow2State,
	signal?: AbortSignal,
): Promise<number[] | undefined> {
	// With a file of its own for the data, what lies there may have been written in place.
	if (image.hasDataFile) return undefined;
	const clusterBytes = 2 ** image.clusterBits;
	const entryBytes = image.hasExtendedL2 ? 16 : 8;
	const tableBytes = (clusterBytes / entryBytes) * clusterBytes;
	const size = Math.max(a.sizeBytes, b.sizeBytes);
	if (size > MAX_DISK_BYTES) return undefined;
	const tables = Math.min(Math.ceil(size / tableBytes), Math.max(a.l1Entries, b.l1Entries));
	const [first, second] = [await readL1(file, a, signal), await readL1(file, b, signal)];
	const ranges: number[] = [];
	for (let table = 0; table < tables; table++) {
		const [one, two] = [tableOffset(first, table), tableOffset(second, table)];
		if (one === two) continue;
		const [old, now] = [await readL2(file, one, clusterBytes, signal), await readL2(file, two, clusterBytes, signal)];
		for (let at = 0; at < clusterBytes; at += entryBytes) {
			if (isSameEntry(old, now, at, entryBytes)) continue;
			const offset = table * tableBytes + (at / entryBytes) * clusterBytes;
			if (offset >= size) break;
			const last = ranges.length - 2;
			if (last >= 0 && ranges[last]! + ranges[last + 1]! === offset) ranges[last + 1]! += clusterBytes;
			else ranges.push(offset, clusterBytes);
			if (ranges.length > 2 * MAX_RANGES) return undefined;
		}
	}
	return ranges;
}

async function readL1(file: BlockSource, { l1Offset, l1Entries }: Qcow2State, signal?: AbortSignal): Promise<Buffer> {
	return await readBuffer(file, l1Offset, l1Entries * L1_ENTRY_BYTES, signal);
}

/** 0: nothing of that range is allocated. */
function tableOffset(l1: Buffer, table: number): bigint {
	const at = table * L1_ENTRY_BYTES;
	return at + L1_ENTRY_BYTES > l1.length ? 0n : l1.readBigUInt64BE(at) & L1_OFFSET_MASK;
}

async function readL2(file: BlockSource, offset: bigint, clusterBytes: number, signal?: AbortSignal): Promise<Buffer> {
	if (offset === 0n) return Buffer.alloc(clusterBytes);
	return await readBuffer(file, exact(file.name, "qcow2 L1 table", "l2_offset", offset), clusterBytes, signal);
}

function isSameEntry(a: Buffer, b: Buffer, at: number, entryBytes: number): boolean {
	if ((a.readBigUInt64BE(at) | COPIED) !== (b.readBigUInt64BE(at) | COPIED)) return false;
	return entryBytes === 8 || a.readBigUInt64BE(at + 8) === b.readBigUInt64BE(at + 8);
}

function exact(path: string, structure: string, field: string, value: bigint): number {
	if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw wrong(path, structure, field, value, "below 2^53");
	return Number(value);
}

function tooShort(path: string, what: string, wanted: number, found: number): UmbraError {
	return new UmbraError("truncated", `${path}: its ${what} lies beyond the end, at ${wanted} of ${found} bytes`, {
		context: { path, structure: "qcow2 snapshot table", found, wanted },
		hint: "it may have been cut when it was copied; qemu-img check says more",
	});
}

function wrong(path: string, structure: string, field: string, found: unknown, wanted: string): UmbraError {
	return new UmbraError("corrupt", `${path}: ${structure}: ${field} is ${String(found)}, wanted ${wanted}`, {
		context: { path, structure, field, found: String(found), wanted },
		hint: "qemu-img check says more",
	});
}
