/** One inode with all that is needed to read its content. */

import type { Ranges } from "../filesystem.ts";
import { type Runs, runsToRanges } from "../parser/runs.ts";
import { inlineData, valueInodesOfBlock, valueInodesOfInode } from "./attributes.ts";
import {
	attributeBlock,
	EXT4_INLINE_DATA_FL,
	type Ext,
	inodeChecksumHolds,
	inodeFlags,
	inodePosition,
	isFastSymlink,
	type Node,
	parseInode,
} from "./inode.ts";
import { BlockMapper, type Mapping } from "./mapping.ts";

export interface LoadedInode {
	readonly node: Node;
	readonly flags: number;
	readonly runs: Runs;
	/** The inode as it stands in the table. */
	readonly bytes: Buffer;
	readonly inline: { readonly head: Buffer; readonly rest: Buffer } | undefined;
	readonly fastSymlink: boolean;
}

/** True where i_block names blocks, rather than being content itself or a device number. */
export function hasBlocks(ext: Ext, node: Node, view: DataView, at: number): boolean {
	if ((inodeFlags(view, at) & EXT4_INLINE_DATA_FL) !== 0) return false;
	if (node.type === "symlink") return !isFastSymlink(ext, view, at);
	return node.type === "file" || node.type === "dir";
}

/** The range of the inode's attribute block, empty where it has none. */
export function addAttributeBlock(ext: Ext, node: Node, view: DataView, at: number): number | undefined {
	const block = attributeBlock(view, at);
	if (block === 0) return undefined;
	if (!ext.volume.holds(block, 1)) {
		ext.problems.add("corrupt", `inode ${node.inode} has its attributes outside the volume`, {
			structure: "ext4_inode",
			field: "i_file_acl",
			inode: node.inode,
			found: block,
		});
		return undefined;
	}
	const { blockSize } = ext.superblock;
	addMeta(node, [block * blockSize, blockSize]);
	return block;
}

export function checkInode(ext: Ext, view: DataView, at: number, inode: number): void {
	if (inodeChecksumHolds(ext, view, at, inode)) return;
	ext.problems.add("corrupt", `inode ${inode} does not match its checksum`, {
		structure: "ext4_inode",
		offset: inodePosition(ext, inode) ?? 0,
		inode,
	});
}

/** The lists may be long: no spreading into arguments. */
export function addMeta(node: Node, ...more: readonly Ranges[]): void {
	node.meta = node.meta.concat(...more);
}

/** @throws UmbraError `not-found` where the inode is not in use, `corrupt` where it makes no sense. */
export async function loadInode(ext: Ext, inode: number, signal?: AbortSignal): Promise<LoadedInode> {
	const loaded = await loadOne(ext, inode, signal);
	if (ext.superblock.features.eaInode) {
		for (const value of await valueInodes(ext, loaded, signal)) {
			const { node } = await loadOne(ext, value, signal).catch(() => ({ node: undefined }));
			if (node !== undefined) addMeta(loaded.node, node.data, node.meta);
		}
	}
	return loaded;
}

async function valueInodes(ext: Ext, loaded: LoadedInode, signal?: AbortSignal): Promise<Set<number>> {
	const found = new Set(valueInodesOfInode(ext, loaded.bytes, 0));
	const view = new DataView(loaded.bytes.buffer, loaded.bytes.byteOffset, loaded.bytes.byteLength);
	const block = attributeBlock(view, 0);
	if (ext.volume.holds(block, 1)) {
		const { blockSize } = ext.superblock;
		for (const inode of valueInodesOfBlock(ext, await ext.volume.read(block * blockSize, blockSize, signal), 0)) {
			found.add(inode);
		}
	}
	return found;
}

async function loadOne(ext: Ext, inode: number, signal?: AbortSignal): Promise<LoadedInode> {
	const { blockSize, inodeSize } = ext.superblock;
	const position = inodePosition(ext, inode);
	const none = () =>
		ext.problems.error("not-found", `inode ${inode} is not in use`, { structure: "ext4_inode", inode });
	if (position === undefined) throw none();
	const bytes = await ext.volume.read(position, inodeSize, signal);
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const node = parseInode(ext, view, 0, inode);
	if (node === undefined) throw none();
	checkInode(ext, view, 0, inode);
	const mapping: Mapping = { inode, generation: node.generation, runs: [], meta: [] };
	if (hasBlocks(ext, node, view, 0)) {
		const mapper = new BlockMapper(ext);
		if (!mapper.add(mapping, view, 0)) await mapper.finish(signal);
		node.data = runsToRanges(mapping.runs, blockSize);
		node.meta = mapping.meta;
	}
	addAttributeBlock(ext, node, view, 0);
	return {
		node,
		flags: inodeFlags(view, 0),
		runs: mapping.runs,
		bytes,
		inline: inlineData(ext, bytes, view, 0),
		fastSymlink: node.type === "symlink" && isFastSymlink(ext, view, 0),
	};
}
