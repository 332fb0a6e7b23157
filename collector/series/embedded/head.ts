/**
 * Heads: the rows that are in no part yet, one head a log segment. Rows are gathered here until somebody asks for them or a chunk is full,
 * since DuckDB takes a few rows no faster than thousands.
 */
import {
	BIGINT,
	DOUBLE,
	type DuckDBAppender,
	type DuckDBConnection,
	DuckDBDataChunk,
	INTEGER,
	VARCHAR,
} from "@duckdb/node-api";
import type { MeasurementName } from "../../../common/measurements/measurements.ts";
import { Block, type Numbers } from "./block.ts";
import { column, DAY_NS, floorTo, type Table, TIME } from "./layout.ts";
import type { SeriesIndex } from "./series-index.ts";

const SERIES = '"_series"';

export interface TimeRange {
	/** Both included. */
	readonly from: bigint;
	readonly to: bigint;
}

/** The rows of one measurement in one head. */
export class HeadTable {
	readonly table: Table;
	readonly segment: number;
	readonly name: string;
	rows = 0;
	/** Times of the rows. */
	range: TimeRange = { from: 2n ** 63n - 1n, to: -(2n ** 63n) };
	/** Times between which another head or part, or this one, may have a row of the same series and instant. */
	doubt: TimeRange | undefined;
	/** Where the days begin that rows lie in. */
	readonly days = new Set<bigint>();
	/** In DuckDB there are the rows before these. */
	#waiting: Block[] = [];
	#appender: DuckDBAppender | undefined;

	constructor(table: Table, segment: number) {
		this.table = table;
		this.segment = segment;
		this.name = `"head_${segment}_${table.measurement}"`;
	}

	/** Whether `sql` can be asked: false until rows were settled for the first time. */
	get exists(): boolean {
		return this.#appender !== undefined;
	}

	get waitingRows(): number {
		return this.#waiting.reduce((sum, { rows }) => sum + rows, 0);
	}

	/** @param known by day, the newest time that parts had when the process began */
	take(block: Block, index: SeriesIndex, known: ReadonlyMap<bigint, bigint> | undefined): void {
		this.#notice(block, index, known);
		for (let from = 0; from < block.rows; ) {
			let last = this.#waiting.at(-1);
			if (last === undefined || last.full) {
				last = new Block(this.table);
				this.#waiting.push(last);
			}
			from += last.take(block, from);
		}
		this.rows += block.rows;
	}

