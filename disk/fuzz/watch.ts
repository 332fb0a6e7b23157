/** A worker whose rounds are watched from outside: a parser that hangs or takes all memory cannot tell of it. */
import { fork } from "node:child_process";
import { readFileSync } from "node:fs";

/** What a worker says: it is ready, it begins a round, or a round failed. */
export type FuzzReport =
	| { readonly kind: "ready" }
	| { readonly kind: "round"; readonly round: number }
	| { readonly kind: "failed"; readonly round: number; readonly error: string };

export interface Bounds {
	/** Of one round. */
	readonly roundMs: number;
	/** Until the first one begins. */
	readonly startMs: number;
	/** What the rounds may take beyond what the process held when they began, garbage included. */
	readonly memoryBytes: number;
	readonly minRounds: number;
}

/** Keeps V8 from letting garbage lie until it looks like use; where all of this is in use, it ends the process. */
const HEAP_MIB = 128;
const WATCH_MS = 50;

export interface Outcome {
	readonly rounds: number;
	/** What went wrong, in words. */
	readonly fault: string | undefined;
	/** Most bytes that it took beyond what it began with. */
	readonly memory: number;
	/** Bytes that it began with. */
	readonly base: number;
}

/**
 * Starts a worker and ends it: when `milliseconds` of rounds are over and there were enough of them, or at the first
 * that fails or leaves the bounds.
 *
 * @param argument the worker's only one.
 */
export async function watch(program: string, argument: string, milliseconds: number, bounds: Bounds): Promise<Outcome> {
	const { roundMs, startMs, memoryBytes, minRounds } = bounds;
	const worker = fork(program, [argument], {
		stdio: ["ignore", "ignore", "pipe", "ipc"],
		execArgv: [`--max-old-space-size=${HEAP_MIB}`],
	});
	let said = "";
	worker.stderr?.setEncoding("utf8").on("data", (text: string) => {
		said += text.slice(0, 10_000 - said.length);
	});
	const started = performance.now();
	let rounds = 0;
	let since = started;
	let until = Number.POSITIVE_INFINITY;
	let base = 0;
	let memory = 0;
	return new Promise<Outcome>((resolve) => {
		const end = (fault?: string): void => {
			clearInterval(timer);
			worker.kill("SIGKILL");
			resolve({ rounds, fault, memory, base });
		};
		worker.on("message", (report: FuzzReport) => {
			since = performance.now();
			if (report.kind === "ready") {
				base = memoryOf(worker.pid!, "VmRSS");
				until = since + milliseconds;
			} else if (report.kind === "round") rounds = report.round + 1;
			else end(report.error);
		});
		worker.once("exit", (code, signal) => end(`the worker ended with ${code ?? signal}: ${said}`));
		const timer = setInterval(() => {
			const now = performance.now();
			const took = now - since;
			if (base > 0) memory = Math.max(memory, memoryOf(worker.pid!, "VmHWM") - base);
			if (memory > memoryBytes) end(`${memory} bytes of memory, after ${Math.round(took)} ms`);
			else if (took > (rounds === 0 ? startMs : roundMs)) end(`no end after ${Math.round(took)} ms`);
			else if (now > until && rounds >= minRounds) end();
		}, WATCH_MS);
	});
}

/** Bytes; 0 of a process that is gone. */
function memoryOf(pid: number, field: "VmRSS" | "VmHWM"): number {
	try {
		const status = readFileSync(`/proc/${pid}/status`, "latin1");
		return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? 0) * 1024;
	} catch {
		return 0;
	}
}
