/**
 * A scan as another one and what changed since: of a million files, a few. The other one, the *base*, is shared by
 * all that were made from it, so that two of them differ in no more than their changes.
 */
import type { FileNode, FilesystemScan, Link, Ranges, ScanBasis } from "../filesystem.ts";
import { isSameFileNode, isSameRanges } from "../parser/nodes.ts";
import { LayeredMap } from "./layered-map.ts";

export interface Directory {
	/** The directory that names it; its own number for the root. */
	readonly parent: number;
	readonly links: readonly Link[];
}

/** By inode; undefined for what is gone. */
export interface TreeChanges {
	readonly nodes: ReadonlyMap<number, FileNode | undefined>;
	readonly directories: ReadonlyMap<number, Directory | undefined>;
}

/** What is told anew of each scan. */
export interface FixedParts {
	readonly metadata: Ranges;
	readonly journal: Ranges;
	readonly basis: ScanBasis | undefined;
}

/** Layers are made one with their base when they are more than this part of it, and more than a few. */
const MAX_LAYER_SHARE = 1 / 8;
const SMALL_LAYER = 4096;

/** Directories of plain scans: made when first asked for, and gone with the scan. */
const directoriesOfPlain = new WeakMap<FilesystemScan, ReadonlyMap<number, Directory>>();

class LayeredScan implements FilesystemScan {
	readonly root: number;
	readonly nodes: LayeredMap<FileNode>;
	readonly directories: LayeredMap<Directory>;
	readonly metadata: Ranges;
	readonly journal: Ranges;
	readonly basis?: ScanBasis;
	readonly base: FilesystemScan;
	#links: readonly Link[] | undefined;

	constructor(base: FilesystemScan, changes: TreeChanges, { metadata, journal, basis }: FixedParts) {
		this.root = base.root;
		this.base = base;
		this.nodes = new LayeredMap(base.nodes, changes.nodes);
		this.directories = new LayeredMap(directoriesOf(base), changes.directories);
		this.metadata = metadata;
		this.journal = journal;
		if (basis !== undefined) this.basis = basis;
	}

	get links(): readonly Link[] {
		this.#links ??= listLinks(this.root, this.directories);
		return this.#links;
	}
}

/** Every name, parents before their children. */
function listLinks(root: number, directories: ReadonlyMap<number, Directory>): Link[] {
	const links: Link[] = [];
	const first = directories.get(root);
	const seen = new Set(first === undefined ? [] : [first]);
	// A set takes in more while it is walked.
	for (const directory of seen) {
		for (const link of directory.links) {
			links.push(link);
			const child = directories.get(link.inode);
			if (child !== undefined) seen.add(child);
		}
	}
	return links;
}

/** Of every directory of a scan, empty ones too, its parent and its names. */
export function directoriesOf(scan: FilesystemScan): ReadonlyMap<number, Directory> {
	if (scan instanceof LayeredScan) return scan.directories;
	const known = directoriesOfPlain.get(scan);
	if (known !== undefined) return known;
	const found = new Map<number, { parent: number; links: Link[] }>();
	for (const { type, inode } of scan.nodes.values()) if (type === "dir") found.set(inode, { parent: inode, links: [] });
	let last: { parent: number; links: Link[] } | undefined;
	let lastParent = -1;
	for (const link of scan.links) {
		if (link.parent !== lastParent) {
			lastParent = link.parent;
			last = found.get(lastParent);
		}
		last?.links.push(link);
		const child = found.get(link.inode);
		if (child !== undefined) child.parent = link.parent;
	}
	directoriesOfPlain.set(scan, found);
	return found;
}

/** What the scan was made from; itself, where it is no layer. */
export function baseOf(scan: FilesystemScan): FilesystemScan {
	return scan instanceof LayeredScan ? scan.base : scan;
}

/** What changed since the base. */
export function changesSinceBase(scan: FilesystemScan): TreeChanges {
	if (!(scan instanceof LayeredScan)) return NO_CHANGES;
	return { nodes: scan.nodes.changed, directories: scan.directories.changed };
}

const NO_CHANGES: TreeChanges = { nodes: new Map(), directories: new Map() };

function layerLimit({ nodes }: FilesystemScan): number {
	return Math.max(SMALL_LAYER, nodes.size * MAX_LAYER_SHARE);
}

