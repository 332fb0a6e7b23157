/**
 * Posts alerts to webhooks: at least once, in order for each, whatever happens in between.
 *
 * What is yet to be delivered stands in the alert itself (`undelivered`) and so survives a restart. Every target has a loop
 * of its own: one that hangs or fails delays nobody else. What goes together and when says `parcels.ts`.
 *
 * - A post that fails (`post.ts`) is tried again after an exponentially growing, jittered pause; later ones wait, so that they
 *   arrive in order.
 * - A receiver that refuses a post is logged; the post is set aside and tried again slowly, later ones go on.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isAbort, isUmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { Backoff } from "../backoff.ts";
import type { AlertRecord } from "../catalog/records.ts";
import { type Grouping, type Parcel, ParcelSchedule } from "./parcels.ts";
import { groupPayloadOf, payloadOf } from "./payload.ts";
import { postJson, type Receiver } from "./post.ts";

export interface WebhookTarget extends Receiver {
	/** Unique; it is what alerts remember, since an address may hold a secret and may change. */
	readonly name: string;
	/** Without it every alert is posted on its own. */
	readonly group?: Grouping | undefined;
	/** Milliseconds after which what still fires is told again; without it, it is not. */
	readonly repeat?: number | undefined;
}

/** Kept by the caller in the catalog. */
export interface DeliveryStore {
	/** Alerts whose `undelivered` is not empty, oldest first; as they are when they are read. */
	pending(): AsyncIterable<AlertRecord>;
	/** All that fire. */
	firing(): Promise<readonly AlertRecord[]>;
	/** Replaces the stored alert by `withoutTarget(stored, posted, target)`, with no other write between reading and writing it. */
	delivered(posted: AlertRecord, target: string): Promise<void>;
}

/** `alert` with `target` taken off its list, unless it has become other news since it was posted. */
export function withoutTarget(alert: AlertRecord, posted: AlertRecord, target: string): AlertRecord {
	if (alert.state !== posted.state || alert.severity !== posted.severity) return alert;
	return { ...alert, undelivered: alert.undelivered.filter((name) => name !== target) };
}

/** Pauses in milliseconds. */
export interface WebhookTiming {
	readonly timeout: number;
	readonly firstPause: number;
	readonly longestPause: number;
	readonly refusedPause: number;
}

export interface WebhookOptions {
	readonly targets: readonly WebhookTarget[];
	readonly store: DeliveryStore;
	readonly log: Logger;
	readonly fetch?: typeof fetch;
	readonly timing?: WebhookTiming;
}

const TIMING: WebhookTiming = { timeout: 10_000, firstPause: 1000, longestPause: 60_000, refusedPause: 600_000 };
/** Alerts read ahead for one target: bounds memory when it was away for long. */
const BATCH = 1000;
/** Node's timers hold no more than 24 days. */
const MAX_TIMER_MS = 3_600_000;

export class WebhookSender implements AsyncDisposable {
	/** Settles when every loop has ended: resolved after disposal, rejected by a fault of our own. */
	readonly finished: Promise<void>;
	readonly #stop = new AbortController();
	readonly #loops: readonly TargetLoop[];

