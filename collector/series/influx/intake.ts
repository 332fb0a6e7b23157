/** Takes points: turns them into lines, and commits all that came meanwhile to the log at once. */
import { UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { Point } from "../../../common/measurements/measurements.ts";
import type { LineLog } from "./line-log.ts";
import { headOf, type Lines, LineWriter } from "./lines.ts";
import { type LogRecord, RECORD_BYTES, type StoredRecord } from "./log-format.ts";
import { LANES } from "./sender.ts";

/** Four records fill a request. */
const RECORD_LINES = 2500;
/** Not committed yet: more than this waits with its writer. */
const MAX_PENDING_BYTES = 16 * 2 ** 20;
/** Reasons for which points were refused that are logged. */
const MAX_TOLD = 100;
export interface IntakeOptions {
	readonly log: LineLog;
	readonly logger: Logger;
	/** Of the log. */
	readonly limitBytes: number;
	readonly takesText: boolean;
	/** The log has grown by these. */
	readonly committed: (records: readonly StoredRecord[]) => void;
}

interface LaneIntake {
	readonly writer: LineWriter;
	/** Full, and not committed. */
	full: Lines[];
}

export class Intake {
	readonly #options: IntakeOptions;
	readonly #lanes: readonly LaneIntake[];
	/** The commit that takes along what is pending; undefined where nothing is. */
	#next: Promise<void> | undefined;
	#running: Promise<void> = Promise.resolve();
	#pendingBytes = 0;
	#refused = 0;
	readonly #told = new Set<string>();
	#closed = false;

	constructor(options: IntakeOptions) {
		this.#options = options;
		this.#lanes = Array.from({ length: LANES }, () => ({ writer: new LineWriter(options.takesText), full: [] }));
	}

	/** Points that cannot be lines. */
	get refused(): number {
		return this.#refused;
	}

	/** As `SeriesStore.write`. */
	async write(points: readonly Point[]): Promise<void> {
		while (this.#pendingBytes > MAX_PENDING_BYTES) await this.#next?.catch(() => undefined);
		this.#checkRoom();
		let taken = 0;
		for (const point of points) if (this.#add(point)) taken++;
		if (taken > 0) await this.#commitSoon();
	}

	/** Resolves when all that was taken so far is committed, or has failed. */
	async settled(): Promise<void> {
		await this.#running;
	}

	async close(): Promise<void> {
		this.#closed = true;
		await this.#running;
	}

	#checkRoom(): void {
		const { log, limitBytes } = this.#options;
		if (this.#closed) throw new UmbraError("unavailable", "the series store is closed");
		const bytes = log.end - log.start + this.#pendingBytes;
		if (bytes < limitBytes) return;
		throw new UmbraError("limit", `the backlog of the series store is full: ${bytes} of ${limitBytes} bytes`, {
			context: { found: bytes, wanted: limitBytes },
			hint: "bring the database back, or raise series.backlogLimit",
		});
	}

	#add(point: Point): boolean {
		const head = headOf(point);
		// All points of a series have the same lane.
		const lane = this.#lanes[(head?.hash ?? 0) % LANES] as LaneIntake;
		const { writer } = lane;
		const before = writer.length;
		const reason = writer.add(point, head);
		if (reason !== undefined) {
			this.#refuse(point, reason);
			return false;
		}
		this.#pendingBytes += writer.length - before;
		if (writer.lines >= RECORD_LINES || writer.length >= RECORD_BYTES) lane.full.push(writer.take());
		return true;
	}

	#refuse({ measurement }: Point, reason: string): void {
		this.#refused++;
		// A mistake repeats with every reading.
		if (this.#told.has(reason) || this.#told.size >= MAX_TOLD) return;
		this.#told.add(reason);
		this.#options.logger.error({ measurement, reason }, "points of this kind are refused; this is said once");
	}

	#commitSoon(): Promise<void> {
		if (this.#next === undefined) {
			const next = this.#running.then(() => this.#commit());
			this.#next = next;
			this.#running = next.catch(() => undefined);
		}
		return this.#next;
	}

	async #commit(): Promise<void> {
		this.#next = undefined;
		this.#pendingBytes = 0;
		const acceptedMs = Date.now();
		const records: LogRecord[] = [];
		for (const [number, lane] of this.#lanes.entries()) {
			if (lane.writer.lines > 0) lane.full.push(lane.writer.take());
			records.push(...lane.full.map((lines) => ({ ...lines, lane: number, acceptedMs })));
			lane.full = [];
		}
		this.#options.committed(await this.#options.log.append(records));
	}
}
