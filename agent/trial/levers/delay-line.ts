/**
 * A line between two unix sockets on which what the server says comes late: each answer so much later than it would, in the order in
 * which they were given. What the client says passes at once. Nothing of what is said is looked at.
 */
import { createConnection, type Socket } from "node:net";
import { messageOf, UmbraError } from "../../../common/errors.ts";
import { OneClient } from "../one-client.ts";

/** Answers that wait, in bytes; then the server is not listened to until some are gone. A guest has at most some MiB under way. */
const MAX_WAITING_BYTES = 64 * 2 ** 20;

interface Waiting {
	readonly bytes: Buffer;
	readonly dueMs: number;
}

export interface DelayLineOptions {
	/** A socket that is made, for one client. */
	readonly path: string;
	/** Where the server listens. */
	readonly server: string;
	/** 0 to 1. */
	readonly random: () => number;
}

export class DelayLine implements AsyncDisposable {
	/** Milliseconds that are added to each answer; may be changed at any time, and counts for the next answer. */
	delayMs = 0;
	/** As much again at random, at most. */
	jitterMs = 0;
	readonly #random: () => number;
	readonly #client: OneClient;
	readonly #server: Socket;
	readonly #waiting: Waiting[] = [];
	#waitingBytes = 0;
	#lastMs = 0;
	#timer: NodeJS.Timeout | undefined;
	#hurries = 0;
	#to: Socket | undefined;

	private constructor(client: OneClient, server: Socket, random: () => number) {
		this.#client = client;
		this.#server = server;
		this.#random = random;
		client.connected.then(
			(socket) => this.#plugIn(socket),
			() => undefined,
		);
	}

	/** @throws UmbraError `unavailable` where the server does not listen. */
	static async listen({ path, server, random }: DelayLineOptions): Promise<DelayLine> {
		const upstream = await connected(server);
		try {
			return new DelayLine(await OneClient.listen(path), upstream, random);
		} catch (error) {
			upstream.destroy();
			throw error;
		}
	}

	/** Lets all that waits go, and all that comes, until what it gives is disposed of. */
	hurry(): Disposable {
		this.#hurries++;
		this.#send();
		return {
			[Symbol.dispose]: () => {
				this.#hurries--;
			},
		};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		clearTimeout(this.#timer);
		this.#waiting.length = 0;
		this.#server.destroy();
		await this.#client[Symbol.asyncDispose]();
	}

	#plugIn(client: Socket): void {
		this.#to = client;
		client.pipe(this.#server);
		this.#server.on("data", (bytes: Buffer) => this.#take(bytes));
		this.#server.on("close", () => client.destroy());
		client.on("close", () => this.#server.destroy());
		client.on("drain", () => this.#server.resume());
	}

	#take(bytes: Buffer): void {
		const now = performance.now();
		const dueMs = now + this.delayMs + (this.jitterMs > 0 ? this.#random() * this.jitterMs : 0);
		this.#lastMs = Math.max(this.#lastMs, dueMs);
		this.#waiting.push({ bytes, dueMs: this.#lastMs });
		this.#waitingBytes += bytes.length;
		if (this.#waitingBytes > MAX_WAITING_BYTES) this.#server.pause();
		this.#send();
	}

	#send(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		if (this.#hurries > 0) this.#lastMs = 0;
		for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
			const waitMs = this.#hurries > 0 ? 0 : next.dueMs - performance.now();
			if (waitMs > 0) {
				this.#timer = setTimeout(() => this.#send(), Math.ceil(waitMs));
				return;
			}
			this.#waiting.shift();
			this.#waitingBytes -= next.bytes.length;
			if (this.#to?.write(next.bytes) === false) this.#server.pause();
			else if (this.#waitingBytes < MAX_WAITING_BYTES) this.#server.resume();
		}
	}
}

async function connected(path: string): Promise<Socket> {
	const socket = createConnection({ path });
	await new Promise<void>((resolve, reject) => {
		socket.once("connect", resolve);
		socket.once("error", (cause) =>
			reject(new UmbraError("unavailable", `nobody listens at ${path}: ${messageOf(cause)}`, { cause })),
		);
	});
	// A broken connection closes, and that is what counts.
	socket.on("error", () => undefined);
	return socket;
}
