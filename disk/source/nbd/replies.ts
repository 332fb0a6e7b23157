/** The receiving half of a connection: every reply is checked and handed to the request that it answers. */
import type { Session } from "./negotiate.ts";
import {
	isErrorChunk,
	parseBlockStatus,
	parseChunkHeader,
	parseErrorChunk,
	parseHoleSize,
	parseOffset,
	replyCookie,
	replyKind,
	serverError,
	simpleReplyError,
	violation,
} from "./protocol.ts";
import { type PendingRequest, ReadRequest, StatusRequest } from "./request.ts";
import type { NbdStream } from "./stream.ts";
import {
	REPLY_BLOCK_STATUS,
	REPLY_OFFSET_DATA,
	REPLY_OFFSET_HOLE,
	SIMPLE_REPLY_BYTES,
	STRUCTURED_REPLY_BYTES,
} from "./wire.ts";

/** Payload that nobody wants any more passes through this many bytes at a time. */
const DISCARD_BYTES = 256 * 1024;

export class ReplyReader {
	readonly #name: string;
	readonly #stream: NbdStream;
	readonly #session: Session;
	readonly #pending: Map<number, PendingRequest>;
	readonly #header = Buffer.alloc(STRUCTURED_REPLY_BYTES);
	#discard: Uint8Array | undefined;

	/** @param pending requests by cookie; one is removed when its reply is complete. */
	constructor(name: string, stream: NbdStream, session: Session, pending: Map<number, PendingRequest>) {
		this.#name = name;
		this.#stream = stream;
		this.#session = session;
		this.#pending = pending;
	}

	/** Receives a reply, or one chunk of one. @returns the request that it completed. @throws UmbraError where the connection is over. */
	async next(): Promise<PendingRequest | undefined> {
		const header = this.#header;
		let wait = this.#stream.fill(header.subarray(0, SIMPLE_REPLY_BYTES));
		if (wait !== undefined) await wait;
		const kind = replyKind(header);
		const cookie = replyCookie(header);
		const request = this.#pending.get(cookie);
		if (request === undefined) throw violation("reply", "cookie", cookie, "a request that waits");
		if (kind === "simple") {
			await this.#receiveSimple(request, simpleReplyError(header));
			return this.#complete(cookie, request);
		}
		if (!this.#session.structured) throw violation("reply", "magic", "structured", "simple");
		wait = this.#stream.fill(header.subarray(SIMPLE_REPLY_BYTES));
		if (wait !== undefined) await wait;
		const chunk = parseChunkHeader(header);
		if (chunk.type === REPLY_OFFSET_DATA) await this.#receiveData(request, chunk.length);
		else if (chunk.length > 0) await this.#receiveChunk(request, chunk.type, chunk.length);
		return chunk.done ? this.#complete(cookie, request) : undefined;
	}

	async #receiveSimple(request: PendingRequest, error: number): Promise<void> {
		if (error !== 0) {
			request.error ??= serverError(this.#action(request), error, "");
			return;
		}
		if (this.#session.structured) throw violation("reply", "magic", "simple", "structured");
		if (!(request instanceof ReadRequest)) throw violation("simple reply", "cookie", "not a read", "a read");
		request.addContent(request.offset, request.length);
		await this.#receivePayload(request, request.offset, request.length);
	}

	async #receiveData(request: PendingRequest, chunkLength: number): Promise<void> {
		if (!(request instanceof ReadRequest)) throw violation("chunk", "type", "NBD_REPLY_TYPE_OFFSET_DATA", "status");
		const head = Buffer.allocUnsafe(8);
		const wait = this.#stream.fill(head);
		if (wait !== undefined) await wait;
		const offset = parseOffset(head);
		request.addContent(offset, chunkLength - 8);
		await this.#receivePayload(request, offset, chunkLength - 8);
	}

	/** Receives `length` bytes of the export from `offset` to where the request wants them. */
	async #receivePayload(request: ReadRequest, offset: number, length: number): Promise<void> {
		const start = offset - request.offset;
		if (request.target !== undefined) {
			const wait = this.#stream.fill(request.target.subarray(start, start + length));
			if (wait === undefined) return;
			request.receiving = true;
			await wait;
			request.receiving = false;
			if (request.abortWhenReceived !== undefined) {
				request.target = undefined;
				request.fail(request.abortWhenReceived.reason);
			}
			return;
		}
		this.#discard ??= new Uint8Array(DISCARD_BYTES);
		const discard = this.#discard;
		for (let left = length; left > 0; left -= DISCARD_BYTES) {
			const wait = this.#stream.fill(discard.subarray(0, Math.min(left, DISCARD_BYTES)));
			if (wait !== undefined) await wait;
		}
	}

	/** A chunk whose payload is short enough to be received whole. */
	async #receiveChunk(request: PendingRequest, type: number, length: number): Promise<void> {
		const payload = Buffer.allocUnsafe(length);
		const wait = this.#stream.fill(payload);
		if (wait !== undefined) await wait;
		if (isErrorChunk(type)) {
			const { error, message } = parseErrorChunk(payload);
			request.error ??= serverError(this.#action(request), error, message);
		} else if (type === REPLY_OFFSET_HOLE && request instanceof ReadRequest) {
			const offset = parseOffset(payload);
			const size = parseHoleSize(payload);
			request.addContent(offset, size);
			request.target?.fill(0, offset - request.offset, offset - request.offset + size);
		} else if (type === REPLY_BLOCK_STATUS && request instanceof StatusRequest) {
			const { id, extents } = parseBlockStatus(payload, request.length);
			request.addStatus(id, extents);
		} else {
			throw violation("chunk", "type", type, "one that answers the request");
		}
	}

	#complete(cookie: number, request: PendingRequest): PendingRequest {
		request.complete();
		this.#pending.delete(cookie);
		return request;
	}

	#action(request: PendingRequest): string {
		const verb = request instanceof ReadRequest ? "reading" : "block status of";
		return `${this.#name}: ${verb} ${request.length} bytes at ${request.offset}`;
	}
}
