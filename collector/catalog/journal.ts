/**
 * What happened, in the order in which it was written: each entry in one batch with what it tells of. Bounded, so that
 * whoever was away for longer has to look at the catalog itself.
 */
import { keys, rangeBelow } from "./keys.ts";
import type { AlertRecord } from "./records.ts";
import type { LevelStore, Operation } from "./store.ts";

/** About 10 MB. */
const MAX_ENTRIES = 100_000;

/** `event/<number>`: names what is to be read elsewhere, as it is by then. */
export type JournalEntry =
	| { readonly type: "changeset" | "verdict"; readonly vm: string; readonly time: string }
	| {
			readonly type: "alert";
			readonly vm: string;
			readonly time: string;
			readonly id: string;
			/** What the alert was then: one that is something else by now has a later entry. */
			readonly mark: string;
	  }
	| { readonly type: "trial"; readonly vm: string; readonly time: string; readonly id: string };

export interface NumberedEntry {
	readonly number: number;
	readonly entry: JournalEntry;
}

export class Journal {
	readonly #store: LevelStore;
	readonly #maxEntries: number;
	#next: number;
	/** Numbers that were given out to batches of which nobody knows yet whether they are on the disk. */
	readonly #underWay = new Set<number>();
	readonly #listeners = new Set<() => void>();

	private constructor(store: LevelStore, next: number, maxEntries: number) {
		this.#store = store;
		this.#next = next;
		this.#maxEntries = maxEntries;
	}

	static async open(store: LevelStore, maxEntries = MAX_ENTRIES): Promise<Journal> {
		const range = rangeBelow("event");
		const [newest] = (await store.page(range, { limit: 1, reverse: true })).items;
		return new Journal(store, newest === undefined ? 1 : numberOf(newest.key, range.prefix) + 1, maxEntries);
	}

	/** The newest number up to which all that ever will be there can be read; 0 where there is none. */
	get head(): number {
		let head = this.#next - 1;
		for (const number of this.#underWay) head = Math.min(head, number - 1);
		return head;
	}

	/** Entries up to this number are forgotten. */
	get forgotten(): number {
		return Math.max(0, this.#next - 1 - this.#maxEntries);
	}

	/** Adds to a batch that is about to be written. To be disposed of when the batch was, or was not. */
	write(operations: Operation[], entries: readonly JournalEntry[]): Disposable {
		const numbers = entries.map((entry) => {
			const number = this.#next++;
			this.#underWay.add(number);
			operations.push({ type: "put", key: keys.event(number), value: entry });
			if (number > this.#maxEntries) operations.push({ type: "del", key: keys.event(number - this.#maxEntries) });
			return number;
		});
		return {
			[Symbol.dispose]: () => {
				for (const number of numbers) this.#underWay.delete(number);
				for (const listener of [...this.#listeners]) listener();
			},
		};
	}

	/** At most `limit` entries after a number, in order; empty where there are none yet. */
	async read(after: number, limit: number): Promise<NumberedEntry[]> {
		const { head } = this;
		if (after >= head) return [];
		const range = rangeBelow("event");
		const cursor = keys.event(after).slice(range.prefix.length);
		const { items } = await this.#store.page<JournalEntry>(range, { cursor, limit });
		return items
			.map(({ key, value }) => ({ number: numberOf(key, range.prefix), entry: value }))
			.filter(({ number }) => number <= head);
	}

	/** Until it is disposed of, `listener` is called whenever there may be more to read. */
	listen(listener: () => void): Disposable {
		this.#listeners.add(listener);
		return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
	}
}

/** What an alert is, as far as a follower cares. */
export function alertMark({ state, severity, count }: AlertRecord): string {
	return `${state} ${severity} ${count}`;
}

/** Of the alerts that a judgement wrote, those of which there is news: not those that were only not found again. */
export function alertEntries(alerts: readonly AlertRecord[]): JournalEntry[] {
	return alerts
		.filter(({ state, quiet }) => state === "resolved" || quiet === 0)
		.map((alert) => ({ type: "alert", vm: alert.vm, time: alert.time, id: alert.id, mark: alertMark(alert) }));
}

function numberOf(key: string, prefix: string): number {
	return Number(key.slice(prefix.length));
}
