/**
 * `agent/spool/` keeps what was captured until the collector has it: chunks in segment files, changesets in the
 * agent's database. It bounds what both take together, survives a crash at any instant, and wakes the uplink.
 *
 *   chunk       the content of one block, raw or compressed, by its name
 *   position    a chunk's place in the queue
 *   head        the first position that the collector has not got yet
 *   changeset   the encoded parts of one, which wait for the chunks before their position, then for acceptance
 *   draining    somebody is uploading, so waiting for room makes sense
 *
 * It may not know hypervisors, disks, files or the network.
 */
import { join } from "node:path";
import { NAME_SIZE } from "../../common/block.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { formatBytes } from "../../common/units.ts";
import { toBigInt, v1 } from "../../proto/service.ts";
import { type BatchOperation, ChangesetLog, type Database, type PendingChangeset } from "./changeset-log.ts";
import { ChunkQueue, type QueueEntry, type StoredChunk } from "./chunk-queue.ts";
import { Notifier } from "./notifier.ts";
import { type Encoding, MAX_CHUNK_BYTES, RECORD_HEADER_BYTES } from "./record.ts";

export type { BatchOperation, Database, PendingChangeset } from "./changeset-log.ts";
export type { QueueEntry, StoredChunk } from "./chunk-queue.ts";
export type { Encoding } from "./record.ts";
export type { NameKey } from "./segment.ts";

const DEFAULT_SEGMENT_BYTES = 16 * 1024 * 1024;
/** Below this a spool would hold less than a few seconds of any VM's writing. */
const MIN_LIMIT_BYTES = 4 * 1024 * 1024;
/** So much of the limit is kept for changesets, so that a spool full of chunks can still commit the capture they are of. */
const CHANGESET_SHARE = 1 / 16;
const MAX_CHANGESET_RESERVE = 64 * 1024 * 1024;
/** After a refusal the spool counts as full until it fell to this share of what it held: one capture, not one chunk, must fit. */
const RELIEF = 0.75;

export interface SpoolOptions {
	/** For the segment files; made where it is not there. */
	readonly folder: string;
	/** Open, and closed by its owner after the spool. */
	readonly db: Database;
	/** Begins every key of the spool in `db`. */
	readonly prefix: string;
	/** Most bytes that segments and spooled changesets take together. */
	readonly limitBytes: number;
	/** At this size a segment is finished; smaller where the limit is small. */
	readonly segmentBytes?: number;
	readonly log: Logger;
}

export interface StagedChangeset {
	readonly sequence: bigint;
	/** To be written in the capture's one synced batch. */
	readonly operations: BatchOperation[];
	/** To be called once that batch is durable: the uplink sees the changeset from then on. */
	committed(): void;
}

export class Spool implements AsyncDisposable {
	readonly limitBytes: number;
	/** Wakes at every change: of `usedBytes`, `chunkHead`, `readableEnd`, of the changesets, of draining. */
	readonly changed = new Notifier();
	readonly #queue: ChunkQueue;
	readonly #changesets: ChangesetLog;
	#draining = false;
	/** What was used when room was last refused. */
	#refusedAt: number | undefined;

	private constructor(limitBytes: number, log: ChangesetLog, openQueue: ChunkQueue) {
		this.limitBytes = limitBytes;
		this.#changesets = log;
		this.#queue = openQueue;
	}

	/**
	 * Rebuilds the spool from what is on disk.
	 *
	 * @throws UmbraError `bad-config` for a limit too small, `unavailable` or `corrupt` where folder or database cannot be used.
	 */
	static async open(options: SpoolOptions, signal?: AbortSignal): Promise<Spool> {
		const { limitBytes } = options;
		if (!(limitBytes >= MIN_LIMIT_BYTES)) {
			throw new UmbraError(
				"bad-config",
				`the spool limit is ${limitBytes} bytes, wanted at least ${formatBytes(MIN_LIMIT_BYTES)}`,
				{ context: { field: "limitBytes", found: limitBytes, wanted: MIN_LIMIT_BYTES } },
			);
		}
		const changesets = await ChangesetLog.open(options.db, options.prefix);
		let spool: Spool | undefined;
		const queue = await ChunkQueue.open(
			{
				folder: join(options.folder, "segments"),
				// Room returns a segment at a time: eight of them keep a small spool moving.
				segmentBytes: Math.min(options.segmentBytes ?? DEFAULT_SEGMENT_BYTES, Math.floor(limitBytes / 8)),
				log: options.log,
				changed: () => spool?.changed.notify(),
			},
			signal,
		);
		for (const { chunkPosition } of changesets.pending) queue.startAt(chunkPosition);
		spool = new Spool(limitBytes, changesets, queue);
		return spool;
	}

