/**
 * `embedded/` is the store of time series that every collector has without setting one up: files in a folder, and DuckDB to ask them.
 *
 *   log       what was taken and is in no part yet, on disk; a *segment* is one of its files
 *   head      the same in memory, where it can be asked
 *   part      a Parquet file that never changes, sorted by series and time
 *   shelf     the parts that there are, as the manifest on disk says
 *   level     how finely points are kept: raw, by the minute, by the hour
 *   fold      to make minutes and hours of the raw points of a day
 *
 * Points go into the log, synced, and into the head; a log segment that is full becomes parts and is removed; parts are merged, folded and
 * given up in the background (docs/decisions/0009-embedded-series.md). It may not know who writes or asks.
 */
import { mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isAbort, isUmbraError, messageOf, UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { MeasurementName, Point } from "../../../common/measurements/measurements.ts";
import { orAborted } from "../../or-aborted.ts";
import { lockFile } from "../../vault/lock.ts";
import { checkQuery, whyRefused } from "../check.ts";
import { MAX_ROWS, type Series, type SeriesQuery, type SeriesStatus, type SeriesStore } from "../series-store.ts";
import type { EmbeddedSettings } from "../settings.ts";
import { readAnswer } from "./answer.ts";
import { setAsideDamaged } from "./damage.ts";
import { Database, type Lane } from "./database.ts";
import { translateFileError } from "./files.ts";
import { type HeadTable, type TimeRange, widen } from "./head.ts";
import { Heads } from "./heads.ts";
import { Intake } from "./intake.ts";
import { DAY_NS, tableOf } from "./layout.ts";
import { SeriesLog } from "./log.ts";
import { PartMaker } from "./maker.ts";
import { EMPTY, loadManifest, type Manifest } from "./manifest.ts";
import type { Part } from "./parts.ts";
import { planSources } from "./plan.ts";
import { questionSql, readFrom } from "./question.ts";
import { rebuildManifest } from "./rebuild.ts";
import { Shelf } from "./shelf.ts";
import { Upkeep } from "./upkeep.ts";

/** DuckDB's, besides the one that Node gives to each statement. */
const THREADS = 2;
/** Questions answered at a time; upkeep takes a third of Node's four threads for files, one stays free. */
const QUESTIONS = 2;
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

/**
 * Opens the store, or begins one. What is damaged of it is set aside and logged, and the rest goes on.
 *
 * @throws UmbraError `unsupported` where a newer Umbra wrote it, `conflict` where another process has it open, `bad-config` for a folder
 * that patterns can stand for, `unavailable` where the folder cannot be used or DuckDB does not start.
 */
export async function openEmbeddedStore(options: EmbeddedOptions): Promise<EmbeddedStore> {
	return await EmbeddedStore.open(options);
}

export class EmbeddedStore implements SeriesStore {
	readonly finished: Promise<void>;
	readonly #fail: (error: unknown) => void;
	readonly #options: EmbeddedOptions & { readonly folder: string };
	readonly #shelf: Shelf;
	readonly #heads: Heads;
	readonly #seriesLog: SeriesLog;
	readonly #intake: Intake;
	readonly #upkeep: Upkeep;
	/** For questions, and for making parts of heads. */
	readonly #questions: Lane;
	readonly #work: Lane;
	readonly #resources: AsyncDisposableStack;
	readonly #closing = new AbortController();
	readonly #asked = new Set<Promise<unknown>>();
	/** The rounds of upkeep, one after the other. */
	#rounds: Promise<void> = Promise.resolve();
	#wake = Promise.withResolvers<void>();
	#upkeepError = "";
	#loop: Promise<void> | undefined;

	private constructor(parts: {
		options: EmbeddedOptions & { readonly folder: string };
		shelf: Shelf;
		heads: Heads;
		seriesLog: SeriesLog;
		questions: Lane;
		work: Lane;
		resources: AsyncDisposableStack;
	}) {
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
			failed: (error) => this.#fail(error),
		});
		this.#upkeep = new Upkeep({
			shelf: parts.shelf,
			retention: settings.retention,
			folder,
			memoryBytes: settings.memory / 2,
			damaged: join(folder, "damaged"),
			log,
		});
	}

	static async open(options: EmbeddedOptions): Promise<EmbeddedStore> {
		const folder = resolve(options.folder);
		if (/[*?[\]]/.test(folder)) {
			throw new UmbraError("bad-config", `not a folder for series: ${folder}`, {
				context: { path: folder },
				hint: "wanted one without *, ?, [ and ] in its path, which stand for patterns in SQL",
			});
		}
		const { log, settings } = options;
		await using resources = new AsyncDisposableStack();
		const [parts, logs, tmp] = ["parts", "log", "tmp"].map((name) => join(folder, name)) as [string, string, string];
		try {
			await mkdir(folder, { recursive: true, mode: 0o700 });
			resources.use(lockFile(join(folder, "lock"), "series store"));
			await rm(tmp, { recursive: true, force: true });
			for (const each of [parts, logs, tmp]) await mkdir(each, { recursive: true, mode: 0o700 });
		} catch (error) {
			throw translateFileError(error, "prepare", folder);
		}
		const database = resources.use(await Database.open({ folder, memoryBytes: settings.memory, threads: THREADS }));
		const work = await database.lane(1);
		const manifestPath = join(folder, "manifest.json");
		const manifest = await loadOrRebuild(manifestPath, parts, work, log);
		const shelf = await Shelf.open(parts, manifestPath, manifest, log);
		const heads = new Heads(await database.connect(), knownTimes(shelf.all));
		resources.defer(async () => await heads.close());
		const seriesLog = resources.use(
			await SeriesLog.open({
				folder: logs,
				damaged: join(folder, "damaged"),
				from: shelf.segment,
				tagsOf: (measurement, series) => heads.indexOf(measurement).tagsOf(series),
				replay: (segment, sections) => {
					const lost = heads.replay(segment, sections);
					if (lost > 0) log.warn({ segment, lost }, "points in the log of series that this release has no place for");
				},
				log,
			}),
		);
		const store = new EmbeddedStore({
			options: { ...options, folder },
			shelf,
			heads,
			seriesLog,
			questions: await database.lane(QUESTIONS),
			work,
			resources: resources.move(),
		});
		store.#loop = store.#keepUp();
		return store;
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
		const isLate = this.#heads.measurements.some((measurement) => {
			const { rawFromNs } = this.#shelf.keptOf(measurement);
			return this.#heads.reachesBefore(measurement, rawFromNs);
		});
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
		await this.#heads.settle(query.measurement);
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
		const last = this.#seriesLog.segment - 1;
		if (this.#seriesLog.earlierBytes === 0) return;
		await this.#heads.settle();
		const maker = new PartMaker(this.#work, this.#shelf, this.#closing.signal);
		const run = this.#shelf.takeNumber();
		const add: Part[] = [];
		for (const [measurement, tables] of this.#heads.upTo(last)) {
			const table = tableOf(measurement);
			for (const beginNs of new Set(tables.flatMap(({ days }) => [...days]))) {
				const endNs = beginNs + DAY_NS;
				const isFirst = !this.#shelf
					.partsOf(measurement)
					.some((part) => part.level === "raw" && part.beginNs === beginNs);
				const doubtNs = isFirst ? undefined : doubtWithin(tables, beginNs, endNs);
				const of = { beginNs, endNs, segment: last, run, tier: 0, folded: false, doubtNs };
				const part = await maker.ofHeads(table, tables, beginNs, of);
				if (part !== undefined) add.push(part);
			}
		}
		let sealed: readonly HeadTable[] = [];
		await this.#shelf.change({ add, segment: last + 1 }, () => {
			sealed = this.#heads.remove(last);
		});
		this.#shelf.retire(async () => await this.#heads.drop(sealed));
		await this.#seriesLog.remove(last);
		this.#intake.backlogTaken();
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

