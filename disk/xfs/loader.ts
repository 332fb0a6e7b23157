/** One inode with all that is needed to read its content. */

import { type Runs, runsToRanges } from "../parser/runs.ts";
import { directoryFault } from "./directory.ts";
import { inodePosition, type Xfs } from "./geometry.ts";
import {
	attributeFork,
	checkInode,
	dataFork,
	FORMAT_LOCAL,
	type Fork,
	isKernelsOwn,
	isRealtime,
	type Node,
	parseInode,
} from "./inode.ts";
import { BlockMapper, type Mapping } from "./mapping.ts";

export interface LoadedInode {
	readonly node: Node;
	readonly runs: Runs;
	/** Where content that stands in the inode lies in `bytes`. */
	readonly inline: Fork | undefined;
	/** The inode as it stands on disk. */
	readonly bytes: Buffer;
	readonly realtime: boolean;
}

/** True where the data fork names blocks of this volume. */
export function hasBlocks(xfs: Xfs, node: Pick<Node, "inode" | "type">, view: DataView, at: number): boolean {
	if (node.type !== "file" && node.type !== "dir" && node.type !== "symlink") return false;
	if (!isRealtime(view, at)) return true;
	// The kernel's own realtime bitmaps carry the mark and lie here.
	if (xfs.superblock.hiddenInodes.includes(node.inode) || node.type !== "file") return true;
	xfs.problems.add("unsupported", `inode ${node.inode} has its content on the realtime device, which is not read`, {
		structure: "xfs_dinode",
		field: "di_flags",
		inode: node.inode,
	});
	return false;
}

/** @throws UmbraError `not-found` where the inode is not in use, `corrupt` where it makes no sense. */
export async function loadInode(xfs: Xfs, inode: number, signal?: AbortSignal): Promise<LoadedInode> {
	const { inodeSize, blockSize } = xfs.superblock;
	const position = inodePosition(xfs.superblock, inode);
	const none = () =>
		xfs.problems.error("not-found", `inode ${inode} is not in use`, { structure: "xfs_dinode", inode });
	if (position === undefined) throw none();
	const bytes = await xfs.volume.read(position, inodeSize, signal);
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const node = parseInode(xfs, view, 0, inode);
	if (node === undefined || isKernelsOwn(view, 0)) throw none();
	checkInode(xfs, view, 0, inode);
	const data: Mapping = { inode, runs: [], meta: [] };
	const attributes: Mapping = { inode, runs: [], meta: [] };
	const mapper = new BlockMapper(xfs);
	const fork = dataFork(xfs, view, 0);
	const local = fork.format === FORMAT_LOCAL;
	const onDisk = hasBlocks(xfs, node, view, 0);
	if (onDisk && !local) mapper.add(data, view, fork);
	const attributesFork = attributeFork(xfs, view, 0);
	if (attributesFork !== undefined) mapper.add(attributes, view, attributesFork);
	await mapper.finish(signal);
	node.data = runsToRanges(data.runs, blockSize);
	node.meta = data.meta.concat(attributes.meta, runsToRanges(attributes.runs, blockSize));
	const realtime = node.type === "file" && !onDisk;
	return { node, runs: data.runs, inline: local ? fork : undefined, bytes, realtime };
}

/** The part of a fork that is content; no more than has room. */
export function inlineContent(xfs: Xfs, { node, inline, bytes }: LoadedInode): Buffer | undefined {
	if (inline === undefined) return undefined;
	if (node.size > inline.size && node.type === "dir") directoryFault(xfs, node.inode, `a size of ${node.size}`);
	return bytes.subarray(inline.at, inline.at + Math.min(node.size, inline.size));
}
