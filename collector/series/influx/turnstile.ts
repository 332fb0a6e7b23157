/**
 * Which requests may be under way side by side. InfluxDB 1.x makes the memory of a shard (its points of a day or a week) with the first
 * write to it, and gives it back when the shard lies idle. Of two first writes at the same time it may acknowledge both and
 * forget one until its next restart (seen on 1.6.7, one in a hundred times). So a write goes alone, unless all hours that it
 * has points of were written to just before: no shard is shorter than an hour.
 */
import { orAborted } from "../../../common/abort.ts";

/** Hours since 1970 of the first and the last point. */
export interface Hours {
	readonly first: number;
	readonly last: number;
}

/** Far less than a shard has to lie idle before its memory is given back. */
const WARM_MS = 2000;
/** Points that are spread wider than this are late ones, and few. */
const MAX_HOURS = 48;
const MAX_REMEMBERED = 1000;

export class Turnstile {
	/** When an hour was written to, by `performance.now()`. */
	readonly #written = new Map<number, number>();
	readonly #waiting = new Set<Hours>();
	#underWay = 0;
	#isAlone = false;
	#left = Promise.withResolvers<void>();

	/**
	 * Runs `request` when it may; where `isDone` says so of its result, its hours were written to.
	 *
	 * @throws the signal's reason, while it waits; what `request` throws.
	 */
	async pass<T>(
		hours: Hours,
		signal: AbortSignal,
		request: () => Promise<T>,
		isDone: (result: T) => boolean,
	): Promise<T> {
		await this.#enter({ ...hours }, signal);
		try {
			const result = await request();
			if (isDone(result)) this.#remember(hours);
			return result;
		} finally {
			this.#underWay--;
			this.#isAlone = false;
			this.#wake();
		}
	}

	/** Waiting and entering are one step, or two could enter that each saw nobody. */
	async #enter(hours: Hours, signal: AbortSignal): Promise<void> {
		for (;;) {
			signal.throwIfAborted();
			const alone = !this.#isWarm(hours);
			if (!this.#isAlone && (alone ? this.#underWay === 0 : !this.#someoneWaitsToBeAlone())) {
				this.#underWay++;
				this.#isAlone = alone;
				return;
			}
			this.#waiting.add(hours);
			try {
				await orAborted(this.#left.promise, signal);
			} finally {
				this.#waiting.delete(hours);
			}
		}
	}

	/** Those that need not be alone stay behind, or it would never get its turn. */
	#someoneWaitsToBeAlone(): boolean {
		return [...this.#waiting].some((hours) => !this.#isWarm(hours));
	}

	#isWarm({ first, last }: Hours): boolean {
		if (last - first > MAX_HOURS) return false;
		const since = performance.now() - WARM_MS;
		for (let hour = first; hour <= last; hour++) {
			if ((this.#written.get(hour) ?? Number.NEGATIVE_INFINITY) < since) return false;
		}
		return true;
	}

	#remember({ first, last }: Hours): void {
		const now = performance.now();
		if (last - first <= MAX_HOURS) for (let hour = first; hour <= last; hour++) this.#written.set(hour, now);
		if (this.#written.size <= MAX_REMEMBERED) return;
		for (const [hour, at] of this.#written) if (at < now - WARM_MS) this.#written.delete(hour);
	}

	#wake(): void {
		this.#left.resolve();
		this.#left = Promise.withResolvers();
	}
}
