/**
 * `Upload`: chunks in, acknowledgements out. Reading goes on while a flush runs; batches that came
 * meanwhile share the next one. What is not flushed yet is bounded, a stream and all streams together:
 * beyond that nothing is read, and HTTP/2 holds the agent back.
 */
import { type EventEmitter, once } from "node:events";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { orAborted } from "../../common/abort.ts";
import { BLOCK_SIZE, isZeroName, NAME_SIZE } from "../../common/block.ts";
import { MAX_BATCH_CHUNKS, toLong, toNumber, v1, type wire } from "../../proto/service.ts";
import type { ChunkEncoding, ChunkStore, StoredChunk } from "../vault/chunk-store.ts";
import { ByteBudget } from "./byte-budget.ts";
import { checkLength, wrong } from "./fields.ts";

/** Unflushed bytes of one stream. */
const STREAM_BYTES = 32 * 1024 * 1024;

export type UploadCall = ServerDuplexStream<wire.v1.ChunkBatch.$Properties, wire.v1.ChunkBatchAck.$Properties>;

export interface UploadContext {
	readonly store: ChunkStore;
	/** Unflushed bytes of all streams. */
	readonly budget: ByteBudget;
}

interface Batch {
	readonly batch: number;
	readonly bytes: number;
	/** Settles when the batch is in the store, with the names that are not. */
	readonly rejected: Promise<Uint8Array[]>;
}

const ENCODINGS: Readonly<Record<number, ChunkEncoding>> = {
	[v1.ChunkEncoding.CHUNK_ENCODING_RAW]: "raw",
	[v1.ChunkEncoding.CHUNK_ENCODING_ZSTD]: "zstd",
};

/**
 * Serves one stream until the agent ends it and everything is acknowledged.
 *
 * @throws UmbraError `corrupt` for a malformed batch, what the store throws; the signal's reason.
 */
export async function serveUpload(call: UploadCall, context: UploadContext, signal: AbortSignal): Promise<void> {
	const { store, budget } = context;
	const streamBudget = new ByteBudget(STREAM_BYTES);
	const failure = new AbortController();
	const either = AbortSignal.any([signal, failure.signal]);
	const waiting: Batch[] = [];
	let more = Promise.withResolvers<void>();
	let ended = false;

	const release = ({ bytes }: Batch) => {
		streamBudget.release(bytes);
		budget.release(bytes);
	};

	const acknowledge = async () => {
		for (;;) {
			const group = waiting.splice(0);
			if (group.length === 0) {
				if (ended) return;
				await more.promise;
				more = Promise.withResolvers();
				continue;
			}
			try {
				const batches = await Promise.all(
					group.map(async ({ batch, rejected }) => ({ batch, rejected: await rejected })),
				);
				await store.flush();
				for (const { batch, rejected } of batches) {
					if (!call.write({ batch: toLong(batch), rejected })) await drained(call, either);
				}
			} finally {
				group.forEach(release);
			}
		}
	};

	const acknowledging = acknowledge().catch((error: unknown) => {
		failure.abort(error);
		throw error;
	});
	// Seen below; a failure while reading must not pass for an unhandled one.
	acknowledging.catch(() => undefined);
	try {
		let expected = 1;
		for await (const message of untilAborted(call, either)) {
			const chunks = message.chunks ?? [];
			const batch = toNumber(message.batch);
			if (batch !== expected) throw wrong("ChunkBatch.batch", batch, `${expected}, as batches count from 1`);
			expected++;
			checkLength("ChunkBatch.chunks", chunks.length, MAX_BATCH_CHUNKS);
			const bytes = chunks.reduce((sum, { data }) => sum + (data?.length ?? 0), 0);
			await streamBudget.acquire(bytes, either);
			try {
				await budget.acquire(bytes, either);
			} catch (error) {
				streamBudget.release(bytes);
				throw error;
			}
			const rejected = putAll(store, chunks);
			// Seen by whoever acknowledges.
			rejected.catch(() => undefined);
			waiting.push({ batch, bytes, rejected });
			more.resolve();
		}
		either.throwIfAborted();
		ended = true;
		more.resolve();
		await acknowledging;
	} catch (error) {
		ended = true;
		waiting.splice(0).forEach(release);
		more.resolve();
		await acknowledging.catch(() => undefined);
		throw failure.signal.aborted ? failure.signal.reason : error;
	}
}

async function drained(call: EventEmitter, signal: AbortSignal): Promise<void> {
	await once(call, "drain", { signal });
}

/** Stores what is good, and returns the names of the rest. */
async function putAll(store: ChunkStore, chunks: readonly wire.v1.Chunk.$Properties[]): Promise<Uint8Array[]> {
	const rejected: Uint8Array[] = [];
	const wanted: StoredChunk[] = [];
	for (const [at, chunk] of chunks.entries()) {
		const name = chunk.name ?? new Uint8Array();
		if (name.length !== NAME_SIZE) {
			throw wrong(`ChunkBatch.chunks[${at}].name`, `${name.length} bytes`, `${NAME_SIZE} bytes`);
		}
		const encoding = ENCODINGS[chunk.encoding ?? 0];
		if (encoding === undefined) throw wrong(`ChunkBatch.chunks[${at}].encoding`, chunk.encoding, "0 or 1");
		const data = chunk.data ?? new Uint8Array();
		const isBlock = encoding === "raw" ? data.length === BLOCK_SIZE : data.length <= BLOCK_SIZE;
		if (isBlock && !isZeroName(name)) wanted.push({ name, encoding, data });
		else rejected.push(name);
	}
	for (const [at, error] of (await store.putAll(wanted)).entries()) {
		if (error !== undefined) rejected.push(wanted[at]!.name);
	}
	return rejected;
}

/** The messages of a call. Leaving the loop does not destroy the call, which still has to say how it ended. */
async function* untilAborted(call: UploadCall, signal: AbortSignal): AsyncGenerator<wire.v1.ChunkBatch.$Properties> {
	const messages = call.iterator({ destroyOnReturn: false });
	for (;;) {
		const next = await orAborted(messages.next(), signal);
		if (next.done === true) return;
		yield next.value as wire.v1.ChunkBatch.$Properties;
	}
}
