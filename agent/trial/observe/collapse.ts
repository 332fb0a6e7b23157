/**
 * When a latency counts as collapsed: against what it was before any stress, and for long. Pure.
 *
 * It is meant for what is beyond slow. A host that is short of time, a burst, or the latency of a lever itself must not look like it: so it has to be many
 * times the usual, more than any user would wait for, and that in all that was measured for many seconds.
 */

/** Fewer say nothing about what is usual. */
const MIN_BASELINE = 5;
/** Of the median before stress. */
const FACTOR = 20;
/** For so long without a better value, and over so many values. */
const LASTING_MS = 10_000;
const MIN_VALUES = 5;
/** Between two values; more say nothing about the time between them. */
const MAX_GAP_MS = 30_000;
const MAX_BASELINE = 1000;

export interface CollapseOptions {
	/** Milliseconds: below it is not collapsed, whatever was usual. */
	readonly floorMs: number;
	/** Until when values tell what is usual, from the beginning of the trial. */
	readonly quietMs: number;
	/** What is usual, in milliseconds, where that is known from elsewhere. */
	readonly usualMs?: number | undefined;
}

export class Collapse {
	readonly #options: CollapseOptions;
	readonly #baseline: number[] = [];
	#since: number | undefined;
	#lastMs = 0;
	#values = 0;
	#hasCollapsed = false;

	constructor(options: CollapseOptions) {
		this.#options = options;
	}

	/** It stands at this. */
	get hasCollapsed(): boolean {
		return this.#hasCollapsed;
	}

	/** Milliseconds; undefined while it is not known. */
	get usualMs(): number | undefined {
		const { usualMs } = this.#options;
		if (usualMs !== undefined) return usualMs;
		return this.#baseline.length < MIN_BASELINE ? undefined : median(this.#baseline);
	}

	/** @returns true when it comes to count as collapsed. */
	add(atMs: number, latencyMs: number): boolean {
		const { floorMs, quietMs } = this.#options;
		if (atMs < quietMs) {
			if (this.#baseline.length < MAX_BASELINE) this.#baseline.push(latencyMs);
			return false;
		}
		const usual = this.usualMs;
		if (usual === undefined || latencyMs < Math.max(floorMs, FACTOR * usual)) {
			this.#since = undefined;
			this.#values = 0;
			this.#hasCollapsed = false;
			return false;
		}
		if (this.#since === undefined || atMs - this.#lastMs > MAX_GAP_MS) {
			this.#since = atMs;
			this.#values = 0;
		}
		this.#lastMs = atMs;
		this.#values++;
		if (this.#hasCollapsed || this.#values < MIN_VALUES || atMs - this.#since < LASTING_MS) return false;
		this.#hasCollapsed = true;
		return true;
	}
}

/** Undefined of none. */
export function median(values: readonly number[]): number | undefined {
	const sorted = [...values].sort((one, other) => one - other);
	return sorted[Math.floor((sorted.length - 1) / 2)];
}
