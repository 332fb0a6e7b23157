/** A machine's process and the threads of its vCPUs, as the host's kernel counts them. */
import type { FieldsOf } from "../../../common/measurements/measurements.ts";
import { parseProcessStat, parseProcessStatus, parseSchedStat } from "../../proc/process.ts";
import { parseUptime } from "../../proc/system.ts";
import type { KernelTree } from "../../proc/tree.ts";

/** libvirt's numbers (virVcpuState). */
const VCPU_RUNNING = 1;
const VCPU_BLOCKED = 2;

/**
 * The process of a vCPU's thread. The machine names the thread as it sees it; where it runs in another PID namespace than
 * the agent, another process may have that number here.
 *
 * @returns undefined where there is none, or it does not look like the hypervisor
 */
export function findProcess(tree: KernelTree, threadId: number): number | undefined {
	const { pid } = parseProcessStatus(tree.text(`/proc/${threadId}/status`) ?? "");
	if (pid === undefined) return undefined;
	const name = tree.text(`/proc/${pid}/comm`) ?? "";
	const program = (tree.text(`/proc/${pid}/cmdline`) ?? "").split("\0", 1)[0] ?? "";
	return /qemu|kvm/i.test(`${name} ${program}`) ? pid : undefined;
}

export function readProcess(tree: KernelTree, pid: number): FieldsOf<"vm"> {
	const stat = parseProcessStat(tree.text(`/proc/${pid}/stat`) ?? "");
	if (stat === undefined) return {};
	const uptime = parseUptime(tree.text("/proc/uptime") ?? "");
	return {
		uptime_seconds: uptime === undefined ? undefined : Math.max(0, uptime - stat.startedNs / 1e9),
		cpu_time: stat.userNs + stat.systemNs,
		cpu_user: stat.userNs,
		cpu_system: stat.systemNs,
		threads: stat.threads,
		balloon_rss: parseProcessStatus(tree.text(`/proc/${pid}/status`) ?? "").rssKib,
	};
}

/** @returns undefined where the thread is gone */
export function readVcpu(
	tree: KernelTree,
	pid: number,
	threadId: number,
	countsIoWait: boolean,
): FieldsOf<"vm_vcpu"> | undefined {
	const folder = `/proc/${pid}/task/${threadId}`;
	const stat = parseProcessStat(tree.text(`${folder}/stat`) ?? "");
	if (stat === undefined) return undefined;
	// Kernels without scheduler statistics have the ticks alone.
	const scheduled = parseSchedStat(tree.text(`${folder}/schedstat`) ?? "");
	return {
		state: stat.state === "R" ? VCPU_RUNNING : VCPU_BLOCKED,
		time: scheduled?.ranNs ?? stat.userNs + stat.systemNs,
		delay: scheduled?.delayedNs,
		wait: countsIoWait ? stat.ioWaitNs : undefined,
	};
}

/** True where the kernel counts how long threads wait for block devices; it is off unless asked for. */
export function countsIoWait(tree: KernelTree): boolean {
	return tree.text("/proc/sys/kernel/task_delayacct")?.trim() === "1";
}
