/**
 * Exports the history that a collector knows as Parquet: a folder a table, in it a folder a VM, in it a file a day. Run again
 * it goes on with the newest day of each VM, as what is captured of a VM comes in the order of its times, and with the days
 * to which something was imported since. What the collector's retention has let go of meanwhile stays.
 */
import { createWriteStream, type WriteStream } from "node:fs";
import { mkdtemp, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { finished } from "node:stream/promises";
import type { DuckDBConnection } from "@duckdb/node-api";
import type { PointView } from "../../collector/api/views.ts";
import type { AlertRecord, ChangesetRecord, FileChangeRecord } from "../../collector/catalog/records.ts";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import { makeFolders } from "../../common/folders.ts";
import { type CollectorClient, type Query, vmPath } from "../collector-client.ts";
import { checkFolder, connect, list, quote, vmFolder, writeSchema } from "./history.ts";
import { ALERTS, alertRow, fileRow, nanoTime, POINT_TABLES, rowsOf, type Table } from "./tables.ts";

const DAY_FILE = /^(\d{4}-\d{2}-\d{2})\.parquet$/;

export interface ExportOptions {
	readonly client: CollectorClient;
	readonly folder: string;
	/** Only these; every VM where it is empty. */
	readonly vms: readonly string[];
	/** As the API takes times; from where the folder ends where it is left out. */
	readonly since?: string;
	readonly signal?: AbortSignal;
	/** Called after each point. */
	readonly onProgress?: (vm: string, done: ExportResult) => void;
}

export interface ExportResult {
	vms: number;
	changesets: number;
	fileChanges: number;
	alerts: number;
}

/**
 * @throws UmbraError `unavailable` where the collector or the folder cannot be reached, `not-found` for a VM that it does
 * not know, `bad-config` as `checkFolder`.
 */
export async function exportHistory(options: ExportOptions): Promise<ExportResult> {
	const { client, folder, signal } = options;
	checkFolder(folder);
	try {
		makeFolders(folder);
		const staging = await mkdtemp(join(folder, ".export-"));
		const connection = await connect();
		try {
			const exporter = new Exporter(options, staging, connection);
			for (const vm of options.vms.length > 0 ? options.vms : await everyVm(client)) {
				signal?.throwIfAborted();
				await exporter.exportVm(vm);
			}
			await exporter.exportAlerts();
			await writeSchema(folder);
			return exporter.result;
		} finally {
			connection.closeSync();
			await rm(staging, { recursive: true, force: true });
		}
	} catch (error) {
		const code = errnoOf(error);
		if (code === undefined) throw error;
		throw new UmbraError(
			code === "ENOSPC" ? "limit" : "unavailable",
			`cannot write to ${folder}: ${messageOf(error)}`,
			{
				cause: error,
				context: { path: folder },
			},
		);
	}
}

async function everyVm(client: CollectorClient): Promise<string[]> {
	const vms = await Array.fromAsync(client.list<{ vm: string }>("/v1/vms"));
	return vms.map(({ vm }) => vm);
}

class Exporter {
	readonly result: ExportResult = { vms: 0, changesets: 0, fileChanges: 0, alerts: 0 };
	readonly #options: ExportOptions;
	readonly #staging: string;
	readonly #connection: DuckDBConnection;

	constructor(options: ExportOptions, staging: string, connection: DuckDBConnection) {
		this.#options = options;
		this.#staging = staging;
		this.#connection = connection;
	}

	async exportVm(vm: string): Promise<void> {
		const { folder } = this.#options;
		const files = await list(join(folder, "changesets", vmFolder(vm)));
		const days = files.flatMap((name) => DAY_FILE.exec(name)?.[1] ?? []).sort();
		const newest = days.at(-1);
		const { since } = this.#options;
		if (since === undefined && newest !== undefined) {
			for (const day of await this.#lateDays(vm, new Set(days), newest)) {
				await this.#exportSpan(vm, { since: day, until: `${day}T23:59:59Z` });
			}
		}
		await this.#exportSpan(vm, { since: since ?? newest });
		this.result.vms++;
	}

	/** Days before the newest to which imported points were added since they were written. */
	async #lateDays(vm: string, days: ReadonlySet<string>, newest: string): Promise<string[]> {
		const { client, folder, signal } = this.#options;
		const imported = new Map<string, string[]>();
		const query: Query = { imported: "1", order: "oldest" };
		for await (const { id, time } of client.list<PointView>(vmPath(vm, "points"), query, undefined, signal)) {
			const day = nanoTime(time).slice(0, 10);
			if (day < newest) imported.set(day, [...(imported.get(day) ?? []), id]);
		}
		const late: string[] = [];
		for (const [day, ids] of imported) {
			const file = join(folder, "changesets", vmFolder(vm), `${day}.parquet`);
			const known = days.has(day) ? await this.#idsIn(file) : new Set<string>();
			if (ids.some((id) => !known.has(id))) late.push(day);
		}
		return late;
	}

	async #idsIn(file: string): Promise<Set<string>> {
		const rows = await this.#connection.runAndReadAll(`SELECT id FROM read_parquet(${quote(file)})`);
		return new Set(rows.getRows().map(([id]) => String(id)));
	}

	async #exportSpan(vm: string, span: { readonly since: string | undefined; readonly until?: string }): Promise<void> {
		const { client, signal, onProgress } = this.#options;
		const query: Query = { files: "0", order: "oldest", ...span };
		let day: Day | undefined;
		try {
			for await (const changeset of client.list<ChangesetRecord>(vmPath(vm, "changes"), query)) {
				signal?.throwIfAborted();
				const date = nanoTime(changeset.time).slice(0, 10);
				if (day?.date !== date) {
					if (day !== undefined) await this.#publish(vm, day);
					day = new Day(date, this.#staging);
				}
				for (const [table, row] of rowsOf(changeset)) await day.write(table, row);
				for await (const file of this.#filesOf(changeset)) {
					await day.write(...fileRow(changeset, file));
					this.result.fileChanges++;
				}
				this.result.changesets++;
				onProgress?.(vm, this.result);
			}
			if (day !== undefined) await this.#publish(vm, day);
		} finally {
			await day?.[Symbol.asyncDispose]();
		}
	}

	async *#filesOf({ vm, time, fileCount }: ChangesetRecord): AsyncGenerator<FileChangeRecord> {
		const { client, signal } = this.#options;
		if (fileCount === 0) return;
		let cursor: string | undefined;
		do {
			const query: Query = { limit: 500, cursor };
			const page = await client.get<{ files: { items: FileChangeRecord[]; next: string | null } }>(
				vmPath(vm, "changes", time),
				query,
				signal,
			);
			yield* page.files.items;
			cursor = page.files.next ?? undefined;
		} while (cursor !== undefined);
	}

	/** Alerts change after they were raised, and are few: what the collector knows takes the place of what was known. */
	async exportAlerts(): Promise<void> {
		const { client, folder, vms } = this.#options;
		await using alerts = new Day("alerts", this.#staging);
		for await (const alert of client.list<AlertRecord>("/v1/alerts")) {
			if (vms.length > 0 && !vms.includes(alert.vm)) continue;
			await alerts.write(ALERTS.name, alertRow(alert));
			this.result.alerts++;
		}
		const staged = (await alerts.close()).get(ALERTS.name);
		if (staged === undefined) return;
		await this.#merge(ALERTS, staged, join(folder, ALERTS.name, "alerts.parquet"), {
			key: "id",
			rows: rowsIn(ALERTS, staged),
		});
	}

	/** Each file whole or not at all; `changesets` last, as that is where the next export looks. */
	async #publish(vm: string, day: Day): Promise<void> {
		const staged = await day.close();
		const changesets = POINT_TABLES.at(-1)!;
		const points = { key: "time", rows: rowsIn(changesets, staged.get(changesets.name)!) };
		for (const table of POINT_TABLES) {
			const target = join(this.#options.folder, table.name, vmFolder(vm), `${day.date}.parquet`);
			await this.#merge(table, staged.get(table.name), target, points);
		}
		await day[Symbol.asyncDispose]();
	}

	/**
	 * Writes the staged rows to `target`, with those rows that are there of which `known` has nothing.
	 *
	 * @param known what the collector told this time: rows in SQL, and the column that says which.
	 */
	async #merge(
		table: Table,
		staged: string | undefined,
		target: string,
		known: { readonly key: string; readonly rows: string },
	): Promise<void> {
		const old = await stat(target).catch(() => undefined);
		if (staged === undefined && old === undefined) return;
		const parts: string[] = [];
		if (old !== undefined) {
			parts.push(
				`SELECT * FROM read_parquet(${quote(target)}) WHERE ${known.key} NOT IN (SELECT ${known.key} FROM ${known.rows})`,
			);
		}
		if (staged !== undefined) parts.push(`SELECT * FROM ${rowsIn(table, staged)}`);
		const made = join(this.#staging, "made.parquet");
		await this.#connection.run(
			`COPY (${parts.join(" UNION ALL BY NAME ")}) TO ${quote(made)} (FORMAT parquet, COMPRESSION zstd)`,
		);
		makeFolders(join(target, ".."));
		await rename(made, target);
	}
}

