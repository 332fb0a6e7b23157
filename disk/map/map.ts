/**
 * `disk/map/` is the block -> file map: from two trees of a disk (or of a machine's disks together, since logical
 * volumes lie across them) and the 4 KiB pages that differ between them it tells which files were created, modified, deleted, renamed or had their metadata changed, and what the rest
 * of the changed bytes is. It is pure: no I/O (but for `compare.ts`, which finds the pages of two images), no clock.
 *
 * A *holding* is what the changed pages say about one inode on one side. An inode is *quiet* when its own
 * record does not speak of new content. Paths are those after the change; of what was deleted, those before.
 */
import type { FileNode, FilesystemScan } from "../filesystem.ts";
import { isSameNode, isSameRanges } from "../parser/nodes.ts";
import { differenceOf, directoriesOf } from "../rescan/layered-scan.ts";
import type { Segments } from "../segments.ts";
import { type DiskTree, type MachineTree, toMachineTree, type VolumeTree } from "../tree.ts";
import type { Attribution, DiskChanges, MachineChanges, VolumeSummary } from "./changes.ts";
import { diffDirectories, diffLinks } from "./links.ts";
import { isSameContent, isSameFile, pairNodes, pairTouched } from "./nodes.ts";
import { PageOwnership } from "./ownership.ts";
import { type ChangedPages, checkPages, NO_PAGES, type SlotIndex, touches } from "./pages.ts";
import { type Candidate, describeChanges, type VolumeFindings } from "./records.ts";

export type {
	Attribution,
	ChangeKind,
	DiskChanges,
	FileChange,
	MachineChanges,
	VolumeChanges,
	VolumeSummary,
} from "./changes.ts";
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
	const machine = mapMachineChanges(toMachineTree(before), toMachineTree(after), new Map([["", pages]]));
	return {
		files: machine.files.map(({ volume, files }) => ({ volume, files })),
		attribution: machine.attribution,
		volumes: machine.volumes.map(({ disk: _, ...volume }) => volume),
		problems: machine.problems,
	};
}

/**
 * The same for all disks of a machine.
 *
 * @param pages by the name of the disk; a disk without any is left out.
 */
export function mapMachineChanges(
	before: MachineTree,
	after: MachineTree,
	pages: ReadonlyMap<string, ChangedPages>,
): MachineChanges {
	const names = [...new Set([...after.disks, ...before.disks].map(({ name }) => name))];
	const disks = names.map((name) => pages.get(name) ?? NO_PAGES);
	for (const changed of disks) checkPages(changed);
	const old = before.volumes.map((volume) => renumber(volume, before, names));
	const now = after.volumes.map((volume) => renumber(volume, after, names));
	const ownership = new PageOwnership(disks, alignments([...old, ...now]));
	const findings = pairVolumes(old, now).map((pair) => ({
		disk: names[(pair.after ?? pair.before)!.disk] ?? "",
		finding: findChanges(pair, ownership),
	}));
	const attributions = ownership.settle();
	const files: MachineChanges["files"][number][] = [];
	for (const { disk, finding } of findings) {
		const changes = describeChanges(finding, ownership);
		if (changes.length > 0) files.push({ disk, volume: finding.id, files: changes });
	}
	return {
		files,
		attribution: attributions.reduce(sum, NOTHING),
		disks: names.map((name, at) => ({ name, attribution: attributions[at]! })),
		volumes: now.map((volume) => ({ disk: names[volume.disk] ?? "", ...summarise(volume) })),
		problems: ownership.exhausted
			? ["blocks with too many owners: not every file that shares changed blocks is named"]
			: [],
	};
}

const NOTHING: Attribution = { total: 0, file: 0, directory: 0, journal: 0, metadata: 0, free: 0, unknown: 0 };

function sum(a: Attribution, b: Attribution): Attribution {
	return {
		total: a.total + b.total,
		file: a.file + b.file,
		directory: a.directory + b.directory,
		journal: a.journal + b.journal,
		metadata: a.metadata + b.metadata,
		free: a.free + b.free,
		unknown: a.unknown + b.unknown,
	};
}

/** Disks come and go, and with them their numbers: what a tree counts, as both count it. */
function renumber(volume: VolumeTree, { disks }: MachineTree, names: readonly string[]): VolumeTree {
	const numbers = disks.map(({ name }) => names.indexOf(name));
	if (numbers.every((number, at) => number === at)) return volume;
	const segments: Segments = volume.segments.map((segment) => ({
		...segment,
		stripes: segment.stripes.map(({ disk, offset }) => ({ disk: numbers[disk] ?? -1, offset })),
	}));
	return { ...volume, disk: numbers[volume.disk] ?? -1, segments };
}

