/**
 * When a guest counts as silent. Pure; the caller looks once a second.
 *
 * A sign of life is whatever only a guest that runs can do: it says something on a console, sends a frame, has a request to a disk done, or
 * its agent answers. A healthy guest that has nothing to do may give none of these for long: so it is silent only where besides
 * something that had answered does not any more, or where its processors were not even woken by a timer.
 */

/** Longer than the kernel's own detectors need to speak first (softlockup 20 s, RCU 21 s). */
const SILENCE_MS = 30_000;
/** Time that all vCPUs ran for meanwhile. A kernel that idles has timers of its own: it comes to many times that. */
const STANDS_MS = 1;

export interface Look {
	/** From the beginning of the trial. */
	readonly atMs: number;
	/** A sign of life came since the look before. */
	readonly isAlive: boolean;
	/** It was kept from giving any, by its host: this time does not count. */
	readonly isHeld: boolean;
	/** Milliseconds that its vCPUs ran since the look before; undefined where that is not known. */
	readonly ranMs: number | undefined;
	/** Its agent or a probe had answered, and does not now. */
	readonly isMissed: boolean;
}

export class Silence {
	#lastMs: number | undefined;
	#silentMs = 0;
	/** For so long its processors have stood, but for `#ranMs`. */
	#standsMs = 0;
	#ranMs = 0;
	#isSilent = false;

	get isSilent(): boolean {
		return this.#isSilent;
	}

	/** @returns for how many seconds it has been silent, when it comes to count as such; else undefined. */
	look({ atMs, isAlive, isHeld, ranMs, isMissed }: Look): number | undefined {
		const passed = atMs - (this.#lastMs ?? atMs);
		this.#lastMs = atMs;
		if (isAlive) {
			this.#silentMs = 0;
			this.#standsMs = 0;
			this.#ranMs = 0;
			this.#isSilent = false;
			return undefined;
		}
		if (isHeld) return undefined;
		this.#silentMs += passed;
		this.#standsMs += passed;
		this.#ranMs += ranMs ?? STANDS_MS;
		if (this.#ranMs >= STANDS_MS) {
			// Also what it did between its last sign of life and its end.
			this.#standsMs = 0;
			this.#ranMs = 0;
		}
		const stands = this.#standsMs >= SILENCE_MS;
		if (this.#isSilent || this.#silentMs < SILENCE_MS || !(isMissed || stands)) return undefined;
		this.#isSilent = true;
		return Math.round(this.#silentMs / 1000);
	}
}