	private constructor(options: WebhookOptions) {
		this.#loops = options.targets.map((target) => new TargetLoop(target, options, this.#stop.signal));
		const names = new Set(options.targets.map((target) => target.name));
		const running = [forgetRemoved(names, options), ...this.#loops.map((loop) => loop.run())];
		this.finished = Promise.all(running).then(() => undefined);
		// Whoever watches `finished` learns of it; that nobody does is no unhandled rejection.
		this.finished.catch(() => this.#stop.abort());
	}

	static start(options: WebhookOptions): WebhookSender {
		return new WebhookSender(options);
	}

	/** What it did since it started, over all targets. */
	get failures(): number {
		return this.#loops.reduce((sum, loop) => sum + loop.failures, 0);
	}

	/** Something may be new: look. */
	wake(): void {
		for (const loop of this.#loops) loop.wake();
	}

	/** Ends posts in flight; what they carried stays undelivered. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.finished.catch(() => undefined);
	}
}

/** Alerts that wait for a webhook that is no longer configured would wait for ever. */
async function forgetRemoved(names: ReadonlySet<string>, { store, log }: WebhookOptions): Promise<void> {
	const removed: { alert: AlertRecord; target: string }[] = [];
	try {
		for await (const alert of store.pending()) {
			for (const target of alert.undelivered) if (!names.has(target)) removed.push({ alert, target });
		}
		for (const { alert, target } of removed) {
			log.warn({ webhook: target, alert: alert.id }, "alert was never delivered: its webhook is no longer configured");
			await store.delivered(alert, target);
		}
	} catch (error) {
		if (!isUmbraError(error)) throw error;
		log.warn({ error: error.message }, "cannot clear alerts of removed webhooks; tried again at the next start");
	}
}

class TargetLoop {
	readonly #target: WebhookTarget;
	readonly #store: DeliveryStore;
	readonly #log: Logger;
	readonly #fetch: typeof fetch | undefined;
	readonly #timing: WebhookTiming;
	readonly #stop: AbortSignal;
	readonly #schedule: ParcelSchedule;
	readonly #backoff: Backoff;
	/** Refused parcels by idempotency key, and when to try them again. */
	readonly #setAside = new Map<string, number>();
	#awake = true;
	#wakeUp: (() => void) | undefined;
	/** Posts that were not taken. */
	failures = 0;

	constructor(target: WebhookTarget, options: WebhookOptions, stop: AbortSignal) {
		this.#target = target;
		this.#store = options.store;
		this.#log = options.log.child({ webhook: target.name });
		this.#fetch = options.fetch;
		this.#timing = options.timing ?? TIMING;
		this.#stop = stop;
		this.#schedule = new ParcelSchedule(target.group, target.repeat, Date.now());
		this.#backoff = new Backoff(this.#timing.firstPause, this.#timing.longestPause);
	}

	wake(): void {
		this.#awake = true;
		this.#wakeUp?.();
	}

	async run(): Promise<void> {
		while (!this.#stop.aborted) {
			try {
				this.#awake = false;
				const { due, next } = await this.#look();
				let wait = 0;
				for (const parcel of due) {
					wait = await this.#deliver(parcel);
					if (wait > 0 || this.#stop.aborted) break;
				}
				if (wait > 0) await sleep(wait, undefined, { signal: this.#stop });
				else if (due.length === 0) await this.#idle(next);
			} catch (error) {
				if (this.#stop.aborted && isAbort(error)) return;
				if (!isUmbraError(error)) throw error;
				this.#log.error({ error: error.message }, "cannot read or write what is to be delivered; trying again");
				await sleep(this.#backoff.next(), undefined, { signal: this.#stop }).catch(() => undefined);
			}
		}
	}

	/** What this target is to get now, in order, and when there may be more (milliseconds since 1970). */
	async #look(): Promise<{ due: Parcel[]; next: number }> {
		const pending: AlertRecord[] = [];
		for await (const alert of this.#store.pending()) {
			if (alert.undelivered.includes(this.#target.name)) pending.push(alert);
			if (pending.length >= BATCH) break;
		}
		const firing = this.#schedule.wantsKnown ? await this.#store.firing() : [];
		const told = firing.filter(({ undelivered }) => !undelivered.includes(this.#target.name));
		const now = Date.now();
		const parcels = this.#schedule.plan(pending, told, now);
		const there = new Set(parcels.map(({ idempotencyKey }) => idempotencyKey));
		for (const key of this.#setAside.keys()) if (!there.has(key)) this.#setAside.delete(key);
		const at = (parcel: Parcel) => Math.max(parcel.dueAt, this.#setAside.get(parcel.idempotencyKey) ?? 0);
		const due = parcels.filter((parcel) => at(parcel) <= now);
		return { due, next: Math.min(...parcels.map(at)) };
	}

	/** @returns how long to pause before anything else is sent, 0: go on. */
	async #deliver(parcel: Parcel): Promise<number> {
		const { news, known, labels, idempotencyKey } = parcel;
		const alone = news[0] ?? known[0];
		if (alone === undefined) return 0;
		const payload =
			labels === undefined
				? { ...payloadOf(alone), ...(news.length === 0 ? { repeated: true } : {}) }
				: groupPayloadOf(labels, news, known);
		const outcome = await postJson(this.#target, JSON.stringify(payload), {
			timeout: this.#timing.timeout,
			signal: this.#stop,
			headers: { "idempotency-key": idempotencyKey },
			fetch: this.#fetch,
		});
		if (this.#stop.aborted && outcome.kind !== "delivered") return 0;
		if (outcome.kind === "delivered") {
			for (const alert of news) await this.#store.delivered(alert, this.#target.name);
			this.#schedule.posted(parcel.key, Date.now());
			this.#backoff.reset();
			this.#setAside.delete(idempotencyKey);
			return 0;
		}
		this.failures++;
		const about = { alert: alone.id, alerts: news.length + known.length, reason: outcome.reason };
		if (outcome.kind === "refused") {
			this.#setAside.set(idempotencyKey, Date.now() + this.#timing.refusedPause);
			this.#log.error(about, "webhook refused an alert; it is kept and tried again later");
			return 0;
		}
		const wait = this.#backoff.nextOr(outcome.wait);
		this.#log.warn({ ...about, retryMs: Math.round(wait) }, "webhook did not take an alert");
		return wait;
	}

	/** Until woken, or until `next`. */
	async #idle(next: number): Promise<void> {
		if (this.#awake || this.#stop.aborted) return;
		const woken = Promise.withResolvers<void>();
		this.#wakeUp = woken.resolve;
		this.#stop.addEventListener("abort", this.#wakeUp, { once: true });
		const pause = Math.min(Math.max(1, next - Date.now()), MAX_TIMER_MS);
		const timer = Number.isFinite(next) ? setTimeout(woken.resolve, pause) : undefined;
		try {
			await woken.promise;
		} finally {
			clearTimeout(timer);
			this.#stop.removeEventListener("abort", woken.resolve as () => void);
			this.#wakeUp = undefined;
		}
	}
}
