/** What takes two readings of a machine, or two fields of one. Pure. */
import type { FieldsOf } from "../../common/measurements/measurements.ts";
import type { MachineReading } from "../hypervisor/hypervisor.ts";
import { percent, rise } from "./rates.ts";

/** What a vCPU's counters stood at, in nanoseconds. */
interface VcpuCounters {
	readonly time: number | undefined;
	readonly delay: number | undefined;
}

/** What is kept of a reading until the next: little, as every VM has one. */
export interface VcpuTimes {
	readonly atMs: number;
	readonly vcpus: ReadonlyMap<string, VcpuCounters>;
}

export function vcpuTimes(reading: MachineReading, atMs: number): VcpuTimes {
	return { atMs, vcpus: new Map([...reading.vcpus].map(([vcpu, { time, delay }]) => [vcpu, { time, delay }])) };
}

/** The shares of time of all vCPUs that were there at both readings. One whose counters began anew is left out. */
export function vcpuShares(before: VcpuTimes, now: VcpuTimes): FieldsOf<"vm"> {
	let [vcpus, ran, delayed] = [0, 0, 0];
	let knowsDelay = false;
	for (const [vcpu, { time, delay }] of now.vcpus) {
		const earlier = before.vcpus.get(vcpu);
		const ranNow = rise(earlier?.time, time);
		if (ranNow === undefined) continue;
		vcpus++;
		ran += ranNow;
		const delayedNow = rise(earlier?.delay, delay);
		if (delayedNow === undefined) continue;
		knowsDelay = true;
		delayed += delayedNow;
	}
	const all = (now.atMs - before.atMs) * 1e6 * vcpus;
	return {
		cpu_usage_percent: percent(ran, all),
		cpu_steal_percent: knowsDelay ? percent(delayed, all) : undefined,
	};
}

/** What the guest could not give back, of what it sees. */
export function memoryUsedPercent({ balloon_available: available, balloon_usable: usable }: FieldsOf<"vm">) {
	if (available === undefined || usable === undefined) return undefined;
	return percent(available - usable, available);
}
