/** Holds work back to so many bytes a second, so that others get their share of the disk. */
import { setTimeout as sleep } from "node:timers/promises";

/** What may be done at once after a pause, in seconds. */
const BURST_SECONDS = 0.25;

export class Pace {
	readonly #bytesPerMs: number;
	/** When the next byte is due, by `performance.now`. */
	#due = 0;

	constructor(bytesPerSecond: number) {
		this.#bytesPerMs = bytesPerSecond / 1000;
	}

	/** Resolves when `bytes` more may be done. @throws the signal's reason. */
	async take(bytes: number, signal?: AbortSignal): Promise<void> {
		const now = performance.now();
		this.#due = Math.max(this.#due, now - BURST_SECONDS * 1000);
		const wait = this.#due - now;
		this.#due += bytes / this.#bytesPerMs;
		if (wait > 0) await sleep(wait, undefined, signal === undefined ? {} : { signal });
	}
}
