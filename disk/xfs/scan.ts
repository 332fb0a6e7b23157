/**
 * Everything at once: the trees of all groups, the inode chunks that they record in disk order, then the
 * directories in disk order, then a walk from the root over what was read. No promise, and little
 * garbage, per file.
 */
import { UmbraError } from "../../common/errors.ts";
import type { FileNode, FilesystemScan, Link, Ranges } from "../filesystem.ts";
import { RangeSet } from "../parser/ranges.ts";
import { type Runs, runsToRanges } from "../parser/runs.ts";
import { type BlockRun, BlockSet } from "../parser/volume.ts";
import {
	DirectoryAssembler,
	directoryFault,
	directoryRuns,
	parseDirectoryBlock,
	parseShortDirectory,
} from "./directory.ts";
import { blockInGroup, blockOf, inodeNumber, inodePosition, type Xfs } from "./geometry.ts";
import { headerBlocks, readGroups } from "./groups.ts";
import { attributeFork, checkInode, dataFork, FORMAT_LOCAL, isKernelsOwn, type Node, parseInode } from "./inode.ts";
import { hasBlocks } from "./loader.ts";
import { BlockMapper, type Mapping } from "./mapping.ts";
import { CHUNK_INODES, type InodeChunk, isHole, walkTrees } from "./trees.ts";

/** A directory and the names found in it. */
interface Directory {
	readonly node: Node;
	readonly links: Link[];
	readonly blocks: DirectoryAssembler;
	runs: Runs;
}

/** Inodes of a chunk that stand one behind another, and the volume's number of the first. */
interface InodeRun {
	readonly chunk: InodeChunk;
	readonly from: number;
	readonly to: number;
}

/** @throws UmbraError `corrupt` where there is no root directory. */
export async function scan(xfs: Xfs, signal?: AbortSignal): Promise<FilesystemScan> {
	return new Scan(xfs).run(signal);
}

const PAGE = 64;

class Scan {
	readonly #xfs: Xfs;
	/** By group, then by page of 64 inodes, then by place in it. */
	readonly #inodes: (Map<number, (Node | undefined)[]> | undefined)[] = [];
	readonly #directories = new Map<number, Directory>();
	/** Directories whose blocks are still to be read. */
	#unread: Directory[] = [];
	/** No directory block may have two owners. */
	readonly #claimed = new BlockSet();
	readonly #mapper: BlockMapper;
	#spare: Mapping = { inode: 0, runs: [], meta: [] };
	/** What the mapper still has to finish. */
	#mapping: { node: Node; mapping: Mapping; attributes: boolean }[] = [];
	/** Files of the kernel's own: quotas, realtime bitmaps. */
	readonly #hidden: Node[] = [];
	readonly #hiddenInodes: ReadonlySet<number>;

	constructor(xfs: Xfs) {
		this.#xfs = xfs;
		this.#mapper = new BlockMapper(xfs);
		this.#hiddenInodes = new Set(xfs.superblock.hiddenInodes);
	}

