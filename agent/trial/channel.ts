/**
 * A character device of a clone: console, guest agent or port. It is drained whether or not somebody listens, since an
 * undrained one stops the guest; what is kept of it is bounded, since the guest decides how much it says.
 */
import type { Socket } from "node:net";
import { UmbraError } from "../../common/errors.ts";
import type { ChannelKind, PlannedChannel } from "./clone-plan.ts";
import { OneClient } from "./one-client.ts";

/** Of the end of what was said. A kernel's last words are some KiB. */
const MAX_KEPT = 256 * 1024;
/** Besides what the socket takes. A guest that reads nothing would have it grow for as long as somebody asks it. */
const MAX_UNSENT = 64 * 1024;

export class Channel implements AsyncDisposable {
	readonly kind: ChannelKind;
	/** Of the port in the guest, or of the console. */
	readonly name: string;
	readonly #client: OneClient;
	readonly #listeners = new Set<(bytes: Buffer) => void>();
	#kept: Buffer[] = [];
	#keptBytes = 0;
	#saidBytes = 0;
	#socket: Socket | undefined;

	private constructor({ kind, name }: PlannedChannel, client: OneClient) {
		this.kind = kind;
		this.name = name;
		this.#client = client;
	}

	/** @throws UmbraError `unavailable`. */
	static async listen(planned: PlannedChannel, folder: string): Promise<Channel> {
		const client = await OneClient.listen(`${folder}/${planned.socket}`);
		const channel = new Channel(planned, client);
		client.connected.then(
			(socket) => {
				channel.#socket = socket;
				socket.on("data", (bytes: Buffer) => channel.#take(bytes));
			},
			() => undefined,
		);
		return channel;
	}

	/** Bytes that came so far. */
	get saidBytes(): number {
		return this.#saidBytes;
	}

	/** The end of what came so far. */
	text(): string {
		return Buffer.concat(this.#kept).toString("utf8");
	}

	/** Calls `listener` with all that comes until the returned function is called. */
	onData(listener: (bytes: Buffer) => void): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** @throws UmbraError `unavailable` before QEMU has come, after it has gone, and while the guest takes nothing of what was written. */
	write(bytes: Uint8Array | string): void {
		const socket = this.#socket;
		if (socket?.writable !== true) throw new UmbraError("unavailable", `nobody is at ${this.name}`);
		if (socket.writableLength > MAX_UNSENT) {
			throw new UmbraError("unavailable", `the guest takes nothing of what is written to ${this.name}`);
		}
		socket.write(bytes);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#client[Symbol.asyncDispose]();
		this.#listeners.clear();
	}

	#take(bytes: Buffer): void {
		this.#saidBytes += bytes.length;
		this.#kept.push(bytes);
		this.#keptBytes += bytes.length;
		if (this.#keptBytes > 2 * MAX_KEPT) {
			this.#kept = [Buffer.concat(this.#kept).subarray(-MAX_KEPT)];
			this.#keptBytes = MAX_KEPT;
		}
		for (const listener of this.#listeners) listener(bytes);
	}
}
