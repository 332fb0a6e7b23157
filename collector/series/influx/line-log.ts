/**
 * The backlog on the collector's disk: records in append-only segment files, appended and synced together, read in their order,
 * and deleted segment by segment once they are delivered. A *position* counts bytes through all segments, headers included,
 * and only rises; what is before the *start* is delivered. After a crash the start may lie further back than it was: what
 * follows is delivered again, which is harmless.
 */
import { constants, type FileHandle, mkdir, open, readdir, stat, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import {
	type LogRecord,
	positionOfSegment,
	RECORD_HEADER_BYTES,
	recordHeader,
	SEGMENT_HEADER_BYTES,
	type StoredRecord,
	segmentHeader,
	segmentName,
} from "./log-format.ts";
import { LogReader } from "./log-reader.ts";

export interface Segment {
	readonly path: string;
	/** Positions of its first byte and behind its last. */
	readonly first: number;
	end: number;
}

export interface LineLogOptions {
	readonly folder: string;
	readonly log: Logger;
	/** A segment is closed once it has this many bytes. */
	readonly segmentBytes?: number;
}

const SEGMENT_BYTES = 16 * 2 ** 20;
const CURSOR_MAGIC = Buffer.from("UMBRALNC", "latin1");
const CURSOR_BYTES = 20;
/** How long the cursor's file may be behind: what is delivered twice after a kill. */
const CURSOR_MS = 250;
const NO_ROOM = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export class LineLog implements AsyncDisposable {
	/** Rejects when the disk failed in a way after which nothing can be promised; resolves when the log is closed. */
	readonly finished: Promise<void>;
	readonly #ended: PromiseWithResolvers<void> = Promise.withResolvers();
	readonly #options: Required<LineLogOptions>;
	/** Ascending; without gaps, unless a file was lost. */
	readonly #segments: Segment[] = [];
	#tail: FileHandle | undefined;
	#cursorFile: FileHandle | undefined;
	#start = 0;
	#end = 0;
	#savedStart = -1;
	#saving: Promise<void> = Promise.resolve();
	#timer: NodeJS.Timeout | undefined;
	#failure: UmbraError | undefined;

	private constructor(options: LineLogOptions) {
		this.#options = { segmentBytes: SEGMENT_BYTES, ...options };
		this.finished = this.#ended.promise;
		this.finished.catch(() => undefined);
	}

	/** @throws UmbraError `unavailable` where the folder cannot be used, `unsupported` where a newer version wrote it. */
	static async open(options: LineLogOptions): Promise<LineLog> {
		const log = new LineLog(options);
		try {
			await mkdir(options.folder, { recursive: true, mode: 0o700 });
			await log.#load();
			return log;
		} catch (error) {
			await log[Symbol.asyncDispose]();
			throw translate(error, "open the backlog of the series store", options.folder);
		}
	}

	/** Before it all is delivered. */
	get start(): number {
		return this.#start;
	}

	/** Behind the newest record that is on stable storage. */
	get end(): number {
		return this.#end;
	}

	async #load(): Promise<void> {
		const { folder } = this.#options;
		for (const name of (await readdir(folder)).sort()) {
			const first = positionOfSegment(name);
			if (first === undefined) continue;
			const path = join(folder, name);
			this.#segments.push({ path, first, end: first + (await stat(path)).size });
		}
		this.#end = this.#segments.at(-1)?.end ?? 0;
		await this.#cutTail();
		this.#cursorFile = await open(join(folder, "cursor"), constants.O_RDWR | constants.O_CREAT, 0o600);
		const saved = await this.#readCursor();
		if (this.#segments.length === 0) this.#end = saved ?? 0;
		this.#start = Math.min(Math.max(saved ?? 0, this.#segments[0]?.first ?? 0), this.#end);
		await this.#deleteDone();
	}

	/** What was being written when the collector was killed goes. */
	async #cutTail(): Promise<void> {
		const tail = this.#segments.at(-1);
		if (tail === undefined) return;
		const reader = new LogReader(this, tail.first, this.#options.log, "stop");
		try {
			while ((await reader.next()) !== undefined);
		} finally {
			await reader.close();
		}
		const whole = reader.position;
		if (whole <= tail.first + SEGMENT_HEADER_BYTES) {
			await unlink(tail.path);
			this.#segments.pop();
			this.#end = tail.first;
		} else if (whole < tail.end) {
			this.#options.log.info({ path: tail.path, bytes: tail.end - whole }, "cut a torn tail off the backlog");
			await truncate(tail.path, whole - tail.first);
			tail.end = whole;
			this.#end = whole;
		}
		// What a killed collector had written and not synced counts from now on.
		else await syncPath(tail.path);
	}

	/** The segment that holds the byte at `position`, or the next one behind a gap. */
	segmentAt(position: number): Segment | undefined {
		return this.#segments.find(({ end }) => end > position);
	}

	reader(): LogReader {
		return new LogReader(this, this.#start, this.#options.log, "skip");
	}

	/**
	 * Appends records and syncs them: all or none count. One call at a time.
	 *
	 * @returns the records as they stand in the log
	 * @throws UmbraError `limit` where the disk is full, `unavailable` where it fails.
	 */
	async append(records: readonly LogRecord[]): Promise<StoredRecord[]> {
		if (this.#failure !== undefined) throw this.#failure;
		let tail = this.#segments.at(-1);
		if (this.#tail !== undefined && tail !== undefined && tail.end - tail.first >= this.#options.segmentBytes) {
			const full = this.#tail;
			this.#tail = undefined;
			await full.close();
		}
		const parts = records.flatMap((record) => [recordHeader(record), record.payload]);
		const isNew = this.#tail === undefined;
		if (isNew) {
			const first = this.#end;
			tail = { path: join(this.#options.folder, segmentName(first)), first, end: first };
			parts.unshift(segmentHeader(first));
		}
		const { path, first, end } = tail as Segment;
		try {
			this.#tail ??= await open(path, "w+", 0o600);
			await writeAll(this.#tail, parts, end - first);
		} catch (error) {
			await this.#undo(path, isNew, end - first);
			throw translate(error, "append to the backlog", path);
		}
		try {
			await this.#tail.datasync();
			if (isNew) await syncPath(this.#options.folder);
		} catch (error) {
			// What a failed sync left in the page cache may be neither on the disk nor written again by another sync.
			this.#failure = new UmbraError("unavailable", `the backlog cannot be synced: ${messageOf(error)}`, {
				cause: error,
				context: { path },
				hint: "check the disk of the collector's data folder, then restart the collector",
			});
			this.#ended.reject(this.#failure);
			throw this.#failure;
		}
		if (isNew) this.#segments.push(tail as Segment);
		(tail as Segment).end = end + parts.reduce((sum, part) => sum + part.length, 0);
		this.#end = (tail as Segment).end;
		let next = isNew ? end + SEGMENT_HEADER_BYTES : end;
		return records.map((record) => {
			const position = next;
			next += RECORD_HEADER_BYTES + record.payload.length;
			return { ...record, position, next };
		});
	}

	async #undo(path: string, isNew: boolean, bytes: number): Promise<void> {
		try {
			if (!isNew) return await this.#tail?.truncate(bytes);
			await this.#tail?.close();
			this.#tail = undefined;
			await unlink(path);
		} catch {
			// The next append writes over it; a start cuts it off.
		}
	}

	/** All before `position` is delivered. */
	release(position: number): void {
		if (position <= this.#start) return;
		this.#start = position;
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			this.#saving = this.#saving.then(() => this.#save());
		}, CURSOR_MS);
	}

	async #save(): Promise<void> {
		try {
			const start = this.#start;
			if (start === this.#savedStart) return;
			const bytes = Buffer.alloc(CURSOR_BYTES);
			CURSOR_MAGIC.copy(bytes);
			bytes.writeBigUInt64LE(BigInt(start), 8);
			bytes.writeUInt32LE(crc32(bytes.subarray(0, 16)), 16);
			await this.#cursorFile?.write(bytes, 0, CURSOR_BYTES, 0);
			this.#savedStart = start;
			await this.#deleteDone();
		} catch (error) {
			this.#options.log.warn({ err: error }, "cannot note how much of the backlog is delivered; trying again");
		}
	}

	async #readCursor(): Promise<number | undefined> {
		const bytes = Buffer.alloc(CURSOR_BYTES);
		const read = await this.#cursorFile?.read(bytes, 0, CURSOR_BYTES, 0);
		if (read?.bytesRead !== CURSOR_BYTES || !bytes.subarray(0, 8).equals(CURSOR_MAGIC)) return undefined;
		if (bytes.readUInt32LE(16) !== crc32(bytes.subarray(0, 16))) return undefined;
		return Number(bytes.readBigUInt64LE(8));
	}

	async #deleteDone(): Promise<void> {
		for (let first = this.#segments[0]; first !== undefined && first.end <= this.#start; first = this.#segments[0]) {
			// The one that is being written to stays.
			if (this.#tail !== undefined && this.#segments.length === 1) return;
			await unlink(first.path).catch((error: unknown) => {
				if (errnoOf(error) !== "ENOENT") throw error;
			});
			this.#segments.shift();
		}
	}

	/** Notes what is delivered, and closes. */
	async [Symbol.asyncDispose](): Promise<void> {
		clearTimeout(this.#timer);
		this.#failure ??= new UmbraError("unavailable", "the series store is closed");
		await this.#saving;
		if (this.#cursorFile !== undefined) await this.#save();
		await this.#tail?.close();
		await this.#cursorFile?.close();
		this.#tail = undefined;
		this.#cursorFile = undefined;
		this.#ended.resolve();
	}
}

async function writeAll(file: FileHandle, parts: readonly Buffer[], position: number): Promise<void> {
	const wanted = parts.reduce((sum, part) => sum + part.length, 0);
	const { bytesWritten } = await file.writev(parts, position);
	if (bytesWritten === wanted) return;
	// Cut short: by a disk that is filling up, or by the kernel's limits on one call.
	const rest = Buffer.concat(parts).subarray(bytesWritten);
	for (let done = 0; done < rest.length; ) {
		const written = await file.write(rest, done, rest.length - done, position + bytesWritten + done);
		done += written.bytesWritten;
	}
}

async function syncPath(path: string): Promise<void> {
	await using handle = await open(path, "r");
	await handle.sync();
}

function translate(error: unknown, doing: string, path: string): unknown {
	if (isUmbraError(error)) return error;
	const full = NO_ROOM.has(errnoOf(error) ?? "");
	return new UmbraError(full ? "limit" : "unavailable", `cannot ${doing}, ${path}: ${messageOf(error)}`, {
		cause: error,
		context: { path },
		...(full ? { hint: "free space where the collector keeps its data" } : {}),
	});
}
