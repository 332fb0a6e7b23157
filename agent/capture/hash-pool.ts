/** Worker threads that hash blocks in shared memory, so that reading, hashing and sending overlap. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { UmbraError } from "../../common/errors.ts";
import { type HashReply, makeSlot, openSlot, type SlotViews } from "./hash-slot.ts";

export interface HashSlot extends SlotViews {
	readonly id: number;
}

/**
 * Requests to a thread before the next one is started: the capture of a VM at rest is hashed sooner than a second
 * thread would be up, and each takes some 15 MB.
 */
const REQUESTS_PER_THREAD = 32;
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
	readonly #threads: number;
	readonly #memories: readonly SharedArrayBuffer[];
	readonly #waiting = new Map<number, Waiting>();
	#next = 0;
	#failure: UmbraError | undefined;

	private constructor(threads: number) {
		this.#threads = threads;
		this.#memories = Array.from({ length: 3 * threads }, makeSlot);
		this.#free = this.#memories.map((memory, id) => ({ id, ...openSlot(memory) }));
		this.share = Math.max(1, Math.floor(this.#memories.length * SHARE));
	}

	/** Up to `threads` workers share `3 x threads` slots of 1 MiB: one read into, one hashed, one sent, each. */
	static async start(threads: number): Promise<HashPool> {
		const pool = new HashPool(threads);
		const first = pool.#startThread();
		await once(first, "online");
		first.unref();
		return pool;
	}

	#startThread(): Worker {
		const worker = new Worker(new URL("./hash-worker.ts", import.meta.url), { workerData: this.#memories });
		worker.on("message", (reply: HashReply) => {
			this.#waiting.get(reply.slot)?.resolve(reply);
			this.#waiting.delete(reply.slot);
		});
		worker.on("error", (error) => this.#fail(error));
		this.#workers.push(worker);
		return worker;
	}

	/** True once a thread has died: every request is rejected from then on. */
	get broken(): boolean {
		return this.#failure !== undefined;
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

	give(slot: HashSlot): void {
		const next = this.#wanting.shift();
		if (next === undefined) this.#free.push(slot);
		else next(slot);
	}

	/** Hashes the first `blocks` blocks of a slot; its `after` and `changed` hold the result until the slot is used again. */
	hash(slot: HashSlot, blocks: number): Promise<HashReply> {
		if (this.#failure !== undefined) return Promise.reject(this.#failure);
		const { promise, resolve, reject } = Promise.withResolvers<HashReply>();
		this.#waiting.set(slot.id, { resolve, reject });
		if (this.#workers.length < this.#threads && this.#next >= this.#workers.length * REQUESTS_PER_THREAD) {
			this.#startThread().unref();
		}
		this.#workers[this.#next++ % this.#workers.length]?.postMessage({ slot: slot.id, blocks });
		return promise;
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
