/**
 * The tree of a disk, or of all disks of a machine together: everything that its filesystems say at one instant,
 * without contents. Two of them and the pages that changed in between are what the block -> file map works on.
 */
import { isAbort, isUmbraError, messageOf } from "../common/errors.ts";
import { type NamedSource, openDisks, type PartitionScheme, type Volume } from "./disk.ts";
import { type EarlierVolume, EarlierVolumes } from "./earlier-volumes.ts";
import type { FileNode, Filesystem, FilesystemScan } from "./filesystem.ts";
import type { ChangedPages } from "./map/pages.ts";
import type { JournalEnd } from "./ntfs/usn.ts";
import { NO_OWNERS, type Owners, readOwners } from "./owners.ts";
import { differenceOf, layerOver } from "./rescan/layered-scan.ts";
import type { Segments } from "./segments.ts";
import type { BlockSource } from "./source/source.ts";

export { decodeDiskTree, decodeMachineTree, encodeDiskTree, encodeMachineTree } from "./tree-codec.ts";

/** One volume; of one that could not be read, its place and kind only. */
export interface VolumeTree {
	/** As in `Volume`; an `lvUuid` is its `uuid`. */
	readonly id: string;
	readonly disk: number;
	readonly offset: number;
	readonly length: number;
	readonly segments: Segments;
	readonly lvUuid: string;
	readonly kind: string;
	readonly label: string;
	/** Empty where it was not read; tells a filesystem made anew from the one before. */
	readonly uuid: string;
	/** Bytes; 0 where it was not read, as the following three. */
	readonly blockSize: number;
	readonly usedBytes: number;
	readonly freeBytes: number;
	/** Inodes that are not directories. */
	readonly files: number;
	/** Its ranges count from the start of the volume. */
	readonly scan: FilesystemScan | undefined;
	/** Where its own record of changes ended (`journals.ts`); undefined where it keeps none or that is not known. */
	readonly journal?: JournalEnd;
	/** From this filesystem's account files, else from the first on the same disk that has some. */
	readonly owners: Owners;
}

export interface DiskTree {
	/** Bytes of the disk. */
	readonly size: number;
	readonly table: PartitionScheme;
	readonly volumes: readonly VolumeTree[];
	/** What could not be read, and why, for people; bounded. */
	readonly problems: readonly string[];
}

/** The disks of a machine, whose logical volumes may lie across them. */
export interface MachineTree {
	/** `VolumeTree.disk` and the segments count them. */
	readonly disks: readonly { readonly name: string; readonly size: number; readonly table: PartitionScheme }[];
	readonly volumes: readonly VolumeTree[];
	readonly problems: readonly string[];
}

/** A disk of which nothing is known: against it, everything is new. */
export const EMPTY_TREE: DiskTree = { size: 0, table: "none", volumes: [], problems: [] };

/** The name that the one disk of a `DiskTree` has in a machine. */
const ONLY_DISK = "";

export function toMachineTree({ size, table, volumes, problems }: DiskTree): MachineTree {
	return { disks: [{ name: ONLY_DISK, size, table }], volumes, problems };
}

const MAX_PROBLEMS = 64;
const MAX_PROBLEM_LENGTH = 500;

/**
 * Reads all filesystems of a disk. One that is damaged is a problem in the result; the others are read.
 *
 * @throws UmbraError `unavailable` where the disk itself cannot be read: no half tree passes for a whole one.
 */
export async function readDiskTree(source: BlockSource, signal?: AbortSignal): Promise<DiskTree> {
	const { disks, volumes, problems } = await readMachineTree([{ name: ONLY_DISK, source }], signal);
	return { size: source.size, table: disks[0]!.table, volumes, problems };
}

/** The same for all disks of a machine together. */
export async function readMachineTree(sources: readonly NamedSource[], signal?: AbortSignal): Promise<MachineTree> {
	return await readVolumes(sources, () => undefined, signal);
}

/**
 * The same from a tree of before: of filesystems that can be read so, only metadata that changed is read. What did not
 * change are the same objects in both trees, which is what makes comparing them and storing the difference cheap.
 *
 * @param changed at least all pages that changed since, by the name of the disk; a disk without any is left out.
 * @throws as `readMachineTree`.
 */
export async function updateMachineTree(
	before: MachineTree,
	sources: readonly NamedSource[],
	changed: ReadonlyMap<string, ChangedPages>,
	signal?: AbortSignal,
): Promise<MachineTree> {
	const earlier = new EarlierVolumes(before, sources, changed);
	return await readVolumes(sources, (volume) => earlier.find(volume), signal);
}

type Earlier = (volume: Volume) => EarlierVolume | undefined;

