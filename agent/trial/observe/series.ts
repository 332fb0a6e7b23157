/**
 * The time series of one trial, each value in its place. A long trial has its intervals put together, so that what is kept stays
 * within bounds. Names are `measurement.field`, and `measurement.field tag` for one of several disks, interfaces, vCPUs or probes.
 */
import type { TrialSeries } from "../../../common/trial/report.ts";

/** Of all series together: some 300 KB as JSON, which leaves a report room for the rest. */
const MAX_VALUES = 40_000;
const MAX_SERIES = 200;
const MAX_NAME = 100;
const DIGITS = 5;

export type Values = Readonly<Record<string, number | undefined>>;

export class SeriesRecorder {
	readonly #values = new Map<string, (number | null)[]>();
	#intervalMs: number;
	#length = 0;

	constructor(intervalMs = 1000) {
		this.#intervalMs = intervalMs;
	}

	/** Values of the interval in which `atMs` lies; of several in one, the last counts. What lies before the beginning is left out. */
	add(atMs: number, values: Values): void {
		const at = Math.floor(atMs / this.#intervalMs);
		if (at < 0) return;
		this.#length = Math.max(this.#length, at + 1);
		for (const [long, value] of Object.entries(values)) {
			if (value === undefined || !Number.isFinite(value)) continue;
			const name = long.slice(0, MAX_NAME);
			const row = this.#values.get(name) ?? [];
			if (row.length === 0) {
				if (this.#values.size >= MAX_SERIES) continue;
				this.#values.set(name, row);
			}
			while (row.length < at) row.push(null);
			row[at] = value;
		}
		while (this.#length * this.#values.size > MAX_VALUES) this.#halve();
	}

	series(): TrialSeries {
		const values = [...this.#values].map(([name, row]): [string, (number | null)[]] => {
			const rounded = row.map((value) => (value === null ? null : Number(value.toPrecision(DIGITS))));
			return [name, [...rounded, ...Array.from({ length: this.#length - row.length }, () => null)]];
		});
		return { intervalMs: this.#intervalMs, values: Object.fromEntries(values) };
	}

	/** Two intervals become one, with their mean. */
	#halve(): void {
		for (const [name, row] of this.#values) {
			const halved: (number | null)[] = [];
			for (let at = 0; at < row.length; at += 2) {
				const [one, other] = [row[at] ?? null, row[at + 1] ?? null];
				halved.push(one === null ? other : other === null ? one : (one + other) / 2);
			}
			this.#values.set(name, halved);
		}
		this.#intervalMs *= 2;
		this.#length = Math.ceil(this.#length / 2);
	}
}
