/**
 * Appends records to packs: gathers them in segments of 1 MiB, writes these one after the other,
 * seals packs that are full and commits in groups.
 *
 * What is durable when: a record after the sync that follows its write. A trailer is written only
 * after the records before it were synced, so a pack that ends in a good footer holds all that its
 * trailer lists, whatever happened to the machine.
 *
 * When the disk is full nothing is lost: what could not be written stays gathered, is still read from
 * memory, and is tried again by the next `room` or `flush`. A failed sync is different: the kernel may
 * have dropped the pages and will report success next time (PostgreSQL calls it fsyncgate), so the
 * writer forgets everything that was not synced and refuses work until the vault is opened again.
 */
import { NAME_SIZE } from "../../common/block.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { ChunkForm } from "./chunk-form.ts";
import type { ChunkEncoding } from "./chunk-store.ts";
import {
	encodeFileHeader,
	encodeTrailer,
	FILE_HEADER_SIZE,
	MAX_STORED_SIZE,
	packMeta,
	RECORD_HEADER_SIZE,
	type RecordPlace,
	TRAILER_ENTRY_SIZE,
	writeRecordHeader,
	writeTrailerEntry,
} from "./pack-format.ts";
import type { PackAppender, PackStore } from "./pack-store.ts";

const SEGMENT_SIZE = 2 ** 20;
/** Gathered but not yet written; enough to keep the disk busy while more comes in. */
const MAX_GATHERED = 8 * SEGMENT_SIZE;
/** Full packs whose trailer is not written yet; more means that the disk cannot keep up. */
const MAX_SEALING = 4;

interface Pack {
	readonly id: number;
	/** Null until the first segment is written. */
	appender: PackAppender | null;
	/** Trailer entries so far. */
	entries: Buffer;
	count: number;
	/** What an earlier run wrote, in bytes. */
	readonly found: number;
	/** Bytes gathered, written, synced. */
	length: number;
	written: number;
	synced: number;
	syncing: Promise<void> | null;
	/** Gets no more records. */
	full: boolean;
}

interface Segment {
	readonly pack: Pack;
	/** In the pack. */
	readonly offset: number;
	readonly buffer: Buffer;
	used: number;
	/** Closed segments get no more records and may be written. */
	closed: boolean;
}

/** A pack that an earlier run left unsealed. */
export interface UnsealedPack {
	readonly id: number;
	readonly entries: Buffer;
	readonly end: number;
	/** False where something in it is damaged, or its key is not the newest: it is sealed as it is. */
	readonly canGrow: boolean;
	readonly appender: PackAppender;
}

export interface PackWriterOptions {
	readonly store: PackStore;
	readonly form: ChunkForm;
	readonly packBytes: number;
	/** The id of the next new pack. */
	readonly nextId: number;
	readonly log: Logger;
	/** Called for every record that was accepted and then lost to a failed sync, with where it would have lain. */
	readonly onLost: (name: Uint8Array, pack: number, offset: number) => void;
}

export class PackWriter {
	readonly #options: PackWriterOptions;
	#nextId: number;
	/** Grows; null until there is something to append. */
	#current: Pack | null = null;
	/** Full, but not yet sealed. */
	readonly #sealing = new Set<Pack>();
	/** Oldest first; the last may still be open. */
	readonly #segments: Segment[] = [];
	readonly #spare: Buffer[] = [];
	#writing: Promise<void> | null = null;
	#draining = false;
	#sealRun: Promise<void> | null = null;
	#committing: Promise<void> | null = null;
	#nextCommit: Promise<void> | null = null;
	#failed: UmbraError | null = null;

	constructor(options: PackWriterOptions) {
		this.#options = options;
		this.#nextId = options.nextId;
	}

	/** Packs begun since the start. */
	get begun(): number {
		return this.#nextId - this.#options.nextId;
	}

	/** True for a pack that is being written, or not sealed yet. */
	isWriting(pack: number): boolean {
		return this.#unsealedPacks().some(({ id }) => id === pack);
	}

	/** Takes over a pack that was left unsealed: goes on with it where it has room, else seals it. */
	adopt(unsealed: UnsealedPack): void {
		const pack: Pack = {
			id: unsealed.id,
			appender: unsealed.appender,
			entries: unsealed.entries,
			count: unsealed.entries.length / TRAILER_ENTRY_SIZE,
			found: unsealed.end,
			length: unsealed.end,
			written: unsealed.end,
			// What a killed process wrote may be in the page cache only.
			synced: 0,
			syncing: null,
			full: true,
		};
		if (this.#current === null && unsealed.canGrow && !this.#isFull(pack)) {
			pack.full = false;
			this.#current = pack;
		} else {
			this.#sealing.add(pack);
		}
	}

