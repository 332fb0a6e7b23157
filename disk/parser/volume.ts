/** Reading a volume by blocks: few large reads, in disk order, seen through the replayed journal. */
import type { Ranges } from "../filesystem.ts";
import type { BlockSource } from "../source/source.ts";
import { makeFastMemory } from "./checksum.ts";

/** Large enough that a read's fixed cost vanishes, small enough to keep a few in flight in bounded memory. */
const READ_BYTES = 1 << 20;
const GAP_BYTES = 1 << 15;
/** For blocks that lie scattered over all of a volume, where larger gaps would have most of it read. */
export const SPARSE_GAP_BYTES = 1 << 13;
const READS_IN_FLIGHT = 4;

/** Blocks that stand elsewhere than at their place. */
export interface Overlay {
	/** Puts into `bytes`, read from `offset` of the volume, what the overlay holds of that range. */
	patch(bytes: Uint8Array, offset: number, signal?: AbortSignal): Promise<void>;
	/** What of the volume it holds. */
	readonly ranges: Ranges;
}

/** Consecutive blocks, and what they were asked for. */
export interface BlockRun<T> {
	readonly start: number;
	readonly count: number;
	readonly tag: T;
}

/**
 * `count` blocks of a run have been read, from its block `first` on; they stand in `bytes` from `at`, until the call has
 * returned: then the memory is another read's.
 */
export type RunReader<T> = (tag: T, first: number, count: number, bytes: Buffer, at: number) => void;

/** Blocks that are read at once: of runs `from` to `to`; of `from` what begins at its block `first`. */
interface PlannedRead {
	readonly start: number;
	readonly end: number;
	readonly from: number;
	readonly first: number;
	readonly to: number;
	/** The block at which what is left of `to` begins; 0 where nothing is. */
	readonly rest: number;
}

/** New memory for each read would cost as much as reading. Two volumes may be read at once; for more it is made. */
const PIECES = 2 * READS_IN_FLIGHT;

interface Memory {
	/** What was asked for: a part of what there is. Those who read one length over and over are not made a new one. */
	bytes: Buffer;
	/** Undefined where it was made for one read. */
	readonly piece: Buffer | undefined;
}

let idle: Memory[] | undefined;

function makePieces(): Memory[] {
	const { buffer, byteOffset } = makeFastMemory(PIECES * READ_BYTES);
	return Array.from({ length: PIECES }, (_, i) => {
		const piece = Buffer.from(buffer, byteOffset + i * READ_BYTES, READ_BYTES);
		return { bytes: piece, piece };
	});
}

function takeMemory(length: number): Memory {
	idle ??= makePieces();
	const memory = length <= READ_BYTES ? idle.pop() : undefined;
	if (memory?.piece === undefined) return { bytes: Buffer.allocUnsafeSlow(length), piece: undefined };
	if (memory.bytes.length !== length) memory.bytes = memory.piece.subarray(0, length);
	return memory;
}

function giveBack(memory: Memory): void {
	if (memory.piece !== undefined) idle?.push(memory);
}

export class Volume {
	readonly source: BlockSource;
	readonly blockSize: number;
	/** Blocks of the filesystem; never more than the source holds. */
	readonly blocks: number;
	readonly #overlay: Overlay | undefined;
	/** Blocks of one read. */
	readonly #most: number;

	constructor(source: BlockSource, blockSize: number, blocks: number, overlay?: Overlay) {
		this.source = source;
		this.blockSize = blockSize;
		this.blocks = blocks;
		this.#overlay = overlay;
		this.#most = Math.max(1, READ_BYTES / blockSize);
	}

	/** What is not read from its own place. */
	get replayed(): Ranges {
		return this.#overlay?.ranges ?? [];
	}

	/** True where all of the blocks lie in the filesystem and none is block 0, which no structure of a file may use. */
	holds(block: number, count: number): boolean {
		return block > 0 && count > 0 && block + count <= this.blocks;
	}

	/** Bytes of the volume as they are after the journal's replay. */
	async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
		signal?.throwIfAborted();
		const read = await this.source.read(offset, length, signal);
		const bytes = Buffer.from(read.buffer, read.byteOffset, read.byteLength);
		if (this.#overlay !== undefined) await this.#overlay.patch(bytes, offset, signal);
		return bytes;
	}

	/** As `read`, into `bytes`, which it returns. */
	async #readInto(bytes: Buffer, offset: number, signal?: AbortSignal): Promise<Buffer> {
		signal?.throwIfAborted();
		if (this.source.readInto !== undefined) await this.source.readInto(bytes, offset, signal);
		else bytes.set(await this.source.read(offset, bytes.length, signal));
		if (this.#overlay !== undefined) await this.#overlay.patch(bytes, offset, signal);
		return bytes;
	}

