/** Rows of one measurement, column by column, in arrays that can be copied as they are: into the log, and into DuckDB. */
import type { Table } from "./layout.ts";

/** Rows that one data chunk of DuckDB takes. */
export const BLOCK_ROWS = 2048;
const FIRST_ROWS = 16;

/** NaN is a value that is not there, as no point has it. */
export type Numbers = Float64Array<ArrayBuffer>;
/** Undefined is a text that is not there. */
export type Texts = (string | undefined)[];

export class Block {
	readonly table: Table;
	/** Filled up to here. */
	rows = 0;
	series: Int32Array<ArrayBuffer> = new Int32Array(FIRST_ROWS);
	times: BigInt64Array<ArrayBuffer> = new BigInt64Array(FIRST_ROWS);
	/** By the field's place in the table; undefined where no row has the field. */
	readonly columns: (Numbers | Texts | undefined)[];

	constructor(table: Table) {
		this.table = table;
		this.columns = new Array(table.fields.length).fill(undefined);
	}

	get full(): boolean {
		return this.rows === BLOCK_ROWS;
	}

	/** @param fields names and types are those of the table */
	add(series: number, timeNs: bigint, fields: Readonly<Record<string, number | string>>): void {
		const row = this.rows;
		if (row === this.series.length) this.#grow(Math.min(row * 4, BLOCK_ROWS));
		this.series[row] = series;
		this.times[row] = timeNs;
		for (const name in fields) {
			const place = this.table.fieldPlaces.get(name) as number;
			this.columnAt(place)[row] = fields[name] as never;
		}
		this.rows = row + 1;
	}

	/** Takes rows of another block of the same table, from `from` on, as many as there is room for; returns how many. */
	take(other: Block, from: number): number {
		const count = Math.min(other.rows - from, BLOCK_ROWS - this.rows);
		const rows = this.rows + count;
		if (rows > this.series.length) this.#grow(Math.min(Math.max(rows, this.series.length * 4), BLOCK_ROWS));
		this.series.set(other.series.subarray(from, from + count), this.rows);
		this.times.set(other.times.subarray(from, from + count), this.rows);
		for (const [place, values] of other.columns.entries()) {
			if (values === undefined) continue;
			const column = this.columnAt(place);
			if (column instanceof Float64Array) column.set((values as Numbers).subarray(from, from + count), this.rows);
			else for (let row = 0; row < count; row++) column[this.rows + row] = (values as Texts)[from + row];
		}
		this.rows = rows;
		return count;
	}

	columnAt(place: number): Numbers | Texts {
		this.columns[place] ??=
			this.table.fields[place]!.kind === "text" ? [] : new Float64Array(this.series.length).fill(Number.NaN);
		return this.columns[place];
	}

	/** Empties it, to be used again. */
	clear(): void {
		for (const values of this.columns) {
			if (values instanceof Float64Array) values.fill(Number.NaN, 0, this.rows);
			else if (values !== undefined) values.length = 0;
		}
		this.rows = 0;
	}

	#grow(rows: number): void {
		const [series, times] = [this.series, this.times];
		this.series = new Int32Array(rows);
		this.series.set(series);
		this.times = new BigInt64Array(rows);
		this.times.set(times);
		for (const [place, values] of this.columns.entries()) {
			if (!(values instanceof Float64Array)) continue;
			const grown = new Float64Array(rows).fill(Number.NaN, values.length);
			grown.set(values);
			this.columns[place] = grown;
		}
	}
}

/** Blocks that are used again and again: making them anew for each write would cost more than filling them. */
export class BlockPool {
	/** Of each table; a few, as one is filled while another is written. */
	static readonly #KEPT = 4;
	readonly #free = new Map<Table, Block[]>();

	take(table: Table): Block {
		return this.#free.get(table)?.pop() ?? new Block(table);
	}

	give(block: Block): void {
		let free = this.#free.get(block.table);
		if (free === undefined) {
			free = [];
			this.#free.set(block.table, free);
		}
		if (free.length >= BlockPool.#KEPT) return;
		block.clear();
		free.push(block);
	}
}
