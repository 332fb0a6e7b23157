/**
 * The chunks that wait to be uploaded: a queue in append-only segment files. A chunk's place in it is its
 * position, a number that only rises; everything before `head` is done, everything before `readableEnd` can be
 * read. What is done is forgotten segment by segment; after a restart the head stands at the first chunk of the
 * first segment left, so that some chunks are offered again, which is harmless.
 */
import { mkdir, open, readdir, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { translateFileError } from "./file-error.ts";
import { type Encoding, isDataWhole, parseRecordHeader, RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES } from "./record.ts";
import { type NameKey, nameKey, positionOfFile, Segment, scanSegment, segmentPath } from "./segment.ts";
import { SegmentWriter, SyncFailure, WriteBuffers } from "./segment-writer.ts";

/** Most bytes read at once for neighbouring chunks. */
const READ_BYTES = 2 << 20;

export interface StoredChunk {
	readonly position: number;
	readonly name: Uint8Array;
	readonly encoding: Encoding;
	/** A view of the buffer that was read into, as the name is. */
	readonly data: Uint8Array;
}

/** A chunk in the queue, its data not read. */
export interface QueueEntry {
	readonly position: number;
	readonly name: NameKey;
	/** Bytes of data. */
	readonly length: number;
}

export interface ChunkQueueOptions {
	readonly folder: string;
	readonly segmentBytes: number;
	readonly log: Logger;
	/** Called after `bytes`, `head` or `readableEnd` changed. */
	readonly changed: () => void;
}

export class ChunkQueue {
	readonly #options: ChunkQueueOptions;
	readonly #positions = new Map<NameKey, number>();
	/** Ascending; the last ones may still be written to. */
	#segments: Segment[] = [];
	#head = 0;
	#end = 0;
	#bytes = 0;
	#tail: SegmentWriter | undefined;
	/** The segment before the tail while it is being written and synced for the last time. */
	#sealing: SegmentWriter | undefined;
	/** File operations run one after another. */
	#serial: Promise<unknown> = Promise.resolve();
	readonly #buffers = new WriteBuffers();
	#folderDirty = false;
	#failure: UmbraError | undefined;

	private constructor(options: ChunkQueueOptions) {
		this.#options = options;
	}

	/**
	 * Rebuilds the queue from the segment files in `folder`, cuts a torn tail and reports damage.
	 *
	 * @throws UmbraError `unavailable` where folder or files cannot be used.
	 */
	static async open(options: ChunkQueueOptions, signal?: AbortSignal): Promise<ChunkQueue> {
		const queue = new ChunkQueue(options);
		try {
			await mkdir(options.folder, { recursive: true, mode: 0o700 });
			const files = (await readdir(options.folder)).filter((name) => positionOfFile(name) !== undefined).sort();
			for (const file of files) await queue.#load(file, file === files.at(-1), signal);
			queue.#folderDirty = true;
			await queue.#syncFolder();
		} catch (error) {
			throw translateFileError(error, "open the spool", options.folder);
		}
		queue.#head = queue.#segments[0]?.first ?? 0;
		queue.#end = queue.#segments.at(-1)?.end ?? 0;
		return queue;
	}

	async #load(file: string, last: boolean, signal: AbortSignal | undefined): Promise<void> {
		const path = join(this.#options.folder, file);
		const scanned = await scanSegment(path, positionOfFile(file) as number, last, signal);
		const { segment, damage, wholeBytes, fileBytes } = scanned;
		for (const { offset, bytes } of damage) this.#reportDamage(path, offset, bytes);
		if (segment.names.length === 0) {
			if (fileBytes > SEGMENT_HEADER_BYTES) this.#reportDamage(path, 0, fileBytes);
			await unlink(path);
			return;
		}
		if (wholeBytes < fileBytes) {
			if (last) this.#options.log.info({ path, offset: wholeBytes, bytes: fileBytes - wholeBytes }, "cut a torn tail");
			else this.#reportDamage(path, wholeBytes, fileBytes - wholeBytes);
			await truncate(path, wholeBytes);
			segment.bytes = wholeBytes;
		}
		// What a killed agent had written but not synced counts as held from now on, so it has to be.
		if (last) await withFile(path, (handle) => handle.datasync());
		this.#segments.push(segment);
		this.#bytes += segment.bytes;
		segment.names.forEach((name, index) => {
			if (name !== undefined && !this.#positions.has(name)) this.#positions.set(name, segment.first + index);
		});
	}

	#reportDamage(path: string, offset: number, bytes: number): void {
		this.#options.log.error(
			{ path, offset, bytes },
			"the spool is damaged; the chunks there have to be captured again",
		);
	}

	/** Position of the first chunk that is not done. */
	get head(): number {
		return this.#head;
	}

	/** One past the position of the last chunk that can be read. */
	get readableEnd(): number {
		let end = this.#end;
		for (let at = this.#segments.length - 1; at >= 0; at--) {
			const segment = this.#segments[at] as Segment;
			if (segment.readable === segment.names.length) break;
			end = segment.first + segment.readable;
		}
		return end;
	}

	/** The position that the next chunk gets. */
	get end(): number {
		return this.#end;
	}

	/** Sizes of all segment files, buffered bytes included. */
	get bytes(): number {
		return this.#bytes;
	}

	/** No position below this is given again: what the database remembers of earlier segments. Before the first `add` only. */
	startAt(position: number): void {
		this.#end = Math.max(this.#end, position);
		if (this.#segments.length === 0) this.#head = this.#end;
	}

	positionOf(name: Uint8Array): number | undefined {
		return this.#positions.get(nameKey(name));
	}

	/**
	 * Appends a copy of the chunk, buffered. A name that is there already is left as it is.
	 *
	 * @param hasRoom asked for the bytes wanted, immediately before they are taken
	 * @returns false where `hasRoom` said no
	 * @throws UmbraError `limit` where the device is full, `unavailable` where it fails.
	 */
	async add(
		name: Uint8Array,
		encoding: Encoding,
		data: Uint8Array,
		hasRoom: (bytes: number) => boolean,
		signal?: AbortSignal,
	): Promise<boolean> {
		const size = RECORD_HEADER_BYTES + data.length;
		for (;;) {
			signal?.throwIfAborted();
			if (this.#failure !== undefined) throw this.#failure;
			const key = nameKey(name);
			if (this.#positions.has(key)) return true;
			const tail = this.#tail;
			const wanted = tail === undefined ? SEGMENT_HEADER_BYTES + size : size;
			if (!hasRoom(wanted)) return false;
			if (tail === undefined) {
				this.#begin();
			} else if (tail.segment.bytes + size > this.#options.segmentBytes && tail.segment.names.length > 0) {
				if (this.#sealing === undefined) {
					this.#sealing = tail;
					this.#tail = undefined;
					// Its failure is met by whoever next waits for the file; the writer keeps what it has.
					this.#exclusive(() => this.#seal()).catch(() => {});
				} else {
					await this.#exclusive(() => this.#seal());
				}
			} else if (!tail.canAppend(data.length)) {
				await this.flush();
			} else {
				this.#positions.set(key, this.#end++);
				this.#bytes += size;
				if (tail.append(name, encoding, data)) this.flush().catch(() => {});
				return true;
			}
		}
	}

	#begin(): void {
		const segment = new Segment(segmentPath(this.#options.folder, this.#end), this.#end);
		this.#tail = new SegmentWriter(segment, this.#buffers, () => {
			this.#folderDirty = true;
		});
		this.#segments.push(segment);
		this.#bytes += segment.bytes;
	}

	/** Puts what is buffered into the files, where it can be read. @throws as `add`. */
	flush(): Promise<void> {
		return this.#exclusive(async () => {
			await this.#seal();
			const tail = this.#tail;
			if (tail === undefined || tail.flushed) return;
			await tail.flush();
			this.#options.changed();
		});
	}

	/** Everything added before is on stable storage. @throws as `add`. */
	sync(): Promise<void> {
		return this.#exclusive(async () => {
			await this.#seal();
			const tail = this.#tail;
			if (tail !== undefined) {
				if (!tail.flushed) {
					await tail.flush();
					// What can be read can be sent, while it is synced.
					this.#options.changed();
				}
				await tail.sync();
			}
			this.#buffers.rest();
			await this.#syncFolder();
		});
	}

	/** Finishes the segment before the tail; the next one is not written before this one is synced. */
	async #seal(): Promise<void> {
		const writer = this.#sealing;
		if (writer === undefined) return;
		await writer.seal();
		if (this.#sealing === writer) this.#sealing = undefined;
		this.#options.changed();
		await this.#retire();
	}

	async #syncFolder(): Promise<void> {
		if (!this.#folderDirty) return;
		this.#folderDirty = false;
		try {
			await withFile(this.#options.folder, (handle) => handle.sync());
		} catch (error) {
			this.#folderDirty = true;
			throw translateFileError(error, "sync the spool folder", this.#options.folder);
		}
	}

	#exclusive(task: () => Promise<void>): Promise<void> {
		const guarded = async () => {
			if (this.#failure !== undefined) throw this.#failure;
			try {
				await task();
			} catch (error) {
				if (!(error instanceof SyncFailure)) throw error;
				this.#failure = new UmbraError("unavailable", "the spool could not be synced, its device may be failing", {
					cause: error.cause,
					context: { path: this.#options.folder },
					hint: "check the device and restart the agent: it then counts only on what can still be read",
				});
				throw this.#failure;
			}
		};
		const result = this.#serial.then(guarded, guarded);
		this.#serial = result.catch(() => {});
		return result;
	}

	/** Up to `max` chunks at or behind `from`, ascending; damaged ones are left out. */
	entries(from: number, max: number): QueueEntry[] {
		const found: QueueEntry[] = [];
		for (const segment of this.#segments) {
			if (segment.first + segment.readable <= from) continue;
			for (let index = Math.max(0, from - segment.first); index < segment.readable; index++) {
				if (found.length >= max) return found;
				const name = segment.names[index];
				if (name === undefined) continue;
				found.push({ position: segment.first + index, name, length: segment.lengths[index] as number });
			}
		}
		return found;
	}

	/**
	 * Reads chunks by position, ascending. One that is damaged or gone is left out of the result, reported, and no
	 * longer held.
	 *
	 * @param into where the chunks go as far as they fit, to be used again by a caller that reads much
	 * @throws UmbraError `unavailable` where a file cannot be read.
	 */
	async read(positions: readonly number[], signal?: AbortSignal, into?: Buffer): Promise<StoredChunk[]> {
		const chunks: StoredChunk[] = [];
		let free = into ?? Buffer.alloc(0);
		for (let at = 0; at < positions.length; ) {
			signal?.throwIfAborted();
			const segment = this.#segmentOf(positions[at] as number);
			if (segment === undefined) {
				at++;
				continue;
			}
			const run = runOf(segment, positions, at);
			const fits = run.bytes <= free.length;
			const buffer = fits ? free.subarray(0, run.bytes) : Buffer.allocUnsafeSlow(run.bytes);
			if (fits) free = free.subarray(run.bytes);
			await this.#readRun(segment, positions.slice(at, run.next), run.offset, buffer, chunks);
			at = run.next;
		}
		return chunks;
	}

	#segmentOf(position: number): Segment | undefined {
		let low = 0;
		let high = this.#segments.length - 1;
		while (low <= high) {
			const middle = (low + high) >> 1;
			const segment = this.#segments[middle] as Segment;
			if (position < segment.first) high = middle - 1;
			else if (position >= segment.first + segment.readable) low = middle + 1;
			else return segment;
		}
		return undefined;
	}

	async #readRun(
		segment: Segment,
		positions: readonly number[],
		offset: number,
		buffer: Buffer,
		chunks: StoredChunk[],
	) {
		const bytes = buffer.length;
		let filled = 0;
		try {
			const handle = await segment.reader();
			while (filled < bytes) {
				const { bytesRead } = await handle.read(buffer, filled, bytes - filled, offset + filled);
				if (bytesRead === 0) break;
				filled += bytesRead;
			}
		} catch (error) {
			throw translateFileError(error, "read the spool segment", segment.path);
		}
		const whole = buffer.subarray(0, filled);
		for (const position of positions) {
			const index = position - segment.first;
			const at = (segment.offsets[index] as number) - offset;
			const header = parseRecordHeader(whole, at);
			const data = whole.subarray(at + RECORD_HEADER_BYTES, at + RECORD_HEADER_BYTES + (header?.length ?? 0));
			if (header?.position === position && isDataWhole(header, data)) {
				chunks.push({ position, name: header.name, encoding: header.encoding, data });
			} else {
				this.#reportDamage(segment.path, offset + at, RECORD_HEADER_BYTES + (segment.lengths[index] as number));
				this.forget(position);
			}
		}
	}

	/** The chunk at `position` is given up: it is no longer held, so that a capture brings it anew. */
	forget(position: number): void {
		const segment = this.#segmentOf(position);
		const name = segment?.names[position - segment.first];
		if (segment === undefined || name === undefined) return;
		segment.names[position - segment.first] = undefined;
		if (this.#positions.get(name) === position) this.#positions.delete(name);
	}

	/** Every chunk before `position` is done. Their files are deleted in the background. */
	acknowledge(position: number): void {
		const target = Math.min(position, this.readableEnd);
		if (target <= this.#head) return;
		for (const segment of this.#segments) {
			if (segment.first >= target) break;
			const from = Math.max(0, this.#head - segment.first);
			const to = Math.min(segment.names.length, target - segment.first);
			for (let index = from; index < to; index++) {
				const name = segment.names[index];
				if (name !== undefined && this.#positions.get(name) === segment.first + index) this.#positions.delete(name);
			}
		}
		this.#head = target;
		this.#options.changed();
		const first = this.#segments[0];
		if (first !== undefined && first.end <= this.#head) {
			this.#exclusive(() => this.#retire()).catch((error) => {
				this.#options.log.warn({ err: error }, "could not delete a spool segment that is done; trying again later");
			});
		}
	}

	/** Deletes the segments that are done, the tail too if nothing is buffered for it. */
	async #retire(): Promise<void> {
		for (let first = this.#segments[0]; first !== undefined; first = this.#segments[0]) {
			if (first.end > this.#head || first === this.#sealing?.segment) return;
			const tail = this.#tail?.segment === first ? this.#tail : undefined;
			if (tail !== undefined) {
				this.#tail = undefined;
				await tail.close();
			}
			await first.closeReader();
			try {
				await unlink(first.path);
			} catch (error) {
				if (errnoOf(error) !== "ENOENT") throw translateFileError(error, "delete the spool segment", first.path);
			}
			this.#segments.shift();
			this.#bytes -= first.bytes;
			this.#folderDirty = true;
			this.#options.changed();
		}
	}

	/** Flushes, syncs and closes. @throws as `sync`. */
	async close(): Promise<void> {
		try {
			await this.sync();
		} finally {
			await this.#serial;
			await this.#sealing?.close();
			await this.#tail?.close();
			for (const segment of this.#segments) await segment.closeReader();
			this.#failure ??= new UmbraError("unavailable", "the spool is closed");
		}
	}
}

/** Neighbouring records from `positions[at]` on that one read brings. */
function runOf(segment: Segment, positions: readonly number[], at: number) {
	const first = (positions[at] as number) - segment.first;
	const offset = segment.offsets[first] as number;
	let bytes = 0;
	let next = at;
	while (next < positions.length) {
		const index = (positions[next] as number) - segment.first;
		if (index < 0 || index >= segment.readable) break;
		const end = (segment.offsets[index] as number) + RECORD_HEADER_BYTES + (segment.lengths[index] as number);
		const gap = (segment.offsets[index] as number) - offset - bytes;
		if (next > at && (gap !== 0 || end - offset > READ_BYTES)) break;
		bytes = end - offset;
		next++;
	}
	return { offset, bytes, next };
}

async function withFile<T>(path: string, use: (handle: Awaited<ReturnType<typeof open>>) => Promise<T>): Promise<T> {
	await using handle = await open(path, "r");
	return await use(handle);
}
