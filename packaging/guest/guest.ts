/**
 * A small real virtual machine: a stock Linux kernel and busybox in RAM, its disks whatever image files it
 * is given. The demo shadows it and the tests put it through its paces.
 *
 * Words: the *console* is the kernel's own log on the first serial port; the *shell port* is the virtio-serial
 * line over which the host has scripts run; the *private monitor* is a QMP line of its own, so that whoever
 * watches the guest through `qmpSocket` meets it as they would find any VM.
 *
 * This folder knows common/ only: not the agent that watches, not the tests that ask.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { type Accelerator, chooseAccelerator } from "./accel.ts";
import { type GuestDisk, type GuestPaths, qemuArguments } from "./arguments.ts";
import { Line } from "./channel.ts";
import { buildInitramfs } from "./initramfs.ts";
import { KERNEL } from "./kernel.ts";
import { findProgram, missingProgram } from "./programs.ts";

export type { DiskInterface, GuestDisk } from "./arguments.ts";

export interface GuestOptions {
	readonly disks: readonly GuestDisk[];
	/** For sockets and logs; made where it is not there, never deleted. Its path has to be short: sockets lie in it. */
	readonly folder: string;
	/** Default 256. */
	readonly memoryMb?: number;
	/** QEMU's name for the VM. Default: the folder's. */
	readonly name?: string;
	/** Ends the guest as `kill` does, now or later. */
	readonly signal?: AbortSignal;
	/** Further arguments for QEMU. */
	readonly extraArgs?: readonly string[];
	/** Further modules of the guest's kernel, for devices that `extraArgs` add: "virtio_balloon". */
	readonly modules?: readonly string[];
	/** Whether QEMU's guest agent runs in it; whoever wants to speak to it connects to `agentSocket`. */
	readonly guestAgent?: boolean;
}

export interface RunResult {
	readonly code: number;
	/** Standard output and standard error as they came. */
	readonly output: string;
}

/** A Linux guest answers within 3 s on an idle host; on a loaded one, under emulation, it may take ten times that. */
const BOOT_MS = 60_000;
/** Under a KVM that works a guest boots in about one second. */
const KVM_TRIAL_MS = 10_000;
const RUN_MS = 60_000;
const SHUTDOWN_MS = 30_000;
/** sun_path of unix(7), less its NUL. */
const MAX_SOCKET_PATH = 107;
const CONSOLE_LINES = 40;

/**
 * Boots a guest and waits until it takes scripts. The first disk with an ext4 filesystem, whole or in its first
 * partition, is mounted at /mnt, the second disk's at /mnt1 and so on.
 *
 * @throws UmbraError `not-found` before the bootstrap has run; `unavailable` where the guest does not come up,
 * with the console's end; `bad-config` where the folder's path is too long.
 */
export async function bootGuest(options: GuestOptions): Promise<Guest> {
	const accelerator = await chooseAccelerator(tryKvm);
	return await boot(options, accelerator, BOOT_MS);
}

