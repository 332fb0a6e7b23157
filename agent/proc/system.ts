/** The host as a whole: proc(5), proc_stat(5), Documentation/accounting/psi.rst. */

/** What the kernel counts processor time in, in user space's eyes: USER_HZ is 100 on every architecture that Node runs on. */
export const TICK_MS = 10;
export const TICK_NS = TICK_MS * 1e6;

/** Ticks since boot, of all processors together. `guest` and `guestNice` are in `user` and `nice` as well. */
export interface CpuTimes {
	readonly user: number;
	readonly nice: number;
	readonly system: number;
	readonly idle: number;
	readonly iowait: number;
	readonly irq: number;
	readonly softirq: number;
	readonly steal: number;
	readonly guest: number;
	readonly guestNice: number;
}

export interface SystemStat {
	readonly cpu: CpuTimes | undefined;
	/** Processors online. */
	readonly cores: number | undefined;
	readonly contextSwitches: number | undefined;
}

/** /proc/stat. Old kernels tell fewer kinds of time: those are 0. */
export function parseStat(text: string): SystemStat {
	const all = /^cpu +(\d.*)$/m.exec(text)?.[1]?.split(" ").map(Number);
	const at = (index: number): number => all?.[index] ?? 0;
	const cores = text.match(/^cpu\d+ /gm)?.length;
	return {
		cpu:
			all === undefined
				? undefined
				: {
						...{ user: at(0), nice: at(1), system: at(2), idle: at(3), iowait: at(4) },
						...{ irq: at(5), softirq: at(6), steal: at(7), guest: at(8), guestNice: at(9) },
					},
		cores,
		contextSwitches: numberAfter(text, "ctxt"),
	};
}

export interface LoadAverage {
	readonly load1: number;
	readonly load5: number;
	readonly load15: number;
	/** Threads that exist. */
	readonly tasks: number;
}

/** /proc/loadavg: "0.52 0.58 0.59 2/1234 5678". */
export function parseLoadAverage(text: string): LoadAverage | undefined {
	const match = /^([\d.]+) ([\d.]+) ([\d.]+) \d+\/(\d+) /.exec(text);
	if (match === null) return undefined;
	const [load1 = 0, load5 = 0, load15 = 0, tasks = 0] = match.slice(1).map(Number);
	return { load1, load5, load15, tasks };
}

/** /proc/uptime, in seconds. */
export function parseUptime(text: string): number | undefined {
	const match = /^\d+(\.\d+)?/.exec(text);
	return match === null ? undefined : Number(match[0]);
}

/** /proc/vmstat, of which pages from and to swap are wanted. */
export function parseSwapping(text: string): { readonly in: number | undefined; readonly out: number | undefined } {
	return { in: numberAfter(text, "pswpin"), out: numberAfter(text, "pswpout") };
}

/** Percent of the last 10 s in which some, or all, tasks stood still for want of the resource. */
export interface Pressure {
	readonly some: number | undefined;
	/** Of processors there is none on old kernels, and none that means anything of the host as a whole. */
	readonly full: number | undefined;
}

/** /proc/pressure/cpu, memory or io. */
export function parsePressure(text: string): Pressure {
	const average = (kind: string): number | undefined => {
		const match = new RegExp(`^${kind} avg10=([\\d.]+) `, "m").exec(text);
		return match === null ? undefined : Number(match[1]);
	};
	return { some: average("some"), full: average("full") };
}

/** The number in the line that begins with `name`. */
function numberAfter(text: string, name: string): number | undefined {
	const match = new RegExp(`^${name} (\\d+)`, "m").exec(text);
	return match === null ? undefined : Number(match[1]);
}
