/** One holder a key at a time, in the order in which they asked; other keys do not wait. */

export class KeyedMutex {
	/** Settles when the last one in line for a key has let go. */
	readonly #tails = new Map<string, Promise<void>>();

	/** @throws the signal's reason where it aborts before the turn came. */
	async acquire(key: string, signal: AbortSignal): Promise<Disposable> {
		signal.throwIfAborted();
		const before = this.#tails.get(key);
		const { promise: released, resolve: release } = Promise.withResolvers<void>();
		const tail = before === undefined ? released : before.then(() => released);
		this.#tails.set(key, tail);
		void tail.then(() => {
			if (this.#tails.get(key) === tail) this.#tails.delete(key);
		});
		if (before !== undefined) {
			const { promise: aborted, reject } = Promise.withResolvers<never>();
			const abort = () => reject(signal.reason);
			signal.addEventListener("abort", abort, { once: true });
			try {
				await Promise.race([before, aborted]);
			} catch (error) {
				release();
				throw error;
			} finally {
				signal.removeEventListener("abort", abort);
			}
		}
		return { [Symbol.dispose]: release };
	}

	/** How many keys are held or waited for. */
	get size(): number {
		return this.#tails.size;
	}
}
