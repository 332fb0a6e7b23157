/**
 * Verifies chunks, and encrypts them where the vault is encrypted, on threads of its own, so that the thread that receives them only receives. A batch crosses over
 * in one buffer, which comes back to be used again.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { UmbraError } from "../../common/errors.ts";
import type { VaultKeys } from "./chunk-form.ts";
import type { StoredChunk } from "./chunk-store.ts";
import { packChunks } from "./packed-chunks.ts";

/** Receiving keeps one core busy; more threads than four wait for the disk. */
const THREADS = Math.max(1, Math.min(4, availableParallelism() - 1));
/** Buffers kept for the next batches; of 1 MiB each as batches are now. */
const MAX_SPARE = 4;

/** How to store a chunk that is what its name says. */
export interface AcceptedChunk {
	/** Bytes of plain content. */
	readonly plainLength: number;
	readonly encoding: StoredChunk["encoding"];
	/** As the vault's form has it. */
	readonly data: Uint8Array;
}

/** What a thread says of one chunk. */
export type Verdict =
	/** Good, to be stored as it came; its plain length in bytes. */
	| number
	/** Good, to be stored as this. */
	| AcceptedChunk
	/** Not what its name says. */
	| { readonly message: string; readonly context: UmbraError["context"] };

export interface VerifyRequest {
	readonly id: number;
	readonly count: number;
	readonly packed: Uint8Array<ArrayBuffer>;
}

export interface VerifyReply {
	readonly id: number;
	readonly packed: Uint8Array<ArrayBuffer>;
	readonly verdicts: readonly Verdict[];
}

interface Waiting {
	resolve(verdicts: readonly Verdict[]): void;
	reject(error: unknown): void;
}

export class ChunkVerifier implements AsyncDisposable {
	/** Started with the first batches: a collector at rest needs none. */
	readonly #workers: Worker[] = [];
	readonly #waiting = new Map<number, Waiting>();
	readonly #spare: Uint8Array<ArrayBuffer>[] = [];
	readonly #keys: VaultKeys | undefined;
	#requests = 0;
	#failure: UmbraError | undefined;

	/** @param keys of an encrypted vault: what is accepted comes encrypted. */
	constructor(keys?: VaultKeys) {
		this.#keys = keys;
	}

	/**
	 * In the order given: how to store each chunk, or why it must not be (`corrupt`).
	 *
	 * @throws UmbraError `internal` where a thread has died.
	 */
	async verify(chunks: readonly StoredChunk[]): Promise<(AcceptedChunk | UmbraError)[]> {
		const packed = packChunks(chunks, this.#spare.pop());
		const verdicts = await this.#send(packed, chunks.length);
		return chunks.map((chunk, at) => {
			const verdict = verdicts[at]!;
			if (typeof verdict === "number") return { plainLength: verdict, encoding: chunk.encoding, data: chunk.data };
			if ("message" in verdict) return new UmbraError("corrupt", verdict.message, { context: verdict.context });
			return verdict;
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#fail(new Error("the vault was closed"));
		await Promise.all(this.#workers.map((worker) => worker.terminate()));
	}

	#send(packed: Uint8Array<ArrayBuffer>, count: number): Promise<readonly Verdict[]> {
		if (this.#failure !== undefined) return Promise.reject(this.#failure);
		const id = this.#requests++;
		if (this.#workers.length < THREADS && this.#waiting.size >= this.#workers.length) this.#startThread();
		const { promise, resolve, reject } = Promise.withResolvers<readonly Verdict[]>();
		this.#waiting.set(id, { resolve, reject });
		const worker = this.#workers[id % this.#workers.length]!;
		worker.ref();
		worker.postMessage({ id, count, packed } satisfies VerifyRequest, [packed.buffer]);
		return promise;
	}

	#startThread(): void {
		const worker = new Worker(new URL("./chunk-verifier-worker.ts", import.meta.url), {
			execArgv: [],
			workerData: this.#keys,
		});
		worker.on("message", ({ id, packed, verdicts }: VerifyReply) => {
			if (this.#spare.length < MAX_SPARE) this.#spare.push(packed);
			this.#waiting.get(id)?.resolve(verdicts);
			this.#waiting.delete(id);
			// An idle thread keeps no process alive.
			if (this.#waiting.size === 0) for (const idle of this.#workers) idle.unref();
		});
		worker.on("error", (error) => this.#fail(error));
		this.#workers.push(worker);
	}

	#fail(cause: unknown): void {
		this.#failure ??= new UmbraError("internal", "a thread that verifies chunks has ended", { cause });
		for (const { reject } of this.#waiting.values()) reject(this.#failure);
		this.#waiting.clear();
	}
}
