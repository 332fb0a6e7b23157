/** What the kernel says of a process: processor time and memory. */
import { readFileSync, writeFileSync } from "node:fs";
import { runProgram } from "../../packaging/guest/programs.ts";

let ticksPerSecond: number | undefined;

/** User and system time since its start, all threads together. */
export async function cpuSeconds(pid: number): Promise<number> {
	ticksPerSecond ??= Number(await runProgram("getconf", ["CLK_TCK"]));
	const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
	// The second field, the name, may hold spaces and brackets; utime and stime are fields 14 and 15.
	const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
	return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Resident bytes: now, and the most since the start or the last `resetPeak`. */
export function memory(pid: number): { readonly rss: number; readonly peak: number } {
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	const field = (name: string): number => {
		const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
		if (kibibytes === undefined) throw new Error(`no ${name} in /proc/${pid}/status`);
		return Number(kibibytes) * 1024;
	};
	return { rss: field("VmRSS"), peak: field("VmHWM") };
}

/** proc(5), clear_refs: 5 resets the peak. */
export function resetPeak(pid: number): void {
	writeFileSync(`/proc/${pid}/clear_refs`, "5");
}
