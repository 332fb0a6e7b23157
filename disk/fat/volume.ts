/** What FAT and exFAT have in common once their boot sectors were read: chains, directories, nodes. */

import type { FileNode, Ranges } from "../filesystem.ts";
import type { Problems } from "../parser/problems.ts";
import type { BlockSource } from "../source/source.ts";
import type { ClusterSet } from "./cluster-set.ts";
import { type DirectoryParser, type DirectorySink, type Entry, isDirectory, nodeOf } from "./entry.ts";
import type { AllocationTable, Chain, ClusterHeap } from "./table.ts";

export interface FatVolume {
	/** "vfat" or "exfat", as blkid names them. */
	readonly kind: string;
	readonly label: string;
	readonly uuid: string;
	readonly sectorSize: number;
	readonly clusterSize: number;
	readonly clusterCount: number;
	readonly freeClusters: number;
	readonly source: BlockSource;
	readonly table: AllocationTable;
	readonly problems: Problems;
	/** The root directory; it has no entry. */
	readonly root: FileNode;
	/** All that says where things stand, and whose table of chains holds. */
	readonly layout: string;
	/** What belongs to no file: everything in front of the clusters but a fixed root directory, and exFAT's own structures. */
	readonly metadata: Ranges;
	/** Clusters of the root and of the volume's own structures. */
	readonly reserved: readonly (readonly [firstCluster: number, count: number])[];
	/** Most bytes of a directory, by the specification. */
	readonly maxDirectory: number;
	/** Most bytes of a file, by the width of the size field or by the volume. */
	readonly maxFile: number;
	/** FAT: a directory's size is how long its chain is, and a file's chain may be longer than its size. */
	readonly sizeless: boolean;
	parser(sink: DirectorySink): DirectoryParser;
	/** The entry that begins at this byte; undefined where none in use does. */
	readEntry(offset: number, signal?: AbortSignal): Promise<Entry | undefined>;
}

/** A file with what reading its content takes. */
export interface LoadedFile {
	readonly entry: Entry | undefined;
	readonly node: FileNode;
}

export interface MadeNode {
	readonly node: FileNode;
	/** What is wrong with the file's chains. */
	readonly fault: string | undefined;
}

/**
 * The entry's node.
 *
 * @param claimed clusters that have an owner; those of this file are added.
 * @param known ranges of its clusters, where the table need not be asked.
 */
export async function makeNode(
	volume: FatVolume,
	entry: Entry,
	claimed: ClusterSet,
	signal?: AbortSignal,
	known?: Ranges,
): Promise<MadeNode> {
	const chain =
		known === undefined ? await chainOf(volume, entry, claimed, signal) : volume.table.known(known, claimed);
	const meta: number[] = [];
	let { fault } = chain;
	for (const part of entry.vendor) {
		const found = await follow(volume, part, part.size, claimed, signal);
		for (const value of found.ranges) meta.push(value);
		fault ??= found.fault;
	}
	const held = chain.clusters * volume.clusterSize;
	const size = isDirectory(entry) && volume.sizeless ? held : entry.size;
	if (fault === undefined && size > held) fault = `${size} bytes and clusters for ${held}`;
	return { node: nodeOf(entry, chain, meta, clampSize(volume, entry, size, held)), fault };
}

/** Notes what is wrong with a file's chains. */
export function reportFault({ problems }: FatVolume, entry: Entry, path: string, fault: string): void {
	problems.add("corrupt", `${path} has ${fault}`, { structure: "directory entry", offset: entry.offset, file: path });
}

/** A directory is never read beyond its clusters; a file keeps the size that it says it has, where it can be one. */
function clampSize(volume: FatVolume, entry: Entry, size: number, held: number): number {
	return isDirectory(entry) ? Math.min(size, held, volume.maxDirectory) : Math.min(size, volume.maxFile);
}

function chainOf(volume: FatVolume, entry: Entry, claimed: ClusterSet, signal?: AbortSignal): Chain | Promise<Chain> {
	const { firstCluster, size } = entry;
	if (firstCluster === 0) {
		const wants = size > 0 || (isDirectory(entry) && volume.sizeless);
		return { ranges: [], clusters: 0, fault: wants ? "no cluster" : undefined };
	}
	if (!volume.sizeless) return follow(volume, entry, size, claimed, signal);
	return follow(volume, entry, isDirectory(entry) ? volume.maxDirectory : volume.maxFile, claimed, signal);
}

function follow(
	{ table, clusterSize, clusterCount }: FatVolume,
	{ firstCluster, contiguous }: { readonly firstCluster: number; readonly contiguous: boolean },
	bytes: number,
	claimed: ClusterSet,
	signal?: AbortSignal,
): Chain | Promise<Chain> {
	const most = Math.ceil(bytes / clusterSize);
	if (contiguous) {
		if (most > clusterCount) return { ranges: [], clusters: 0, fault: `${bytes} bytes, more than the volume` };
		return most === 0 ? { ranges: [], clusters: 0, fault: undefined } : table.run(firstCluster, most, claimed);
	}
	if (!table.holds(firstCluster)) {
		return { ranges: [], clusters: 0, fault: `its first cluster at ${firstCluster}, which does not exist` };
	}
	return table.follow(firstCluster, Math.min(most, clusterCount), claimed, signal);
}

/** As `FatVolume.layout`. */
export function layoutOf(kind: string, uuid: string, heap: ClusterHeap): string {
	const { bits, fatOffset, heapOffset, clusterSize, clusterCount } = heap;
	return [kind, uuid, bits, fatOffset, heapOffset, clusterSize, clusterCount].join(" ");
}