async function tryKvm(): Promise<Accelerator> {
	const folder = await mkdtemp(join(tmpdir(), "umbra-kvm-"));
	try {
		await using guest = await boot({ disks: [], folder }, "kvm", KVM_TRIAL_MS);
		await guest.kill();
		return "kvm";
	} catch (error) {
		if (isUmbraError(error, "unavailable")) return "tcg";
		throw error;
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

async function boot(options: GuestOptions, accelerator: Accelerator, deadlineMs: number): Promise<Guest> {
	options.signal?.throwIfAborted();
	const { folder } = options;
	await mkdir(folder, { recursive: true });
	const paths: GuestPaths = {
		kernel: KERNEL,
		initramfs: join(folder, "initramfs.cpio"),
		console: join(folder, "console.log"),
		shell: join(folder, "shell.sock"),
		control: join(folder, "control.sock"),
		qmp: join(folder, "qmp.sock"),
		...(options.guestAgent === true ? { agent: join(folder, "agent.sock") } : {}),
	};
	if (Buffer.byteLength(paths.control) > MAX_SOCKET_PATH) {
		throw new UmbraError("bad-config", `the path of ${paths.control} is too long for a unix socket`, {
			context: { path: paths.control, wanted: `at most ${MAX_SOCKET_PATH} bytes` },
		});
	}
	const buses = new Set(options.disks.map((disk) => disk.interface ?? "virtio"));
	await writeFile(paths.initramfs, await buildInitramfs(buses, options));
	// What an earlier guest in this folder left, above all a socket after SIGKILL.
	for (const path of [paths.console, paths.shell, paths.control, paths.qmp, paths.agent ?? []].flat()) {
		await rm(path, { force: true });
	}
	await writeFile(paths.console, "");

	await using stack = new AsyncDisposableStack();
	const shell = stack.use(await Line.listen(paths.shell));
	const control = stack.use(await Line.listen(paths.control));
	const log = join(folder, "qemu.log");
	const child = await startQemu(
		qemuArguments({
			name: options.name ?? basename(folder),
			memoryMb: options.memoryMb ?? 256,
			accelerator,
			disks: options.disks,
			paths,
			extraArgs: options.extraArgs ?? [],
		}),
		log,
	);
	const guest = stack.use(new Guest({ child, shell, control, paths, log, accelerator, signal: options.signal }));
	const started = performance.now();
	// QEMU says its greeting, then wants its capabilities negotiated before anything else.
	await guest.greet(deadlineMs);
	await guest.run("true", { timeoutMs: deadlineMs - (performance.now() - started) });
	options.signal?.throwIfAborted();
	stack.move();
	return guest;
}

/** QEMU, ended by the kernel should this process die without a word; standard output and error go to `log`. */
async function startQemu(args: readonly string[], log: string): Promise<ChildProcess> {
	const qemu = findProgram("qemu-system-x86_64");
	if (qemu === undefined) throw missingProgram("qemu-system-x86_64");
	const setpriv = findProgram("setpriv");
	const command = setpriv === undefined ? [qemu] : [setpriv, "--pdeathsig", "KILL", qemu];
	await using output = await open(log, "w");
	const child = spawn(command[0]!, [...command.slice(1), ...args], { stdio: ["ignore", output.fd, output.fd] });
	await new Promise<void>((resolve, reject) => {
		child.once("spawn", resolve);
		child.once("error", (cause) => {
			reject(new UmbraError("unavailable", `cannot start ${qemu}: ${messageOf(cause)}`, { cause }));
		});
	});
	return child;
}

interface GuestParts {
	readonly child: ChildProcess;
	readonly shell: Line;
	readonly control: Line;
	readonly paths: GuestPaths;
	readonly log: string;
	readonly accelerator: Accelerator;
	readonly signal: AbortSignal | undefined;
}

/** A running guest. Disposing of it kills it. */
export class Guest implements AsyncDisposable {
	readonly #parts: GuestParts;
	/** QMP, for whoever watches this guest: QEMU takes one client at a time there. */
	readonly qmpSocket: string;
	/** The guest agent's, one client at a time; undefined where the guest was not given one. */
	readonly agentSocket: string | undefined;
	readonly pid: number;
	readonly accelerator: Accelerator;
	/** QEMU's exit code; null where a signal ended it. Never rejects. */
	readonly finished: Promise<number | null>;
	#scripts: Promise<unknown> = Promise.resolve();
	#commands: Promise<unknown> = Promise.resolve();
	#id = 0;

	/** @internal `bootGuest` makes one. */
	constructor(parts: GuestParts) {
		this.#parts = parts;
		this.qmpSocket = parts.paths.qmp;
		this.agentSocket = parts.paths.agent;
		this.pid = parts.child.pid!;
		this.accelerator = parts.accelerator;
		const abort = (): void => void parts.child.kill("SIGKILL");
		parts.signal?.addEventListener("abort", abort);
		this.finished = new Promise((resolve) => {
			parts.child.once("exit", (code) => {
				parts.signal?.removeEventListener("abort", abort);
				const error = new UmbraError("unavailable", "QEMU has ended");
				parts.shell.fail(error);
				parts.control.fail(error);
				resolve(code);
			});
		});
	}

	/**
	 * Runs a shell script in the guest, in /mnt, after those asked for before it. What it leaves in the background
	 * goes on. Disk writes are durable after `sync` only, as on any Linux.
	 *
	 * @throws UmbraError `unavailable` where the guest is gone or the script takes longer than `timeoutMs` (60 s by
	 * default); after that the guest takes no further scripts.
	 */
	async run(script: string, options: { readonly timeoutMs?: number } = {}): Promise<RunResult> {
		const result = this.#scripts.then(async () => {
			const { shell } = this.#parts;
			const timeoutMs = options.timeoutMs ?? RUN_MS;
			return await this.#within(timeoutMs, shell, `the guest did not finish "${headline(script)}"`, async () => {
				const id = String(++this.#id);
				const bytes = Buffer.from(script);
				await shell.write(Buffer.concat([Buffer.from(`${id} ${bytes.length}\n`), bytes]));
				const [answered, code, length] = (await shell.readLine()).split(" ");
				if (answered !== id) throw new UmbraError("internal", `the guest answered ${answered}; wanted ${id}`);
				return { code: Number(code), output: (await shell.readBytes(Number(length))).toString() };
			});
		});
		this.#scripts = result.catch(() => {});
		return await result;
	}

	/** Everything written so far reaches the image files. @throws UmbraError `unavailable`. */
	async sync(): Promise<void> {
		const { code, output } = await this.run("sync");
		if (code !== 0) throw new UmbraError("unavailable", `sync failed in the guest: ${output}`);
	}

	/**
	 * One QMP command on the private monitor.
	 *
	 * @returns what QEMU returned.
	 * @throws UmbraError `conflict` where QEMU refuses, with its words; `unavailable` where the guest is gone.
	 */
	async qmp(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
		const result = this.#commands.then(async () => {
			const { control } = this.#parts;
			return await this.#within(RUN_MS, control, `QEMU did not answer ${execute}`, async () => {
				await control.write(`${JSON.stringify({ execute, arguments: args })}\n`);
				for (;;) {
					const answer: unknown = JSON.parse(await control.readLine());
					if (typeof answer !== "object" || answer === null) continue;
					if ("return" in answer) return answer.return;
					// Events pass by.
					if (!("error" in answer)) continue;
					const { error } = answer;
					throw new UmbraError("conflict", `QEMU refused ${execute}: ${JSON.stringify(error)}`, {
						context: { execute },
					});
				}
			});
		});
		this.#commands = result.catch(() => {});
		return await result;
	}

	/** @internal */
	async greet(timeoutMs: number): Promise<void> {
		const { control } = this.#parts;
		await this.#within(timeoutMs, control, "QEMU did not greet", () => control.readLine());
		await this.qmp("qmp_capabilities");
	}

	/** SIGKILL, as if the host lost power between two instructions. Resolves when the process is gone. */
	async kill(): Promise<void> {
		this.#parts.child.kill("SIGKILL");
		await this.finished;
	}

	/** A clean end: the guest syncs, QEMU quits and writes what it keeps in its images, such as bitmaps. */
	async shutdown(): Promise<void> {
		await this.sync();
		// QEMU may be gone before its answer.
		await this.qmp("quit").catch((error: unknown) => {
			if (!isUmbraError(error, "unavailable")) throw error;
		});
		const timer = setTimeout(() => this.#parts.child.kill("SIGKILL"), SHUTDOWN_MS);
		const code = await this.finished;
		clearTimeout(timer);
		if (code !== 0) throw this.#gone(`QEMU did not quit cleanly (exit code ${code})`);
	}

	/** The last lines of the kernel's console. */
	console(): string {
		return tail(this.#parts.paths.console);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.kill();
		await this.#parts.shell[Symbol.asyncDispose]();
		await this.#parts.control[Symbol.asyncDispose]();
	}

	/** `work` on `line`; a line that misses its deadline is out of step for good, so it ends. */
	async #within<T>(timeoutMs: number, line: Line, what: string, work: () => Promise<T>): Promise<T> {
		const late = `${what} within ${Math.round(timeoutMs)} ms`;
		const timer = setTimeout(() => line.fail(new UmbraError("unavailable", late)), Math.max(0, timeoutMs));
		try {
			return await work();
		} catch (error) {
			this.#parts.signal?.throwIfAborted();
			throw isUmbraError(error, "unavailable") ? this.#gone(error.message) : error;
		} finally {
			clearTimeout(timer);
		}
	}

	#gone(message: string): UmbraError {
		const said = [tail(this.#parts.log), this.console()].filter((text) => text !== "").join("\n");
		return new UmbraError("unavailable", said === "" ? message : `${message}; last heard:\n${said}`, {
			context: { path: this.#parts.paths.console },
		});
	}
}

function headline(script: string): string {
	const line = script.split("\n", 1)[0] ?? "";
	return line.length > 60 ? `${line.slice(0, 60)}...` : line;
}

function tail(path: string): string {
	try {
		return readFileSync(path, "utf8").trimEnd().split("\n").slice(-CONSOLE_LINES).join("\n");
	} catch {
		return "";
	}
}
