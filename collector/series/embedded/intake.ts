/** Takes points: into the log and into the head. Writes that come while the disk syncs share the next sync. */
import { messageOf, UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { MeasurementName, Point } from "../../../common/measurements/measurements.ts";
import { type Block, BlockPool } from "./block.ts";
import type { Heads } from "./heads.ts";
import { tableOf } from "./layout.ts";
import type { SeriesLog } from "./log.ts";

/** At this size a log segment ends and becomes parts: a few seconds of reading after a crash, and well within memory. */
const SEGMENT_BYTES = 32 * 2 ** 20;
/** So old a log segment ends although it is small: what is in parts is on disk only, and faster to ask. */
const SEGMENT_MS = 30 * 60_000;
/** More waits to become parts only where that fails, or where points come faster than they can be sorted. */
const BACKLOG_BYTES = 256 * 2 ** 20;
/** Points that wait for the disk. */
const WAITING_POINTS = 1_000_000;
/** So many rows go into DuckDB together. */
const SETTLED_ROWS = 16_384;

export interface IntakeOptions {
	readonly seriesLog: SeriesLog;
	readonly heads: Heads;
	readonly log: Logger;
	readonly segmentBytes?: number;
	readonly backlogBytes?: number;
	/** Called when a log segment ended. */
	readonly turned: () => void;
	/** Brings what the heads took into DuckDB. */
	readonly settle: () => Promise<void>;
}

/** Points that get on disk together. */
class Batch {
	readonly blocks = new Map<MeasurementName, Block[]>();
	points = 0;
	readonly done: PromiseWithResolvers<void> = Promise.withResolvers();
}

export class Intake {
	pointsWritten = 0;
	pointsRefused = 0;
	writeFailures = 0;
	/** Of the newest write; empty where it succeeded. */
	lastError = "";
	/** When the oldest ended segment ended, by the monotonic clock. */
	backlogSince = 0;
	readonly #options: IntakeOptions;
	readonly #pool = new BlockPool();
	#batch = new Batch();
	/** What uses the log, one after the other. */
	#logged: Promise<void> = Promise.resolve();
	#isCommitting = false;
	/** When the segment got its first points. */
	#segmentSince = 0;

	constructor(options: IntakeOptions) {
		this.#options = options;
		if (options.seriesLog.earlierBytes > 0) this.backlogSince = performance.now();
	}

	/** @throws UmbraError `limit`, `unavailable`, as `SeriesStore.write`. */
	async write(points: readonly Point[]): Promise<void> {
		const { heads, seriesLog, backlogBytes = BACKLOG_BYTES } = this.#options;
		if (points.length === 0) return;
		if (seriesLog.earlierBytes > backlogBytes || this.#batch.points > WAITING_POINTS) {
			throw new UmbraError("limit", "the series store cannot keep up: points wait to be written", {
				context: { found: seriesLog.earlierBytes, wanted: `at most ${backlogBytes} bytes` },
				hint: "its log lines say whether its disk is full",
			});
		}
		const batch = this.#batch;
		for (const { measurement, tags, timeNs, fields } of points) {
			let blocks = batch.blocks.get(measurement);
			if (blocks === undefined) {
				blocks = [this.#pool.take(tableOf(measurement))];
				batch.blocks.set(measurement, blocks);
			}
			let block = blocks.at(-1)!;
			if (block.full) {
				block = this.#pool.take(block.table);
				blocks.push(block);
			}
			block.add(heads.indexOf(measurement).numberOf(tags), timeNs, fields);
		}
		batch.points += points.length;
		if (!this.#isCommitting) void this.#commit();
		await batch.done.promise;
	}

	async #commit(): Promise<void> {
		this.#isCommitting = true;
		while (this.#batch.points > 0) {
			const batch = this.#batch;
			this.#batch = new Batch();
			await this.#onLog(async () => await this.#take(batch));
		}
		this.#isCommitting = false;
	}

	async #take(batch: Batch): Promise<void> {
		const { seriesLog, heads, segmentBytes = SEGMENT_BYTES, log } = this.#options;
		const blocks = [...batch.blocks.values()].flat();
		const { segment } = seriesLog;
		try {
			if (seriesLog.bytes === 0) this.#segmentSince = performance.now();
			await seriesLog.append(blocks);
		} catch (error) {
			this.writeFailures++;
			this.lastError = messageOf(error);
			log.error({ error: this.lastError }, "the series store cannot write");
			batch.done.reject(error);
			return;
		}
		for (const block of blocks) {
			heads.take(segment, block);
			this.#pool.give(block);
		}
		this.pointsWritten += batch.points;
		this.lastError = "";
		batch.done.resolve();
		if (seriesLog.bytes >= segmentBytes || performance.now() - this.#segmentSince >= SEGMENT_MS) await this.#turn();
		// Where it fails the store has failed, and says so; these points are in the log.
		if (heads.waitingRows >= SETTLED_ROWS) await this.#options.settle().catch(() => {});
	}

	async #turn(): Promise<void> {
		const { seriesLog, turned } = this.#options;
		if (seriesLog.bytes === 0) return;
		if (seriesLog.earlierBytes === 0) this.backlogSince = performance.now();
		await seriesLog.turn();
		turned();
	}

	/** Ends the log segment, so that what was taken so far becomes parts. */
	async turn(): Promise<void> {
		await this.#written();
		await this.#onLog(async () => await this.#turn());
	}

	/** Resolves when all that was accepted so far can be asked. */
	async flush(): Promise<void> {
		await this.#written();
		await this.#options.settle();
	}

	/** Resolves when what waits for the disk is on it, or is not to be. */
	async #written(): Promise<void> {
		if (this.#batch.points > 0) await this.#batch.done.promise.catch(() => {});
		await this.#logged;
	}

	/** Called when ended segments became parts. */
	backlogTaken(): void {
		this.backlogSince = performance.now();
	}

	async #onLog(use: () => Promise<void>): Promise<void> {
		const turn = this.#logged.then(use);
		this.#logged = turn.catch(() => {});
		await turn;
	}

	async close(): Promise<void> {
		await this.#written();
	}
}
