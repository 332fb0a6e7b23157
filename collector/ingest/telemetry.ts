/**
 * The newest sample of every series, in memory and bounded. A sample that makes no sense is counted
 * and dropped: readings repeat, so nothing is worth refusing a whole batch for.
 */
import { toBigInt, type wire } from "../../proto/service.ts";

/** Series kept; the one not heard of for longest goes first. */
const MAX_SERIES = 100_000;
const MAX_TAGS = 16;
const MAX_FIELDS = 128;
const MAX_LENGTH = 255;

export interface TelemetrySample {
	readonly measurement: string;
	readonly tags: Readonly<Record<string, string>>;
	/** Unix nanoseconds. */
	readonly time: string;
	readonly fields: Readonly<Record<string, number>>;
}

export class TelemetryTable {
	readonly #newest = new Map<string, TelemetrySample>();
	readonly #limit: number;
	#dropped = 0;
	#accepted = 0;

	constructor(limit = MAX_SERIES) {
		this.#limit = limit;
	}

	/** Samples that were malformed or older than one that is there. */
	get dropped(): number {
		return this.#dropped;
	}

	/** Samples that made sense. */
	get accepted(): number {
		return this.#accepted;
	}

	/** @returns those that make sense, those among them that are older than what is there included. */
	add(samples: readonly wire.v1.Sample.$Properties[]): TelemetrySample[] {
		const sound: TelemetrySample[] = [];
		for (const sample of samples) {
			const checked = checkSample(sample);
			if (checked !== undefined) sound.push(checked);
			if (checked === undefined || !this.#keep(checked)) this.#dropped++;
		}
		this.#accepted += sound.length;
		return sound;
	}

	/** Every series whose tags hold all of `tags`, in an order that stays, in pages. */
	page(
		measurement: string | undefined,
		tags: Readonly<Record<string, string>>,
		options: { readonly limit: number; readonly cursor?: string | undefined },
	): { readonly items: TelemetrySample[]; readonly next: string | null } {
		const { limit, cursor } = options;
		const wanted = Object.entries(tags);
		// The first ones of those that follow, sorted now and then: sorting all of them for each page would take long.
		let first: string[] = [];
		const cut = () => {
			first = first.sort().slice(0, limit + 1);
		};
		for (const [key, sample] of this.#newest) {
			if (cursor !== undefined && key <= cursor) continue;
			if (measurement !== undefined && sample.measurement !== measurement) continue;
			if (!wanted.every(([name, value]) => sample.tags[name] === value)) continue;
			first.push(key);
			if (first.length > 4 * (limit + 1)) cut();
		}
		cut();
		const shown = first.slice(0, limit);
		const items = shown.map((key) => this.#newest.get(key)).filter((sample) => sample !== undefined);
		return { items, next: first.length > limit ? (shown.at(-1) ?? null) : null };
	}

	#keep(sample: TelemetrySample): boolean {
		const key = JSON.stringify([sample.measurement, Object.entries(sample.tags).sort(([a], [b]) => (a < b ? -1 : 1))]);
		const before = this.#newest.get(key);
		if (before !== undefined && BigInt(before.time) > BigInt(sample.time)) return false;
		// A Map keeps the order of insertion: delete and set moves the series to the end.
		this.#newest.delete(key);
		this.#newest.set(key, sample);
		if (this.#newest.size > this.#limit) {
			for (const oldest of this.#newest.keys()) {
				this.#newest.delete(oldest);
				break;
			}
		}
		return true;
	}
}

function checkSample(sample: wire.v1.Sample.$Properties): TelemetrySample | undefined {
	const measurement = sample.measurement ?? "";
	const tags = Object.entries(sample.tags ?? {});
	const fields = Object.entries(sample.fields ?? {});
	const short = (text: string) => text.length > 0 && text.length <= MAX_LENGTH;
	const sound =
		short(measurement) &&
		tags.length <= MAX_TAGS &&
		tags.every(([key, value]) => short(key) && value.length <= MAX_LENGTH) &&
		fields.length > 0 &&
		fields.length <= MAX_FIELDS &&
		fields.every(([key, value]) => short(key) && Number.isFinite(value));
	if (!sound) return undefined;
	return {
		measurement,
		tags: Object.fromEntries(tags),
		time: toBigInt(sample.timeNs).toString(),
		fields: Object.fromEntries(fields),
	};
}
