/**
 * `disk/` turns the bytes of a disk into meaning: partition tables, volumes, filesystems, and the map
 * from changed pages to files. It knows nothing of agents, collectors or networks, and does no I/O
 * except in `source/`. A guest's disk is hostile input: every length is bounded before it is used,
 * every walk has a depth and a visited set, and nothing but UmbraError leaves a parser.
 *
 * This file is the one door to any filesystem, whatever its format.
 */
import type { UmbraError } from "../common/errors.ts";
import type { ListName } from "./listing.ts";
import type { Owners } from "./owners.ts";

export type FileType = "file" | "dir" | "symlink" | "char" | "block" | "fifo" | "socket";

/**
 * `[offset, length, offset, length, ...]` in bytes, in logical order, holes left out. Offsets count
 * from the start of the volume.
 */
export type Ranges = readonly number[];

/** One inode. */
export interface FileNode {
	readonly inode: number;
	/** Tells a reused inode number from the file that had it before, where the format has such a thing; else 0. */
	readonly generation: number;
	readonly type: FileType;
	/** Bytes. */
	readonly size: number;
	/** As `st_mode`: type and permission bits. */
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly nlink: number;
	/** Seconds since 1970, with a fraction where the format has one. */
	readonly mtime: number;
	readonly ctime: number;
	/** Where the content lies. Empty for inline data, short symlinks and empty files. */
	readonly data: Ranges;
	/** Blocks that only say where the content lies: indirect blocks, extent tree nodes, attribute blocks, extension records. */
	readonly meta: Ranges;
}

export interface DirectoryEntry {
	/**
	 * Bytes that are not UTF-8 stand as `\xNN`, and so does the backslash of what would look like one of these: names that
	 * differ are never the same text.
	 */
	readonly name: string;
	readonly inode: number;
}

export interface DeviceNumber {
	readonly major: number;
	readonly minor: number;
}

/** One name of an inode, in its directory. */
export interface Link {
	readonly parent: number;
	readonly name: string;
	readonly inode: number;
}

/** A whole filesystem at one instant. */
export interface FilesystemScan {
	readonly root: number;
	/** Every inode that a directory names, and the root. */
	readonly nodes: ReadonlyMap<number, FileNode>;
	/** Every name but `.` and `..`; parents come before their children. */
	readonly links: readonly Link[];
	/** Fixed structures: superblocks, descriptors, bitmaps, inode tables; the MFT is `meta` of its own node instead. */
	readonly metadata: Ranges;
	readonly journal: Ranges;
	/** Absent where only another `scan` can tell what changed since. */
	readonly basis?: ScanBasis;
}

/** What `Filesystem.rescan` must know of a scan beyond its result. */
export interface ScanBasis {
	/** A digest of all that says where inodes lie: where it is another now, nothing of the scan can be relied upon. */
	readonly layout: string;
	/** What was not read from its own place, but from the journal. */
	readonly replayed: Ranges;
	/**
	 * Names of inodes that were not in use. On NTFS, where files say what they are called, names in directories that were
	 * not, and without a name what was damaged. On FAT, directories in which anything was wrong, without a name.
	 */
	readonly dangling: readonly Link[];
}

export interface Filesystem {
	/** "ext2", "ext3", "ext4", ... */
	readonly kind: string;
	readonly label: string;
	readonly uuid: string;
	/** Bytes. */
	readonly blockSize: number;
	readonly usedBytes: number;
	readonly freeBytes: number;
	readonly root: number;
	/** What was wrong but did not stop the reading (a damaged directory, an unreadable inode), oldest first, bounded. */
	readonly problems: readonly UmbraError[];
	/** Reads every directory and inode in use. One damaged file is a problem, not an end. */
	scan(signal?: AbortSignal): Promise<FilesystemScan>;
	/**
	 * The same result as that of `scan`, from the scan before, of which only what lies in changed blocks is read again;
	 * nodes, directories and ranges that did not change are the same objects. Where that is not possible, it is a scan.
	 *
	 * @param changed at least all bytes of the volume that changed since.
	 */
	rescan?(before: FilesystemScan, changed: Ranges, signal?: AbortSignal): Promise<FilesystemScan>;
	/**
	 * Every name below the directory `top`, those of a directory in one go and parents before children. Other than with
	 * `scan`, nothing is told of where contents lie, and it takes far less time and memory.
	 */
	list?(top: number, each: ListName, signal?: AbortSignal): Promise<void>;
	/** @throws UmbraError `not-found`. Symlinks are not followed. */
	lookup(path: string, signal?: AbortSignal): Promise<FileNode>;
	/** @throws UmbraError `not-found` for an inode that is not in use. */
	node(inode: number, signal?: AbortSignal): Promise<FileNode>;
	/** Without `.` and `..`, in the order on disk. */
	readDirectory(node: FileNode, signal?: AbortSignal): Promise<DirectoryEntry[]>;
	/** Content; holes and unwritten extents read as zeroes; shorter than `length` only at the end of the file. */
	readFile(node: FileNode, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
	readLink(node: FileNode, signal?: AbortSignal): Promise<string>;
	/**
	 * Bytes of the content that are written, `[offset, length, ...]` in the file, in order and within its size: all others
	 * are zeroes. Where it is missing, nothing is known of holes.
	 */
	written?(node: FileNode, signal?: AbortSignal): Promise<Ranges>;
	/** What a character or block device stands for, where the format has such files. */
	device?(node: FileNode, signal?: AbortSignal): Promise<DeviceNumber>;
	/** Names for `uid` and `gid`, where the format itself has them; without it, they stand in files such as /etc/passwd. */
	owners?(signal?: AbortSignal): Promise<Owners>;
}
