/**
 * `rescan/` brings the scan of a filesystem up to date by what changed since, instead of reading all of it again. The
 * parsers say which inodes stand in changed blocks; from there on it is the same for all that have inodes and
 * directories of names.
 *
 * An inode is *stale* when what is known of it may be wrong. It is *dead* when it turned out not to be in use. A link
 * is *lost* when it was in the scan before and is not any more. An inode stays as long as it has a link; a directory
 * has exactly one, and it leads to the root.
 *
 * Whatever does not fit, be it damage or malice, ends the attempt, and the filesystem is read as a whole: the outcome
 * is that of a full scan or there is none. Nothing here knows a format.
 */
import type { FileNode, FilesystemScan, Link, Ranges, ScanBasis } from "../filesystem.ts";
import { isSameFileNode } from "../parser/nodes.ts";
import { BlockSet } from "../parser/volume.ts";
import type { ChangedRanges } from "./changed-ranges.ts";
import { faultOfDangling, type InodeLoader } from "./inode-tree.ts";
import { baseOf, changesSinceBase, type Directory, directoriesOf, type TreeChanges } from "./layered-scan.ts";

/** More names of nothing than a busy guest leaves: a damaged filesystem, which is always read as a whole. */
export const MAX_DANGLING = 10_000;
/** Deleting a deep tree takes a turn a level where directories are gone before what is in them. */
const MAX_TURNS = 100;

/** Bits in front of a set of inodes that is asked for every link. */
const FILTER_SIZE = 2 ** 16;

const NO_LINKS: readonly Link[] = [];

export interface TreeUpdate extends TreeChanges {
	readonly dangling: readonly Link[];
}

/** Nodes of plain scans that have blocks of structure: few among all. */
const structuralOfPlain = new WeakMap<FilesystemScan, readonly FileNode[]>();

function isStructural({ type, meta, data }: FileNode): boolean {
	return meta.length > 0 || (type === "dir" && data.length > 0);
}

/** All nodes of a scan that have tree blocks, attribute blocks or directory blocks. */
function* structuralNodes(scan: FilesystemScan): Generator<FileNode> {
	const base = baseOf(scan);
	let known = structuralOfPlain.get(base);
	if (known === undefined) {
		known = [...base.nodes.values()].filter(isStructural);
		structuralOfPlain.set(base, known);
	}
	const { nodes } = changesSinceBase(scan);
	for (const node of known) if (!nodes.has(node.inode)) yield node;
	for (const node of nodes.values()) if (node !== undefined && isStructural(node)) yield node;
}

/**
 * What is to be loaded again: inodes in changed blocks, those whose tree, attributes or names stand in changed blocks,
 * and all that are named but were not in use.
 *
 * @param changedInodes every inode that the filesystem may have in a changed block.
 */
export function staleInodes(
	before: FilesystemScan,
	basis: ScanBasis,
	changed: ChangedRanges,
	changedInodes: Iterable<number>,
): Set<number> {
	const stale = new Set(basis.dangling.map(({ inode }) => inode));
	for (const { inode, type, meta, data } of structuralNodes(before)) {
		if (changed.touches(meta) || (type === "dir" && changed.touches(data))) stale.add(inode);
	}
	for (const inode of changedInodes) if (before.nodes.has(inode)) stale.add(inode);
	return stale;
}

/** What is known of a directory whose names need not be read again. */
export function unchangedNames(
	before: FilesystemScan,
	basis: ScanBasis,
	changed: ChangedRanges,
): (node: FileNode) => readonly Link[] | undefined {
	const directories = directoriesOf(before);
	const odd = new Set(basis.dangling.map(({ parent }) => parent));
	return (node) => {
		const old = before.nodes.get(node.inode);
		if (old === undefined || odd.has(node.inode) || !isSameFileNode(old, node) || changed.touches(node.data))
			return undefined;
		return directories.get(node.inode)?.links;
	};
}

