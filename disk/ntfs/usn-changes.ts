/**
 * What the change journal adds to the changes that two trees tell: the paths that files had in between, and files that
 * came and went. A tree knows neither.
 */
import type { FileNode, FilesystemScan } from "../filesystem.ts";
import type { FileChange } from "../map/changes.ts";
import { modeOf } from "./node.ts";
import { isStreamInode } from "./stream-ids.ts";
import { REASON } from "./usn.ts";
import type { FileHistory } from "./usn-histories.ts";

/** Told of one volume at once: Windows makes thousands of such files in a busy hour. */
const MAX_TRANSIENT = 1000;
/** Of one file, the last ones. */
const MAX_VIA = 8;
/** Characters of them together. */
const MAX_VIA_TEXT = 2048;
/** Characters of a path; longer ones are not told. Windows makes none without being asked for it. */
const MAX_PATH = 4096;

export interface ToldChanges {
	/** By path. */
	readonly files: readonly FileChange[];
	/** Files that came and went and are left out, since there are too many. */
	readonly left: number;
}

/**
 * The changes of a volume with what the journal tells of them.
 *
 * @param histories from the state of `before` to that of `after`, the last noted first, as `historiesOf` gives them.
 */
export function tellHistories(
	files: readonly FileChange[],
	histories: readonly FileHistory[],
	before: FilesystemScan,
	after: FilesystemScan,
): ToldChanges {
	const byFile = new Map(histories.map((history) => [keyOf(history), history]));
	const told = files.map((file) => {
		const node = (file.change === "deleted" ? before : after).nodes.get(file.inode);
		const history = node === undefined || isStreamInode(node.inode) ? undefined : byFile.get(keyOf(node));
		return node === undefined || history === undefined ? file : withPaths(file, node, history);
	});
	const taken = new Set(files.map(({ path }) => path));
	let left = 0;
	let transients = 0;
	for (const history of histories) {
		const { inode, generation, created, deleted } = history;
		if (!created || !deleted) continue;
		if ([before, after].some(({ nodes }) => nodes.get(inode)?.generation === generation)) continue;
		const path = history.paths.at(-1);
		if (path === undefined || path.length > MAX_PATH || taken.has(path)) continue;
		taken.add(path);
		if (transients === MAX_TRANSIENT) {
			left++;
			continue;
		}
		transients++;
		told.push(transientChange(history, path));
	}
	if (transients > 0) told.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
	return { files: told, left };
}

function withPaths(file: FileChange, { nlink }: FileNode, history: FileHistory): FileChange {
	// A record names the file by the one of its names that was used: of several, another one is no rename.
	return nlink > 1 ? file : withFormerPaths(file, history, file.change === "created" && history.created);
}

function withFormerPaths(file: FileChange, { paths, reasons }: FileHistory, isNew: boolean): FileChange {
	if ((reasons & REASON.HARD_LINK_CHANGE) !== 0) return file;
	const [first] = paths;
	const isMoved = isNew && first !== undefined && first !== file.path && first.length <= MAX_PATH;
	const oldPath = isMoved ? first : file.oldPath;
	const via: string[] = [];
	let left = MAX_VIA_TEXT;
	for (const path of new Set(paths.toReversed())) {
		if (path === file.path || path === oldPath) continue;
		left -= path.length;
		if (left < 0 || via.length === MAX_VIA) break;
		via.unshift(path);
	}
	return { ...file, ...(oldPath === undefined ? {} : { oldPath }), ...(via.length === 0 ? {} : { via }) };
}

function transientChange(history: FileHistory, path: string): FileChange {
	const type = history.directory ? "dir" : "file";
	const change: FileChange = {
		change: "transient",
		path,
		type,
		inode: history.inode,
		sizeBefore: 0,
		sizeAfter: 0,
		changedBytes: 0,
		entropyBefore: null,
		entropyAfter: null,
		uid: 0,
		gid: 0,
		owner: "",
		group: "",
		mode: modeOf(type, 0),
		mtime: history.to,
	};
	return withFormerPaths(change, history, true);
}

function keyOf({ inode, generation }: { readonly inode: number; readonly generation: number }): number {
	return inode * 65536 + generation;
}
