/** Every name of a tree: as scan.ts, but that of files nothing is kept that a listing does not tell. */
import { UmbraError } from "../../common/errors.ts";
import {
	type EachListed,
	firstCapacity,
	grown,
	InodeColumns,
	type ListedTree,
	type ListName,
	PlainName,
	reusedNode,
	walkListed,
} from "../listing.ts";
import { viewOf } from "../parser/checksum.ts";
import { Copies } from "../parser/copies.ts";
import type { EachEntry } from "../parser/names.ts";
import { type BlockRun, BlockSet } from "../parser/volume.ts";
import { chunkRuns, type EachInode, forInodes } from "./chunks.ts";
import {
	DirectoryAssembler,
	directoryBlockHolds,
	directoryFault,
	directoryRuns,
	parseDirectoryBlock,
	parseShortDirectory,
} from "./directory.ts";
import { inodePosition, type Xfs } from "./geometry.ts";
import { readGroups } from "./groups.ts";
import { checkInode, dataFork, FORMAT_LOCAL, isKernelsOwn, parseListed } from "./inode.ts";
import { hasBlocks } from "./loader.ts";
import { BlockMapper, type Mapping } from "./mapping.ts";
import { CHUNK_INODES, type InodeChunk, walkTrees } from "./trees.ts";

/** A directory whose names were not told yet. */
interface Directory {
	readonly inode: number;
	readonly mapping: Mapping;
	/** Its names, where they stand in the inode. */
	readonly short: Buffer | undefined;
	readonly assembler: DirectoryAssembler;
	/** Its directory blocks, and where each stands on the disk where it is in one piece. */
	readonly blocks: { readonly bytes: Buffer; readonly block: number | undefined; readonly sound: boolean }[];
}

/** As `Filesystem.list`. */
export async function list(xfs: Xfs, top: number, each: ListName, signal?: AbortSignal): Promise<void> {
	const { trees } = await readGroups(xfs, signal);
	const inodeTrees = trees.filter(({ kind }) => kind === "inobt");
	const { chunks } = await walkTrees(xfs, inodeTrees, signal);
	const listing = new Listing(xfs, chunks.length * CHUNK_INODES);
	await listing.loadChunks(chunks, signal);
	await walkListed(listing, top, each, signal);
}

const PAGE = 64;

class Listing implements ListedTree {
	readonly #xfs: Xfs;
	readonly columns: InodeColumns;
	/** By page of 64 inodes, as they come: the slots in the columns, counted from 1; 0 where there is none. */
	#slots: Int32Array<ArrayBuffer>;
	/** Where each page begins in there. */
	readonly #pages = new Map<number, number>();
	/** The page that was asked for last: its neighbours follow. */
	#lastPage = -1;
	#lastStart: number | undefined;
	readonly #directories = new Map<number, Directory>();
	#unread: Directory[] = [];
	readonly #copies = new Copies();
	readonly #name = new PlainName();
	/** Takes the names of the directory that is read, from `#entry`, one function for all. */
	#each: EachListed = () => undefined;
	readonly #entry: EachEntry = (bytes, start, end, inode) => this.#each(this.#name.in(bytes, start, end), inode);
	readonly #claimed = new BlockSet();
	readonly #mapper: BlockMapper;
	readonly #hidden: ReadonlySet<number>;
	readonly #lastHidden: number;
	readonly #node = reusedNode();
	/** What was read last, mostly into the same memory as what was read before. */
	#bytes: Buffer = Buffer.alloc(0);
	#view = viewOf(this.#bytes);
	/** One function for all inodes of chunks. */
	readonly #inode: EachInode = (at, inode, sound) => this.#addInode(this.#bytes, this.#view, at, inode, sound);

	/** @param expected inodes at most, as far as the trees tell. */
	constructor(xfs: Xfs, expected: number) {
		this.#xfs = xfs;
		this.columns = new InodeColumns(expected);
		this.#slots = new Int32Array(firstCapacity(expected));
		this.#mapper = new BlockMapper(xfs);
		this.#hidden = new Set(xfs.superblock.hiddenInodes);
		this.#lastHidden = Math.max(0, ...this.#hidden);
	}

	/** All inodes in use of these chunks. */
	async loadChunks(chunks: readonly InodeChunk[], signal?: AbortSignal): Promise<void> {
		const { superblock, volume } = this.#xfs;
		await volume.readRuns(
			chunkRuns(superblock, chunks),
			(run, first, count, bytes, at) => {
				forInodes(this.#xfs, run, first, count, this.#viewOf(bytes), at, this.#inode);
			},
			signal,
		);
		await this.#readDirectories(signal);
	}

	#viewOf(bytes: Buffer): DataView {
		if (bytes !== this.#bytes) {
			this.#bytes = bytes;
			this.#view = viewOf(bytes);
		}
		return this.#view;
	}

