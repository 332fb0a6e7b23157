/** A `qemu-nbd` of our own: it turns an image format that we do not read into an NBD export that we do. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError, type UmbraError } from "../../common/errors.ts";
import { translateFileError } from "./file.ts";
import type { ImageFormat } from "./image-format.ts";
import { BASE_ALLOCATION, NbdClient, nbdSource } from "./nbd/client.ts";
import type { Qcow2Snapshot } from "./qcow2.ts";
import { endError, imageOptions, optionValue, startError } from "./qemu-program.ts";
import type { BlockSource, SourceExtent } from "./source.ts";
import { requireWhole } from "./whole.ts";

const PROGRAM = "qemu-nbd";
/** Opening a qcow2 checks its tables first; a slow disk gets this long. */
const START_MS = 60_000;
const POLL_MS = 5;
/** How long the program gets to leave after its last client; then it is killed. */
const STOP_MS = 2000;
/** What an operator needs of its standard error. */
const MAX_STDERR_BYTES = 4096;

export interface QemuNbdOptions {
	readonly format: Exclude<ImageFormat, "raw">;
	readonly signal?: AbortSignal | undefined;
}

export interface ServeOptions {
	readonly format: ImageFormat;
	/** A block device, not a file. */
	readonly isDevice?: boolean;
	/** One within the image, instead of its present state. */
	readonly snapshot?: Qcow2Snapshot | undefined;
	readonly signal?: AbortSignal | undefined;
}

/** An image that a child serves read-only, under the empty export name, until it is disposed of. */
export interface ServedImage extends AsyncDisposable {
	readonly socketPath: string;
	/** A connection of our own, with `base:allocation` and `qemu:allocation-depth`; one more may be made. */
	readonly client: NbdClient;
}

/** For each range, from which image of the backing chain it comes: 1 is the image itself, 0 none of them. */
export const ALLOCATION_DEPTH = "qemu:allocation-depth";

/**
 * The guest's view of an image, through a read-only child on a private unix socket. The child ends
 * with its only client: when the source is disposed, and also when this process is killed.
 *
 * @throws UmbraError `unavailable` where the program is missing or cannot open the image, `conflict`
 * where a running VM holds the image's lock, `truncated` where a file of the image or of its backing chain ends before what
 * the image maps, of which QEMU would make zeroes; the signal's reason where it fires.
 */
export async function openWithQemuNbd(path: string, options: QemuNbdOptions): Promise<BlockSource> {
	options.signal?.throwIfAborted();
	await using opened = new AsyncDisposableStack();
	const child = opened.use(await QemuNbd.start(path, [...imageArguments(path, options.format), "--shared=1"]));
	const client = opened.use(await child.connect([BASE_ALLOCATION], options.signal));
	await requireWhole(path, options);
	const source = nbdSource(client, path);
	const owned = opened.move();
	return {
		size: source.size,
		name: path,
		read: (offset, length, signal) => source.read(offset, length, signal),
		extents: (offset, length, signal): Promise<SourceExtent[]> => source.extents(offset, length, signal),
		[Symbol.asyncDispose]: () => owned.disposeAsync(),
	};
}

/**
 * The same for those who speak NBD themselves.
 *
 * @throws UmbraError as `openWithQemuNbd`.
 */
