/** The store itself: what is asked of it goes to its parts, and upkeep goes on beside it. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { orAborted } from "../../../common/abort.ts";
import { isAbort, isUmbraError, messageOf, UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { MeasurementName, Point } from "../../../common/measurements/measurements.ts";
import { checkQuery, whyRefused } from "../check.ts";
import { MAX_ROWS, type Series, type SeriesQuery, type SeriesStatus, type SeriesStore } from "../series-store.ts";
import type { EmbeddedSettings } from "../settings.ts";
import { readAnswer } from "./answer.ts";
import { setAsideDamaged } from "./damage.ts";
import type { Lane } from "./database.ts";
import type { Heads } from "./heads.ts";
import { Intake } from "./intake.ts";
import { tableOf } from "./layout.ts";
import type { SeriesLog } from "./log.ts";
import type { Part } from "./parts.ts";
import { planSources } from "./plan.ts";
import { questionSql, readFrom } from "./question.ts";
import { seal } from "./seal.ts";
import type { Shelf } from "./shelf.ts";
import { Upkeep } from "./upkeep.ts";

/** How often upkeep looks for what is due. */
const UPKEEP_MS = 60_000;

export interface EmbeddedOptions {
	/** Made where it is not there. */
	readonly folder: string;
	readonly settings: EmbeddedSettings;
	readonly log: Logger;
	/** Unix nanoseconds, by which days are over and points are old; the clock, where it is left out. */
	readonly now?: () => bigint;
	/** Instead of `MAX_ROWS`. */
	readonly maxRows?: number;
	/** At this size a log segment becomes parts; so much may wait to become some. */
	readonly segmentBytes?: number;
	readonly backlogBytes?: number;
}

export interface StoreParts {
	/** Its folder is absolute. */
	readonly options: EmbeddedOptions;
	readonly shelf: Shelf;
	readonly heads: Heads;
	readonly seriesLog: SeriesLog;
	/** For questions, and for making parts of heads. */
	readonly questions: Lane;
	readonly work: Lane;
	/** What is closed at the end. */
	readonly resources: AsyncDisposableStack;
}

export class EmbeddedStore implements SeriesStore {
	readonly finished: Promise<void>;
	readonly #fail: (error: unknown) => void;
	/** Rows are in the log and not in memory: neither an answer nor a part would be whole. */
	#failure: unknown;
	readonly #options: EmbeddedOptions;
	readonly #shelf: Shelf;
	readonly #heads: Heads;
	readonly #seriesLog: SeriesLog;
	readonly #intake: Intake;
	readonly #upkeep: Upkeep;
	readonly #questions: Lane;
	readonly #work: Lane;
	readonly #resources: AsyncDisposableStack;
	readonly #closing = new AbortController();
	readonly #asked = new Set<Promise<unknown>>();
	/** The rounds of upkeep, one after the other. */
	#rounds: Promise<void> = Promise.resolve();
	#wake = Promise.withResolvers<void>();
	#upkeepError = "";
	readonly #loop: Promise<void>;

