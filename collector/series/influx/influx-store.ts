/**
 * `influx/` keeps series in an InfluxDB (1.x, 2.x or 3), or hands them to a VictoriaMetrics. What is written goes to a log on the
 * collector's own disk first, and from there to the database whenever that takes it: the log is what a promise rests on.
 *
 * Words: a *line* is a point as the database reads it; the *log* holds the backlog; a *lane* is one of the streams in which it is
 * delivered; *refused* lines are those that the database will never take.
 */
import { join } from "node:path";
import { isUmbraError, UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { Point } from "../../../common/measurements/measurements.ts";
import { checkQuery, compareSeries } from "../check.ts";
import { MAX_ROWS, type Series, type SeriesQuery, type SeriesStatus, type SeriesStore } from "../series-store.ts";
import { readAnswer } from "./answer.ts";
import { Connection, type WriteAnswer } from "./connection.ts";
import { selectOf } from "./influxql.ts";
import { Intake } from "./intake.ts";
import { LineLog } from "./line-log.ts";
import { RefusedLines } from "./refused-lines.ts";
import { LANES, Sender } from "./sender.ts";
import { Server } from "./server.ts";
import { type InfluxSettings, loadAccess } from "./settings.ts";

export interface InfluxStoreOptions {
	/** For the log and the refused lines; of this store alone. */
	readonly folder: string;
	readonly settings: InfluxSettings;
	readonly log: Logger;
	/** Instead of `MAX_ROWS`. */
	readonly maxRows?: number;
}

/** Dashboards ask several questions at a time. */
const QUERY_SOCKETS = 8;
/** Rows of one piece of an answer. */
const CHUNK_ROWS = 10_000;

/**
 * Opens the store. The database does not have to be there yet.
 *
 * @throws UmbraError `bad-config` where a secret is missing, `unavailable` where the folder cannot be used.
 */
export async function openInfluxStore(options: InfluxStoreOptions): Promise<SeriesStore> {
	const { folder, settings, log } = options;
	const access = await loadAccess(settings);
	const lines = await LineLog.open({ folder: join(folder, "backlog"), log });
	return new InfluxStore(options, lines, new Connection(access, LANES), new Connection(access, QUERY_SOCKETS));
}

class InfluxStore implements SeriesStore {
	readonly finished: Promise<void>;
	readonly #settings: InfluxSettings;
	readonly #log: LineLog;
	readonly #intake: Intake;
	readonly #sender: Sender;
	readonly #server: Server;
	readonly #writes: Connection;
	readonly #queries: Connection;
	readonly #maxRows: number;
	readonly #stop = new AbortController();

	constructor(options: InfluxStoreOptions, lines: LineLog, writes: Connection, queries: Connection) {
		const { folder, settings, log, maxRows = MAX_ROWS } = options;
		this.#settings = settings;
		this.#maxRows = maxRows;
		this.#log = lines;
		this.#writes = writes;
		this.#queries = queries;
		this.#server = new Server(settings, queries, log, this.#stop.signal);
		this.#sender = Sender.start({
			log: lines,
			logger: log,
			refused: new RefusedLines(folder, log),
			post: (body, signal) => this.#post(body, signal),
		});
		this.#intake = new Intake({
			log: lines,
			logger: log,
			limitBytes: settings.backlogLimit,
			takesText: settings.version !== "victoriametrics",
			committed: (records) => this.#sender.offer(records),
		});
		this.finished = Promise.all([this.#sender.finished, lines.finished]).then(() => undefined);
		this.finished.catch(() => undefined);
	}

	async write(points: readonly Point[]): Promise<void> {
		await this.#intake.write(points);
	}

	async flush(signal: AbortSignal = this.#stop.signal): Promise<void> {
		signal.throwIfAborted();
		await this.#intake.settled();
		await this.#sender.delivered(this.#log.end, signal);
	}

	async query(query: SeriesQuery, signal: AbortSignal = this.#stop.signal): Promise<Series[]> {
		checkQuery(query);
		signal.throwIfAborted();
		const select = selectOf(query);
		if (select === undefined) return [];
		const { query: path } = await this.#server.endpoints(signal);
		if (path === undefined) {
			throw new UmbraError(
				"unsupported",
				"VictoriaMetrics does not answer InfluxQL: what is written there is read elsewhere",
				{
					hint: "ask it in MetricsQL, in Grafana; for Umbra itself to read series, use InfluxDB or the embedded store",
				},
			);
		}
		const form = new URLSearchParams({ q: select.text, chunked: "true", chunk_size: String(CHUNK_ROWS) });
		const series = await readAnswer(this.#queries.stream(path, form, signal), query, {
			limit: select.limit,
			maxRows: this.#maxRows,
		});
		if (select.reverse) for (const each of series) turnAround(each, query.limit);
		return series.sort(compareSeries(query.groupBy ?? []));
	}

	async #post(body: Buffer, signal: AbortSignal): Promise<WriteAnswer> {
		try {
			const { write } = await this.#server.endpoints(signal);
			return await this.#writes.write(write, body, signal);
		} catch (error) {
			if (isUmbraError(error, "not-found")) this.#server.forget();
			throw error;
		}
	}

	status(): SeriesStatus {
		const { accepted, refused, failures, lastError, oldestMs } = this.#sender;
		const { url, version, database, org, bucket } = this.#settings;
		const oldest = this.#log.start < this.#log.end ? oldestMs : undefined;
		return {
			kind: "influxdb",
			place: `${url} ${version === 2 || org !== undefined ? `${org}/${bucket}` : database}`,
			pointsWritten: accepted,
			pointsRefused: refused + this.#intake.refused,
			writeFailures: failures,
			backlogBytes: this.#log.end - this.#log.start,
			backlogSeconds: oldest === undefined ? 0 : Math.max(0, Date.now() - oldest) / 1000,
			lastError,
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.#intake.close();
		await this.#sender[Symbol.asyncDispose]();
		this.#writes[Symbol.dispose]();
		this.#queries[Symbol.dispose]();
		await this.#log[Symbol.asyncDispose]();
	}
}

function turnAround({ timesNs, values }: Series, limit: number | undefined): void {
	for (const column of [timesNs, ...Object.values(values)] as unknown[][]) {
		column.reverse();
		if (limit !== undefined) column.length = Math.min(column.length, limit);
	}
}
