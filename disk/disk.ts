/**
 * The disks of a machine and their volumes: the partition tables, the logical volumes that lie across them, then
 * what each volume holds.
 */
import { isAbort, isUmbraError, messageOf, UmbraError } from "../common/errors.ts";
import type { Filesystem } from "./filesystem.ts";
import { type Format, HEAD_SIZE, recognise, TAIL_SIZE } from "./formats.ts";
import type { PhysicalMember } from "./lvm/lvm.ts";
import { readPartitionTable } from "./partition/partition.ts";
import { describeRaid } from "./raid.ts";
import { type Segments, segmentSource, wholeRange } from "./segments.ts";
import { sliceSource } from "./source/slice.ts";
import type { BlockSource } from "./source/source.ts";

export interface Volume {
	/**
	 * The number that Linux gives the partition ("1", "5"), empty for a disk without partitions, or "group/volume"
	 * for a logical volume.
	 */
	readonly id: string;
	/** Which of the disks: a logical volume's is the one on which it begins. */
	readonly disk: number;
	/** Bytes from the start of that disk, where the volume begins. */
	readonly offset: number;
	/** Bytes. */
	readonly length: number;
	/** Where all of it lies; empty for a logical volume that cannot be put together. */
	readonly segments: Segments;
	/** A logical volume's own identifier, which stays when it is renamed or moved; else empty. */
	readonly uuid: string;
	/**
	 * As blkid names it: "ext4", "xfs", "swap", "LVM2_member", ...; "unknown" where nothing was recognised. A logical
	 * volume that cannot be put together is "LVM2_" and its type, as in "LVM2_thin", or "LVM2_unavailable".
	 */
	readonly kind: string;
	readonly label: string;
	/** Why it is not read or not all there, for people; empty where there is nothing to say. */
	readonly note: string;
	/** Whether such a volume holds files, whether or not we can read them. */
	readonly isFilesystem: boolean;
	/** Whether `open` knows this kind. */
	readonly isReadable: boolean;
	/**
	 * @throws UmbraError `unsupported` for a kind without a parser; `corrupt`, `truncated`, `unsupported` from
	 * the parser; `unavailable` where the disk cannot be read or a part of a logical volume is missing.
	 */
	open(signal?: AbortSignal): Promise<Filesystem>;
}

export type PartitionScheme = "mbr" | "gpt" | "none";

export interface Disk {
	readonly table: PartitionScheme;
	/** Partitions in the order of the table, or one with an empty id where there is none; then logical volumes. */
	readonly volumes: readonly Volume[];
	/** What is wrong with the partition table or the volume groups. */
	readonly problems: readonly UmbraError[];
}

/** A disk of a machine, by the name that tells it from the others. */
export interface NamedSource {
	readonly name: string;
	readonly source: BlockSource;
}

export interface DiskSet {
	/** As they were given; `Volume.disk` counts them. */
	readonly disks: readonly { readonly name: string; readonly size: number; readonly table: PartitionScheme }[];
	/** The partitions of each disk in turn, then the logical volumes of all. */
	readonly volumes: readonly Volume[];
	readonly problems: readonly UmbraError[];
}

/**
 * Reads the partition table and the signatures of a disk. The disk stays the caller's to close, after
 * the last use of its volumes.
 *
 * @throws UmbraError `unavailable` where the disk cannot be read; never for what is on it.
 */
export async function openDisk(source: BlockSource, signal?: AbortSignal): Promise<Disk> {
	const { disks, volumes, problems } = await openDisks([{ name: "", source }], signal);
	return { table: disks[0]!.table, volumes, problems };
}

/** The same for all disks of a machine, whose logical volumes may lie across them. */
export async function openDisks(named: readonly NamedSource[], signal?: AbortSignal): Promise<DiskSet> {
	const sources = named.map(({ source }) => source);
	const disks: DiskSet["disks"][number][] = [];
	const volumes: Volume[] = [];
	const problems: UmbraError[] = [];
	for (const [disk, { name, source }] of named.entries()) {
		const table = await readPartitionTable(source, signal);
		disks.push({ name, size: source.size, table: table.kind });
		problems.push(...table.problems);
		const places =
			table.kind === "none"
				? [{ id: "", offset: 0, length: source.size }]
				: table.partitions.map(({ number, offset, length }) => ({ id: String(number), offset, length }));
		for (const { id, offset, length } of places) {
			const segments = wholeRange(disk, offset, length);
			volumes.push(await probe(sources, { id, disk, offset, length, segments, uuid: "" }, signal));
		}
	}
	const members = volumes.filter(({ kind }) => kind === "LVM2_member").map((volume) => memberOf(sources, volume));
	if (members.length > 0) {
		const { readLogicalVolumes } = await import("./lvm/lvm.ts");
		const logical = await readLogicalVolumes(members, signal);
		problems.push(...logical.problems);
		for (const { id, uuid, length, segments, type } of logical.volumes) {
			if (segments instanceof UmbraError) {
				volumes.push(unmapped({ id, uuid, length }, segments, type));
				continue;
			}
			const { disk, offset } = segments[0]?.stripes[0] ?? { disk: 0, offset: 0 };
			volumes.push(await probe(sources, { id, disk, offset, length, segments, uuid }, signal));
		}
	}
	return { disks, volumes, problems };
}

