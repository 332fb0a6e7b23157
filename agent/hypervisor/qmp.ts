/**
 * A client of the QEMU Machine Protocol: one JSON object a line over a unix socket.
 * Specification: QEMU, docs/interop/qmp-spec.rst.
 */
import { createConnection, type Socket } from "node:net";
import { messageOf, UmbraError } from "../../common/errors.ts";

export interface QmpEvent {
	readonly event: string;
	readonly data: Readonly<Record<string, unknown>>;
	/** Unix nanoseconds by QEMU's clock. */
	readonly timeNs: bigint;
}

export type QmpArguments = Readonly<Record<string, unknown>>;

interface Pending {
	readonly command: string;
	resolve(value: unknown): void;
	reject(error: UmbraError): void;
}

/** Longest line: an answer that describes thousands of block nodes stays far below. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;
const GREETING_TIMEOUT_MS = 5_000;
/** A monitor that does not answer for this long is stuck; the caller decides what that means. */
const COMMAND_TIMEOUT_MS = 60_000;

export class QmpClient implements AsyncDisposable {
	readonly path: string;
	readonly #socket: Socket;
	readonly #pending = new Map<number, Pending>();
	readonly #listeners = new Set<(event: QmpEvent) => void>();
	readonly #closed = new AbortController();
	#nextId = 1;
	/** Commands given in this turn of the event loop: they go out in one write. */
	#outgoing = "";
	#partial: Buffer[] = [];
	#partialBytes = 0;

	private constructor(path: string, socket: Socket) {
		this.path = path;
		this.#socket = socket;
	}

	/** Aborted when the connection has ended, for whatever reason. */
	get closed(): AbortSignal {
		return this.#closed.signal;
	}

	/** @throws UmbraError `unavailable` when nobody listens, or another client holds the monitor. */
	static async connect(path: string, signal?: AbortSignal): Promise<QmpClient> {
		signal?.throwIfAborted();
		return await QmpClient.adopt(path, createConnection({ path }), signal);
	}

	/** As `connect`, over a connection that is there or under way: that of a QEMU which came to us. */
	static async adopt(path: string, socket: Socket, signal?: AbortSignal): Promise<QmpClient> {
		const client = new QmpClient(path, socket);
		const greeted = Promise.withResolvers<void>();
		const fail = (error: unknown) => {
			client.#end(unavailable(path, messageOf(error), error));
			greeted.reject(unavailable(path, messageOf(error), error));
		};
		const timer = setTimeout(
			() =>
				fail(
					new UmbraError("unavailable", `no greeting from the QMP monitor ${path} within ${GREETING_TIMEOUT_MS} ms`, {
						hint: "a QMP socket serves one client at a time: give QEMU a second -qmp socket for Umbra",
					}),
				),
			GREETING_TIMEOUT_MS,
		);
		const onAbort = () => fail(signal?.reason);
		signal?.addEventListener("abort", onAbort, { once: true });
		socket.on("error", fail);
		socket.on("close", () => fail(new Error("connection closed")));
		socket.on("data", (chunk) => {
			try {
				client.#receive(chunk, greeted.resolve);
			} catch (error) {
				fail(error);
			}
		});
		try {
			await greeted.promise;
			await client.execute("qmp_capabilities");
			return client;
		} catch (error) {
			// A monitor serves one client: one that is not used must be let go of.
			client.#end(unavailable(path, "the handshake failed", error));
			throw error;
		} finally {
			clearTimeout(timer);
			signal?.removeEventListener("abort", onAbort);
		}
	}