/** A scan with changes. The scan before stays as it is. */
export function layerScan(before: FilesystemScan, changes: TreeChanges, fixed: FixedParts): FilesystemScan {
	const base = baseOf(before);
	const known = changesSinceBase(before);
	const layered = new LayeredScan(
		base,
		{
			nodes: stack(base.nodes, known.nodes, changes.nodes),
			directories: stack(directoriesOf(base), known.directories, changes.directories),
		},
		fixed,
	);
	return layered.nodes.changed.size + layered.directories.changed.size > layerLimit(base) ? flatten(layered) : layered;
}

/**
 * A scan that was made from nothing, told as what changed since another one of the same filesystem: what did not change
 * is not kept twice.
 */
export function layerOver(before: FilesystemScan, scan: FilesystemScan): FilesystemScan {
	if (before.root !== scan.root || baseOf(before) === baseOf(scan)) return scan;
	const nodes = new Map<number, FileNode | undefined>();
	for (const [inode, node] of scan.nodes) {
		const old = before.nodes.get(inode);
		if (old === undefined || !isSameFileNode(old, node)) nodes.set(inode, node);
	}
	for (const inode of before.nodes.keys()) if (!scan.nodes.has(inode)) nodes.set(inode, undefined);
	const old = directoriesOf(before);
	const now = directoriesOf(scan);
	const directories = new Map<number, Directory | undefined>();
	for (const [inode, directory] of now) {
		const known = old.get(inode);
		if (known?.parent !== directory.parent || !isSameLinks(known.links, directory.links)) {
			directories.set(inode, directory);
		}
	}
	for (const inode of old.keys()) if (!now.has(inode)) directories.set(inode, undefined);
	// The directories of this scan are kept only here: what differs much is better off as it is.
	if (nodes.size + directories.size > layerLimit(before)) return scan;
	return layerScan(
		before,
		{ nodes, directories },
		{
			metadata: isSameRanges(before.metadata, scan.metadata) ? before.metadata : scan.metadata,
			journal: isSameRanges(before.journal, scan.journal) ? before.journal : scan.journal,
			basis: scan.basis,
		},
	);
}

/** The same names of the same inodes in the same order. */
export function isSameLinks(a: readonly Link[], b: readonly Link[]): boolean {
	if (a.length !== b.length) return false;
	for (let at = 0; at < a.length; at++) {
		if (a[at]!.inode !== b[at]!.inode || a[at]!.name !== b[at]!.name) return false;
	}
	return true;
}

/** A new value that is the base's own again needs no layer. */
function stack<V extends object>(
	base: ReadonlyMap<number, V>,
	lower: ReadonlyMap<number, V | undefined>,
	upper: ReadonlyMap<number, V | undefined>,
): ReadonlyMap<number, V | undefined> {
	if (upper.size === 0) return lower;
	const stacked = new Map(lower);
	for (const [key, value] of upper) {
		if (base.get(key) === value) stacked.delete(key);
		else stacked.set(key, value);
	}
	return stacked;
}

/** The same scan as a base of its own. */
function flatten(scan: LayeredScan): FilesystemScan {
	const { root, nodes, links, metadata, journal, basis } = scan;
	return { root, nodes: new Map(nodes), links, metadata, journal, ...(basis === undefined ? {} : { basis }) };
}

/** What differs between two scans that were made from the same base. */
export interface ScanDifference {
	/** Inodes of which either has another node than the other. */
	readonly nodes: readonly number[];
	/** Directories of which either has other names than the other, or another parent. */
	readonly directories: readonly number[];
}

/** Undefined where they have no common base: then anything may differ. */
export function differenceOf(before: FilesystemScan, after: FilesystemScan): ScanDifference | undefined {
	if (baseOf(before) !== baseOf(after)) return undefined;
	const old = changesSinceBase(before);
	const now = changesSinceBase(after);
	return {
		nodes: differingKeys(before.nodes, after.nodes, old.nodes, now.nodes),
		directories: differingKeys(directoriesOf(before), directoriesOf(after), old.directories, now.directories),
	};
}

function differingKeys<V>(
	before: ReadonlyMap<number, V>,
	after: ReadonlyMap<number, V>,
	old: ReadonlyMap<number, V | undefined>,
	now: ReadonlyMap<number, V | undefined>,
): number[] {
	if (old === now) return [];
	const keys: number[] = [];
	for (const key of now.keys()) if (before.get(key) !== after.get(key)) keys.push(key);
	for (const key of old.keys()) if (!now.has(key) && before.get(key) !== after.get(key)) keys.push(key);
	return keys;
}
