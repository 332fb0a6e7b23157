/**
 * Fetches blocks of a disk as they are stored and writes them into a file, on threads of its own: each decompresses what it
 * gets, and verifies it against its name before it writes it. What cannot be had this way is left to whoever asked, who has
 * another.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { CollectorAddress } from "../collector-client.ts";

/** More wait for the collector, or for the disk. */
const THREADS = Math.min(4, availableParallelism());
/** Requests of a thread: one that is being answered, one on its way. */
const PER_THREAD = 2;

/** What a thread works on, whatever it is asked for. */
export interface FetchTask {
	readonly address: CollectorAddress;
	/** The disk's path in the API. */
	readonly base: string;
	readonly fd: number;
}

/** Bytes of the disk; whole blocks, but at its end. */
export interface FetchRange {
	readonly offset: number;
	readonly length: number;
}

export interface FetchRequest extends FetchRange {
	readonly id: number;
	/** Where in the file each block stands; less than 0 where it has no place. */
	readonly places: Float64Array;
}

export interface FetchReply {
	readonly id: number;
	/** 32 bytes for each block; undefined where not all of them could be had and written. */
	readonly names: Uint8Array | undefined;
}

interface Thread {
	readonly worker: Worker;
	readonly waiting: Map<number, (names: Uint8Array | undefined) => void>;
}

export class BlockFetcher implements AsyncDisposable {
	readonly #task: FetchTask;
	readonly #threads: Thread[] = [];
	readonly #queue: { readonly request: FetchRequest; readonly resolve: (names: Uint8Array | undefined) => void }[] = [];
	readonly #ended = new AbortController();
	#requests = 0;
	/** It failed once: an older collector, or none. The other way then tells what is wrong. */
	#isOff = false;

	/** @param signal ends the waiting for what is under way. */
	constructor(task: FetchTask, signal?: AbortSignal) {
		this.#task = task;
		signal?.addEventListener("abort", () => this.#turnOff(), { once: true, signal: this.#ended.signal });
	}

	/**
	 * Writes blocks where nothing is yet.
	 *
	 * @returns undefined where there is no more use in trying. Else their names, each that of the bytes that were written; or
	 * undefined where that could not be done, and anything may have been written.
	 */
	write(range: FetchRange, places: Float64Array): Promise<Uint8Array | undefined> | undefined {
		if (this.#isOff) return undefined;
		const { promise, resolve } = Promise.withResolvers<Uint8Array | undefined>();
		this.#queue.push({ request: { id: this.#requests++, ...range, places }, resolve });
		this.#handOut();
		return promise;
	}

	/** When this has ended, no thread writes any more. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#ended.abort();
		this.#turnOff();
		await Promise.all(this.#threads.map(({ worker }) => worker.terminate()));
	}

	/** To the thread that has least to do, or a new one where all have something. */
	#handOut(): void {
		while (this.#queue.length > 0) {
			const { request, resolve } = this.#queue[0]!;
			const idle = this.#threads.toSorted((a, b) => a.waiting.size - b.waiting.size)[0];
			const isBusy = idle === undefined || idle.waiting.size > 0;
			const thread = isBusy && this.#threads.length < THREADS && !this.#isOff ? this.#start() : idle;
			if (this.#isOff) resolve(undefined);
			else if (thread === undefined || thread.waiting.size >= PER_THREAD) return;
			else {
				thread.waiting.set(request.id, resolve);
				thread.worker.postMessage(request);
			}
			this.#queue.shift();
		}
	}

	#start(): Thread {
		const worker = new Worker(new URL("./block-fetcher-worker.ts", import.meta.url), {
			execArgv: [],
			workerData: this.#task,
		});
		const thread: Thread = { worker, waiting: new Map() };
		worker.on("message", ({ id, names }: FetchReply) => {
			thread.waiting.get(id)?.(names);
			thread.waiting.delete(id);
			if (names === undefined) this.#isOff = true;
			this.#handOut();
		});
		worker.on("error", () => this.#turnOff());
		worker.on("exit", () => this.#turnOff());
		this.#threads.push(thread);
		return thread;
	}

	/** All that is asked for cannot be had, whatever becomes of it. */
	#turnOff(): void {
		this.#isOff = true;
		for (const { waiting } of this.#threads) {
			for (const resolve of waiting.values()) resolve(undefined);
			waiting.clear();
		}
		this.#handOut();
	}
}
