/** Names the blocks of one part of a state, in whatever order they come, and brings their contents into the spool. */
import { BLOCK_SIZE, blockCount, isZero, NAME_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { HashPool, HashSlot } from "../capture/hash-pool.ts";
import { SLOT_BLOCKS } from "../capture/hash-slot.ts";
import { RECORD_SIZE } from "../capture/record.ts";
import type { ChunkSink } from "../capture/scan-disk.ts";

/** What is being filled has its numbers beside it, since blocks of a slot need not be neighbours. */
interface Batch {
	readonly slot: HashSlot;
	readonly blocks: number[];
}

/** A part of a state as it is stored: 32 bytes a block, 32 zeroes for one of zeroes. */
export interface NamedPart {
	readonly size: number;
	readonly names: Uint8Array;
}

export interface BlockWriterOptions {
	readonly pool: HashPool;
	readonly chunks: ChunkSink;
	/** For each wait for room in the spool: whoever waits for RAM has a guest that waits for him. */
	readonly maxWaitMs: number;
	readonly signal: AbortSignal;
}

export class BlockWriter {
	readonly #options: BlockWriterOptions;
	readonly #inFlight: { readonly batch: Batch; readonly done: Promise<readonly (Uint8Array | null)[]> }[] = [];
	#names = Buffer.alloc(0);
	#filling: Batch | undefined;
	/** Once one chunk has waited too long. A signal for each wait would cost more than the waits. */
	readonly #late = new AbortController();
	readonly #ended: AbortSignal;

	constructor(options: BlockWriterOptions) {
		this.#options = options;
		this.#ended = AbortSignal.any([options.signal, this.#late.signal]);
	}

	/** A finished block of 64 KiB; it may be used again when this resolves. Awaited, it keeps memory bounded. */
	async add(block: number, bytes: Uint8Array): Promise<void> {
		this.#filling ??= { slot: await this.#slot(), blocks: [] };
		const { slot, blocks } = this.#filling;
		slot.data.set(bytes, blocks.length * BLOCK_SIZE);
		blocks.push(block);
		if (blocks.length === SLOT_BLOCKS) this.#hash();
	}

	/** The names of all blocks of a part of `size` bytes, once their contents are in the spool. */
	async finish(size: number): Promise<NamedPart> {
		this.#hash();
		await this.#drain(0);
		return { size, names: this.#room(blockCount(size)).subarray(0, blockCount(size) * NAME_SIZE) };
	}

	/** Gives back what it holds of the pool; after `finish` there is nothing. */
	async abandon(): Promise<void> {
		await Promise.allSettled(this.#inFlight.map(({ done }) => done));
		for (const { batch } of this.#inFlight.splice(0)) this.#options.pool.give(batch.slot);
		if (this.#filling !== undefined) this.#options.pool.give(this.#filling.slot);
		this.#filling = undefined;
	}

	#slot(): Promise<HashSlot> {
		return this.#options.pool.takeBeside(this.#inFlight, () => this.#drain(this.#inFlight.length - 1));
	}

	#hash(): void {
		const batch = this.#filling;
		if (batch === undefined) return;
		this.#filling = undefined;
		batch.slot.before.fill(0, 0, batch.blocks.length * RECORD_SIZE);
		const done = this.#options.pool.hash(batch.slot, batch.blocks.length, true).then(({ compressed }) => compressed);
		done.catch(() => {}); // It is awaited in its turn.
		this.#inFlight.push({ batch, done });
	}

	async #drain(leave: number): Promise<void> {
		while (this.#inFlight.length > leave) {
			const first = this.#inFlight[0];
			if (first === undefined) return;
			const compressed = await first.done;
			const { slot, blocks } = first.batch;
			for (const [at, block] of blocks.entries()) await this.#use(slot, at, block, compressed[at] ?? null);
			this.#inFlight.shift();
			this.#options.pool.give(slot);
		}
	}

	async #use(slot: HashSlot, at: number, block: number, compressed: Uint8Array | null): Promise<void> {
		if (slot.changed[at] === 0) return; // All zeroes.
		const name = slot.after.slice(at * RECORD_SIZE, at * RECORD_SIZE + NAME_SIZE);
		const data = compressed ?? slot.data.subarray(at * BLOCK_SIZE, (at + 1) * BLOCK_SIZE);
		const { chunks, maxWaitMs, signal } = this.#options;
		let isLate = false;
		const timer = setTimeout(() => {
			isLate = true;
			this.#late.abort();
		}, maxWaitMs);
		try {
			await chunks.addChunk(name, compressed === null ? "raw" : "zstd", data, this.#ended);
		} catch (error) {
			if (!isLate || signal.aborted) throw error;
			throw new UmbraError("limit", `the spool took no chunk of the VM's state for ${maxWaitMs} ms`, {
				cause: error,
				hint: "the capture was given up, since the guest would have had to wait; nothing is lost. Try again, or raise the spool limit",
			});
		} finally {
			clearTimeout(timer);
		}
		this.#room(block + 1).set(name, block * NAME_SIZE);
	}

	#room(blocks: number): Buffer {
		const wanted = blocks * NAME_SIZE;
		if (this.#names.length >= wanted) return this.#names;
		const grown = Buffer.alloc(Math.max(wanted, 2 * this.#names.length));
		grown.set(this.#names);
		this.#names = grown;
		return grown;
	}
}

/** Bytes as a part of their own: the last block is filled up with zeroes. */
export async function writeBytes(bytes: Uint8Array, options: BlockWriterOptions): Promise<NamedPart> {
	const writer = new BlockWriter(options);
	try {
		for (let block = 0; block < blockCount(bytes.length); block++) {
			const plain = bytes.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
			if (isZero(plain)) continue;
			const filled = Buffer.alloc(BLOCK_SIZE);
			filled.set(plain);
			await writer.add(block, filled);
		}
		return await writer.finish(bytes.length);
	} finally {
		await writer.abandon();
	}
}