/** The volume with this id. @throws UmbraError `not-found` that names those there are. */
export function findVolume(disk: Pick<Disk, "volumes">, id: string): Volume {
	const volume = disk.volumes.find((candidate) => candidate.id === id);
	if (volume !== undefined) return volume;
	const known = disk.volumes.map((candidate) => `${candidate.id || "(whole disk)"}: ${candidate.kind}`).join(", ");
	throw new UmbraError("not-found", `no volume "${id}"; the disk has ${known || "none"}`, {
		context: { structure: "partition", found: id, wanted: known },
	});
}

type Place = Pick<Volume, "id" | "disk" | "offset" | "length" | "segments" | "uuid">;

function sourceOf(sources: readonly BlockSource[], { id, disk, segments }: Place): BlockSource {
	const { name } = sources[disk]!;
	const volumeName = id === "" ? name : `${name}#${id}`;
	if (segments.length === 0) return sliceSource(sources[disk]!, 0, 0, volumeName);
	return segmentSource(sources, segments, volumeName);
}

function memberOf(sources: readonly BlockSource[], volume: Volume): PhysicalMember {
	const { disk, offset, length } = volume;
	const source = sourceOf(sources, volume);
	return { disk, offset, length, source, name: source.name };
}

async function probe(sources: readonly BlockSource[], place: Place, signal: AbortSignal | undefined): Promise<Volume> {
	const { length } = place;
	const source = sourceOf(sources, place);
	const headLength = Math.min(HEAD_SIZE, length);
	const tailLength = Math.min(TAIL_SIZE, length);
	const head = await source.read(0, headLength, signal);
	const tail = await source.read(length - tailLength, tailLength, signal);
	const ends = { head: asBuffer(head), tail: asBuffer(tail), size: length };
	const match = recognise(ends);
	const kind = match?.found.kind ?? "unknown";
	return {
		...place,
		kind,
		label: match?.found.label ?? "",
		note: kind === "linux_raid_member" ? describeRaid(ends) : "",
		isFilesystem: match?.format.filesystem ?? false,
		isReadable: match?.format.open !== undefined,
		open: (openSignal) => openVolume(source, kind, match?.format, openSignal),
	};
}

/** A logical volume of which it is not known where it lies. */
function unmapped(place: Pick<Volume, "id" | "uuid" | "length">, reason: UmbraError, type: string): Volume {
	return {
		...place,
		disk: 0,
		offset: 0,
		segments: [],
		// The type is the guest's to choose, and the kind travels.
		kind: reason.code !== "unsupported" ? "LVM2_unavailable" : `LVM2_${/^[\w-]{1,32}$/.test(type) ? type : "unknown"}`,
		label: "",
		note: reason.message,
		isFilesystem: !POOLS.has(type),
		isReadable: false,
		open: async () => {
			throw reason;
		},
	};
}

/** Types that hold other volumes, not files. */
const POOLS: ReadonlySet<string> = new Set(["thin-pool", "cache-pool", "vdo-pool"]);

async function openVolume(
	source: BlockSource,
	kind: string,
	format: Format | undefined,
	signal: AbortSignal | undefined,
): Promise<Filesystem> {
	const { name } = source;
	if (format?.open === undefined) {
		throw new UmbraError("unsupported", `${name}: cannot read files in a volume of kind ${kind}`, {
			context: { path: name, found: kind },
			...(kind === "LVM2_member" ? { hint: "select one of its logical volumes, as in IMAGE#group/volume" } : {}),
		});
	}
	try {
		return await format.open(source, signal);
	} catch (error) {
		if (isUmbraError(error) || isAbort(error)) throw error;
		throw new UmbraError("internal", `${name}: ${messageOf(error)}`, { cause: error, context: { path: name } });
	}
}

function asBuffer(bytes: Uint8Array): Buffer {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
