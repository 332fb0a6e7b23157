/** Tells which blocks of which disks cannot be read any more, without reading the blocks. Pages that disks share are read once. */
import { isZeroName, nameToHex } from "../../common/block.ts";
import { isUmbraError, messageOf } from "../../common/errors.ts";
import { EntrySet } from "./entry-set.ts";
import type { LiveTree } from "./live-chunks.ts";
import { blocksPerName, isZeroAt, loadPage, nameAt, PAGE_NAMES, treeHeight } from "./tree.ts";

/** A page or a block of a disk that cannot be read. */
export interface TreeDamage {
	/** Of the disk: `vm@time/disk`. */
	readonly tree: string;
	/** Of the chunk that is damaged or gone. */
	readonly name: string;
	readonly kind: "page" | "block";
	/** The blocks of the disk that cannot be read because of it. */
	readonly firstBlock: number;
	readonly count: number;
	readonly message: string;
}

export interface TreeCheckOptions<T extends LiveTree> {
	/** Reads a chunk from the disk and verifies it. */
	readonly read: (name: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>;
	/** The chunk's entry in the index, -1 where it has none. */
	readonly entryOf: (name: Uint8Array) => number;
	/** Entries of chunks that are known to be damaged or gone. */
	readonly lost: EntrySet;
	readonly onDamage: (damage: TreeDamage, tree: T) => void;
	readonly signal?: AbortSignal | undefined;
}

export class TreeCheck<T extends LiveTree> {
	readonly #options: TreeCheckOptions<T>;
	/** By level: pages below which all is well. Those with damage are walked for every disk, as each has to be named. */
	readonly #good: EntrySet[] = [];
	readonly #store: Parameters<typeof loadPage>[0];
	pages = 0;

	constructor(options: TreeCheckOptions<T>) {
		this.#options = options;
		this.#store = { get: options.read };
	}

	/**
	 * True where the disk can be read as a whole.
	 *
	 * @throws UmbraError `unavailable` where the store fails; the signal's reason.
	 */
	async check(tree: T): Promise<boolean> {
		return tree.blocks === 0 || (await this.#page(tree, tree.root, treeHeight(tree.blocks) - 1, 0));
	}

	/** True where everything below the page is well. */
	async #page(tree: T, name: Uint8Array, level: number, first: number): Promise<boolean> {
		if (isZeroName(name)) return true;
		const { entryOf, lost, onDamage, signal } = this.#options;
		signal?.throwIfAborted();
		const entry = entryOf(name);
		this.#good[level] ??= new EntrySet();
		if (entry >= 0 && this.#good[level].has(entry)) return true;
		const span = blocksPerName(level);
		const damaged = (
			kind: "page" | "block",
			chunk: Uint8Array,
			firstBlock: number,
			blocks: number,
			message: string,
		) => {
			const count = Math.min(tree.blocks - firstBlock, blocks);
			onDamage({ tree: tree.name, name: nameToHex(chunk), kind, firstBlock, count, message }, tree);
		};
		let page: Buffer;
		try {
			page = await loadPage(this.#store, name, signal);
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "not-found")) throw error;
			damaged("page", name, first, span * PAGE_NAMES, messageOf(error));
			return false;
		}
		this.pages++;
		let isGood = true;
		for (let at = 0; at < PAGE_NAMES; at++) {
			if (isZeroAt(page, at)) continue;
			const child = nameAt(page, at);
			if (level > 0) {
				if (!(await this.#page(tree, child, level - 1, first + at * span))) isGood = false;
				continue;
			}
			const block = entryOf(child);
			if (block >= 0 && !lost.has(block)) continue;
			isGood = false;
			damaged(
				"block",
				child,
				first + at,
				1,
				block < 0 ? "the vault does not have it" : "what is stored of it is damaged",
			);
		}
		if (isGood && entry >= 0) this.#good[level].add(entry);
		return isGood;
	}
}
