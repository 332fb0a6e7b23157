/**
 * Waits for `work`, but not beyond the end of `signal`.
 *
 * Not `Promise.race` with a promise that lives as long as the signal: that one would keep every result
 * that ever won against it.
 *
 * @throws what `work` fails with; the signal's reason.
 */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
	const { promise, resolve, reject } = Promise.withResolvers<T>();
	const abort = () => reject(signal.reason);
	work.then(resolve, reject);
	if (signal.aborted) abort();
	signal.addEventListener("abort", abort, { once: true });
	try {
		return await promise;
	} finally {
		signal.removeEventListener("abort", abort);
	}
}
