/** Brings the spool's chunks to the collector: offers names in order, uploads what it lacks, and acknowledges in order. */
import { NAME_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { MAX_BATCH_CHUNKS, MAX_OFFER_NAMES, toNumber, type wire } from "../../proto/service.ts";
import { Notifier } from "../spool/notifier.ts";
import type { QueueEntry, Spool, StoredChunk } from "../spool/spool.ts";
import { encodeChunkBatch } from "./chunk-batch.ts";
import type { Link } from "./link.ts";
import { DuplexCall } from "./stream.ts";

const OFFERS_IN_FLIGHT = 3;
/** Fewer names wait while anything is on its way: a call for each MiB that a capture finds costs as much as to send it. */
const FULL_OFFER_NAMES = 64;
/** Chunks between the first that is not done and the last offered; what memory the pump takes besides the bytes in flight. */
const MAX_WINDOW = 4 * MAX_OFFER_NAMES;
/** A batch is one message and one sync at the collector. */
const BATCH_BYTES = 1 << 20;
/** A batch with its headers fits. */
const MESSAGE_BYTES = BATCH_BYTES + 16_384;
/** Read and not acknowledged, over all connections. */
const MAX_BYTES_IN_FLIGHT = 16 << 20;
const OFFER_DEADLINE_MS = 60_000;
/** With bytes in flight and no acknowledgement for so long, the upload begins again. */
const STALL_MS = 120_000;
/** A stream that had nothing to send for so long is ended, so that resting agents keep one connection. */
const IDLE_MS = 30_000;
const LOOK_MS = 5_000;
/** Data that the collector finds wrong so often is wrong here. */
const MAX_REJECTIONS = 3;

interface Entry extends QueueEntry {
	done: boolean;
	rejections: number;
}

interface Batch {
	readonly entries: readonly Entry[];
	readonly bytes: number;
}

export interface ChunkPumpOptions {
	readonly link: Link;
	readonly spool: Spool;
	readonly connections: number;
	readonly log: Logger;
	/** Called whenever the collector has taken something. */
	readonly onProgress: () => void;
}

/** Runs until the signal is aborted; begins where the acknowledgements stand. @throws UmbraError where anything fails. */
export async function pumpChunks(options: ChunkPumpOptions, signal: AbortSignal): Promise<void> {
	const pump = new ChunkPump(options, signal);
	await pump.run();
}

class ChunkPump {
	readonly #options: ChunkPumpOptions;
	readonly #abort = new AbortController();
	readonly #signal: AbortSignal;
	/** Wakes offers and senders; at every change of the spool too. */
	readonly #moved = new Notifier();
	/** In order of position; the first is not done. */
	#window: Entry[] = [];
	/** Wanted by the collector and not sent. */
	#wanted: Entry[] = [];
	/** The next position to offer. */
	#cursor: number;
	#offers = 0;
	#bytesInFlight = 0;
	#lastProgress = Date.now();
	#failure: unknown;

	constructor(options: ChunkPumpOptions, signal: AbortSignal) {
		this.#options = options;
		this.#signal = AbortSignal.any([signal, this.#abort.signal]);
		this.#cursor = options.spool.chunkHead;
	}

	async run(): Promise<void> {
		const timer = setInterval(() => this.#look(), LOOK_MS);
		const senders = Array.from({ length: this.#options.connections }, (_, index) => this.#send(index));
		const tasks = [this.#watchSpool(), this.#offerAll(), ...senders].map((task) =>
			task.catch((error) => this.#fail(error)),
		);
		try {
			await Promise.all(tasks);
		} finally {
			clearInterval(timer);
		}
		if (this.#failure !== undefined) throw this.#failure;
	}

	/** The first failure ends everything; what follows are its echoes. */
	#fail(error: unknown): void {
		if (!this.#signal.aborted) this.#failure = error;
		this.#abort.abort();
	}

	#look(): void {
		if (this.#bytesInFlight > 0 && Date.now() - this.#lastProgress > STALL_MS) {
			const seconds = STALL_MS / 1000;
			this.#fail(new UmbraError("unavailable", `the collector acknowledged no chunk for ${seconds} s`));
		}
		this.#moved.notify();
	}

	async #watchSpool(): Promise<void> {
		for (;;) {
			await this.#options.spool.changed.wait(this.#signal);
			this.#moved.notify();
		}
	}

	async #offerAll(): Promise<void> {
		const { spool } = this.#options;
		for (;;) {
			this.#signal.throwIfAborted();
			if (this.#offers >= OFFERS_IN_FLIGHT || this.#window.length >= MAX_WINDOW) {
				await this.#moved.wait(this.#signal);
				continue;
			}
			const found = spool.chunkEntries(this.#cursor, MAX_OFFER_NAMES);
			const isUnderWay = this.#offers > 0 || this.#wanted.length > 0 || this.#bytesInFlight > 0;
			if (isUnderWay && found.length > 0 && found.length < FULL_OFFER_NAMES) {
				await this.#moved.wait(this.#signal);
				continue;
			}
			const last = found.at(-1);
			// Behind the last there may be damaged ones, which nobody will ever send.
			this.#cursor = last === undefined || found.length < MAX_OFFER_NAMES ? spool.readableEnd : last.position + 1;
			if (last === undefined) {
				this.#settle();
				await this.#moved.wait(this.#signal);
				continue;
			}
			const entries = found.map((entry) => ({ ...entry, done: false, rejections: 0 }));
			for (const entry of entries) this.#window.push(entry);
			this.#offers++;
			this.#offer(entries).catch((error) => this.#fail(error));
		}
	}

	async #offer(entries: readonly Entry[]): Promise<void> {
		const names = Buffer.allocUnsafe(entries.length * NAME_SIZE);
		entries.forEach((entry, index) => {
			names.write(entry.name, index * NAME_SIZE, "latin1");
		});
		const answer = await this.#options.link.offer(names, OFFER_DEADLINE_MS, this.#signal);
		const missing = answer.missing ?? new Uint8Array();
		const wanted = Math.ceil(entries.length / 8);
		if (missing.length !== wanted) {
			throw new UmbraError(
				"corrupt",
				`the collector answered an offer of ${entries.length} with ${missing.length} bytes`,
				{
					context: { structure: "ChunkNeed", field: "missing", found: missing.length, wanted },
				},
			);
		}
		entries.forEach((entry, index) => {
			if (((missing[index >> 3] as number) >> (index & 7)) & 1) this.#wanted.push(entry);
			else entry.done = true;
		});
		this.#offers--;
		this.#settle();
	}

	/** Acknowledges what is done from the front on. */
	#settle(): void {
		let done = 0;
		while (this.#window[done]?.done) done++;
		if (done > 0) this.#window.splice(0, done);
		const { spool, onProgress } = this.#options;
		const head = this.#window[0]?.position ?? this.#cursor;
		if (head > spool.chunkHead) {
			spool.acknowledgeChunks(head);
			this.#lastProgress = Date.now();
			onProgress();
		}
		this.#moved.notify();
	}

	async #send(connection: number): Promise<void> {
		for (;;) {
			while (this.#wanted.length === 0) await this.#moved.wait(this.#signal);
			const stream = new UploadStream(this.#options.link, connection, this.#signal, (batch, rejected) =>
				this.#acknowledged(batch, rejected),
			);
			using _ = stream;
			const broken = stream.ended.then(() => {
				if (!stream.ending) this.#fail(new UmbraError("unavailable", "the collector ended an upload"));
			});
			broken.catch((error) => this.#fail(error));
			let used = Date.now();
			while (stream.resting || this.#wanted.length > 0 || Date.now() - used < IDLE_MS) {
				this.#signal.throwIfAborted();
				if (this.#wanted.length === 0 || this.#bytesInFlight >= MAX_BYTES_IN_FLIGHT) {
					await this.#moved.wait(this.#signal);
					continue;
				}
				await this.#sendBatch(stream);
				used = Date.now();
			}
			stream.end();
			await broken;
		}
	}

	async #sendBatch(stream: UploadStream): Promise<void> {
		const batch = this.#takeBatch();
		if (this.#bytesInFlight === 0) this.#lastProgress = Date.now();
		this.#bytesInFlight += batch.bytes;
		const chunks = await this.#options.spool.readChunks(
			batch.entries.map((entry) => entry.position),
			this.#signal,
			stream.buffer,
		);
		if (chunks.length < batch.entries.length) {
			// Damaged ones, reported by the spool: the collector says which changesets miss them.
			const read = new Set(chunks.map((chunk) => chunk.position));
			for (const entry of batch.entries) entry.done = !read.has(entry.position);
		}
		if (chunks.length === 0) {
			this.#bytesInFlight -= batch.bytes;
			this.#settle();
			return;
		}
		await stream.write(batch, chunks);
	}

	#takeBatch(): Batch {
		let bytes = 0;
		let count = 0;
		for (const entry of this.#wanted) {
			if (count === MAX_BATCH_CHUNKS || (count > 0 && bytes + entry.length > BATCH_BYTES)) break;
			bytes += entry.length;
			count++;
		}
		// Offers are answered in any order, the spool is read in its own.
		const entries = this.#wanted.splice(0, count).sort((a, b) => a.position - b.position);
		return { entries, bytes };
	}

	#acknowledged(batch: Batch, rejected: ReadonlySet<string>): void {
		this.#bytesInFlight -= batch.bytes;
		this.#lastProgress = Date.now();
		if (rejected.size > 0) {
			const chunks = rejected.size;
			this.#options.log.warn({ chunks }, "the collector rejected chunks that arrived damaged; they are sent again");
		}
		for (const entry of batch.entries) {
			if (!rejected.has(entry.name)) {
				entry.done = true;
			} else if (++entry.rejections < MAX_REJECTIONS) {
				this.#wanted.unshift(entry);
			} else {
				const name = Buffer.from(entry.name, "latin1").toString("hex");
				this.#options.log.error(
					{ chunk: name },
					"the collector rejected a chunk for good; it has to be captured again",
				);
				this.#options.spool.forgetChunk(entry.position);
				entry.done = true;
			}
		}
		this.#settle();
	}
}

