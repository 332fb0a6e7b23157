/** All heads: the one that is being filled, and those whose segments ended and that wait to become parts. */
import type { DuckDBConnection } from "@duckdb/node-api";
import { isMeasurement, type MeasurementName } from "../../../common/measurements/measurements.ts";
import { BLOCK_ROWS, Block, type Numbers, type Texts } from "./block.ts";
import { translateDatabaseError } from "./database.ts";
import { HeadTable, SeriesTables } from "./head.ts";
import { tableOf } from "./layout.ts";
import type { RowsSection, Section, Tags } from "./log-record.ts";
import { SeriesIndex } from "./series-index.ts";

/** Newest times of parts by measurement and day. */
export type KnownTimes = ReadonlyMap<MeasurementName, ReadonlyMap<bigint, bigint>>;

export class Heads {
	readonly #connection: DuckDBConnection;
	readonly #known: KnownTimes;
	readonly #indexes = new Map<MeasurementName, SeriesIndex>();
	readonly #seriesTables = new SeriesTables();
	/** In the order of their segments. */
	#heads: { readonly segment: number; readonly tables: Map<MeasurementName, HeadTable> }[] = [];
	/** The calls of `settle`, one after the other. */
	#settling: Promise<void> = Promise.resolve();

	constructor(connection: DuckDBConnection, known: KnownTimes) {
		this.#connection = connection;
		this.#known = known;
	}

	indexOf(measurement: MeasurementName): SeriesIndex {
		let index = this.#indexes.get(measurement);
		if (index === undefined) {
			index = new SeriesIndex(tableOf(measurement));
			this.#indexes.set(measurement, index);
		}
		return index;
	}

	/** @param segment in whose log the rows are; never less than before */
	take(segment: number, block: Block): void {
		let head = this.#heads.at(-1);
		if (head?.segment !== segment) {
			head = { segment, tables: new Map() };
			this.#heads.push(head);
		}
		const { measurement } = block.table;
		let table = head.tables.get(measurement);
		if (table === undefined) {
			table = new HeadTable(block.table, segment);
			head.tables.set(measurement, table);
		}
		table.take(block, this.indexOf(measurement), this.#known.get(measurement));
	}

	/** Takes what a log segment has; returns how many rows could not be understood. */
	replay(segment: number, sections: readonly Section[]): number {
		const numbers = new Map<string, Map<number, number>>();
		let lost = 0;
		for (const section of sections) {
			const { measurement } = section;
			if (!isMeasurement(measurement)) {
				if ("rows" in section) lost += section.rows;
				continue;
			}
			let known = numbers.get(measurement);
			if (known === undefined) {
				known = new Map();
				numbers.set(measurement, known);
			}
			if ("rows" in section) {
				const [blocks, unknown] = blocksOf(measurement, section, known);
				for (const block of blocks) this.take(segment, block);
				lost += unknown;
			} else {
				for (const [number, tags] of section.series)
					known.set(number, this.indexOf(measurement).numberOf(tags as Tags));
			}
		}
		return lost;
	}

	/** Rows that are not in DuckDB yet. */
	get waitingRows(): number {
		return this.#heads.reduce(
			(sum, { tables }) => sum + [...tables.values()].reduce((rows, table) => rows + table.waitingRows, 0),
			0,
		);
	}

	/**
	 * Brings what was taken into DuckDB.
	 *
	 * @param measurement all, where it is left out
	 * @throws UmbraError `unavailable` or `limit`: then rows are missing in memory, though not in the log.
	 */
	async settle(measurement?: MeasurementName): Promise<void> {
		const turn = this.#settling.then(async () => {
			for (const { tables } of this.#heads) {
				for (const [name, table] of tables) {
					if ((measurement !== undefined && name !== measurement) || table.waitingRows === 0) continue;
					await this.#seriesTables.settle(this.#connection, this.indexOf(name));
					await table.settle(this.#connection);
				}
			}
		});
		this.#settling = turn.catch(() => {});
		try {
			await turn;
		} catch (error) {
			throw translateDatabaseError(error);
		}
	}

	/** Of one measurement, those that can be asked, from old to new. */
	of(measurement: MeasurementName): HeadTable[] {
		return this.#heads.flatMap(({ tables }) => tables.get(measurement) ?? []).filter(({ exists }) => exists);
	}

	/** Tables of the heads up to that of segment `last`, by measurement. */
	upTo(last: number): Map<MeasurementName, HeadTable[]> {
		const tables = this.#heads.filter(({ segment }) => segment <= last).flatMap((head) => [...head.tables.values()]);
		return Map.groupBy(tables, ({ table }) => table.measurement);
	}

	/** Of which any head has rows. */
	get measurements(): MeasurementName[] {
		return [...new Set(this.#heads.flatMap(({ tables }) => [...tables.keys()]))];
	}

	/** Takes the heads up to that of segment `last` away: they are asked no more, and can be dropped once nobody reads them. */
	remove(last: number): HeadTable[] {
		const tables = [...this.upTo(last).values()].flat();
		this.#heads = this.#heads.filter(({ segment }) => segment > last);
		return tables;
	}

	async drop(tables: readonly HeadTable[]): Promise<void> {
		const turn = this.#settling.then(async () => {
			for (const table of tables) await table.drop(this.#connection);
		});
		this.#settling = turn.catch(() => {});
		await turn;
	}

	/** Whether a row in a head lies before `timeNs`. */
	reachesBefore(measurement: MeasurementName, timeNs: bigint): boolean {
		return this.#heads.some(({ tables }) => {
			const table = tables.get(measurement);
			return table !== undefined && table.range.from < timeNs;
		});
	}

	async close(): Promise<void> {
		await this.#settling;
		this.#seriesTables.close();
		for (const { tables } of this.#heads) for (const table of tables.values()) table.close();
	}
}

/** Rows of the log as blocks of this release's tables, with the numbers that their series have in this process. */
function blocksOf(
	measurement: MeasurementName,
	{ rows, series, times, columns }: RowsSection,
	numbers: ReadonlyMap<number, number>,
): [blocks: Block[], lost: number] {
	const table = tableOf(measurement);
	const known = columns.flatMap(({ field, values }) => {
		const place = table.fieldPlaces.get(field);
		if (place === undefined || (table.fields[place]!.kind === "text") === values instanceof Float64Array) return [];
		return [{ place, values }];
	});
	const blocks: Block[] = [];
	let lost = 0;
	for (let row = 0; row < rows; row++) {
		const number = numbers.get(series[row]!);
		const isThere = known.some(({ values }) =>
			values instanceof Float64Array ? !Number.isNaN(values[row]) : values[row] !== null,
		);
		if (number === undefined || !isThere) {
			lost++;
			continue;
		}
		let block = blocks.at(-1);
		if (block === undefined || block.rows === BLOCK_ROWS) {
			block = new Block(table);
			blocks.push(block);
		}
		block.add(number, times[row]!, {});
		for (const { place, values } of known) {
			const column = block.columnAt(place);
			if (values instanceof Float64Array) (column as Numbers)[block.rows - 1] = values[row]!;
			else if (values[row] !== null) (column as Texts)[block.rows - 1] = values[row]!;
		}
	}
	return [blocks, lost];
}
