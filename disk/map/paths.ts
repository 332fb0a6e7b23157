/** Paths of the few inodes that a change names, out of the many links of a scan. */
import type { FilesystemScan, Link } from "../filesystem.ts";

/**
 * Beyond this many characters the way to a directory is cut short: a guest can nest directories so deep that the
 * paths of their files would fill any memory. Four times Linux's PATH_MAX.
 */
const MAX_PATH = 16384;
/** Bits of the filter in front of the set of wanted inodes. */
const FILTER_SIZE = 2 ** 16;

/**
 * Collect what is wanted first, then ask: the links are walked once, from the end. As a scan lists parents before
 * their children, the parents that turn out to be wanted on the way are still ahead.
 */
export class PathFinder {
	readonly #scan: FilesystemScan;
	readonly #wanted = new Set<number>();
	readonly #filter = new Uint8Array(FILTER_SIZE);
	readonly #first = new Map<number, Link>();
	readonly #directories = new Map<number, string>();
	#walked = false;

	constructor(scan: FilesystemScan) {
		this.#scan = scan;
	}

	want(inode: number): void {
		this.#wanted.add(inode);
		this.#filter[inode % FILTER_SIZE] = 1;
	}

	/** The first path of a wanted inode; undefined where no directory names it. */
	pathOf(inode: number): string | undefined {
		this.#walk();
		if (inode === this.#scan.root) return "/";
		const link = this.#first.get(inode);
		return link === undefined ? undefined : this.pathOfLink(link);
	}

	/** The path of a link whose parent is wanted. */
	pathOfLink(link: Link): string {
		this.#walk();
		return `${this.#directory(link.parent)}/${link.name}`;
	}

	/** Without a trailing slash: the root is empty. */
	#directory(inode: number): string {
		const way: Link[] = [];
		const seen = new Set<number>();
		let at = inode;
		let path: string | undefined;
		while (path === undefined) {
			if (at === this.#scan.root) path = "";
			else path = this.#directories.get(at);
			if (path !== undefined) break;
			const link = this.#first.get(at);
			// Nobody names it, or its parents form a ring: only a damaged filesystem has such a directory.
			if (link === undefined || seen.has(at)) path = `/#${at}`;
			else {
				seen.add(at);
				way.push(link);
				at = link.parent;
			}
		}
		for (let step = way.length - 1; step >= 0; step--) {
			const link = way[step]!;
			path = path.length > MAX_PATH ? `/#${link.inode}` : `${path}/${link.name}`;
			this.#directories.set(link.inode, path);
		}
		return path;
	}

	#walk(): void {
		if (this.#walked) return;
		this.#walked = true;
		if (this.#wanted.size === 0) return;
		const { links } = this.#scan;
		for (let at = links.length - 1; at >= 0; at--) {
			const link = links[at]!;
			if (this.#filter[link.inode % FILTER_SIZE] === 0 || !this.#wanted.has(link.inode)) continue;
			// Earlier links overwrite: the first one stands in the end.
			this.#first.set(link.inode, link);
			this.want(link.parent);
		}
	}
}
