/** Reads what changed on one disk of an open snapshot: names, page checksums and new contents. */
import { BLOCK_SIZE, blockCount, isZeroName, NAME_SIZE, PAGES_PER_BLOCK } from "../../common/block.ts";
import type { NbdClient } from "../../disk/source/nbd/client.ts";
import type { BlockIndex, IndexStager } from "./block-index.ts";
import type { ChangedPagesBuilder } from "./changed-pages.ts";
import type { HashPool, HashSlot } from "./hash-pool.ts";
import { SLOT_BLOCKS } from "./hash-slot.ts";
import type { BlockRange } from "./read-plan.ts";
import { RECORD_ENTROPY, RECORD_SIZE } from "./record.ts";

/** Where the contents of changed blocks go. */
export interface ChunkSink {
	addChunk(name: Uint8Array, encoding: "raw" | "zstd", data: Uint8Array, signal?: AbortSignal): Promise<void>;
}

/** Where the names of changed blocks go, ascending. */
export interface NameSink {
	add(block: number, name: Uint8Array, entropy: number): void;
}

export interface ScanOptions {
	readonly vm: string;
	readonly disk: string;
	/** False: nothing is known of the disk, every non-zero block counts as changed. */
	readonly compare: boolean;
	readonly nbd: NbdClient;
	readonly ranges: readonly BlockRange[];
	readonly index: BlockIndex;
	readonly stager: IndexStager;
	readonly pool: HashPool;
	readonly chunks: ChunkSink;
	readonly names: NameSink;
	readonly pages: ChangedPagesBuilder;
	/** Blocks whose contents are wanted although they did not change. */
	readonly resend?: ReadonlySet<number>;
	readonly signal?: AbortSignal;
	/** Called with the bytes read or skipped as zero so far. */
	readonly onProgress?: (bytes: number) => void;
}

export interface ScanResult {
	readonly readBytes: number;
	readonly changedBlocks: number;
	readonly newZeroBlocks: number;
}

/** No disk that JavaScript can address has more. */
const MAX_BLOCKS = Number.MAX_SAFE_INTEGER / BLOCK_SIZE;
const ZERO_RECORD = new Uint8Array(RECORD_SIZE);

interface Segment {
	readonly first: number;
	readonly count: number;
	readonly slot: HashSlot;
	readonly done: Promise<readonly (Uint8Array | null)[]>;
}

export async function scanDisk(options: ScanOptions): Promise<ScanResult> {
	const scan = new DiskScan(options);
	return await scan.run();
}

class DiskScan {
	readonly #options: ScanOptions;
	/** Segments being read and hashed, oldest first: results are used in the order of the disk. */
	readonly #inFlight: Segment[] = [];
	#readBytes = 0;
	#changedBlocks = 0;
	#newZeroBlocks = 0;

	constructor(options: ScanOptions) {
		this.#options = options;
	}

	async run(): Promise<ScanResult> {
		const { ranges, signal, onProgress } = this.#options;
		let passed = 0;
		try {
			for (const range of ranges) {
				if (range.zero) {
					await this.#drain(0);
					await this.#zeroRange(range);
				} else {
					for (let first = range.first; first < range.first + range.count; first += SLOT_BLOCKS) {
						signal?.throwIfAborted();
						const count = Math.min(SLOT_BLOCKS, range.first + range.count - first);
						this.#begin(await this.#slot(), first, count);
					}
				}
				passed += range.count * BLOCK_SIZE;
				onProgress?.(passed);
			}
			await this.#drain(0);
		} finally {
			// A slot must not be written to by a late read once the pool serves somebody else.
			await Promise.allSettled(this.#inFlight.map((segment) => segment.done));
			for (const { slot } of this.#inFlight) this.#options.pool.give(slot);
		}
		await this.#forgetBeyondEnd();
		await this.#options.stager.end();
		return { readBytes: this.#readBytes, changedBlocks: this.#changedBlocks, newZeroBlocks: this.#newZeroBlocks };
	}

	/** The next slot to read into. */
	#slot(): Promise<HashSlot> {
		return this.#options.pool.takeBeside(this.#inFlight, () => this.#drain(this.#inFlight.length - 1));
	}

	#begin(slot: HashSlot, first: number, count: number): void {
		const done = this.#readAndHash(slot, first, count);
		done.catch(() => {}); // It is awaited in its turn.
		this.#inFlight.push({ first, count, slot, done });
	}

	async #readAndHash(slot: HashSlot, first: number, count: number): Promise<readonly (Uint8Array | null)[]> {
		const { nbd, index, vm, disk, compare, pool, signal } = this.#options;
		const offset = first * BLOCK_SIZE;
		const length = Math.min(count * BLOCK_SIZE, nbd.size - offset);
		if (length < count * BLOCK_SIZE) slot.data.fill(0, length, count * BLOCK_SIZE);
		const [records] = await Promise.all([
			compare ? index.read(vm, disk, first, count) : undefined,
			nbd.readInto(slot.data.subarray(0, length), offset, signal),
		]);
		if (records === undefined) slot.before.fill(0, 0, count * RECORD_SIZE);
		else slot.before.set(records);
		this.#readBytes += length;
		return (await pool.hash(slot, count)).compressed;
	}

