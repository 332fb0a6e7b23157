/** Inodes with where their content lies and, of directories, the names in them: many at once. */
import { UmbraError } from "../../common/errors.ts";
import type { FileNode, Link, Ranges } from "../filesystem.ts";
import type { EachEntry } from "../parser/names.ts";
import { runsToRanges } from "../parser/runs.ts";
import { type BlockRun, BlockSet, SPARSE_GAP_BYTES } from "../parser/volume.ts";
import type { InodeLoader } from "../rescan/inode-tree.ts";
import { inlineData, valueInodesOfBlock, valueInodesOfInode } from "./attributes.ts";
import { type DirectoryContext, entryName, parseDirectoryBlock } from "./directory.ts";
import {
	EXT4_ENCRYPT_FL,
	type Ext,
	inodeFlags,
	inodePosition,
	inodeSeed,
	type Node,
	parseInode,
	ROOT_INODE,
} from "./inode.ts";
import { addAttributeBlock, addMeta, checkInode, hasBlocks } from "./loader.ts";
import { BlockMapper, type Mapping } from "./mapping.ts";
import { usedTables } from "./tables.ts";

const NO_RANGES: Ranges = [];
/** Of i_block in an inline directory, the parent's inode number; entries follow. */
const INLINE_PARENT_SIZE = 4;

/** A directory and the names found in it. */
interface Directory {
	readonly node: Node;
	readonly context: DirectoryContext;
	links: readonly Link[];
}

export function directoryContext(ext: Ext, node: FileNode, flags: number): DirectoryContext {
	const { features, inodesCount } = ext.superblock;
	return {
		encrypted: (flags & EXT4_ENCRYPT_FL) !== 0,
		inodesCount,
		seed: features.metadataCsum ? inodeSeed(ext, node.inode, node.generation) : 0,
	};
}

/** The names of a directory whose entries stand in its inode. */
export function parseInlineDirectory(
	ext: Ext,
	inode: number,
	inline: { readonly head: Buffer; readonly rest: Buffer },
	context: DirectoryContext,
	each: EachEntry,
): void {
	const { head, rest } = inline;
	directoryFault(ext, inode, parseDirectoryBlock(head, INLINE_PARENT_SIZE, head.length, context, each));
	directoryFault(ext, inode, parseDirectoryBlock(rest, 0, rest.length, context, each));
}

export function directoryFault(ext: Ext, inode: number, fault: string | undefined, offset?: number): void {
	if (fault === undefined) return;
	const at = offset === undefined ? "" : ` in the block at ${offset}`;
	ext.problems.add("corrupt", `directory inode ${inode} has ${fault}${at}`, {
		structure: "ext4_dir_entry_2",
		inode,
		...(offset === undefined ? {} : { offset }),
	});
}

/**
 * The blocks of a directory that its size covers, in logical order.
 *
 * @param claimed blocks that were taken before: none has two owners, so that overlapping extents cannot make a small
 * disk into endless names.
 */
export function directoryRuns(
	ext: Ext,
	{ inode, size, data }: FileNode,
	claimed: BlockSet,
): { readonly start: number; readonly count: number }[] {
	const { blockSize } = ext.superblock;
	const runs: { readonly start: number; readonly count: number }[] = [];
	let left = Math.ceil(size / blockSize);
	for (let i = 0; i < data.length && left > 0; i += 2) {
		const start = data[i]! / blockSize;
		const wanted = Math.min(left, data[i + 1]! / blockSize);
		const count = claimed.addRun(start, wanted);
		if (count > 0) runs.push({ start, count });
		if (count < wanted) {
			directoryFault(ext, inode, "a block that already belongs to a directory", (start + count) * blockSize);
			break;
		}
		left -= count;
	}
	return runs;
}

