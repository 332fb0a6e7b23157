/**
 * Processes of trials. Each ends with the agent (PR_SET_PDEATHSIG, by setpriv), carries a mark in its environment by
 * which a later agent finds it all the same, and is never mistaken for another that got its number: that is told by the
 * time of its start.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { KernelTree } from "../proc/tree.ts";

/** In the environment of every process of a trial: the folder of the template that it belongs to. */
export const MARK = "UMBRA_TRIAL";

/** What else a process is told about itself is not the agent's: it may have secrets. */
const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/** End of what a process said, for errors. */
const MAX_SAID = 2000;

/** Joins groups and limits itself, then becomes the program: `sh -c IT umbra FSIZE NICE GROUPS... -- COMMAND...`. */
const PREPARE = `
[ "$1" = 0 ] || ulimit -f "$1"
nice=$2
shift 2
while [ "$1" != -- ]; do echo $$ > "$1" || exit 125; shift; done
shift
[ "$nice" = 0 ] && exec "$@"
exec nice -n "$nice" "$@"
`;

export interface Confinement {
	/** Files of control groups that take the number of a process, "/sys/fs/cgroup/.../cgroup.procs". */
	readonly groups: readonly string[];
	/** 0: as the agent. */
	readonly nice: number;
	/** In a network namespace of its own, which has nothing in it. */
	readonly ownNetwork: boolean;
}

export interface ProcessOptions {
	readonly command: readonly [string, ...string[]];
	/** Made before; the process's working directory. */
	readonly folder: string;
	readonly mark: string;
	readonly stdin: number | "pipe";
	/** File in the folder for what it says. "pipe" leaves its standard output to the caller. */
	readonly log: string;
	readonly stdout?: "pipe";
	readonly confinement: Confinement;
	/** Bytes of the longest file that it may write; 0: any. */
	readonly maxFileBytes: number;
}

/** A process, told apart from all that will ever have its number. */
export interface ProcessId {
	readonly pid: number;
	/** Of the host's boot, since start times count from it. */
	readonly boot: string;
	/** In ticks since boot. */
	readonly started: number;
}

export class TrialProcess implements AsyncDisposable {
	readonly id: ProcessId;
	readonly child: ChildProcess;
	/** How it ended: an exit code, or the signal's name. Never rejects. */
	readonly finished: Promise<number | NodeJS.Signals>;
	readonly #log: string;
	#ended = false;
	#isDisposed = false;

	private constructor(child: ChildProcess, id: ProcessId, log: string) {
		this.child = child;
		this.id = id;
		this.#log = log;
		this.finished = new Promise((resolve) => {
			child.once("exit", (code, signal) => {
				this.#ended = true;
				resolve(code ?? signal ?? 0);
			});
		});
	}

	/** @throws UmbraError `unavailable`. */
	static async start(options: ProcessOptions): Promise<TrialProcess> {
		const { command, folder, confinement, maxFileBytes } = options;
		const log = `${folder}/${options.log}`;
		await using output = await open(log, "w", 0o600);
		const kilobytes = String(Math.ceil(maxFileBytes / 1024));
		// dash counts in blocks of 512 bytes.
		const blocks = maxFileBytes === 0 ? "0" : String(Number(kilobytes) * 2);
		const args = [
			...["--pdeathsig", "KILL"],
			...(confinement.ownNetwork ? ["unshare", "--net"] : []),
			...["/bin/sh", "-c", PREPARE, "umbra", blocks, String(confinement.nice), ...confinement.groups, "--", ...command],
		];
		const child = spawn("setpriv", args, {
			cwd: folder,
			env: { PATH, [MARK]: options.mark },
			stdio: [options.stdin, options.stdout ?? output.fd, output.fd],
		});
		await new Promise<void>((resolve, reject) => {
			child.once("spawn", resolve);
			child.once("error", (cause) =>
				reject(
					new UmbraError("unavailable", `cannot start ${command[0]}: ${messageOf(cause)}`, {
						cause,
						hint: "trials need setpriv, unshare (util-linux) and perl-base, which Debian always has",
					}),
				),
			);
		});
		const id = identify(child.pid as number);
		const started = new TrialProcess(child, id ?? { pid: child.pid as number, boot: "", started: 0 }, log);
		return started;
	}

	get hasEnded(): boolean {
		return this.#ended;
	}

	/** It was ended from here. */
	get isDisposed(): boolean {
		return this.#isDisposed;
	}

	/** The end of what it said on its standard output and error. */
	async said(): Promise<string> {
		return (await readFile(this.#log, "utf8").catch(() => "")).trim().slice(-MAX_SAID);
	}

	/** By SIGKILL; resolves when it is gone. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.#isDisposed = true;
		if (!this.#ended) this.child.kill("SIGKILL");
		await this.finished;
	}
}

const tree = new KernelTree();

/** Undefined where there is no such process any more. */
export function identify(pid: number): ProcessId | undefined {
	const stat = tree.text(`/proc/${pid}/stat`);
	const boot = tree.text("/proc/sys/kernel/random/boot_id")?.trim();
	if (stat === undefined || boot === undefined) return undefined;
	// The name is in brackets and may hold any characters; the time of its start is field 22.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return fields[0] === "Z" ? undefined : { pid, boot, started: Number(fields[19]) };
}
