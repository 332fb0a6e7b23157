/**
 * Everything at once: the trees of all groups, the inode chunks that they record in disk order, then the directories in
 * disk order, then a walk from the root over what was read. No promise, and little garbage, per file. And the same from
 * a scan before, where of inodes and directories only what lies in changed blocks is read.
 */
import { blake3Name } from "../../common/block.ts";
import type { FilesystemScan, Link, Ranges, ScanBasis } from "../filesystem.ts";
import { isSameRanges } from "../parser/nodes.ts";
import { RangeSet } from "../parser/ranges.ts";
import type { BlockRun } from "../parser/volume.ts";
import { ChangedRanges } from "../rescan/changed-ranges.ts";
import { walkTree } from "../rescan/inode-tree.ts";
import { layerScan } from "../rescan/layered-scan.ts";
import { MAX_DANGLING, staleInodes, unchangedNames, updateTree } from "../rescan/rescan.ts";
import { chunkRuns, type InodeRun } from "./chunks.ts";
import { blockOf, inodeNumber, type Xfs } from "./geometry.ts";
import { headerBlocks, readGroups } from "./groups.ts";
import { Inodes } from "./inodes.ts";
import { walkTrees } from "./trees.ts";

/** @throws UmbraError `corrupt` where there is no root directory. */
export async function scan(xfs: Xfs, signal?: AbortSignal): Promise<FilesystemScan> {
	const problems = xfs.problems.added;
	const fixed = await readFixed(xfs, signal);
	const inodes = new Inodes(xfs);
	await inodes.loadChunks(fixed.chunks, signal);
	const { nodes, links, dangling } = await walkTree(inodes, signal);
	const metadata = await metadataOf(xfs, fixed, inodes, signal);
	const basis = basisOf(xfs, inodes, dangling, problems);
	const { rootInode: root } = xfs.superblock;
	return { root, nodes, links, metadata, journal: journalOf(xfs), ...(basis === undefined ? {} : { basis }) };
}

/** As `Filesystem.rescan`. @throws as `scan`. */
export async function rescan(
	xfs: Xfs,
	before: FilesystemScan,
	changed: Ranges,
	signal?: AbortSignal,
): Promise<FilesystemScan> {
	const { basis } = before;
	if (basis === undefined || basis.layout !== layoutOf(xfs)) return scan(xfs, signal);
	const problems = xfs.problems.added;
	const all = new ChangedRanges(changed);
	const stale = staleInodes(before, basis, all, inodesIn(xfs, all));
	const inodes = new Inodes(xfs, unchangedNames(before, basis, all));
	const { blockSize } = xfs.superblock;
	const update = await updateTree(inodes, before, basis, stale, (inode) => inodes.exclusive(inode), blockSize, signal);
	if (update === undefined) return scan(xfs, signal);
	const metadata = await metadataOf(xfs, await readFixed(xfs, signal), inodes, signal);
	const next = basisOf(xfs, inodes, update.dangling, problems);
	// What cannot be told inode by inode takes all of them to be told as a full scan does.
	if (next === undefined) return scan(xfs, signal);
	const journal = journalOf(xfs);
	return layerScan(before, update, {
		metadata: isSameRanges(metadata, before.metadata) ? before.metadata : metadata,
		journal: isSameRanges(journal, before.journal) ? before.journal : journal,
		basis: next,
	});
}

/** Inodes that would stand in changed blocks, if these were such as hold inodes. */
function* inodesIn({ superblock }: Xfs, changed: ChangedRanges): Generator<number> {
	const { blockSize, dblocks, agBlocks, inodesPerBlock } = superblock;
	for (const block of changed.units(0, blockSize, dblocks)) {
		const group = Math.floor(block / agBlocks);
		const first = (block - group * agBlocks) * inodesPerBlock;
		for (let i = 0; i < inodesPerBlock; i++) yield inodeNumber(superblock, group, first + i);
	}
}

interface Fixed {
	readonly treeBlocks: readonly number[];
	readonly freeList: readonly number[];
	readonly chunks: readonly BlockRun<InodeRun>[];
}

/** The structures of the groups: few blocks, which are always read. */
async function readFixed(xfs: Xfs, signal?: AbortSignal): Promise<Fixed> {
	const { trees, freeList } = await readGroups(xfs, signal);
	const { blocks, chunks } = await walkTrees(xfs, trees, signal);
	return { treeBlocks: blocks, freeList, chunks: chunkRuns(xfs.superblock, chunks) };
}

/** What belongs to the filesystem itself. */
async function metadataOf(xfs: Xfs, fixed: Fixed, inodes: Inodes, signal?: AbortSignal): Promise<Ranges> {
	const { blockSize, agCount, agBlocks, hiddenInodes } = xfs.superblock;
	await inodes.load(hiddenInodes, signal);
	const metadata = new RangeSet();
	for (let group = 0; group < agCount; group++) {
		metadata.add(group * agBlocks * blockSize, headerBlocks(xfs) * blockSize);
	}
	for (const block of fixed.treeBlocks) metadata.add(block * blockSize, blockSize);
	for (const block of fixed.freeList) metadata.add(block * blockSize, blockSize);
	for (const { start, count } of fixed.chunks) metadata.add(start * blockSize, count * blockSize);
	for (const { data, meta } of inodes.hidden.values()) {
		metadata.addAll(data);
		metadata.addAll(meta);
	}
	return metadata.toRanges();
}

/** Undefined where more was wrong than names of inodes that are not in use. */
function basisOf(
	xfs: Xfs,
	{ senseless, hidden }: Inodes,
	dangling: readonly Link[],
	problems: number,
): ScanBasis | undefined {
	const other = xfs.problems.added - problems - senseless - dangling.length;
	if (other > 0 || dangling.length > MAX_DANGLING) return undefined;
	// The kernel's own directory tree is known from a look at all inodes only.
	for (const inode of hidden.keys()) if (!xfs.superblock.hiddenInodes.includes(inode)) return undefined;
	return { layout: layoutOf(xfs), replayed: [], dangling };
}

function layoutOf({ superblock }: Xfs): string {
	const { uuid, metaUuid, blockSize, dblocks, agBlocks, agCount, inodeSize, aginoLog, rootInode } = superblock;
	const { dirBlocks, logStart, logBlocks, hiddenInodes, features } = superblock;
	const numbers = [
		blockSize,
		dblocks,
		agBlocks,
		agCount,
		inodeSize,
		aginoLog,
		rootInode,
		dirBlocks,
		logStart,
		logBlocks,
	];
	const said = JSON.stringify([uuid, [...metaUuid], numbers, hiddenInodes, features]);
	return Buffer.from(blake3Name(Buffer.from(said))).toString("base64url");
}

function journalOf({ superblock }: Xfs): Ranges {
	const { logStart, logBlocks, blockSize } = superblock;
	const start = logStart === 0 ? undefined : blockOf(superblock, logStart, logBlocks);
	return start === undefined ? [] : [start * blockSize, logBlocks * blockSize];
}
