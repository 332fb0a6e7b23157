/** A disk at a point as a `BlockSource`: what restore, browse and export read from. */
import { BLOCK_SIZE, blockCount, isZeroName } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { BlockSource, SourceExtent } from "../../disk/source/source.ts";
import type { VaultStore } from "./chunk-store.ts";
import { nameAt, readNames, walkExtents } from "./tree.ts";

/** Blocks fetched at a time: hides the latency of a disk without flooding the thread pool. */
const PARALLEL_GETS = 8;
/** Blocks fetched ahead of a sequential reader: 1 MiB. */
const READAHEAD_BLOCKS = 16;
/** Names of the part of the disk that is being read: 1,024 blocks, a leaf page, 64 MiB of disk. */
const NAME_WINDOW = 1024;

export interface Point {
	readonly root: Uint8Array;
	readonly sizeBytes: number;
	/** For people, in errors: `vm@time/disk`. */
	readonly name: string;
}

/**
 * Nothing is read until it is asked for. Until it is disposed of, the disk stays whole, even where its point is
 * dropped; disposing of it frees memory only, the store stays the caller's.
 */
export function pointSource(store: VaultStore, point: Point): BlockSource {
	return new PointSource(store, point);
}

class PointSource implements BlockSource {
	readonly size: number;
	readonly name: string;
	readonly #store: VaultStore;
	readonly #root: Uint8Array;
	readonly #blocks: number;
	/** Names of the last window that was read. */
	#window: { first: number; names: Promise<Uint8Array> } | null = null;
	/** Blocks on their way, for a reader that is expected to come for them. */
	readonly #ahead = new Map<number, Promise<Uint8Array | null>>();
	readonly #pin: Disposable;
	/** Where a sequential reader would go on. */
	#nextOffset = -1;

	constructor(store: VaultStore, point: Point) {
		this.#store = store;
		this.#root = point.root;
		this.#blocks = blockCount(point.sizeBytes);
		this.size = point.sizeBytes;
		this.name = point.name;
		this.#pin = store.pin([{ root: point.root, blocks: this.#blocks }]);
	}

	async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		this.#checkRange(offset, length);
		signal?.throwIfAborted();
		const bytes = new Uint8Array(length);
		if (length === 0) return bytes;
		const first = Math.floor(offset / BLOCK_SIZE);
		const last = Math.floor((offset + length - 1) / BLOCK_SIZE);
		const sequential = offset === this.#nextOffset;
		this.#nextOffset = offset + length;
		let next = first;
		const work = async (): Promise<void> => {
			while (next <= last) {
				const block = next++;
				const plain = await this.#block(block, signal);
				if (plain === null) continue;
				const start = block * BLOCK_SIZE;
				const from = Math.max(offset, start);
				bytes.set(plain.subarray(from - start, Math.min(offset + length - start, plain.length)), from - offset);
			}
		};
		await Promise.all(Array.from({ length: Math.min(PARALLEL_GETS, last - first + 1) }, work));
		if (sequential) this.#readAhead(last + 1);
		return bytes;
	}

	async extents(offset: number, length: number, signal?: AbortSignal): Promise<SourceExtent[]> {
		this.#checkRange(offset, length);
		signal?.throwIfAborted();
		if (length === 0) return [];
		const end = offset + length;
		const [from, to] = [Math.floor(offset / BLOCK_SIZE), blockCount(end)];
		const extents: SourceExtent[] = [];
		const tree = { root: this.#root, blocks: this.#blocks };
		for await (const { firstBlock, count, zero } of walkExtents(this.#store, tree, from, to, signal)) {
			const start = Math.max(offset, firstBlock * BLOCK_SIZE);
			const stop = Math.min(end, (firstBlock + count) * BLOCK_SIZE);
			extents.push({ offset: start, length: stop - start, zero });
		}
		return extents;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#pin[Symbol.dispose]();
		await Promise.allSettled(this.#ahead.values());
		this.#ahead.clear();
		this.#window = null;
	}

	/** The bytes of a block, null where they are zeroes. A short chunk is a block that ends in zeroes. */
	async #block(block: number, signal: AbortSignal | undefined): Promise<Uint8Array | null> {
		const ahead = this.#ahead.get(block);
		if (ahead !== undefined) {
			this.#ahead.delete(block);
			return ahead;
		}
		return this.#fetch(block, signal);
	}

	async #fetch(block: number, signal: AbortSignal | undefined): Promise<Uint8Array | null> {
		const first = block - (block % NAME_WINDOW);
		const name = nameAt(await this.#names(first), block - first);
		return isZeroName(name) ? null : this.#store.get(name, signal);
	}

	/** Not abortable, since others may wait for the same names. */
	#names(first: number): Promise<Uint8Array> {
		if (this.#window?.first === first) return this.#window.names;
		const tree = { root: this.#root, blocks: this.#blocks };
		const names = readNames(this.#store, tree, first, Math.min(NAME_WINDOW, this.#blocks - first));
		this.#window = { first, names };
		names.catch(() => {
			if (this.#window?.names === names) this.#window = null;
		});
		return names;
	}

	#readAhead(from: number): void {
		const to = Math.min(from + READAHEAD_BLOCKS, this.#blocks);
		// The reader left what it did not come for.
		for (const block of this.#ahead.keys()) if (block < from || block >= to) this.#ahead.delete(block);
		for (let block = from; block < to; block++) {
			if (this.#ahead.has(block)) continue;
			const bytes = this.#fetch(block, undefined);
			// Reported to whoever comes for this block.
			bytes.catch(() => undefined);
			this.#ahead.set(block, bytes);
		}
	}

	#checkRange(offset: number, length: number): void {
		const good = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
		if (good && offset + length <= this.size) return;
		throw new UmbraError("truncated", `${this.name}: ${length} bytes from ${offset}, wanted within ${this.size}`, {
			context: { path: this.name, offset, found: offset + length, wanted: this.size },
		});
	}
}
