/**
 * One connection to an NBD export, read-only: what a capture reads a disk and its dirty bitmaps
 * through. Many requests are in flight at once; replies come in any order.
 *
 * Words: a *context* (metadata context) is a kind of status that the server can report for ranges,
 * such as `base:allocation` or `qemu:dirty-bitmap:NAME`; a *cookie* tells which request a reply
 * answers; a *chunk* is one of the pieces of a structured reply.
 */
import { UmbraError } from "../../../common/errors.ts";
import { allocateRead, checkRange } from "../range.ts";
import type { BlockSource, SourceExtent } from "../source.ts";
import { negotiate, type Session } from "./negotiate.ts";
import { encodeRequest, violation } from "./protocol.ts";
import { ReplyReader } from "./replies.ts";
import { type BlockStatus, type PendingRequest, ReadRequest, StatusRequest } from "./request.ts";
import { addressName, type NbdAddress, NbdStream } from "./stream.ts";
import { Window } from "./window.ts";
import { BASE_ALLOCATION, CMD_DISC, MAX_REQUEST_BYTES, STATE_ZERO } from "./wire.ts";

export { DIRTY, type StatusExtent } from "./protocol.ts";
export { BASE_ALLOCATION, STATE_HOLE, STATE_ZERO } from "./wire.ts";
export type { NbdAddress };

/** The name of the context that reports the dirty bitmap `name`. */
export function dirtyBitmapContext(name: string): string {
	return `qemu:dirty-bitmap:${name}`;
}

/** In flight on one connection. qemu works on 16 requests of a client at once; the rest hide the round trip. */
const WINDOW_BYTES = MAX_REQUEST_BYTES;
const WINDOW_REQUESTS = 128;
/** A longer read is split, so that the server fetches one piece while it sends another. */
const PIECE_BYTES = 512 * 1024;
/** Pieces of one read under way at once. */
const READ_LANES = 16;
/** A server that answers the connection but not the handshake is given up. */
const HANDSHAKE_MS = 30_000;
/** How long an aborted `readInto` waits for the server to finish the payload it has begun to send into the caller's buffer. */
const ABORT_GRACE_MS = 1000;
/** How long closing waits for the disconnect request to leave. */
const CLOSE_GRACE_MS = 500;
/** Largest range of one block status request: a length has 32 bits; a multiple of every minimum block. */
const MAX_STATUS_BYTES = 2 ** 32 - 2 ** 20;
/** Extents of one `statusExtents` call: a 256 GiB disk with every other 64 KiB dirty. */
const MAX_STATUS_EXTENTS = 2 ** 22;

export interface NbdOptions {
	readonly address: NbdAddress;
	readonly exportName: string;
	/** Metadata contexts to ask for; `contexts` says which were granted. */
	readonly contexts?: readonly string[];
	/** Only so many bytes of the export count, where it is longer. */
	readonly size?: number;
	readonly signal?: AbortSignal | undefined;
}

export interface ContextExtent {
	/** Of the export, in bytes. */
	readonly offset: number;
	readonly length: number;
	readonly flags: number;
}

export class NbdClient implements AsyncDisposable {
	/** Bytes. */
	readonly size: number;
	/** Metadata contexts that the server granted. */
	readonly contexts: ReadonlySet<string>;
	readonly #name: string;
	readonly #stream: NbdStream;
	readonly #session: Session;
	readonly #window = new Window(WINDOW_BYTES, WINDOW_REQUESTS);
	readonly #pending = new Map<number, PendingRequest>();
	#cookie = 0;

	private constructor(name: string, stream: NbdStream, session: Session, size = Number.POSITIVE_INFINITY) {
		this.#name = name;
		this.#stream = stream;
		this.#session = session;
		this.size = Math.min(session.info.size, size);
		this.contexts = new Set(session.contexts.values());
		void this.#receive();
	}

	/**
	 * @throws UmbraError `not-found` (no socket, no export), `denied`, `unsupported` (TLS, oldstyle),
	 * or `unavailable`; the signal's reason where it fires.
	 */
	static async connect(options: NbdOptions): Promise<NbdClient> {
		const { address, exportName, signal } = options;
		const name = `nbd ${addressName(address)} "${exportName}"`;
		const stream = await NbdStream.connect(address, signal);
		const onAbort = () => stream.destroy(unavailable(name, "aborted"));
		const timer = setTimeout(
			() => stream.destroy(unavailable(name, `no answer to the handshake in ${HANDSHAKE_MS / 1000} s`)),
			HANDSHAKE_MS,
		);
		signal?.addEventListener("abort", onAbort, { once: true });
		try {
			signal?.throwIfAborted();
			return new NbdClient(name, stream, await negotiate(stream, exportName, options.contexts ?? []), options.size);
		} catch (error) {
			stream.destroy(unavailable(name, "the handshake failed"));
			await stream.closed;
			signal?.throwIfAborted();
			throw error;
		} finally {
			clearTimeout(timer);
			signal?.removeEventListener("abort", onAbort);
		}
	}

