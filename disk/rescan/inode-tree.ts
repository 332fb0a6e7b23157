/** From inodes and the names in directories to the tree of what can be reached. */
import type { UmbraError } from "../../common/errors.ts";
import type { FileNode, Link } from "../filesystem.ts";

/** The inodes of a filesystem, as far as a parser has loaded them. */
export interface InodeLoader {
	readonly root: number;
	/** Loads inodes, and the names in those that are directories. One that is not in use stays away. */
	load(inodes: readonly number[], signal?: AbortSignal): Promise<void>;
	/** Undefined where it was not loaded, or is not in use. */
	node(inode: number): FileNode | undefined;
	/** What stands in a directory that was loaded, whether or not it leads anywhere. */
	names(inode: number): readonly Link[];
	/** Notes what is wrong with a directory. */
	fault(directory: number, what: string): void;
	/** What to throw where there is no root directory. */
	noRoot(): UmbraError;
}

export interface InodeTree {
	readonly nodes: Map<number, FileNode>;
	/** Parents come before their children. */
	readonly links: Link[];
	/** Names of inodes that are not in use. */
	readonly dangling: Link[];
}

export function faultOfDangling({ inode }: Link): string {
	return `an entry for inode ${inode}, which is not in use`;
}

/**
 * Walks from the root over what was loaded. What is named but was not loaded is tried once more: a name may reach the
 * disk before all that tells that its inode is in use.
 *
 * @throws UmbraError where there is no root directory.
 */
export async function walkTree(loader: InodeLoader, signal?: AbortSignal): Promise<InodeTree> {
	const nodes = new Map<number, FileNode>();
	const links: Link[] = [];
	const dangling: Link[] = [];
	const queue: number[] = [];
	const reach = (node: FileNode) => {
		nodes.set(node.inode, node);
		if (node.type === "dir") queue.push(node.inode);
	};
	if (loader.node(loader.root) === undefined) await loader.load([loader.root], signal);
	const root = loader.node(loader.root);
	if (root?.type !== "dir") throw loader.noRoot();
	reach(root);
	let late: Link[] = [];
	const take = (link: Link, node: FileNode) => {
		if (node.type === "dir" && nodes.has(link.inode)) {
			loader.fault(link.parent, `an entry for directory inode ${link.inode}, which has another name`);
			return;
		}
		links.push(link);
		if (!nodes.has(link.inode)) reach(node);
	};
	for (let next = 0; next < queue.length || late.length > 0; ) {
		signal?.throwIfAborted();
		while (next < queue.length) {
			for (const link of loader.names(queue[next++]!)) {
				const node = loader.node(link.inode);
				if (node === undefined) late.push(link);
				else take(link, node);
			}
		}
		const again = late;
		late = [];
		const missing = new Set(again.map((link) => link.inode).filter((inode) => loader.node(inode) === undefined));
		await loader.load([...missing], signal);
		for (const link of again) {
			const node = loader.node(link.inode);
			if (node !== undefined) take(link, node);
			else dangling.push(link);
		}
	}
	for (const link of dangling) loader.fault(link.parent, faultOfDangling(link));
	return { nodes, links, dangling };
}