/**
 * Loads what is stale and what that leads to.
 *
 * @param exclusive the blocks of a loaded inode that no other may have: of its tree and, of a directory, its names.
 * @param blockSize bytes; exclusive ranges are whole blocks.
 * @returns undefined where only a full scan can tell.
 */
export async function updateTree(
	loader: InodeLoader,
	before: FilesystemScan,
	basis: ScanBasis,
	stale: ReadonlySet<number>,
	exclusive: (inode: number) => Ranges,
	blockSize: number,
	signal?: AbortSignal,
): Promise<TreeUpdate | undefined> {
	const update = new Update(loader, before, basis);
	await update.load(stale, signal);
	if (!update.settle() || update.isShared(exclusive, blockSize)) return undefined;
	return update.result();
}

class Update {
	readonly #loader: InodeLoader;
	readonly #before: FilesystemScan;
	readonly #directories: ReadonlyMap<number, Directory>;
	readonly #oldDangling = new Map<number, Link[]>();
	/** What was loaded now: what the scan before says of it does not count. */
	readonly #loaded = new Set<number>();
	/** What stands now in directories in which anything may be new. */
	readonly #names = new Map<number, readonly Link[]>();
	/** Inodes whose links are to be counted: they lost one or got one. */
	readonly #suspects = new Set<number>();
	readonly #nodes = new Map<number, FileNode | undefined>();
	readonly #changed = new Map<number, Directory | undefined>();
	readonly #dangling: Link[] = [];

	constructor(loader: InodeLoader, before: FilesystemScan, basis: ScanBasis) {
		this.#loader = loader;
		this.#before = before;
		this.#directories = directoriesOf(before);
		for (const link of basis.dangling) {
			const known = this.#oldDangling.get(link.parent);
			if (known === undefined) this.#oldDangling.set(link.parent, [link]);
			else known.push(link);
		}
	}

