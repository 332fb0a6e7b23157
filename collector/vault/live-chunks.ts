/** Which chunks the disks that are still wanted need: the marking of mark and sweep. Pages that disks share are read once. */
import { isZeroName, nameToHex } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { ChunkStore } from "./chunk-store.ts";
import { EntrySet } from "./entry-set.ts";
import { type DiskTree, isZeroAt, loadPage, nameAt, PAGE_NAMES, treeHeight } from "./tree.ts";

/** Pages read at a time: hides the latency of a disk. */
const PARALLEL_PAGES = 8;

export interface LiveTree extends DiskTree {
	/** For people, in errors: `vm@time/disk`. */
	readonly name: string;
}

export class LiveChunks {
	readonly #store: ChunkStore;
	readonly #entryOf: (name: Uint8Array) => number;
	readonly #live = new EntrySet();
	/** By level: whoever may upload could have a page stand for a block, or for a page of another level. */
	readonly #walked: EntrySet[] = [];
	/** Pages that were read. */
	pages = 0;

	/** @param entryOf the chunk's entry in the index, -1 where it has none. */
	constructor(store: ChunkStore, entryOf: (name: Uint8Array) => number) {
		this.#store = store;
		this.#entryOf = entryOf;
	}

	has(entry: number): boolean {
		return this.#live.has(entry);
	}

	/**
	 * Marks what one disk needs.
	 *
	 * @throws UmbraError `corrupt` where a page cannot be read: what lies below it cannot be told.
	 */
	async mark(tree: LiveTree, signal?: AbortSignal): Promise<void> {
		if (tree.blocks === 0 || isZeroName(tree.root)) return;
		try {
			await this.#page(tree.root, treeHeight(tree.blocks) - 1, signal);
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "not-found")) throw error;
			throw new UmbraError("corrupt", `what ${tree.name} needs cannot be told: ${error.message}`, {
				cause: error,
				context: { ...error.context, path: tree.name },
				hint: "nothing was removed; `umbra vault check` lists the damage, and dropping the damaged points lets space go again",
			});
		}
	}

	async #page(name: Uint8Array, level: number, signal: AbortSignal | undefined): Promise<void> {
		const entry = this.#entryOf(name);
		if (entry < 0) throw new UmbraError("not-found", `the vault has no page ${nameToHex(name)}`);
		this.#walked[level] ??= new EntrySet();
		if (!this.#walked[level].add(entry)) return;
		this.#live.add(entry);
		const page = await loadPage(this.#store, name, signal);
		this.pages++;
		let next = 0;
		if (level === 0) {
			for (; next < PAGE_NAMES; next++) {
				if (isZeroAt(page, next)) continue;
				const block = this.#entryOf(nameAt(page, next));
				// A block that is lost takes nothing with it.
				if (block >= 0) this.#live.add(block);
			}
			return;
		}
		const walk = async (): Promise<void> => {
			while (next < PAGE_NAMES) {
				const at = next++;
				if (!isZeroAt(page, at)) await this.#page(nameAt(page, at), level - 1, signal);
			}
		};
		// Below the first fork one at a time, so that no more than that are ever under way.
		await Promise.all(Array.from({ length: level === 1 ? PARALLEL_PAGES : 1 }, walk));
	}
}
