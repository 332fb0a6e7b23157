/** Telemetry on its way: bounded, the oldest goes first where there is too much, and nothing counts as sent before it is acknowledged. */
import type { wire } from "../../proto/service.ts";

type Sample = wire.v1.ISample;

export class TelemetryQueue {
	readonly #limit: number;
	#waiting: Sample[] = [];
	#flying = new Map<number, Sample[]>();
	#sequence = 0;
	#dropped = 0;

	constructor(limit: number) {
		this.#limit = limit;
	}

	/** Samples that were thrown away unsent. */
	get dropped(): number {
		return this.#dropped;
	}

	/** Batches that are not acknowledged. */
	get flying(): number {
		return this.#flying.size;
	}

	push(samples: readonly Sample[]): void {
		for (const sample of samples) this.#waiting.push(sample);
		this.#trim();
	}

	#trim(): void {
		const over = this.#waiting.length - this.#limit;
		if (over <= 0) return;
		this.#waiting.splice(0, over);
		this.#dropped += over;
	}

	/** The next batch of at most `max`; undefined where nothing waits. */
	take(max: number): { readonly sequence: number; readonly samples: Sample[] } | undefined {
		if (this.#waiting.length === 0) return undefined;
		const samples = this.#waiting.splice(0, max);
		this.#flying.set(++this.#sequence, samples);
		return { sequence: this.#sequence, samples };
	}

	acknowledge(sequence: number): void {
		this.#flying.delete(sequence);
	}

	/** A new session: what was not acknowledged waits again, in order; sequences begin anew. */
	restart(): void {
		this.#waiting = [...this.#flying.values()].flat().concat(this.#waiting);
		this.#flying = new Map();
		this.#sequence = 0;
		this.#trim();
	}
}