async function readVolumes(
	sources: readonly NamedSource[],
	earlier: Earlier,
	signal: AbortSignal | undefined,
): Promise<MachineTree> {
	const opened = await openDisks(sources, signal);
	const problems: string[] = [];
	const note = (text: string): void => {
		if (problems.length < MAX_PROBLEMS) problems.push(text.slice(0, MAX_PROBLEM_LENGTH).toWellFormed());
	};
	for (const problem of opened.problems) note(problem.message);
	const volumes: ReadVolume[] = [];
	for (const volume of opened.volumes) {
		try {
			volumes.push(await readVolume(volume, earlier(volume), note, signal));
		} catch (error) {
			if (isAbort(error) || signal?.aborted === true || isUmbraError(error, "unavailable")) throw error;
			note(`${volumeName(volume)}: ${messageOf(error)}`);
			volumes.push({ tree: unread(volume), owners: undefined, lends: false });
		}
	}
	const shared = volumes.find(({ owners, lends }) => owners !== undefined && lends)?.owners ?? NO_OWNERS;
	return {
		disks: opened.disks,
		volumes: volumes.map(({ tree, owners }) => ({ ...tree, owners: owners ?? shared })),
		problems,
	};
}

interface ReadVolume {
	readonly tree: Omit<VolumeTree, "owners">;
	readonly owners: Owners | undefined;
	/** Whether its names hold for the other volumes of the disk: numbers that a filesystem made itself mean nothing there. */
	readonly lends: boolean;
}

async function readVolume(
	volume: Volume,
	earlier: EarlierVolume | undefined,
	note: (text: string) => void,
	signal: AbortSignal | undefined,
): Promise<ReadVolume> {
	if (!volume.isReadable) {
		if (volume.note !== "") note(`${volumeName(volume)}: ${volume.note}`);
		else if (volume.isFilesystem) note(`${volumeName(volume)}: files in a filesystem of this kind cannot be read`);
		return { tree: unread(volume), owners: undefined, lends: false };
	}
	const filesystem: Filesystem = await volume.open(signal);
	const known = earlier?.tree.uuid === filesystem.uuid ? earlier : undefined;
	const scan = await readScan(filesystem, known, signal);
	const owners = await readOwners(filesystem, signal);
	const journal = await readJournalEnd(filesystem, signal);
	for (const problem of filesystem.problems) note(`${volumeName(volume)}: ${problem.message}`);
	return {
		tree: {
			...unread(volume),
			label: filesystem.label,
			uuid: filesystem.uuid,
			blockSize: filesystem.blockSize,
			usedBytes: filesystem.usedBytes,
			freeBytes: filesystem.freeBytes,
			files: countFiles(scan, known?.tree),
			scan,
			...(journal === undefined ? {} : { journal }),
		},
		owners,
		lends: filesystem.owners === undefined,
	};
}

async function readScan(filesystem: Filesystem, earlier: EarlierVolume | undefined, signal: AbortSignal | undefined) {
	const before = earlier?.tree.scan;
	if (earlier === undefined || before === undefined) return await filesystem.scan(signal);
	const scan = await (filesystem.rescan?.(before, earlier.changed(), signal) ?? filesystem.scan(signal));
	return layerOver(before, scan);
}

/** Undefined for one that is damaged too: without it, changes are told by the trees alone. */
async function readJournalEnd(
	filesystem: Filesystem,
	signal: AbortSignal | undefined,
): Promise<JournalEnd | undefined> {
	if (filesystem.kind !== "ntfs") return undefined;
	try {
		return await (await import("./ntfs/usn.ts")).readUsnEnd(filesystem, signal);
	} catch (error) {
		if (!isUmbraError(error, "corrupt", "truncated", "unsupported", "limit", "not-found")) throw error;
		return undefined;
	}
}

/** Inodes that are not directories. */
function countFiles(scan: FilesystemScan, before: VolumeTree | undefined): number {
	const difference = before?.scan === undefined ? undefined : differenceOf(before.scan, scan);
	let files = 0;
	const isFile = (node: FileNode | undefined) => (node === undefined || node.type === "dir" ? 0 : 1);
	if (before?.scan === undefined || difference === undefined) {
		for (const node of scan.nodes.values()) files += isFile(node);
		return files;
	}
	for (const inode of difference.nodes) files += isFile(scan.nodes.get(inode)) - isFile(before.scan.nodes.get(inode));
	return before.files + files;
}

function unread(volume: Volume): Omit<VolumeTree, "owners"> {
	const { id, disk, offset, length, segments, uuid, kind, label } = volume;
	return {
		id,
		disk,
		offset,
		length,
		segments,
		lvUuid: uuid,
		kind,
		label,
		uuid: "",
		blockSize: 0,
		usedBytes: 0,
		freeBytes: 0,
		files: 0,
		scan: undefined,
	};
}

/** How problems name a volume. */
export function volumeName({ id, kind }: Pick<Volume, "id" | "kind">): string {
	return id === "" ? `whole disk (${kind})` : `volume ${id} (${kind})`;
}
