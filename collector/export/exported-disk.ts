/** A disk at a point as an NBD server sends it: views of stored chunks, in order, nothing copied. */
import { BLOCK_SIZE, blockCount, isZeroName } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { Allocation, DiskRead, ServedDisk } from "../../disk/nbd/served-disk.ts";
import type { BulkReader } from "../vault/bulk-reader.ts";
import type { Point } from "../vault/point-source.ts";
import { type DiskTree, nameAt, readNames, walkExtents } from "../vault/tree.ts";
import type { Vault } from "../vault/vault.ts";

/** Names are kept by windows of this many blocks: a leaf page, 64 MiB of disk. */
const WINDOW_BLOCKS = 1024;
/** 32 KiB each: random reads over 4 GiB find their names without walking the tree. */
const MAX_WINDOWS = 64;

/** From so many on blocks are read together; fewer are more likely to be wanted again, and go through the cache. */
const MIN_BULK_BLOCKS = 2;

interface Blocks extends Disposable {
	readonly blocks: readonly (Uint8Array | null)[];
}

export class ExportedDisk implements ServedDisk {
	readonly disk: string;
	/** For people: `vm@time/disk`. */
	readonly name: string;
	readonly sizeBytes: number;
	readonly tree: DiskTree;
	readonly #store: Vault;
	readonly #bulk: BulkReader;
	/** By their first block, least recently used first. */
	readonly #windows = new Map<number, Promise<Uint8Array>>();

	constructor(sources: { readonly store: Vault; readonly bulk: BulkReader }, disk: string, point: Point) {
		this.#store = sources.store;
		this.#bulk = sources.bulk;
		this.disk = disk;
		this.name = point.name;
		this.sizeBytes = point.sizeBytes;
		this.tree = { root: point.root, blocks: blockCount(point.sizeBytes) };
	}

	async read(offset: number, length: number, signal: AbortSignal): Promise<DiskRead> {
		const end = offset + length;
		const first = Math.floor(offset / BLOCK_SIZE);
		const { blocks, [Symbol.dispose]: dispose } = await this.#blocks(first, blockCount(end) - first, offset, signal);
		const spans: { offset: number; length: number; parts: Uint8Array[] | null }[] = [];
		for (const [at, plain] of blocks.entries()) {
			const start = (first + at) * BLOCK_SIZE;
			const from = Math.max(offset, start);
			const wanted = Math.min(end, start + BLOCK_SIZE) - from;
			// A short chunk is a block that ends in zeroes.
			const part = plain?.subarray(from - start, from - start + wanted);
			const last = spans.at(-1);
			const span = last !== undefined && (last.parts === null) === (part === undefined) ? last : undefined;
			if (span !== undefined) span.length += wanted;
			else spans.push({ offset: from, length: wanted, parts: part === undefined ? null : [] });
			if (part === undefined) continue;
			const parts = spans.at(-1)!.parts!;
			if (part.length > 0) parts.push(part);
			if (part.length < wanted) parts.push(new Uint8Array(wanted - part.length));
		}
		return { spans, [Symbol.dispose]: dispose };
	}

	/** Brings the blocks of the range into the vault's cache. */
	async prefetch(offset: number, length: number, signal: AbortSignal): Promise<void> {
		const first = Math.floor(offset / BLOCK_SIZE);
		const count = blockCount(offset + length) - first;
		await Promise.all(Array.from({ length: count }, (_, at) => this.#block(first + at, offset, signal)));
	}

	async allocation(offset: number, length: number, limit: number, signal: AbortSignal): Promise<Allocation[]> {
		const end = offset + length;
		const runs: Allocation[] = [];
		const [from, to] = [Math.floor(offset / BLOCK_SIZE), blockCount(end)];
		for await (const { firstBlock, count, zero } of walkExtents(this.#store, this.tree, from, to, signal)) {
			signal.throwIfAborted();
			const start = Math.max(offset, firstBlock * BLOCK_SIZE);
			runs.push({ length: Math.min(end, (firstBlock + count) * BLOCK_SIZE) - start, zero });
			if (runs.length === limit) break;
		}
		return runs;
	}

	/** The plain bytes of blocks, null where they are zeroes; `from` is the first byte that is wanted. */
	async #blocks(first: number, count: number, from: number, signal: AbortSignal): Promise<Blocks> {
		if (count >= MIN_BULK_BLOCKS) {
			try {
				const names: Uint8Array[] = [];
				for (let block = first; block < first + count; ) {
					const window = block - (block % WINDOW_BLOCKS);
					const bytes = await this.#names(window);
					const end = Math.min(first + count, window + WINDOW_BLOCKS);
					for (; block < end; block++) names.push(nameAt(bytes, block - window));
				}
				const wanted = names.filter((name) => !isZeroName(name));
				const batch = await this.#bulk.read(wanted, signal);
				let next = 0;
				const blocks = names.map((name) => (isZeroName(name) ? null : batch.chunks[next++]!));
				return { blocks, [Symbol.dispose]: () => batch[Symbol.dispose]() };
			} catch {
				signal.throwIfAborted();
				// Which one it is, the blocks tell one by one.
			}
		}
		const blocks = Array.from({ length: count }, (_, at) => this.#block(first + at, from, signal));
		return { blocks: await Promise.all(blocks), [Symbol.dispose]: () => undefined };
	}

	async #block(block: number, from: number, signal: AbortSignal): Promise<Uint8Array | null> {
		try {
			const first = block - (block % WINDOW_BLOCKS);
			const name = nameAt(await this.#names(first), block - first);
			return isZeroName(name) ? null : await this.#store.get(name, signal);
		} catch (error) {
			signal.throwIfAborted();
			const offset = Math.max(from, block * BLOCK_SIZE);
			const { code, message } = isUmbraError(error) ? error : new UmbraError("internal", String(error));
			throw new UmbraError(code, `${this.name}: the block at ${block * BLOCK_SIZE} cannot be read: ${message}`, {
				cause: error,
				context: { path: this.name, offset },
			});
		}
	}

	/** Not abortable, since others may wait for the same names. */
	#names(first: number): Promise<Uint8Array> {
		const known = this.#windows.get(first);
		if (known !== undefined) {
			this.#windows.delete(first);
			this.#windows.set(first, known);
			return known;
		}
		const names = readNames(this.#store, this.tree, first, Math.min(WINDOW_BLOCKS, this.tree.blocks - first));
		this.#windows.set(first, names);
		names.catch(() => {
			// What may pass is tried again by the next reader.
			if (this.#windows.get(first) === names) this.#windows.delete(first);
		});
		for (const oldest of this.#windows.keys()) {
			if (this.#windows.size <= MAX_WINDOWS) break;
			this.#windows.delete(oldest);
		}
		return names;
	}
}
