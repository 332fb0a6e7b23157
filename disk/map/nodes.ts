/** Inodes of two scans, side by side: which stayed, came, went, or were handed to another file. */
import type { FileNode, FilesystemScan, Ranges } from "../filesystem.ts";
import { isSameRanges } from "../parser/nodes.ts";
import { baseOf, changesSinceBase } from "../rescan/layered-scan.ts";
import { extentColumns, hasRanges, INODE_KEYS, inodeKey } from "./columns.ts";
import type { SlotIndex } from "./pages.ts";

/**
 * Calls `visit` once for every inode of either scan. Both maps are walked in step, since scans of the same filesystem
 * list inodes in the same order: a look-up is needed only where they differ.
 */
export function pairNodes(
	before: ReadonlyMap<number, FileNode>,
	after: ReadonlyMap<number, FileNode>,
	visit: (before: FileNode | undefined, after: FileNode | undefined) => void,
): void {
	const olds = before.values();
	const news = after.values();
	let old = olds.next().value;
	let node = news.next().value;
	while (old !== undefined || node !== undefined) {
		if (old !== undefined && node !== undefined && old.inode === node.inode) {
			visit(old, node);
			old = olds.next().value;
			node = news.next().value;
		} else if (old !== undefined && (node === undefined || old.inode < node.inode)) {
			// One that is still there is visited when its turn comes on the other side.
			if (!after.has(old.inode)) visit(old, undefined);
			old = olds.next().value;
		} else if (node !== undefined) {
			visit(before.get(node.inode), node);
			node = news.next().value;
		}
	}
}

/**
 * The same for two scans with one base, but that inodes of which nothing changed are left out: neither what is known of
 * them nor any byte in their ranges.
 */
export function pairTouched(
	before: FilesystemScan,
	after: FilesystemScan,
	place: SlotIndex,
	visit: (before: FileNode | undefined, after: FileNode | undefined) => void,
): void {
	const base = baseOf(after);
	const layers = new Set([...changesSinceBase(before).nodes.keys(), ...changesSinceBase(after).nodes.keys()]);
	for (const inode of layers) {
		const node = base.nodes.get(inode);
		if (node === undefined || !hasRanges(node)) visit(before.nodes.get(inode), after.nodes.get(inode));
	}
	const filter = new Uint8Array(INODE_KEYS);
	for (const inode of layers) filter[inodeKey(inode)] = 1;
	const { inodes, keys, from, to } = extentColumns(base);
	for (let row = 0; row < inodes.length; row++) {
		const isLayered = filter[keys[row]!] === 1 && layers.has(inodes[row]!);
		if (!isLayered && place.first(from[row]!, to[row]!) === -1) continue;
		const inode = inodes[row]!;
		visit(before.nodes.get(inode), after.nodes.get(inode));
	}
}

/**
 * Whether the same inode number still means the same file. A generation number settles it. Where the format has none,
 * or the program that made the file wrote none, an inode whose times and blocks are all new was handed to another file.
 *
 * @param keepsName whether one of its names is the same before and after.
 */
export function isSameFile(before: FileNode, after: FileNode, keepsName: boolean): boolean {
	if (before.type !== after.type || before.generation !== after.generation) return false;
	if (before.generation !== 0 || keepsName || before.mtime === after.mtime) return true;
	return overlap(before.data, after.data);
}

/** Whether the inode's own record says that its content is what it was: its mode and owner have no say in that. */
export function isSameContent(before: FileNode, after: FileNode): boolean {
	return (
		before.mtime === after.mtime &&
		before.size === after.size &&
		before.generation === after.generation &&
		before.type === after.type &&
		isSameRanges(before.data, after.data)
	);
}

function overlap(a: Ranges, b: Ranges): boolean {
	const starts = new Set<number>();
	for (let at = 0; at < a.length; at += 2) starts.add(a[at]!);
	for (let at = 0; at < b.length; at += 2) if (starts.has(b[at]!)) return true;
	return false;
}
