/** Whole commands, by the clock and by processor time. */
import { join } from "node:path";
import { ROOT, startProgram } from "../support/processes.ts";

export interface Timed {
	readonly seconds: number;
	/** User and system time of the command and all that it started. */
	readonly cpuSeconds: number;
}

/** The command as people start it: with its launcher. */
export const UMBRA = join(ROOT, "umbra");

/**
 * Runs a command to its end; what it writes is read by `cat` and thrown away, since some programs do less where they
 * write to /dev/null.
 *
 * @param fine exit codes that are no failure, beside 0.
 * @throws Error where it fails.
 */
export async function timed(
	command: readonly string[],
	{ env = {}, fine = [] }: { readonly env?: Readonly<Record<string, string>>; readonly fine?: readonly number[] } = {},
): Promise<Timed> {
	// `times` prints what the shell used itself, then what its children used: "0m0.301s 0m0.164s".
	const script = '{ "$@"; echo "code $?" >&2; } | cat >/dev/null; times';
	const start = performance.now();
	await using program = await startProgram("sh", ["-c", script, "sh", ...command], { env });
	await program.finished;
	const seconds = (performance.now() - start) / 1000;
	const code = Number(/code (\d+)\n/.exec(program.output())?.[1] ?? Number.NaN);
	if (code !== 0 && !fine.includes(code)) throw new Error(`${command.join(" ")} failed: ${program.output()}`);
	const children = program.stdout().trim().split("\n").at(-1) ?? "";
	const parts = [...children.matchAll(/(\d+)m([\d.]+)s/g)];
	if (parts.length !== 2) throw new Error(`no times: ${program.output()}`);
	return {
		seconds,
		cpuSeconds: parts.reduce((sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest), 0),
	};
}
