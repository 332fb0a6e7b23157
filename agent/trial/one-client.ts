/** A unix socket on which one client is awaited: QEMU comes to us, so that nothing polls and the line is there from its start. */
import { createServer, type Server, type Socket } from "node:net";
import { messageOf, UmbraError } from "../../common/errors.ts";

/** sun_path of unix(7), less its NUL. */
export const MAX_SOCKET_PATH = 107;

export class OneClient implements AsyncDisposable {
	readonly #server: Server;
	readonly #connected = Promise.withResolvers<Socket>();
	#socket: Socket | undefined;

	private constructor(server: Server) {
		this.#server = server;
		this.#connected.promise.catch(() => undefined); // Whoever waits for it sees it.
	}

	/** @throws UmbraError `unavailable`. */
	static async listen(path: string): Promise<OneClient> {
		const server = createServer();
		const one = new OneClient(server);
		server.on("connection", (socket) => {
			// A broken connection closes, and that is what counts.
			socket.on("error", () => undefined);
			if (one.#socket !== undefined) {
				socket.destroy();
				return;
			}
			one.#socket = socket;
			one.#connected.resolve(socket);
		});
		await new Promise<void>((resolve, reject) => {
			server.once("error", (cause) => {
				reject(new UmbraError("unavailable", `cannot listen on ${path}: ${messageOf(cause)}`, { cause }));
			});
			server.listen(path, resolve);
		});
		return one;
	}

	/** @throws UmbraError `unavailable` when it was disposed of. */
	get connected(): Promise<Socket> {
		return this.#connected.promise;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#connected.reject(new UmbraError("unavailable", "nobody connected"));
		this.#socket?.destroy();
		await new Promise((resolve) => this.#server.close(resolve));
	}
}
