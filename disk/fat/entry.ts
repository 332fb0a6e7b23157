/** What FAT's and exFAT's directory entries have in common, once parsed. */
import type { FileNode } from "../filesystem.ts";
import type { Chain } from "./table.ts";

/** The constant number of the root directory, which has no entry. Clusters count from 2. */
export const ROOT_INODE = 1;
/** Inode numbers from here on are places of entries, those below are first clusters. */
const FIRST_PLACE = 2 ** 32;
const BYTES_PER_PLACE = 32;

export const ATTR_READ_ONLY = 0x01;
export const ATTR_HIDDEN = 0x02;
export const ATTR_SYSTEM = 0x04;
export const ATTR_VOLUME_ID = 0x08;
export const ATTR_DIRECTORY = 0x10;

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_ISVTX = 0o1000;

export interface Entry {
	/** Byte of the volume at which the entry stands: FAT's short entry, the first of exFAT's set. */
	readonly offset: number;
	readonly name: string;
	/** The 8.3 name that FAT has beside a long one; else empty. */
	readonly shortName: string;
	readonly attributes: number;
	/** 0 where nothing is allocated. */
	readonly firstCluster: number;
	/** As noted in the entry; FAT notes none for directories. */
	readonly size: number;
	/** exFAT: bytes behind this one were never written and read as zeroes. */
	readonly validSize: number;
	/** exFAT: the clusters stand side by side and the table says nothing of them. */
	readonly contiguous: boolean;
	/** exFAT: clusters of entries that belong to another vendor's additions: first cluster and bytes of each. */
	readonly vendor: readonly { readonly firstCluster: number; readonly size: number; readonly contiguous: boolean }[];
	readonly created: number;
	readonly creation: number;
	readonly mtime: number;
}

/**
 * Takes a directory piece by piece, in logical order. Sets of entries may span two pieces, even where those
 * stand far from each other on the disk.
 */
export interface DirectoryParser {
	/** @param offset of `bytes` in the volume. @returns false where the directory ended. */
	feed(bytes: Buffer, offset: number): boolean;
	/** Nothing follows. */
	end(): void;
}

export interface DirectorySink {
	entry(entry: Entry): void;
	/** An entry that cannot be a file; what follows is parsed. */
	fault(what: string, offset: number): void;
}

/**
 * The number of a file: its first cluster, which stays when it is renamed or moved. Of one that has none, and of one
 * whose creation was not noted, so that nothing would tell it from the next file there, the place of its entry.
 *
 * @param holds whether the first cluster is one of the volume, and this file's.
 */
export function inodeOf({ firstCluster, creation, offset }: Entry, holds: boolean): number {
	return holds && creation !== 0 ? firstCluster : FIRST_PLACE + offset / BYTES_PER_PLACE;
}

/** The byte of the volume at which the entry stands, for a number that says so. */
export function placeOf(inode: number): number | undefined {
	const offset = (inode - FIRST_PLACE) * BYTES_PER_PLACE;
	return offset >= 0 && Number.isSafeInteger(offset) ? offset : undefined;
}

export function isDirectory({ attributes }: Entry): boolean {
	return (attributes & ATTR_DIRECTORY) !== 0;
}

/**
 * The permissions that Linux shows by default, and every attribute as a bit that can be told from the others: read-only
 * takes the right to write, hidden the rights of group and others, system sets the sticky bit.
 */
function modeOf(attributes: number): number {
	let mode = (attributes & ATTR_DIRECTORY) !== 0 ? S_IFDIR | 0o755 : S_IFREG | 0o755;
	if ((attributes & ATTR_READ_ONLY) !== 0) mode &= ~0o222;
	if ((attributes & ATTR_HIDDEN) !== 0) mode &= ~0o077;
	if ((attributes & ATTR_SYSTEM) !== 0) mode |= S_ISVTX;
	return mode;
}

export function nodeOf(entry: Entry, chain: Chain, meta: readonly number[], size: number): FileNode {
	return {
		inode: inodeOf(entry, chain.clusters > 0),
		generation: entry.creation,
		type: isDirectory(entry) ? "dir" : "file",
		size,
		mode: modeOf(entry.attributes),
		uid: 0,
		gid: 0,
		nlink: 1,
		mtime: entry.mtime,
		ctime: entry.created === 0 ? entry.mtime : entry.created,
		data: chain.ranges,
		meta,
	};
}

export function rootNode(data: readonly number[]): FileNode {
	let size = 0;
	for (let i = 1; i < data.length; i += 2) size += data[i]!;
	return {
		inode: ROOT_INODE,
		generation: 0,
		type: "dir",
		size,
		mode: modeOf(ATTR_DIRECTORY),
		uid: 0,
		gid: 0,
		nlink: 1,
		mtime: 0,
		ctime: 0,
		data,
		meta: [],
	};
}