	#addInode(bytes: Buffer, view: DataView, at: number, inode: number, sound: boolean): void {
		const xfs = this.#xfs;
		const node = this.#node;
		try {
			if (!parseListed(xfs, view, at, inode, node)) return;
		} catch (error) {
			if (!(error instanceof UmbraError)) throw error;
			xfs.problems.add(error.code, error.message, error.context);
			return;
		}
		if (!sound) checkInode(xfs, view, at, inode);
		if ((inode <= this.#lastHidden && this.#hidden.has(inode)) || isKernelsOwn(view, at)) return;
		const page = Math.floor(inode / PAGE);
		const start = this.#startOf(page) ?? this.#addPage(page);
		this.#slots[start + inode - page * PAGE] = this.columns.add(node) + 1;
		if (node.type === "dir") this.#addDirectory(bytes, view, at, inode);
	}

	/** The one that was just put into `#node`. */
	#addDirectory(bytes: Buffer, view: DataView, at: number, inode: number): void {
		const xfs = this.#xfs;
		const node = this.#node;
		const fork = dataFork(xfs, view, at);
		const local = fork.format === FORMAT_LOCAL;
		const directory: Directory = {
			inode,
			mapping: { inode, runs: [], meta: [] },
			short: local ? this.#copies.add(bytes, fork.at, fork.at + Math.min(fork.size, node.size)) : undefined,
			assembler: new DirectoryAssembler(xfs),
			blocks: [],
		};
		this.#directories.set(inode, directory);
		if (local || !hasBlocks(xfs, node, view, at)) return;
		this.#mapper.add(directory.mapping, view, fork);
		this.#unread.push(directory);
	}

	async #readDirectories(signal?: AbortSignal): Promise<void> {
		const xfs = this.#xfs;
		const { blockSize, dirBlocks } = xfs.superblock;
		await this.#mapper.finish(signal);
		const unread = this.#unread;
		this.#unread = [];
		const runs: BlockRun<{ readonly directory: Directory; readonly logical: number; readonly start: number }>[] = [];
		for (const directory of unread) {
			const { inode, mapping } = directory;
			for (const { start, count, tag } of directoryRuns(xfs, inode, mapping.runs, this.#claimed)) {
				runs.push({ start, count, tag: { directory, logical: tag, start } });
			}
		}
		await xfs.volume.readRuns(
			runs,
			({ directory, logical, start }, first, count, bytes, at) => {
				directory.assembler.add(logical + first, count, bytes, at, (from, offset) => {
					const block = from === bytes ? start + first + (offset - at) / blockSize : undefined;
					// Where it was read to, it is checked in half the time that its copy takes.
					const sound = directoryBlockHolds(xfs, from === bytes ? this.#viewOf(from) : viewOf(from), offset);
					const copy = this.#copies.add(from, offset, offset + dirBlocks * blockSize);
					directory.blocks.push({ bytes: copy, block, sound });
				});
			},
			signal,
		);
		for (const { inode, assembler } of unread) {
			if (assembler.missing > 0) directoryFault(xfs, inode, `${assembler.missing} blocks that are not whole`);
		}
	}

	*names(inode: number, each: EachListed): Generator<void> {
		const directory = this.#directories.get(inode);
		if (directory === undefined) return;
		this.#directories.delete(inode);
		const { short, blocks } = directory;
		const entry = this.#entry;
		if (short !== undefined) {
			this.#each = each;
			directoryFault(this.#xfs, inode, parseShortDirectory(this.#xfs, short, 0, short.length, entry));
			yield;
		}
		for (const { bytes, block, sound } of blocks) {
			this.#each = each;
			directoryFault(this.#xfs, inode, parseDirectoryBlock(this.#xfs, inode, bytes, 0, entry, sound), block);
			yield;
		}
	}

	fault(directory: number, what: string): void {
		directoryFault(this.#xfs, directory, what);
	}

	slotOf(inode: number): number {
		const page = Math.floor(inode / PAGE);
		const start = this.#startOf(page);
		return start === undefined ? -1 : this.#slots[start + inode - page * PAGE]! - 1;
	}

	#startOf(page: number): number | undefined {
		if (page !== this.#lastPage) {
			this.#lastPage = page;
			this.#lastStart = this.#pages.get(page);
		}
		return this.#lastStart;
	}

	#addPage(page: number): number {
		const start = this.#pages.size * PAGE;
		if (start === this.#slots.length) this.#slots = grown(this.#slots, new Int32Array(start * 2));
		this.#pages.set(page, start);
		this.#lastStart = start;
		return start;
	}

	async loadLate(inodes: readonly number[], signal?: AbortSignal): Promise<void> {
		const { superblock, volume } = this.#xfs;
		const { blockSize } = superblock;
		const runs: BlockRun<number>[] = [];
		for (const inode of new Set(inodes)) {
			if (this.slotOf(inode) >= 0) continue;
			const position = inodePosition(superblock, inode);
			if (position !== undefined) runs.push({ start: Math.floor(position / blockSize), count: 1, tag: inode });
		}
		if (runs.length === 0) return;
		await volume.readRuns(
			runs,
			(inode, _first, _count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				this.#addInode(bytes, view, at + ((inodePosition(superblock, inode) ?? 0) % blockSize), inode, false);
			},
			signal,
		);
		await this.#readDirectories(signal);
	}
}
