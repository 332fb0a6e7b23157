/** Whether two scans say the same of a file. */
import type { FileNode, Ranges } from "../filesystem.ts";

/** Whether every field that a change could touch is the same, but for where the blocks lie. */
export function isSameNode(before: FileNode, after: FileNode): boolean {
	return (
		before === after ||
		(before.mtime === after.mtime &&
			before.ctime === after.ctime &&
			before.size === after.size &&
			before.mode === after.mode &&
			before.uid === after.uid &&
			before.gid === after.gid &&
			before.nlink === after.nlink &&
			before.generation === after.generation &&
			before.type === after.type)
	);
}

/** Whether all is the same, where the blocks lie too. */
export function isSameFileNode(before: FileNode, after: FileNode): boolean {
	return isSameNode(before, after) && isSameRanges(before.data, after.data) && isSameRanges(before.meta, after.meta);
}

/** The same ranges in the same order. */
export function isSameRanges(a: Ranges, b: Ranges): boolean {
	if (a === b) return true;
	if (a.length !== b.length) return false;
	for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
	return true;
}
