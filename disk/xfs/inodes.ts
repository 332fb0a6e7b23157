/** Inodes with where their content lies and, of directories, the names in them: many at once. */
import { UmbraError } from "../../common/errors.ts";
import type { FileNode, Link, Ranges } from "../filesystem.ts";
import { decodeName, type EachEntry } from "../parser/names.ts";
import { type Runs, runsToRanges } from "../parser/runs.ts";
import { type BlockRun, BlockSet, SPARSE_GAP_BYTES } from "../parser/volume.ts";
import type { InodeLoader } from "../rescan/inode-tree.ts";
import { forInodes, type InodeRun } from "./chunks.ts";
import {
	DirectoryAssembler,
	directoryFault,
	directoryRuns,
	parseDirectoryBlock,
	parseShortDirectory,
} from "./directory.ts";
import { inodePosition, type Xfs } from "./geometry.ts";
import { attributeFork, checkInode, dataFork, FORMAT_LOCAL, isKernelsOwn, type Node, parseInode } from "./inode.ts";
import { hasBlocks } from "./loader.ts";
import { BlockMapper, type Mapping } from "./mapping.ts";

const NO_RANGES: Ranges = [];
const PAGE = 64;

/** A directory and the names found in it. */
interface Directory {
	readonly node: Node;
	links: readonly Link[];
	readonly blocks: DirectoryAssembler;
	runs: Runs;
}

/** Blocks of a directory that stand one behind another, and where in it and on the volume they begin. */
interface Piece {
	readonly directory: Directory;
	readonly links: Link[];
	readonly logical: number;
	readonly start: number;
}

/** Inodes as the chunks, trees and directory blocks have them, read in disk order. */
export class Inodes implements InodeLoader {
	readonly root: number;
	/** Files of the kernel's own: quotas, realtime bitmaps. */
	readonly hidden = new Map<number, Node>();
	/** Inodes that made no sense, as often as they were met. To the tree of names each is an inode that is not in use. */
	senseless = 0;
	readonly #xfs: Xfs;
	/** By group, then by page of 64 inodes, then by place in it. */
	readonly #inodes: (Map<number, (Node | undefined)[]> | undefined)[] = [];
	readonly #directories = new Map<number, Directory>();
	/** Directories whose blocks are still to be read. */
	#unread: Directory[] = [];
	/** No directory block may have two owners. */
	readonly #claimed = new BlockSet();
	readonly #mapper: BlockMapper;
	readonly #known: ((directory: FileNode) => readonly Link[] | undefined) | undefined;
	/** Blocks of the trees that were read, by inode. */
	readonly #trees = new Map<number, Ranges>();
	#spare: Mapping = { inode: 0, runs: [], meta: [] };
	/** What the mapper still has to finish. */
	#mapping: { node: Node; mapping: Mapping; attributes: boolean }[] = [];
	readonly #hiddenInodes: ReadonlySet<number>;

	/** @param known the names of a directory that need not be read. */
	constructor(xfs: Xfs, known?: (directory: FileNode) => readonly Link[] | undefined) {
		this.root = xfs.superblock.rootInode;
		this.#xfs = xfs;
		this.#mapper = new BlockMapper(xfs);
		this.#known = known;
		this.#hiddenInodes = new Set(xfs.superblock.hiddenInodes);
	}

