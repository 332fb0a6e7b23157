/**
 * Hashes blocks in shared memory: the first of them where it is asked to, then on worker threads, so that reading, hashing
 * and sending overlap.
 */
import { Worker } from "node:worker_threads";
import { UmbraError } from "../../common/errors.ts";
import { hashBlocks } from "./hash-blocks.ts";
import { type HashReply, type HashRequest, makeSlot, openSlot, type SlotViews, UP } from "./hash-slot.ts";

export interface HashSlot extends SlotViews {
	readonly id: number;
}

/**
 * Blocks that are hashed before a thread is started, and before the next one is: so many, 32 MiB, are hashed sooner and with
 * less work than a thread is up, and each takes some 15 MB.
 */
const BLOCKS_PER_THREAD = 512;
/** Slots that one disk may hold, of all: a disk that is stuck leaves some to the others. */
const SHARE = 2 / 3;

interface Waiting {
	resolve(reply: HashReply): void;
	reject(error: unknown): void;
}

export class HashPool implements AsyncDisposable {
	/** Most slots that one user should hold at a time. */
	readonly share: number;
	readonly #free: HashSlot[];
	readonly #wanting: ((slot: HashSlot) => void)[] = [];
	readonly #workers: Worker[] = [];
	/** Those of them that are up. */
	readonly #ready: Worker[] = [];
	readonly #threads: number;
	readonly #blocksPerThread: number;
	readonly #memories: readonly SharedArrayBuffer[];
	readonly #waiting = new Map<number, Waiting>();
	#blocks = 0;
	#next = 0;
	#failure: UmbraError | undefined;

	/** Up to `threads` workers share `3 x threads` slots of 1 MiB: one read into, one hashed, one sent, each. */
	constructor(threads: number, blocksPerThread: number = BLOCKS_PER_THREAD) {
		this.#threads = threads;
		this.#blocksPerThread = blocksPerThread;
		this.#memories = Array.from({ length: 3 * threads }, makeSlot);
		this.#free = this.#memories.map((memory, id) => ({ id, ...openSlot(memory) }));
		this.share = Math.max(1, Math.floor(this.#memories.length * SHARE));
	}

	#startThread(): void {
		const worker = new Worker(new URL("./hash-worker.ts", import.meta.url), { workerData: this.#memories });
		worker.unref();
		worker.on("message", (reply: HashReply | typeof UP) => {
			if (reply === UP) {
				this.#ready.push(worker);
				return;
			}
			this.#waiting.get(reply.slot)?.resolve(reply);
			this.#waiting.delete(reply.slot);
		});
		worker.on("error", (error) => this.#fail(error));
		this.#workers.push(worker);
	}

	/** True once a thread has died: every request is rejected from then on. */
	get broken(): boolean {
		return this.#failure !== undefined;
	}

	/** How many threads are up. */
	get threads(): number {
		return this.#ready.length;
	}

	/** A slot at once, or undefined where none is free. Whoever holds slots must not wait for another: use this. */
	tryTake(): HashSlot | undefined {
		return this.#wanting.length > 0 ? undefined : this.#free.pop();
	}

	/** Waits for a slot, first come, first served. */
	take(): Promise<HashSlot> {
		const slot = this.tryTake();
		if (slot !== undefined) return Promise.resolve(slot);
		const { promise, resolve } = Promise.withResolvers<HashSlot>();
		this.#wanting.push(resolve);
		return promise;
	}

	/**
	 * For who has several under way: while he holds slots, one of his is finished rather than another's waited for.
	 *
	 * @param held what he has under way
	 * @param finishOne ends the oldest of that and gives its slot back
	 */
	async takeBeside(held: { readonly length: number }, finishOne: () => Promise<void>): Promise<HashSlot> {
		for (;;) {
			const slot = held.length < this.share ? this.tryTake() : undefined;
			if (slot !== undefined) return slot;
			if (held.length === 0) return await this.take();
			await finishOne();
		}
	}

	give(slot: HashSlot): void {
		const next = this.#wanting.shift();
		if (next === undefined) this.#free.push(slot);
		else next(slot);
	}

	/**
	 * Hashes the first `blocks` blocks of a slot; its `after` and `changed` hold the result until the slot is used again.
	 *
	 * @param namesOnly of the records of `after` only the names count.
	 */
	async hash(slot: HashSlot, blocks: number, namesOnly = false): Promise<HashReply> {
		if (this.#failure !== undefined) throw this.#failure;
		const isDue = this.#blocks >= (this.#workers.length + 1) * this.#blocksPerThread;
		if (isDue && this.#workers.length < this.#threads) this.#startThread();
		this.#blocks += blocks;
		const worker = this.#ready[this.#next++ % this.#ready.length];
		if (worker === undefined) return { slot: slot.id, compressed: hashBlocks(slot, blocks, namesOnly) };
		const { promise, resolve, reject } = Promise.withResolvers<HashReply>();
		this.#waiting.set(slot.id, { resolve, reject });
		worker.postMessage({ slot: slot.id, blocks, namesOnly } satisfies HashRequest);
		return await promise;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#fail(new Error("the pool was closed"));
		await Promise.all(this.#workers.map((worker) => worker.terminate()));
	}

	#fail(cause: unknown): void {
		this.#failure ??= new UmbraError("internal", "a hashing thread died", { cause });
		for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
		this.#waiting.clear();
	}
}