	#notice(
		{ rows, series, times }: Block,
		{ newestNs }: SeriesIndex,
		known: ReadonlyMap<bigint, bigint> | undefined,
	): void {
		let { from: min, to: max } = this.range;
		let [dayBegin, dayEnd] = [0n, 0n];
		let inParts: bigint | undefined;
		for (let row = 0; row < rows; row++) {
			const time = times[row]!;
			if (time < min) min = time;
			if (time > max) max = time;
			if (time < dayBegin || time >= dayEnd) {
				dayBegin = floorTo(time, DAY_NS);
				dayEnd = dayBegin + DAY_NS;
				this.days.add(dayBegin);
				inParts = known?.get(dayBegin);
			}
			const number = series[row]!;
			const newest = newestNs[number];
			if (newest === undefined || time > newest) {
				newestNs[number] = time;
				if (inParts === undefined || time > inParts) continue;
			}
			this.doubt = widen(this.doubt, time);
		}
		this.range = { from: min, to: max };
	}

	/** Brings all rows into DuckDB. One call at a time, for all tables on a connection. */
	async settle(connection: DuckDBConnection): Promise<void> {
		const blocks = this.#waiting;
		if (blocks.length === 0) return;
		this.#waiting = [];
		let appender = this.#appender;
		if (appender === undefined) {
			await connection.run(`CREATE TABLE ${this.name} (${columnsOf(this.table).join(", ")})`);
			appender = await connection.createAppender(this.name.slice(1, -1));
		}
		const types = [INTEGER, BIGINT, ...this.table.fields.map(({ kind }) => (kind === "text" ? VARCHAR : DOUBLE))];
		for (const { rows, series, times, columns } of blocks) {
			const chunk = DuckDBDataChunk.create(types, rows);
			chunk.setColumnValues(0, series.subarray(0, rows) as never);
			chunk.setColumnValues(1, times.subarray(0, rows) as never);
			for (const [place, { kind }] of this.table.fields.entries()) {
				const values = columns[place];
				const wanted =
					kind === "text"
						? Array.from({ length: rows }, (_, row) => values?.[row] ?? null)
						: ((values as Numbers | undefined) ?? NOTHING).subarray(0, rows);
				chunk.setColumnValues(place + 2, wanted as never);
			}
			appender.appendDataChunk(chunk);
		}
		appender.flushSync();
		this.#appender = appender;
	}

	/** The rows as SQL, of tags, time and fields, and of `order`, which rises from row to row and from head to head. */
	sql(fields: readonly string[]): string {
		const tags = this.table.tags.map((tag) => `s.${column(tag)}`);
		const values = fields.map((field) => {
			const { kind } = this.table.fields[this.table.fieldPlaces.get(field)!]!;
			return kind === "text" ? `h.${column(field)}` : `nullif(h.${column(field)}, 'NaN'::DOUBLE) AS ${column(field)}`;
		});
		const order = `${BigInt(this.segment) << 32n} + h.rowid AS "_order"`;
		return `SELECT ${[...tags, `h.${TIME}`, ...values, order].join(", ")} FROM ${this.name} h JOIN ${seriesTable(this.table.measurement)} s USING (${SERIES})`;
	}

	close(): void {
		this.#appender?.closeSync();
	}

	async drop(connection: DuckDBConnection): Promise<void> {
		this.#waiting = [];
		if (this.#appender === undefined) return;
		this.#appender.closeSync();
		await connection.run(`DROP TABLE ${this.name}`);
	}
}

const NOTHING: Numbers = new Float64Array(2048).fill(Number.NaN);

function columnsOf({ fields }: Table): string[] {
	return [
		`${SERIES} INTEGER`,
		`${TIME} BIGINT`,
		...fields.map(({ name, kind }) => `${column(name)} ${kind === "text" ? "VARCHAR" : "DOUBLE"}`),
	];
}

function seriesTable(measurement: MeasurementName): string {
	return `"series_${measurement}"`;
}

/** The tags of series, for the heads to be joined with. */
export class SeriesTables {
	readonly #appenders = new Map<MeasurementName, { readonly appender: DuckDBAppender; count: number }>();

	/** Brings the series that are new into DuckDB. One call at a time. */
	async settle(connection: DuckDBConnection, { table, values }: SeriesIndex): Promise<void> {
		const { measurement, tags } = table;
		let known = this.#appenders.get(measurement);
		if (known === undefined) {
			const columns = [`${SERIES} INTEGER`, ...tags.map((tag) => `${column(tag)} VARCHAR`)];
			const name = seriesTable(measurement);
			await connection.run(`CREATE TABLE ${name} (${columns.join(", ")})`);
			known = { appender: await connection.createAppender(name.slice(1, -1)), count: 0 };
			this.#appenders.set(measurement, known);
		}
		if (known.count === values.length) return;
		for (; known.count < values.length; known.count++) {
			known.appender.appendInteger(known.count);
			for (const value of values[known.count]!) known.appender.appendVarchar(value);
			known.appender.endRow();
		}
		known.appender.flushSync();
	}

	close(): void {
		for (const { appender } of this.#appenders.values()) appender.closeSync();
	}
}

export function widen(range: TimeRange | undefined, time: bigint): TimeRange {
	if (range === undefined) return { from: time, to: time };
	return { from: time < range.from ? time : range.from, to: time > range.to ? time : range.to };
}