	/**
	 * Waits until another record may be appended.
	 *
	 * @throws UmbraError `limit` or `unavailable` where what is gathered cannot be written.
	 */
	async room(): Promise<void> {
		if (this.#failed !== null) throw this.#failed;
		while (this.#gathered() >= MAX_GATHERED) await this.#writeNext();
		while (this.#sealing.size >= MAX_SEALING && this.#sealRun !== null) await this.#sealRun;
		if (this.#failed !== null) throw this.#failed;
	}

	/** True where `room` would not wait. */
	get hasRoom(): boolean {
		return this.#failed === null && this.#gathered() < MAX_GATHERED && this.#sealing.size < MAX_SEALING;
	}

	/** Gathers a record under its stored name (the data is copied) and says where it will lie. */
	append(name: Uint8Array, encoding: ChunkEncoding, plainLength: number, data: Uint8Array): RecordPlace {
		const size = RECORD_HEADER_SIZE + data.length;
		const pack = this.#packFor(size);
		const segment = this.#segmentFor(pack, size);
		const place = { pack: pack.id, offset: pack.length, encoding, storedLength: data.length };
		writeRecordHeader(segment.buffer, segment.used, { name, encoding, plainLength, storedLength: data.length });
		segment.buffer.set(data, segment.used + RECORD_HEADER_SIZE);
		segment.used += size;
		pack.length += size;
		const at = pack.count * TRAILER_ENTRY_SIZE;
		if (at === pack.entries.length) {
			const larger = Buffer.alloc(Math.max(256 * TRAILER_ENTRY_SIZE, at * 2));
			pack.entries.copy(larger);
			pack.entries = larger;
		}
		writeTrailerEntry(pack.entries, at, name, place.offset, packMeta(encoding, data.length));
		pack.count++;
		return place;
	}

	/** A copy of the record's data where it is still in memory. */
	gathered(place: RecordPlace): Buffer | undefined {
		for (const segment of this.#segments) {
			const at = place.offset - segment.offset;
			if (segment.pack.id !== place.pack || at < 0 || at >= segment.used) continue;
			const start = at + RECORD_HEADER_SIZE;
			return Buffer.from(segment.buffer.subarray(start, start + place.storedLength));
		}
		return undefined;
	}

	/**
	 * Resolves when everything appended before the call is on stable storage.
	 *
	 * @throws UmbraError `limit` or `unavailable`.
	 */
	flush(): Promise<void> {
		// A commit covers what was there when it began; everyone who comes while one runs shares the next.
		if (this.#nextCommit === null) {
			const before = this.#committing ?? Promise.resolve();
			const commit = before
				.catch(() => undefined)
				.then(() => {
					this.#nextCommit = null;
					this.#committing = commit;
					return this.#commit();
				})
				.finally(() => {
					if (this.#committing === commit) this.#committing = null;
				});
			this.#nextCommit = commit;
		}
		return this.#nextCommit;
	}

	/** The pack that grows gets no more records: it is sealed as it is, and can be looked at as a whole. */
	retire(isMeant: (pack: number) => boolean): void {
		const current = this.#current;
		if (current === null || current.count === 0 || !isMeant(current.id)) return;
		current.full = true;
		this.#sealing.add(current);
		this.#closeSegment();
		this.#current = null;
	}

	/** Flushes, and resolves when full packs have their trailers, or cannot get them now. */
	async settle(): Promise<void> {
		await this.flush();
		await this.#sealRun;
	}

	/** Flushes, and closes what is open whether that worked or not. */
	async close(): Promise<void> {
		try {
			await this.flush();
		} finally {
			await this.#sealRun;
			await this.#writing?.catch(() => undefined);
			for (const pack of this.#unsealedPacks()) await pack.appender?.[Symbol.asyncDispose]();
		}
	}

	#gathered(): number {
		// All but the newest segment are full or about to be written.
		return this.#segments.length * SEGMENT_SIZE;
	}

	#isFull(pack: Pack): boolean {
		return pack.length + RECORD_HEADER_SIZE + MAX_STORED_SIZE > this.#options.packBytes;
	}

	#unsealedPacks(): Pack[] {
		return this.#current === null ? [...this.#sealing] : [...this.#sealing, this.#current];
	}

	#packFor(size: number): Pack {
		const current = this.#current;
		if (current !== null && (current.count === 0 || current.length + size <= this.#options.packBytes)) return current;
		if (current !== null) {
			current.full = true;
			this.#sealing.add(current);
			this.#closeSegment();
			if (current.written === current.length) this.#startSealing();
		}
		const { form } = this.#options;
		const id = this.#nextId++;
		const entries = Buffer.alloc(0);
		const length = FILE_HEADER_SIZE;
		const [appender, syncing, found] = [null, null, 0];
		this.#current = { id, appender, entries, count: 0, found, length, written: 0, synced: 0, syncing, full: false };
		const segment = this.#openSegment(this.#current, 0);
		segment.used = encodeFileHeader(id, form.packVersion, form.key).copy(segment.buffer);
		return this.#current;
	}

	#segmentFor(pack: Pack, size: number): Segment {
		const last = this.#segments.at(-1);
		if (last !== undefined && !last.closed && last.used + size <= SEGMENT_SIZE) return last;
		this.#closeSegment();
		return this.#openSegment(pack, pack.length);
	}

	#openSegment(pack: Pack, offset: number): Segment {
		const buffer = this.#spare.pop() ?? Buffer.allocUnsafeSlow(SEGMENT_SIZE);
		const segment: Segment = { pack, offset, buffer, used: 0, closed: false };
		this.#segments.push(segment);
		return segment;
	}

	/** Hands the newest segment to the disk, in the background; whoever needs the outcome asks `#writeNext` again. */
	#closeSegment(): void {
		const last = this.#segments.at(-1);
		if (last === undefined || last.closed) return;
		last.closed = true;
		if (!this.#draining) void this.#drain();
	}

	async #drain(): Promise<void> {
		this.#draining = true;
		try {
			while (this.#segments[0]?.closed === true) await this.#writeNext();
		} catch {
			// The next `room` or `flush` tries the same segment again and reports what it finds.
		} finally {
			this.#draining = false;
		}
	}

	/** Writes the oldest closed segment; one at a time, whoever asks. */
	#writeNext(): Promise<void> {
		this.#writing ??= this.#writeOldest().finally(() => {
			this.#writing = null;
		});
		return this.#writing;
	}

	async #writeOldest(): Promise<void> {
		if (this.#failed !== null) throw this.#failed;
		const segment = this.#segments[0];
		if (segment?.closed !== true) return;
		const { pack } = segment;
		pack.appender ??= await this.#options.store.create(pack.id);
		await pack.appender.append(segment.buffer.subarray(0, segment.used));
		pack.written = segment.offset + segment.used;
		this.#segments.shift();
		if (this.#spare.length < MAX_GATHERED / SEGMENT_SIZE) this.#spare.push(segment.buffer);
		if (pack.full && pack.written === pack.length) this.#startSealing();
	}

	#startSealing(): void {
		this.#sealRun ??= this.#sealAll().finally(() => {
			this.#sealRun = null;
		});
	}

	/** A pack that cannot be sealed now (no space for the trailer) waits for the next time, and loses nothing by it. */
	async #sealAll(): Promise<void> {
		for (;;) {
			const pack = this.#sealing.values().find(({ written, length }) => written === length);
			if (pack?.appender === undefined || pack.appender === null) return;
			try {
				await this.#sync(pack, pack.length);
				const entries = pack.entries.subarray(0, pack.count * TRAILER_ENTRY_SIZE);
				await pack.appender.append(encodeTrailer(entries, pack.length, this.#options.form.packVersion));
			} catch (error) {
				if (this.#failed === null)
					this.#options.log.warn({ pack: pack.id, error: messageOf(error) }, "cannot seal a pack");
				return;
			}
			try {
				await pack.appender.seal();
			} catch (error) {
				await this.#fail(error);
				return;
			}
			this.#sealing.delete(pack);
		}
	}

	async #commit(): Promise<void> {
		if (this.#failed !== null) throw this.#failed;
		this.#closeSegment();
		const last = this.#segments.at(-1);
		while (last !== undefined && this.#segments.includes(last)) await this.#writeNext();
		for (const pack of this.#unsealedPacks()) await this.#sync(pack, pack.written);
		if (this.#sealing.size > 0) this.#startSealing();
	}

	/** Resolves when the first `length` bytes of the pack are on stable storage. One sync of a pack at a time. */
	async #sync(pack: Pack, length: number): Promise<void> {
		while (pack.synced < length && pack.appender !== null) {
			if (this.#failed !== null) throw this.#failed;
			pack.syncing ??= this.#syncOnce(pack, pack.appender).finally(() => {
				pack.syncing = null;
			});
			await pack.syncing;
		}
	}

	async #syncOnce(pack: Pack, appender: PackAppender): Promise<void> {
		const { written } = pack;
		try {
			await appender.sync();
		} catch (error) {
			throw await this.#fail(error);
		}
		// The sync of another pack failed meanwhile: what this one covers was given up, and is about to be cut off.
		if (this.#failed !== null) throw this.#failed;
		pack.synced = written;
	}

	/** After a failed sync: see the head of this file. */
	async #fail(cause: unknown): Promise<UmbraError> {
		if (this.#failed !== null) return this.#failed;
		const failed = new UmbraError("unavailable", `the vault could not sync: ${messageOf(cause)}`, {
			cause,
			...(isUmbraError(cause) ? { context: cause.context } : {}),
			hint: "check the disk, then restart the collector: it verifies what was not synced",
		});
		this.#failed = failed;
		this.#options.log.error({ error: messageOf(cause) }, "the vault could not sync and takes no more chunks");
		const packs = this.#unsealedPacks();
		for (const { id, entries, count, synced } of packs) {
			for (let at = 0; at < count * TRAILER_ENTRY_SIZE; at += TRAILER_ENTRY_SIZE) {
				const name = entries.subarray(at, at + NAME_SIZE);
				const offset = entries.readUInt32LE(at + NAME_SIZE);
				if (offset >= synced) this.#options.onLost(name, id, offset);
			}
		}
		// A write that was under way when the sync failed would land behind the cut.
		await this.#writing?.catch(() => undefined);
		// Or a later scan would find in the page cache what the disk never got. What an earlier run left stays: that run may
		// have synced it, and answered for it.
		for (const { appender, synced, found } of packs)
			await appender?.cut(Math.max(synced, found)).catch(() => undefined);
		return failed;
	}
}
