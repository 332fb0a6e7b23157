/**
 * Everything at once: the inode tables in disk order, then the directories in disk order, then a walk
 * from the root over what was read. No promise, and little garbage, per file.
 */
import { UmbraError } from "../../common/errors.ts";
import type { FileNode, FilesystemScan, Link } from "../filesystem.ts";
import { crc32c, viewOf } from "../parser/checksum.ts";
import { runsToRanges } from "../parser/runs.ts";
import { type BlockRun, BlockSet } from "../parser/volume.ts";
import { inlineData, valueInodesOfBlock, valueInodesOfInode } from "./attributes.ts";
import { type DirectoryContext, parseDirectoryBlock } from "./directory.ts";
import { fixedRanges, tableBlocks } from "./groups.ts";
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

/** Of i_block in an inline directory, the parent's inode number; entries follow. */
const INLINE_PARENT_SIZE = 4;

/** A directory and the names found in it. */
interface Directory {
	readonly node: Node;
	readonly context: DirectoryContext;
	readonly links: Link[];
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
	each: (name: string, inode: number) => void,
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
		let count = 0;
		while (count < wanted && claimed.add(start + count)) count++;
		if (count > 0) runs.push({ start, count });
		if (count < wanted) {
			directoryFault(ext, inode, "a block that already belongs to a directory", (start + count) * blockSize);
			break;
		}
		left -= count;
	}
	return runs;
}

/** @throws UmbraError `corrupt` where there is no root directory. */
export async function scan(ext: Ext, signal?: AbortSignal): Promise<FilesystemScan> {
	return new Scan(ext).run(signal);
}

class Scan {
	readonly #ext: Ext;
	/** By group, then by place in the group. */
	readonly #inodes: (Node | undefined)[][] = [];
	readonly #directories = new Map<number, Directory>();
	/** Directories whose blocks are still to be read. */
	#unread: Directory[] = [];
	/** No directory block may have two owners. */
	readonly #claimed = new BlockSet();
	readonly #mapper: BlockMapper;
	#spare: Mapping = { inode: 0, generation: 0, runs: [], meta: [] };
	#mapping: { node: Node; mapping: Mapping }[] = [];
	/** With ea_inode: who has attributes in the attribute block, and in which inodes. */
	readonly #attributeBlocks: BlockRun<Node>[] = [];
	readonly #valueInodes: { node: Node; inode: number }[] = [];

	constructor(ext: Ext) {
		this.#ext = ext;
		this.#mapper = new BlockMapper(ext);
	}

	async run(signal?: AbortSignal): Promise<FilesystemScan> {
		await this.#readTables(await this.#usedTables(signal), signal);
		await this.#finishNodes(signal);
		const { nodes, links } = await this.#walk(signal);
		return { root: ROOT_INODE, nodes, links, ...this.#hidden() };
	}

	#at(inode: number): Node | undefined {
		const { inodesPerGroup } = this.#ext.superblock;
		return this.#inodes[Math.floor((inode - 1) / inodesPerGroup)]?.[(inode - 1) % inodesPerGroup];
	}