	/** Uses results until at most `leave` segments are in flight. */
	async #drain(leave: number): Promise<void> {
		while (this.#inFlight.length > leave) {
			const segment = this.#inFlight[0] as Segment;
			const compressed = await segment.done;
			for (let block = 0; block < segment.count; block++) await this.#use(segment, block, compressed[block] ?? null);
			this.#inFlight.shift();
			this.#options.pool.give(segment.slot);
		}
	}

	async #use({ first, slot }: Segment, block: number, compressed: Uint8Array | null): Promise<void> {
		const at = block * RECORD_SIZE;
		if (slot.changed[block] === 0) {
			if (this.#options.resend?.has(first + block) === true) await this.#resend(slot, block);
			return;
		}
		const before = slot.before.subarray(at, at + RECORD_SIZE);
		// Copied: the slot is used again, the record and its name are kept.
		const after = slot.after.slice(at, at + RECORD_SIZE);
		const zero = Buffer.compare(after, ZERO_RECORD) === 0;
		if (!zero) {
			const data = compressed ?? slot.data.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
			await this.#options.chunks.addChunk(
				after.subarray(0, NAME_SIZE),
				compressed === null ? "raw" : "zstd",
				data,
				this.#options.signal,
			);
		}
		await this.#changed(first + block, before, after, zero);
	}

	/** What the collector lost of what it had. As it is: only what changed was compressed. */
	async #resend({ after, data }: HashSlot, block: number): Promise<void> {
		const name = after.slice(block * RECORD_SIZE, block * RECORD_SIZE + NAME_SIZE);
		if (isZeroName(name)) return;
		const bytes = data.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
		await this.#options.chunks.addChunk(name, "raw", bytes, this.#options.signal);
	}

	/** A range that reads as zeroes: what was known to hold something there has become zero. */
	async #zeroRange(range: BlockRange): Promise<void> {
		const { index, vm, disk, compare } = this.#options;
		if (!compare) return;
		for await (const { firstBlock, records } of index.pages(vm, disk, range.first, range.count)) {
			for (let at = 0; at < records.length; at += RECORD_SIZE) {
				const block = firstBlock + at / RECORD_SIZE;
				if (block < range.first || block >= range.first + range.count) continue;
				const before = records.subarray(at, at + RECORD_SIZE);
				if (Buffer.compare(before, ZERO_RECORD) !== 0) await this.#changed(block, before, ZERO_RECORD, true);
			}
		}
	}

	/** A disk that shrank and grows again begins with zeroes there, or with anything: what was known counts no more. */
	async #forgetBeyondEnd(): Promise<void> {
		const { nbd, index, stager, vm, disk, compare } = this.#options;
		if (!compare) return;
		const end = blockCount(nbd.size);
		for await (const { firstBlock, records } of index.pages(vm, disk, end, MAX_BLOCKS - end)) {
			for (let at = 0; at < records.length; at += RECORD_SIZE) {
				const block = firstBlock + at / RECORD_SIZE;
				if (block >= end) await stager.put(block, ZERO_RECORD);
			}
		}
	}

	async #changed(block: number, before: Uint8Array, after: Uint8Array, zero: boolean): Promise<void> {
		const { names, pages, stager, compare } = this.#options;
		this.#changedBlocks++;
		if (zero) this.#newZeroBlocks++;
		names.add(block, after.subarray(0, NAME_SIZE), blockEntropy(after));
		if (compare) pages.addBlock(block, before, after);
		await stager.put(block, after);
	}
}

/** Mean entropy of a block's pages, bits per byte x 31.875. */
function blockEntropy(record: Uint8Array): number {
	let sum = 0;
	for (let page = 0; page < PAGES_PER_BLOCK; page++) sum += record[RECORD_ENTROPY + page] as number;
	return Math.round(sum / PAGES_PER_BLOCK);
}