/** Inodes as the tables, trees and directory blocks have them, read in disk order. */
export class Inodes implements InodeLoader {
	readonly root = ROOT_INODE;
	/** Inodes that made no sense, as often as they were met. To the tree of names each is an inode that is not in use. */
	senseless = 0;
	readonly #ext: Ext;
	/** By group, then by place in the group. */
	readonly #inodes: (Node | undefined)[][] = [];
	readonly #directories = new Map<number, Directory>();
	/** Directories whose blocks are still to be read. */
	#unread: Directory[] = [];
	/** No directory block may have two owners. */
	readonly #claimed = new BlockSet();
	readonly #mapper: BlockMapper;
	readonly #known: ((directory: FileNode) => readonly Link[] | undefined) | undefined;
	/** Blocks of the trees that were read, by inode. */
	readonly #trees = new Map<number, Ranges>();
	#spare: Mapping = { inode: 0, generation: 0, runs: [], meta: [] };
	#mapping: { node: Node; mapping: Mapping }[] = [];
	/** With ea_inode: who has attributes in the attribute block, and in which inodes. */
	readonly #attributeBlocks: BlockRun<Node>[] = [];
	readonly #valueInodes: { node: Node; inode: number }[] = [];

	/** @param known the names of a directory that need not be read. */
	constructor(ext: Ext, known?: (directory: FileNode) => readonly Link[] | undefined) {
		this.#ext = ext;
		this.#mapper = new BlockMapper(ext);
		this.#known = known;
	}

	/** All inodes in use, as far as the bitmaps tell. */
	async loadAll(signal?: AbortSignal): Promise<void> {
		await this.#readTables(await usedTables(this.#ext, signal), signal);
		await this.#finishNodes(signal);
	}

	/** Those that the bitmaps do not show as used, too. */
	async load(inodes: readonly number[], signal?: AbortSignal): Promise<void> {
		const { blockSize } = this.#ext.superblock;
		const runs: BlockRun<number[]>[] = [];
		for (const inode of inodes) {
			if (this.node(inode) !== undefined) continue;
			const position = inodePosition(this.#ext, inode);
			if (position === undefined) continue;
			const start = Math.floor(position / blockSize);
			const last = runs.at(-1);
			if (last?.start === start) last.tag.push(inode);
			else runs.push({ start, count: 1, tag: [inode] });
		}
		if (runs.length === 0) return;
		await this.#ext.volume.readRuns(
			runs,
			(wanted, _first, _count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				for (const inode of wanted) {
					this.#addInode(bytes, view, at + ((inodePosition(this.#ext, inode) ?? 0) % blockSize), inode);
				}
			},
			signal,
			SPARSE_GAP_BYTES,
		);
		await this.#finishNodes(signal);
	}

	node(inode: number): Node | undefined {
		const { inodesPerGroup } = this.#ext.superblock;
		return this.#inodes[Math.floor((inode - 1) / inodesPerGroup)]?.[(inode - 1) % inodesPerGroup];
	}

	names(inode: number): readonly Link[] {
		return this.#directories.get(inode)?.links ?? [];
	}

