/** The names that files give themselves, and their streams with them: no directory need be read for a tree. */
import type { FileNode, Link } from "../filesystem.ts";
import type { FileRecord, Stream } from "./file.ts";

export const ROOT_RECORD = 5;
/** Records below are kept for the filesystem, and most of the last of them have no name. */
export const FIRST_USER = 24;
/** The directory of what no directory names; a number that no MFT reaches. */
export const ORPHANS = 2 ** 32 - 1;
export const ORPHANS_NAME = "$OrphanFiles";
/** Every name of a file names its streams too, but not beyond any measure. */
const MAX_STREAM_LINKS = 65536;

/**
 * Calls `each` for every name, with the sequence number that its directory must have.
 *
 * @param named the streams that are entries of their own, `streams` what stands for them.
 */
export function eachLink(
	{ record, names }: FileRecord,
	{ generation }: FileNode,
	named: readonly Stream[],
	streams: readonly FileNode[],
	each: (link: Link, sequence: number) => void,
): void {
	if (record === ROOT_RECORD) {
		for (const [i, { inode }] of streams.entries()) {
			each({ parent: ROOT_RECORD, name: `:${named[i]!.name}`, inode }, generation);
		}
		return;
	}
	for (const [at, { parent, parentSequence, name }] of names.entries()) {
		each({ parent, name, inode: record }, parentSequence);
		if (at > 0 && at * streams.length > MAX_STREAM_LINKS) continue;
		for (const [i, { inode }] of streams.entries()) {
			each({ parent, name: `${name}:${named[i]!.name}`, inode }, parentSequence);
		}
	}
}

/** Whether a file has no name and should have one: records that are set aside for the filesystem have nothing in them. */
export function isNameless({ record, names, streams }: FileRecord): boolean {
	if (names.length > 0 || record === ROOT_RECORD) return false;
	return record >= FIRST_USER || streams.some(({ size }) => size > 0);
}

/** The name of a nameless file among the orphans. */
export function namelessLink(record: number): Link {
	return { parent: ORPHANS, name: `OrphanFile-${record}`, inode: record };
}

/** The name of the directory of orphans. */
export function orphansLink(): Link {
	return { parent: ROOT_RECORD, name: ORPHANS_NAME, inode: ORPHANS };
}

/** What stands for the directory of orphans. */
export function orphansNode(root: FileNode): FileNode {
	return { ...root, inode: ORPHANS, generation: 0, size: 0, nlink: 1, data: [], meta: [] };
}