	async run(signal?: AbortSignal): Promise<FilesystemScan> {
		const { superblock } = this.#xfs;
		const { blockSize, agCount, agBlocks } = superblock;
		const groups = await readGroups(this.#xfs, signal);
		const trees = await walkTrees(this.#xfs, groups.trees, signal);
		const runs: BlockRun<InodeRun>[] = [];
		for (const chunk of trees.chunks) this.#chunkRuns(chunk, runs);
		await this.#readChunks(runs, signal);
		await this.#finishNodes(signal);
		const { nodes, links } = await this.#walk(signal);

		const metadata = new RangeSet();
		for (let group = 0; group < agCount; group++) {
			metadata.add(group * agBlocks * blockSize, headerBlocks(this.#xfs) * blockSize);
		}
		for (const block of trees.blocks) metadata.add(block * blockSize, blockSize);
		for (const block of groups.freeList) metadata.add(block * blockSize, blockSize);
		for (const { start, count } of runs) metadata.add(start * blockSize, count * blockSize);
		for (const { data, meta } of this.#hidden) {
			metadata.addAll(data);
			metadata.addAll(meta);
		}
		return { root: superblock.rootInode, nodes, links, metadata: metadata.toRanges(), journal: journalOf(this.#xfs) };
	}

	#at(inode: number): Node | undefined {
		const size = 2 ** this.#xfs.superblock.aginoLog;
		const group = Math.floor(inode / size);
		const agino = inode - group * size;
		return this.#inodes[group]?.get(Math.floor(agino / PAGE))?.[agino % PAGE];
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

	/** The blocks of a chunk, but for its holes. */
	#chunkRuns(chunk: InodeChunk, runs: BlockRun<InodeRun>[]): void {
		const { superblock } = this.#xfs;
		const { inodesPerBlock } = superblock;
		for (let from = 0; from < CHUNK_INODES; from++) {
			if (isHole(chunk, from)) continue;
			let to = from + 1;
			while (to < CHUNK_INODES && !isHole(chunk, to)) to++;
			const first = Math.floor((chunk.agino + from) / inodesPerBlock);
			const count = Math.ceil((chunk.agino + to) / inodesPerBlock) - first;
			const start = blockInGroup(superblock, chunk.group, first, count);
			if (start !== undefined) runs.push({ start, count, tag: { chunk, from, to } });
			from = to;
		}
	}

	async #readChunks(runs: readonly BlockRun<InodeRun>[], signal?: AbortSignal): Promise<void> {
		const { superblock } = this.#xfs;
		const { inodeSize, inodesPerBlock } = superblock;
		await this.#xfs.volume.readRuns(
			runs,
			({ chunk, from, to }, first, count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				const { agino, freeLow, freeHigh } = chunk;
				// The inode, counted from the chunk's first, that begins the piece; a block may begin before the chunk.
				const begin = Math.floor((agino + from) / inodesPerBlock + first) * inodesPerBlock - agino;
				const end = Math.min(to, begin + count * inodesPerBlock);
				for (let i = Math.max(from, begin); i < end; i++) {
					if (((i < 32 ? freeLow >>> i : freeHigh >>> (i - 32)) & 1) !== 0) continue;
					this.#addInode(bytes, view, at + (i - begin) * inodeSize, inodeNumber(superblock, chunk.group, agino + i));
				}
			},
			signal,
		);
	}

	#addInode(bytes: Buffer, view: DataView, at: number, inode: number): void {
		const xfs = this.#xfs;
		let node: Node | undefined;
		try {
			node = parseInode(xfs, view, at, inode);
		} catch (error) {
			if (!(error instanceof UmbraError)) throw error;
			xfs.problems.add(error.code, error.message, error.context);
		}
		if (node === undefined) return;
		checkInode(xfs, view, at, inode);
		const fork = dataFork(xfs, view, at);
		const local = fork.format === FORMAT_LOCAL;
		let directory: Directory | undefined;
		const hidden = this.#hiddenInodes.has(inode) || isKernelsOwn(view, at);
		if (hidden) this.#hidden.push(node);
		else {
			this.#put(inode, node);
			if (node.type === "dir") {
				directory = { node, links: [], blocks: new DirectoryAssembler(xfs), runs: [] };
				this.#directories.set(inode, directory);
			}
		}
		if (local && directory !== undefined) {
			const { links } = directory;
			const end = fork.at + Math.min(fork.size, node.size);
			const fault = parseShortDirectory(xfs, bytes, fork.at, end, (name, target) => {
				links.push({ parent: inode, name, inode: target });
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
		}
		this.#mapping = [];
		await this.#readDirectories(signal);
	}

	async #readDirectories(signal?: AbortSignal): Promise<void> {
		const xfs = this.#xfs;
		const { blockSize } = xfs.superblock;
		const unread = this.#unread;
		this.#unread = [];
		const runs: BlockRun<{ readonly directory: Directory; readonly logical: number; readonly start: number }>[] = [];
		for (const directory of unread) {
			for (const { start, count, tag } of directoryRuns(xfs, directory.node.inode, directory.runs, this.#claimed)) {
				runs.push({ start, count, tag: { directory, logical: tag, start } });
			}
			directory.runs = [];
		}
		await xfs.volume.readRuns(
			runs,
			({ directory, logical, start }, first, count, bytes, at) => {
				const { node, links, blocks } = directory;
				const each = (name: string, inode: number) => {
					links.push({ parent: node.inode, name, inode });
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

	async #walk(signal?: AbortSignal): Promise<{ nodes: Map<number, FileNode>; links: Link[] }> {
		const { superblock, problems } = this.#xfs;
		const { rootInode } = superblock;
		const nodes = new Map<number, FileNode>();
		const links: Link[] = [];
		const queue: Directory[] = [];
		const reach = (node: Node) => {
			nodes.set(node.inode, node);
			const directory = node.type === "dir" ? this.#directories.get(node.inode) : undefined;
			if (directory !== undefined) queue.push(directory);
		};
		await this.#loadLate([rootInode], signal);
		const root = this.#at(rootInode);
		if (root?.type !== "dir") {
			throw problems.error("corrupt", "there is no root directory", { structure: "xfs_dinode", inode: rootInode });
		}
		reach(root);
		let late: Link[] = [];
		const take = (link: Link, node: Node) => {
			if (node.type === "dir" && nodes.has(link.inode)) {
				directoryFault(this.#xfs, link.parent, `an entry for directory inode ${link.inode}, which has another name`);
				return;
			}
			links.push(link);
			if (!nodes.has(link.inode)) reach(node);
		};
		for (let next = 0; next < queue.length || late.length > 0; ) {
			signal?.throwIfAborted();
			while (next < queue.length) {
				for (const link of queue[next++]!.links) {
					const node = this.#at(link.inode);
					if (node === undefined) late.push(link);
					else take(link, node);
				}
			}
			const again = late;
			late = [];
			// What is still in the log may have reached the directory but not the inode tree.
			await this.#loadLate(
				again.map((link) => link.inode),
				signal,
			);
			for (const link of again) {
				const node = this.#at(link.inode);
				if (node === undefined) {
					directoryFault(this.#xfs, link.parent, `an entry for inode ${link.inode}, which is not in use`);
				} else take(link, node);
			}
		}
		return { nodes, links };
	}

	/** Loads inodes that the inode trees do not show as used. */
	async #loadLate(inodes: readonly number[], signal?: AbortSignal): Promise<void> {
		const { blockSize } = this.#xfs.superblock;
		const runs: BlockRun<number>[] = [];
		for (const inode of new Set(inodes)) {
			if (this.#at(inode) !== undefined) continue;
			const position = inodePosition(this.#xfs.superblock, inode);
			if (position !== undefined) runs.push({ start: Math.floor(position / blockSize), count: 1, tag: inode });
		}
		if (runs.length === 0) return;
		await this.#xfs.volume.readRuns(
			runs,
			(inode, _first, _count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				const position = inodePosition(this.#xfs.superblock, inode) ?? 0;
				this.#addInode(bytes, view, at + (position % blockSize), inode);
			},
			signal,
		);
		await this.#finishNodes(signal);
	}
}

function journalOf({ superblock }: Xfs): Ranges {
	const { logStart, logBlocks, blockSize } = superblock;
	const start = logStart === 0 ? undefined : blockOf(superblock, logStart, logBlocks);
	return start === undefined ? [] : [start * blockSize, logBlocks * blockSize];
}
