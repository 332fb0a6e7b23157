/** How long to wait before the next try at somebody who does not answer. */

/** Pauses that double, in milliseconds. */
export class Backoff {
	readonly #first: number;
	readonly #longest: number;
	#failures = 0;

	constructor(first: number, longest: number) {
		this.#first = first;
		this.#longest = longest;
	}

	/** Jitter over the upper half, so that collectors that lost one receiver together do not return together. */
	next(): number {
		const ceiling = Math.min(this.#longest, this.#first * 2 ** Math.min(this.#failures++, 30));
		return ceiling * (0.5 + Math.random() / 2);
	}

	/** As `next`, or what the receiver asked for where that is longer, within bounds. */
	nextOr(wanted: number): number {
		return Math.max(this.next(), Math.min(wanted, this.#longest));
	}

	reset(): void {
		this.#failures = 0;
	}
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3); 0 where it is missing or neither. */
export function retryAfter(header: string | null | undefined): number {
	if (header === null || header === undefined) return 0;
	if (/^\d+$/.test(header)) return Number(header) * 1000;
	const date = Date.parse(header);
	return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}
