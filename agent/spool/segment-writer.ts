/** Appends records to one segment file: buffered, in order, and again where a write failed. */
import { type FileHandle, open } from "node:fs/promises";
import { translateFileError } from "./file-error.ts";
import {
	type Encoding,
	encodeSegmentHeader,
	MAX_CHUNK_BYTES,
	RECORD_HEADER_BYTES,
	SEGMENT_HEADER_BYTES,
	writeRecord,
} from "./record.ts";
import { nameKey, type Segment } from "./segment.ts";

/** One write: large enough that its cost per byte is the copy, small enough that two a writer do not matter. */
const BUFFER_BYTES = 1 << 20;
/** Full buffers that may wait for the device: the segment before this one is synced first, and captures go on meanwhile. */
const MAX_FULL = 6;

interface Filled {
	readonly buffer: Buffer;
	bytes: number;
	records: number;
}

/**
 * Appending is synchronous and fails never; `flush` is what meets the device. A failed flush cuts the torn
 * tail off the file and keeps the buffers, so that nothing that was taken is lost and the next flush begins again.
 * Its owner runs one `flush`, `sync`, `seal` or `discard` at a time.
 */
export class SegmentWriter {
	readonly segment: Segment;
	readonly #created: () => void;
	#handle: FileHandle | undefined;
	#filling: Filled;
	/** Full, in order, not yet in the file; at most `MAX_FULL`, by `canAppend`. */
	#full: Filled[] = [];
	#written = 0;
	#dirty = false;
	#closed = false;
	readonly #buffers: WriteBuffers;

	/** @param created called once the file is there, and its folder has to be synced */
	constructor(segment: Segment, buffers: WriteBuffers, created: () => void) {
		this.segment = segment;
		this.#buffers = buffers;
		this.#created = created;
		this.#filling = buffers.take();
		encodeSegmentHeader(segment.first).copy(this.#filling.buffer);
		this.#filling.bytes = SEGMENT_HEADER_BYTES;
	}

	/** True where everything appended is in the file. */
	get flushed(): boolean {
		return this.#filling.records === 0 && this.#full.length === 0;
	}

	/** True where data of this length can be appended without a flush before it. */
	canAppend(length: number): boolean {
		return this.#filling.bytes + RECORD_HEADER_BYTES + length <= BUFFER_BYTES || this.#full.length < MAX_FULL;
	}

	/** Copies the chunk. Returns true once a buffer is full: time to begin a flush. */
	append(name: Uint8Array, encoding: Encoding, data: Uint8Array): boolean {
		if (this.#filling.bytes + RECORD_HEADER_BYTES + data.length > BUFFER_BYTES) this.#turn();
		const filling = this.#filling;
		const segment = this.segment;
		const offset = segment.bytes;
		const size = writeRecord(filling.buffer, filling.bytes, segment.end, name, encoding, data);
		filling.bytes += size;
		filling.records++;
		segment.push(nameKey(name), offset, data.length);
		segment.bytes += size;
		return this.#full.length > 0 || filling.bytes + RECORD_HEADER_BYTES + MAX_CHUNK_BYTES > BUFFER_BYTES;
	}

	#turn(): void {
		if (this.#filling.bytes === 0) return;
		this.#full.push(this.#filling);
		this.#filling = this.#buffers.take();
	}

	/** @throws UmbraError `limit` where there is no room, `unavailable` where the file cannot be written. */
	async flush(): Promise<void> {
		this.#turn();
		try {
			if (this.#handle === undefined) {
				this.#handle = await open(this.segment.path, "w", 0o600);
				this.#created();
			}
			for (let next = this.#full[0]; next !== undefined; next = this.#full[0]) {
				await this.#write(this.#handle, next);
				this.#full.shift();
				this.segment.readable += next.records;
				this.#buffers.give(next);
			}
		} catch (error) {
			throw translateFileError(error, "write the spool segment", this.segment.path);
		}
	}

	async #write(handle: FileHandle, { buffer, bytes }: Filled): Promise<void> {
		this.#dirty = true;
		try {
			for (let done = 0; done < bytes; ) {
				const { bytesWritten } = await handle.write(buffer, done, bytes - done, this.#written + done);
				done += bytesWritten;
			}
		} catch (error) {
			// The scan would cut it too; cutting now keeps the file no larger than what is accounted for it.
			await handle.truncate(this.#written).catch(() => {});
			throw error;
		}
		this.#written += bytes;
	}

	/** Flushes and puts all of it on stable storage. @throws as `flush`. */
	async sync(): Promise<void> {
		await this.flush();
		if (!this.#dirty || this.#handle === undefined) return;
		this.#dirty = false;
		try {
			await this.#handle.datasync();
		} catch (error) {
			// What the kernel could not write it may have dropped: no later sync can vouch for it.
			this.#dirty = true;
			throw new SyncFailure(translateFileError(error, "sync the spool segment", this.segment.path));
		}
	}

	/** Syncs and closes. @throws as `flush`. */
	async seal(): Promise<void> {
		await this.sync();
		await this.close();
	}

	/** Closes the file as it is; what is buffered is forgotten, and nothing may be appended any more. */
	async close(): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		this.#buffers.give(this.#filling);
		const handle = this.#handle;
		this.#handle = undefined;
		await handle?.close();
	}
}

/** A sync failed, after which the kernel's word on these bytes is worth nothing. */
export class SyncFailure extends Error {
	constructor(cause: unknown) {
		super("sync failed", { cause });
	}
}

/** The write buffers of a spool, used again and again: making one for each MiB costs more in collection than the copy. */
export class WriteBuffers {
	/** Kept at rest: one is filled while one is written. */
	static readonly #KEPT = 2;
	readonly #free: Buffer[] = [];

	take(): Filled {
		return { buffer: this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES), bytes: 0, records: 0 };
	}

	give({ buffer }: Filled): void {
		if (this.#free.length <= MAX_FULL) this.#free.push(buffer);
	}

	/** Nothing is expected to come soon. */
	rest(): void {
		this.#free.splice(WriteBuffers.#KEPT);
	}
}
