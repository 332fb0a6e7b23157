/**
 * One client of an export, from its greeting to its end: requests in, replies out in whatever order they are ready.
 * A client is not trusted: what is under way for it is bounded in requests and bytes, and what it breaks is its own
 * connection.
 */
import type { Socket } from "node:net";
import { BLOCK_SIZE } from "../../common/block.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { Window } from "../source/nbd/window.ts";
import {
	CMD_BLOCK_STATUS,
	CMD_CACHE,
	CMD_DISC,
	CMD_FLAG_DF,
	CMD_FLAG_REQ_ONE,
	CMD_READ,
	CMD_TRIM,
	CMD_WRITE,
	CMD_WRITE_ZEROES,
	EINVAL,
	EIO,
	EPERM,
	MAX_REQUEST_BYTES,
	REQUEST_BYTES,
} from "../source/nbd/wire.ts";
import { ByteReader } from "./byte-reader.ts";
import { ALLOCATION_CONTEXT, negotiate, type ServedDisks, type Session } from "./negotiate.ts";
import {
	dataHeader,
	errorChunk,
	holeChunk,
	noneChunk,
	parseRequest,
	type Request,
	simpleReply,
	statusChunk,
} from "./replies.ts";
import { type DiskRead, PIECE_BYTES, type Span } from "./served-disk.ts";

/** An interactive client may think between its options; one that never goes on holds a connection. */
const HANDSHAKE_MS = 60_000;
/** Requests of one connection under way; the next ones wait in the socket. */
const MAX_REQUESTS = 64;
/** Bytes of one connection on their way from the vault to the client. What must be sent whole may be more. */
const WINDOW_BYTES = 2 * 2 ** 20;
/** Chunks of one read under way at once. */
const READ_LANES = 4;
/** Descriptors of one block status reply: 128 KiB of them, and 1 GiB of disk at the least. */
const MAX_STATUS_RUNS = 2 ** 14;
/** NBD_CMD_CACHE is advice: no more is fetched for one. */
const MAX_CACHE_BYTES = 8 * 2 ** 20;
/** Shorter data is copied behind its header: cheaper than a vector, and the block it lies in is let go. */
const COPY_BYTES = 16 * 1024;
const ZEROES = Buffer.alloc(BLOCK_SIZE);

export interface ConnectionOptions {
	readonly socket: Socket;
	readonly point: ServedDisks;
	/** Ends everything that is read for this client. */
	readonly signal: AbortSignal;
	readonly log: Logger;
	/** Of all connections: for reads that must be sent whole and are larger than a connection's own window. */
	readonly largeReads: Window;
	/** Bytes of the disk that were sent. */
	onSent(bytes: number): void;
	/** Something could not be read, and the client is told that it cannot; before it is told. */
	onFailed?(error: unknown): void;
}

/** Serves one client until it leaves or breaks the protocol. Never rejects; the socket is closed afterwards. */
export async function serveConnection(options: ConnectionOptions): Promise<void> {
	const { socket, point, log, signal } = options;
	// "close" follows, which is what counts.
	socket.on("error", () => undefined);
	const gone = new AbortController();
	const closed = new Promise<void>((resolve) => {
		socket.once("close", () => {
			gone.abort(new UmbraError("unavailable", "the NBD client went away"));
			resolve();
		});
	});
	const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MS);
	try {
		const reader = new ByteReader(socket);
		const session = await negotiate(reader, (bytes) => write(socket, [bytes]), point);
		clearTimeout(timer);
		if (session !== undefined) {
			await new Transmission({ ...options, signal: AbortSignal.any([signal, gone.signal]) }, reader, session).run();
		}
		// In good order: what was written still goes out.
		socket.destroySoon();
	} catch (error) {
		if (!isUmbraError(error)) log.error({ err: error }, "serving an NBD client failed");
		else if (!gone.signal.aborted) log.debug({ error: error.message }, "an NBD client was cut off");
		socket.destroy();
	} finally {
		clearTimeout(timer);
	}
	await closed;
}

class Transmission {
	readonly #options: ConnectionOptions;
	readonly #reader: ByteReader;
	readonly #session: Session;
	/** Holds nothing but places: every request takes one. */
	readonly #requests = new Window(0, MAX_REQUESTS);
	readonly #bytes = new Window(WINDOW_BYTES, Number.MAX_SAFE_INTEGER);
	readonly #pending = new Set<Promise<void>>();
	#complained = false;

	constructor(options: ConnectionOptions, reader: ByteReader, session: Session) {
		this.#options = options;
		this.#reader = reader;
		this.#session = session;
		options.signal.addEventListener("abort", () => {
			const reason = new UmbraError("unavailable", "the connection is over");
			this.#requests.close(reason);
			this.#bytes.close(reason);
		});
	}

