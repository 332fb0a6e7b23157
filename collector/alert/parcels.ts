/**
 * What one webhook gets at once, and when. A *parcel* is what is posted together: one alert, or all of a group. It goes out when
 * there is news in it (an alert raised, worse, or resolved), and again while something in it goes on firing, where that is wanted.
 *
 * Only the times are kept here, in memory: after a restart a group waits anew, and repetitions count from the start.
 */
import { createHash } from "node:crypto";
import type { AlertRecord } from "../catalog/records.ts";
import { idempotencyKey } from "./payload.ts";

export const GROUP_LABELS = ["vm", "host", "cause", "severity"] as const;
export type GroupLabel = (typeof GROUP_LABELS)[number];

export interface Grouping {
	/** Alerts that are alike in these go together; none: all of them. */
	readonly by: readonly GroupLabel[];
	/** Milliseconds from the first news of a group to its post, for more to come. */
	readonly wait: number;
	/** Milliseconds between two posts of one group. */
	readonly interval: number;
}

export interface Parcel {
	/** Of the group; of an alert on its own its id. */
	readonly key: string;
	/** Undefined of an alert on its own. */
	readonly labels: Readonly<Record<string, string>> | undefined;
	/** Not told yet, oldest first. */
	readonly news: readonly AlertRecord[];
	/** Told before, and firing. */
	readonly known: readonly AlertRecord[];
	/** When it is to go out, by the clock given. */
	readonly dueAt: number;
	/** The same for every attempt at the same news, so that a receiver can drop what it has. */
	readonly idempotencyKey: string;
}

export class ParcelSchedule {
	readonly #grouping: Grouping | undefined;
	/** Milliseconds; undefined: nothing is repeated. */
	readonly #repeat: number | undefined;
	/** Milliseconds since 1970; only differences count. */
	readonly #startedAt: number;
	/** When there first was news of a parcel that is not out yet. */
	readonly #newsAt = new Map<string, number>();
	readonly #postedAt = new Map<string, number>();

	constructor(grouping: Grouping | undefined, repeat: number | undefined, now: number) {
		this.#grouping = grouping;
		this.#repeat = repeat;
		this.#startedAt = now;
	}

	/** True where alerts that were told already have to be looked at too. */
	get wantsKnown(): boolean {
		return this.#grouping !== undefined || this.#repeat !== undefined;
	}

	/**
	 * Every parcel there is, the soonest due first, among equals the one with the oldest news.
	 *
	 * @param pending alerts not told yet, oldest first
	 * @param firing all that fire
	 */
	plan(pending: readonly AlertRecord[], firing: readonly AlertRecord[], now: number): Parcel[] {
		const groups = new Map<string, { alert: AlertRecord; news: AlertRecord[]; known: AlertRecord[] }>();
		const groupOf = (alert: AlertRecord) => {
			const key = this.#keyOf(alert);
			let group = groups.get(key);
			if (group === undefined) {
				group = { alert, news: [], known: [] };
				groups.set(key, group);
			}
			return group;
		};
		for (const alert of pending) groupOf(alert).news.push(alert);
		const told = new Set(pending.map(({ id }) => id));
		for (const alert of firing) if (!told.has(alert.id)) groupOf(alert).known.push(alert);
		this.#forget(groups);
		const parcels = [...groups].map(([key, { alert, news, known }]): Parcel => {
			const last = this.#postedAt.get(key) ?? this.#startedAt;
			const again = news.length === 0 ? `-after-${last}` : "";
			const isAlone = this.#grouping === undefined;
			const keys = (news.length === 0 ? known : news).map(idempotencyKey);
			return {
				key,
				labels: this.#grouping && labelsOf(alert, this.#grouping.by),
				news,
				known,
				dueAt: this.#dueAt(key, news.length > 0, last, now),
				idempotencyKey: `${isAlone ? keys.join() : digest([key, ...keys])}${again}`,
			};
		});
		return parcels.sort((a, b) => a.dueAt - b.dueAt);
	}

	posted(key: string, now: number): void {
		this.#postedAt.set(key, now);
		this.#newsAt.delete(key);
	}

	#dueAt(key: string, hasNews: boolean, last: number, now: number): number {
		if (!hasNews) return this.#repeat === undefined ? Number.POSITIVE_INFINITY : last + this.#repeat;
		const since = this.#newsAt.get(key) ?? now;
		this.#newsAt.set(key, since);
		if (this.#grouping === undefined) return 0;
		const next = this.#postedAt.has(key) ? last + this.#grouping.interval : 0;
		return Math.max(since + this.#grouping.wait, next);
	}

	#keyOf(alert: AlertRecord): string {
		return this.#grouping === undefined ? alert.id : JSON.stringify(labelsOf(alert, this.#grouping.by));
	}

	/** What is neither firing nor news any more. */
	#forget(groups: ReadonlyMap<string, unknown>): void {
		for (const key of this.#newsAt.keys()) if (!groups.has(key)) this.#newsAt.delete(key);
		for (const key of this.#postedAt.keys()) if (!groups.has(key)) this.#postedAt.delete(key);
	}
}

function labelsOf(alert: AlertRecord, by: readonly GroupLabel[]): Record<string, string> {
	return Object.fromEntries(GROUP_LABELS.filter((label) => by.includes(label)).map((label) => [label, alert[label]]));
}

function digest(parts: readonly string[]): string {
	return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32);
}
