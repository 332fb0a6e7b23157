/**
 * A scan brought up to date from changed blocks: what stands in changed records is read again, and where that changes
 * whose names hold, the files that it named. Names stand with the files, so no directory is read.
 *
 * A file is known by its base record. A link *holds* where its parent is a directory in use with the sequence number
 * that the link wants. A file that was not read again has no other links than those that hold.
 */
import type { FileNode, FilesystemScan, Link, Ranges, ScanBasis } from "../filesystem.ts";
import { isSameFileNode, isSameRanges } from "../parser/nodes.ts";
import { ChangedRanges } from "../rescan/changed-ranges.ts";
import { baseOf, changesSinceBase, type Directory, directoriesOf, layerScan } from "../rescan/layered-scan.ts";
import { basisOf, earlierExtent } from "./basis.ts";
import {
	eachLink,
	FIRST_USER,
	isNameless,
	namelessLink,
	ORPHANS,
	orphansLink,
	orphansNode,
	ROOT_RECORD,
} from "./links.ts";
import type { LoadedFile } from "./mft.ts";
import { makeNode, makeStreamNodes, type Ntfs, namedStreams } from "./node.ts";
import { reportOrphans } from "./scan.ts";
import { UNKNOWN_OWNER } from "./security.ts";
import { recordOf } from "./stream-ids.ts";
import { EXTEND_RECORD, FIRST_UNRESERVED, hiddenRanges, isSystemLink } from "./system-files.ts";

/** Files that are read together. */
const BATCH = 256;
/** With more than this part of all files in doubt, and more than a few, reading all in order is faster. */
const MAX_SHARE = 1 / 4;
const FEW = 4096;
/** Beyond, what is noted of them takes more memory than it is worth. */
const MANY = 2 ** 20;
/** Bits in front of a set of records that is asked for every link. */
const FILTER_SIZE = 2 ** 16;

const NO_LINKS: readonly Link[] = [];

/** @returns undefined where only a full scan can tell. */
export async function rescan(
	ntfs: Ntfs,
	before: FilesystemScan,
	changed: Ranges,
	signal?: AbortSignal,
): Promise<FilesystemScan | undefined> {
	const { basis } = before;
	const earlier = basis === undefined ? undefined : earlierExtent(ntfs, basis);
	if (basis === undefined || earlier === undefined) return undefined;
	const { mft, security } = ntfs;
	mft.faulty.clear();
	const all = new ChangedRanges(changed);
	const most = Math.min(MANY, Math.max(FEW, before.nodes.size * MAX_SHARE));
	const records = changedRecords(ntfs, earlier.records, all, most);
	if (records.length > most) return undefined;
	const stale = new Set(staleFiles(ntfs, before, basis, all));
	if (security.descriptors > earlier.descriptors) for (const record of ownerless(before)) stale.add(record);
	for (const record of records) if (before.nodes.has(record)) stale.add(record);
	await mft.readInUse(
		records,
		({ record, header }) => {
			if (!header.isExtension) stale.add(record);
			else if (header.base < mft.records) stale.add(header.base);
		},
		signal,
	);
	const update = new Update(ntfs, before);
	if (!(await update.load(stale, most, signal)) || !update.settle()) return undefined;
	const next = basisOf(ntfs, update.lost);
	if (next === undefined) return undefined;
	reportOrphans(ntfs, update.directory(ORPHANS)?.links.length ?? 0);
	const { metadata, journal } = hiddenRanges(ntfs, update.system(), (inode) => update.node(inode));
	return layerScan(before, update, {
		metadata: isSameRanges(metadata, before.metadata) ? before.metadata : metadata,
		journal: isSameRanges(journal, before.journal) ? before.journal : journal,
		basis: next,
	});
}

/** Records whose place changed, and those that were not there before; ascending. Of more than `most`, some. */
function changedRecords({ mft, volume }: Ntfs, earlier: number, changed: ChangedRanges, most: number): number[] {
	const { clusterSize, recordSize } = volume.boot;
	const unit = Math.min(clusterSize, recordSize);
	const found = new Set<number>();
	const places = mft.ranges(0, earlier);
	for (let at = 0, start = 0; at < places.length; at += 2) {
		const length = places[at + 1]!;
		for (const i of changed.units(places[at]!, unit, length / unit)) {
			if (found.size > most) break;
			found.add(Math.floor((start + i * unit) / recordSize));
		}
		start += length;
	}
	for (let record = earlier; record < mft.records && found.size <= most; record++) found.add(record);
	return [...found].sort((a, b) => a - b);
}

