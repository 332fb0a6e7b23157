/**
 * Tells Alertmanagers (API v2) what fires. They group, silence, route and repeat by themselves; what they want is to hear of every
 * firing alert again and again, and once more when it has ended. So nothing is kept on disk of what was told: each round posts
 * the state as it is, and whatever was missed is put right by the next. What ended while this collector was not running
 * ends there by itself, a few rounds later.
 *
 * An alert's labels are its identity there. Severity is one of them, since routes go by it; where it rises, the alert with
 * the former severity is ended in the same post.
 */
import { isAbort, isUmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { formatTime } from "../../common/units.ts";
import { Backoff } from "../backoff.ts";
import type { AlertRecord } from "../catalog/records.ts";
import { postJson, type Receiver } from "./post.ts";

export interface AlertmanagerTarget extends Receiver {
	/** Unique among all receivers. */
	readonly name: string;
	/** Added to every alert's own. */
	readonly labels?: Readonly<Record<string, string>> | undefined;
	/** Milliseconds between two rounds. */
	readonly resend: number;
}

export interface AlertmanagerOptions {
	readonly targets: readonly AlertmanagerTarget[];
	/** All alerts that fire. */
	readonly firing: () => Promise<readonly AlertRecord[]>;
	/** Where people find this collector's API, for links; undefined: there are none. */
	readonly publicUrl?: string | undefined;
	readonly log: Logger;
	readonly fetch?: typeof fetch;
	readonly timing?: { readonly timeout: number; readonly firstPause: number; readonly longestPause: number };
}

/** One alert as `POST /api/v2/alerts` takes it. */
interface PostableAlert {
	readonly labels: Readonly<Record<string, string>>;
	readonly annotations: Readonly<Record<string, string>>;
	readonly startsAt: string;
	/** For how long it is true without being told again; in the past where it has ended. */
	readonly endsAt: string;
	readonly generatorURL?: string;
}

const TIMING = { timeout: 10_000, firstPause: 1000, longestPause: 60_000 };
/** Rounds that may fail before an Alertmanager takes what still fires for ended. */
const LIFETIME_ROUNDS = 4;
/** In one post: about 1 MB. */
const BATCH = 200;
/** Files named in an annotation. */
const MAX_FILES = 20;

export class AlertmanagerSender implements AsyncDisposable {
	/** As `WebhookSender.finished`. */
	readonly finished: Promise<void>;
	readonly #stop = new AbortController();
	readonly #loops: readonly TargetLoop[];

	private constructor(options: AlertmanagerOptions) {
		this.#loops = options.targets.map((target) => new TargetLoop(target, options, this.#stop.signal));
		this.finished = Promise.all(this.#loops.map((loop) => loop.run())).then(() => undefined);
		this.finished.catch(() => this.#stop.abort());
	}

	static start(options: AlertmanagerOptions): AlertmanagerSender {
		return new AlertmanagerSender(options);
	}

	/** Posts that were not taken since it started. */
	get failures(): number {
		return this.#loops.reduce((sum, loop) => sum + loop.failures, 0);
	}

	/** Alerts changed: tell at once. */
	wake(): void {
		for (const loop of this.#loops) loop.wake();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		for (const loop of this.#loops) loop.wake();
		await this.finished.catch(() => undefined);
	}
}

class TargetLoop {
	readonly #target: AlertmanagerTarget;
	readonly #options: AlertmanagerOptions;
	readonly #log: Logger;
	readonly #stop: AbortSignal;
	readonly #timing: NonNullable<AlertmanagerOptions["timing"]>;
	readonly #backoff: Backoff;
	/** What the Alertmanager holds for firing, by the alert's labels: their identity there. */
	readonly #told = new Map<string, PostableAlert>();
	#woken = Promise.withResolvers<void>();
	/** The reason of the last failure: the same one again is no news. */
	#failing = "";
	failures = 0;

	constructor(target: AlertmanagerTarget, options: AlertmanagerOptions, stop: AbortSignal) {
		this.#target = target;
		this.#options = options;
		this.#log = options.log.child({ alertmanager: target.name });
		this.#stop = stop;
		this.#timing = options.timing ?? TIMING;
		this.#backoff = new Backoff(this.#timing.firstPause, this.#timing.longestPause);
	}

	wake(): void {
		this.#woken.resolve();
	}

	async run(): Promise<void> {
		while (!this.#stop.aborted) {
			this.#woken = Promise.withResolvers();
			const pause = await this.#round();
			await this.#pause(pause);
		}
	}

	/** @returns milliseconds until the next round; negative: not before that long, whatever wakes it. */
	async #round(): Promise<number> {
		try {
			const posts = this.#posts(await this.#options.firing(), Date.now());
			for (let at = 0; at < posts.length; at += BATCH) {
				const batch = posts.slice(at, at + BATCH);
				const outcome = await postJson(
					{ url: alertsUrl(this.#target.url), headers: this.#target.headers },
					JSON.stringify(batch.map(({ alert }) => alert)),
					{ timeout: this.#timing.timeout, signal: this.#stop, fetch: this.#options.fetch },
				);
				if (this.#stop.aborted) return 0;
				if (outcome.kind !== "delivered") return this.#failed(outcome.kind, outcome.reason, outcome.wait);
				for (const { key, alert, ended } of batch) {
					if (ended) this.#told.delete(key);
					else this.#told.set(key, alert);
				}
			}
		} catch (error) {
			if (this.#stop.aborted && isAbort(error)) return 0;
			if (!isUmbraError(error)) throw error;
			return this.#failed("failed", error.message, 0);
		}
		if (this.#failing !== "") this.#log.info("Alertmanager takes alerts again");
		this.#failing = "";
		this.#backoff.reset();
		return this.#target.resend;
	}

	/** What ends, then what fires. */
	#posts(firing: readonly AlertRecord[], now: number): { key: string; alert: PostableAlert; ended: boolean }[] {
		const { labels, resend } = this.#target;
		const { publicUrl } = this.#options;
		const endsAt = now + LIFETIME_ROUNDS * Math.max(resend, this.#timing.longestPause);
		const fires = new Map(
			firing.map((record) => {
				const alert = postable(record, { labels, publicUrl, endsAt });
				return [JSON.stringify(alert.labels), alert];
			}),
		);
		const ended = [...this.#told].filter(([key]) => !fires.has(key));
		return [
			...ended.map(([key, alert]) => ({ key, alert: { ...alert, endsAt: iso(now) }, ended: true })),
			...[...fires].map(([key, alert]) => ({ key, alert, ended: false })),
		];
	}

	#failed(kind: "refused" | "failed", reason: string, wait: number): number {
		this.failures++;
		const pause = kind === "refused" ? this.#timing.longestPause : this.#backoff.nextOr(wait);
		if (reason !== this.#failing) this.#log.warn({ reason }, "Alertmanager did not take alerts; trying again");
		this.#failing = reason;
		return -pause;
	}

	/** A failing Alertmanager is not asked more often because there is news. */
	async #pause(milliseconds: number): Promise<void> {
		if (this.#stop.aborted || milliseconds === 0) return;
		const over = Promise.withResolvers<void>();
		const timer = setTimeout(over.resolve, Math.abs(milliseconds));
		this.#stop.addEventListener("abort", over.resolve as () => void, { once: true });
		try {
			await (milliseconds > 0 ? Promise.race([over.promise, this.#woken.promise]) : over.promise);
		} finally {
			clearTimeout(timer);
			this.#stop.removeEventListener("abort", over.resolve as () => void);
		}
	}
}

/** An alert that fires, until `endsAt` (milliseconds since 1970) unless it is told again. */
function postable(
	alert: AlertRecord,
	options: {
		readonly labels?: Readonly<Record<string, string>> | undefined;
		readonly publicUrl?: string | undefined;
		readonly endsAt: number;
	},
): PostableAlert {
	const { vm, host, severity, cause } = alert;
	const more = alert.fileCount - Math.min(alert.files.length, MAX_FILES);
	const files = [...alert.files.slice(0, MAX_FILES), ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
	const known = Object.entries({
		summary: alert.summary,
		mitigation: alert.mitigation,
		files,
		file_count: String(alert.fileCount),
		score: alert.score.toFixed(2),
		changeset: alert.changesetId,
		alert_id: alert.id,
	}).filter(([, value]) => value !== "");
	return {
		labels: { ...options.labels, alertname: cause, cause, vm, host, severity, source: "umbra" },
		annotations: Object.fromEntries(known),
		startsAt: formatTime(BigInt(alert.time)),
		endsAt: iso(options.endsAt),
		...(options.publicUrl === undefined
			? {}
			: { generatorURL: new URL(`/v1/alerts?vm=${encodeURIComponent(vm)}`, options.publicUrl).href }),
	};
}

function iso(milliseconds: number): string {
	return new Date(milliseconds).toISOString();
}

/** Of the API, whatever prefix the Alertmanager is served under. */
function alertsUrl(url: string): string {
	return `${url.replace(/\/+$/, "")}/api/v2/alerts`;
}
