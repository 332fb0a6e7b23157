/** How much logs grew, and which were cleared: rotation, which looks like both, is neither. */
import type { FileChangeRecord } from "../catalog/records.ts";
import { folderOf, isAuditLog, isLog, isPreallocatedLog, isRotatedLog } from "./paths.ts";

export interface LogGrowth {
	readonly file: FileChangeRecord;
	/** Bytes that came to it. */
	readonly bytes: number;
}

/** A log that shrank to less than this share of itself was cleared, unless it was rotated. */
const CLEARED_SHARE = 0.1;
/** Below this nothing worth hiding was lost. */
const MIN_CLEARED_BYTES = 4096;

/** Live logs that grew, fastest first. */
export function growingLogs(files: readonly FileChangeRecord[]): LogGrowth[] {
	const growths: LogGrowth[] = [];
	for (const file of files) {
		if (file.type !== "file" || file.change === "deleted" || file.change === "metadata") continue;
		if (!isLog(file.path) || isRotatedLog(file.path)) continue;
		const bytes = grownBytes(file);
		if (bytes > 0 && Number.isFinite(bytes)) growths.push({ file, bytes });
	}
	return growths.sort((a, b) => b.bytes - a.bytes || (a.file.path < b.file.path ? -1 : 1));
}

/**
 * Bytes appended: the gain in size, but never more than was written, since journals and databases reserve
 * space ahead. A log that begins anew (smaller than before: rotated) grew by what it holds now.
 */
function grownBytes(file: FileChangeRecord): number {
	if (isPreallocatedLog(file.path)) return Math.max(0, file.changedBytes);
	const before = file.change === "created" || file.sizeAfter < file.sizeBefore ? 0 : file.sizeBefore;
	return Math.max(0, Math.min(file.sizeAfter - before, file.changedBytes));
}

/** Logs of who did what that were emptied or deleted although nothing rotated them, largest loss first. */
export function clearedLogs(files: readonly FileChangeRecord[]): FileChangeRecord[] {
	const cleared = files.filter((file) => {
		if (file.type !== "file" || file.sizeBefore < MIN_CLEARED_BYTES || !isAuditLog(file.path)) return false;
		if (file.change === "deleted") return true;
		return file.change === "modified" && file.sizeAfter < CLEARED_SHARE * file.sizeBefore;
	});
	if (cleared.length === 0) return cleared;
	const rotated = rotations(files);
	return cleared
		.filter((file) => !rotated(file.path))
		.sort((a, b) => b.sizeBefore - a.sizeBefore || (a.path < b.path ? -1 : 1));
}

/** Says whether a log's past went elsewhere in this changeset: renamed away, or copied (`copytruncate`) or packed beside it. */
function rotations(files: readonly FileChangeRecord[]): (path: string) => boolean {
	const movedFrom = new Set<string>();
	const putAway: string[] = [];
	for (const file of files) {
		if (file.change === "deleted" || file.change === "metadata") continue;
		if (file.change === "renamed" && file.oldPath !== undefined) movedFrom.add(file.oldPath);
		if (isRotatedLog(file.path) && isLog(file.path)) putAway.push(file.path);
	}
	return (path) => {
		if (movedFrom.has(path)) return true;
		const stem = path.replace(/\.(log|journal)$/, "");
		return putAway.some((other) => folderOf(other) === folderOf(path) && other.startsWith(stem));
	};
}