	/**
	 * Runs one command. Commands of one client are answered in order, so there is no cancelling one.
	 *
	 * @throws UmbraError `not-found` for QEMU's DeviceNotFound, else `unavailable` with QEMU's own words.
	 */
	execute(command: string, args: QmpArguments = {}): Promise<unknown> {
		if (this.#closed.signal.aborted) return Promise.reject(unavailable(this.path, "connection closed"));
		const id = this.#nextId++;
		const { promise, resolve, reject } = Promise.withResolvers<unknown>();
		const timer = setTimeout(() => {
			// The answer may still come; it is then dropped by its id.
			this.#pending.delete(id);
			reject(unavailable(this.path, `${command}: no answer within ${COMMAND_TIMEOUT_MS} ms`));
		}, COMMAND_TIMEOUT_MS);
		const settle = <T>(then: (value: T) => void) => {
			return (value: T) => {
				clearTimeout(timer);
				then(value);
			};
		};
		this.#pending.set(id, { command, resolve: settle(resolve), reject: settle(reject) });
		// After the promises that are about to settle, whose owners may have more to ask.
		if (this.#outgoing === "") process.nextTick(() => this.#send());
		this.#outgoing += `${JSON.stringify({ execute: command, arguments: args, id })}\n`;
		return promise;
	}

	#send(): void {
		const lines = this.#outgoing;
		this.#outgoing = "";
		if (!this.#closed.signal.aborted) this.#socket.write(lines);
	}

	/** Calls `listener` for every event until the returned function is called. */
	onEvent(listener: (event: QmpEvent) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#end(unavailable(this.path, "closed by us"));
	}

	#receive(chunk: Buffer, onGreeting: () => void): void {
		let rest = chunk;
		for (;;) {
			const newline = rest.indexOf(0x0a);
			if (newline < 0) break;
			this.#partial.push(rest.subarray(0, newline));
			const line = Buffer.concat(this.#partial).toString("utf8").trim();
			this.#partial = [];
			this.#partialBytes = 0;
			rest = rest.subarray(newline + 1);
			if (line !== "") this.#handle(JSON.parse(line) as Record<string, unknown>, onGreeting);
		}
		this.#partialBytes += rest.length;
		if (this.#partialBytes > MAX_LINE_BYTES) {
			throw new UmbraError("limit", `QMP line longer than ${MAX_LINE_BYTES} bytes`);
		}
		if (rest.length > 0) this.#partial.push(rest);
	}

	#handle(message: Record<string, unknown>, onGreeting: () => void): void {
		if ("QMP" in message) {
			onGreeting();
			return;
		}
		if (typeof message["event"] === "string") {
			const stamp = message["timestamp"] as { seconds?: number; microseconds?: number } | undefined;
			const event: QmpEvent = {
				event: message["event"],
				data: (message["data"] as Record<string, unknown> | undefined) ?? {},
				timeNs: BigInt(stamp?.seconds ?? 0) * 1_000_000_000n + BigInt(stamp?.microseconds ?? 0) * 1000n,
			};
			for (const listener of this.#listeners) listener(event);
			return;
		}
		const pending = this.#pending.get(message["id"] as number);
		if (pending === undefined) return;
		this.#pending.delete(message["id"] as number);
		if ("error" in message) {
			const { class: kind, desc } = (message["error"] ?? {}) as { class?: string; desc?: string };
			const code = kind === "DeviceNotFound" ? "not-found" : "unavailable";
			pending.reject(
				new UmbraError(code, `QEMU refused ${pending.command}: ${desc ?? "no reason given"}`, {
					context: { path: this.path, structure: pending.command, class: kind },
				}),
			);
		} else {
			pending.resolve(message["return"]);
		}
	}

	#end(error: UmbraError): void {
		if (this.#closed.signal.aborted) return;
		this.#closed.abort(error);
		this.#socket.destroy();
		for (const pending of this.#pending.values()) pending.reject(error);
		this.#pending.clear();
		this.#listeners.clear();
	}
}

function unavailable(path: string, why: string, cause?: unknown): UmbraError {
	if (cause instanceof UmbraError) return cause;
	return new UmbraError("unavailable", `QMP monitor ${path}: ${why}`, { cause, context: { path } });
}
