/** All that is below a folder, with what it takes to make it again elsewhere. */
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { DeviceNumber, FileNode, Filesystem, Ranges } from "../../disk/filesystem.ts";

/** A tree of more is a mistake, or a hostile one. */
const MAX_ENTRIES = 5_000_000;
/** Files up to this size come many at once. */
export const MAX_SMALL_BYTES = 64 * 1024;
/** What NTFS keeps in its root for itself. */
const NTFS_OWN = /^\$(MFT|MFTMirr|LogFile|Volume|AttrDef|Bitmap|Boot|BadClus|Secure|UpCase|Extend)(:|$)/;

export interface TreeEntry
	extends Partial<Pick<FileNode, "type" | "size" | "mode" | "uid" | "gid" | "nlink" | "mtime">> {
	readonly inode: number;
	/** The folder that it is in, and its name there; missing of the top. */
	readonly parent?: number;
	readonly name?: string;
	/** Of a symlink. */
	readonly target?: string;
	/** Of a character or block device. */
	readonly device?: DeviceNumber;
	/** Of a file with holes: what is not one, `[offset, length, ...]`. */
	readonly written?: Ranges;
	/** Why less is said of it than should be; of a folder that was told of before, why nothing in it is. */
	readonly problem?: string;
}

/**
 * The top first, and every folder before what is in it. What is damaged has a `problem` and does not end the walk; no
 * folder is told of twice.
 *
 * @throws UmbraError `unavailable` where the disk cannot be read, `limit` for a tree without end.
 */
export async function* walkTree(
	filesystem: Filesystem,
	top: FileNode,
	signal: AbortSignal,
): AsyncGenerator<TreeEntry, void, undefined> {
	yield await describe(filesystem, top, {}, signal);
	if (top.type !== "dir") return;
	const reached = new Set([top.inode]);
	const queue: FileNode[] = [top];
	let count = 1;
	for (let folder = queue.pop(); folder !== undefined; folder = queue.pop()) {
		signal.throwIfAborted();
		const parent = folder.inode;
		const entries = await orProblem(filesystem.readDirectory(folder, signal));
		if (typeof entries === "string") {
			yield { inode: parent, problem: entries };
			continue;
		}
		for (const { name, inode } of entries) {
			if (filesystem.kind === "ntfs" && parent === filesystem.root && NTFS_OWN.test(name)) continue;
			if (++count > MAX_ENTRIES) throw new UmbraError("limit", `more than ${MAX_ENTRIES} names below the folder`);
			const node = await orProblem(filesystem.node(inode, signal));
			if (typeof node === "string") yield { inode, parent, name, problem: node };
			else if (node.type !== "dir") yield await describe(filesystem, node, { parent, name }, signal);
			else if (reached.has(inode)) yield { inode, parent, name, problem: "this folder is in another place too" };
			else {
				reached.add(inode);
				queue.push(node);
				yield await describe(filesystem, node, { parent, name }, signal);
			}
		}
	}
}

async function describe(
	filesystem: Filesystem,
	node: FileNode,
	place: { readonly parent?: number; readonly name?: string },
	signal: AbortSignal,
): Promise<TreeEntry> {
	const { inode, type, size, mode, uid, gid, nlink, mtime } = node;
	const entry = { inode, ...place, type, size, mode, uid, gid, nlink, mtime };
	const more = await orProblem(moreOf(filesystem, node, signal));
	return typeof more === "string" ? { ...entry, problem: more } : { ...entry, ...more };
}

async function moreOf(
	filesystem: Filesystem,
	node: FileNode,
	signal: AbortSignal,
): Promise<Pick<TreeEntry, "target" | "device" | "written">> {
	switch (node.type) {
		case "symlink":
			return { target: await filesystem.readLink(node, signal) };
		case "char":
		case "block":
			return filesystem.device === undefined ? {} : { device: await filesystem.device(node, signal) };
		case "file": {
			const written = await filesystem.written?.(node, signal);
			return written === undefined || lengthOf(written) === node.size ? {} : { written };
		}
		default:
			return {};
	}
}

/** The sum of the lengths of ranges. */
function lengthOf(ranges: Ranges): number {
	let length = 0;
	for (let at = 1; at < ranges.length; at += 2) length += ranges[at]!;
	return length;
}

/** What the guest's disk can cause becomes words; what else fails is thrown. */
async function orProblem<T>(work: Promise<T>): Promise<T | string> {
	try {
		return await work;
	} catch (error) {
		if (!isDamage(error)) throw error;
		return error.message;
	}
}

/** What a guest's disk can cause, for one file and not for the others. */
export function isDamage(error: unknown): error is UmbraError {
	return isUmbraError(error, "corrupt", "not-found", "truncated", "unsupported", "limit");
}