	fault(directory: number, what: string): void {
		directoryFault(this.#ext, directory, what);
	}

	noRoot(): UmbraError {
		const context = { structure: "ext4_inode", inode: ROOT_INODE };
		return this.#ext.problems.error("corrupt", "there is no root directory", context);
	}

	/** The blocks of a loaded inode that no other may have: of its tree and, of a directory, its names. */
	exclusive(inode: number): Ranges {
		const node = this.node(inode);
		const tree = this.#trees.get(inode) ?? NO_RANGES;
		return node?.type === "dir" ? tree.concat(node.data) : tree;
	}

	async #readTables(tables: readonly BlockRun<number>[], signal?: AbortSignal): Promise<void> {
		const { blockSize, inodeSize } = this.#ext.superblock;
		const perBlock = blockSize / inodeSize;
		await this.#ext.volume.readRuns(
			tables,
			(firstInode, first, count, bytes, at) => {
				const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
				const inode = firstInode + first * perBlock;
				for (let i = 0; i < count * perBlock; i++) this.#addInode(bytes, view, at + i * inodeSize, inode + i);
			},
			signal,
		);
	}

	#addInode(bytes: Buffer, view: DataView, at: number, inode: number): void {
		const ext = this.#ext;
		let node: Node | undefined;
		try {
			node = parseInode(ext, view, at, inode);
		} catch (error) {
			if (!(error instanceof UmbraError)) throw error;
			ext.problems.add(error.code, error.message, error.context);
			this.senseless++;
		}
		if (node === undefined) return;
		checkInode(ext, view, at, inode);
		const { inodesPerGroup } = ext.superblock;
		const group = Math.floor((inode - 1) / inodesPerGroup);
		this.#inodes[group] ??= [];
		this.#inodes[group][(inode - 1) % inodesPerGroup] = node;

		if (hasBlocks(ext, node, view, at)) this.#map(node, view, at);
		const block = addAttributeBlock(ext, node, view, at);
		if (ext.superblock.features.eaInode) {
			if (block !== undefined) this.#attributeBlocks.push({ start: block, count: 1, tag: node });
			for (const value of valueInodesOfInode(ext, bytes, at)) this.#valueInodes.push({ node, inode: value });
		}
		if (node.type !== "dir") return;
		const links: Link[] = [];
		const directory: Directory = { node, context: directoryContext(ext, node, inodeFlags(view, at)), links };
		this.#directories.set(inode, directory);
		const inline = inlineData(ext, bytes, view, at);
		if (inline === undefined) {
			this.#unread.push(directory);
		} else {
			parseInlineDirectory(ext, inode, inline, directory.context, (from, start, end, target) => {
				links.push({ parent: inode, name: entryName(directory.context, from, start, end), inode: target });
			});
		}
	}

	#map(node: Node, view: DataView, at: number): void {
		// One mapping serves all inodes that need no tree.
		const mapping = this.#spare;
		mapping.inode = node.inode;
		mapping.generation = node.generation;
		if (this.#mapper.add(mapping, view, at)) {
			if (mapping.runs.length > 0) node.data = runsToRanges(mapping.runs, this.#ext.superblock.blockSize);
			mapping.runs.length = 0;
		} else {
			this.#mapping.push({ node, mapping });
			this.#spare = { inode: 0, generation: 0, runs: [], meta: [] };
		}
	}

	/** Reads what the tables only pointed to: trees, attribute inodes, directories. */
	async #finishNodes(signal?: AbortSignal): Promise<void> {
		const ext = this.#ext;
		await this.#mapper.finish(signal);
		for (const { node, mapping } of this.#mapping) {
			node.data = runsToRanges(mapping.runs, ext.superblock.blockSize);
			addMeta(node, mapping.meta);
			this.#trees.set(node.inode, mapping.meta);
		}
		this.#mapping = [];

		await ext.volume.readRuns(
			this.#attributeBlocks.splice(0),
			(node, _first, _count, bytes, at) => {
				for (const inode of valueInodesOfBlock(ext, bytes, at)) this.#valueInodes.push({ node, inode });
			},
			signal,
		);
		for (const { node, inode } of this.#valueInodes.splice(0)) {
			const value = this.node(inode);
			if (value !== undefined) addMeta(node, value.data, value.meta);
		}
		await this.#readDirectories(signal);
	}

	async #readDirectories(signal?: AbortSignal): Promise<void> {
		const ext = this.#ext;
		const { blockSize } = ext.superblock;
		const runs: BlockRun<{ readonly directory: Directory; readonly links: Link[] }>[] = [];
		for (const directory of this.#unread) {
			const known = this.#known?.(directory.node);
			if (known !== undefined) {
				directory.links = known;
				continue;
			}
			const links: Link[] = [];
			directory.links = links;
			for (const run of directoryRuns(ext, directory.node, this.#claimed)) {
				runs.push({ ...run, tag: { directory, links } });
			}
		}
		this.#unread = [];
		await ext.volume.readRuns(
			runs,
			({ directory: { node, context }, links }, _first, count, bytes, at) => {
				const parent = node.inode;
				const each: EachEntry = (from, start, end, inode) => {
					links.push({ parent, name: entryName(context, from, start, end), inode });
				};
				for (let from = at; from < at + count * blockSize; from += blockSize) {
					directoryFault(ext, parent, parseDirectoryBlock(bytes, from, from + blockSize, context, each));
				}
			},
			signal,
		);
	}
}
