/**
 * `Upload`: chunks in, acknowledgements out. Reading goes on while a flush runs; batches that came
 * meanwhile share the next one. What is not flushed yet is bounded, a stream and all streams together:
 * beyond that nothing is read, and HTTP/2 holds the agent back.
 */
import { type EventEmitter, once } from "node:events";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import { BLOCK_SIZE, isZeroName, NAME_SIZE } from "../../common/block.ts";
import { MAX_BATCH_CHUNKS, toLong, toNumber, v1, type wire } from "../../proto/service.ts";
import type { ChunkEncoding, ChunkStore } from "../vault/chunk-store.ts";
import { ByteBudget } from "./byte-budget.ts";
import { checkLength, wrong } from "./fields.ts";
import { orAborted } from "./or-aborted.ts";

/** Unflushed bytes of one stream. */
const STREAM_BYTES = 32 * 1024 * 1024;

export type UploadCall = ServerDuplexStream<wire.v1.ChunkBatch.$Properties, wire.v1.ChunkBatchAck.$Properties>;

export interface UploadContext {
	readonly store: ChunkStore;
	/** Unflushed bytes of all streams. */
	readonly budget: ByteBudget;
}

interface Stored {
	readonly batch: number;
	readonly bytes: number;
	readonly rejected: Uint8Array[];
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
	const waiting: Stored[] = [];
	let more = Promise.withResolvers<void>();
	let ended = false;

	const release = ({ bytes }: Stored) => {
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
				await store.flush();
				for (const { batch, rejected } of group) {
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
			const stored: Stored = { batch, bytes, rejected: [] };
			try {
				await budget.acquire(bytes, either);
			} catch (error) {
				streamBudget.release(bytes);
				throw error;
			}
			try {
				await putAll(store, chunks, stored.rejected);
			} catch (error) {
				release(stored);
				throw error;
			}
			waiting.push(stored);
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

async function putAll(
	store: ChunkStore,
	chunks: readonly wire.v1.Chunk.$Properties[],
	rejected: Uint8Array[],
): Promise<void> {
	const errors = await Promise.all(
		chunks.map(async (chunk, at) => {
			const name = chunk.name ?? new Uint8Array();
			if (name.length !== NAME_SIZE) {
				throw wrong(`ChunkBatch.chunks[${at}].name`, `${name.length} bytes`, `${NAME_SIZE} bytes`);
			}
			const encoding = ENCODINGS[chunk.encoding ?? 0];
			if (encoding === undefined) throw wrong(`ChunkBatch.chunks[${at}].encoding`, chunk.encoding, "0 or 1");
			const data = chunk.data ?? new Uint8Array();
			if (encoding === "raw" && data.length !== BLOCK_SIZE) return true;
			if (isZeroName(name) || data.length > BLOCK_SIZE) return true;
			return (await store.put({ name, encoding, data })) !== undefined;
		}),
	);
	for (const [at, bad] of errors.entries()) {
		const name = chunks[at]?.name;
		if (bad && name) rejected.push(name);
	}
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
