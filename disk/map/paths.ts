/** Paths of the few inodes that a change names, out of the many links of a scan. */
import type { FilesystemScan, Link } from "../filesystem.ts";
import { baseOf, changesSinceBase } from "../rescan/layered-scan.ts";
import { INODE_KEYS, inodeKey, linkColumn } from "./columns.ts";
import { compareLinks } from "./links.ts";

/**
 * Beyond this many characters the way to a directory is cut short: a guest can nest directories so deep that the
 * paths of their files would fill any memory. Four times Linux's PATH_MAX.
 */
const MAX_PATH = 16384;

/**
 * Collect what is wanted first, then ask: the links are walked from the end. As a scan lists parents before their
 * children, the parents that turn out to be wanted on the way are still ahead, but for those that were moved since
 * the scan's base was made.
 */
export class PathFinder {
	readonly #scan: FilesystemScan;
	readonly #wanted = new Set<number>();
	readonly #filter = new Uint8Array(INODE_KEYS);
	readonly #links = new Map<number, Link>();
	readonly #directories = new Map<number, string>();
	#walked = false;

	constructor(scan: FilesystemScan) {
		this.#scan = scan;
	}

	want(inode: number): void {
		if (inode === this.#scan.root) return;
		this.#wanted.add(inode);
		this.#filter[inodeKey(inode)] = 1;
	}

	/** A path of a wanted inode, of several always the same; undefined where no directory names it. */
	pathOf(inode: number): string | undefined {
		this.#walk();
		if (inode === this.#scan.root) return "/";
		const link = this.#links.get(inode);
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
			const link = this.#links.get(at);
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
		// What turns out to be wanted behind the place that the walk has reached is found in another one.
		for (let found = -1; found < this.#links.size && this.#links.size < this.#wanted.size; ) {
			found = this.#links.size;
			this.#walkOnce();
		}
	}

	#walkOnce(): void {
		const { directories } = changesSinceBase(this.#scan);
		for (const directory of [...directories.values()].reverse()) {
			const links = directory?.links ?? [];
			for (let at = links.length - 1; at >= 0; at--) this.#take(links[at]!);
		}
		const { links } = baseOf(this.#scan);
		const keys = linkColumn(links);
		const filter = this.#filter;
		for (let at = keys.length - 1; at >= 0; at--) {
			if (filter[keys[at]!] === 0) continue;
			const link = links[at]!;
			if (!directories.has(link.parent)) this.#take(link);
		}
	}

	#take(link: Link): void {
		if (!this.#wanted.has(link.inode)) return;
		const known = this.#links.get(link.inode);
		if (known !== undefined && compareLinks(known, link) <= 0) return;
		this.#links.set(link.inode, link);
		this.want(link.parent);
	}
}