	/** Until the client says goodbye. @throws UmbraError where it leaves without, or breaks the protocol. */
	async run(): Promise<void> {
		try {
			await this.#receive();
		} catch (error) {
			// Or what is under way would wait for a client that takes nothing any more.
			this.#options.socket.destroy();
			throw error;
		} finally {
			await Promise.all(this.#pending);
		}
	}

	async #receive(): Promise<void> {
		for (;;) {
			const request = parseRequest(await this.#reader.take(REQUEST_BYTES));
			if (request.type === CMD_DISC) break;
			if (request.type === CMD_WRITE) await this.#skipPayload(request.length);
			await this.#requests.acquire(0, undefined);
			const serving = this.#serve(request).finally(() => {
				this.#requests.release(0);
				this.#pending.delete(serving);
			});
			this.#pending.add(serving);
		}
	}

	async #skipPayload(length: number): Promise<void> {
		if (length <= MAX_REQUEST_BYTES) return await this.#reader.skip(length);
		throw new UmbraError("limit", `NBD_CMD_WRITE of ${length} bytes, at most ${MAX_REQUEST_BYTES}`);
	}

	/** Never rejects: a request that fails is answered, a client that left is not. */
	async #serve(request: Request): Promise<void> {
		const { signal } = this.#options;
		try {
			const { type, offset, length } = request;
			const { sizeBytes } = this.#session.disk;
			if (type === CMD_WRITE || type === CMD_TRIM || type === CMD_WRITE_ZEROES) {
				return await this.#fail(request, EPERM, "a point of the past is read-only");
			}
			if (type !== CMD_READ && type !== CMD_CACHE && type !== CMD_BLOCK_STATUS) {
				return await this.#fail(request, EINVAL, `command ${type} is not served`);
			}
			if (offset > sizeBytes || length > sizeBytes - offset) {
				return await this.#fail(request, EINVAL, `the disk ends at ${sizeBytes}`);
			}
			if ((request.flags & ~allowedFlags(type, this.#session.structured)) !== 0) {
				return await this.#fail(request, EINVAL, `flags 0x${request.flags.toString(16)} mean nothing here`);
			}
			if (type === CMD_READ) await this.#read(request);
			else if (type === CMD_CACHE) await this.#cache(request);
			else await this.#status(request);
		} catch (error) {
			// Of a read in chunks others may be on their way: nothing can be added to it but the end of the connection.
			if (signal.aborted) this.#options.socket.destroy();
			if (signal.aborted || this.#options.socket.destroyed) return;
			this.#complain(error);
			await this.#fail(request, EIO, messageOf(error), offsetOf(error)).catch(() => undefined);
		}
	}

	async #read(request: Request): Promise<void> {
		const { length } = request;
		if (length > MAX_REQUEST_BYTES) {
			return await this.#fail(request, EINVAL, `a read of ${length} bytes, at most ${MAX_REQUEST_BYTES}`);
		}
		if (length === 0) return await this.#succeed(request);
		if (this.#session.structured && (request.flags & CMD_FLAG_DF) === 0) await this.#readInChunks(request);
		else await this.#readWhole(request);
	}

	/** In chunks as they come, in whatever order; the last one ends the reply. */
	async #readInChunks({ cookie, offset, length }: Request): Promise<void> {
		const end = offset + length;
		let next = offset;
		let left = length;
		const lane = async (): Promise<void> => {
			while (next < end) {
				const from = next;
				// Pieces end where blocks do, so that no block is fetched twice.
				next = Math.min(end, from - (from % BLOCK_SIZE) + PIECE_BYTES);
				const to = next;
				await this.#held(to - from, async () => {
					const found = await this.#fetch(from, to - from);
					left -= to - from;
					const last = left === 0;
					if (isUmbraError(found)) {
						const offset = offsetOf(found) ?? from;
						await this.#send([errorChunk(cookie, EIO, found.message, { offset, done: last })]);
						return;
					}
					using read = found;
					await this.#send(encodeSpans(cookie, read.spans, last));
					this.#options.onSent(to - from);
				});
			}
		};
		await Promise.all(Array.from({ length: Math.min(READ_LANES, Math.ceil(length / PIECE_BYTES)) }, lane));
	}

	/** The bytes, or why they cannot be read: of a long read the rest may well be whole. */
	async #fetch(offset: number, length: number): Promise<DiskRead | UmbraError> {
		const { signal } = this.#options;
		try {
			return await this.#session.disk.read(offset, length, signal);
		} catch (error) {
			if (signal.aborted || !isUmbraError(error)) throw error;
			this.#complain(error);
			return error;
		}
	}

	/** Once a connection in the log: a client may ask for the same damaged block for ever. */
	#complain(error: unknown): void {
		this.#options.onFailed?.(error);
		if (!this.#complained) this.#options.log.warn({ error: messageOf(error) }, "an exported disk cannot be read");
		this.#complained = true;
	}

	/** In one piece: a simple reply, or one chunk where the client wants no fragments. */
	async #readWhole({ cookie, offset, length }: Request): Promise<void> {
		const { disk, structured } = this.#session;
		const isLarge = length > WINDOW_BYTES;
		if (isLarge) await this.#options.largeReads.acquire(length, this.#options.signal);
		using _large = { [Symbol.dispose]: () => isLarge && this.#options.largeReads.release(length) };
		await this.#held(isLarge ? 0 : length, async () => {
			using reads = new DisposableStack();
			const spans: Span[] = [];
			for (let at = offset; at < offset + length; ) {
				const to = Math.min(offset + length, at - (at % BLOCK_SIZE) + PIECE_BYTES);
				spans.push(...reads.use(await disk.read(at, to - at, this.#options.signal)).spans);
				at = to;
			}
			const header = structured ? dataHeader(cookie, offset, length, true) : simpleReply(cookie, 0);
			await this.#send([header, ...spans.flatMap((span) => span.parts ?? zeroes(span.length))]);
			this.#options.onSent(length);
		});
	}

	/** Advice: the blocks are fetched, which leaves them in the vault's cache. */
	async #cache(request: Request): Promise<void> {
		const { signal } = this.#options;
		const end = request.offset + Math.min(request.length, MAX_CACHE_BYTES);
		for (let at = request.offset; at < end; at += PIECE_BYTES) {
			const length = Math.min(PIECE_BYTES, end - at);
			await this.#held(length, () => this.#session.disk.prefetch(at, length, signal));
		}
		await this.#succeed(request);
	}

	async #status(request: Request): Promise<void> {
		const { disk, allocation } = this.#session;
		const { cookie, offset, length, flags } = request;
		if (!allocation || length === 0) {
			return await this.#fail(request, EINVAL, allocation ? "no bytes" : "no metadata context was chosen");
		}
		const limit = (flags & CMD_FLAG_REQ_ONE) === 0 ? MAX_STATUS_RUNS : 1;
		const runs = await disk.allocation(offset, length, limit, this.#options.signal);
		await this.#send([statusChunk(cookie, ALLOCATION_CONTEXT, runs)]);
	}

	async #succeed({ cookie }: Request): Promise<void> {
		await this.#send([this.#session.structured ? noneChunk(cookie) : simpleReply(cookie, 0)]);
	}

	async #fail({ cookie, type }: Request, error: number, message: string, offset?: number): Promise<void> {
		const at = type === CMD_READ ? offset : undefined;
		const { structured } = this.#session;
		await this.#send([
			structured ? errorChunk(cookie, error, message, { offset: at, done: true }) : simpleReply(cookie, error),
		]);
	}

	/** While `bytes` of the window are held. */
	async #held<T>(bytes: number, action: () => Promise<T>): Promise<void> {
		await this.#bytes.acquire(bytes, undefined);
		try {
			await action();
		} finally {
			this.#bytes.release(bytes);
		}
	}

	#send(parts: readonly Uint8Array[]): Promise<void> {
		return write(this.#options.socket, parts);
	}
}

