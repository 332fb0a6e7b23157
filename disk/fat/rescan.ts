/**
 * A scan brought up to date from changed blocks. A directory is *stale*, and read again, where its clusters changed, or
 * where it names a file that is *doubtful*: the table may say something else now of the clusters that it had. What is
 * wrong with a directory is told each time, so it is always stale.
 *
 * From the root, the directories are walked that are stale or lead to one. What they name now is compared with what they
 * named: a file that one lost and another gained was moved, and what is below it need not be read.
 *
 * Every cluster has one owner, then and now; where two want it, a full scan decides.
 */
import type { FileNode, FilesystemScan, Link, Ranges, ScanBasis } from "../filesystem.ts";
import { isSameFileNode, isSameRanges } from "../parser/nodes.ts";
import { Problems } from "../parser/problems.ts";
import { ChangedRanges } from "../rescan/changed-ranges.ts";
import { type Directory as DirectoryLinks, directoriesOf, isSameLinks, layerScan } from "../rescan/layered-scan.ts";
import type { ClusterSet } from "./cluster-set.ts";
import { type Entry, inodeOf, isDirectory, ROOT_INODE } from "./entry.ts";
import { basisOf, type Directory, type EachEntry, pathOf, readDirectories, reservedClusters } from "./scan.ts";
import { type FatVolume, makeNode, reportFault } from "./volume.ts";

const NO_LINKS: readonly Link[] = [];

/** @returns undefined where only a full scan can tell. */
export async function rescan(
	volume: FatVolume,
	before: FilesystemScan,
	changed: Ranges,
	signal?: AbortSignal,
	each?: EachEntry,
): Promise<FilesystemScan | undefined> {
	const { basis } = before;
	if (basis === undefined || basis.layout !== volume.layout) return undefined;
	const problems = new HeldProblems(volume.source.name);
	const update = new Update({ ...volume, problems }, before);
	await update.findStale(basis, new ChangedRanges(changed), signal);
	if (!(await update.walk(signal, each)) || !update.settle()) return undefined;
	const next = basisOf(volume, update.faulty);
	if (next === undefined) return undefined;
	problems.tell(volume.problems);
	const { metadata } = isSameRanges(volume.metadata, before.metadata) ? before : volume;
	return layerScan(before, update, { metadata, journal: before.journal, basis: next });
}

/** What was found wrong, for when it is known that a full scan finds the same. */
class HeldProblems extends Problems {
	readonly #held: Parameters<Problems["add"]>[] = [];

	override add(...problem: Parameters<Problems["add"]>): void {
		const { length } = this.list;
		super.add(...problem);
		if (this.list.length > length) this.#held.push(problem);
	}

	tell(problems: Problems): void {
		for (const problem of this.#held) problems.add(...problem);
	}
}

class Update {
	readonly nodes = new Map<number, FileNode | undefined>();
	readonly directories = new Map<number, DirectoryLinks | undefined>();
	/** Directories that have anything wrong in them. */
	readonly faulty: number[] = [];
	readonly #volume: FatVolume;
	readonly #before: FilesystemScan;
	readonly #old: ReadonlyMap<number, DirectoryLinks>;
	readonly #doubtful = new Set<number>();
	readonly #stale = new Set<number>();
	/** Directories that are stale or lead to such as are. */
	readonly #onWay = new Set<number>();
	/** Of the root, the volume's own structures, and all that was read. */
	readonly #claimed: ClusterSet;
	/** What the directories name that were read, and which one does. */
	readonly #found = new Map<number, { readonly node: FileNode; readonly parent: number }>();
	/** What stands in the directories that were read. */
	readonly #read = new Map<number, readonly Link[]>();

	constructor(volume: FatVolume, before: FilesystemScan) {
		this.#volume = volume;
		this.#before = before;
		this.#old = directoriesOf(before);
		this.#claimed = reservedClusters(volume);
	}

