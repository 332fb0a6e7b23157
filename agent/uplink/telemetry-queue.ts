/**
 * Telemetry on its way: bounded, the oldest goes first where there is too much, and nothing counts as sent before it is
 * acknowledged. It waits packed, a tenth of its size, in blocks of many samples, and travels as it waited.
 */
import { packSamples } from "../../proto/samples.ts";
import type { wire } from "../../proto/service.ts";

type Sample = wire.v1.ISample;

/** Samples in a block that is not sent before. Larger ones pack little better, and are lost as one. */
const BLOCK_SAMPLES = 1000;

export interface TelemetryBlock {
	/** As `packSamples` makes it. */
	readonly bytes: Uint8Array;
	readonly samples: number;
}

export class TelemetryQueue {
	readonly #limitBytes: number;
	#open: Sample[] = [];
	#waiting: TelemetryBlock[] = [];
	#waitingBytes = 0;
	#flying = new Map<number, TelemetryBlock>();
	#sequence = 0;
	#dropped = 0;

	/** @param limitBytes of the blocks that wait; what is not packed yet comes on top */
	constructor(limitBytes: number) {
		this.#limitBytes = limitBytes;
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
		for (const sample of samples) {
			this.#open.push(sample);
			if (this.#open.length === BLOCK_SAMPLES) this.#seal();
		}
	}

	/** The next batch; undefined where nothing waits. */
	take(): (TelemetryBlock & { readonly sequence: number }) | undefined {
		if (this.#waiting.length === 0 && this.#open.length > 0) this.#seal();
		const block = this.#waiting.shift();
		if (block === undefined) return undefined;
		this.#waitingBytes -= block.bytes.length;
		this.#flying.set(++this.#sequence, block);
		return { ...block, sequence: this.#sequence };
	}

	acknowledge(sequence: number): void {
		this.#flying.delete(sequence);
	}

	/** A new session: what was not acknowledged waits again, in order; sequences begin anew. */
	restart(): void {
		const again = [...this.#flying.values()];
		this.#waiting = [...again, ...this.#waiting];
		for (const { bytes } of again) this.#waitingBytes += bytes.length;
		this.#flying = new Map();
		this.#sequence = 0;
		this.#trim();
	}

	#seal(): void {
		const bytes = packSamples(this.#open);
		this.#waiting.push({ bytes, samples: this.#open.length });
		this.#waitingBytes += bytes.length;
		this.#open = [];
		this.#trim();
	}

	#trim(): void {
		while (this.#waitingBytes > this.#limitBytes) {
			const oldest = this.#waiting.shift();
			if (oldest === undefined) return;
			this.#waitingBytes -= oldest.bytes.length;
			this.#dropped += oldest.samples;
		}
	}
}
