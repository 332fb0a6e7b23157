/** The line to a guest agent of a machine that runs, where QEMU listens for who wants to speak to it. */
import { createConnection, type Socket } from "node:net";
import { messageOf, UmbraError } from "../../common/errors.ts";
import type { GuestLine } from "./guest-agent.ts";

export class SocketLine implements GuestLine, AsyncDisposable {
	readonly #socket: Socket;
	readonly #closed: Promise<void>;

	private constructor(socket: Socket) {
		this.#socket = socket;
		this.#closed = new Promise((resolve) => socket.once("close", () => resolve()));
		// A broken connection is noticed by who waits for an answer.
		socket.on("error", () => undefined);
	}

	/** @throws UmbraError `unavailable`. */
	static async connect(path: string): Promise<SocketLine> {
		const socket = createConnection({ path });
		await new Promise<void>((resolve, reject) => {
			socket.once("connect", resolve);
			socket.once("error", (cause) => reject(new UmbraError("unavailable", `${path}: ${messageOf(cause)}`, { cause })));
		});
		return new SocketLine(socket);
	}

	onData(listener: (bytes: Buffer) => void): () => void {
		this.#socket.on("data", listener);
		return () => this.#socket.off("data", listener);
	}

	write(bytes: Uint8Array): void {
		if (!this.#socket.writable) throw new UmbraError("unavailable", "the guest agent's line is closed");
		this.#socket.write(bytes);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#socket.destroy();
		await this.#closed;
	}
}
