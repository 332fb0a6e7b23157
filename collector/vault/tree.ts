/**
 * Disk trees: a disk at a point as a Merkle tree of block names (docs/formats.md, "Disk trees").
 *
 * A page is 1,024 names of 32 bytes, and a chunk like any other. Leaf pages hold block names, inner
 * pages hold page names; a tree of height 1 is a single leaf. Names past the end of the disk are zero,
 * and an all-zero page is the zero name, so contents and height alone decide the root: equal disks
 * have equal roots however they came about, and growing a disk by zeroes within a height changes nothing.
 */
import { NAME_SIZE, nameToHex, ZERO_NAME } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { ChunkStore } from "./chunk-store.ts";

export const PAGE_NAMES = 1024;
export const PAGE_BYTES = PAGE_NAMES * NAME_SIZE;
/** 2^53 bytes, the largest disk whose offsets are exact numbers, is 2^37 blocks: four levels. */
export const MAX_BLOCKS = 2 ** 37;
const ZERO_PAGE = Buffer.alloc(PAGE_BYTES);

/** A disk at a point: its root (the zero name for a disk of zeroes) and its size in blocks. */
export interface DiskTree {
	readonly root: Uint8Array;
	readonly blocks: number;
}

/** New names of consecutive blocks, 32 bytes each. */
export interface NameRun {
	readonly firstBlock: number;
	readonly names: Uint8Array;
}

/** How many pages lie between the root and a block, both ends counted: at least 1. */
export function treeHeight(blocks: number): number {
	if (!Number.isSafeInteger(blocks) || blocks < 0 || blocks > MAX_BLOCKS) {
		throw new UmbraError("limit", `disk tree: ${blocks} blocks, wanted 0 to ${MAX_BLOCKS}`, {
			context: { structure: "disk tree", field: "blocks", found: blocks, wanted: `0 to ${MAX_BLOCKS}` },
		});
	}
	let height = 1;
	while (PAGE_NAMES ** height < blocks) height++;
	return height;
}

/** How many blocks one name stands for in a page of this level; leaf pages are level 0. */
export function blocksPerName(level: number): number {
	return PAGE_NAMES ** level;
}

/**
 * A page; not to be changed.
 *
 * @throws UmbraError what `get` throws, and `corrupt` where the chunk is not a page.
 */
