/**
 * What `work` comes to, unless `signal` is aborted first; then `work` goes on and nobody hears of it.
 *
 * @throws what `work` throws, or the reason of `signal`.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	signal.throwIfAborted();
	const { promise, reject } = Promise.withResolvers<never>();
	const abort = () => reject(signal.reason);
	signal.addEventListener("abort", abort, { once: true });
	try {
		return await Promise.race([work, promise]);
	} finally {
		signal.removeEventListener("abort", abort);
	}
}
