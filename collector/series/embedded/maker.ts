/** Makes parts: of heads, of other parts, and of the raw points of a day the minutes and hours. */
import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Lane } from "./database.ts";
import { publish, syncFolder, translateFileError } from "./files.ts";
import type { HeadTable, TimeRange } from "./head.ts";
import { column, DAY_NS, type Level, quote, STEP_NS, summariesOf, type Table, TIME, windowSql } from "./layout.ts";
import { type Part, partFile } from "./parts.ts";
import { absent, filesSql, newestSql, tagList } from "./question.ts";
import type { Shelf } from "./shelf.ts";

/** Values in one part: so many are sorted in memory. */
const PART_VALUES = 8_000_000;
/** A day of one series is half of a group; with smaller ones files grow and everything else slows down. */
const ROW_GROUP_ROWS = 16_384;

/** What the parts of one run have in common. */
export type RunOf = Pick<Part, "beginNs" | "endNs" | "segment" | "run" | "tier" | "folded"> & {
	readonly doubtNs?: TimeRange | undefined;
};

export class PartMaker {
	readonly #lane: Lane;
	readonly #shelf: Shelf;
	readonly #signal: AbortSignal;

	constructor(lane: Lane, shelf: Shelf, signal: AbortSignal) {
		this.#lane = lane;
		this.#shelf = shelf;
		this.#signal = signal;
	}