	async findStale(basis: ScanBasis, changed: ChangedRanges, signal?: AbortSignal): Promise<void> {
		const { table } = this.#volume;
		for (const { inode } of basis.dangling) {
			this.#stale.add(inode);
			for (const link of this.#old.get(inode)?.links ?? NO_LINKS) this.#doubtful.add(link.inode);
		}
		const relinked = new ChangedRanges(table.relinked(changed));
		for (const { inode, type, data, meta } of this.#before.nodes.values()) {
			if (type === "dir" && changed.touches(data)) this.#stale.add(inode);
			if (relinked.touches(meta) || (relinked.touches(data) && !(await table.isChain(data, relinked, signal)))) {
				this.#doubtful.add(inode);
			}
		}
		if (this.#doubtful.size > 0) {
			for (const [inode, { links }] of this.#old) {
				if (links.some((link) => this.#doubtful.has(link.inode))) this.#stale.add(inode);
			}
		}
		for (const inode of this.#stale) {
			for (let at: number | undefined = inode; at !== undefined && !this.#onWay.has(at); ) {
				this.#onWay.add(at);
				at = this.#old.get(at)?.parent;
			}
		}
	}

	/** False where a cluster has two owners. */
	async walk(signal?: AbortSignal, each?: EachEntry): Promise<boolean> {
		let level: Directory[] = [{ node: this.#volume.root, link: undefined, parent: undefined }];
		while (level.length > 0) {
			const below: Directory[] = [];
			const unread: Directory[] = [];
			for (const directory of level) {
				if (this.#isToRead(directory.node)) unread.push(directory);
				else this.#pass(directory, below);
			}
			for await (const { directory, entries, isFaulty } of readDirectories(this.#volume, unread, signal)) {
				let isSound = !isFaulty;
				const links: Link[] = [];
				for (const entry of entries) {
					const known = this.#knownChain(entry);
					const { node, fault } = await makeNode(this.#volume, entry, this.#claimed, signal, known);
					if (this.#claimed.refused) return false;
					if (fault !== undefined) {
						reportFault(this.#volume, entry, `${pathOf(directory)}/${entry.name}`, fault);
						isSound = false;
					}
					const { inode: parent } = directory.node;
					const link = { parent, name: entry.name, inode: node.inode };
					links.push(link);
					this.#found.set(node.inode, { node, parent });
					each?.(entry, node.inode);
					if (node.type === "dir") below.push({ node, link, parent: directory });
				}
				this.#read.set(directory.node.inode, links);
				if (!isSound) this.faulty.push(directory.node.inode);
			}
			level = below;
		}
		return true;
	}

	#isToRead({ inode, size, data }: FileNode): boolean {
		const old = this.#before.nodes.get(inode);
		const isKnown = old?.type === "dir" && old.size === size && isSameRanges(old.data, data);
		return !isKnown || this.#stale.has(inode);
	}

	/** Goes on below a directory in which nothing changed. */
	#pass(directory: Directory, below: Directory[]): void {
		if (!this.#onWay.has(directory.node.inode)) return;
		for (const link of this.#old.get(directory.node.inode)?.links ?? NO_LINKS) {
			const node = this.#onWay.has(link.inode) ? this.#before.nodes.get(link.inode) : undefined;
			if (node !== undefined) below.push({ node, link, parent: directory });
		}
	}

	/** Where the file's clusters lie, if the table was asked for that before and nothing of it changed. */
	#knownChain(entry: Entry): Ranges | undefined {
		const { table, sizeless, clusterSize } = this.#volume;
		if (entry.contiguous || !table.holds(entry.firstCluster)) return undefined;
		const old = this.#before.nodes.get(inodeOf(entry, true));
		if (old === undefined || old.data[0] !== table.offsetOf(entry.firstCluster)) return undefined;
		if ((old.type === "dir") !== isDirectory(entry) || this.#doubtful.has(old.inode)) return undefined;
		if (sizeless) return old.data;
		// One piece may have had no chain, and a chain of exFAT is as long as the size says.
		let held = 0;
		for (let i = 1; i < old.data.length; i += 2) held += old.data[i]!;
		return old.data.length > 2 && Math.ceil(entry.size / clusterSize) * clusterSize === held ? old.data : undefined;
	}

	/** False where a cluster, or a number, has two owners. */
	settle(): boolean {
		const left = this.#dropGone();
		for (const inode of this.#found.keys()) {
			// What is named by a directory that did not change is named twice.
			if (this.#before.nodes.has(inode) && !left.has(inode)) return false;
		}
		const { root, metadata } = this.#volume;
		const gained: Ranges[] = isSameRanges(metadata, this.#before.metadata) ? [] : [metadata];
		const set = (node: FileNode) => {
			const old = this.#before.nodes.get(node.inode);
			if (old !== undefined && isSameFileNode(old, node)) return;
			this.nodes.set(node.inode, node);
			gained.push(node.data, node.meta);
		};
		set(root);
		for (const { node } of this.#found.values()) set(node);
		for (const [inode, { node, parent }] of this.#found) if (node.type === "dir") this.#setDirectory(inode, parent);
		for (const inode of this.#read.keys()) {
			if (!this.#found.has(inode)) this.#setDirectory(inode, this.#old.get(inode)?.parent ?? inode);
		}
		return this.#isFree(gained);
	}

	/** @returns what was named by directories that name something else now, or are gone. */
	#dropGone(): Set<number> {
		const left = new Set<number>();
		const open = [...this.#read.keys()];
		for (const [inode, { node }] of this.#found) {
			if (node.type === "dir" || !this.#old.has(inode)) continue;
			this.directories.set(inode, undefined);
			open.push(inode);
		}
		for (let inode = open.pop(); inode !== undefined; inode = open.pop()) {
			for (const { inode: child } of this.#old.get(inode)?.links ?? NO_LINKS) {
				left.add(child);
				if (this.#found.has(child)) continue;
				this.nodes.set(child, undefined);
				if (!this.#old.has(child)) continue;
				this.directories.set(child, undefined);
				open.push(child);
			}
		}
		return left;
	}

	#setDirectory(inode: number, parent: number): void {
		const old = this.#old.get(inode);
		let links = this.#read.get(inode) ?? old?.links ?? NO_LINKS;
		if (old !== undefined && isSameLinks(old.links, links)) links = old.links;
		if (old?.parent !== parent || old.links !== links) this.directories.set(inode, { parent, links });
	}

	/** Whether none of the ranges belongs to a file that was not read again. */
	#isFree(ranges: readonly Ranges[]): boolean {
		if (ranges.every((each) => each.length === 0)) return true;
		const gained = new ChangedRanges(...ranges);
		for (const { inode, data, meta } of this.#before.nodes.values()) {
			if (inode === ROOT_INODE || this.nodes.has(inode) || this.#found.has(inode)) continue;
			if (gained.touches(data) || gained.touches(meta)) return false;
		}
		return true;
	}
}