/** Nodes of plain scans that say more than their own record does: few among all. */
const widespreadOfPlain = new WeakMap<FilesystemScan, readonly FileNode[]>();

/** The files that have to be read whatever records changed, and those that changed elsewhere than in their own record. */
function* staleFiles(ntfs: Ntfs, before: FilesystemScan, basis: ScanBasis, changed: ChangedRanges): Generator<number> {
	for (let record = 0; record < FIRST_USER; record++) yield record;
	for (const { inode } of basis.dangling) yield recordOf(inode);
	const base = baseOf(before);
	let known = widespreadOfPlain.get(base);
	if (known === undefined) {
		known = [...base.nodes.values()].filter((node) => node.meta.length > 0 || isElsewhere(ntfs, node));
		widespreadOfPlain.set(base, known);
	}
	const { nodes } = changesSinceBase(before);
	const isStale = (node: FileNode) =>
		changed.touches(node.meta) || (isElsewhere(ntfs, node) && changed.touches(node.data));
	for (const node of known) if (!nodes.has(node.inode) && isStale(node)) yield recordOf(node.inode);
	for (const node of nodes.values()) if (node !== undefined && isStale(node)) yield recordOf(node.inode);
}

/** Whether the content may be resident in another record than the base record. */
function isElsewhere({ mft, volume }: Ntfs, { inode, data }: FileNode): boolean {
	let length = 0;
	for (let at = 1; at < data.length && length <= volume.boot.recordSize; at += 2) length += data[at]!;
	return length === volume.boot.recordSize && !isSameRanges(data, mft.recordRanges(recordOf(inode)));
}

/** Files whose owner could not be told. */
function* ownerless({ nodes }: FilesystemScan): Generator<number> {
	for (const { inode, uid, gid } of nodes.values()) {
		if (inode !== ORPHANS && (uid === UNKNOWN_OWNER || gid === UNKNOWN_OWNER)) yield recordOf(inode);
	}
}

/** What was read again of a file. */
interface File {
	readonly node: FileNode;
	readonly streams: readonly FileNode[];
	readonly links: readonly Link[];
	/** The sequence number that the parent of each link must have. */
	readonly sequences: readonly number[];
	readonly isNameless: boolean;
}

class Update {
	readonly nodes = new Map<number, FileNode | undefined>();
	readonly directories = new Map<number, Directory | undefined>();
	/** Names that do not hold, and those of files without any. */
	readonly lost: Link[] = [];
	readonly #ntfs: Ntfs;
	readonly #before: FilesystemScan;
	readonly #old: ReadonlyMap<number, Directory>;
	/** By base record; undefined where there is no file now. */
	readonly #files = new Map<number, File | undefined>();
	/** By base record: the names under which a file that was read again stands in the tree now. */
	readonly #links = new Map<number, readonly Link[]>();

	constructor(ntfs: Ntfs, before: FilesystemScan) {
		this.#ntfs = ntfs;
		this.#before = before;
		this.#old = directoriesOf(before);
	}

	/** After `settle`. */
	node(inode: number): FileNode | undefined {
		return this.nodes.has(inode) ? this.nodes.get(inode) : this.#before.nodes.get(inode);
	}

	/** After `settle`. */
	directory(inode: number): Directory | undefined {
		return this.directories.has(inode) ? this.directories.get(inode) : this.#old.get(inode);
	}

