/** The host's end of a line to QEMU: the guest's shell port, or QMP. */
import { createServer, type Server, type Socket } from "node:net";
import { messageOf, UmbraError } from "../../common/errors.ts";

/**
 * A unix socket that awaits one client, QEMU. QEMU connects to us, not we to it, so the line is there from
 * its first instruction and nothing polls. One reader at a time.
 */
export class Line implements AsyncDisposable {
	readonly #server: Server;
	readonly #connected = Promise.withResolvers<Socket>();
	#buffered: Buffer = Buffer.alloc(0);
	#failure: UmbraError | undefined;
	#wake: () => void = () => {};

	private constructor(server: Server) {
		this.#server = server;
		// Whoever writes learns of it.
		this.#connected.promise.catch(() => {});
		server.once("connection", (socket) => {
			socket.on("data", (bytes) => {
				this.#buffered = Buffer.concat([this.#buffered, bytes]);
				this.#wake();
			});
			// A broken socket closes, and that is what readers are told.
			socket.on("error", () => {});
			socket.on("close", () => this.fail(new UmbraError("unavailable", "QEMU closed the line")));
			this.#connected.resolve(socket);
		});
	}

	/** @throws UmbraError `unavailable`. */
	static async listen(path: string): Promise<Line> {
		const server = createServer();
		const line = new Line(server);
		await new Promise<void>((resolve, reject) => {
			server.once("error", (cause) =>
				reject(new UmbraError("unavailable", `cannot listen on ${path}: ${messageOf(cause)}`, { cause })),
			);
			server.listen(path, resolve);
		});
		return line;
	}

	/** Waits for QEMU to connect. @throws UmbraError `unavailable` after `fail`. */
	async write(data: string | Uint8Array): Promise<void> {
		const socket = await this.#connected.promise;
		if (this.#failure !== undefined) throw this.#failure;
		socket.write(data);
	}

	/** The next line, without its newline. @throws UmbraError `unavailable` where the line ended. */
	async readLine(): Promise<string> {
		const bytes = await this.#read(() => this.#buffered.indexOf("\n") + 1);
		return bytes.toString("utf8", 0, bytes.length - 1);
	}

	/** @throws UmbraError `unavailable` where the line ended. */
	async readBytes(length: number): Promise<Buffer> {
		if (length === 0) return Buffer.alloc(0);
		return await this.#read(() => (this.#buffered.length >= length ? length : 0));
	}

	/** Hands over as many bytes as `available` says, once it says more than 0. */
	async #read(available: () => number): Promise<Buffer> {
		for (;;) {
			const length = available();
			if (length > 0) {
				const bytes = this.#buffered.subarray(0, length);
				this.#buffered = this.#buffered.subarray(length);
				return bytes;
			}
			if (this.#failure !== undefined) throw this.#failure;
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
	}

	/** Ends the line: whoever waits now or later gets the first `error` given. */
	fail(error: UmbraError): void {
		this.#failure ??= error;
		this.#connected.reject(this.#failure);
		this.#wake();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.fail(new UmbraError("unavailable", "the line is closed"));
		const closed = new Promise((resolve) => this.#server.close(resolve));
		await this.#connected.promise.then(
			(socket) => socket.destroy(),
			() => {},
		);
		await closed;
	}
}