	/** All inodes in use of these chunks. */
	async loadChunks(runs: readonly BlockRun<InodeRun>[], signal?: AbortSignal): Promise<void> {
		await this.#xfs.volume.readRuns(
			runs,
			(run, first, count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				forInodes(this.#xfs, run, first, count, view, at, (from, inode, sound) => {
					this.#addInode(bytes, view, from, inode, sound);
				});
			},
			signal,
		);
		await this.#finishNodes(signal);
	}

	/** Those that the inode trees do not show as used, too. */
	async load(inodes: readonly number[], signal?: AbortSignal): Promise<void> {
		const { blockSize } = this.#xfs.superblock;
		const runs: BlockRun<number[]>[] = [];
		for (const inode of inodes) {
			if (this.node(inode) !== undefined || this.hidden.has(inode)) continue;
			const position = inodePosition(this.#xfs.superblock, inode);
			if (position === undefined) continue;
			const start = Math.floor(position / blockSize);
			const last = runs.at(-1);
			if (last?.start === start) last.tag.push(inode);
			else runs.push({ start, count: 1, tag: [inode] });
		}
		if (runs.length === 0) return;
		await this.#xfs.volume.readRuns(
			runs,
			(wanted, _first, _count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				for (const inode of wanted) {
					const position = inodePosition(this.#xfs.superblock, inode) ?? 0;
					this.#addInode(bytes, view, at + (position % blockSize), inode, false);
				}
			},
			signal,
			SPARSE_GAP_BYTES,
		);
		await this.#finishNodes(signal);
	}

	node(inode: number): Node | undefined {
		const size = 2 ** this.#xfs.superblock.aginoLog;
		const group = Math.floor(inode / size);
		const agino = inode - group * size;
		return this.#inodes[group]?.get(Math.floor(agino / PAGE))?.[agino % PAGE];
	}

	names(inode: number): readonly Link[] {
		return this.#directories.get(inode)?.links ?? [];
	}

	fault(directory: number, what: string): void {
		directoryFault(this.#xfs, directory, what);
	}

	noRoot(): UmbraError {
		const context = { structure: "xfs_dinode", inode: this.root };
		return this.#xfs.problems.error("corrupt", "there is no root directory", context);
	}

	/** The blocks of a loaded inode that no other may have: of its trees and, of a directory, its names. */
	exclusive(inode: number): Ranges {
		const node = this.node(inode);
		const trees = this.#treeOf(inode);
		return node?.type === "dir" ? trees.concat(node.data) : trees;
	}

	#treeOf(inode: number): Ranges {
		return this.#trees.get(inode) ?? NO_RANGES;
	}

	#put(inode: number, node: Node): void {
		const size = 2 ** this.#xfs.superblock.aginoLog;
		const group = Math.floor(inode / size);
		const agino = inode - group * size;
		this.#inodes[group] ??= new Map();
		const pages = this.#inodes[group];
		let page = pages.get(Math.floor(agino / PAGE));
		if (page === undefined) {
			page = new Array<Node | undefined>(PAGE);
			pages.set(Math.floor(agino / PAGE), page);
		}
		page[agino % PAGE] = node;
	}

	#addInode(bytes: Buffer, view: DataView, at: number, inode: number, sound: boolean): void {
		const xfs = this.#xfs;
		let node: Node | undefined;
		try {
			node = parseInode(xfs, view, at, inode);
		} catch (error) {
			if (!(error instanceof UmbraError)) throw error;
			xfs.problems.add(error.code, error.message, error.context);
			this.senseless++;
		}
		if (node === undefined) return;
		if (!sound) checkInode(xfs, view, at, inode);
		const fork = dataFork(xfs, view, at);
		const local = fork.format === FORMAT_LOCAL;
		let directory: Directory | undefined;
		const links: Link[] = [];
		const hidden = this.#hiddenInodes.has(inode) || isKernelsOwn(view, at);
		if (hidden) this.hidden.set(inode, node);
		else {
			this.#put(inode, node);
			if (node.type === "dir") {
				directory = { node, links, blocks: new DirectoryAssembler(xfs), runs: [] };
				this.#directories.set(inode, directory);
			}
		}
		if (local && directory !== undefined) {
			const shortEnd = fork.at + Math.min(fork.size, node.size);
			const fault = parseShortDirectory(xfs, bytes, fork.at, shortEnd, (from, start, end, target) => {
				links.push({ parent: inode, name: decodeName(from, start, end), inode: target });
			});
			directoryFault(xfs, inode, fault);
		} else if (!local && hasBlocks(xfs, node, view, at)) {
			// One mapping serves all inodes that need no tree.
			const mapping = this.#spare;
			mapping.inode = inode;
			if (this.#mapper.add(mapping, view, fork)) {
				if (mapping.runs.length > 0) node.data = runsToRanges(mapping.runs, xfs.superblock.blockSize);
				if (directory !== undefined) {
					directory.runs = mapping.runs.slice();
					this.#unread.push(directory);
				}
				mapping.runs.length = 0;
			} else {
				this.#mapping.push({ node, mapping, attributes: false });
				if (directory !== undefined) {
					directory.runs = mapping.runs;
					this.#unread.push(directory);
				}
				this.#spare = { inode: 0, runs: [], meta: [] };
			}
		}
		const attributes = attributeFork(xfs, view, at);
		if (attributes === undefined) return;
		const mapping: Mapping = { inode, runs: [], meta: [] };
		if (this.#mapper.add(mapping, view, attributes)) node.meta = runsToRanges(mapping.runs, xfs.superblock.blockSize);
		else this.#mapping.push({ node, mapping, attributes: true });
	}

	/** Reads what the inodes only pointed to: trees, directories. */
	async #finishNodes(signal?: AbortSignal): Promise<void> {
		const { blockSize } = this.#xfs.superblock;
		await this.#mapper.finish(signal);
		for (const { node, mapping, attributes } of this.#mapping) {
			const ranges: Ranges = runsToRanges(mapping.runs, blockSize);
			if (attributes) node.meta = node.meta.concat(mapping.meta, ranges);
			else {
				node.data = ranges;
				node.meta = node.meta.concat(mapping.meta);
			}
			if (mapping.meta.length > 0) this.#trees.set(node.inode, this.#treeOf(node.inode).concat(mapping.meta));
		}
		this.#mapping = [];
		await this.#readDirectories(signal);
	}

	async #readDirectories(signal?: AbortSignal): Promise<void> {
		const xfs = this.#xfs;
		const { blockSize } = xfs.superblock;
		const unread = this.#unread;
		this.#unread = [];
		const runs: BlockRun<Piece>[] = [];
		for (const directory of unread) {
			const known = this.#known?.(directory.node);
			if (known !== undefined) {
				directory.links = known;
				continue;
			}
			const links: Link[] = [];
			directory.links = links;
			for (const { start, count, tag } of directoryRuns(xfs, directory.node.inode, directory.runs, this.#claimed)) {
				runs.push({ start, count, tag: { directory, links, logical: tag, start } });
			}
			directory.runs = [];
		}
		await xfs.volume.readRuns(
			runs,
			({ directory: { node, blocks }, links, logical, start }, first, count, bytes, at) => {
				const each: EachEntry = (from, start, end, inode) => {
					links.push({ parent: node.inode, name: decodeName(from, start, end), inode });
				};
				blocks.add(logical + first, count, bytes, at, (from, offset) => {
					const fault = parseDirectoryBlock(xfs, node.inode, from, offset, each);
					const block = from === bytes ? start + first + (offset - at) / blockSize : undefined;
					directoryFault(xfs, node.inode, fault, block);
				});
			},
			signal,
		);
		for (const { node, blocks } of unread) {
			if (blocks.missing > 0) directoryFault(xfs, node.inode, `${blocks.missing} blocks that are not whole`);
		}
	}
}
