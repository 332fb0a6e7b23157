/** Every name of a tree: as scan.ts, but that of files nothing is kept that a listing does not tell. */
import { UmbraError } from "../../common/errors.ts";
import { type EachListed, InodeColumns, type ListedTree, type ListName, PlainName, walkListed } from "../listing.ts";
import { Copies } from "../parser/copies.ts";
import { decodeEncryptedName, type EachEntry } from "../parser/names.ts";
import { runsToRanges } from "../parser/runs.ts";
import { type BlockRun, BlockSet } from "../parser/volume.ts";
import { inlineData } from "./attributes.ts";
import { type DirectoryContext, parseDirectoryBlock } from "./directory.ts";
import { type Ext, inodeFlags, inodePosition, type Node, parseInode } from "./inode.ts";
import { directoryContext, directoryFault, directoryRuns, parseInlineDirectory } from "./inodes.ts";
import { checkInode, hasBlocks } from "./loader.ts";
import { BlockMapper, type Mapping } from "./mapping.ts";
import { usedTables } from "./tables.ts";

/** A directory whose names were not told yet. */
interface Directory {
	readonly node: Node;
	readonly context: DirectoryContext;
	readonly mapping: Mapping;
	readonly inline: { readonly head: Buffer; readonly rest: Buffer } | undefined;
	/** Its blocks, several in one piece where they were read together. */
	readonly blocks: Buffer[];
}

/** As `Filesystem.list`. */
export async function list(ext: Ext, top: number, each: ListName, signal?: AbortSignal): Promise<void> {
	const listing = new Listing(ext);
	await listing.readAll(signal);
	await walkListed(listing, top, each, signal);
}

class Listing implements ListedTree {
	readonly #ext: Ext;
	readonly columns = new InodeColumns();
	/** By group, then by place in the group: the slot in the columns, counted from 1; 0 where there is none. */
	readonly #slots: (Int32Array | undefined)[] = [];
	readonly #directories = new Map<number, Directory>();
	#unread: Directory[] = [];
	readonly #copies = new Copies();
	readonly #name = new PlainName();
	/** Takes the names of the directory that is read, from `#entry` or `#encryptedEntry`, one function for all. */
	#each: EachListed = () => undefined;
	readonly #entry: EachEntry = (bytes, start, end, inode) => this.#each(this.#name.in(bytes, start, end), inode);
	readonly #encryptedEntry: EachEntry = (bytes, start, end, inode) =>
		this.#each(decodeEncryptedName(bytes.subarray(start, end)), inode);
	readonly #claimed = new BlockSet();
	readonly #mapper: BlockMapper;

	constructor(ext: Ext) {
		this.#ext = ext;
		this.#mapper = new BlockMapper(ext);
	}

	async readAll(signal?: AbortSignal): Promise<void> {
		const { blockSize, inodeSize } = this.#ext.superblock;
		const perBlock = blockSize / inodeSize;
		await this.#ext.volume.readRuns(
			await usedTables(this.#ext, signal),
			(firstInode, first, count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				const inode = firstInode + first * perBlock;
				for (let i = 0; i < count * perBlock; i++) this.#addInode(bytes, view, at + i * inodeSize, inode + i);
			},
			signal,
		);
		await this.#readDirectories(signal);
	}

	#addInode(bytes: Buffer, view: DataView, at: number, inode: number): void {
		const ext = this.#ext;
		let node: Node | undefined;
		try {
			node = parseInode(ext, view, at, inode);
		} catch (error) {
			if (!(error instanceof UmbraError)) throw error;
			ext.problems.add(error.code, error.message, error.context);
		}
		if (node === undefined) return;
		checkInode(ext, view, at, inode);
		const { inodesPerGroup } = ext.superblock;
		const group = Math.floor((inode - 1) / inodesPerGroup);
		this.#slots[group] ??= new Int32Array(inodesPerGroup);
		this.#slots[group][(inode - 1) % inodesPerGroup] = this.columns.add(node) + 1;
		if (node.type !== "dir") return;
		const inline = inlineData(ext, bytes, view, at);
		const directory: Directory = {
			node,
			context: directoryContext(ext, node, inodeFlags(view, at)),
			mapping: { inode, generation: node.generation, runs: [], meta: [] },
			// The table's bytes are gone once it was read.
			inline: inline && { head: Buffer.from(inline.head), rest: Buffer.from(inline.rest) },
			blocks: [],
		};
		this.#directories.set(inode, directory);
		if (inline !== undefined) return;
		if (hasBlocks(ext, node, view, at)) this.#mapper.add(directory.mapping, view, at);
		this.#unread.push(directory);
	}

	async #readDirectories(signal?: AbortSignal): Promise<void> {
		const ext = this.#ext;
		const { blockSize } = ext.superblock;
		await this.#mapper.finish(signal);
		const runs: BlockRun<Directory>[] = [];
		for (const directory of this.#unread) {
			const { node, mapping } = directory;
			node.data = runsToRanges(mapping.runs, blockSize);
			for (const run of directoryRuns(ext, node, this.#claimed)) runs.push({ ...run, tag: directory });
		}
		this.#unread = [];
		await ext.volume.readRuns(
			runs,
			({ blocks }, _first, count, bytes, at) => {
				blocks.push(this.#copies.add(bytes, at, at + count * blockSize));
			},
			signal,
		);
	}

	*names(inode: number, each: EachListed): Generator<void> {
		const directory = this.#directories.get(inode);
		if (directory === undefined) return;
		this.#directories.delete(inode);
		const ext = this.#ext;
		const { blockSize } = ext.superblock;
		const { context, inline, blocks } = directory;
		const entry = context.encrypted ? this.#encryptedEntry : this.#entry;
		if (inline !== undefined) {
			this.#each = each;
			parseInlineDirectory(ext, inode, inline, context, entry);
			yield;
		}
		for (const bytes of blocks) {
			for (let at = 0; at < bytes.length; at += blockSize) {
				this.#each = each;
				directoryFault(ext, inode, parseDirectoryBlock(bytes, at, at + blockSize, context, entry));
				yield;
			}
		}
	}

	fault(directory: number, what: string): void {
		directoryFault(this.#ext, directory, what);
	}

	slotOf(inode: number): number {
		const { inodesPerGroup } = this.#ext.superblock;
		return (this.#slots[Math.floor((inode - 1) / inodesPerGroup)]?.[(inode - 1) % inodesPerGroup] ?? 0) - 1;
	}

	async loadLate(inodes: readonly number[], signal?: AbortSignal): Promise<void> {
		const { blockSize } = this.#ext.superblock;
		const runs: BlockRun<number>[] = [];
		for (const inode of new Set(inodes)) {
			if (this.slotOf(inode) >= 0) continue;
			const position = inodePosition(this.#ext, inode);
			if (position !== undefined) runs.push({ start: Math.floor(position / blockSize), count: 1, tag: inode });
		}
		if (runs.length === 0) return;
		await this.#ext.volume.readRuns(
			runs,
			(inode, _first, _count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				this.#addInode(bytes, view, at + ((inodePosition(this.#ext, inode) ?? 0) % blockSize), inode);
			},
			signal,
		);
		await this.#readDirectories(signal);
	}
}