	/** Which blocks of the inode tables hold an inode in use; tagged with the first inode of the run. */
	async #usedTables(signal?: AbortSignal): Promise<BlockRun<number>[]> {
		const { superblock, groups, volume, problems } = this.#ext;
		const { inodesPerGroup } = superblock;
		const perBlock = superblock.blockSize / superblock.inodeSize;
		const tables: BlockRun<number>[] = [];
		const add = (group: number, first: number, end: number) => {
			const start = groups.inodeTable[group]! + first;
			tables.push({ start, count: end - first, tag: group * inodesPerGroup + first * perBlock + 1 });
		};
		const bitmaps: BlockRun<number>[] = [];
		for (let group = 0; group < superblock.groups; group++) {
			if (groups.inodesInUse[group] === 0) continue;
			if (groups.inodeBitmap[group]! > 0) bitmaps.push({ start: groups.inodeBitmap[group]!, count: 1, tag: group });
			else add(group, 0, tableBlocks(superblock));
		}
		await volume.readRuns(
			bitmaps,
			(group, _first, _count, bytes, at) => {
				const end = Math.ceil(groups.inodesInUse[group]! / perBlock);
				if (!this.#bitmapHolds(group, bytes, at)) {
					problems.add("corrupt", `the inode bitmap of group ${group} does not match its checksum`, {
						structure: "inode bitmap",
						group,
					});
					add(group, 0, end);
					return;
				}
				let first = -1;
				for (let block = 0; block < end; block++) {
					if (anyBit(bytes, at, block * perBlock, perBlock)) {
						if (first < 0) first = block;
					} else if (first >= 0) {
						add(group, first, block);
						first = -1;
					}
				}
				if (first >= 0) add(group, first, end);
			},
			signal,
		);
		return tables;
	}

	#bitmapHolds(group: number, bytes: Buffer, at: number): boolean {
		const { superblock, groups } = this.#ext;
		if (!superblock.features.metadataCsum) return true;
		const crc = crc32c(superblock.csumSeed, viewOf(bytes), at, at + superblock.inodesPerGroup / 8);
		const found = groups.inodeBitmapCsum[group]!;
		return (superblock.descSize >= 64 ? crc : crc & 0xffff) === found >>> 0;
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
		const directory = { node, context: directoryContext(ext, node, inodeFlags(view, at)), links: [] as Link[] };
		this.#directories.set(inode, directory);
		const inline = inlineData(ext, bytes, view, at);
		if (inline === undefined) {
			this.#unread.push(directory);
		} else {
			parseInlineDirectory(ext, inode, inline, directory.context, (name, target) => {
				directory.links.push({ parent: inode, name, inode: target });
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
			const value = this.#at(inode);
			if (value !== undefined) addMeta(node, value.data, value.meta);
		}
		await this.#readDirectories(signal);
	}

	async #readDirectories(signal?: AbortSignal): Promise<void> {
		const ext = this.#ext;
		const { blockSize } = ext.superblock;
		const runs: BlockRun<Directory>[] = [];
		for (const directory of this.#unread) {
			for (const run of directoryRuns(ext, directory.node, this.#claimed)) runs.push({ ...run, tag: directory });
		}
		this.#unread = [];
		await ext.volume.readRuns(
			runs,
			({ node, context, links }, _first, count, bytes, at) => {
				const parent = node.inode;
				const each = (name: string, inode: number) => {
					links.push({ parent, name, inode });
				};
				for (let from = at; from < at + count * blockSize; from += blockSize) {
					directoryFault(ext, parent, parseDirectoryBlock(bytes, from, from + blockSize, context, each));
				}
			},
			signal,
		);
	}

	async #walk(signal?: AbortSignal): Promise<{ nodes: Map<number, FileNode>; links: Link[] }> {
		const { problems } = this.#ext;
		const nodes = new Map<number, FileNode>();
		const links: Link[] = [];
		const queue: Directory[] = [];
		const reach = (node: Node) => {
			nodes.set(node.inode, node);
			const directory = node.type === "dir" ? this.#directories.get(node.inode) : undefined;
			if (directory !== undefined) queue.push(directory);
		};
		await this.#loadLate([ROOT_INODE], signal);
		const root = this.#at(ROOT_INODE);
		if (root?.type !== "dir") {
			throw problems.error("corrupt", "there is no root directory", { structure: "ext4_inode", inode: ROOT_INODE });
		}
		reach(root);
		let late: Link[] = [];
		const take = (link: Link, node: Node) => {
			if (node.type === "dir" && nodes.has(link.inode)) {
				directoryFault(this.#ext, link.parent, `an entry for directory inode ${link.inode}, which has another name`);
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
			// Without a journal a name may reach the disk before the bitmap does.
			await this.#loadLate(
				again.map((link) => link.inode),
				signal,
			);
			for (const link of again) {
				const node = this.#at(link.inode);
				if (node === undefined) {
					directoryFault(this.#ext, link.parent, `an entry for inode ${link.inode}, which is not in use`);
				} else take(link, node);
			}
		}
		return { nodes, links };
	}

	/** Loads inodes that the bitmaps do not show as used. */
	async #loadLate(inodes: readonly number[], signal?: AbortSignal): Promise<void> {
		const { blockSize } = this.#ext.superblock;
		const runs: BlockRun<number>[] = [];
		for (const inode of new Set(inodes)) {
			if (this.#at(inode) !== undefined) continue;
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
		await this.#finishNodes(signal);
	}

	/** What belongs to the filesystem itself. */
	#hidden(): Pick<FilesystemScan, "metadata" | "journal"> {
		const { superblock, groups } = this.#ext;
		const metadata = fixedRanges(superblock, groups);
		for (let inode = 1; inode < superblock.firstIno; inode++) {
			if (inode !== ROOT_INODE && inode !== superblock.journalInum) add(this.#at(inode));
		}
		for (const inode of superblock.hiddenInodes) add(this.#at(inode));
		const journal = superblock.journalInum > 0 ? this.#at(superblock.journalInum) : undefined;
		metadata.addAll(journal?.meta ?? []);
		return { metadata: metadata.toRanges(), journal: journal?.data ?? [] };

		function add(node: Node | undefined): void {
			metadata.addAll(node?.data ?? []);
			metadata.addAll(node?.meta ?? []);
		}
	}
}

function anyBit(bytes: Buffer, at: number, first: number, count: number): boolean {
	for (let bit = first; bit < first + count; ) {
		const byte = bytes[at + (bit >>> 3)]!;
		if ((bit & 7) === 0 && first + count - bit >= 8) {
			if (byte !== 0) return true;
			bit += 8;
		} else {
			if ((byte & (1 << (bit & 7))) !== 0) return true;
			bit++;
		}
	}
	return false;
}
