/**
 * Which chunks stay although no point needs them: what was brought or asked for lately may be part of a changeset that
 * is on its way. Times are those of a clock that is never set, in milliseconds.
 *
 * Kept as a few generations of sets, a bit a chunk each: a generation holds what was touched while it was the newest.
 * Nothing of it is written down, so that after a start everything counts as touched just then.
 */
import { EntrySet } from "./entry-set.ts";
import type { DiskTree } from "./tree.ts";

/** Far below what any of it lasts, and far above what a number of milliseconds can tell apart after a century. */
const STEP_MS = 1e-3;

const MIN_PERIOD_MS = 10;

interface Generation {
	readonly begun: number;
	/** When something was touched last while it was the newest. */
	last: number;
	readonly touched: EntrySet;
}

export interface LeasedEntries extends Disposable {
	has(entry: number): boolean;
	/** Disks that somebody reads, or built upon at any time since the collection began. */
	pinned(): Iterable<DiskTree>;
}

export class Leases {
	readonly #now: () => number;
	/** A new generation begins after so long; the error by which a chunk may stay longer. */
	readonly #periodMs: number;
	readonly #opened: number;
	/** Oldest first; never empty. */
	#generations: Generation[];
	/** Since when each writer is at work, and what it builds upon. */
	readonly #writers = new Set<{ readonly since: number; readonly trees: readonly DiskTree[] }>();
	/** From when on each collection that is at work has to know what was touched. */
	readonly #collections = new Set<{ readonly since: number; readonly built: (readonly DiskTree[])[] }>();
	readonly #pinned = new Set<readonly DiskTree[]>();
	readonly #graceMs: number;
	#lastTick = Number.NEGATIVE_INFINITY;

	constructor(graceMs: number, now: () => number) {
		this.#graceMs = graceMs;
		this.#periodMs = Math.max(graceMs / 4, MIN_PERIOD_MS);
		this.#now = now;
		this.#opened = this.#tick();
		this.#generations = [{ begun: this.#opened, last: this.#opened, touched: new EntrySet() }];
	}

	/** The chunk stays for the grace time from now on. */
	touch(entry: number): void {
		let newest = this.#generations.at(-1)!;
		if (this.#now() - newest.begun >= this.#periodMs) {
			this.#begin();
			newest = this.#generations.at(-1)!;
		}
		newest.touched.add(entry);
		newest.last = this.#tick();
	}

	lease(trees: readonly DiskTree[]): Disposable {
		const writer = { since: this.#tick(), trees: [...trees] };
		this.#writers.add(writer);
		for (const { built } of this.#collections) built.push(writer.trees);
		const pin = this.pin(trees);
		return {
			[Symbol.dispose]: () => {
				this.#writers.delete(writer);
				pin[Symbol.dispose]();
			},
		};
	}

	pin(trees: readonly DiskTree[]): Disposable {
		const pinned = [...trees];
		this.#pinned.add(pinned);
		return { [Symbol.dispose]: () => void this.#pinned.delete(pinned) };
	}

	/**
	 * What a collection that begins now has to leave: what was touched within the grace time before, or since the oldest
	 * writer began its work, and what is touched until it is disposed of. Call it before looking at what points need.
	 *
	 * @param graceMs at most that of the vault; what was touched before that is forgotten.
	 */
	collection(graceMs: number): LeasedEntries {
		// What is touched from now on is told apart from what was touched before.
		this.#begin();
		let since = this.#tick() - Math.min(graceMs, this.#graceMs);
		for (const writer of this.#writers) since = Math.min(since, writer.since);
		// A changeset that builds upon a point which goes meanwhile may be committed where the points were looked at already:
		// what it shares with that point is needed although neither was seen.
		const built = [...this.#writers].map(({ trees }) => trees);
		const collection = { since, built };
		this.#collections.add(collection);
		return {
			// Everything that was there at the start counts as touched then; what came later was touched when it came.
			has: (entry) =>
				this.#opened >= since || this.#generations.some(({ last, touched }) => last >= since && touched.has(entry)),
			pinned: () => [...new Set([...this.#pinned].concat(built).flat())],
			[Symbol.dispose]: () => void this.#collections.delete(collection),
		};
	}

	/** No two are equal, so that what happened before and after one is never mixed up. */
	#tick(): number {
		this.#lastTick = Math.max(this.#now(), this.#lastTick + STEP_MS);
		return this.#lastTick;
	}

	#begin(): void {
		const now = this.#tick();
		let oldest = now - this.#graceMs;
		for (const { since } of [...this.#writers, ...this.#collections]) oldest = Math.min(oldest, since);
		const kept = this.#generations.filter(({ last }) => last >= oldest);
		this.#generations = [...kept, { begun: now, last: now, touched: new EntrySet() }];
	}
}
