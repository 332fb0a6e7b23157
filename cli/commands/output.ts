/** Standard output as a stream: at most a few buffers in memory, and a reader that goes away is no failure. */
import { once } from "node:events";
import { errnoOf, isAbort, messageOf, UmbraError } from "../../common/errors.ts";

/** Lines are collected into writes of this many characters. */
const BATCH = 64 * 1024;

/** Thrown through a command when nobody reads on: `umbra ls ... | head`. */
class ReaderGone extends Error {}

export class Output {
	readonly #stream: NodeJS.WriteStream;
	#lines: string[] = [];
	#pending = 0;
	#failure: Error | undefined;

	constructor(stream: NodeJS.WriteStream) {
		this.#stream = stream;
		stream.on("error", this.#onError);
	}

	/** Await the result where there is one: the reader is slower than we are. */
	line(text: string): Promise<void> | undefined {
		this.#lines.push(text);
		this.#pending += text.length + 1;
		return this.#pending < BATCH ? undefined : this.flush();
	}

	/** When it is fulfilled, the memory is the caller's again. */
	async bytes(chunk: Uint8Array): Promise<void> {
		await this.flush();
		this.#check();
		// The callback comes when the chunk was taken, or with the error that `#onError` has too.
		await new Promise<void>((resolve) => this.#stream.write(chunk, () => resolve()));
		this.#check();
	}

	async flush(): Promise<void> {
		if (this.#lines.length === 0) return;
		const text = `${this.#lines.join("\n")}\n`;
		this.#lines = [];
		this.#pending = 0;
		await this.#write(text);
	}

	/** Waits until all is handed over and lets go of the stream. */
	async end(): Promise<void> {
		await this.flush();
		// The callback comes when everything before it was taken, or with the error that stopped it.
		await new Promise<void>((resolve) => this.#stream.write("", () => resolve()));
		this.#check();
	}

	release(): void {
		this.#stream.off("error", this.#onError);
		// A late EPIPE must not end the process as an unhandled error.
		this.#stream.on("error", () => undefined);
	}

	async #write(chunk: string | Uint8Array): Promise<void> {
		this.#check();
		if (!this.#stream.write(chunk)) await once(this.#stream, "drain").catch(() => undefined);
		this.#check();
	}

	#check(): void {
		if (this.#failure === undefined) return;
		if (errnoOf(this.#failure) === "EPIPE") throw new ReaderGone();
		throw new UmbraError("unavailable", `cannot write to standard output: ${messageOf(this.#failure)}`, {
			cause: this.#failure,
		});
	}

	#onError = (error: Error): void => {
		this.#failure ??= error;
	};
}

/**
 * Runs a command that writes to standard output. Ends quietly when the reader goes away; SIGINT and SIGTERM abort it,
 * so that what it opened is closed.
 */
export async function withOutput(run: (output: Output, signal: AbortSignal) => Promise<void>): Promise<void> {
	const output = new Output(process.stdout);
	const abort = new AbortController();
	const stop = (name: NodeJS.Signals): void => {
		process.exitCode = name === "SIGINT" ? 130 : 143;
		abort.abort();
	};
	process.once("SIGINT", stop);
	process.once("SIGTERM", stop);
	try {
		await run(output, abort.signal);
		await output.end();
	} catch (error) {
		if (error instanceof ReaderGone) return;
		if (isAbort(error) && abort.signal.aborted) return;
		await output.end().catch(() => undefined);
		throw error;
	} finally {
		process.off("SIGINT", stop);
		process.off("SIGTERM", stop);
		output.release();
	}
}