export async function serveWithQemuNbd(path: string, options: ServeOptions): Promise<ServedImage> {
	const { format, isDevice = false, snapshot, signal } = options;
	signal?.throwIfAborted();
	await using opened = new AsyncDisposableStack();
	const chosen =
		snapshot === undefined
			? []
			: [`--load-snapshot=snapshot.id=${optionValue(snapshot.id)},snapshot.name=${optionValue(snapshot.name)}`];
	const child = opened.use(
		await QemuNbd.start(path, [
			...imageArguments(path, format, isDevice),
			"--allocation-depth",
			"--shared=2",
			...chosen,
		]),
	);
	const client = opened.use(await child.connect([BASE_ALLOCATION, ALLOCATION_DEPTH], signal));
	await requireWhole(path, { format, state: snapshot, signal });
	const owned = opened.move();
	return { socketPath: child.socketPath, client, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function imageArguments(path: string, format: ImageFormat, isDevice = false): string[] {
	return ["--read-only", "--image-opts", imageOptions(path, format, isDevice)];
}

/** What `setpriv` ends with where there is no such program. */
const NOT_FOUND = 127;
let guarded: readonly string[] | undefined;

/**
 * Has the kernel end the child with this process, which may be killed before it connects: a `qemu-nbd` waits for its first
 * client for ever. Without util-linux's `setpriv` that is what happens.
 */
function guard(): readonly string[] {
	const isThere = (folder: string) => existsSync(join(folder, "setpriv"));
	guarded ??= (process.env["PATH"] ?? "").split(delimiter).some(isThere) ? ["setpriv", "--pdeathsig", "KILL"] : [];
	return guarded;
}

/** Ended with this process where it ends in order; where it is killed, its connections close and they end by themselves. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
	for (const child of running) child.kill("SIGKILL");
});

class QemuNbd implements AsyncDisposable {
	readonly #folder: string;
	readonly #child: ChildProcess;
	/** Settles with the reason when the program is gone. */
	readonly #gone: Promise<UmbraError>;
	#ended: UmbraError | undefined;
	#served = false;

	private constructor(path: string, folder: string, child: ChildProcess) {
		this.#folder = folder;
		this.#child = child;
		running.add(child);
		let stderr = "";
		child.stderr?.setEncoding("utf8");
		child.stderr?.on("data", (text: string) => {
			stderr = (stderr + text).slice(-MAX_STDERR_BYTES);
		});
		this.#gone = new Promise((settle) => {
			const end = (reason: UmbraError) => {
				running.delete(child);
				this.#ended ??= reason;
				settle(this.#ended);
			};
			child.once("error", (error) => end(startError(PROGRAM, path, error)));
			// "close" comes after the last of standard error, "exit" may come before.
			child.once("close", (code, signal) => {
				const isMissing = code === NOT_FOUND && guard().length > 0;
				const missing = Object.assign(new Error(stderr), { code: "ENOENT" });
				end(isMissing ? startError(PROGRAM, path, missing) : endError(PROGRAM, path, { code, signal, stderr }));
			});
		});
	}

	get socketPath(): string {
		return join(this.#folder, "socket");
	}

	static async start(path: string, options: readonly string[]): Promise<QemuNbd> {
		let folder: string;
		try {
			folder = await mkdtemp(join(tmpdir(), "umbra-nbd-"));
		} catch (error) {
			throw translateFileError(tmpdir(), error);
		}
		const [program, ...args] = [...guard(), PROGRAM, `--socket=${join(folder, "socket")}`, ...options];
		const child = spawn(program!, args, { stdio: ["ignore", "ignore", "pipe"] });
		return new QemuNbd(path, folder, child);
	}

	/** Tries until the socket answers or the program has ended. The program leaves after its last client. */
	async connect(contexts: readonly string[], signal: AbortSignal | undefined): Promise<NbdClient> {
		const address = { path: this.socketPath };
		const deadline = performance.now() + START_MS;
		for (;;) {
			signal?.throwIfAborted();
			if (this.#ended !== undefined) throw this.#ended;
			try {
				const client = await NbdClient.connect({ address, exportName: "", contexts, signal });
				this.#served = true;
				return client;
			} catch (error) {
				// Not there yet, or there and not yet listening.
				if (!isUmbraError(error, "not-found", "unavailable")) throw error;
				if (performance.now() > deadline) throw error;
			}
			await Promise.race([this.#gone, sleep(POLL_MS)]);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// Once it has served its one client it leaves by itself; else nobody will ever come.
		if (!this.#served) this.#child.kill("SIGTERM");
		const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MS);
		await this.#gone;
		clearTimeout(timer);
		await rm(this.#folder, { recursive: true, force: true }).catch(() => {});
	}
}
