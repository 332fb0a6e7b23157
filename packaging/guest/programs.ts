/** Other programs: found on PATH and where administrators' programs lie, run with their complaint kept. */
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";
import { messageOf, UmbraError } from "../../common/errors.ts";

/** A user's PATH often lacks these. */
const ADMINISTRATORS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];
/** What a program may print before it is taken for a runaway. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/** The file that `name`, a program's name or path, would run; undefined where there is none. */
export function findProgram(name: string): string | undefined {
	if (name.includes("/")) return isExecutable(name) ? name : undefined;
	const folders = [...(process.env["PATH"] ?? "").split(":").filter((folder) => folder !== ""), ...ADMINISTRATORS];
	return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

export interface RunOptions {
	/** Written to its standard input. */
	readonly input?: string;
	/** Added to this process's environment. */
	readonly env?: Readonly<Record<string, string>>;
	readonly signal?: AbortSignal;
}

/**
 * Runs a program to its end and returns what it wrote to standard output.
 *
 * @throws UmbraError `not-found` where there is no such program, `internal` where it failed, with what it said.
 */
export async function runProgram(name: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
	const path = findProgram(name);
	if (path === undefined) throw missingProgram(name);
	return await new Promise((resolve, reject) => {
		const child = execFile(
			path,
			args,
			{ maxBuffer: MAX_OUTPUT, env: { ...process.env, ...options.env }, signal: options.signal },
			(error, stdout, stderr) => {
				if (error === null) resolve(stdout);
				else if (options.signal?.aborted === true) reject(error);
				else {
					const said = stderr.trim() || messageOf(error);
					const context = { path, found: said };
					reject(new UmbraError("internal", `${name} failed: ${said}`, { cause: error, context }));
				}
			},
		);
		// A program that ends without reading its input closes the pipe; its exit status tells.
		child.stdin?.on("error", () => {});
		child.stdin?.end(options.input ?? "");
	});
}

export function missingProgram(name: string): UmbraError {
	return new UmbraError("not-found", `there is no program ${name} on this host`, {
		context: { wanted: name },
		hint: "run: sh packaging/bootstrap.sh demo",
	});
}
