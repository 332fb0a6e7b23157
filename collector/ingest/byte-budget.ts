/** A number of bytes that many share: whoever finds it spent waits in line. */

export class ByteBudget {
	readonly limit: number;
	#used = 0;
	#total = 0;
	#waiting: { readonly bytes: number; readonly go: () => void }[] = [];

	constructor(limit: number) {
		this.limit = limit;
	}

	/** All that was ever taken. */
	get total(): number {
		return this.#total;
	}

	get used(): number {
		return this.#used;
	}

	/**
	 * Resolves when `bytes` are free. One request larger than the whole budget gets it alone.
	 *
	 * @throws the signal's reason, and nothing is taken then.
	 */
	async acquire(bytes: number, signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		if (this.#waiting.length === 0 && this.#fits(bytes)) {
			this.#take(bytes);
			return;
		}
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const entry = { bytes, go: resolve };
		const leave = () => {
			this.#waiting = this.#waiting.filter((other) => other !== entry);
			reject(signal.reason);
			this.#next();
		};
		this.#waiting.push(entry);
		signal.addEventListener("abort", leave, { once: true });
		try {
			await promise;
		} finally {
			signal.removeEventListener("abort", leave);
		}
	}

	release(bytes: number): void {
		this.#used -= bytes;
		this.#next();
	}

	#take(bytes: number): void {
		this.#used += bytes;
		this.#total += bytes;
	}

	#fits(bytes: number): boolean {
		return this.#used === 0 || this.#used + bytes <= this.limit;
	}

	#next(): void {
		for (let first = this.#waiting[0]; first !== undefined && this.#fits(first.bytes); first = this.#waiting[0]) {
			this.#waiting.shift();
			this.#take(first.bytes);
			first.go();
		}
	}
}
