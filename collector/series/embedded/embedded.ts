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
import { isUmbraError, UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { MeasurementName } from "../../../common/measurements/measurements.ts";
import { lockFile } from "../../vault/lock.ts";
import { Database, type Lane } from "./database.ts";
import { translateFileError } from "./files.ts";
import { Heads } from "./heads.ts";
import { SeriesLog } from "./log.ts";
import { EMPTY, loadManifest, type Manifest } from "./manifest.ts";
import type { Part } from "./parts.ts";
import { rebuildManifest } from "./rebuild.ts";
import { Shelf } from "./shelf.ts";
import { type EmbeddedOptions, EmbeddedStore } from "./store.ts";

export type { EmbeddedOptions, EmbeddedStore } from "./store.ts";

/** DuckDB's, besides the one that Node gives to each statement. */
const THREADS = 2;
/** Questions answered at a time; with upkeep that is three of the four threads that Node has for files, and one stays free. */
const QUESTIONS = 2;

/**
 * Opens the store, or begins one. What is damaged of it is set aside and logged, and the rest goes on.
 *
 * @throws UmbraError `unsupported` where a newer Umbra wrote it, `conflict` where another process has it open, `bad-config` for a folder
 * that patterns can stand for, `unavailable` where the folder cannot be used or DuckDB does not start.
 */
export async function openEmbeddedStore(options: EmbeddedOptions): Promise<EmbeddedStore> {
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
	const questions = await database.lane(QUESTIONS);
	return new EmbeddedStore({
		options: { ...options, folder },
		shelf,
		heads,
		seriesLog,
		questions,
		work,
		resources: resources.move(),
	});
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
