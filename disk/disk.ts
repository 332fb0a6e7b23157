/**
 * A disk and its volumes: the partition table, then what each volume holds.
 */
import { isAbort, isUmbraError, messageOf, UmbraError } from "../common/errors.ts";
import type { Filesystem } from "./filesystem.ts";
import { type Format, HEAD_SIZE, recognise, TAIL_SIZE } from "./formats.ts";
import { readPartitionTable } from "./partition/partition.ts";
import { sliceSource } from "./source/slice.ts";
import type { BlockSource } from "./source/source.ts";

export interface Volume {
	/** The number that Linux gives the partition ("1", "5"), or empty for a disk without partitions. */
	readonly id: string;
	/** Bytes from the start of the disk. */
	readonly offset: number;
	/** Bytes. */
	readonly length: number;
	/** As blkid names it: "ext4", "xfs", "swap", "LVM2_member", ...; "unknown" where nothing was recognised. */
	readonly kind: string;
	readonly label: string;
	/** Whether such a volume holds files, whether or not we can read them. */
	readonly isFilesystem: boolean;
	/** Whether `open` knows this kind. */
	readonly isReadable: boolean;
	/**
	 * @throws UmbraError `unsupported` for a kind without a parser; `corrupt`, `truncated`, `unsupported` from
	 * the parser; `unavailable` where the disk cannot be read.
	 */
	open(signal?: AbortSignal): Promise<Filesystem>;
}

export interface Disk {
	readonly table: "mbr" | "gpt" | "none";
	/** In the order of the table; one with an empty id where there is no table. */
	readonly volumes: readonly Volume[];
	/** What is wrong with the partition table. */
	readonly problems: readonly UmbraError[];
}

/**
 * Reads the partition table and the signatures of a disk. The disk stays the caller's to close, after
 * the last use of its volumes.
 *
 * @throws UmbraError `unavailable` where the disk cannot be read; never for what is on it.
 */
export async function openDisk(source: BlockSource, signal?: AbortSignal): Promise<Disk> {
	const table = await readPartitionTable(source, signal);
	const places =
		table.kind === "none"
			? [{ id: "", offset: 0, length: source.size }]
			: table.partitions.map(({ number, offset, length }) => ({ id: String(number), offset, length }));
	const volumes: Volume[] = [];
	for (const place of places) volumes.push(await probe(source, place, signal));
	return { table: table.kind, volumes, problems: table.problems };
}

/** The volume with this id. @throws UmbraError `not-found` that names those there are. */
export function findVolume(disk: Disk, id: string): Volume {
	const volume = disk.volumes.find((candidate) => candidate.id === id);
	if (volume !== undefined) return volume;
	if (id.includes("/") && disk.volumes.some(({ kind }) => kind === "LVM2_member")) {
		throw new UmbraError("unsupported", `logical volume ${id}: LVM2 is recognised but not read`, {
			context: { structure: "LVM2", found: id },
		});
	}
	const known = disk.volumes.map((candidate) => `${candidate.id || "(whole disk)"}: ${candidate.kind}`).join(", ");
	throw new UmbraError("not-found", `no volume "${id}"; the disk has ${known || "none"}`, {
		context: { structure: "partition", found: id, wanted: known },
	});
}

interface Place {
	readonly id: string;
	readonly offset: number;
	readonly length: number;
}

async function probe(source: BlockSource, place: Place, signal: AbortSignal | undefined): Promise<Volume> {
	const { id, offset, length } = place;
	const headLength = Math.min(HEAD_SIZE, length);
	const tailLength = Math.min(TAIL_SIZE, length);
	const head = await source.read(offset, headLength, signal);
	const tail = await source.read(offset + length - tailLength, tailLength, signal);
	const match = recognise({ head: asBuffer(head), tail: asBuffer(tail), size: length });
	const kind = match?.found.kind ?? "unknown";
	return {
		id,
		offset,
		length,
		kind,
		label: match?.found.label ?? "",
		isFilesystem: match?.format.filesystem ?? false,
		isReadable: match?.format.open !== undefined,
		open: (openSignal) => openVolume(source, place, kind, match?.format, openSignal),
	};
}

async function openVolume(
	source: BlockSource,
	{ id, offset, length }: Place,
	kind: string,
	format: Format | undefined,
	signal: AbortSignal | undefined,
): Promise<Filesystem> {
	const name = id === "" ? source.name : `${source.name}#${id}`;
	if (format?.open === undefined) {
		throw new UmbraError("unsupported", `${name}: cannot read files in a volume of kind ${kind}`, {
			context: { path: name, found: kind, wanted: "ext2, ext3 or ext4" },
		});
	}
	try {
		return await format.open(sliceSource(source, offset, length, name), signal);
	} catch (error) {
		if (isUmbraError(error) || isAbort(error)) throw error;
		throw new UmbraError("internal", `${name}: ${messageOf(error)}`, { cause: error, context: { path: name } });
	}
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
