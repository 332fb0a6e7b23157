/** Reads the records of a log in their order, and goes on behind damage. */
import { type FileHandle, open } from "node:fs/promises";
import { messageOf, UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import type { LineLog, Segment } from "./line-log.ts";
import {
	findRecord,
	isPayloadWhole,
	isSegmentHeader,
	parseRecordHeader,
	RECORD_HEADER_BYTES,
	SEGMENT_HEADER_BYTES,
	type StoredRecord,
} from "./log-format.ts";

/** Read at once. */
const READ_BYTES = 2 ** 20;

export class LogReader {
	readonly #source: LineLog;
	readonly #log: Logger;
	/** What to do where a record is damaged: look for the next one, or take it for the end. */
	readonly #atDamage: "skip" | "stop";
	#position: number;
	#open: { readonly segment: Segment; readonly file: FileHandle } | undefined;
	/** What was read of the segment, and the position of its first byte. */
	#bytes: Buffer = Buffer.alloc(0);
	#bytesAt = 0;

	constructor(source: LineLog, position: number, log: Logger, atDamage: "skip" | "stop") {
		this.#source = source;
		this.#position = position;
		this.#log = log;
		this.#atDamage = atDamage;
	}

	/** Where the next record begins, or would. */
	get position(): number {
		return this.#position;
	}

	/** Goes on at `position`: what is before it is known. */
	skipTo(position: number): void {
		this.#position = position;
	}

	/**
	 * The next record; undefined where there is none yet.
	 *
	 * @throws UmbraError `unavailable` where a file cannot be read.
	 */
	async next(): Promise<StoredRecord | undefined> {
		for (;;) {
			const segment = this.#source.segmentAt(this.#position);
			if (segment === undefined || this.#position >= this.#source.end) return undefined;
			if (this.#position < segment.first) this.#report(segment, this.#position, segment.first, "lost");
			this.#position = Math.max(this.#position, segment.first);
			const end = Math.min(segment.end, this.#source.end);
			const damagedAt = this.#position;
			if (this.#position === segment.first) {
				const header = await this.#read(segment, SEGMENT_HEADER_BYTES, end);
				if (isSegmentHeader(header, segment.first)) {
					this.#position += SEGMENT_HEADER_BYTES;
					continue;
				}
			} else {
				const record = await this.#record(segment, end);
				if (record !== undefined) {
					this.#position = record.next;
					return record;
				}
			}
			if (this.#atDamage === "stop") return undefined;
			await this.#skip(segment, end);
			this.#report(segment, damagedAt, this.#position, "damaged");
		}
	}

	async #record(segment: Segment, end: number): Promise<StoredRecord | undefined> {
		const position = this.#position;
		const header = parseRecordHeader(await this.#read(segment, RECORD_HEADER_BYTES, end), 0);
		if (header === undefined) return undefined;
		const size = RECORD_HEADER_BYTES + header.bytes;
		const payload = (await this.#read(segment, size, end)).subarray(RECORD_HEADER_BYTES, size);
		if (!isPayloadWhole(header, payload)) return undefined;
		const { lane, lines, acceptedMs, hours } = header;
		return { lane, lines, acceptedMs, hours, payload, position, next: position + size };
	}

	/** To the next record of the segment that looks like one, or to its end. */
	async #skip(segment: Segment, end: number): Promise<void> {
		const rest = await this.#read(segment, end - this.#position, end);
		const found = findRecord(rest, 1);
		this.#position = found < 0 ? end : this.#position + found;
	}

	/** From the reader's position on, `wanted` bytes or more where the segment has them. What it returns stays as it is. */
	async #read(segment: Segment, wanted: number, end: number): Promise<Buffer> {
		const offset = this.#position - this.#bytesAt;
		const held = this.#bytes.length - offset;
		if (this.#open?.segment === segment && offset >= 0 && held >= Math.min(wanted, end - this.#position)) {
			return this.#bytes.subarray(offset);
		}
		try {
			if (this.#open?.segment !== segment) {
				await this.close();
				this.#open = { segment, file: await open(segment.path, "r") };
			}
			const length = Math.min(Math.max(wanted, READ_BYTES), end - this.#position);
			const bytes = Buffer.allocUnsafeSlow(length);
			let filled = 0;
			while (filled < length) {
				const at = this.#position - segment.first + filled;
				const { bytesRead } = await this.#open.file.read(bytes, filled, length - filled, at);
				if (bytesRead === 0) break;
				filled += bytesRead;
			}
			this.#bytes = bytes.subarray(0, filled);
			this.#bytesAt = this.#position;
			return this.#bytes;
		} catch (error) {
			throw new UmbraError("unavailable", `cannot read the backlog, ${segment.path}: ${messageOf(error)}`, {
				cause: error,
				context: { path: segment.path, offset: this.#position - segment.first },
			});
		}
	}

	#report({ path, first }: Segment, from: number, to: number, what: "lost" | "damaged"): void {
		this.#log.error({ path, offset: from - first, bytes: to - from }, `part of the series backlog is ${what}`);
	}

	async close(): Promise<void> {
		await this.#open?.file.close();
		this.#open = undefined;
	}
}
