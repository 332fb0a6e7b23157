/** What the agents of a fleet tell every ten seconds, made up: hosts with VMs, each with a disk, a network interface and two vCPUs. */
import type { Point } from "../../common/measurements/measurements.ts";
import { createRandom, type Random } from "../support/random.ts";

export const STEP_NS = 10_000_000_000n;
const HOSTS = 20;
const GIB = 2 ** 30;

interface Machine {
	readonly host: string;
	readonly vm: string;
	busy: number;
	cpuTime: number;
	read: number;
	written: number;
	received: number;
	sent: number;
}

export class Fleet {
	/** Values made so far. */
	values = 0;
	readonly #random: Random = createRandom(20_261_121);
	readonly #hosts: readonly Machine[][];

	constructor(vms: number) {
		const machines = Array.from({ length: vms }, (_, at): Machine => {
			return {
				host: hostName(at % HOSTS),
				vm: vmName(at),
				busy: 20,
				cpuTime: 0,
				read: 0,
				written: 0,
				received: 0,
				sent: 0,
			};
		});
		this.#hosts = [...Map.groupBy(machines, ({ host }) => host).values()];
	}

	/** A round of readings: a write for each agent. */
	round(timeNs: bigint): Point[][] {
		return this.#hosts.map((machines, host) => {
			// Agents are out of step, and timers are late.
			const late = BigInt(host) * 450_000_000n + BigInt(this.#random.below(3_000_000));
			const points = machines.flatMap((machine) => this.#read(machine, timeNs + late));
			for (const { fields } of points) this.values += Object.keys(fields).length;
			return points;
		});
	}

	#read(machine: Machine, timeNs: bigint): Point[] {
		const random = this.#random;
		machine.busy = Math.min(100, Math.max(0, machine.busy + random.between(-3, 3)));
		machine.cpuTime += machine.busy * 2e8;
		machine.read += random.below(200) * 4096;
		machine.written += random.below(300) * 4096;
		machine.received += random.below(100_000);
		machine.sent += random.below(50_000);
		const { host, vm, busy, cpuTime, read, written, received, sent } = machine;
		const tags = { host, vm };
		return [
			{
				measurement: "vm",
				tags,
				timeNs,
				fields: {
					state: 1,
					up: 1,
					uptime_seconds: Number(timeNs / 1_000_000_000n) - 1.7e9,
					cpu_time: cpuTime,
					cpu_user: Math.round(cpuTime * 0.8),
					cpu_system: Math.round(cpuTime * 0.2),
					cpu_usage_percent: busy,
					cpu_steal_percent: random.below(20) / 10,
					vcpu_current: 2,
					vcpu_maximum: 4,
					memory_bytes: 4 * GIB,
					memory_used_percent: 30 + random.below(50) / 10,
					balloon_current: 4 * 2 ** 20,
					balloon_maximum: 4 * 2 ** 20,
					balloon_swap_in: 0,
					balloon_swap_out: 0,
					balloon_major_fault: Math.floor(read / 1e6),
					balloon_minor_fault: Math.floor(read / 1e3),
					balloon_unused: 1_000_000 + random.below(100_000),
					balloon_available: 4_000_000,
					balloon_usable: 2_000_000 + random.below(100_000),
					balloon_rss: 3_000_000 + random.below(1000),
					threads: 9 + random.below(3),
					query_seconds: random.fraction() / 100,
				},
			},
			{
				measurement: "vm_disk",
				tags: { ...tags, disk: "vda" },
				timeNs,
				fields: {
					rd_reqs: read / 4096,
					rd_bytes: read,
					rd_times: read * 30,
					wr_reqs: written / 4096,
					wr_bytes: written,
					wr_times: written * 50,
					fl_reqs: Math.floor(written / 1e5),
					fl_times: written * 3,
					rd_merged: 0,
					wr_merged: 0,
					unmap_bytes: 0,
					errors: 0,
					idle_seconds: random.below(100) / 10,
					allocation: 18 * GIB,
					capacity: 20 * GIB,
					physical: 18 * GIB,
				},
			},
			{
				measurement: "vm_nic",
				tags: { ...tags, nic: "net0" },
				timeNs,
				fields: {
					rx_bytes: received,
					rx_pkts: Math.floor(received / 900),
					rx_errs: 0,
					rx_drop: 0,
					tx_bytes: sent,
					tx_pkts: Math.floor(sent / 900),
					tx_errs: 0,
					tx_drop: 0,
					up: 1,
				},
			},
			...[0.6, 0.4].map((share, vcpu): Point => {
				const time = Math.round(cpuTime * share);
				const fields = {
					state: 1 + vcpu,
					time,
					wait: 0,
					delay: time / 128,
					halted: vcpu,
					exits: Math.floor(time / 1e5),
				};
				return { measurement: "vm_vcpu", tags: { ...tags, vcpu: String(vcpu) }, timeNs, fields };
			}),
		];
	}
}

export function hostName(at: number): string {
	return `hv${String(at).padStart(2, "0")}`;
}

export function vmName(at: number): string {
	return `vm-${String(at).padStart(4, "0")}`;
}
