/** The named pipe by which QEMU's stream comes, into memory that is used over and over: what is read is gigabytes. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { promisify } from "node:util";
import { messageOf, UmbraError } from "../../common/errors.ts";

const PIECE_BYTES = 256 * 1024;
/** 4 MiB that are read ahead while what was read before is worked on. */
const PIECES = 16;
/**
 * A pipe holds 64 KiB, for which writer and reader would have to be woken in turns; so it is made to hold 1 MiB, the most
 * that everyone may have. Node makes no such call: F_SETPIPE_SZ, the same on x86-64 and arm64.
 */
const WIDEN = "fcntl(STDIN, 1031, 1048576) or die";

export class RamPipe {
	readonly #socket: Socket;
	/** Without one the pipe would end before QEMU's shell has opened it. */
	#writer: number | undefined;
	/** Read, and not asked for yet. */
	readonly #read: Buffer[] = [];
	readonly #free: Buffer[] = [];
	#ended = false;
	#error: Error | undefined;
	#wake = (): void => {};

	private constructor(path: string, fd: number) {
		this.#socket = new Socket({
			fd,
			readable: true,
			onread: { buffer: () => this.#room(), callback: (length, buffer) => this.#onRead(length, buffer) },
		});
		this.#writer = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
		this.#socket.on("error", (error) => this.#end(error));
		this.#socket.on("end", () => this.#end());
		this.#socket.on("close", () => {
			if (!this.#ended) this.#end(new UmbraError("unavailable", `the pipe ${path} was closed before its end`));
		});
	}

	/** @param path nothing is there yet. @throws UmbraError `unavailable`. */
	static async open(path: string): Promise<RamPipe> {
		try {
			// QEMU may run as somebody else; the folder says who gets there.
			await promisify(execFile)("mkfifo", ["-m", "622", path]);
			const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
			const pipe = new RamPipe(path, fd);
			await widen(fd);
			return pipe;
		} catch (error) {
			throw new UmbraError("unavailable", `cannot make the pipe ${path}: ${messageOf(error)}`, {
				cause: error,
				context: { path },
			});
		}
	}

	/** To the end; the bytes of each piece are others once the next is asked for. */
	async *pieces(): AsyncGenerator<Uint8Array> {
		for (;;) {
			const piece = this.#read.shift();
			if (piece !== undefined) {
				yield piece;
				this.#free.push(Buffer.from(piece.buffer));
				if (this.#socket.isPaused()) this.#socket.resume();
			} else if (this.#error !== undefined) throw this.#error;
			else if (this.#ended) return;
			else {
				const { promise, resolve } = Promise.withResolvers<void>();
				this.#wake = resolve;
				await promise;
			}
		}
	}

	/** What nobody has read is lost; QEMU's shell throws away what follows. */
	close(): void {
		this.#begun();
		this.#socket.destroy();
	}

	#room(): Buffer {
		return this.#free.pop() ?? Buffer.allocUnsafeSlow(PIECE_BYTES);
	}

	/** @returns whether to read on. */
	#onRead(length: number, buffer: Uint8Array): boolean {
		this.#begun();
		this.#read.push(Buffer.from(buffer.buffer, 0, length));
		this.#wake();
		if (this.#read.length < PIECES) return true;
		this.#socket.pause();
		return false;
	}

	#begun(): void {
		if (this.#writer !== undefined) closeSync(this.#writer);
		this.#writer = undefined;
	}

	#end(error?: Error): void {
		this.#error ??= error;
		this.#ended = true;
		this.#wake();
	}
}

/** Where it cannot be done, the pipe stays as it is. */
async function widen(fd: number): Promise<void> {
	await once(spawn("perl", ["-e", WIDEN], { stdio: [fd, "ignore", "ignore"] }), "exit").catch(() => {});
}
