/** Requests that wait for their reply: what has arrived of it, and how their caller learns of it. */
import { Coverage } from "./coverage.ts";
import { type StatusExtent, violation } from "./protocol.ts";
import { CMD_BLOCK_STATUS, CMD_READ } from "./wire.ts";

abstract class Request<T> {
	abstract readonly type: number;
	/** Of the export, in bytes. */
	readonly offset: number;
	readonly length: number;
	readonly result: Promise<T>;
	/** The first error the server sent; more chunks may follow it. */
	error: Error | undefined;
	protected readonly settle: PromiseWithResolvers<T>;
	#signal: AbortSignal | undefined;
	#onAbort: (() => void) | undefined;

	constructor(offset: number, length: number) {
		this.offset = offset;
		this.length = length;
		this.settle = Promise.withResolvers<T>();
		this.result = this.settle.promise;
	}

	get end(): number {
		return this.offset + this.length;
	}

	/** From now until it settles, `signal` calls `onAbort`. */
	watch(signal: AbortSignal, onAbort: () => void): void {
		this.#signal = signal;
		this.#onAbort = onAbort;
		signal.addEventListener("abort", onAbort, { once: true });
	}

	fail(reason: unknown): void {
		this.unwatch();
		this.settle.reject(reason);
	}

	/** The reply is complete. @throws UmbraError `unavailable` where it lacks what was asked for. */
	abstract complete(): void;

	protected unwatch(): void {
		if (this.#onAbort !== undefined) this.#signal?.removeEventListener("abort", this.#onAbort);
		this.#onAbort = undefined;
	}
}

export class ReadRequest extends Request<void> {
	readonly type = CMD_READ;
	readonly coverage = new Coverage();
	/** The caller's own buffer: once `result` has settled it is never written to again. */
	readonly borrowed: boolean;
	/** Where the payload goes; undefined once nobody wants it. */
	target: Uint8Array | undefined;
	/** The socket is writing into `target` at this moment. */
	receiving = false;
	/** Aborted while `receiving`: fails once the socket has let go of `target`. */
	abortWhenReceived: { readonly reason: unknown } | undefined;

	constructor(target: Uint8Array, offset: number, borrowed: boolean) {
		super(offset, target.length);
		this.target = target;
		this.borrowed = borrowed;
	}

	/** @throws UmbraError `unavailable` where a content chunk leaves the request or was sent before. */
	addContent(offset: number, length: number): void {
		// Written so that NaN, an offset beyond 2^53, fails too.
		if (!(offset >= this.offset && offset + length <= this.end)) {
			throw violation("content chunk", "range", `${offset}+${length}`, `within ${this.offset}+${this.length}`);
		}
		this.coverage.add(offset, offset + length);
	}

	complete(): void {
		this.unwatch();
		if (this.error !== undefined) {
			this.settle.reject(this.error);
			return;
		}
		if (!this.coverage.covers(this.offset, this.end)) {
			throw violation("content chunks", "range", "gaps", `all of ${this.offset}+${this.length}`);
		}
		this.settle.resolve();
	}
}

export type BlockStatus = ReadonlyMap<string, readonly StatusExtent[]>;

export class StatusRequest extends Request<BlockStatus> {
	readonly type = CMD_BLOCK_STATUS;
	readonly #granted: ReadonlyMap<number, string>;
	readonly #status = new Map<string, readonly StatusExtent[]>();

	constructor(offset: number, length: number, granted: ReadonlyMap<number, string>) {
		super(offset, length);
		this.#granted = granted;
	}

	/** @throws UmbraError `unavailable` for a context that was not granted or was already answered. */
	addStatus(id: number, extents: readonly StatusExtent[]): void {
		const name = this.#granted.get(id);
		if (name === undefined) throw violation("NBD_REPLY_TYPE_BLOCK_STATUS", "context id", id, "one that was granted");
		if (this.#status.has(name)) throw violation("NBD_REPLY_TYPE_BLOCK_STATUS", "context id", id, "one chunk each");
		this.#status.set(name, extents);
	}

	complete(): void {
		this.unwatch();
		if (this.error !== undefined) {
			this.settle.reject(this.error);
			return;
		}
		if (this.#status.size !== this.#granted.size) {
			throw violation("NBD_CMD_BLOCK_STATUS", "contexts answered", this.#status.size, this.#granted.size);
		}
		this.settle.resolve(this.#status);
	}
}

export type PendingRequest = ReadRequest | StatusRequest;