async function loadOrRebuild(path: string, parts: string, lane: Lane, log: Logger): Promise<Manifest> {
	try {
		const manifest = await loadManifest(path);
		if (manifest !== undefined) return manifest;
	} catch (error) {
		if (!isUmbraError(error, "corrupt")) throw error;
		log.error({ path, error: error.message }, "the manifest of the series store is damaged");
	}
	const rebuilt = await rebuildManifest(parts, lane, log);
	if (rebuilt !== undefined)
		log.warn({ path, parts: rebuilt.parts.length }, "the manifest of the series store was made anew");
	return rebuilt ?? EMPTY;
}

/** What parts of that day may have twice, where earlier ones have it too. */
function doubtWithin(tables: readonly HeadTable[], beginNs: bigint, endNs: bigint): TimeRange | undefined {
	let doubt: TimeRange | undefined;
	for (const { doubt: found } of tables) {
		if (found === undefined || found.to < beginNs || found.from >= endNs) continue;
		doubt = widen(widen(doubt, found.from < beginNs ? beginNs : found.from), found.to >= endNs ? endNs - 1n : found.to);
	}
	return doubt;
}

function closed(): UmbraError {
	return new UmbraError("unavailable", "the series store is closed");
}

function clock(): bigint {
	return BigInt(Date.now()) * 1_000_000n;
}

/** The newest time of raw parts, by measurement and day. */
function knownTimes(parts: readonly Part[]): Map<MeasurementName, Map<bigint, bigint>> {
	const known = new Map<MeasurementName, Map<bigint, bigint>>();
	for (const { measurement, level, beginNs, maxNs } of parts) {
		if (level !== "raw") continue;
		let days = known.get(measurement);
		if (days === undefined) {
			days = new Map();
			known.set(measurement, days);
		}
		if (maxNs > (days.get(beginNs) ?? maxNs - 1n)) days.set(beginNs, maxNs);
	}
	return known;
}
