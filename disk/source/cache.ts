/**
 * A source that remembers what it read: a filesystem parser asks for thousands of small pieces of
 * metadata that lie close together, and each would be a round trip to the disk's server.
 */
import { BLOCK_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import { checkRange } from "./range.ts";
import type { BlockSource } from "./source.ts";

/** A read of more blocks than this is content, not metadata: it goes past the cache and leaves it as it is. */
const MAX_CACHED_BLOCKS = 8;

export interface CacheOptions {
	/** Most bytes kept; blocks being fetched come on top. */
	readonly limitBytes: number;
	/** Bytes of a block, the unit of fetching and forgetting; 64 KiB unless told. */
	readonly granularity?: number;
}

export interface CachedSource extends BlockSource {
	/** Forgets the range: what is read after this call is read anew, even where a fetch was under way. */
	invalidate(offset: number, length: number): void;
}

/** A fetch of neighbouring blocks that several readers may wait for; it is given up when the last of them has gone. */
interface Fetch {
	readonly done: Promise<void>;
	readonly giveUp: () => void;
	finished: boolean;
	readers: number;
}

interface Block {
	readonly number: number;
	/** Undefined while `fetch` is under way. */
	bytes: Uint8Array | undefined;
	fetch: Fetch | undefined;
}

/** Owns `source`: disposing the cache disposes it. @throws UmbraError `internal` for a granularity that is not a positive integer. */
export function cacheSource(source: BlockSource, options: CacheOptions): CachedSource {
	return new Cache(source, options.limitBytes, options.granularity ?? BLOCK_SIZE);
}

class Cache implements CachedSource {
	readonly #source: BlockSource;
	readonly #granularity: number;
	readonly #limitBlocks: number;
	/** By block number; least recently used first. */
	readonly #blocks = new Map<number, Block>();

	constructor(source: BlockSource, limitBytes: number, granularity: number) {
		if (!Number.isSafeInteger(granularity) || granularity < 1) {
			throw new UmbraError("internal", `a cache granularity of ${granularity}`, { context: { found: granularity } });
		}
		this.#source = source;
		this.#granularity = granularity;
		this.#limitBlocks = Math.max(1, Math.floor(limitBytes / granularity));
	}

	get size(): number {
		return this.#source.size;
	}

	get name(): string {
		return this.#source.name;
	}

	async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		checkRange(this.name, this.size, offset, length);
		signal?.throwIfAborted();
		const first = Math.floor(offset / this.#granularity);
		const end = Math.ceil((offset + length) / this.#granularity);
		if (length === 0 || end - first > MAX_CACHED_BLOCKS) return this.#source.read(offset, length, signal);
		const result = new Uint8Array(length);
		const blocks = this.#lookUp(first, end);
		const fetches = new Set(blocks.map((block) => block.fetch).filter((fetch) => fetch !== undefined));
		if (fetches.size > 0) await Promise.all([...fetches].map((fetch) => join(fetch, signal)));
		for (const block of blocks) {
			const start = block.number * this.#granularity;
			const from = Math.max(offset, start);
			const bytes = block.bytes ?? new Uint8Array();
			result.set(bytes.subarray(from - start, Math.min(offset + length - start, bytes.length)), from - offset);
		}
		return result;
	}

	async readInto(target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void> {
		if (this.#source.readInto !== undefined && target.length > MAX_CACHED_BLOCKS * this.#granularity) {
			return this.#source.readInto(target, offset, signal);
		}
		target.set(await this.read(offset, target.length, signal));
	}

	extents(offset: number, length: number, signal?: AbortSignal) {
		return this.#source.extents(offset, length, signal);
	}

	invalidate(offset: number, length: number): void {
		if (length <= 0) return;
		const first = Math.floor(offset / this.#granularity);
		const end = Math.ceil((offset + length) / this.#granularity);
		// Whichever is fewer to go through.
		if (end - first > this.#blocks.size) {
			for (const number of [...this.#blocks.keys()]) {
				if (number >= first && number < end) this.#blocks.delete(number);
			}
		} else {
			for (let number = first; number < end; number++) this.#blocks.delete(number);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#blocks.clear();
		await this.#source[Symbol.asyncDispose]();
	}

	/** The blocks [first, end), those that are missing being fetched, each run of them in one read. */
	#lookUp(first: number, end: number): Block[] {
		const blocks: Block[] = [];
		let missing: Block[] = [];
		for (let number = first; number < end; number++) {
			const known = this.#blocks.get(number);
			if (known === undefined) {
				const block: Block = { number, bytes: undefined, fetch: undefined };
				missing.push(block);
				blocks.push(block);
			} else {
				this.#fetch(missing);
				missing = [];
				blocks.push(known);
			}
		}
		this.#fetch(missing);
		for (const block of blocks) {
			this.#blocks.delete(block.number);
			this.#blocks.set(block.number, block);
		}
		for (const number of this.#blocks.keys()) {
			if (this.#blocks.size <= this.#limitBlocks) break;
			this.#blocks.delete(number);
		}
		return blocks;
	}

	#fetch(run: readonly Block[]): void {
		const [head] = run;
		if (head === undefined) return;
		const abort = new AbortController();
		const start = head.number * this.#granularity;
		const length = Math.min(run.length * this.#granularity, this.size - start);
		const forget = () => {
			for (const block of run) {
				if (this.#blocks.get(block.number) === block) this.#blocks.delete(block.number);
			}
		};
		const fill = async () => {
			try {
				const bytes = await this.#source.read(start, length, abort.signal);
				for (const [index, block] of run.entries()) {
					const at = index * this.#granularity;
					// A copy where there are several: a view would keep all of them while one is kept.
					block.bytes = run.length === 1 ? bytes : bytes.slice(at, at + this.#granularity);
				}
			} catch (error) {
				forget();
				throw error;
			} finally {
				fetch.finished = true;
				for (const block of run) block.fetch = undefined;
			}
		};
		const fetch: Fetch = {
			// Begun in a later turn, when `fetch` exists.
			done: Promise.resolve().then(fill),
			giveUp: () => {
				forget();
				abort.abort();
			},
			finished: false,
			readers: 0,
		};
		for (const block of run) block.fetch = fetch;
	}
}

/** Waits for a fetch. A reader that is aborted leaves at once; the others stay. */
async function join(fetch: Fetch, signal: AbortSignal | undefined): Promise<void> {
	fetch.readers++;
	const aborted = Promise.withResolvers<never>();
	const onAbort = () => aborted.reject(signal?.reason);
	signal?.addEventListener("abort", onAbort, { once: true });
	try {
		await (signal === undefined ? fetch.done : Promise.race([fetch.done, aborted.promise]));
	} finally {
		signal?.removeEventListener("abort", onAbort);
		fetch.readers--;
		if (fetch.readers === 0 && !fetch.finished) fetch.giveUp();
	}
}
