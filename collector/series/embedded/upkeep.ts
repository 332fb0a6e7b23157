/**
 * What is done to parts in the background: those of a day are merged when they become many; once the day is over its minutes and hours
 * are made (it is *folded*); raw points, minutes and hours go when they are old. One job is one change of the shelf: cut anywhere, it is
 * done again.
 */
import type { Logger } from "../../../common/log.ts";
import { MEASUREMENTS, type MeasurementName } from "../../../common/measurements/measurements.ts";
import type { EmbeddedRetention } from "../settings.ts";
import { setAsideDamaged } from "./damage.ts";
import { Database, type Lane } from "./database.ts";
import { type TimeRange, widen } from "./head.ts";
import { HOUR_NS, type Level, type Table, tableOf } from "./layout.ts";
import { PartMaker, type RunOf } from "./maker.ts";
import { monthOf, type Part } from "./parts.ts";
import type { Shelf } from "./shelf.ts";

/** So long after its end a day is folded for the first time: most of what comes late has come. */
const GRACE_NS = HOUR_NS;
/** So many runs are made one. */
const MERGED_RUNS = 6;
/** What was merged so often is large enough. */
const MAX_TIER = 3;
/** A folded day is folded again when so many runs came late. */
const LATE_RUNS = 4;

export interface UpkeepOptions {
	readonly shelf: Shelf;
	readonly retention: EmbeddedRetention;
	/** Everything is below it. */
	readonly folder: string;
	readonly memoryBytes: number;
	/** Where parts go that cannot be read. */
	readonly damaged: string;
	readonly log: Logger;
}

interface Job {
	readonly what: string;
	/** What it reads. */
	readonly parts: readonly Part[];
	run(maker: PartMaker): Promise<void>;
}

export class Upkeep {
	readonly #options: UpkeepOptions;

	constructor(options: UpkeepOptions) {
		this.#options = options;
	}

	/**
	 * Does all that is due.
	 *
	 * @param between is called before each job, so that what cannot wait for all of them gets its turn
	 * @throws UmbraError `unavailable`, `limit`; what the signal was aborted with.
	 */
	async round(nowNs: bigint, signal: AbortSignal, between: () => Promise<void> = async () => {}): Promise<void> {
		const { shelf, folder, memoryBytes, damaged, log } = this.#options;
		let database: Database | undefined;
		try {
			let lane: Lane | undefined;
			for (;;) {
				signal.throwIfAborted();
				await between();
				const job = this.#next(nowNs);
				if (job === undefined) return;
				const started = performance.now();
				// With memory of its own, on one thread: neither questions nor points wait for it, and it gives all back.
				database ??= await Database.open({ folder, memoryBytes, threads: 1 });
				lane ??= await database.lane(1);
				try {
					await job.run(new PartMaker(lane, shelf, signal));
				} catch (error) {
					signal.throwIfAborted();
					if ((await setAsideDamaged(job.parts, { shelf, lane, damaged, log }, signal)) === 0) throw error;
				}
				log.debug({ job: job.what, ms: Math.round(performance.now() - started) }, "upkeep of the series store");
			}
		} finally {
			database?.[Symbol.dispose]();
		}
	}

