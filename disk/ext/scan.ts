/**
 * Everything at once: the inode tables in disk order, then the directories in disk order, then a walk from the root
 * over what was read. No promise, and little garbage, per file. And the same from a scan before, where only what lies
 * in changed blocks is read.
 */
import { blake3Name } from "../../common/block.ts";
import type { FilesystemScan, Link, Ranges, ScanBasis } from "../filesystem.ts";
import { isSameRanges } from "../parser/nodes.ts";
import { ChangedRanges } from "../rescan/changed-ranges.ts";
import { walkTree } from "../rescan/inode-tree.ts";
import { layerScan } from "../rescan/layered-scan.ts";
import { MAX_DANGLING, staleInodes, unchangedNames, updateTree } from "../rescan/rescan.ts";
import { lastingFeatures } from "./features.ts";
import { fixedRanges, tableBlocks } from "./groups.ts";
import { type Ext, ROOT_INODE } from "./inode.ts";
import { Inodes } from "./inodes.ts";

/** @throws UmbraError `corrupt` where there is no root directory. */
export async function scan(ext: Ext, signal?: AbortSignal): Promise<FilesystemScan> {
	const problems = ext.problems.added;
	const inodes = new Inodes(ext);
	await inodes.loadAll(signal);
	const { nodes, links, dangling } = await walkTree(inodes, signal);
	const hidden = await readHidden(ext, inodes, signal);
	const basis = basisOf(ext, inodes, dangling, problems);
	return { root: ROOT_INODE, nodes, links, ...hidden, ...(basis === undefined ? {} : { basis }) };
}

/** As `Filesystem.rescan`. @throws as `scan`. */
export async function rescan(
	ext: Ext,
	before: FilesystemScan,
	changed: Ranges,
	signal?: AbortSignal,
): Promise<FilesystemScan> {
	const { basis } = before;
	if (basis === undefined || basis.layout !== layoutOf(ext)) return scan(ext, signal);
	const problems = ext.problems.added;
	const all = new ChangedRanges(changed, basis.replayed, ext.volume.replayed);
	const stale = staleInodes(before, basis, all, inodesIn(ext, all));
	const inodes = new Inodes(ext, unchangedNames(before, basis, all));
	const { blockSize } = ext.superblock;
	const update = await updateTree(inodes, before, basis, stale, (inode) => inodes.exclusive(inode), blockSize, signal);
	if (update === undefined) return scan(ext, signal);
	const { metadata, journal } = await readHidden(ext, inodes, signal);
	const next = basisOf(ext, inodes, update.dangling, problems);
	// What cannot be told inode by inode takes all of them to be told as a full scan does.
	if (next === undefined) return scan(ext, signal);
	return layerScan(before, update, {
		metadata: isSameRanges(metadata, before.metadata) ? before.metadata : metadata,
		journal: isSameRanges(journal, before.journal) ? before.journal : journal,
		basis: next,
	});
}

/** Inodes whose place in the tables changed. */
function* inodesIn({ superblock, groups }: Ext, changed: ChangedRanges): Generator<number> {
	const { blockSize, inodeSize, inodesPerGroup } = superblock;
	const perBlock = blockSize / inodeSize;
	for (let group = 0; group < superblock.groups; group++) {
		const table = groups.inodeTable[group]!;
		if (table === 0) continue;
		for (const block of changed.units(table * blockSize, blockSize, tableBlocks(superblock))) {
			const first = block * perBlock;
			const end = Math.min(first + perBlock, inodesPerGroup);
			for (let i = first; i < end; i++) yield group * inodesPerGroup + i + 1;
		}
	}
}

/** What belongs to the filesystem itself. */
async function readHidden(ext: Ext, inodes: Inodes, signal?: AbortSignal) {
	const { superblock, groups } = ext;
	const { firstIno, journalInum } = superblock;
	const metadata = fixedRanges(superblock, groups);
	const hidden = new Set(superblock.hiddenInodes);
	for (let inode = 1; inode < firstIno; inode++) if (inode !== ROOT_INODE) hidden.add(inode);
	hidden.delete(journalInum);
	await inodes.load(journalInum > 0 ? [...hidden, journalInum] : [...hidden], signal);
	for (const inode of hidden) {
		const node = inodes.node(inode);
		metadata.addAll(node?.data ?? []);
		metadata.addAll(node?.meta ?? []);
	}
	const journal = journalInum > 0 ? inodes.node(journalInum) : undefined;
	metadata.addAll(journal?.meta ?? []);
	return { metadata: metadata.toRanges(), journal: journal?.data ?? [] };
}

/** Undefined where more was wrong than names of inodes that are not in use. */
function basisOf(ext: Ext, { senseless }: Inodes, dangling: readonly Link[], problems: number): ScanBasis | undefined {
	const other = ext.problems.added - problems - senseless - dangling.length;
	// With ea_inode the blocks of one inode are found by way of others.
	if (other > 0 || dangling.length > MAX_DANGLING || ext.superblock.features.eaInode) return undefined;
	return { layout: layoutOf(ext), replayed: ext.volume.replayed, dangling };
}

function layoutOf({ superblock, groups }: Ext): string {
	const { uuid, blockSize, blocksCount, firstDataBlock, inodesCount, inodesPerGroup, inodeSize, csumSeed } = superblock;
	const numbers = [blockSize, blocksCount, firstDataBlock, inodesCount, inodesPerGroup, inodeSize, csumSeed];
	const said = JSON.stringify([uuid, ...numbers, lastingFeatures(superblock.features)]);
	const { buffer, byteOffset, byteLength } = groups.inodeTable;
	const digest = blake3Name(Buffer.concat([Buffer.from(said), new Uint8Array(buffer, byteOffset, byteLength)]));
	return Buffer.from(digest).toString("base64url");
}
