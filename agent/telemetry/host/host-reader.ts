/**
 * The host's own readings: what moves, every round. From /proc and /sys, and of memory from systeminformation; why which,
 * docs/decisions/0011-telemetry-sources.md says.
 */
import type { Systeminformation } from "systeminformation";
import { type Point, point } from "../../../common/measurements/measurements.ts";
import { type DiskStat, parseDiskStats, parseNetDev } from "../../proc/devices.ts";
import { isUp } from "../../proc/nics.ts";
import {
	type CpuTimes,
	parseLoadAverage,
	parsePressure,
	parseStat,
	parseSwapping,
	parseUptime,
} from "../../proc/system.ts";
import type { KernelTree } from "../../proc/tree.ts";
import { percent, rise } from "../rates.ts";
import { hostDisks } from "./host-disks.ts";
import { hostNics } from "./host-nics.ts";

/** What of systeminformation's answer is used: bytes; 0 where the kernel does not tell. */
export type MemoryReading = Pick<
	Systeminformation.MemData,
	"total" | "free" | "available" | "buffers" | "cached" | "reclaimable" | "swaptotal" | "swapused" | "dirty"
>;

export interface HostReaderOptions {
	/** The tag. */
	readonly host: string;
	readonly tree: KernelTree;
	readonly memory: () => Promise<MemoryReading>;
}

interface Before {
	readonly atMs: number;
	readonly cpu: CpuTimes | undefined;
	readonly disks: ReadonlyMap<string, DiskStat>;
}

export class HostReader {
	readonly #options: HostReaderOptions;
	#before: Before | undefined;

	constructor(options: HostReaderOptions) {
		this.#options = options;
	}

	/**
	 * @param timeNs what the points carry
	 * @param atMs now, by a clock that is never set
	 */
	async read(timeNs: bigint, atMs: number): Promise<Point[]> {
		const { host, tree, memory } = this.#options;
		const stat = parseStat(tree.text("/proc/stat") ?? "");
		const disks = new Map(parseDiskStats(tree.text("/proc/diskstats") ?? "").map((disk) => [disk.name, disk]));
		const before = this.#before;
		this.#before = { atMs, cpu: stat.cpu, disks };
		const elapsedMs = before === undefined ? undefined : atMs - before.atMs;
		const points = [
			point("host", { host }, timeNs, {
				...cpuShares(before?.cpu, stat.cpu),
				cpu_cores: stat.cores,
				context_switches: stat.contextSwitches,
				...this.#load(),
				...memoryFields(await memory()),
				...this.#pressure(),
			}),
			...hostDisks(tree, disks).map((disk) =>
				point("host_disk", { host, disk: disk.name }, timeNs, {
					rd_reqs: disk.reads,
					rd_bytes: disk.readBytes,
					rd_times: disk.readMs,
					wr_reqs: disk.writes,
					wr_bytes: disk.writtenBytes,
					wr_times: disk.writeMs,
					in_flight: disk.inFlight,
					busy_percent: percent(rise(before?.disks.get(disk.name)?.busyMs, disk.busyMs), elapsedMs),
				}),
			),
			...this.#nics(timeNs),
		];
		return points.filter((each) => each !== null);
	}

	#load() {
		const { tree } = this.#options;
		const load = parseLoadAverage(tree.text("/proc/loadavg") ?? "");
		const swapping = parseSwapping(tree.text("/proc/vmstat") ?? "");
		return {
			load1: load?.load1,
			load5: load?.load5,
			load15: load?.load15,
			processes: load?.tasks,
			swap_in_pages: swapping.in,
			swap_out_pages: swapping.out,
			uptime_seconds: parseUptime(tree.text("/proc/uptime") ?? ""),
		};
	}

	/** A kernel with PSI compiled in and switched off has the files, and fails to read them. */
	#pressure() {
		const of = (resource: string) => parsePressure(this.#options.tree.text(`/proc/pressure/${resource}`) ?? "");
		const [memory, io] = [of("memory"), of("io")];
		return {
			pressure_cpu_some_percent: of("cpu").some,
			pressure_memory_some_percent: memory.some,
			pressure_memory_full_percent: memory.full,
			pressure_io_some_percent: io.some,
			pressure_io_full_percent: io.full,
		};
	}

	#nics(timeNs: bigint): (Point | null)[] {
		const { host, tree } = this.#options;
		const stats = parseNetDev(tree.text("/proc/net/dev") ?? "");
		return hostNics(tree, stats).map(([nic, stat]) =>
			point("host_nic", { host, nic }, timeNs, {
				rx_bytes: stat.rxBytes,
				rx_pkts: stat.rxPackets,
				rx_errs: stat.rxErrors,
				rx_drop: stat.rxDropped,
				tx_bytes: stat.txBytes,
				tx_pkts: stat.txPackets,
				tx_errs: stat.txErrors,
				tx_drop: stat.txDropped,
				up: isUp(tree, nic),
			}),
		);
	}
}

function cpuShares(before: CpuTimes | undefined, now: CpuTimes | undefined) {
	if (before === undefined || now === undefined) return {};
	const of = (name: keyof CpuTimes): number => rise(before[name], now[name]) ?? 0; // iowait may fall a little.
	const idle = of("idle") + of("iowait");
	const busy = of("user") + of("nice") + of("system") + of("irq") + of("softirq") + of("steal");
	const total = idle + busy;
	return {
		cpu_usage_percent: percent(busy, total),
		cpu_user_percent: percent(of("user") + of("nice"), total),
		cpu_system_percent: percent(of("system") + of("irq") + of("softirq"), total),
		cpu_guest_percent: percent(of("guest") + of("guestNice"), total),
		cpu_iowait_percent: percent(of("iowait"), total),
		cpu_steal_percent: percent(of("steal"), total),
	};
}

function memoryFields(memory: MemoryReading) {
	return {
		memory_total_bytes: memory.total,
		memory_available_bytes: memory.available,
		memory_free_bytes: memory.free,
		memory_cached_bytes: memory.buffers + memory.cached + memory.reclaimable,
		memory_dirty_bytes: memory.dirty ?? undefined,
		swap_total_bytes: memory.swaptotal,
		swap_used_bytes: memory.swapused,
	};
}