	#next(nowNs: bigint): Job | undefined {
		for (const measurement of Object.keys(MEASUREMENTS) as MeasurementName[]) {
			const job = this.#nextOf(tableOf(measurement), nowNs);
			if (job !== undefined) return job;
		}
		return undefined;
	}

	#nextOf(table: Table, nowNs: bigint): Job | undefined {
		const { shelf, retention } = this.#options;
		const parts = shelf.partsOf(table.measurement);
		const kept = shelf.keptOf(table.measurement);
		const days = Map.groupBy(
			parts.filter(({ level }) => level === "raw"),
			({ beginNs }) => beginNs,
		);
		for (const raw of [...days.values()].sort((a, b) => (a[0]!.beginNs < b[0]!.beginNs ? -1 : 1))) {
			const { beginNs, endNs } = raw[0]!;
			const late = runsOf(raw.filter(({ folded }) => !folded)).length;
			if (beginNs < kept.rawFromNs) return this.#add(table, raw, nowNs);
			if (endNs <= nowNs - retention.rawNs)
				return late > 0 ? this.#fold(table, raw, nowNs) : this.#giveUp(table, raw, nowNs);
			const isFolded = raw.some(({ folded }) => folded);
			if (endNs <= nowNs - GRACE_NS && late >= (isFolded ? LATE_RUNS : 1)) return this.#fold(table, raw, nowNs);
			const merge = this.#merge(table, raw);
			if (merge !== undefined) return merge;
		}
		return this.#expire(table, nowNs) ?? this.#join(table);
	}

	/** Runs of a day that were merged equally often, as one. */
	#merge(table: Table, raw: readonly Part[]): Job | undefined {
		const runs = runsOf(raw);
		for (let tier = 0; tier < MAX_TIER; tier++) {
			const alike = runs.filter((run) => run[0]!.tier === tier && !run[0]!.folded);
			if (alike.length < MERGED_RUNS) continue;
			const parts = alike.flat();
			return {
				what: `merge ${parts.length} parts of ${table.measurement}`,
				parts,
				run: async (maker) => {
					// Nothing of that day is older: whatever was there twice is there once afterwards.
					const isOldest = alike[0] === runs[0];
					const add = await maker.merged(table, parts, {
						...this.#runOf(parts, tier + 1),
						doubtNs: isOldest ? undefined : doubtOf(parts),
					});
					await this.#options.shelf.change({ add, remove: parts });
				},
			};
		}
		return undefined;
	}

	/** All raw parts of a day as one run, and its minutes and hours. */
	#fold(table: Table, raw: readonly Part[], nowNs: bigint): Job {
		const { shelf } = this.#options;
		const { beginNs, endNs } = raw[0]!;
		return {
			what: `fold a day of ${table.measurement}`,
			parts: raw,
			run: async (maker) => {
				const run = { ...this.#runOf(raw, MAX_TIER), folded: true };
				const isOne = runsOf(raw).length === 1;
				const merged = isOne
					? raw.map(({ doubtNs: _, ...part }) => ({ ...part, folded: true }))
					: await maker.merged(table, raw, run);
				const levels: Part[] = [];
				for (const level of this.#levelsOf(endNs, nowNs))
					levels.push(...(await maker.folded(table, level, merged, [], run)));
				const before = shelf
					.partsOf(table.measurement)
					.filter((part) => part.level !== "raw" && part.beginNs >= beginNs && part.endNs <= endNs);
				await shelf.change({ add: [...merged, ...levels], remove: [...raw, ...before] });
			},
		};
	}

	/** What came for a day whose raw points were given up: where its minutes and hours have nothing, they get it. */
	#add(table: Table, raw: readonly Part[], nowNs: bigint): Job {
		const { shelf } = this.#options;
		const { beginNs, endNs } = raw[0]!;
		const before = shelf
			.partsOf(table.measurement)
			.filter(({ level, minNs, maxNs }) => level !== "raw" && maxNs >= beginNs && minNs < endNs);
		return {
			what: `add to a past day of ${table.measurement}`,
			parts: [...raw, ...before],
			run: async (maker) => {
				const run = { ...this.#runOf(raw, MAX_TIER), folded: true };
				const add: Part[] = [];
				for (const level of this.#levelsOf(endNs, nowNs)) {
					const known = before.filter((part) => part.level === level);
					add.push(...(await maker.folded(table, level, raw, known, run)));
				}
				await shelf.change({ add, remove: raw });
			},
		};
	}

	/** The raw points of a folded day go. */
	#giveUp({ measurement }: Table, raw: readonly Part[], nowNs: bigint): Job {
		const { shelf } = this.#options;
		const { endNs } = raw[0]!;
		return {
			what: `remove raw points of a day of ${measurement}`,
			parts: [],
			run: async () => {
				let { minuteFromNs } = shelf.keptOf(measurement);
				// So old that no minutes were made of them.
				if (!this.#levelsOf(endNs, nowNs).includes("minute") && endNs > minuteFromNs) minuteFromNs = endNs;
				await shelf.change({ remove: raw, kept: [[measurement, { rawFromNs: endNs, minuteFromNs }]] });
			},
		};
	}

	/** Minutes and hours that are old go. */
	#expire({ measurement }: Table, nowNs: bigint): Job | undefined {
		const { shelf, retention } = this.#options;
		const parts = shelf.partsOf(measurement);
		const minutes = parts.filter(({ level, endNs }) => level === "minute" && endNs <= nowNs - retention.minuteNs);
		const hours = parts.filter(({ level, endNs }) => level === "hour" && endNs <= nowNs - retention.hourNs);
		if (minutes.length + hours.length === 0) return undefined;
		return {
			what: `remove old minutes and hours of ${measurement}`,
			parts: [],
			run: async () => {
				let { minuteFromNs } = shelf.keptOf(measurement);
				for (const { endNs } of minutes) if (endNs > minuteFromNs) minuteFromNs = endNs;
				const kept = { ...shelf.keptOf(measurement), minuteFromNs };
				await shelf.change({ remove: [...minutes, ...hours], kept: [[measurement, kept]] });
			},
		};
	}

	/** The hours of the days of a past month as one run. */
	#join(table: Table): Job | undefined {
		const { shelf } = this.#options;
		const { rawFromNs } = shelf.keptOf(table.measurement);
		const hours = shelf.partsOf(table.measurement).filter(({ level, endNs }) => level === "hour" && endNs <= rawFromNs);
		for (const parts of Map.groupBy(hours, ({ beginNs }) => monthOf(beginNs).beginNs).values()) {
			const month = monthOf(parts[0]!.beginNs);
			const isWhole = (part: Part): boolean => part.beginNs === month.beginNs && part.endNs === month.endNs;
			const days = runsOf(parts.filter((part) => !isWhole(part))).length;
			if (month.endNs > rawFromNs || days < (parts.some(isWhole) ? MERGED_RUNS : 2)) continue;
			return {
				what: `join the hours of a month of ${table.measurement}`,
				parts,
				run: async (maker) => {
					const add = await maker.joined(table, "hour", parts, {
						...this.#runOf(parts, MAX_TIER),
						...month,
						folded: true,
					});
					await shelf.change({ add, remove: parts });
				},
			};
		}
		return undefined;
	}

	/** Levels that a day which ends then is to have. */
	#levelsOf(endNs: bigint, nowNs: bigint): Exclude<Level, "raw">[] {
		const { minuteNs, hourNs } = this.#options.retention;
		const levels: Exclude<Level, "raw">[] = [];
		if (endNs > nowNs - minuteNs) levels.push("minute");
		if (endNs > nowNs - hourNs) levels.push("hour");
		return levels;
	}

	#runOf(parts: readonly Part[], tier: number): RunOf {
		const { beginNs, endNs } = parts[0]!;
		const segment = Math.max(...parts.map((part) => part.segment));
		return { beginNs, endNs, segment, run: this.#options.shelf.takeNumber(), tier, folded: false };
	}
}

/** From old to new. */
function runsOf(parts: readonly Part[]): Part[][] {
	return [...Map.groupBy(parts, ({ run }) => run).values()].sort((a, b) => a[0]!.segment - b[0]!.segment);
}

function doubtOf(parts: readonly Part[]): TimeRange | undefined {
	let doubt: TimeRange | undefined;
	for (const { doubtNs } of parts) if (doubtNs !== undefined) doubt = widen(widen(doubt, doubtNs.from), doubtNs.to);
	return doubt;
}
