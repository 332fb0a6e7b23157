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

interface PlannedRead<T> {
	readonly start: number;
	end: number;
	readonly pieces: { readonly run: BlockRun<T>; readonly first: number; readonly count: number }[];
}

/** New memory for each read would cost as much as reading. Two volumes may be read at once; for more it is made. */
const PIECES = 2 * READS_IN_FLIGHT;
let pieces: { readonly all: ArrayBuffer; readonly idle: Buffer[] } | undefined;

function makePieces() {
	const { buffer: all, byteOffset } = makeFastMemory(PIECES * READ_BYTES);
	const idle = Array.from({ length: PIECES }, (_, i) => Buffer.from(all, byteOffset + i * READ_BYTES, READ_BYTES));
	return { all, idle };
}

/** At least `length` bytes. */
function takeMemory(length: number): Buffer {
	pieces ??= makePieces();
	return (length <= READ_BYTES ? pieces.idle.pop() : undefined) ?? Buffer.allocUnsafeSlow(length);
}

function giveBack(memory: Buffer): void {
	if (memory.buffer === pieces?.all) pieces.idle.push(memory);
}

export class Volume {
	readonly source: BlockSource;
	readonly blockSize: number;
	/** Blocks of the filesystem; never more than the source holds. */
	readonly blocks: number;
	readonly #overlay: Overlay | undefined;

	constructor(source: BlockSource, blockSize: number, blocks: number, overlay?: Overlay) {
		this.source = source;
		this.blockSize = blockSize;
		this.blocks = blocks;
		this.#overlay = overlay;
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
		const inFlight: { read: PlannedRead<T>; memory: Buffer; bytes: Promise<Buffer> }[] = [];
		const finishOldest = async (): Promise<void> => {
			const { read, memory, bytes } = inFlight[0]!;
			const found = await bytes;
			for (const { run, first, count } of read.pieces) {
				each(run.tag, first, count, found, (run.start + first - read.start) * this.blockSize);
			}
			inFlight.shift();
			giveBack(memory);
		};
		try {
			for (const read of this.#plan(runs, gapBytes)) {
				const length = (read.end - read.start) * this.blockSize;
				const memory = takeMemory(length);
				const bytes = this.#readInto(memory.subarray(0, length), read.start * this.blockSize, signal);
				bytes.catch(() => undefined); // it is awaited in its turn, unless an earlier one failed
				inFlight.push({ read, memory, bytes });
				if (inFlight.length >= READS_IN_FLIGHT) await finishOldest();
			}
			while (inFlight.length > 0) await finishOldest();
		} finally {
			// Where one failed, the others write into their memory until they have ended.
			for (const { memory, bytes } of inFlight) bytes.catch(() => undefined).then(() => giveBack(memory));
		}
	}

	*#plan<T>(runs: readonly BlockRun<T>[], gapBytes: number): Generator<PlannedRead<T>> {
		const most = Math.max(1, READ_BYTES / this.blockSize);
		const gap = gapBytes / this.blockSize;
		let read: PlannedRead<T> | undefined;
		for (const run of runs.toSorted((a, b) => a.start - b.start)) {
			for (let first = 0; first < run.count; ) {
				const start = run.start + first;
				const fits = read !== undefined && start >= read.start && start <= read.end + gap && start < read.start + most;
				if (read === undefined || !fits) {
					if (read !== undefined) yield read;
					read = { start, end: start, pieces: [] };
				}
				const count = Math.min(run.count - first, read.start + most - start);
				read.pieces.push({ run, first, count });
				read.end = Math.max(read.end, start + count);
				first += count;
			}
		}
		if (read !== undefined) yield read;
	}
}

const PAGE_BITS = 15;

/** A set of block numbers that costs memory only where it holds something. */
export class BlockSet {
	readonly #pages = new Map<number, Uint32Array>();

	has(block: number): boolean {
		const key = Math.floor(block / (1 << PAGE_BITS));
		const within = block - key * (1 << PAGE_BITS);
		return (((this.#pages.get(key)?.[within >>> 5] ?? 0) >>> (within & 31)) & 1) === 1;
	}

	/** False where it was already there. */
	add(block: number): boolean {
		const key = Math.floor(block / (1 << PAGE_BITS));
		let page = this.#pages.get(key);
		if (page === undefined) {
			page = new Uint32Array((1 << PAGE_BITS) / 32);
			this.#pages.set(key, page);
		}
		const within = block - key * (1 << PAGE_BITS);
		const mask = 1 << (within & 31);
		const word = page[within >>> 5]!;
		page[within >>> 5] = word | mask;
		return (word & mask) === 0;
	}
}
