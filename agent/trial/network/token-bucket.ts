/**
 * How long a frame has to wait so that no more than a rate passes: a bucket of tokens, one a byte, which fills at that rate. Whoever
 * finds too few waits for them behind those that came before. The queue is bounded in time, as that of a network card is: what would
 * wait longer in it is lost.
 */

/** Passes at once after a pause; and one frame always, however long. */
const BURST_MS = 10;
/** Longer queues only make what is in them late. */
const MAX_WAIT_MS = 500;

export class TokenBucket {
	/** When the last of those that were let in has passed; before now, where nothing waits. */
	#freeMs = Number.NEGATIVE_INFINITY;

	/**
	 * @param bytesPerSecond 0 for no limit; may be another one each time
	 * @param nowMs of a clock that does not go back
	 * @returns milliseconds until the last byte has passed, undefined where the queue is full
	 */
	take(bytes: number, bytesPerSecond: number, nowMs: number): number | undefined {
		if (bytesPerSecond <= 0) {
			this.#freeMs = Number.NEGATIVE_INFINITY;
			return 0;
		}
		const begins = Math.max(this.#freeMs, nowMs - BURST_MS);
		if (begins - nowMs > MAX_WAIT_MS) return undefined;
		this.#freeMs = begins + (bytes * 1000) / bytesPerSecond;
		return Math.max(0, this.#freeMs - nowMs);
	}
}
