/**
 * Brings changesets, verdicts, alerts and trials into the series store: it reads the catalog's journal and moves its mark in the
 * catalog once the store has taken what it read. Killed at any instant it goes on at the mark; what is written twice replaces
 * itself. What happened while no mark was kept, or was forgotten by the journal, is read from the catalog itself.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { isAbort, isUmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { Point } from "../../common/measurements/measurements.ts";
import type { Catalog } from "../catalog/catalog.ts";
import type { JournalEntry } from "../catalog/journal.ts";
import type { ChangesetRecord } from "../catalog/records.ts";
import type { SeriesStore } from "../series/series-store.ts";
import { alertPoint } from "./alert-points.ts";
import { changesetPoints, hotFilePoints } from "./changeset-points.ts";
import { trialPoint } from "./trial-points.ts";

const MARK = "series-mark";
/** Journal entries read at a time. */
const BATCH = 200;
/** File changes looked at of one changeset. */
const MAX_FILES = 200_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export interface JournalRecorderOptions {
	readonly catalog: Catalog;
	readonly store: SeriesStore;
	readonly log: Logger;
}

export class JournalRecorder implements AsyncDisposable {
	/** Settles when the loop has ended; rejects on a fault of its own. */
	readonly finished: Promise<void>;
	readonly #options: JournalRecorderOptions;
	readonly #stop = new AbortController();
	#position: number;
	#pauseMs = FIRST_PAUSE_MS;
	#failing = "";

	private constructor(options: JournalRecorderOptions, position: number) {
		this.#options = options;
		this.#position = position;
		this.finished = this.#run();
		// For whoever watches `finished`.
		this.finished.catch(() => undefined);
	}

	/** @throws UmbraError where the catalog cannot be read. */
	static async start(options: JournalRecorderOptions): Promise<JournalRecorder> {
		const { catalog } = options;
		const mark = Number((await catalog.state(MARK)) ?? -1);
		const isKnown = Number.isSafeInteger(mark) && mark >= catalog.journal.forgotten && mark <= catalog.journal.head;
		return new JournalRecorder(options, isKnown ? mark : -1);
	}

	/** Journal entries that the series store does not have yet. */
	get behind(): number {
		return Math.max(0, this.#options.catalog.journal.head - Math.max(0, this.#position));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.finished.catch(() => undefined);
	}

	async #run(): Promise<void> {
		const { catalog, log } = this.#options;
		const { signal } = this.#stop;
		while (!signal.aborted) {
			// Listens before it looks, so that nothing slips in between.
			const news = Promise.withResolvers<void>();
			using _listening = catalog.journal.listen(news.resolve);
			try {
				const isDone = this.#position < 0 ? await this.#recordAll() : await this.#recordNext();
				if (this.#failing !== "") log.info("the series store takes changes again");
				this.#failing = "";
				this.#pauseMs = FIRST_PAUSE_MS;
				if (isDone) await orAbort(news.promise, signal);
			} catch (error) {
				if (signal.aborted && (isAbort(error) || isUmbraError(error))) return;
				if (!isUmbraError(error)) throw error;
				if (error.message !== this.#failing)
					log.warn({ err: error }, `changes wait for the series store: ${error.message}`);
				this.#failing = error.message;
				await sleep(this.#pauseMs, undefined, { signal }).catch(() => undefined);
				this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
			}
		}
	}

	/** @returns true where there is nothing more for now. */
	async #recordNext(): Promise<boolean> {
		const { catalog, store } = this.#options;
		const { head, forgotten } = catalog.journal;
		if (this.#position < forgotten) {
			this.#position = -1;
			return false;
		}
		const entries = await catalog.journal.read(this.#position, BATCH);
		for (const { entry } of entries) {
			this.#stop.signal.throwIfAborted();
			const points = await this.#pointsOf(entry);
			if (points.length > 0) await store.write(points);
		}
		// Numbers of batches that failed are missing.
		const position =
			entries.length < BATCH ? Math.max(head, entries.at(-1)?.number ?? 0) : (entries.at(-1)?.number ?? 0);
		if (position > this.#position) await this.#moveTo(position);
		return entries.length < BATCH;
	}

	/** Everything that the catalog still holds. */
	async #recordAll(): Promise<boolean> {
		const { catalog, store, log } = this.#options;
		const { head } = catalog.journal;
		let changesets = 0;
		for await (const changeset of catalog.points()) {
			this.#stop.signal.throwIfAborted();
			await store.write(await this.#changesetPoints(changeset));
			changesets++;
		}
		let cursor: string | undefined;
		do {
			const page = await catalog.alerts({ cursor });
			const points = page.items.map(alertPoint).filter((point) => point !== null);
			if (points.length > 0) await store.write(points);
			cursor = page.next ?? undefined;
		} while (cursor !== undefined);
		do {
			const page = await catalog.trials.trials({ cursor });
			const points = page.items.map(trialPoint).filter((point) => point !== null);
			if (points.length > 0) await store.write(points);
			cursor = page.next ?? undefined;
		} while (cursor !== undefined);
		if (changesets > 0) log.info({ changesets }, "what the catalog held was written to the series store");
		await this.#moveTo(head);
		return false;
	}

	async #moveTo(position: number): Promise<void> {
		await this.#options.catalog.saveState(MARK, String(position));
		this.#position = position;
	}

	/** Of what the entry names, as it is by now; nothing where it is gone. */
	async #pointsOf(entry: JournalEntry): Promise<Point[]> {
		const { catalog } = this.#options;
		if (entry.type === "alert") {
			const alert = await catalog.alert(entry.time, entry.id);
			const point = alert === undefined ? null : alertPoint(alert);
			return point === null ? [] : [point];
		}
		if (entry.type === "trial") {
			const trial = await catalog.trials.trialAt(entry.vm, entry.time, entry.id);
			const found = trial === undefined ? null : trialPoint(trial);
			return found === null ? [] : [found];
		}
		const changeset = await catalog.changeset(entry.vm, entry.time);
		// The entry of its verdict follows, and says all of it at once.
		if (changeset === undefined || (entry.type === "changeset" && changeset.verdict !== null)) return [];
		return await this.#changesetPoints(changeset);
	}

	async #changesetPoints(changeset: ChangesetRecord): Promise<Point[]> {
		const files = await this.#options.catalog.allFileChanges(changeset.vm, changeset.time, MAX_FILES);
		return [...changesetPoints(changeset), ...hotFilePoints(changeset, files)];
	}
}

async function orAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
	const aborted = Promise.withResolvers<void>();
	if (signal.aborted) return;
	signal.addEventListener("abort", aborted.resolve as () => void, { once: true });
	try {
		await Promise.race([promise, aborted.promise]);
	} finally {
		signal.removeEventListener("abort", aborted.resolve as () => void);
	}
}
