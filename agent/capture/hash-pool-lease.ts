/** Starts the hashing threads when they are needed and ends them when they have not been for a while. */
import { HashPool } from "./hash-pool.ts";

const IDLE_MS = 10_000;

export class HashPoolLease implements AsyncDisposable {
	readonly #threads: number;
	#pool: Promise<HashPool> | undefined;
	#users = 0;
	#timer: NodeJS.Timeout | undefined;

	constructor(threads: number) {
		this.#threads = threads;
	}

	/** Runs `work` with the pool; it stays up at least as long. */
	async use<T>(work: (pool: HashPool) => Promise<T>): Promise<T> {
		clearTimeout(this.#timer);
		this.#users++;
		try {
			this.#pool ??= HashPool.start(this.#threads);
			return await work(await this.#pool);
		} catch (error) {
			// A pool that did not start or died is not kept; what is left of its threads ends.
			const used = this.#pool;
			const pool = await used?.catch(() => undefined);
			if (pool?.broken !== false && this.#pool === used) await this.#end();
			throw error;
		} finally {
			this.#users--;
			if (this.#users === 0) {
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
		await (await pool?.catch(() => undefined))?.[Symbol.asyncDispose]();
		// V8 lets some 30 MB of buffers lie before it looks for them by itself; a host's memory is its guests'. There is
		// such a function where Node is started with --expose-gc, as the packaged agent is.
		globalThis.gc?.();
	}
}
