/** How long to wait before the next try: doubling, with jitter, so that a thousand agents do not return at once. */
import { setTimeout as sleep } from "node:timers/promises";

const FIRST_MS = 100;
const MOST_MS = 30_000;

export class Backoff {
	#tries = 0;

	/** Milliseconds: half of a step that doubles from 100 ms to 30 s, and a random part of the other half. */
	next(random: () => number = Math.random): number {
		const step = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(this.#tries, 16));
		this.#tries++;
		return step / 2 + (random() * step) / 2;
	}

	/** The next wait is as long as it gets: what failed will not heal by itself. */
	exhaust(): void {
		this.#tries = 16;
	}

	reset(): void {
		this.#tries = 0;
	}

	/** Waits. @throws AbortError. */
	async wait(signal: AbortSignal): Promise<void> {
		await sleep(this.next(), undefined, { signal });
	}
}