	/** As `#readInto`, where the source has the bytes at hand; else false, and nothing is read. */
	#readNow(bytes: Buffer, offset: number): boolean {
		return this.#overlay === undefined && this.source.readNow?.(bytes, offset) === true;
	}

	/** As `#readInto`, but not to be waited for where the source has the bytes at hand. */
	#begin(bytes: Buffer, offset: number, signal?: AbortSignal): Buffer | Promise<Buffer> {
		let read: Promise<Buffer>;
		try {
			if (this.#readNow(bytes, offset)) return bytes;
			read = this.#readInto(bytes, offset, signal);
		} catch (error) {
			read = Promise.reject(error);
		}
		read.catch(() => undefined); // it is awaited in its turn, unless an earlier one failed
		return read;
	}

	/**
	 * Reads all the runs, whatever their order, in few large requests and hands each over as it comes.
	 *
	 * @param gapBytes reading this much too much is cheaper than another request.
	 */
	async readRuns<T>(
		runs: readonly BlockRun<T>[],
		each: RunReader<T>,
		signal?: AbortSignal,
		gapBytes = GAP_BYTES,
	): Promise<void> {
		const sorted = runs.filter(({ count }) => count > 0).sort((a, b) => a.start - b.start);
		const inFlight: { read: PlannedRead; memory: Memory; bytes: Buffer | Promise<Buffer> }[] = [];
		const handOver = (read: PlannedRead, bytes: Buffer): void => {
			const { start, from, to } = read;
			for (let i = from; i <= to; i++) {
				const run = sorted[i]!;
				const first = i === from ? read.first : 0;
				const count = Math.min(run.count - first, start + this.#most - run.start - first);
				each(run.tag, first, count, bytes, (run.start + first - start) * this.blockSize);
			}
		};
		const finishOldest = (bytes: Buffer): void => {
			const { read, memory } = inFlight[0]!;
			handOver(read, bytes);
			inFlight.shift();
			giveBack(memory);
		};
		/** Where nothing is in flight, what is at hand needs no place in the queue. */
		const finishNow = (read: PlannedRead, memory: Memory): boolean => {
			let finished = true;
			try {
				finished = this.#readNow(memory.bytes, read.start * this.blockSize);
				if (finished) handOver(read, memory.bytes);
			} finally {
				if (finished) giveBack(memory);
			}
			return finished;
		};
		try {
			// Between two reads that nobody waits for, nothing can be aborted.
			signal?.throwIfAborted();
			for (let from = 0, first = 0; from < sorted.length; ) {
				const read = this.#plan(sorted, from, first, gapBytes / this.blockSize);
				const memory = takeMemory((read.end - read.start) * this.blockSize);
				first = read.rest;
				from = read.rest > 0 ? read.to : read.to + 1;
				if (inFlight.length === 0 && finishNow(read, memory)) continue;
				const bytes = this.#begin(memory.bytes, read.start * this.blockSize, signal);
				inFlight.push({ read, memory, bytes });
				for (let oldest = inFlight[0]; oldest?.bytes instanceof Buffer; oldest = inFlight[0])
					finishOldest(oldest.bytes);
				if (inFlight.length < READS_IN_FLIGHT) continue;
				finishOldest(await inFlight[0]!.bytes);
				signal?.throwIfAborted();
			}
			while (inFlight.length > 0) finishOldest(await inFlight[0]!.bytes);
		} finally {
			// Where one failed, the others write into their memory until they have ended.
			for (const { memory, bytes } of inFlight) {
				Promise.resolve(bytes)
					.catch(() => undefined)
					.then(() => giveBack(memory));
			}
		}
	}

	/** What is read at once, from block `first` of run `from` on. */
	#plan(sorted: readonly BlockRun<unknown>[], from: number, first: number, gap: number): PlannedRead {
		const start = sorted[from]!.start + first;
		const most = start + this.#most;
		let end = start;
		let to = from;
		let rest = 0;
		for (let i = from; i < sorted.length && rest === 0; i++) {
			const run = sorted[i]!;
			// Where runs overlap, one of which a part was read before may begin behind the next.
			if (i > from && (run.start < start || run.start > end + gap || run.start >= most)) break;
			const runEnd = run.start + run.count;
			end = Math.max(end, Math.min(runEnd, most));
			if (runEnd > most) rest = most - run.start;
			to = i;
		}
		return { start, end, from, first, to, rest };
	}
}

const PAGE_BLOCKS = 1 << 15;

/** A set of block numbers that costs memory only where it holds something. */
export class BlockSet {
	readonly #pages = new Map<number, Uint32Array>();
	/** The page that was asked for last: its neighbours follow. */
	#lastKey = -1;
	#last: Uint32Array | undefined;

	has(block: number): boolean {
		const key = Math.floor(block / PAGE_BLOCKS);
		const within = block - key * PAGE_BLOCKS;
		return (((this.#page(key)?.[within >>> 5] ?? 0) >>> (within & 31)) & 1) === 1;
	}

	/** False where it was already there. */
	add(block: number): boolean {
		return this.addRun(block, 1) === 1;
	}

	/** Adds blocks from `block` on, `count` or up to the first that was already there. @returns how many. */
	addRun(block: number, count: number): number {
		for (let added = 0; added < count; ) {
			const key = Math.floor((block + added) / PAGE_BLOCKS);
			const within = block + added - key * PAGE_BLOCKS;
			const page = this.#page(key) ?? this.#addPage(key);
			const bit = within & 31;
			const some = Math.min(count - added, 32 - bit);
			const mask = (0xffffffff >>> (32 - some)) << bit;
			const taken = (page[within >>> 5]! & mask) >>> bit;
			// All of these, or the ones below the lowest that is taken.
			const free = taken === 0 ? some : 31 - Math.clz32(taken & -taken);
			page[within >>> 5]! |= free === some ? mask : ((1 << free) - 1) << bit;
			added += free;
			if (free < some) return added;
		}
		return count;
	}

	#page(key: number): Uint32Array | undefined {
		if (key !== this.#lastKey) {
			this.#lastKey = key;
			this.#last = this.#pages.get(key);
		}
		return this.#last;
	}

	#addPage(key: number): Uint32Array {
		const page = new Uint32Array(PAGE_BLOCKS / 32);
		this.#pages.set(key, page);
		this.#last = page;
		return page;
	}
}
