/** What tells whether a scan can still be relied upon. */
import { blake3Name } from "../../common/block.ts";
import type { Link, ScanBasis } from "../filesystem.ts";
import { MAX_DANGLING } from "../rescan/rescan.ts";
import type { Ntfs } from "./node.ts";

/** How much of what grows there was: records of the MFT, and descriptors in $Secure. */
interface Extent {
	readonly records: number;
	readonly descriptors: number;
}

/**
 * @param lost names in directories that are not in use, and those of files without any.
 * @returns undefined where there is too much disorder to tell file by file.
 */
export function basisOf(ntfs: Ntfs, lost: readonly Link[]): ScanBasis | undefined {
	const { mft, security } = ntfs;
	if (lost.length + mft.faulty.size > MAX_DANGLING || security.metMore) return undefined;
	// What is wrong with a file may lie in records that are not its own: it is read again each time.
	const faulty = Array.from(mft.faulty, (record) => ({ parent: record, name: "", inode: record }));
	return { layout: layoutOf(ntfs, extentOf(ntfs)), replayed: [], dangling: [...lost, ...faulty] };
}

/** How much there was; undefined where it is not there any more, or not in the same place. */
export function earlierExtent(ntfs: Ntfs, { layout }: ScanBasis): Extent | undefined {
	const numbers = /^(\d+) (\d+) /.exec(layout);
	if (numbers === null) return undefined;
	const extent = { records: Number(numbers[1]), descriptors: Number(numbers[2]) };
	const now = extentOf(ntfs);
	if (extent.records > now.records || extent.descriptors > now.descriptors) return undefined;
	return layoutOf(ntfs, extent) === layout ? extent : undefined;
}

function extentOf({ mft, security }: Ntfs): Extent {
	return { records: mft.records, descriptors: security.descriptors };
}

function layoutOf({ volume, mft, security }: Ntfs, { records, descriptors }: Extent): string {
	const { serial, sectorSize, clusterSize, clusters, recordSize } = volume.boot;
	const said = JSON.stringify([serial, sectorSize, clusterSize, clusters, recordSize, mft.ranges(0, records)]);
	const digest = blake3Name(Buffer.concat([Buffer.from(said), security.digest(descriptors)]));
	return `${records} ${descriptors} ${Buffer.from(digest).toString("base64url")}`;
}
