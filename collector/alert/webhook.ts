/**
 * Posts alerts to webhooks: at least once, in order for each, whatever happens in between.
 *
 * What is yet to be delivered stands in the alert itself (`undelivered`) and so survives a restart. Every target has a loop
 * of its own: one that hangs or fails delays nobody else.
 *
 * - 2xx: delivered.
 * - No answer, 408, 425, 429, 5xx: tried again after an exponentially growing, jittered pause; later alerts wait, so
 *   that they arrive in order.
 * - Anything else (other 4xx, a redirect): this receiver refuses this alert. It is logged, set aside and tried again slowly;
 *   later alerts go on.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isAbort, isUmbraError, messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { AlertRecord } from "../catalog/records.ts";
import { idempotencyKey, payloadOf } from "./payload.ts";

export interface WebhookTarget {
	/** Unique; it is what alerts remember, since an address may hold a secret and may change. */
	readonly name: string;
	readonly url: string;
	readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Kept by the caller in the catalog. */
export interface DeliveryStore {
	/** Alerts whose `undelivered` is not empty, oldest first; as they are when they are read. */
	pending(): AsyncIterable<AlertRecord>;
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
const BATCH = 100;
const RETRIED_STATUS = new Set([408, 425, 429]);

type Outcome = { readonly kind: "delivered" | "refused" | "failed"; readonly reason: string; readonly wait: number };

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
	readonly #fetch: typeof fetch;
	readonly #timing: WebhookTiming;
	readonly #stop: AbortSignal;
	/** Refused news by idempotency key, and when to try it again (performance.now()). */
	readonly #setAside = new Map<string, number>();
	#failures = 0;
	#awake = true;
	#wakeUp: (() => void) | undefined;

	constructor(target: WebhookTarget, options: WebhookOptions, stop: AbortSignal) {
		this.#target = target;
		this.#store = options.store;
		this.#log = options.log.child({ webhook: target.name });
		this.#fetch = options.fetch ?? fetch;
		this.#timing = options.timing ?? TIMING;
		this.#stop = stop;
	}

	wake(): void {
		this.#awake = true;
		this.#wakeUp?.();
	}

	async run(): Promise<void> {
		while (!this.#stop.aborted) {
			try {
				this.#awake = false;
				const batch = await this.#due();
				let wait = 0;
				for (const alert of batch) {
					wait = await this.#deliver(alert);
					if (wait > 0 || this.#stop.aborted) break;
				}
				if (wait > 0) await sleep(wait, undefined, { signal: this.#stop });
				else if (batch.length === 0) await this.#idle();
			} catch (error) {
				if (this.#stop.aborted && isAbort(error)) return;
				if (!isUmbraError(error)) throw error;
				this.#log.error({ error: error.message }, "cannot read or write what is to be delivered; trying again");
				await sleep(this.#backoff(), undefined, { signal: this.#stop }).catch(() => undefined);
			}
		}
	}

	/** What this target lacks and is not set aside, oldest first. */
	async #due(): Promise<AlertRecord[]> {
		const now = performance.now();
		const due: AlertRecord[] = [];
		const waiting = new Set<string>();
		for await (const alert of this.#store.pending()) {
			if (!alert.undelivered.includes(this.#target.name)) continue;
			const key = idempotencyKey(alert);
			waiting.add(key);
			if ((this.#setAside.get(key) ?? 0) <= now) due.push(alert);
			if (due.length >= BATCH) return due;
		}
		for (const key of this.#setAside.keys()) if (!waiting.has(key)) this.#setAside.delete(key);
		return due;
	}

	/** @returns how long to pause before anything else is sent, 0: go on. */
	async #deliver(alert: AlertRecord): Promise<number> {
		const outcome = await this.#post(alert);
		if (this.#stop.aborted && outcome.kind !== "delivered") return 0;
		const key = idempotencyKey(alert);
		if (outcome.kind === "delivered") {
			await this.#store.delivered(alert, this.#target.name);
			this.#failures = 0;
			this.#setAside.delete(key);
			return 0;
		}
		if (outcome.kind === "refused") {
			this.#setAside.set(key, performance.now() + this.#timing.refusedPause);
			this.#log.error(
				{ alert: alert.id, reason: outcome.reason },
				"webhook refused an alert; it is kept and tried again later",
			);
			return 0;
		}
		const wait = Math.max(this.#backoff(), Math.min(outcome.wait, this.#timing.longestPause));
		this.#log.warn(
			{ alert: alert.id, reason: outcome.reason, retryMs: Math.round(wait) },
			"webhook did not take an alert",
		);
		return wait;
	}

	async #post(alert: AlertRecord): Promise<Outcome> {
		// The pause of a timer that ends with the post: AbortSignal.timeout would keep counting, and keeps its target alive.
		const limit = new AbortController();
		const timer = setTimeout(() => limit.abort(), this.#timing.timeout);
		try {
			const response = await this.#fetch(this.#target.url, {
				method: "POST",
				headers: {
					"user-agent": "umbra",
					...this.#target.headers,
					"content-type": "application/json",
					"idempotency-key": idempotencyKey(alert),
				},
				body: JSON.stringify(payloadOf(alert)),
				// A followed 302 turns the post into a get, which any login page answers with 200.
				redirect: "manual",
				signal: AbortSignal.any([this.#stop, limit.signal]),
			});
			await response.body?.cancel();
			const reason = `HTTP ${response.status}`;
			if (response.ok) return { kind: "delivered", reason, wait: 0 };
			if (response.status >= 500 || RETRIED_STATUS.has(response.status)) {
				return { kind: "failed", reason, wait: retryAfter(response.headers.get("retry-after")) };
			}
			return { kind: "refused", reason, wait: 0 };
		} catch (error) {
			const reason = limit.signal.aborted ? `no answer within ${this.#timing.timeout} ms` : reasonOf(error);
			return { kind: "failed", reason, wait: 0 };
		} finally {
			clearTimeout(timer);
		}
	}

	/** Full jitter over the upper half, so that collectors that lost one receiver together do not return together. */
	#backoff(): number {
		const { firstPause, longestPause } = this.#timing;
		const ceiling = Math.min(longestPause, firstPause * 2 ** Math.min(this.#failures++, 30));
		return ceiling * (0.5 + Math.random() / 2);
	}

	/** Until woken, or until something set aside is due. */
	async #idle(): Promise<void> {
		if (this.#awake || this.#stop.aborted) return;
		const next = Math.min(...this.#setAside.values());
		const woken = Promise.withResolvers<void>();
		this.#wakeUp = woken.resolve;
		this.#stop.addEventListener("abort", this.#wakeUp, { once: true });
		const timer = Number.isFinite(next) ? setTimeout(woken.resolve, Math.max(1, next - performance.now())) : undefined;
		try {
			await woken.promise;
		} finally {
			clearTimeout(timer);
			this.#stop.removeEventListener("abort", woken.resolve as () => void);
			this.#wakeUp = undefined;
		}
	}
}

/** `Retry-After` in milliseconds: seconds or a date (RFC 9110, section 10.2.3); 0 where it is missing or neither. */
function retryAfter(header: string | null): number {
	if (header === null) return 0;
	if (/^\d+$/.test(header)) return Number(header) * 1000;
	const date = Date.parse(header);
	return Number.isNaN(date) ? 0 : Math.max(0, date - Date.now());
}

/** `fetch` hides why it failed in a cause. */
function reasonOf(error: unknown): string {
	const cause = error instanceof Error ? error.cause : undefined;
	return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}
