/** Child programs of a test: their output kept, awaited by what they say or by the port they open, gone with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { connect } from "node:net";
import { join } from "node:path";
import { UmbraError } from "../../common/errors.ts";
import { findProgram, missingProgram } from "../../packaging/guest/programs.ts";
import { type UntilOptions, until } from "./wait.ts";

export const ROOT: string = join(import.meta.dirname, "..", "..");

export interface StartOptions {
	readonly cwd?: string;
	/** Added to this process's environment. */
	readonly env?: Readonly<Record<string, string>>;
}

/** A started program. Disposing of it kills it. */
export interface Program extends AsyncDisposable {
	readonly pid: number;
	/** Exit code; null where a signal ended it. Never rejects. */
	readonly finished: Promise<number | null>;
	/** Standard output and standard error as they came so far. */
	output(): string;
	/** Standard output alone. */
	stdout(): string;
	/** Resolves with the first match in all output so far. @throws UmbraError `unavailable` where the program ends without. */
	said(pattern: RegExp, options?: Partial<UntilOptions>): Promise<RegExpExecArray>;
	/** Sends a signal (SIGKILL by default) and waits for the end. */
	kill(signal?: NodeJS.Signals): Promise<number | null>;
}

/** The `umbra` command of this checkout. @throws UmbraError `unavailable` where it cannot be started. */
export async function startUmbra(args: readonly string[], options: StartOptions = {}): Promise<Program> {
	return await startProgram(process.execPath, [join(ROOT, "cli", "main.ts"), ...args], options);
}

/**
 * Starts a program; the kernel ends it should this process die first.
 *
 * @throws UmbraError `not-found` where there is no such program, `unavailable` where it cannot be started.
 */
export async function startProgram(
	name: string,
	args: readonly string[],
	options: StartOptions = {},
): Promise<Program> {
	const path = findProgram(name);
	if (path === undefined) throw missingProgram(name);
	const setpriv = findProgram("setpriv");
	const command = setpriv === undefined ? [path] : [setpriv, "--pdeathsig", "KILL", path];
	const child = spawn(command[0]!, [...command.slice(1), ...args], {
		cwd: options.cwd,
		env: { ...process.env, ...options.env },
		stdio: ["ignore", "pipe", "pipe"],
	});
	await new Promise<void>((resolve, reject) => {
		child.once("spawn", resolve);
		child.once("error", (cause) => reject(new UmbraError("unavailable", `cannot start ${path}`, { cause })));
	});
	return watch(name, child);
}

function watch(name: string, child: ChildProcess): Program {
	let all = "";
	let stdout = "";
	child.stdout?.setEncoding("utf8").on("data", (text: string) => {
		all += text;
		stdout += text;
	});
	child.stderr?.setEncoding("utf8").on("data", (text: string) => {
		all += text;
	});
	let ended = false;
	// "close" comes after the last output, "exit" may come before it.
	const finished = new Promise<number | null>((resolve) => {
		child.once("close", (code) => {
			ended = true;
			resolve(code);
		});
	});
	return {
		pid: child.pid!,
		finished,
		output: () => all,
		stdout: () => stdout,
		said: async (pattern, wait = {}) => {
			return await until(
				() => {
					const match = pattern.exec(all);
					if (match !== null) return match;
					if (ended) throw new UmbraError("unavailable", `${name} ended before it said ${pattern}; it said:\n${all}`);
					return undefined;
				},
				{ what: `${name} says ${pattern}`, ...wait },
			);
		},
		kill: async (signal = "SIGKILL") => {
			child.kill(signal);
			return await finished;
		},
		[Symbol.asyncDispose]: async () => {
			child.kill("SIGKILL");
			await finished;
		},
	};
}

/** Waits until something listens: a port of 127.0.0.1, or the path of a unix socket. @throws UmbraError `unavailable`. */
export async function listening(address: number | string, options: Partial<UntilOptions> = {}): Promise<void> {
	await until(
		() =>
			new Promise<boolean>((resolve) => {
				const socket = typeof address === "number" ? connect(address, "127.0.0.1") : connect(address);
				socket.once("connect", () => resolve(true));
				socket.once("error", () => resolve(false));
				socket.once("close", () => resolve(false));
				socket.once("connect", () => socket.destroy());
			}),
		{ what: `something listens at ${address}`, ...options },
	);
}