	/** The rows of one day of settled heads; undefined where they have none. */
	async ofHeads(table: Table, heads: readonly HeadTable[], beginNs: bigint, run: RunOf): Promise<Part | undefined> {
		const fields = table.fields.map(({ name }) => name);
		const filter = `${TIME} >= ${beginNs} AND ${TIME} < ${beginNs + DAY_NS}`;
		const rows = heads.map((head) => `SELECT * FROM (${head.sql(fields)}) WHERE ${filter}`).join(" UNION ALL BY NAME ");
		const isDoubtful = heads.some(({ doubt }) => doubt !== undefined);
		return await this.#make(
			table,
			"raw",
			run,
			rawColumns(table),
			isDoubtful ? newestSql(table, rawColumns(table), rows) : rows,
		);
	}

	/** The rows of raw parts as few parts, each of a stretch of series; they are on disk, and not on the shelf yet. */
	async merged(table: Table, parts: readonly Part[], run: RunOf): Promise<Part[]> {
		const made: Part[] = [];
		const columns = rawColumns(table);
		for (const range of await this.#ranges(table, parts)) {
			const part = await this.#make(table, "raw", run, columns, this.#rawSql(table, parts, range));
			if (part !== undefined) made.push(part);
		}
		return made;
	}

	/** Rows of raw parts between two values of the first tag, without doubles. */
	#rawSql(table: Table, parts: readonly Part[], range: string): string {
		const columns = rawColumns(table);
		const isDoubtful = parts.some(({ doubtNs }) => doubtNs !== undefined);
		const rows = parts.map((part) => {
			const found = columns.map((name) => (part.columns.includes(name.slice(1, -1)) ? name : absent(table, name)));
			const order = isDoubtful ? `, ${BigInt(part.segment) << 32n} AS "_order"` : "";
			return `SELECT ${tagList(table)}, ${TIME}, ${found.join(", ")}${order} FROM ${filesSql(this.#shelf.folder, [part])} WHERE ${range}`;
		});
		const all = rows.join(" UNION ALL ");
		return isDoubtful ? newestSql(table, columns, all) : all;
	}

	/**
	 * Minutes or hours of raw parts.
	 *
	 * @param known parts of that level that were made before and stay: a window that they have is left as it is
	 */
	async folded(
		table: Table,
		level: Exclude<Level, "raw">,
		raw: readonly Part[],
		known: readonly Part[],
		run: RunOf,
	): Promise<Part[]> {
		const summaries = table.fields.flatMap(summariesOf);
		const made: Part[] = [];
		for (const range of await this.#ranges(table, raw)) {
			const window = windowSql(TIME, STEP_NS[level]);
			const values = summaries.map(({ sql, column }) => `${sql} AS ${column}`).join(", ");
			const rows = `SELECT ${tagList(table)}, ${window} AS "_window", ${values} FROM (${this.#rawSql(table, raw, range)}) GROUP BY ${tagList(table)}, "_window"`;
			const keys = [...table.tags.map((tag) => `k.${column(tag)} = f.${column(tag)}`), `k.${TIME} = f."_window"`].join(
				" AND ",
			);
			const isNew =
				known.length > 0
					? `WHERE NOT EXISTS (SELECT 1 FROM ${filesSql(this.#shelf.folder, known)} k WHERE ${keys})`
					: "";
			const columns = summaries.map(({ column }) => column);
			const sql = `SELECT ${tagList(table)}, "_window" AS ${TIME}, ${columns.join(", ")} FROM (${rows}) f ${isNew}`;
			const part = await this.#make(table, level, run, columns, sql);
			if (part !== undefined) made.push(part);
		}
		return made;
	}

	/** Parts of one level and of stretches that follow each other as few parts of the whole stretch. */
	async joined(table: Table, level: Level, parts: readonly Part[], run: RunOf): Promise<Part[]> {
		const columns = table.fields.flatMap(summariesOf).map(({ column }) => column);
		const made: Part[] = [];
		for (const range of await this.#ranges(table, parts)) {
			const rows = parts.map((part) => {
				const found = columns.map((name) => (part.columns.includes(name.slice(1, -1)) ? name : absent(table, name)));
				return `SELECT ${tagList(table)}, ${TIME}, ${found.join(", ")} FROM ${filesSql(this.#shelf.folder, [part])} WHERE ${range}`;
			});
			const part = await this.#make(table, level, run, columns, rows.join(" UNION ALL "));
			if (part !== undefined) made.push(part);
		}
		return made;
	}

	/** Conditions on the first tag, so that what fits each is small enough to be sorted in memory. */
	async #ranges({ tags, fields }: Table, parts: readonly Part[]): Promise<string[]> {
		const first = column(tags[0]!);
		const most = PART_VALUES / fields.length;
		if (parts.reduce((sum, { rows }) => sum + rows, 0) <= most) return ["true"];
		const counts = await this.#lane.rows(
			`SELECT ${first}, count(*)::DOUBLE FROM ${filesSql(this.#shelf.folder, parts)} GROUP BY ALL ORDER BY ALL`,
			this.#signal,
		);
		const cuts: string[] = [];
		let rows = 0;
		for (const [tag, count] of counts as [string, number][]) {
			if (rows > 0 && rows + count > most) {
				cuts.push(tag);
				rows = 0;
			}
			rows += count;
		}
		return [undefined, ...cuts].map((from, at) => {
			const below = cuts[at];
			return [
				from === undefined ? "true" : `${first} >= ${quote(from)}`,
				below === undefined ? "true" : `${first} < ${quote(below)}`,
			].join(" AND ");
		});
	}

	/** Writes the rows, which may come in any order, and puts the file there for good. Undefined where there are none. */
	async #make(
		table: Table,
		level: Level,
		run: RunOf,
		columns: readonly string[],
		rows: string,
	): Promise<Part | undefined> {
		const number = this.#shelf.takeNumber();
		const { measurement } = table;
		const path = join(this.#shelf.folder, partFile({ measurement, level, number }));
		const made = `${path}.new`;
		const order = `${tagList(table)}, ${TIME}`;
		try {
			await this.#lane.run(
				`COPY (SELECT ${order}, ${columns.join(", ")} FROM (${rows}) ORDER BY ${order}) TO ${quote(made)} (FORMAT parquet, PARQUET_VERSION v2, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_ROWS})`,
				this.#signal,
			);
			const first = column(table.tags[0]!);
			const [found] = await this.#lane.rows(
				`SELECT count(*)::DOUBLE, min(${TIME}), max(${TIME}), min(${first}), max(${first}) FROM read_parquet(${quote(made)})`,
				this.#signal,
			);
			const [count, minNs, maxNs, tagFrom, tagTo] = found as [number, bigint, bigint, string, string];
			if (count === 0) {
				await rm(made, { force: true });
				return undefined;
			}
			await publish(made, path);
			await syncFolder(this.#shelf.folder);
			const { size: bytes } = await stat(path);
			const { doubtNs, ...rest } = run;
			return {
				number,
				measurement,
				level,
				...rest,
				...(doubtNs !== undefined && { doubtNs }),
				minNs,
				maxNs,
				tag: { from: tagFrom, to: tagTo },
				columns: columns.map((name) => name.slice(1, -1)),
				rows: count,
				bytes,
			};
		} catch (error) {
			await rm(made, { force: true }).catch(() => {});
			throw translateFileError(error, "write", path);
		}
	}
}

function rawColumns({ fields }: Table): string[] {
	return fields.map(({ name }) => column(name));
}