/** Slots must be so fine that neither a block nor a turn of a stripe ends within one. */
function* alignments(volumes: readonly VolumeTree[]): Generator<number> {
	for (const { scan, segments, blockSize } of volumes) {
		if (scan === undefined) continue;
		yield blockSize;
		for (const { start, stripeSize, stripes } of segments) {
			yield start;
			yield stripeSize;
			for (const { offset } of stripes) yield offset;
		}
	}
}

/** One volume, before and after; one side may be missing. */
interface VolumePair {
	readonly before: VolumeTree | undefined;
	readonly after: VolumeTree | undefined;
}

/** Partitions are the same where they begin at the same byte, as they may be renumbered; logical volumes have a UUID. */
function pairVolumes(before: readonly VolumeTree[], after: readonly VolumeTree[]): VolumePair[] {
	const left = new Map<string, VolumeTree[]>();
	for (const volume of before) {
		const key = identity(volume);
		const known = left.get(key);
		if (known === undefined) left.set(key, [volume]);
		else known.push(volume);
	}
	const pairs: VolumePair[] = after.map((volume) => ({ before: left.get(identity(volume))?.shift(), after: volume }));
	for (const volumes of left.values()) for (const volume of volumes) pairs.push({ before: volume, after: undefined });
	return pairs.map(comparable);
}

function identity({ lvUuid, disk, offset }: VolumeTree): string {
	return lvUuid === "" ? `${disk}:${offset}` : lvUuid;
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
	const oldPlace = before?.scan === undefined ? undefined : ownership.place(before.segments);
	const nowPlace = after?.scan === undefined ? undefined : ownership.place(after.segments);
	if (oldPlace !== undefined) claimFixed("before", oldPlace, old, ownership);
	if (nowPlace !== undefined) claimFixed("after", nowPlace, now, ownership);
	const madeAnew = before !== undefined && after !== undefined && before.uuid !== after.uuid;
	const candidates = new Map<number, Candidate>();
	const visit = (oldNode: FileNode | undefined, node: FileNode | undefined): void => {
		if (oldNode !== undefined && node !== undefined && isSameNode(oldNode, node) && !madeAnew) {
			// Most inodes end here, so this is where the time goes: one look at a place that both sides share.
			const isShared = oldPlace === nowPlace && isSameRanges(oldNode.data, node.data);
			const isTouched =
				(nowPlace !== undefined && (touches(nowPlace, node.data) || touches(nowPlace, node.meta))) ||
				(oldPlace !== undefined && ((!isShared && touches(oldPlace, oldNode.data)) || touches(oldPlace, oldNode.meta)));
			if (!isTouched) return;
		}
		let ownerBefore = 0;
		let ownerAfter = 0;
		if (oldNode !== undefined && oldPlace !== undefined) {
			ownership.claimMetadata("before", oldPlace, oldNode.meta);
			ownerBefore = ownership.claimInode("before", oldPlace, oldNode.data, oldNode.inode, oldNode.type === "dir");
		}
		if (node !== undefined && nowPlace !== undefined) {
			ownership.claimMetadata("after", nowPlace, node.meta);
			ownerAfter = ownership.claimInode("after", nowPlace, node.data, node.inode, node.type === "dir");
		}
		if (oldNode !== undefined && node !== undefined) {
			if (ownerBefore === 0 && ownerAfter === 0 && !madeAnew && isSameNode(oldNode, node)) return;
			candidates.set(node.inode, { before: oldNode, after: node, ownerBefore, ownerAfter });
		} else if (oldNode !== undefined) {
			candidates.set(oldNode.inode, { before: oldNode, after: undefined, ownerBefore, ownerAfter });
		} else if (node !== undefined) {
			candidates.set(node.inode, { before: undefined, after: node, ownerBefore, ownerAfter });
		}
	};
	const difference = madeAnew || oldPlace === undefined || oldPlace !== nowPlace ? undefined : differenceOf(old, now);
	if (difference === undefined || nowPlace === undefined) pairNodes(old.nodes, now.nodes, visit);
	else pairTouched(old, now, nowPlace, visit);

	const replacedDirectories = new Set<number>();
	for (const [inode, pair] of candidates) {
		if (pair.before?.type !== "dir" || pair.after === undefined || inode === now.root) continue;
		if (madeAnew || !isSameFile(pair.before, pair.after, false)) replacedDirectories.add(inode);
	}
	const links =
		difference === undefined
			? diffLinks(old.links, now.links, replacedDirectories)
			: diffDirectories(directoriesOf(old), directoriesOf(now), difference.directories, replacedDirectories);
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

function claimFixed(side: "before" | "after", place: SlotIndex, scan: FilesystemScan, ownership: PageOwnership): void {
	ownership.claimVolume(side, place);
	ownership.claimMetadata(side, place, scan.metadata);
	ownership.claimJournal(side, place, scan.journal);
}

function summarise(volume: VolumeTree): VolumeSummary {
	const { id, offset, length, kind, label, files, usedBytes, freeBytes } = volume;
	return { id, offset, length, kind, label, files, usedBytes, freeBytes };
}
