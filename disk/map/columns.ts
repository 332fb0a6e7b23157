/**
 * What the map asks of every file, side by side in arrays: to look through a million of them then takes milliseconds.
 * Made once for a base that many scans share, and gone with it.
 */
import type { FileNode, FilesystemScan, Link } from "../filesystem.ts";

/**
 * Stands for an inode in front of a set that is asked for every file: the low bits, so few that a table of all values
 * stays in the cache, so many that a few thousand wanted inodes let few others pass.
 */
export const INODE_KEYS = 2 ** 20;

export function inodeKey(inode: number): number {
	return inode % INODE_KEYS;
}

export interface ExtentColumns {
	/** Of every node that has ranges, in the order of the scan. */
	readonly inodes: Float64Array;
	readonly keys: Uint32Array;
	/** The bytes of the volume between which all its ranges lie. */
	readonly from: Float64Array;
	readonly to: Float64Array;
}

const extents = new WeakMap<FilesystemScan, ExtentColumns>();
const linkKeys = new WeakMap<readonly Link[], Uint32Array>();

export function hasRanges({ data, meta }: FileNode): boolean {
	return data.length > 0 || meta.length > 0;
}

export function extentColumns(base: FilesystemScan): ExtentColumns {
	const known = extents.get(base);
	if (known !== undefined) return known;
	let count = 0;
	for (const node of base.nodes.values()) if (hasRanges(node)) count++;
	const inodes = new Float64Array(count);
	const from = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
	const to = new Float64Array(count);
	let row = 0;
	for (const node of base.nodes.values()) {
		if (!hasRanges(node)) continue;
		inodes[row] = node.inode;
		for (const ranges of [node.data, node.meta]) {
			for (let at = 0; at < ranges.length; at += 2) {
				from[row] = Math.min(from[row]!, ranges[at]!);
				to[row] = Math.max(to[row]!, ranges[at]! + ranges[at + 1]!);
			}
		}
		row++;
	}
	const columns = { inodes, keys: Uint32Array.from(inodes, inodeKey), from, to };
	extents.set(base, columns);
	return columns;
}

/** The key of each link's inode. */
export function linkColumn(links: readonly Link[]): Uint32Array {
	let column = linkKeys.get(links);
	if (column === undefined) {
		column = new Uint32Array(links.length);
		for (let at = 0; at < links.length; at++) column[at] = inodeKey(links[at]!.inode);
		linkKeys.set(links, column);
	}
	return column;
}
