/** One holder a key at a time, in the order in which they asked; other keys do not wait. */

import { orAborted } from "../../common/abort.ts";

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
			try {
				await orAborted(before, signal);
			} catch (error) {
				release();
				throw error;
			}
		}
		return { [Symbol.dispose]: release };
	}
}