	/** False where it came to more than `most` files. */
	async load(stale: ReadonlySet<number>, most: number, signal?: AbortSignal): Promise<boolean> {
		const { mft } = this.#ntfs;
		let wanted = [...stale];
		while (wanted.length > 0) {
			if (this.#files.size + wanted.length > most) return false;
			for (const record of wanted) this.#files.set(record, undefined);
			const present = wanted.filter((record) => record < mft.records).sort((a, b) => a - b);
			for (let from = 0; from < present.length; from += BATCH) {
				for await (const loaded of mft.files(present.slice(from, from + BATCH), signal)) this.#take(loaded);
			}
			const next = new Set<number>();
			for (const record of wanted)
				for (const other of this.#leadsTo(record)) if (!this.#files.has(other)) next.add(other);
			wanted = [...next];
		}
		return true;
	}

	#take({ file, raw }: LoadedFile): void {
		for (const fault of file.faults) this.#ntfs.mft.problem(file.record, fault);
		const node = makeNode(this.#ntfs, file, (record) => raw.get(record)!.bytes);
		const named = namedStreams(file);
		const streams = makeStreamNodes(this.#ntfs, file, node, named);
		const links: Link[] = [];
		const sequences: number[] = [];
		eachLink(file, node, named, streams, (link, sequence) => {
			links.push(link);
			sequences.push(sequence);
		});
		this.#files.set(file.record, { node, streams, links, sequences, isNameless: isNameless(file) });
	}

	/** Files of which something else is known now that this one was read. */
	*#leadsTo(record: number): Generator<number> {
		const file = this.#files.get(record);
		const old = this.#before.nodes.get(record);
		if (old?.type === "dir" && (file?.node.type !== "dir" || file.node.generation !== old.generation)) {
			for (const { inode } of this.#old.get(record)?.links ?? NO_LINKS) yield recordOf(inode);
		}
		const { records } = this.#ntfs.mft;
		for (const { parent } of file?.links ?? NO_LINKS) {
			if (parent < records && !this.#before.nodes.has(parent)) yield parent;
		}
	}

	/** What is in use as a base record now, whether or not it belongs to the tree. */
	#inUse(record: number): FileNode | undefined {
		if (record >= this.#ntfs.mft.records) return undefined;
		return this.#files.has(record) ? this.#files.get(record)?.node : this.#before.nodes.get(record);
	}

	/** False where it cannot be settled what belongs to the tree. */
	settle(): boolean {
		const root = this.#inUse(ROOT_RECORD);
		if (root?.type !== "dir") return false;
		const old = this.#linksBefore();
		const moved: number[] = [];
		const gained = new Map<number, Link[]>();
		const touched = new Set<number>();
		const renamed = new Set<number>();
		for (const [record, file] of this.#files) {
			const links = file === undefined ? NO_LINKS : this.#settleLinks(record, file);
			this.#links.set(record, links);
			const before = old.get(record) ?? NO_LINKS;
			this.#settleNodes(record, file, before, links);
			if (!this.#settleDirectory(record, file, links, moved)) return false;
			if (isSameLinks(before, links)) continue;
			renamed.add(record);
			for (const { parent } of before) touched.add(parent);
			for (const link of links) {
				touched.add(link.parent);
				const known = gained.get(link.parent);
				if (known === undefined) gained.set(link.parent, [link]);
				else known.push(link);
			}
		}
		if (this.#settleOrphans(root)) {
			renamed.add(ORPHANS);
			touched.add(ROOT_RECORD);
			if (this.node(ORPHANS) !== undefined)
				gained.set(ROOT_RECORD, [...(gained.get(ROOT_RECORD) ?? []), orphansLink()]);
		}
		for (const inode of touched) {
			const directory = this.directory(inode);
			const links = replaceLinks(this.#old.get(inode)?.links ?? NO_LINKS, renamed, gained.get(inode) ?? []);
			if (directory !== undefined) this.directories.set(inode, { parent: directory.parent, links });
			// A directory that is itself nowhere.
			else if (links.length > 0) return false;
		}
		return this.#leadToRoot(moved);
	}

	/** The links of files that were read again, as they were; by base record. */
	#linksBefore(): Map<number, Link[]> {
		const filter = new Uint8Array(FILTER_SIZE);
		for (const record of this.#files.keys()) filter[record % FILTER_SIZE] = 1;
		const found = new Map<number, Link[]>();
		for (const { links } of this.#old.values()) {
			for (const link of links) {
				const record = recordOf(link.inode);
				if (filter[record % FILTER_SIZE] === 0 || !this.#files.has(record)) continue;
				const known = found.get(record);
				if (known === undefined) found.set(record, [link]);
				else known.push(link);
			}
		}
		return found;
	}

	/** The names that hold; what has none of those has its first one among the orphans. */
	#settleLinks(record: number, { links, sequences, isNameless: nameless }: File): Link[] {
		const held: Link[] = [];
		const lost: Link[] = [];
		if (nameless) lost.push(namelessLink(record));
		for (const [i, link] of links.entries()) {
			const parent = this.#inUse(link.parent);
			if (parent?.type === "dir" && parent.generation === sequences[i]) held.push(link);
			else lost.push(link);
		}
		if (lost.length === 0) return held;
		for (const link of lost) this.lost.push(link);
		const named = new Set(held.map(({ inode }) => inode));
		for (const { inode, name } of lost) {
			if (named.has(inode)) continue;
			named.add(inode);
			held.push({ parent: ORPHANS, name, inode });
		}
		return held;
	}

	#settleNodes(record: number, file: File | undefined, before: readonly Link[], links: readonly Link[]): void {
		const gone = new Set(before.map(({ inode }) => inode));
		if (this.#before.nodes.has(record)) gone.add(record);
		const named = new Set(links.map(({ inode }) => inode));
		if (record === ROOT_RECORD) named.add(record);
		for (const node of file === undefined ? [] : [file.node, ...file.streams]) {
			if (!named.has(node.inode)) continue;
			gone.delete(node.inode);
			const known = this.#before.nodes.get(node.inode);
			if (known === undefined || !isSameFileNode(known, node)) this.nodes.set(node.inode, node);
		}
		for (const inode of gone) this.nodes.set(inode, undefined);
	}

	/** False for a directory with two names, or with none any more. */
	#settleDirectory(record: number, file: File | undefined, links: readonly Link[], moved: number[]): boolean {
		const known = this.#old.get(record);
		let parent: number | undefined;
		if (file?.node.type === "dir") {
			const names = links.filter(({ inode }) => inode === record);
			if (names.length > 1) return false;
			parent = record === ROOT_RECORD ? ROOT_RECORD : names[0]?.parent;
			// What it names is nowhere now, though the names hold.
			if (parent === undefined && known !== undefined) return false;
		}
		if (known?.parent === parent) return true;
		this.directories.set(record, parent === undefined ? undefined : { parent, links: known?.links ?? NO_LINKS });
		if (parent !== undefined) moved.push(record);
		return true;
	}

	/** Whether their directory came or went. */
	#settleOrphans(root: FileNode): boolean {
		const known = this.#before.nodes.get(ORPHANS);
		// All orphans are read again, so that all are here.
		let some = false;
		for (const links of this.#links.values()) some ||= links.some(({ parent }) => parent === ORPHANS);
		if (some) {
			const node = orphansNode(root);
			if (known === undefined || !isSameFileNode(known, node)) this.nodes.set(ORPHANS, node);
		} else if (known !== undefined) this.nodes.set(ORPHANS, undefined);
		if (some === (known !== undefined)) return false;
		this.directories.set(ORPHANS, some ? { parent: ROOT_RECORD, links: NO_LINKS } : undefined);
		return true;
	}

	/** Whether directories that were moved lie in no ring. */
	#leadToRoot(moved: readonly number[]): boolean {
		const sound = new Set([ROOT_RECORD]);
		for (const inode of moved) {
			const way = new Set<number>();
			for (let at = inode; !sound.has(at); ) {
				const directory = this.directory(at);
				if (directory === undefined || way.has(at)) return false;
				way.add(at);
				at = directory.parent;
			}
			for (const at of way) sound.add(at);
		}
		return true;
	}

	/** What belongs to the filesystem itself. After `settle`. */
	system(): Set<number> {
		const system = new Set<number>();
		for (let record = 0; record < FIRST_UNRESERVED; record++) {
			for (const link of this.#links.get(record) ?? NO_LINKS) {
				if (link.parent !== ORPHANS && isSystemLink(link, system)) system.add(link.inode);
			}
		}
		// A set takes in more while it is walked.
		const open = new Set([EXTEND_RECORD, ...system]);
		for (const inode of open) {
			for (const link of this.directory(inode)?.links ?? NO_LINKS) {
				if (!isSystemLink(link, system)) continue;
				system.add(link.inode);
				open.add(link.inode);
			}
		}
		return system;
	}
}

function isSameLinks(before: readonly Link[], after: readonly Link[]): boolean {
	if (before.length !== after.length) return false;
	const keyOf = ({ parent, inode, name }: Link) => `${parent} ${inode} ${name}`;
	const keys = new Set(before.map(keyOf));
	return (
		keys.size === before.length &&
		new Set(after.map(keyOf)).size === keys.size &&
		after.every((link) => keys.has(keyOf(link)))
	);
}

/** Other names for the files that were renamed, each where an old one stood: what is stored is what differs. */
function replaceLinks(before: readonly Link[], renamed: ReadonlySet<number>, gained: readonly Link[]): Link[] {
	const left = new Map<number, Link[]>();
	for (const link of gained) {
		const record = recordOf(link.inode);
		const known = left.get(record);
		if (known === undefined) left.set(record, [link]);
		else known.push(link);
	}
	const links: Link[] = [];
	for (const link of before) {
		const record = recordOf(link.inode);
		if (!renamed.has(record)) links.push(link);
		else {
			const next = left.get(record)?.shift();
			if (next !== undefined) links.push(next);
		}
	}
	for (const rest of left.values()) links.push(...rest);
	return links;
}
