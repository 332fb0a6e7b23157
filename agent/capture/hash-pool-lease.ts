/** Makes the hashing pool when it is needed, and ends its threads when they have not been for a while. */
import { HashPool } from "./hash-pool.ts";

const IDLE_MS = 10_000;

export class HashPoolLease implements AsyncDisposable {
	readonly #threads: number;
	readonly #blocksPerThread: number | undefined;
	#pool: HashPool | undefined;
	#users = 0;
	#timer: NodeJS.Timeout | undefined;

	/** As `HashPool`. */
	constructor(threads: number, blocksPerThread?: number) {
		this.#threads = threads;
		this.#blocksPerThread = blocksPerThread;
	}

	/** Runs `work` with the pool; it stays up at least as long. */
	async use<T>(work: (pool: HashPool) => Promise<T>): Promise<T> {
		clearTimeout(this.#timer);
		this.#users++;
		this.#pool ??= new HashPool(this.#threads, this.#blocksPerThread);
		const pool = this.#pool;
		try {
			return await work(pool);
		} catch (error) {
			// A pool that died is not kept; what is left of its threads ends.
			if (pool.broken && this.#pool === pool) await this.#end();
			throw error;
		} finally {
			this.#users--;
			// Without threads there is nothing that is worth keeping.
			if (this.#users === 0 && this.#pool?.threads === 0) await this.#end();
			else if (this.#users === 0) {
				this.#timer = setTimeout(() => void this.#end(), IDLE_MS);
				this.#timer.unref();
			}
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		clearTimeout(this.#timer);
		await this.#end();
	}

	async #end(): Promise<void> {
		const pool = this.#pool;
		this.#pool = undefined;
		await pool?.[Symbol.asyncDispose]();
		// V8 lets some 30 MB of buffers lie before it looks for them by itself; a host's memory is its guests'. There is
		// such a function where Node is started with --expose-gc, as the packaged agent is.
		globalThis.gc?.();
	}
}
