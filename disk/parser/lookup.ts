/** What every parser does with a path and with the inodes that it just read. */
import type { FileNode } from "../filesystem.ts";
import type { Problems } from "./problems.ts";

/**
 * The node that `path` leads to from `root`. Symlinks are not followed.
 *
 * @param child the entry of a directory with this name; undefined where there is none.
 * @throws UmbraError `not-found`.
 */
export async function lookupPath(
	path: string,
	root: FileNode,
	problems: Problems,
	child: (directory: FileNode, name: string) => Promise<FileNode | undefined>,
): Promise<FileNode> {
	let node = root;
	for (const part of path.split("/")) {
		if (part === "" || part === ".") continue;
		const next = node.type === "dir" ? await child(node, part) : undefined;
		if (next === undefined) throw problems.error("not-found", `there is no ${path}`, { wanted: path, found: part });
		node = next;
	}
	return node;
}

/** The last few things that were loaded by number: a file is mostly asked for several times in a row. */
export class RecentlyLoaded<T> {
	readonly #load: (inode: number, signal?: AbortSignal) => Promise<T>;
	readonly #most: number;
	/** Least recently used first. */
	readonly #loaded = new Map<number, T>();

	constructor(most: number, load: (inode: number, signal?: AbortSignal) => Promise<T>) {
		this.#most = most;
		this.#load = load;
	}

	async get(inode: number, signal?: AbortSignal): Promise<T> {
		const known = this.#loaded.get(inode);
		const loaded = known ?? (await this.#load(inode, signal));
		if (known !== undefined) this.#loaded.delete(inode);
		else if (this.#loaded.size >= this.#most) this.#loaded.delete(this.#loaded.keys().next().value!);
		this.#loaded.set(inode, loaded);
		return loaded;
	}
}
