/** Every name of a tree: as scan.ts, but that of files nothing is kept that a listing does not tell. */
import { UmbraError } from "../../common/errors.ts";
import {
	type EachListed,
	grown,
	InodeColumns,
	type ListedTree,
	type ListName,
	PlainName,
	reusedNode,
	walkListed,
} from "../listing.ts";
import { Copies } from "../parser/copies.ts";
import type { EachEntry } from "../parser/names.ts";
import { type BlockRun, BlockSet } from "../parser/volume.ts";
import { chunkRuns, forInodes } from "./chunks.ts";
import {
	DirectoryAssembler,
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
import { walkTrees } from "./trees.ts";

/** A directory whose names were not told yet. */
interface Directory {
	readonly inode: number;
	readonly mapping: Mapping;
	/** Its names, where they stand in the inode. */
	readonly short: Buffer | undefined;
	readonly assembler: DirectoryAssembler;
	/** Its directory blocks, and where each stands on the disk where it is in one piece. */
	readonly blocks: { readonly bytes: Buffer; readonly block: number | undefined }[];
}

/** As `Filesystem.list`. */
export async function list(xfs: Xfs, top: number, each: ListName, signal?: AbortSignal): Promise<void> {
	const listing = new Listing(xfs);
	await listing.readAll(signal);
	await walkListed(listing, top, each, signal);
}

const PAGE = 64;
const FIRST_PAGES = 64;

class Listing implements ListedTree {
	readonly #xfs: Xfs;
	readonly columns = new InodeColumns();
	/** By page of 64 inodes, as they come: the slots in the columns, counted from 1; 0 where there is none. */
	#slots = new Int32Array(FIRST_PAGES * PAGE);
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

	constructor(xfs: Xfs) {
		this.#xfs = xfs;
		this.#mapper = new BlockMapper(xfs);
		this.#hidden = new Set(xfs.superblock.hiddenInodes);
		this.#lastHidden = Math.max(0, ...this.#hidden);
	}

	async readAll(signal?: AbortSignal): Promise<void> {
		const { superblock, volume } = this.#xfs;
		const groups = await readGroups(this.#xfs, signal);
		const inodeTrees = groups.trees.filter(({ kind }) => kind === "inobt");
		const { chunks } = await walkTrees(this.#xfs, inodeTrees, signal);
		await volume.readRuns(
			chunks.flatMap((chunk) => chunkRuns(superblock, chunk)),
			(run, first, count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				forInodes(this.#xfs, run, first, count, view, at, (place, inode, sound) => {
					this.#addInode(bytes, view, place, inode, sound);
				});
			},
			signal,
		);
		await this.#readDirectories(signal);
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
		if (node.type !== "dir") return;
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
					directory.blocks.push({ bytes: this.#copies.add(from, offset, offset + dirBlocks * blockSize), block });
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
		for (const { bytes, block } of blocks) {
			this.#each = each;
			directoryFault(this.#xfs, inode, parseDirectoryBlock(this.#xfs, inode, bytes, 0, entry), block);
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
