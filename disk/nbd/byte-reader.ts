/** What a client sends, in pieces of the length that is asked for; the client is held back meanwhile. */
import type { Socket } from "node:net";
import { UmbraError } from "../../common/errors.ts";

/** Received and not yet taken: many requests, or as much of an option as is allowed. */
const MAX_BUFFERED = 128 * 1024;

export class ByteReader {
	readonly #socket: Socket;
	#chunks: Buffer[] = [];
	#length = 0;
	#ended = false;
	#wake: (() => void) | undefined;

	constructor(socket: Socket) {
		this.#socket = socket;
		socket.on("data", (chunk: Buffer) => {
			this.#chunks.push(chunk);
			this.#length += chunk.length;
			if (this.#length >= MAX_BUFFERED) socket.pause();
			this.#wake?.();
		});
		const end = () => {
			this.#ended = true;
			this.#wake?.();
		};
		socket.once("end", end);
		socket.once("close", end);
	}

	/** Exactly `length` bytes, at most 64 KiB. @throws UmbraError `unavailable` where the client leaves before. */
	async take(length: number): Promise<Buffer> {
		while (this.#length < length) await this.#more();
		let first = this.#chunks[0] ?? Buffer.alloc(0);
		if (first.length < length) {
			first = Buffer.concat(this.#chunks);
			this.#chunks = [first];
		}
		this.#consume(length);
		return first.subarray(0, length);
	}

	/** Takes `length` bytes and keeps none. */
	async skip(length: number): Promise<void> {
		for (let left = length; left > 0; ) {
			while (this.#length === 0) await this.#more();
			const step = Math.min(left, this.#chunks[0]?.length ?? 0);
			this.#consume(step);
			left -= step;
		}
	}

	/** From the first chunk, which has that many. */
	#consume(length: number): void {
		const [first] = this.#chunks;
		if (first === undefined) return;
		if (first.length === length) this.#chunks.shift();
		else this.#chunks[0] = first.subarray(length);
		this.#length -= length;
		if (this.#length < MAX_BUFFERED && this.#socket.isPaused()) this.#socket.resume();
	}

	async #more(): Promise<void> {
		if (this.#ended) throw new UmbraError("unavailable", "the NBD client closed the connection");
		await new Promise<void>((resolve) => {
			this.#wake = resolve;
		});
		this.#wake = undefined;
	}
}
