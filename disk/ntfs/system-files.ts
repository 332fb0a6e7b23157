/** What belongs to the filesystem itself. */
import type { FileNode, Link, Ranges } from "../filesystem.ts";
import { RangeSet } from "../parser/ranges.ts";
import { ROOT_RECORD } from "./links.ts";
import { MFT_RECORD } from "./mft.ts";
import type { Ntfs } from "./node.ts";
import { recordOf } from "./stream-ids.ts";

const LOG_RECORD = 2;
export const EXTEND_RECORD = 11;
/** Records below are the filesystem's own. */
export const FIRST_UNRESERVED = 16;

/**
 * The first records, and below $Extend what has a name like theirs, with streams of such names. Anything else hidden
 * there is somebody's file.
 *
 * @param system what is known to belong to it, the link's parent too.
 */
export function isSystemLink({ parent, inode, name }: Link, system: ReadonlySet<number>): boolean {
	const record = recordOf(inode);
	const owner = record < FIRST_UNRESERVED || parent === EXTEND_RECORD || system.has(parent);
	if (!owner || record === ROOT_RECORD || !name.startsWith("$")) return false;
	return inode === record || name.includes(":$");
}

export interface HiddenRanges {
	readonly metadata: Ranges;
	readonly journal: Ranges;
}

/**
 * Where the content of the filesystem's own files lies. The MFT is not among it: it also holds the content of others,
 * and its node says where it is.
 */
export function hiddenRanges(
	{ volume, mft }: Ntfs,
	system: Iterable<number>,
	node: (inode: number) => FileNode | undefined,
): HiddenRanges {
	const metadata = new RangeSet();
	for (const inode of system) {
		if (inode !== LOG_RECORD && inode !== MFT_RECORD) metadata.addAll(node(inode)?.data ?? []);
	}
	if (node(MFT_RECORD) === undefined) metadata.addAll(mft.ranges(0, mft.records));
	// Behind the volume stands the copy of its boot sector.
	const { volumeBytes, sectorSize } = volume.boot;
	const copy = Math.min(sectorSize, volume.source.size - volumeBytes);
	if (copy > 0) metadata.add(volumeBytes, copy);
	return { metadata: metadata.toRanges(), journal: node(LOG_RECORD)?.data ?? [] };
}
