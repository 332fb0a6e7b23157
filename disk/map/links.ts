/** Which names came and went between two scans of a filesystem. */
import type { Link } from "../filesystem.ts";
import type { Directory } from "../rescan/layered-scan.ts";

export interface LinkChanges {
	/** Names that were there before only, by inode, in the order of `compareLinks`. */
	readonly removed: ReadonlyMap<number, readonly Link[]>;
	/** Names that are there after only, likewise. */
	readonly added: ReadonlyMap<number, readonly Link[]>;
	/** Directories in which a name came or went. */
	readonly directories: ReadonlySet<number>;
}

/**
 * Compares directory by directory, by position first: scans of an unchanged directory list it in the same order.
 *
 * @param replaced directories whose inode number belongs to another directory now: all their names differ.
 */
export function diffLinks(
	before: readonly Link[],
	after: readonly Link[],
	replaced: ReadonlySet<number> = new Set(),
): LinkChanges {
	const changes = new Changes();
	if (before === after && replaced.size === 0) return changes;
	// What both begin and end with is no change. In a directory that was replaced every name is one.
	const [from, toBefore, toAfter] = replaced.size === 0 ? differing(before, after) : [0, before.length, after.length];
	const beforeSpans = spansByParent(before, from, toBefore);
	const afterSpans = spansByParent(after, from, toAfter);
	for (const [parent, spans] of afterSpans) {
		const old = beforeSpans.get(parent);
		if (old === undefined || replaced.has(parent)) {
			for (const link of each(after, spans)) changes.add(link);
			if (old !== undefined) for (const link of each(before, old)) changes.remove(link);
		} else if (!equalSpans(before, old, after, spans)) {
			diffDirectory([...each(before, old)], [...each(after, spans)], changes);
		}
	}
	for (const [parent, spans] of beforeSpans) {
		if (!afterSpans.has(parent)) for (const link of each(before, spans)) changes.remove(link);
	}
	return changes.sorted();
}

/**
 * The same for two scans with one base.
 *
 * @param differing directories that may differ; any other is the same in both.
 */
export function diffDirectories(
	before: ReadonlyMap<number, Directory>,
	after: ReadonlyMap<number, Directory>,
	differing: readonly number[],
	replaced: ReadonlySet<number>,
): LinkChanges {
	const changes = new Changes();
	for (const inode of new Set([...differing, ...replaced])) {
		const old = before.get(inode)?.links ?? [];
		const links = after.get(inode)?.links ?? [];
		if (replaced.has(inode)) {
			for (const link of links) changes.add(link);
			for (const link of old) changes.remove(link);
		} else diffDirectory(old, links, changes);
	}
	return changes.sorted();
}

/** An order of the names of an inode that does not depend on how they were found. */
export function compareLinks(a: Link, b: Link): number {
	return a.parent - b.parent || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

class Changes implements LinkChanges {
	readonly removed = new Map<number, Link[]>();
	readonly added = new Map<number, Link[]>();
	readonly directories = new Set<number>();

	add(link: Link): void {
		this.#note(this.added, link);
	}

	remove(link: Link): void {
		this.#note(this.removed, link);
	}

	sorted(): LinkChanges {
		for (const found of [this.removed, this.added]) {
			for (const links of found.values()) if (links.length > 1) links.sort(compareLinks);
		}
		return this;
	}

	#note(into: Map<number, Link[]>, link: Link): void {
		this.directories.add(link.parent);
		appendTo(into, link.inode, link);
	}
}

/** Directory inode -> [from, to, from, to, ...] in `links`; one pair where a scan lists a directory in one go. */
type Spans = number[];

/** From where on, and up to where in each, two scans differ. */
function differing(before: readonly Link[], after: readonly Link[]): [from: number, toBefore: number, toAfter: number] {
	const shorter = Math.min(before.length, after.length);
	let from = 0;
	while (from < shorter && isSameLink(before[from]!, after[from]!)) from++;
	let toBefore = before.length;
	let toAfter = after.length;
	while (toBefore > from && toAfter > from && isSameLink(before[toBefore - 1]!, after[toAfter - 1]!)) {
		toBefore--;
		toAfter--;
	}
	return [from, toBefore, toAfter];
}

function isSameLink(a: Link, b: Link): boolean {
	return a.parent === b.parent && same(a, b);
}

function spansByParent(links: readonly Link[], start: number, end: number): Map<number, Spans> {
	const spans = new Map<number, Spans>();
	for (let from = start; from < end; ) {
		const { parent } = links[from]!;
		let to = from + 1;
		while (to < end && links[to]!.parent === parent) to++;
		const known = spans.get(parent);
		if (known === undefined) spans.set(parent, [from, to]);
		else known.push(from, to);
		from = to;
	}
	return spans;
}

function* each(links: readonly Link[], spans: Spans): Generator<Link> {
	for (let span = 0; span < spans.length; span += 2) {
		for (let at = spans[span]!; at < spans[span + 1]!; at++) yield links[at]!;
	}
}

function equalSpans(before: readonly Link[], old: Spans, after: readonly Link[], spans: Spans): boolean {
	if (old.length !== spans.length) return false;
	for (let span = 0; span < spans.length; span += 2) {
		const length = old[span + 1]! - old[span]!;
		if (spans[span + 1]! - spans[span]! !== length) return false;
		for (let at = 0; at < length; at++) {
			if (!same(before[old[span]! + at]!, after[spans[span]! + at]!)) return false;
		}
	}
	return true;
}

function diffDirectory(before: readonly Link[], after: readonly Link[], changes: Changes): void {
	let start = 0;
	while (start < before.length && start < after.length && same(before[start]!, after[start]!)) start++;
	let beforeEnd = before.length;
	let afterEnd = after.length;
	while (beforeEnd > start && afterEnd > start && same(before[beforeEnd - 1]!, after[afterEnd - 1]!)) {
		beforeEnd--;
		afterEnd--;
	}
	const old = new Map<string, Link>();
	// A damaged directory may hold a name more than once, and list those in any order.
	const twins = new Map<string, Link[]>();
	for (let at = start; at < beforeEnd; at++) {
		const link = before[at]!;
		if (!old.has(link.name)) old.set(link.name, link);
		else appendTo(twins, twinKey(link), link);
	}
	for (let at = start; at < afterEnd; at++) {
		const link = after[at]!;
		if (old.get(link.name)?.inode === link.inode) old.delete(link.name);
		else if (twins.size === 0 || twins.get(twinKey(link))?.pop() === undefined) changes.add(link);
	}
	for (const link of old.values()) changes.remove(link);
	for (const links of twins.values()) for (const link of links) changes.remove(link);
}

function twinKey({ inode, name }: Link): string {
	return `${inode}/${name}`;
}

function same(a: Link, b: Link): boolean {
	return a.inode === b.inode && a.name === b.name;
}

function appendTo<K>(lists: Map<K, Link[]>, key: K, link: Link): void {
	const links = lists.get(key);
	if (links === undefined) lists.set(key, [link]);
	else links.push(link);
}
