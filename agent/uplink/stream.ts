/** A gRPC stream as promises: writing waits for room, ending and failing are one promise. */
import type { ClientDuplexStream } from "@grpc/grpc-js";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { translateRpcError } from "./rpc-error.ts";

/** What of a grpc-js stream can be written to. */
interface Writable<T> {
	write(message: T): boolean;
	once(event: "drain" | "close" | "error", listener: () => void): unknown;
	off(event: "drain" | "close" | "error", listener: () => void): unknown;
}

/**
 * Writes, and waits while the stream says that it holds enough: writing on regardless was seen to take 1.5 GB in
 * six seconds. Returns on the stream's end too, which its owner learns elsewhere.
 */
export async function writeToStream<T>(stream: Writable<T>, message: T, ended: AbortSignal): Promise<void> {
	if (ended.aborted || stream.write(message)) return;
	await new Promise<void>((resolve) => {
		const settle = () => {
			stream.off("drain", settle);
			stream.off("close", settle);
			stream.off("error", settle);
			ended.removeEventListener("abort", settle);
			resolve();
		};
		stream.once("drain", settle);
		stream.once("close", settle);
		stream.once("error", settle);
		ended.addEventListener("abort", settle, { once: true });
	});
}

/** A call on which both sides send. It is cancelled by the signal, or by being disposed of. */
export class DuplexCall<Req, Res> implements Disposable {
	readonly #call: ClientDuplexStream<Req, Res>;
	readonly #over = new AbortController();
	readonly #signal: AbortSignal;
	readonly #cancel = () => this.#call.cancel();
	/** Settles with the call: resolved where the other side ended it in good order, else rejected with an UmbraError. */
	readonly ended: Promise<void>;

	constructor(
		call: ClientDuplexStream<Req, Res>,
		options: { doing: string; address: string; signal: AbortSignal; onMessage: (message: Res) => void },
	) {
		this.#call = call;
		this.#signal = options.signal;
		this.ended = new Promise((resolve, reject) => {
			call.on("data", (message: Res) => {
				try {
					options.onMessage(message);
				} catch (error) {
					reject(
						new UmbraError("corrupt", `the collector at ${options.address} sent what it may not: ${messageOf(error)}`, {
							cause: error,
						}),
					);
					call.cancel();
				}
			});
			call.on("end", resolve);
			call.on("error", (error) => reject(translateRpcError(error, options.doing, options.address)));
		});
		this.ended.then(
			() => this.#over.abort(),
			() => this.#over.abort(),
		);
		options.signal.addEventListener("abort", this.#cancel, { once: true });
		if (options.signal.aborted) call.cancel();
	}

	get over(): boolean {
		return this.#over.signal.aborted;
	}

	/** Resolves once there is room for the next message, or the call is over. */
	write(message: Req): Promise<void> {
		return writeToStream(this.#call, message, this.#over.signal);
	}

	/** This side has nothing more to say. */
	end(): void {
		this.#call.end();
	}

	[Symbol.dispose](): void {
		this.#signal.removeEventListener("abort", this.#cancel);
		if (!this.over) this.#call.cancel();
	}
}