	constructor(parts: StoreParts) {
		this.#options = parts.options;
		this.#shelf = parts.shelf;
		this.#heads = parts.heads;
		this.#seriesLog = parts.seriesLog;
		this.#questions = parts.questions;
		this.#work = parts.work;
		this.#resources = parts.resources;
		const finished = Promise.withResolvers<void>();
		this.finished = finished.promise;
		this.#fail = finished.reject;
		// Whoever does not look at it is told by every call that fails.
		this.finished.catch(() => {});
		const { folder, settings, log, segmentBytes, backlogBytes } = parts.options;
		this.#intake = new Intake({
			seriesLog: parts.seriesLog,
			heads: parts.heads,
			log,
			...(segmentBytes !== undefined && { segmentBytes }),
			...(backlogBytes !== undefined && { backlogBytes }),
			turned: () => this.#wake.resolve(),
			settle: async () => await this.#settle(),
		});
		this.#upkeep = new Upkeep({
			shelf: parts.shelf,
			retention: settings.retention,
			folder,
			memoryBytes: settings.memory / 2,
			damaged: join(folder, "damaged"),
			log,
		});
		this.#loop = this.#keepUp();
	}

	async write(points: readonly Point[]): Promise<void> {
		this.#checkOpen();
		const { log } = this.#options;
		let refused: { count: number; why: string; measurement: string } | undefined;
		const good: Point[] = [];
		for (const point of points) {
			const why = whyRefused(point);
			if (why === undefined) good.push(point);
			else if (refused === undefined) refused = { count: 1, why, measurement: point.measurement };
			else refused.count++;
		}
		await this.#intake.write(good);
		if (refused === undefined) return;
		this.#intake.pointsRefused += refused.count;
		log.warn(refused, "points that the series store cannot take");
	}

	async flush(signal?: AbortSignal): Promise<void> {
		signal?.throwIfAborted();
		this.#checkOpen();
		await (signal === undefined ? this.#flush() : orAborted(this.#flush(), signal));
	}

	async #flush(): Promise<void> {
		await this.#intake.flush();
		// What belongs to a day whose raw points were given up cannot be asked before it is folded.
		const isBefore = ({ level, measurement, beginNs }: Part): boolean =>
			level === "raw" && beginNs < this.#shelf.keptOf(measurement).rawFromNs;
		const isLate =
			this.#heads.measurements.some((name) => this.#heads.reachesBefore(name, this.#shelf.keptOf(name).rawFromNs)) ||
			this.#shelf.all.some(isBefore);
		if (isLate) await this.tidy();
	}

	/** Makes parts of all that was taken so far, and does what upkeep is due. It happens by itself, but later. */
	async tidy(): Promise<void> {
		await this.#intake.turn();
		await this.#round();
	}

	async query(query: SeriesQuery, signal?: AbortSignal): Promise<Series[]> {
		checkQuery(query);
		signal?.throwIfAborted();
		this.#checkOpen();
		const asked = this.#query(
			{ ...query, fields: [...new Set(query.fields)], groupBy: [...new Set(query.groupBy)] },
			AbortSignal.any([this.#closing.signal, ...(signal === undefined ? [] : [signal])]),
		);
		this.#asked.add(asked);
		try {
			return await asked;
		} finally {
			this.#asked.delete(asked);
		}
	}

	async #query(query: SeriesQuery, signal: AbortSignal): Promise<Series[]> {
		await this.#settle(query.measurement);
		for (let attempt = 0; ; attempt++) {
			using _reader = this.#shelf.read();
			const { maxRows = MAX_ROWS } = this.#options;
			const table = tableOf(query.measurement);
			const holding = {
				parts: this.#shelf.partsOf(query.measurement),
				heads: this.#heads.of(query.measurement),
				kept: this.#shelf.keptOf(query.measurement),
			};
			const sources = planSources(query, table, holding, readFrom(query));
			const sql = questionSql({ query, table, sources, folder: this.#shelf.folder, maxRows });
			if (sql === undefined) return [];
			try {
				return await readAnswer(await this.#questions.run(sql, signal), query, maxRows, signal);
			} catch (error) {
				const parts = sources.flatMap((source) => source.parts);
				if (attempt > 0 || !isUmbraError(error, "unavailable") || !(await this.#setAside(parts, signal))) throw error;
			}
		}
	}

	async #setAside(parts: readonly Part[], signal: AbortSignal): Promise<boolean> {
		const { folder, log } = this.#options;
		const where = { shelf: this.#shelf, lane: this.#work, damaged: join(folder, "damaged"), log };
		return (await setAsideDamaged(parts, where, signal)) > 0;
	}

	status(): SeriesStatus {
		const { pointsWritten, pointsRefused, writeFailures, lastError, backlogSince } = this.#intake;
		const backlogBytes = this.#seriesLog.earlierBytes;
		return {
			kind: "embedded",
			place: this.#options.folder,
			pointsWritten,
			pointsRefused,
			writeFailures,
			backlogBytes,
			backlogSeconds: backlogBytes > 0 ? (performance.now() - backlogSince) / 1000 : 0,
			lastError: lastError || this.#upkeepError,
		};
	}

	/** Bytes and number of parts by level, for the curious. */
	sizes(): Record<Part["level"], { parts: number; rows: number; bytes: number }> {
		const sizes = {
			raw: { parts: 0, rows: 0, bytes: 0 },
			minute: { parts: 0, rows: 0, bytes: 0 },
			hour: { parts: 0, rows: 0, bytes: 0 },
		};
		for (const { level, rows, bytes } of this.#shelf.all) {
			sizes[level].parts++;
			sizes[level].rows += rows;
			sizes[level].bytes += bytes;
		}
		return sizes;
	}

	async #keepUp(): Promise<void> {
		const { signal } = this.#closing;
		while (!signal.aborted) {
			try {
				await this.#round();
				this.#upkeepError = "";
			} catch (error) {
				if (signal.aborted || isAbort(error)) return;
				this.#upkeepError = messageOf(error);
				this.#options.log.error({ error: messageOf(error) }, "upkeep of the series store failed: it is tried again");
			}
			const pause = new AbortController();
			const stop = AbortSignal.any([signal, pause.signal]);
			await Promise.race([
				sleep(UPKEEP_MS, undefined, { signal: stop, ref: false }).catch(() => {}),
				this.#wake.promise,
			]);
			pause.abort();
			this.#wake = Promise.withResolvers();
		}
	}

	/** Makes parts of the log segments that ended, and does what upkeep is due. */
	async #round(): Promise<void> {
		const round = this.#rounds.then(async () => {
			const { now = clock } = this.#options;
			await this.#seal();
			await this.#upkeep.round(now(), this.#closing.signal, async () => await this.#seal());
		});
		this.#rounds = round.catch(() => {});
		await round;
	}

	/** Makes parts of the heads whose log segments ended, and removes these. */
	async #seal(): Promise<void> {
		if (this.#seriesLog.earlierBytes === 0) return;
		// Before rows are settled: a segment that ends meanwhile has some that are not.
		const last = this.#seriesLog.segment - 1;
		await this.#settle();
		const signal = this.#closing.signal;
		await seal({ shelf: this.#shelf, heads: this.#heads, seriesLog: this.#seriesLog, last, lane: this.#work, signal });
		this.#intake.backlogTaken();
	}

	/** @throws UmbraError `unavailable` where rows got lost on the way into memory, now or earlier: the log has them. */
	async #settle(measurement?: MeasurementName): Promise<void> {
		if (this.#failure !== undefined) throw this.#failure;
		try {
			await this.#heads.settle(measurement);
		} catch (error) {
			this.#failure ??= error;
			this.#options.log.error(
				{ error: messageOf(error) },
				"the series store lost rows in memory: it has to be opened again",
			);
			this.#fail(error);
			throw error;
		}
	}

	#checkOpen(): void {
		if (this.#closing.signal.aborted) throw closed();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#closing.signal.aborted) return;
		this.#closing.abort(closed());
		await this.#intake.close();
		await Promise.allSettled(this.#asked);
		await this.#loop;
		await this.#rounds;
		await this.#shelf.cleaned();
		await this.#resources.disposeAsync();
	}
}

function closed(): UmbraError {
	return new UmbraError("unavailable", "the series store is closed");
}

function clock(): bigint {
	return BigInt(Date.now()) * 1_000_000n;
}
