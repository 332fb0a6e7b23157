/** What readings cost, told once a round. */
export class RoundLog {
	#ms = 0;
	#failures = 0;

	took(ms: number): void {
		this.#ms += ms;
	}

	failed(): void {
		this.#failures++;
	}

	/** Readings that failed since the start. */
	get failures(): number {
		return this.#failures;
	}

	/** Seconds that readings took since this was asked last. */
	takeSeconds(): number {
		const seconds = this.#ms / 1000;
		this.#ms = 0;
		return seconds;
	}
}