export async function loadPage(
	store: Pick<ChunkStore, "get">,
	name: Uint8Array,
	signal?: AbortSignal,
): Promise<Buffer> {
	if (isZeroAt(name, 0)) return ZERO_PAGE;
	const bytes = await store.get(name, signal);
	if (bytes.length !== PAGE_BYTES) {
		throw new UmbraError("corrupt", `disk tree page ${nameToHex(name)}: ${bytes.length} bytes, wanted ${PAGE_BYTES}`, {
			context: { structure: "disk tree page", name: nameToHex(name), found: bytes.length, wanted: PAGE_BYTES },
		});
	}
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The name at `index` of a page, as a view. */
export function nameAt(page: Uint8Array, index: number): Uint8Array {
	return page.subarray(index * NAME_SIZE, (index + 1) * NAME_SIZE);
}

/** True where the name at `index` is the zero name. */
export function isZeroAt(page: Uint8Array, index: number): boolean {
	// Most names are told by their first byte; a call for the others costs more than the loop.
	let at = index * NAME_SIZE;
	const end = at + NAME_SIZE;
	while (at < end && page[at] === 0) at++;
	return at === end;
}

/**
 * The tree that `base` (null: a disk of zeroes) becomes when it is resized to `blocks` and `changes`
 * are applied. Reads and writes only the pages on the way to what changes, and holds one page a level.
 * The new pages are durable after the store's next flush.
 *
 * @param changes ascending, without overlap, within the new size.
 * @returns the new root.
 * @throws UmbraError `corrupt` where `changes` is not what it should be, and what the store throws.
 */
export async function updateTree(
	store: ChunkStore,
	base: DiskTree | null,
	blocks: number,
	changes: AsyncIterable<NameRun> | Iterable<NameRun>,
	signal?: AbortSignal,
): Promise<Uint8Array> {
	const levels = treeHeight(blocks);
	const root = base === null ? ZERO_NAME : await resize(store, base, blocks, signal);
	await using cursor = new ChangeCursor(changes, blocks);
	await cursor.advance();
	if (cursor.run === null) return Uint8Array.from(root);
	return Uint8Array.from(await rewrite(store, root, levels - 1, 0, cursor, signal));
}

/** The page `name`, whose first block is `first`, after the changes that fall into it. */
async function rewrite(
	store: ChunkStore,
	name: Uint8Array,
	level: number,
	first: number,
	cursor: ChangeCursor,
	signal: AbortSignal | undefined,
): Promise<Uint8Array> {
	const span = blocksPerName(level);
	const end = first + span * PAGE_NAMES;
	const whole = level === 0 && cursor.run?.firstBlock === first && cursor.run.names.length >= PAGE_BYTES;
	const page = whole ? Buffer.alloc(PAGE_BYTES) : Buffer.from(await loadPage(store, name, signal));
	while (cursor.run !== null && cursor.run.firstBlock < end) {
		const { firstBlock, names } = cursor.run;
		const index = Math.floor((firstBlock - first) / span);
		if (level > 0) {
			page.set(
				await rewrite(store, nameAt(page, index), level - 1, first + index * span, cursor, signal),
				index * NAME_SIZE,
			);
		} else {
			const part = names.subarray(0, (end - firstBlock) * NAME_SIZE);
			page.set(part, index * NAME_SIZE);
			await cursor.advance(part.length / NAME_SIZE);
		}
	}
	return store.putPlain(page);
}

/** The root of `base` cut or extended with zeroes to `blocks`. */
async function resize(store: ChunkStore, base: DiskTree, blocks: number, signal?: AbortSignal): Promise<Uint8Array> {
	let root = base.root;
	let height = treeHeight(base.blocks);
	const wanted = treeHeight(blocks);
	for (; height > wanted; height--) root = nameAt(await loadPage(store, root, signal), 0);
	if (blocks < base.blocks) root = await cut(store, root, height - 1, blocks, signal);
	for (; height < wanted; height++) {
		const page = Buffer.alloc(PAGE_BYTES);
		page.set(root);
		root = await store.putPlain(page);
	}
	return root;
}

/** The page `name` with only its first `keep` blocks. */
async function cut(
	store: ChunkStore,
	name: Uint8Array,
	level: number,
	keep: number,
	signal?: AbortSignal,
): Promise<Uint8Array> {
	const span = blocksPerName(level);
	if (isZeroAt(name, 0) || keep >= span * PAGE_NAMES) return name;
	const page = Buffer.from(await loadPage(store, name, signal));
	const whole = Math.floor(keep / span);
	const rest = keep % span;
	page.fill(0, (whole + (rest > 0 ? 1 : 0)) * NAME_SIZE);
	if (rest > 0) page.set(await cut(store, nameAt(page, whole), level - 1, rest, signal), whole * NAME_SIZE);
	return store.putPlain(page);
}

/** Walks the changes and checks them. */
class ChangeCursor implements AsyncDisposable {
	readonly #iterator: AsyncIterator<NameRun> | Iterator<NameRun>;
	readonly #blocks: number;
	#done = false;
	#end = 0;
	/** What is left of the current run; null after the last. */
	run: NameRun | null = null;

	constructor(changes: AsyncIterable<NameRun> | Iterable<NameRun>, blocks: number) {
		this.#iterator = Symbol.asyncIterator in changes ? changes[Symbol.asyncIterator]() : changes[Symbol.iterator]();
		this.#blocks = blocks;
	}

	/** Leaves `count` blocks of the current run behind. */
	async advance(count = 0): Promise<void> {
		if (this.run !== null && count * NAME_SIZE < this.run.names.length) {
			const { firstBlock, names } = this.run;
			this.run = { firstBlock: firstBlock + count, names: names.subarray(count * NAME_SIZE) };
			return;
		}
		do {
			const next = await this.#iterator.next();
			this.#done = next.done === true;
			this.run = next.done === true ? null : this.#checked(next.value);
		} while (this.run !== null && this.run.names.length === 0);
	}

	#checked(run: NameRun): NameRun {
		const { firstBlock, names } = run;
		const count = names.length / NAME_SIZE;
		const wanted = `whole names for blocks from ${this.#end} to ${this.#blocks}`;
		const good = Number.isSafeInteger(firstBlock) && Number.isInteger(count) && firstBlock >= this.#end;
		if (!good || firstBlock + count > this.#blocks) {
			const found = `${names.length} bytes for block ${firstBlock}`;
			throw new UmbraError("corrupt", `disk tree change: ${found}, wanted ${wanted}`, {
				context: { structure: "disk tree change", offset: firstBlock, found, wanted },
			});
		}
		this.#end = firstBlock + count;
		return run;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (!this.#done) await this.#iterator.return?.();
	}
}

/**
 * The names of `count` blocks, 32 bytes each.
 *
 * @throws UmbraError `truncated` where the range leaves the disk, and what the store throws.
 */
export async function readNames(
	store: ChunkStore,
	tree: DiskTree,
	firstBlock: number,
	count: number,
	signal?: AbortSignal,
): Promise<Uint8Array> {
	checkRange(tree, firstBlock, firstBlock + count);
	const names = new Uint8Array(count * NAME_SIZE);
	await copyNames(store, tree.root, treeHeight(tree.blocks) - 1, firstBlock, Buffer.from(names.buffer), signal);
	return names;
}

/** Fills `into` with names from block `from` of the page on; `from` counts from the page's first block. */
async function copyNames(
	store: ChunkStore,
	name: Uint8Array,
	level: number,
	from: number,
	into: Buffer,
	signal: AbortSignal | undefined,
): Promise<void> {
	if (isZeroAt(name, 0)) return;
	const page = await loadPage(store, name, signal);
	if (level === 0) {
		page.copy(into, 0, from * NAME_SIZE);
		return;
	}
	const span = blocksPerName(level);
	const to = from + into.length / NAME_SIZE;
	for (let block = from; block < to; ) {
		const index = Math.floor(block / span);
		const end = Math.min(to, (index + 1) * span);
		const part = into.subarray((block - from) * NAME_SIZE, (end - from) * NAME_SIZE);
		await copyNames(store, nameAt(page, index), level - 1, block - index * span, part, signal);
		block = end;
	}
}

/** @throws UmbraError `truncated` where blocks `from` to `to` do not all lie on the disk. */
export function checkRange(tree: DiskTree, from: number, to: number): void {
	if (Number.isSafeInteger(from) && Number.isSafeInteger(to) && from >= 0 && from <= to && to <= tree.blocks) return;
	throw new UmbraError("truncated", `disk tree: blocks ${from} to ${to}, wanted within 0 to ${tree.blocks}`, {
		context: { structure: "disk tree", offset: from, found: to, wanted: tree.blocks },
	});
}

export { chunksOf, diffTrees, type TreeDifference, type TreeExtent, walkExtents } from "./tree-walk.ts";
