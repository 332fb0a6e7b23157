/**
 * Judges committed changesets: in order within a VM, turn by turn among VMs. What was imported is judged as well, but
 * raises no alert and ends none: it tells of the past, and alerts of what goes on. It works from the catalog
 * alone, so that what a crash left unjudged is judged at the next start, and writes verdict, baseline and
 * alerts in one batch, so that nothing is judged by half.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, messageOf } from "../common/errors.ts";
import type { Logger } from "../common/log.ts";
import { nowNs } from "../common/units.ts";
import { alertsFor } from "./alert/alerts.ts";
import { type DeliveryStore, withoutTarget } from "./alert/webhook.ts";
import type { Catalog } from "./catalog/catalog.ts";
import type { AlertRecord, ChangesetRecord, FileChangeRecord, Verdict } from "./catalog/records.ts";
import type { Base, Detector } from "./detect/detector.ts";
import { KeyedMutex } from "./ingest/keyed-mutex.ts";

/** Files of one changeset that are looked at: bounds memory to about 100 MB. */
const MAX_JUDGED_FILES = 200_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export interface JudgeOptions {
	readonly catalog: Catalog;
	readonly detector: Detector;
	/** Names of the webhooks. */
	readonly targets: readonly string[];
	/** A verdict was written. */
	readonly judged: (changeset: ChangesetRecord, verdict: Verdict) => void;
	/** Alerts were written. */
	readonly alerted: () => void;
	readonly log: Logger;
}

export class Judge implements AsyncDisposable {
	/** Settles when the loop has ended; rejects on a fault of its own. */
	readonly finished: Promise<void>;
	readonly #options: JudgeOptions;
	readonly #stop = new AbortController();
	/** VMs that may have something unjudged; a Set keeps their order. */
	readonly #vms: Set<string>;
	/** The one that is being looked at. */
	#looking: string | undefined;
	/** Judge and webhooks change alerts: one at a time, or one would undo what the other wrote. */
	readonly #alertLock = new KeyedMutex();
	#wake = Promise.withResolvers<void>();
	#unjudgeable = 0;
	#pauseMs = FIRST_PAUSE_MS;

	private constructor(options: JudgeOptions, vms: Set<string>) {
		this.#options = options;
		this.#vms = vms;
		this.finished = this.#run();
		// For whoever watches `finished`.
		this.finished.catch(() => undefined);
	}

	/** @throws UmbraError where the catalog cannot be read. */
	static async start(options: JudgeOptions): Promise<Judge> {
		const vms = new Set<string>();
		for await (const { vm } of options.catalog.unjudged()) vms.add(vm);
		return new Judge(options, vms);
	}

	/** VMs that wait, and changesets that could not be judged since the start. */
	get status(): { readonly waiting: number; readonly unjudgeable: number } {
		const isAnother = this.#looking !== undefined && !this.#vms.has(this.#looking);
		return { waiting: this.#vms.size + (isAnother ? 1 : 0), unjudgeable: this.#unjudgeable };
	}

	/** A changeset of this VM was committed. */
	committed(vm: string): void {
		this.#vms.add(vm);
		this.#wake.resolve();
	}

	/** For alerts that no changeset raises: `change` is given those of the VM that fire, and returns what is new of them. */
	async changeAlerts(vm: string, change: (firing: readonly AlertRecord[]) => readonly AlertRecord[]): Promise<void> {
		const { catalog, alerted } = this.#options;
		using _lock = await this.#alertLock.acquire("alerts", new AbortController().signal);
		const changed = change(await catalog.firingAlerts(vm));
		for (const alert of changed) await catalog.saveAlert(alert);
		if (changed.length > 0) alerted();
	}

	/** What the webhooks need of the catalog. */
	get deliveries(): DeliveryStore {
		const { catalog } = this.#options;
		return {
			pending: () => catalog.undeliveredAlerts(),
			firing: () => catalog.firingAlerts(),
			delivered: async (posted, target) => {
				using _lock = await this.#alertLock.acquire("alerts", new AbortController().signal);
				const stored = await catalog.alert(posted.time, posted.id);
				if (stored !== undefined) await catalog.saveAlert(withoutTarget(stored, posted, target));
			},
		};
	}

	/** Ends after the changeset that is being judged. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		this.#wake.resolve();
		await this.finished.catch(() => undefined);
	}

	async #run(): Promise<void> {
		while (!this.#stop.signal.aborted) {
			const [vm] = this.#vms;
			if (vm === undefined) {
				await this.#wake.promise;
				this.#wake = Promise.withResolvers();
				continue;
			}
			this.#vms.delete(vm);
			this.#looking = vm;
			try {
				const changeset = await this.#options.catalog.nextUnjudged(vm);
				if (changeset === undefined) continue;
				// Behind all others that wait; the next look finds out whether there is more.
				this.#vms.add(vm);
				await this.#judge(changeset);
				this.#pauseMs = FIRST_PAUSE_MS;
			} catch (error) {
				if (!isUmbraError(error, "unavailable", "limit")) throw error;
				this.#vms.add(vm);
				this.#options.log.error({ vm, err: error }, `cannot judge now, trying again: ${error.message}`);
				await sleep(this.#pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
				this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
			} finally {
				this.#looking = undefined;
			}
		}
	}

	async #judge(changeset: ChangesetRecord): Promise<void> {
		const { catalog, detector, log, targets, alerted } = this.#options;
		const { vm, id, time } = changeset;
		const files = await this.#files(changeset);
		const base = await this.#base(changeset);
		using _lock = await this.#alertLock.acquire("alerts", new AbortController().signal);
		const firing = await catalog.firingAlerts(vm);
		let judged: Awaited<ReturnType<Detector["judge"]>>;
		let alerts: AlertRecord[];
		try {
			judged = await detector.judge(changeset, files, base);
			const now = nowNs().toString();
			const { verdict } = judged;
			alerts =
				changeset.imported === undefined ? alertsFor({ changeset, verdict, firing, id: randomUUID, now, targets }) : [];
		} catch (error) {
			if (isUmbraError(error, "unavailable", "limit")) throw error;
			// Those after it must be judged, or one odd changeset would blind us for this VM.
			this.#unjudgeable++;
			log.error({ vm, changeset: id, err: error }, `changeset cannot be judged: ${messageOf(error)}`);
			await catalog.saveJudgement({ changeset, verdict: null, alerts: [] });
			return;
		}
		await catalog.saveJudgement({ changeset, verdict: judged.verdict, state: judged.state, alerts });
		const { score, severity, triggers } = judged.verdict;
		const hits = triggers.map(({ trigger }) => trigger);
		if (severity !== "info" || hits.length > 0)
			log.warn({ vm, changeset: id, time, score, severity, hits }, "abnormal");
		if (alerts.length > 0) alerted();
		this.#options.judged(changeset, judged.verdict);
	}

	async #base({ baseId }: ChangesetRecord): Promise<Base | undefined> {
		const base = baseId === "" ? undefined : await this.#options.catalog.changesetById(baseId);
		return base === undefined ? undefined : { time: base.time, imported: base.imported !== undefined };
	}

	async #files(changeset: ChangesetRecord): Promise<FileChangeRecord[]> {
		const { catalog, log } = this.#options;
		const { vm, time, fileCount } = changeset;
		if (fileCount > MAX_JUDGED_FILES) {
			log.warn({ vm, time, fileCount }, `only the first ${MAX_JUDGED_FILES} file changes are judged`);
		}
		return await catalog.allFileChanges(vm, time, MAX_JUDGED_FILES);
	}
}
