/** Processes and their threads: proc_pid_stat(5), proc_pid_status(5), Documentation/scheduler/sched-stats.rst. */
import { TICK_NS } from "./system.ts";

export interface ProcessStat {
	/** R running, S sleeping, D waiting for input or output, T stopped, ... */
	readonly state: string;
	/** Processor time of all threads (of the one, in a thread's file), in nanoseconds; it moves in steps of 10 ms. */
	readonly userNs: number;
	readonly systemNs: number;
	readonly threads: number;
	/** Nanoseconds from boot to its start. */
	readonly startedNs: number;
	/** Nanoseconds that it waited for block devices; 0 unless the kernel's delay accounting is on. */
	readonly ioWaitNs: number;
}

/** /proc/PID/stat and /proc/PID/task/TID/stat. */
export function parseProcessStat(text: string): ProcessStat | undefined {
	// The name is in brackets, and may hold brackets and spaces itself. After it comes field 3.
	const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
	const at = (field: number): number => Number(fields[field - 3]);
	if (fields.length < 40 || !Number.isFinite(at(14))) return undefined;
	return {
		state: fields[0] ?? "",
		userNs: at(14) * TICK_NS,
		systemNs: at(15) * TICK_NS,
		threads: at(20),
		startedNs: at(22) * TICK_NS,
		ioWaitNs: at(42) * TICK_NS,
	};
}

export interface ProcessStatus {
	/** The process that a thread belongs to. */
	readonly pid: number | undefined;
	readonly rssKib: number | undefined;
}

/** /proc/PID/status. */
export function parseProcessStatus(text: string): ProcessStatus {
	const value = (name: string): number | undefined => {
		const match = new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text);
		return match === null ? undefined : Number(match[1]);
	};
	return { pid: value("Tgid"), rssKib: value("VmRSS") };
}

export interface SchedStat {
	/** Nanoseconds on a processor. */
	readonly ranNs: number;
	/** Nanoseconds ready to run, waiting for a processor. */
	readonly delayedNs: number;
}

/** /proc/PID/task/TID/schedstat: "time on the cpu, time spent waiting on a runqueue, # of timeslices". */
export function parseSchedStat(text: string): SchedStat | undefined {
	const match = /^(\d+) (\d+) \d+/.exec(text);
	return match === null ? undefined : { ranNs: Number(match[1]), delayedNs: Number(match[2]) };
}

/** The tap or macvtap interface that a descriptor is attached to, from /proc/PID/fdinfo/FD. */
export function parseTapName(fdinfo: string): string | undefined {
	return /^iff:\s+(\S+)$/m.exec(fdinfo)?.[1];
}
