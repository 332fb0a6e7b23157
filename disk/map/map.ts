/**
 * `disk/map/` is the block -> file map: from two trees of a disk and the 4 KiB pages that differ between them
 * it tells which files were created, modified, deleted, renamed or had their metadata changed, and what the rest
 * of the changed bytes is. It is pure: no I/O (but for `compare.ts`, which finds the pages of two images), no clock.
 *
 * A *holding* is what the changed pages say about one inode on one side. An inode is *quiet* when its own
 * record does not speak of new content. Paths are those after the change; of what was deleted, those before.
 */
import type { FilesystemScan } from "../filesystem.ts";
import type { DiskTree, VolumeTree } from "../tree.ts";
import type { DiskChanges, VolumeChanges, VolumeSummary } from "./changes.ts";
import { diffLinks } from "./links.ts";
import { isSameContent, isSameFile, isSameNode, pairNodes } from "./nodes.ts";
import { PageOwnership } from "./ownership.ts";
import { type ChangedPages, PageIndex } from "./pages.ts";
import { type Candidate, describeChanges, type VolumeFindings } from "./records.ts";

export type { Attribution, ChangeKind, DiskChanges, FileChange, VolumeChanges, VolumeSummary } from "./changes.ts";
export type { ChangedPages } from "./pages.ts";

const NO_SCAN: FilesystemScan = { root: 0, nodes: new Map(), links: [], metadata: [], journal: [] };

/**
 * What `pages` changed, file by file.
 *
 * Against `EMPTY_TREE` everything is created. A volume whose history is unknown (it could not be read on one side) is
 * judged by its pages alone, and one that was made anew has nothing in common with what it was.
 *
 * @throws UmbraError `internal` for pages that are not ascending multiples of 4096.
 */
export function mapChanges(before: DiskTree, after: DiskTree, pages: ChangedPages): DiskChanges {
	const index = new PageIndex(pages);
	const pairs = pairVolumes(before.volumes, after.volumes);
	const ownership = new PageOwnership(
		index,
		[...before.volumes, ...after.volumes].flatMap(({ scan, offset, length, blockSize }) =>
			scan === undefined ? [] : [offset, length, blockSize],
		),
	);
	const findings = pairs.map((pair) => findChanges(pair, ownership));
	const attribution = ownership.settle(pages);
	const files: VolumeChanges[] = [];
	for (const finding of findings) {
		const changes = describeChanges(finding, ownership);
		if (changes.length > 0) files.push({ volume: finding.id, files: changes });
	}
	return {
		files,
		attribution,
		volumes: after.volumes.map(summarise),
		problems: ownership.exhausted
			? ["blocks with too many owners: not every file that shares changed blocks is named"]
			: [],
	};
}

/** One volume, before and after; one side may be missing. */
interface VolumePair {
	readonly before: VolumeTree | undefined;
	readonly after: VolumeTree | undefined;
}

/** Volumes are the same where they begin at the same byte: partitions may be renumbered. */
function pairVolumes(before: readonly VolumeTree[], after: readonly VolumeTree[]): VolumePair[] {
	const left = new Set(before);
	const pairs: VolumePair[] = [];
	for (const volume of after) {
		const old = [...left].find(({ offset }) => offset === volume.offset);
		if (old !== undefined) left.delete(old);
		pairs.push({ before: old, after: volume });
	}
	for (const volume of left) pairs.push({ before: volume, after: undefined });
	return pairs.map(comparable);
}

/** Fills in the side that could not be read with the other. Where the kind changed, there is nothing to fill in. */
function comparable({ before, after }: VolumePair): VolumePair {
	if (before?.kind !== after?.kind) return { before, after };
	if (before?.scan === undefined) return { before: after, after };
	if (after?.scan === undefined) return { before, after: before };
	return { before, after };
}

function findChanges({ before, after }: VolumePair, ownership: PageOwnership): VolumeFindings {
	const old = before?.scan ?? NO_SCAN;
	const now = after?.scan ?? NO_SCAN;
	const oldBase = before?.offset ?? 0;
	const oldEnd = oldBase + (before?.length ?? 0);
	const nowBase = after?.offset ?? 0;
	const nowEnd = nowBase + (after?.length ?? 0);
	if (before?.scan !== undefined) {
		ownership.claimVolume("before", oldBase, before.length);
		ownership.claimMetadata("before", old.metadata, oldBase, oldEnd);
		ownership.claimJournal("before", old.journal, oldBase, oldEnd);
	}
	if (after?.scan !== undefined) {
		ownership.claimVolume("after", nowBase, after.length);
		ownership.claimMetadata("after", now.metadata, nowBase, nowEnd);
		ownership.claimJournal("after", now.journal, nowBase, nowEnd);
	}
	const madeAnew = before !== undefined && after !== undefined && before.uuid !== after.uuid;
	const candidates = new Map<number, Candidate>();
	pairNodes(old.nodes, now.nodes, (oldNode, node) => {
		let ownerBefore = 0;
		let ownerAfter = 0;
		if (oldNode !== undefined) {
			ownership.claimMetadata("before", oldNode.meta, oldBase, oldEnd);
			ownerBefore = ownership.claimInode("before", oldNode.data, oldBase, oldEnd, oldNode.type === "dir");
		}
		if (node !== undefined) {
			ownership.claimMetadata("after", node.meta, nowBase, nowEnd);
			ownerAfter = ownership.claimInode("after", node.data, nowBase, nowEnd, node.type === "dir");
		}
		if (oldNode !== undefined && node !== undefined) {
			if (ownerBefore === 0 && ownerAfter === 0 && !madeAnew && isSameNode(oldNode, node)) return;
			candidates.set(node.inode, { before: oldNode, after: node, ownerBefore, ownerAfter });
		} else if (oldNode !== undefined) {
			candidates.set(oldNode.inode, { before: oldNode, after: undefined, ownerBefore, ownerAfter });
		} else if (node !== undefined) {
			candidates.set(node.inode, { before: undefined, after: node, ownerBefore, ownerAfter });
		}
	});

	const replacedDirectories = new Set<number>();
	for (const [inode, pair] of candidates) {
		if (pair.before?.type !== "dir" || pair.after === undefined || inode === now.root) continue;
		if (madeAnew || !isSameFile(pair.before, pair.after, false)) replacedDirectories.add(inode);
	}
	const links = diffLinks(old.links, now.links, replacedDirectories);
	for (const changed of [links.removed, links.added]) {
		for (const inode of changed.keys()) {
			const oldNode = old.nodes.get(inode);
			const node = now.nodes.get(inode);
			if (candidates.has(inode) || (oldNode === undefined && node === undefined)) continue;
			candidates.set(inode, { before: oldNode, after: node, ownerBefore: 0, ownerAfter: 0 });
		}
	}
	for (const [inode, pair] of candidates) {
		if (pair.before === undefined || pair.after === undefined || madeAnew) continue;
		if (links.directories.has(inode) || !isSameContent(pair.before, pair.after)) continue;
		ownership.markQuiet(pair.ownerBefore);
		ownership.markQuiet(pair.ownerAfter);
	}
	const directories = {
		has: (inode: number) =>
			!replacedDirectories.has(inode) && old.nodes.get(inode)?.type === "dir" && now.nodes.get(inode)?.type === "dir",
	};
	return { id: (after ?? before)?.id ?? "", before, after, old, now, madeAnew, directories, candidates, links };
}

function summarise(volume: VolumeTree): VolumeSummary {
	const { id, offset, length, kind, label, files, usedBytes, freeBytes } = volume;
	return { id, offset, length, kind, label, files, usedBytes, freeBytes };
}
