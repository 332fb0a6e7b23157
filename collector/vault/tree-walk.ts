/** Walks over disk trees: what is zero, what differs, what is reachable. Equal and zero subtrees are stepped over whole. */
import { NAME_SIZE, ZERO_NAME } from "../../common/block.ts";
import type { ChunkStore } from "./chunk-store.ts";
import {
	blocksPerName,
	checkRange,
	type DiskTree,
	isZeroAt,
	loadPage,
	nameAt,
	PAGE_NAMES,
	treeHeight,
} from "./tree.ts";

/** A run of blocks that are all zero or all data. */
export interface TreeExtent {
	readonly firstBlock: number;
	readonly count: number;
	readonly zero: boolean;
}

/**
 * Blocks `from` to `to` as runs of data and of zeroes, in order, without gaps, as long as they can be.
 *
 * @throws UmbraError `truncated` where the range leaves the disk, and what the store throws.
 */
export async function* walkExtents(
	store: ChunkStore,
	tree: DiskTree,
	from = 0,
	to = tree.blocks,
	signal?: AbortSignal,
): AsyncGenerator<TreeExtent, void, undefined> {
	checkRange(tree, from, to);
	let first = from;
	let zero: boolean | null = null;
	for await (const run of zeroRuns(store, tree.root, treeHeight(tree.blocks) - 1, 0, from, to, signal)) {
		if (run.zero === zero) continue;
		if (zero !== null) yield { firstBlock: first, count: run.firstBlock - first, zero };
		first = run.firstBlock;
		zero = run.zero;
	}
	if (zero !== null) yield { firstBlock: first, count: to - first, zero };
}

/** Where a run begins; adjacent runs may be of one kind. */
async function* zeroRuns(
	store: ChunkStore,
	name: Uint8Array,
	level: number,
	first: number,
	from: number,
	to: number,
	signal: AbortSignal | undefined,
): AsyncGenerator<{ firstBlock: number; zero: boolean }, void, undefined> {
	const span = blocksPerName(level);
	const begin = Math.max(first, from);
	const end = Math.min(first + span * PAGE_NAMES, to);
	if (begin >= end) return;
	if (isZeroAt(name, 0)) {
		yield { firstBlock: begin, zero: true };
		return;
	}
	const page = await loadPage(store, name, signal);
	let last: boolean | null = null;
	for (let index = Math.floor((begin - first) / span); first + index * span < end; index++) {
		const zero = isZeroAt(page, index);
		const firstBlock = Math.max(begin, first + index * span);
		if (zero || level === 0) {
			if (zero !== last) yield { firstBlock, zero };
			last = zero;
		} else {
			yield* zeroRuns(store, nameAt(page, index), level - 1, first + index * span, from, to, signal);
			last = null;
		}
	}
}

/** Consecutive blocks that all differ: their names before and after, equally many. */
export interface TreeDifference {
	readonly firstBlock: number;
	readonly before: Uint8Array;
	readonly after: Uint8Array;
}

/** A page of one of two trees that are compared. */
interface Node {
	readonly name: Uint8Array;
	readonly level: number;
}

/**
 * Where two disks differ, in ascending runs of at most one leaf page. A block past the end of the
 * shorter disk counts as zero there. Of leaf pages without a block from `from` to `to` nothing is told.
 */
export async function* diffTrees(
	store: ChunkStore,
	before: DiskTree,
	after: DiskTree,
	signal?: AbortSignal,
	from = 0,
	to = Number.POSITIVE_INFINITY,
): AsyncGenerator<TreeDifference, void, undefined> {
	const a = { name: before.root, level: treeHeight(before.blocks) - 1 };
	const b = { name: after.root, level: treeHeight(after.blocks) - 1 };
	yield* diffNodes(store, a, b, Math.max(a.level, b.level), 0, { from, to }, signal);
}

async function* diffNodes(
	store: ChunkStore,
	a: Node,
	b: Node,
	level: number,
	first: number,
	within: { readonly from: number; readonly to: number },
	signal: AbortSignal | undefined,
): AsyncGenerator<TreeDifference, void, undefined> {
	const span = blocksPerName(level);
	if (first >= within.to || first + span * PAGE_NAMES <= within.from) return;
	if (a.level === b.level ? Buffer.compare(a.name, b.name) === 0 : isZeroAt(a.name, 0) && isZeroAt(b.name, 0)) return;
	if (level === 0) {
		yield* diffLeaves(await loadPage(store, a.name, signal), await loadPage(store, b.name, signal), first);
		return;
	}
	const [pageA, pageB] = [await pageOf(store, a, level, signal), await pageOf(store, b, level, signal)];
	for (let index = 0; index < PAGE_NAMES; index++) {
		const [childA, childB] = [childOf(a, pageA, level, index), childOf(b, pageB, level, index)];
		yield* diffNodes(store, childA, childB, level - 1, first + index * span, within, signal);
	}
}

function* diffLeaves(before: Buffer, after: Buffer, first: number): Generator<TreeDifference, void, undefined> {
	for (let index = 0; index < PAGE_NAMES; index++) {
		if (sameAt(before, after, index)) continue;
		let end = index + 1;
		while (end < PAGE_NAMES && !sameAt(before, after, end)) end++;
		const [from, to] = [index * NAME_SIZE, end * NAME_SIZE];
		yield {
			firstBlock: first + index,
			before: Uint8Array.from(before.subarray(from, to)),
			after: Uint8Array.from(after.subarray(from, to)),
		};
		index = end;
	}
}

/** The page of a node; null where the level is above it, that is, where the node is all that its tree has there. */
async function pageOf(store: ChunkStore, node: Node, level: number, signal?: AbortSignal): Promise<Buffer | null> {
	return node.level < level ? null : loadPage(store, node.name, signal);
}

function childOf(node: Node, page: Buffer | null, level: number, index: number): Node {
	if (page !== null) return { name: nameAt(page, index), level: level - 1 };
	return index === 0 ? node : { name: ZERO_NAME, level: level - 1 };
}

function sameAt(a: Buffer, b: Buffer, index: number): boolean {
	const [start, end] = [index * NAME_SIZE, (index + 1) * NAME_SIZE];
	return a.compare(b, start, end, start, end) === 0;
}

/**
 * The name of every chunk that the disk needs, pages before what they hold, zero names left out. A
 * name comes as often as it is reached.
 */
export async function* chunksOf(
	store: ChunkStore,
	tree: DiskTree,
	signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
	yield* chunksBelow(store, tree.root, treeHeight(tree.blocks) - 1, signal);
}

async function* chunksBelow(
	store: ChunkStore,
	name: Uint8Array,
	level: number,
	signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
	if (isZeroAt(name, 0)) return;
	yield Uint8Array.from(name);
	const page = await loadPage(store, name, signal);
	for (let index = 0; index < PAGE_NAMES; index++) {
		if (isZeroAt(page, index)) continue;
		const child = nameAt(page, index);
		if (level === 0) yield Uint8Array.from(child);
		else yield* chunksBelow(store, child, level - 1, signal);
	}
}
