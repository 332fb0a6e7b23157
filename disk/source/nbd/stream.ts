/**
 * A socket as the NBD client uses it: bytes are received straight into the buffer that wants them.
 * The kernel writes a large payload into its destination; only headers and short payloads pass
 * through a small scratch buffer, where one system call may bring many of them.
 */
import { connect as connectSocket, type Socket } from "node:net";
import { errnoOf, messageOf, UmbraError } from "../../../common/errors.ts";

export type NbdAddress = { readonly path: string } | { readonly host: string; readonly port: number };

export function addressName(address: NbdAddress): string {
	return "path" in address ? address.path : `${address.host}:${address.port}`;
}

/** What is left of a payload goes straight to its destination from here on; below, a copy costs less than a system call. */
const SCRATCH_BYTES = 16 * 1024;
/** A TCP peer that vanished without a word is noticed this long after it falls silent (then probed every second, ten times). */
const KEEPALIVE_MS = 30_000;

interface Fill {
	readonly target: Uint8Array;
	at: number;
	readonly resolve: () => void;
	readonly reject: (error: UmbraError) => void;
}

export class NbdStream {
	/** Settles when the socket is closed, for whatever reason; never rejects. */
	readonly closed: Promise<void>;
	readonly #socket: Socket;
	readonly #name: string;
	readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
	#start = 0;
	#end = 0;
	/** True while the socket's next bytes go to `#fill.target` and not to the scratch buffer. */
	#direct = false;
	#fill: Fill | undefined;
	#failure: UmbraError | undefined;
	#corked = false;

	private constructor(address: NbdAddress, onConnect: () => void) {
		this.#name = addressName(address);
		const onread = {
			buffer: () => this.#destination(),
			callback: (length: number) => this.#received(length),
		};
		this.#socket = connectSocket(
			"path" in address
				? { path: address.path, onread }
				: {
						host: address.host,
						port: address.port,
						noDelay: true,
						keepAlive: true,
						keepAliveInitialDelay: KEEPALIVE_MS,
						onread,
					},
			onConnect,
		);
		this.#socket.on("error", (error) => this.destroy(translate(this.#name, error)));
		// With `onread` this delivers nothing here; it lets "end" be noticed.
		this.#socket.resume();
		this.#socket.on("end", () => this.destroy(lost(this.#name)));
		this.closed = new Promise((resolve) => {
			this.#socket.once("close", () => {
				this.destroy(lost(this.#name));
				resolve();
			});
		});
	}

	/**
	 * @throws UmbraError `not-found` where there is no such socket, `denied`, or `unavailable`; the
	 * signal's reason where it fires.
	 */
	static async connect(address: NbdAddress, signal?: AbortSignal): Promise<NbdStream> {
		signal?.throwIfAborted();
		const connected = Promise.withResolvers<void>();
		let stream: NbdStream;
		try {
			stream = new NbdStream(address, connected.resolve);
		} catch (error) {
			// A port above 65535, a path that is no path.
			throw new UmbraError("bad-config", `${addressName(address)}: no NBD address: ${messageOf(error)}`, {
				cause: error,
				context: { path: addressName(address) },
			});
		}
		const onAbort = () => {
			connected.reject(signal?.reason);
			stream.destroy(lost(stream.#name));
		};
		signal?.addEventListener("abort", onAbort, { once: true });
		try {
			await Promise.race([connected.promise, stream.closed]);
			if (stream.#failure !== undefined) throw stream.#failure;
			return stream;
		} finally {
			signal?.removeEventListener("abort", onAbort);
		}
	}

	/** Why the stream is over; undefined while it is not. */
	get failure(): UmbraError | undefined {
		return this.#failure;
	}

	/**
	 * Receives exactly `target.length` bytes into `target`; one call at a time. Undefined where they
	 * were there already, so that a burst of short replies costs no promise each.
	 */
	fill(target: Uint8Array): Promise<void> | undefined {
		if (this.#failure !== undefined) throw this.#failure;
		const copied = Math.min(target.length, this.#end - this.#start);
		if (copied > 0) {
			target.set(this.#scratch.subarray(this.#start, this.#start + copied));
			this.#start += copied;
		}
		if (copied === target.length) return undefined;
		return new Promise((resolve, reject) => {
			this.#fill = { target, at: copied, resolve, reject };
		});
	}

	/** Sends `bytes` with whatever else is written in this turn of the event loop. */
	write(bytes: Uint8Array): void {
		if (this.#failure !== undefined) return;
		if (!this.#corked) {
			this.#corked = true;
			this.#socket.cork();
			process.nextTick(() => {
				this.#corked = false;
				this.#socket.uncork();
			});
		}
		this.#socket.write(bytes);
	}

	/** Ends the stream at once: no buffer is written to any more when this returns. */
	destroy(reason: UmbraError): void {
		if (this.#failure !== undefined) return;
		this.#failure = reason;
		this.#socket.destroy();
		const fill = this.#fill;
		this.#fill = undefined;
		fill?.reject(reason);
	}

	/** Sends `bytes`, then closes; receives nothing more. */
	async finish(bytes: Uint8Array, reason: UmbraError, graceMs: number): Promise<void> {
		if (this.#failure === undefined) {
			this.write(bytes);
			this.#failure = reason;
			this.#fill?.reject(reason);
			this.#fill = undefined;
			this.#socket.destroySoon();
			const timer = setTimeout(() => this.#socket.destroy(), graceMs);
			await this.closed;
			clearTimeout(timer);
		}
		await this.closed;
	}

	#destination(): Uint8Array {
		const fill = this.#fill;
		this.#direct = fill !== undefined && fill.target.length - fill.at >= SCRATCH_BYTES;
		if (fill !== undefined && this.#direct) return fill.target.subarray(fill.at);
		this.#scratch.copyWithin(0, this.#start, this.#end);
		this.#end -= this.#start;
		this.#start = 0;
		// The reader always waits in `fill`, which took at least one byte of what came last.
		if (this.#end === SCRATCH_BYTES) this.destroy(new UmbraError("internal", `${this.#name}: nobody receives`));
		return this.#scratch.subarray(this.#end % SCRATCH_BYTES);
	}

	#received(length: number): boolean {
		// Closing: what still comes is dropped.
		if (this.#failure !== undefined) return true;
		const fill = this.#fill;
		if (fill !== undefined && this.#direct) {
			fill.at += length;
		} else {
			this.#end += length;
			if (fill !== undefined) {
				const copied = Math.min(fill.target.length - fill.at, this.#end - this.#start);
				fill.target.set(this.#scratch.subarray(this.#start, this.#start + copied), fill.at);
				fill.at += copied;
				this.#start += copied;
			}
		}
		if (fill !== undefined && fill.at === fill.target.length) {
			this.#fill = undefined;
			fill.resolve();
		}
		return true;
	}
}

function lost(name: string): UmbraError {
	return new UmbraError("unavailable", `${name}: the NBD server closed the connection`, { context: { path: name } });
}

function translate(name: string, error: Error): UmbraError {
	const errno = errnoOf(error);
	const code = errno === "ENOENT" ? "not-found" : errno === "EACCES" || errno === "EPERM" ? "denied" : "unavailable";
	return new UmbraError(code, `${name}: the connection to the NBD server failed: ${messageOf(error)}`, {
		cause: error,
		context: { path: name, found: errno },
	});
}
