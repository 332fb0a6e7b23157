/** Bounds what is in flight on one connection: bytes and requests. Callers beyond it wait in order. */
import type { UmbraError } from "../../../common/errors.ts";

interface Waiter {
	readonly bytes: number;
	readonly admit: () => void;
	readonly refuse: (reason: unknown) => void;
}

export class Window {
	readonly #limitBytes: number;
	#bytes: number;
	#requests: number;
	readonly #waiting = new Set<Waiter>();
	#closed: UmbraError | undefined;

	constructor(limitBytes: number, limitRequests: number) {
		this.#limitBytes = limitBytes;
		this.#bytes = limitBytes;
		this.#requests = limitRequests;
	}

	/** Undefined where there is room now. Each success is followed by one `release` of the same bytes. */
	acquire(bytes: number, signal: AbortSignal | undefined): Promise<void> | undefined {
		if (this.#closed !== undefined) throw this.#closed;
		// What is larger than the whole window goes alone.
		const wanted = Math.min(bytes, this.#limitBytes);
		if (this.#waiting.size === 0 && this.#fits(wanted)) {
			this.#take(wanted);
			return undefined;
		}
		return new Promise((resolve, reject) => {
			const end = () => {
				this.#waiting.delete(waiter);
				signal?.removeEventListener("abort", onAbort);
			};
			const waiter: Waiter = {
				bytes: wanted,
				admit: () => {
					end();
					resolve();
				},
				refuse: (reason) => {
					end();
					reject(reason);
				},
			};
			const onAbort = () => {
				waiter.refuse(signal?.reason);
				// The next one may be smaller and fit.
				this.#admit();
			};
			this.#waiting.add(waiter);
			signal?.addEventListener("abort", onAbort, { once: true });
		});
	}

	release(bytes: number): void {
		this.#bytes += Math.min(bytes, this.#limitBytes);
		this.#requests++;
		this.#admit();
	}

	/** Refuses everyone who waits and everyone who comes. */
	close(reason: UmbraError): void {
		this.#closed = reason;
		for (const waiter of [...this.#waiting]) waiter.refuse(reason);
	}

	#fits(bytes: number): boolean {
		return this.#requests > 0 && bytes <= this.#bytes;
	}

	#take(bytes: number): void {
		this.#bytes -= bytes;
		this.#requests--;
	}

	#admit(): void {
		for (const waiter of this.#waiting) {
			if (!this.#fits(waiter.bytes)) return;
			this.#take(waiter.bytes);
			waiter.admit();
		}
	}
}