/** Rows on their way into the files of one day, as lines of JSON that DuckDB reads. */
class Day implements AsyncDisposable {
	readonly date: string;
	readonly #folder: string;
	readonly #streams = new Map<string, WriteStream>();

	constructor(date: string, folder: string) {
		this.date = date;
		this.#folder = folder;
	}

	async write(table: string, row: unknown): Promise<void> {
		let stream = this.#streams.get(table);
		if (stream === undefined) {
			stream = createWriteStream(join(this.#folder, `${table}.ndjson`));
			this.#streams.set(table, stream);
		}
		if (stream.write(`${JSON.stringify(row)}\n`)) return;
		const written = stream;
		await new Promise<void>((resolve, reject) => {
			written.once("drain", resolve);
			written.once("error", reject);
		});
	}

	/** The files, by table. */
	async close(): Promise<Map<string, string>> {
		const paths = new Map<string, string>();
		for (const [table, stream] of this.#streams) {
			stream.end();
			await finished(stream);
			paths.set(table, String(stream.path));
		}
		return paths;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const stream of this.#streams.values()) {
			stream.destroy();
			await rm(stream.path, { force: true });
		}
		this.#streams.clear();
	}
}

/** Staged rows as SQL. */
function rowsIn({ columns }: Table, staged: string): string {
	const types = columns.map(({ name, type }) => `${quote(name, '"')}: ${quote(type)}`);
	return `read_json(${quote(staged)}, format = 'newline_delimited', columns = {${types.join(", ")}}, maximum_object_size = 67108864)`;
}