function allowedFlags(type: number, structured: boolean): number {
	if (type === CMD_READ) return structured ? CMD_FLAG_DF : 0;
	return type === CMD_BLOCK_STATUS ? CMD_FLAG_REQ_ONE : 0;
}

function offsetOf(error: unknown): number | undefined {
	const offset = isUmbraError(error) ? error.context.offset : undefined;
	return typeof offset === "number" ? offset : undefined;
}

function encodeSpans(cookie: bigint, spans: readonly Span[], last: boolean): Uint8Array[] {
	return spans.flatMap(({ offset, length, parts }, at) => {
		const done = last && at === spans.length - 1;
		if (parts === null) return [holeChunk(cookie, offset, length, done)];
		return [dataHeader(cookie, offset, length, done), ...parts];
	});
}

function zeroes(length: number): Uint8Array[] {
	return Array.from({ length: Math.ceil(length / BLOCK_SIZE) }, (_, at) =>
		ZEROES.subarray(0, Math.min(BLOCK_SIZE, length - at * BLOCK_SIZE)),
	);
}

/** All in one go, so that replies do not mix; resolves when the kernel has it. @throws UmbraError `unavailable`. */
function write(socket: Socket, parts: readonly Uint8Array[]): Promise<void> {
	return new Promise((resolve, reject) => {
		const length = parts.reduce((sum, part) => sum + part.length, 0);
		const pieces = length <= COPY_BYTES ? [Buffer.concat(parts, length)] : parts;
		const done = (error?: Error | null) => {
			if (error === undefined || error === null) resolve();
			else reject(new UmbraError("unavailable", `the NBD client went away: ${error.message}`, { cause: error }));
		};
		socket.cork();
		for (const [at, piece] of pieces.entries()) socket.write(piece, at === pieces.length - 1 ? done : undefined);
		socket.uncork();
	});
}
