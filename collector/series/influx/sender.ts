/**
 * Brings the backlog to the database. Each series belongs to a *lane*; a lane delivers one batch at a time, in the order of
 * its records, so that of two values of a point the later one stays, whatever is tried again. What is delivered by all lanes is
 * released from the log.
 */
import { isUmbraError, UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { WriteAnswer } from "./connection.ts";
import { type Delivered, deliver } from "./delivery.ts";
import { Gate, type Pauses } from "./gate.ts";
import type { LineLog } from "./line-log.ts";
import { SEGMENT_HEADER_BYTES, type StoredRecord } from "./log-format.ts";
import type { LogReader } from "./log-reader.ts";
import type { RefusedLines } from "./refused-lines.ts";
import { type Hours, Turnstile } from "./turnstile.ts";

/** As many requests are under way at most. */
export const LANES = 4;
/** InfluxDB's own advice is 5,000 to 10,000. */
const MAX_BATCH_LINES = 10_000;
const MAX_BATCH_BYTES = 8 * 2 ** 20;
/** Requests that take too long get smaller, but not smaller than this. */
const MIN_BATCH_LINES = 100;
/** How long lines wait for others to come along. */
const LINGER_MS = 500;
/** How far is read ahead of what is delivered: bounds memory. */
const MAX_AHEAD_BYTES = 32 * 2 ** 20;

export interface SenderOptions {
	readonly log: LineLog;
	readonly logger: Logger;
	readonly refused: RefusedLines;
	/** Sends lines. @throws UmbraError where trying again later may help. */
	readonly post: (body: Buffer, signal: AbortSignal) => Promise<WriteAnswer>;
	/** Between tries. */
	readonly pauses?: Pauses;
}

export class Sender implements AsyncDisposable {
	/** Rejects where the log cannot be read. */
	readonly finished: Promise<void>;
	readonly #options: SenderOptions;
	readonly #stop = new AbortController();
	readonly #lanes: readonly Lane[];
	readonly #gate: Gate;
	readonly #turnstile = new Turnstile();
	readonly #reader: LogReader;
	/** All before it is in a lane, or was. */
	#readTo: number;
	#reading = false;
	/** What is before it is not kept waiting for others. */
	#hurryTo = 0;
	#wake = Promise.withResolvers<void>();
	#maxLines = MAX_BATCH_LINES;
	/** When the newest request began that was accepted, by `performance.now()`. */
	#acceptedAt = 0;
	#accepted = 0;
	#refused = 0;

	private constructor(options: SenderOptions) {
		this.#options = options;
		this.#gate = new Gate(options.logger, options.pauses);
		this.#reader = options.log.reader();
		this.#readTo = options.log.start;
		this.#lanes = Array.from({ length: LANES }, () => new Lane());
		const loops = [this.#read(), ...this.#lanes.map((lane) => this.#serve(lane))];
		this.finished = Promise.all(loops).then(() => undefined);
		this.finished.catch(() => this.#stop.abort());
	}

	static start(options: SenderOptions): Sender {
		return new Sender(options);
	}

	get accepted(): number {
		return this.#accepted;
	}

	get refused(): number {
		return this.#refused;
	}

	get failures(): number {
		return this.#gate.failures;
	}

	get lastError(): string {
		return this.#gate.lastError;
	}

	/** When the oldest record that is not delivered was accepted, in Unix milliseconds; undefined where nothing waits. */
	get oldestMs(): number | undefined {
		const waiting = this.#lanes.map(({ head }) => head?.acceptedMs).filter((ms) => ms !== undefined);
		return waiting.length === 0 ? undefined : Math.min(...waiting);
	}

	/** The log has grown: what comes next anyway need not be read from it. */
	offer(records: readonly StoredRecord[]): void {
		for (const record of records) {
			// The reader may have met it already, or be about to.
			const gap = record.position - this.#readTo;
			if (this.#reading || (gap !== 0 && gap !== SEGMENT_HEADER_BYTES) || this.#isFarAhead()) break;
			this.#take(record);
			this.#reader.skipTo(record.next);
		}
		this.#notify();
	}

	#take(record: StoredRecord): void {
		this.#readTo = record.next;
		(this.#lanes[record.lane % LANES] as Lane).push(record);
	}

	#isFarAhead(): boolean {
		return this.#readTo - this.#options.log.start > MAX_AHEAD_BYTES;
	}

	#notify(): void {
		this.#wake.resolve();
		this.#wake = Promise.withResolvers();
	}

	/** Resolves when all before `position` is delivered. @throws the signal's reason; what `finished` rejects with. */
	async delivered(position: number, signal: AbortSignal): Promise<void> {
		this.#hurryTo = Math.max(this.#hurryTo, position);
		this.#notify();
		while (this.#options.log.start < position) await this.#changed(signal);
	}

	/** Something happened: look again. */
	async #changed(signal: AbortSignal, withinMs?: number): Promise<void> {
		this.#throwIfOver(signal);
		const { promise, resolve } = Promise.withResolvers<void>();
		const done = () => resolve();
		const timer = withinMs === undefined ? undefined : setTimeout(done, withinMs);
		signal.addEventListener("abort", done, { once: true });
		this.#stop.signal.addEventListener("abort", done, { once: true });
		this.#wake.promise.then(done);
		try {
			await promise;
		} finally {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			this.#stop.signal.removeEventListener("abort", done);
		}
		this.#throwIfOver(signal);
	}

	#throwIfOver(signal: AbortSignal): void {
		signal.throwIfAborted();
		if (this.#stop.signal.aborted) throw new UmbraError("unavailable", "the series store is closed");
	}

	async #read(): Promise<void> {
		const { log } = this.#options;
		const { signal } = this.#stop;
		try {
			for (;;) {
				while (this.#isFarAhead()) await this.#changed(signal);
				this.#reading = true;
				const record = await this.#reader.next();
				this.#reading = false;
				signal.throwIfAborted();
				if (record === undefined) {
					this.#readTo = this.#reader.position;
					this.#release();
					if (log.end <= this.#readTo) await this.#changed(signal);
					continue;
				}
				this.#take(record);
				this.#notify();
			}
		} catch (error) {
			if (!signal.aborted) throw error;
		} finally {
			await this.#reader.close();
		}
	}

	async #serve(lane: Lane): Promise<void> {
		const { signal } = this.#stop;
		try {
			for (;;) {
				await this.#ready(lane, signal);
				await this.#gate.open(signal);
				await this.#deliver(lane, Math.min(this.#maxLines, lane.maxLines), signal);
			}
		} catch (error) {
			if (!signal.aborted) throw error;
		}
	}

	/** Waits until the lane has a batch that is full, old enough or wanted. */
	async #ready(lane: Lane, signal: AbortSignal): Promise<void> {
		for (;;) {
			const { head } = lane;
			if (head === undefined) {
				await this.#changed(signal);
				continue;
			}
			const wait = LINGER_MS - (performance.now() - lane.headSince);
			const isFull = lane.lines >= Math.min(this.#maxLines, lane.maxLines) || lane.bytes >= MAX_BATCH_BYTES;
			if (isFull || wait <= 0 || head.position < this.#hurryTo) return;
			await this.#changed(signal, wait);
		}
	}

	async #deliver(lane: Lane, maxLines: number, signal: AbortSignal): Promise<void> {
		const batch = lane.batch(maxLines);
		const lines = batch.reduce((sum, record) => sum + record.lines, 0);
		const hours = {
			first: Math.min(...batch.map((record) => record.hours.first)),
			last: Math.max(...batch.map((record) => record.hours.last)),
		};
		const begun = performance.now();
		let delivered: Delivered;
		try {
			delivered = await deliver(
				batch.map(({ payload }) => payload),
				lines,
				{
					maxLines,
					takesOthers: this.#acceptedAt > lane.refusedAt,
					post: (body) => this.#post(body, hours, signal),
					insist: (body) => this.#insist(body, hours, signal),
				},
			);
		} catch (error) {
			signal.throwIfAborted();
			if (!isUmbraError(error)) throw error;
			if (error.context["timeoutMs"] !== undefined)
				lane.maxLines = Math.max(MIN_BATCH_LINES, Math.min(lines, maxLines) >> 1);
			if (error.context["unclear"] === true) lane.refusedAt = Math.min(lane.refusedAt, performance.now());
			this.#gate.failed(error);
			return;
		}
		const { accepted, refused, tooMany } = delivered;
		await this.#options.refused.add(refused);
		this.#gate.succeeded();
		if (accepted > 0) this.#acceptedAt = Math.max(this.#acceptedAt, begun);
		this.#accepted += accepted;
		this.#refused += refused.length;
		lane.maxLines = Math.min(MAX_BATCH_LINES, lane.maxLines * 2);
		if (tooMany !== undefined) this.#maxLines = Math.max(1, Math.min(this.#maxLines, tooMany >> 1));
		lane.refusedAt = Number.POSITIVE_INFINITY;
		lane.drop(batch.length);
		this.#release();
	}

	async #post(body: Buffer, hours: Hours, signal: AbortSignal): Promise<WriteAnswer> {
		const send = async () => await this.#options.post(body, signal);
		return await this.#turnstile.pass(hours, signal, send, ({ kind }) => kind === "accepted");
	}

	/** Sends lines until there is an answer. */
	async #insist(body: Buffer, hours: Hours, signal: AbortSignal): Promise<WriteAnswer> {
		for (;;) {
			await this.#gate.open(signal);
			try {
				return await this.#post(body, hours, signal);
			} catch (error) {
				signal.throwIfAborted();
				if (!isUmbraError(error)) throw error;
				this.#gate.failed(error);
			}
		}
	}

	/** Gives the log back what no lane needs any more. */
	#release(): void {
		const waiting = this.#lanes.map(({ head }) => head?.position ?? Number.POSITIVE_INFINITY);
		this.#options.log.release(Math.min(this.#readTo, ...waiting));
		this.#notify();
	}

	/** Ends requests under way; what they carried stays in the log. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await this.finished.catch(() => undefined);
	}
}

class Lane {
	readonly #queue: StoredRecord[] = [];
	lines = 0;
	bytes = 0;
	/** When the head came to the front, by `performance.now()`. */
	headSince = 0;
	/** Fewer for a while, after a batch took too long. */
	maxLines: number = MAX_BATCH_LINES;
	/** When the database began to refuse the head without saying why, by `performance.now()`. */
	refusedAt: number = Number.POSITIVE_INFINITY;

	get head(): StoredRecord | undefined {
		return this.#queue[0];
	}

	push(record: StoredRecord): void {
		if (this.#queue.length === 0) this.headSince = performance.now();
		this.#queue.push(record);
		this.lines += record.lines;
		this.bytes += record.payload.length;
	}

	/** The first records that fit a request; one at least. */
	batch(maxLines: number): StoredRecord[] {
		let lines = 0;
		let bytes = 0;
		const end = this.#queue.findIndex((record, at) => {
			lines += record.lines;
			bytes += record.payload.length;
			return at > 0 && (lines > maxLines || bytes > MAX_BATCH_BYTES);
		});
		return this.#queue.slice(0, end < 0 ? this.#queue.length : end);
	}

	drop(count: number): void {
		for (const { lines, payload } of this.#queue.splice(0, count)) {
			this.lines -= lines;
			this.bytes -= payload.length;
		}
		this.headSince = performance.now();
	}
}
