/** The machine that the figures come from, without its name. */
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { formatBytes } from "../../common/units.ts";
import { chooseAccelerator } from "../../packaging/guest/accel.ts";
import { runProgram } from "../../packaging/guest/programs.ts";

export async function describeMachine(): Promise<string[]> {
	const model = cpus()[0]?.model ?? "unknown processor";
	const kernel = (await runProgram("uname", ["-sr"])).trim();
	const qemu = /version (\S+)/.exec(await runProgram("qemu-system-x86_64", ["--version"]))?.[1] ?? "?";
	// Decided when the first guest booted.
	const accelerator = await chooseAccelerator(async () => "tcg");
	const guests = accelerator === "kvm" ? "KVM" : "software emulation (tcg)";
	return [
		`${availableParallelism()} cores (${model}), ${formatBytes(totalmem())} of memory`,
		`${kernel}, Node.js ${process.versions.node}, QEMU ${qemu}; guests run under ${guests}`,
	];
}

/** Processes that wanted a core, mean of the last minute. */
export function load(): number {
	return loadavg()[0] ?? 0;
}