	/** What an inode is now; undefined where it is not in use. */
	#now(inode: number): FileNode | undefined {
		return this.#loaded.has(inode) ? this.#loader.node(inode) : this.#before.nodes.get(inode);
	}

	async load(stale: ReadonlySet<number>, signal?: AbortSignal): Promise<void> {
		let wanted = [...stale];
		while (wanted.length > 0) {
			await this.#loader.load(wanted, signal);
			for (const inode of wanted) this.#loaded.add(inode);
			const next = new Set<number>();
			for (const inode of wanted) this.#takeNames(inode, next);
			// A name that led nowhere leads somewhere now.
			for (const [parent, links] of this.#oldDangling) {
				if (this.#names.has(parent) || links.every(({ inode }) => this.#now(inode) === undefined)) continue;
				this.#names.set(parent, [...(this.#directories.get(parent)?.links ?? NO_LINKS), ...links]);
			}
			wanted = [...next];
		}
	}

	#takeNames(inode: number, next: Set<number>): void {
		const node = this.#loader.node(inode);
		const isDirectory = node?.type === "dir";
		const old = this.#directories.get(inode);
		if (!isDirectory) {
			if (old !== undefined) this.#names.set(inode, NO_LINKS);
			return;
		}
		const names = this.#loader.names(inode);
		if (old !== undefined && names === old.links) return;
		this.#names.set(inode, names);
		for (const { inode: target } of names) {
			if (!this.#loaded.has(target) && !this.#before.nodes.has(target)) next.add(target);
		}
	}

	/** False where it cannot be settled what belongs to the tree. */
	settle(): boolean {
		const { root } = this.#before;
		if (this.#now(root)?.type !== "dir") return false;
		const dead = new Set<number>();
		for (const inode of this.#loaded) {
			const old = this.#before.nodes.get(inode);
			const node = this.#loader.node(inode);
			if (old !== undefined && node === undefined) dead.add(inode);
			if (old === undefined || node === undefined) continue;
			if (!isSameFileNode(old, node)) this.#nodes.set(inode, node);
			if (old.type !== node.type) this.#suspects.add(inode);
		}
		for (const inode of dead) {
			this.#nodes.set(inode, undefined);
			this.#suspects.add(inode);
		}
		for (const [inode, names] of this.#names) this.#setNames(inode, names);
		for (const [parent, links] of this.#oldDangling) if (!this.#names.has(parent)) this.#dangling.push(...links);
		this.#dropFromUnchanged(dead);
		return this.#count(root);
	}

	/** Compares what stands in a directory with what stood there. */
	#setNames(inode: number, names: readonly Link[]): void {
		const old = this.#directories.get(inode);
		const before = old?.links ?? NO_LINKS;
		const isDirectory = this.#now(inode)?.type === "dir";
		const links: Link[] = [];
		for (const link of names) {
			if (this.#now(link.inode) !== undefined) links.push(link);
			else this.#dangling.push(link);
		}
		let start = 0;
		while (start < before.length && start < links.length && isSameLink(before[start]!, links[start]!)) start++;
		let oldEnd = before.length;
		let end = links.length;
		while (oldEnd > start && end > start && isSameLink(before[oldEnd - 1]!, links[end - 1]!)) {
			oldEnd--;
			end--;
		}
		if (old !== undefined && isDirectory && start === before.length && start === links.length) return;
		// What did not change stays the object that it was.
		for (let at = 0; at < start; at++) links[at] = before[at]!;
		for (let at = end; at < links.length; at++) links[at] = before[oldEnd + at - end]!;
		const lost = new Map<string, Link>();
		for (let at = start; at < oldEnd; at++) {
			const link = before[at]!;
			if (lost.has(link.name)) this.#suspects.add(link.inode);
			else lost.set(link.name, link);
		}
		for (let at = start; at < end; at++) {
			const link = links[at]!;
			const known = lost.get(link.name);
			if (known?.inode === link.inode) {
				links[at] = known;
				lost.delete(link.name);
			} else this.#suspects.add(link.inode);
		}
		for (const { inode: target } of lost.values()) this.#suspects.add(target);
		this.#changed.set(inode, isDirectory ? { parent: old?.parent ?? -1, links } : undefined);
		if (old === undefined) this.#suspects.add(inode);
	}

	#directory(inode: number): Directory | undefined {
		return this.#changed.has(inode) ? this.#changed.get(inode) : this.#directories.get(inode);
	}

	/** A name of a dead inode may stand in a directory that did not change, where the two reach the disk apart. */
	#dropFromUnchanged(dead: ReadonlySet<number>): void {
		const named = new Set<number>();
		for (const link of this.#linksTo(dead)) named.add(link.parent);
		for (const inode of named) this.#setNames(inode, this.#directory(inode)!.links);
	}

	/** All links there are now to any of these inodes: the one walk over everything. */
	*#linksTo(inodes: ReadonlySet<number>): Generator<Link> {
		if (inodes.size === 0) return;
		const filter = new Uint8Array(FILTER_SIZE);
		for (const inode of inodes) filter[inode % FILTER_SIZE] = 1;
		for (const [inode, { links }] of this.#directories) {
			if (this.#changed.has(inode)) continue;
			for (const link of links) if (filter[link.inode % FILTER_SIZE] === 1 && inodes.has(link.inode)) yield link;
		}
		for (const directory of this.#changed.values()) {
			for (const link of directory?.links ?? NO_LINKS) if (inodes.has(link.inode)) yield link;
		}
	}

	/** Who lost the last name goes, and with a directory what was only in it. */
	#count(root: number): boolean {
		let open: ReadonlySet<number> = this.#suspects;
		const counts = new Map<number, number>();
		const parents = new Map<number, number>();
		for (let turn = 0; open.size > 0; turn++) {
			if (turn === MAX_TURNS) return false;
			for (const inode of open) counts.set(inode, 0);
			for (const { inode, parent } of this.#linksTo(open)) {
				counts.set(inode, counts.get(inode)! + 1);
				parents.set(inode, parent);
			}
			open = this.#prune(open, counts, root);
		}
		return this.#adopt(counts, parents, root);
	}

	/** Takes away what has no name. What was in such directories and was not counted yet is returned. */
	#prune(open: ReadonlySet<number>, counts: Map<number, number>, root: number): Set<number> {
		const uncounted = new Set<number>();
		const queue = [...open].filter((inode) => counts.get(inode) === 0 && inode !== root);
		for (let inode = queue.pop(); inode !== undefined; inode = queue.pop()) {
			const directory = this.#directory(inode);
			this.#nodes.set(inode, undefined);
			if (directory === undefined) continue;
			this.#changed.set(inode, undefined);
			for (const { inode: child } of directory.links) {
				const count = counts.get(child);
				if (count === undefined) uncounted.add(child);
				else {
					counts.set(child, count - 1);
					if (count === 1 && child !== root) queue.push(child);
				}
			}
		}
		return uncounted;
	}

	/** Takes in what has a name. False where a directory has two, or none that leads to the root. */
	#adopt(counts: ReadonlyMap<number, number>, parents: ReadonlyMap<number, number>, root: number): boolean {
		const moved: number[] = [];
		for (const [inode, count] of counts) {
			if (inode === root) {
				if (count > 0) return false;
				continue;
			}
			if (count === 0) continue;
			const node = this.#now(inode);
			if (node === undefined) return false;
			if (!this.#before.nodes.has(inode)) this.#nodes.set(inode, node);
			if (node.type !== "dir") continue;
			if (count > 1) return false;
			const directory = this.#directory(inode);
			if (directory === undefined) return false;
			const parent = parents.get(inode)!;
			if (directory.parent === parent) continue;
			this.#changed.set(inode, { parent, links: directory.links });
			moved.push(inode);
		}
		const sound = new Set([root]);
		for (const inode of moved) {
			const way: number[] = [];
			const seen = new Set<number>();
			for (let at = inode; !sound.has(at); ) {
				const directory = this.#directory(at);
				if (directory === undefined || seen.has(at)) return false;
				seen.add(at);
				way.push(at);
				at = directory.parent;
			}
			for (const at of way) sound.add(at);
		}
		return true;
	}

	/** Whether a block of what was loaded is also one of what was not: a full scan decides whose it is. */
	isShared(exclusive: (inode: number) => Ranges, blockSize: number): boolean {
		const blocks = new BlockSet();
		let some = false;
		for (const inode of this.#loaded) {
			if (this.#loader.node(inode) === undefined) continue;
			const ranges = exclusive(inode);
			for (let at = 0; at < ranges.length; at += 2) {
				for (let offset = 0; offset < ranges[at + 1]!; offset += blockSize) {
					blocks.add((ranges[at]! + offset) / blockSize);
					some = true;
				}
			}
		}
		if (!some) return false;
		for (const { inode, type, meta, data } of structuralNodes(this.#before)) {
			if (this.#loaded.has(inode)) continue;
			for (const ranges of type === "dir" ? [meta, data] : [meta]) {
				for (let at = 0; at < ranges.length; at += 2) {
					for (let offset = 0; offset < ranges[at + 1]!; offset += blockSize) {
						if (blocks.has((ranges[at]! + offset) / blockSize)) return true;
					}
				}
			}
		}
		return false;
	}

	result(): TreeUpdate {
		const reachable = (inode: number) =>
			this.#nodes.has(inode) ? this.#nodes.get(inode) !== undefined : this.#before.nodes.has(inode);
		const dangling = this.#dangling.filter(({ parent }) => reachable(parent));
		for (const link of dangling) this.#loader.fault(link.parent, faultOfDangling(link));
		return { nodes: this.#nodes, directories: this.#changed, dangling };
	}
}

function isSameLink(a: Link, b: Link): boolean {
	return a.inode === b.inode && a.name === b.name;
}