	/**
	 * Exactly `length` bytes from `offset`, in as many requests as the server wants.
	 *
	 * @throws UmbraError `truncated` beyond the export, `limit` above 1 GiB, `unavailable` where the
	 * server cannot read or the connection is over; the signal's reason where it fires.
	 */
	async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		checkRange(this.#name, this.size, offset, length);
		const target = allocateRead(this.#name, offset, length);
		await this.#readRange(target, offset, false, signal);
		return target;
	}

	/**
	 * `read` into a buffer of the caller's, which may be shared memory: the socket writes into it
	 * directly. Until the call settles the buffer must not be transferred or used; after it has
	 * settled, aborted or not, nothing writes to it.
	 */
	async readInto(target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void> {
		checkRange(this.#name, this.size, offset, target.length);
		await this.#readRange(target, offset, true, signal);
	}

	/**
	 * One block status request: for each granted context the extents from `offset` on. The server may
	 * cover less than `length`; extents beyond it are clamped.
	 *
	 * @throws UmbraError as `read` does; `unsupported` where no context was granted.
	 */
	async blockStatus(offset: number, length: number, signal?: AbortSignal): Promise<BlockStatus> {
		checkRange(this.#name, this.size, offset, length);
		if (this.contexts.size === 0) {
			throw new UmbraError("unsupported", `${this.#name}: the server granted no metadata context`, {
				context: { path: this.#name },
			});
		}
		if (length > MAX_STATUS_BYTES) {
			throw new UmbraError("limit", `${this.#name}: a status request of ${length} bytes, at most ${MAX_STATUS_BYTES}`, {
				context: { path: this.#name, offset, found: length, wanted: MAX_STATUS_BYTES },
			});
		}
		if (length === 0) return new Map([...this.contexts].map((context) => [context, []]));
		signal?.throwIfAborted();
		await this.#window.acquire(0, signal);
		return this.#send(new StatusRequest(offset, length, this.#session.contexts), signal);
	}

	/**
	 * What `context` says of the whole range: in order, without gaps, neighbours of equal flags merged.
	 *
	 * @throws UmbraError as `blockStatus` does; `not-found` where the context was not granted, `limit`
	 * above 4 Mi extents.
	 */
	async statusExtents(context: string, offset: number, length: number, signal?: AbortSignal): Promise<ContextExtent[]> {
		checkRange(this.#name, this.size, offset, length);
		if (!this.contexts.has(context)) {
			throw new UmbraError("not-found", `${this.#name}: the server does not serve the context ${context}`, {
				context: { path: this.#name, wanted: context, found: [...this.contexts].join(", ") },
			});
		}
		const { minimumBlock } = this.#session.info;
		const end = offset + length;
		const merged: { offset: number; length: number; flags: number }[] = [];
		for (let position = offset; position < end; ) {
			const aligned = position - (position % minimumBlock);
			const wanted = Math.min(roundUp(end, minimumBlock), this.#session.info.size) - aligned;
			const status = await this.blockStatus(aligned, Math.min(wanted, MAX_STATUS_BYTES), signal);
			let at = aligned;
			for (const extent of status.get(context) ?? []) {
				const from = Math.max(at, position);
				at += extent.length;
				const to = Math.min(at, end);
				if (to <= from) continue;
				const last = merged.at(-1);
				if (last !== undefined && last.flags === extent.flags) last.length += to - from;
				else merged.push({ offset: from, length: to - from, flags: extent.flags });
			}
			if (at <= position) throw violation("NBD_CMD_BLOCK_STATUS", "bytes covered", at - aligned, "progress");
			position = Math.min(at, end);
			if (merged.length > MAX_STATUS_EXTENTS) {
				throw new UmbraError("limit", `${this.#name}: more than ${MAX_STATUS_EXTENTS} extents of ${context}`, {
					context: { path: this.#name, offset: position, wanted: MAX_STATUS_EXTENTS },
					hint: "ask for a smaller range",
				});
			}
		}
		return merged;
	}

	/** Sends NBD_CMD_DISC and closes; what is still pending fails with `unavailable`. */
	async [Symbol.asyncDispose](): Promise<void> {
		const reason = unavailable(this.#name, "the connection was closed here");
		// Without a goodbye where replies are under way: they must not reach buffers that were given back.
		if (this.#pending.size > 0) this.#fail(reason);
		this.#window.close(reason);
		await this.#stream.finish(encodeRequest(CMD_DISC, 0, 0, 0), reason, CLOSE_GRACE_MS);
	}

	async #readRange(
		target: Uint8Array,
		offset: number,
		borrowed: boolean,
		signal: AbortSignal | undefined,
	): Promise<void> {
		signal?.throwIfAborted();
		if (target.length === 0) return;
		const { minimumBlock, maximumRequest } = this.#session.info;
		const end = offset + target.length;
		const alignedStart = offset - (offset % minimumBlock);
		const alignedEnd = Math.min(roundUp(end, minimumBlock), this.#session.info.size);
		if (alignedStart !== offset || alignedEnd !== end) {
			const whole = allocateRead(this.#name, alignedStart, alignedEnd - alignedStart);
			await this.#readRange(whole, alignedStart, false, signal);
			target.set(whole.subarray(offset - alignedStart, end - alignedStart));
			return;
		}
		const pieceBytes = Math.min(maximumRequest, PIECE_BYTES);
		if (target.length <= pieceBytes) {
			await this.#readOne(target, offset, borrowed, signal);
			return;
		}
		// The first failure ends the others, and all have settled before the caller hears of it.
		const failed = new AbortController();
		const onAbort = () => failed.abort(signal?.reason);
		signal?.addEventListener("abort", onAbort, { once: true });
		let next = 0;
		const lane = async () => {
			while (next < target.length) {
				const at = next;
				next += pieceBytes;
				await this.#readOne(target.subarray(at, Math.min(next, target.length)), offset + at, borrowed, failed.signal);
			}
		};
		const lanes = Array.from({ length: Math.min(READ_LANES, Math.ceil(target.length / pieceBytes)) }, () =>
			lane().catch((error: unknown) => failed.abort(error)),
		);
		await Promise.all(lanes);
		signal?.removeEventListener("abort", onAbort);
		failed.signal.throwIfAborted();
	}

	async #readOne(
		target: Uint8Array,
		offset: number,
		borrowed: boolean,
		signal: AbortSignal | undefined,
	): Promise<void> {
		const wait = this.#window.acquire(target.length, signal);
		if (wait !== undefined) await wait;
		await this.#send(new ReadRequest(target, offset, borrowed), signal);
	}

	/** Sends a request that has its place in the window; the place is free again when its reply is complete. */
	#send<T extends PendingRequest>(request: T, signal: AbortSignal | undefined): T["result"] {
		// Either may have happened between the window's consent and this turn.
		const over = signal?.aborted === true ? { reason: signal.reason as unknown } : this.#stream.failure;
		if (over !== undefined) {
			this.#window.release(weight(request));
			throw over instanceof UmbraError ? over : over.reason;
		}
		const cookie = this.#cookie++;
		this.#pending.set(cookie, request);
		if (signal !== undefined) request.watch(signal, () => this.#onAbort(request, signal.reason));
		this.#stream.write(encodeRequest(request.type, cookie, request.offset, request.length));
		return request.result;
	}

	/** The caller goes; the request stays until its reply has been drained. */
	#onAbort(request: PendingRequest, reason: unknown): void {
		if (request instanceof ReadRequest && request.borrowed) {
			if (request.receiving) {
				request.abortWhenReceived = { reason };
				setTimeout(() => {
					if (!request.receiving) return;
					this.#fail(unavailable(this.#name, "the server stalled in the middle of a reply"));
				}, ABORT_GRACE_MS).unref();
				return;
			}
			request.target = undefined;
		}
		request.fail(reason);
	}

	/** Reads replies until the connection ends. */
	async #receive(): Promise<void> {
		const replies = new ReplyReader(this.#name, this.#stream, this.#session, this.#pending);
		try {
			for (;;) {
				const completed = await replies.next();
				if (completed !== undefined) this.#window.release(weight(completed));
			}
		} catch (error) {
			this.#fail(error instanceof UmbraError ? error : unavailable(this.#name, "cannot decode a reply", error));
		}
	}

	#fail(reason: UmbraError): void {
		this.#stream.destroy(reason);
		this.#abandon(reason);
	}

	#abandon(reason: UmbraError): void {
		this.#window.close(reason);
		const pending = [...this.#pending.values()];
		this.#pending.clear();
		for (const request of pending) request.fail(reason);
	}
}

/**
 * An export as a `BlockSource`. It owns the client: disposing one disposes the other. Zeroes are
 * known where `base:allocation` was granted.
 */
export function nbdSource(client: NbdClient, name: string): BlockSource {
	return {
		size: client.size,
		name,
		read: (offset, length, signal) => client.read(offset, length, signal),
		extents: async (offset, length, signal): Promise<SourceExtent[]> => {
			if (!client.contexts.has(BASE_ALLOCATION)) {
				checkRange(name, client.size, offset, length);
				signal?.throwIfAborted();
				return length === 0 ? [] : [{ offset, length, zero: false }];
			}
			const extents: { offset: number; length: number; zero: boolean }[] = [];
			for (const extent of await client.statusExtents(BASE_ALLOCATION, offset, length, signal)) {
				const zero = (extent.flags & STATE_ZERO) !== 0;
				const last = extents.at(-1);
				if (last !== undefined && last.zero === zero) last.length += extent.length;
				else extents.push({ offset: extent.offset, length: extent.length, zero });
			}
			return extents;
		},
		[Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
	};
}

/** Bytes that a request takes of the window: a status reply has no payload to speak of. */
function weight(request: PendingRequest): number {
	return request instanceof ReadRequest ? request.length : 0;
}

function roundUp(value: number, multiple: number): number {
	return Math.ceil(value / multiple) * multiple;
}

function unavailable(name: string, problem: string, cause?: unknown): UmbraError {
	return new UmbraError("unavailable", `${name}: ${problem}`, { cause, context: { path: name } });
}