/** One upload stream and the batches on it that are not acknowledged. */
class UploadStream implements Disposable {
	readonly #call: DuplexCall<Buffer, wire.v1.IChunkBatchAck>;
	readonly #unacknowledged = new Map<number, { readonly batch: Batch; readonly message: Buffer }>();
	/** For the chunks of one batch between reading and encoding. */
	readonly buffer = Buffer.allocUnsafeSlow(MESSAGE_BYTES);
	/** Messages that were acknowledged, so that nothing reads them any more: making each anew kept the garbage collector busy. */
	readonly #messages: Buffer[] = [];
	#next = 1;
	ending = false;
	readonly ended: Promise<void>;

	constructor(
		link: Link,
		connection: number,
		signal: AbortSignal,
		onAck: (batch: Batch, rejected: ReadonlySet<string>) => void,
	) {
		this.#call = new DuplexCall(link.upload(connection), {
			doing: "upload chunks to",
			address: link.address,
			signal,
			onMessage: (ack) => this.#take(ack, onAck),
		});
		this.ended = this.#call.ended;
	}

	/** True while acknowledgements are due. */
	get resting(): boolean {
		return this.#unacknowledged.size > 0;
	}

	async write(batch: Batch, chunks: readonly StoredChunk[]): Promise<void> {
		const number = this.#next++;
		const message = this.#messages.pop() ?? Buffer.allocUnsafeSlow(MESSAGE_BYTES);
		this.#unacknowledged.set(number, { batch, message });
		await this.#call.write(encodeChunkBatch(number, chunks, message));
	}

	#take(ack: wire.v1.IChunkBatchAck, onAck: (batch: Batch, rejected: ReadonlySet<string>) => void): void {
		const number = toNumber(ack.batch);
		const sent = this.#unacknowledged.get(number);
		if (sent === undefined) {
			throw new UmbraError("corrupt", `batch ${number} is acknowledged, but not on its way`, {
				context: { structure: "ChunkBatchAck", field: "batch", found: number },
			});
		}
		this.#unacknowledged.delete(number);
		this.#messages.push(sent.message);
		const rejected = (ack.rejected ?? []).map((name) => Buffer.from(name).toString("latin1"));
		onAck(sent.batch, new Set(rejected));
	}

	end(): void {
		this.ending = true;
		this.#call.end();
	}

	[Symbol.dispose](): void {
		this.#call[Symbol.dispose]();
	}
}
