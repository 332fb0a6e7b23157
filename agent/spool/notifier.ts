/** Wakes whoever waits for a condition that somebody else makes true. */

/**
 * `wait()` settles at the next `notify()`. Look at the condition and call `wait()` in the same turn of the
 * event loop, in a loop: then no wake-up is ever missed, and a spurious one does no harm.
 */
export class Notifier {
	#waiters: (() => void)[] = [];

	notify(): void {
		const waiters = this.#waiters;
		if (waiters.length === 0) return;
		this.#waiters = [];
		for (const wake of waiters) wake();
	}

	/** @throws the signal's reason once it is aborted. */
	async wait(signal?: AbortSignal): Promise<void> {
		signal?.throwIfAborted();
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#waiters.push(resolve);
		if (signal === undefined) return promise;
		signal.addEventListener("abort", resolve as () => void, { once: true });
		try {
			await promise;
		} finally {
			signal.removeEventListener("abort", resolve as () => void);
			if (signal.aborted) this.#waiters = this.#waiters.filter((waiter) => waiter !== resolve);
		}
		signal.throwIfAborted();
	}
}