	/** Sizes of the segment files, buffered bytes included, and of the spooled changesets. */
	get usedBytes(): number {
		return this.#queue.bytes + this.#changesets.bytes;
	}

	/** Captures should not begin: one was refused for want of room and little became free since, or no chunk fits. */
	get full(): boolean {
		if (this.#refusedAt !== undefined && this.usedBytes <= this.#refusedAt * RELIEF) this.#refusedAt = undefined;
		return this.#refusedAt !== undefined || !this.#hasRoomForChunk(RECORD_HEADER_BYTES + MAX_CHUNK_BYTES);
	}

	#hasRoomForChunk(bytes: number): boolean {
		// What changesets take beyond their share comes out of the chunks' room, never the other way round.
		const reserve = Math.min(this.limitBytes * CHANGESET_SHARE, MAX_CHANGESET_RESERVE);
		return this.#queue.bytes + Math.max(this.#changesets.bytes, reserve) + bytes <= this.limitBytes;
	}

	/** Said by the uplink: whether chunks leave, so that waiting for room is not waiting for ever. */
	setDraining(draining: boolean): void {
		if (this.#draining === draining) return;
		this.#draining = draining;
		this.changed.notify();
	}

	/** True where the chunk is in the spool and not yet acknowledged. */
	holds(name: Uint8Array): boolean {
		return this.#queue.positionOf(name) !== undefined;
	}

	/**
	 * Appends a copy of the chunk, buffered until `sync`. Where there is no room it waits as long as the uplink is
	 * draining. A name that the spool holds already is left as it is.
	 *
	 * @throws UmbraError `limit` where there is no room in the spool or on its device, `unavailable` where the device
	 * fails, `internal` for data that is no chunk.
	 */
	async addChunk(name: Uint8Array, encoding: Encoding, data: Uint8Array, signal?: AbortSignal): Promise<void> {
		if (name.length !== NAME_SIZE || data.length === 0 || data.length > MAX_CHUNK_BYTES) {
			throw new UmbraError("internal", `not a chunk: a name of ${name.length} bytes, data of ${data.length} bytes`, {
				context: { found: data.length, wanted: `1 to ${MAX_CHUNK_BYTES}` },
			});
		}
		try {
			const hasRoom = (bytes: number) => this.#hasRoomForChunk(bytes);
			while (!(await this.#queue.add(name, encoding, data, hasRoom, signal))) {
				if (!this.#draining) throw this.#noRoom("a chunk");
				// What is still buffered cannot leave: let the uplink see it, then look again.
				await this.#queue.flush();
				const wanted = RECORD_HEADER_BYTES + data.length;
				while (!this.#hasRoomForChunk(wanted + SEGMENT_SLACK) && this.#draining) await this.changed.wait(signal);
			}
		} catch (error) {
			if (isUmbraError(error, "limit")) this.#refusedAt = this.usedBytes;
			throw error;
		}
	}

	#noRoom(what: string): UmbraError {
		this.#refusedAt = this.usedBytes;
		const used = formatBytes(this.usedBytes);
		return new UmbraError(
			"limit",
			`no room for ${what} in the spool: ${used} of ${formatBytes(this.limitBytes)} are used`,
			{
				context: { found: this.usedBytes, wanted: this.limitBytes },
				hint: "captures go on once the collector takes what is spooled; raise the spool limit for longer outages",
			},
		);
	}

	/** Everything added before is on stable storage. @throws UmbraError `limit` or `unavailable`. */
	sync(): Promise<void> {
		return this.#queue.sync();
	}

	/** The sequence that the next `stage` takes. Await nothing between asking and staging. */
	nextSequence(): bigint {
		return this.#changesets.next;
	}

	/**
	 * Prepares a changeset for the batch that commits its capture. All of its chunks must have been added and synced.
	 *
	 * @param parts encoded `ChangesetPart` messages, the header first; its sequence is what `nextSequence` said
	 * @throws UmbraError `limit` where there is no room, `conflict` where another capture took the sequence in between,
	 * `internal` where the first part is not this changeset's header.
	 */
	stage(parts: Iterable<Uint8Array>, meta: { readonly id: string; readonly vm: string }): StagedChangeset {
		const list = [...parts];
		checkHeader(list[0], meta, this.nextSequence());
		const bytes = list.reduce((sum, part) => sum + part.length, 0);
		if (this.usedBytes + bytes > this.limitBytes) throw this.#noRoom(`a changeset of ${formatBytes(bytes)}`);
		const { changeset, operations } = this.#changesets.stage(list, { id: meta.id, vm: meta.vm }, this.#queue.end);
		const committed = () => {
			this.#changesets.commit(changeset);
			this.changed.notify();
		};
		return { sequence: changeset.sequence, operations, committed };
	}

	/** The committed changesets, ascending by sequence. */
	changesets(): readonly PendingChangeset[] {
		return [...this.#changesets.pending];
	}

	/** The first of them. */
	get nextChangeset(): PendingChangeset | undefined {
		return this.#changesets.pending[0];
	}

	/** Its encoded parts in order. @throws UmbraError `not-found` where it was removed meanwhile. */
	parts(changeset: PendingChangeset, signal?: AbortSignal): AsyncIterable<Uint8Array> {
		return this.#changesets.parts(changeset, signal);
	}

	/** The collector has this changeset, or it is given up. */
	async acknowledge(sequence: bigint): Promise<void> {
		await this.#remove(this.#changesets.pending.filter((changeset) => changeset.sequence === sequence));
	}

	/** Removes the pending changesets of a VM. Returns how many there were. */
	async dropVm(vm: string): Promise<number> {
		return this.#remove(this.#changesets.pending.filter((changeset) => changeset.vm === vm));
	}

	async #remove(changesets: readonly PendingChangeset[]): Promise<number> {
		await this.#changesets.remove(changesets);
		if (changesets.length > 0) this.changed.notify();
		return changesets.length;
	}

	/** Position of the first chunk that is not acknowledged. */
	get chunkHead(): number {
		return this.#queue.head;
	}

	/** One past the last chunk that can be read. */
	get readableEnd(): number {
		return this.#queue.readableEnd;
	}

	/** Up to `max` chunks that can be read, from position `from`, ascending. */
	chunkEntries(from: number, max: number): QueueEntry[] {
		return this.#queue.entries(from, max);
	}

	/** Where the chunk stands in the queue; undefined where it is not held. */
	positionOf(name: Uint8Array): number | undefined {
		return this.#queue.positionOf(name);
	}

	/**
	 * Reads chunks by ascending positions; damaged ones are reported, given up and left out.
	 *
	 * @param into where the chunks go as far as they fit, to be used again by a caller that reads much
	 * @throws UmbraError `unavailable`.
	 */
	readChunks(positions: readonly number[], signal?: AbortSignal, into?: Buffer): Promise<StoredChunk[]> {
		return this.#queue.read(positions, signal, into);
	}

	/** Every chunk before `position` is on the collector's stable storage, or given up. */
	acknowledgeChunks(position: number): void {
		this.#queue.acknowledge(position);
	}

	/** Gives one chunk up: it is no longer held, so that the next capture that meets it brings it again. */
	forgetChunk(position: number): void {
		this.#queue.forget(position);
	}

	/** Syncs and closes the files; the database stays open. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.setDraining(false);
		try {
			await this.#queue.close();
		} finally {
			this.changed.notify();
		}
	}
}

/** A chunk may need a new segment, whose header takes room too. */
const SEGMENT_SLACK = 64;

function checkHeader(bytes: Uint8Array | undefined, meta: { id: string; vm: string }, sequence: bigint): void {
	let header: { id?: string | null; vm?: string | null; sequence?: unknown } | null | undefined;
	try {
		header = bytes === undefined ? undefined : v1.ChangesetPart.decode(bytes).header;
	} catch (error) {
		throw new UmbraError("internal", `the first part of changeset ${meta.id} does not decode: ${messageOf(error)}`, {
			cause: error,
		});
	}
	if (header === null || header === undefined || header.id !== meta.id || header.vm !== meta.vm) {
		throw new UmbraError("internal", `the first part of changeset ${meta.id} is not its header`, {
			context: { structure: "ChangesetHeader", found: header?.id, wanted: meta.id },
		});
	}
	const found = toBigInt(header.sequence as Parameters<typeof toBigInt>[0]);
	if (found !== sequence) {
		throw new UmbraError("conflict", `changeset ${meta.id} carries sequence ${found}, the next one is ${sequence}`, {
			context: { structure: "ChangesetHeader", field: "sequence", found, wanted: sequence },
			hint: "ask for the sequence, encode the header and stage without waiting for anything in between",
		});
	}
}
