/**
 * What a clone does, once a second: by QMP what QEMU counts, from /proc what the kernel counts for its vCPUs, from the switch what its
 * network carries. A monitor that does not answer costs what it would have told, and nothing else.
 *
 * Names and units are those of the measurements of production VMs; what is a counter there is told as what it rose by in a second.
 */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "../../../common/log.ts";
import { type FieldsOf, MEASUREMENTS, type MeasurementName } from "../../../common/measurements/measurements.ts";
import type { MachineReading } from "../../hypervisor/hypervisor.ts";
import { QemuTelemetry } from "../../hypervisor/qemu-telemetry.ts";
import { countsIoWait, readVcpu } from "../../hypervisor/reading/threads.ts";
import { parseCpus } from "../../hypervisor/reading/vcpus.ts";
import { parseProcessStat } from "../../proc/process.ts";
import { KernelTree } from "../../proc/tree.ts";
import { rise } from "../../telemetry/rates.ts";
import { memoryUsedPercent, type VcpuTimes, vcpuShares, vcpuTimes } from "../../telemetry/vm-rates.ts";
import type { Clone, CloneMemory } from "../clone.ts";
import type { Values } from "./series.ts";
import { within } from "./within.ts";

/** Of a second, what is left for the rest. */
const QMP_MS = 700;
const START_MS = 5000;
/** Adding up a process's memory walks all of its pages: not more than so much of the time is spent with it. */
const MEMORY_SHARE = 0.02;
const MAX_VCPUS = 16;
const BLOCK_BYTES = 512;

const VM_FIELDS = [
	...["state", "query_seconds", "cpu_time", "cpu_user", "cpu_system", "memory_bytes", "balloon_rss"],
	...["balloon_current", "balloon_swap_in", "balloon_swap_out", "balloon_major_fault", "balloon_minor_fault"],
	...["balloon_unused", "balloon_available", "balloon_usable", "balloon_disk_caches"],
];
const DISK_FIELDS = [
	...["rd_reqs", "rd_bytes", "rd_times", "wr_reqs", "wr_bytes", "wr_times", "fl_reqs", "fl_times"],
	...["unmap_bytes", "errors"],
];
const NIC_FIELDS = ["rx_bytes", "rx_pkts", "tx_bytes", "tx_pkts"];
const VCPU_FIELDS = ["time", "delay"];

/** Signs of life since the reading before; undefined where that is not known. */
export interface Vitals {
	/** QEMU says that the machine runs. */
	readonly isRunning: boolean | undefined;
	/** Its process is held by the host. */
	readonly isStopped: boolean;
	/** Milliseconds that its vCPUs ran, all together. */
	readonly ranMs: number | undefined;
	/** Requests to its disks that were finished. */
	readonly requests: number | undefined;
	/** Milliseconds that one took on average; undefined where there was none. */
	readonly requestMs: number | undefined;
	/** Frames that it sent. */
	readonly frames: number;
	readonly consoleBytes: number;
}

interface Counters {
	readonly atMs: number;
	readonly fields: Readonly<Record<string, unknown>>;
}

export class CloneTelemetry {
	readonly #clone: Clone;
	readonly #tree = new KernelTree();
	readonly #qemu: QemuTelemetry;
	/** What QEMU calls the device of each network card, in their order. */
	readonly #nics: readonly string[];
	readonly #overlays: readonly string[];
	readonly #threads = new Map<string, number>();
	readonly #before = new Map<string, Counters>();
	readonly #diskBytesAtFirst: number;
	#asking: Promise<MachineReading> | undefined;
	#times: VcpuTimes | undefined;
	#frames: number;
	#consoleBytes: number;
	#memory: CloneMemory | undefined;
	#memoryAfterMs = 0;
	#diskBytes = 0;

	private constructor(clone: Clone, log: Logger, made: { nics: string[]; overlays: string[]; diskBytes: number }) {
		this.#clone = clone;
		this.#qemu = new QemuTelemetry({ qmp: clone.qmp, still: () => undefined, log });
		this.#nics = made.nics;
		this.#overlays = made.overlays;
		this.#diskBytesAtFirst = made.diskBytes;
		this.#frames = this.#allFrames();
		this.#consoleBytes = this.#allConsoleBytes();
	}

	static async start(clone: Clone, log: Logger): Promise<CloneTelemetry> {
		const network = clone.qmp.execute("human-monitor-command", { "command-line": "info network" });
		const told = String(await within(START_MS, network, "info network").catch(() => ""));
		const devices = devicesOf(told);
		const nics = clone.ports.map(({ name }) => name.slice(name.lastIndexOf("/") + 1));
		const overlays = (await readdir(clone.folder)).filter((file) => /^d\d+\.qcow2$/.test(file));
		const paths = overlays.map((file) => join(clone.folder, file));
		const made = { nics: nics.map((netdev) => devices.get(netdev) ?? netdev), overlays: paths };
		return new CloneTelemetry(clone, log, { ...made, diskBytes: await allocated(paths) });
	}

	/** Bytes that its disks grew by, as last seen. */
	get diskBytes(): number {
		return Math.max(0, this.#diskBytes - this.#diskBytesAtFirst);
	}

	/** As last seen. */
	get memory(): CloneMemory | undefined {
		return this.#memory;
	}

	/** @param atMs now */
	async read(atMs: number): Promise<{ readonly values: Values; readonly vitals: Vitals }> {
		const stopped = this.#isStopped();
		const asked = this.#askQemu();
		const vcpus = await this.#vcpus();
		const [reading] = await Promise.all([asked, this.#readDisks(), this.#readMemory(atMs)]);
		const now = vcpuTimes({ vm: {}, vcpus, disks: new Map(), nics: new Map() }, atMs);
		const shares = this.#times === undefined ? {} : vcpuShares(this.#times, now);
		const ranMs = this.#times === undefined ? undefined : ranBetween(this.#times, now);
		this.#times = now;
		const disks = this.#disks(reading, atMs);
		const network = this.#network(atMs);
		const frames = this.#allFrames();
		const consoleBytes = this.#allConsoleBytes();
		const vitals: Vitals = {
			isRunning: reading?.vm.state === undefined ? undefined : reading.vm.state === RUNNING,
			isStopped: stopped,
			ranMs,
			...disks.vitals,
			frames: frames - this.#frames,
			consoleBytes: consoleBytes - this.#consoleBytes,
		};
		this.#frames = frames;
		this.#consoleBytes = consoleBytes;
		const values = {
			...(reading === undefined ? {} : this.#rates("vm", "", reading.vm, VM_FIELDS, atMs)),
			"vm.memory_used_percent": reading === undefined ? undefined : memoryUsedPercent(reading.vm),
			"vm.cpu_usage_percent": shares.cpu_usage_percent,
			"vm.cpu_steal_percent": shares.cpu_steal_percent,
			...Object.assign({}, ...[...vcpus].map(([id, vcpu]) => this.#rates("vm_vcpu", id, vcpu, VCPU_FIELDS, atMs))),
			...disks.values,
			...network,
			"clone.own_bytes": this.#memory?.ownBytes,
			"clone.shared_bytes": this.#memory?.sharedBytes,
			"clone.disk_bytes": this.#diskBytes,
			"clone.console_bytes": vitals.consoleBytes,
		};
		return { values, vitals };
	}

	/** What it tells in time. While it does not answer it is asked nothing more. */
	async #askQemu(): Promise<MachineReading | undefined> {
		if (this.#asking !== undefined || this.#clone.process.hasEnded) return undefined;
		const asking = this.#qemu.read({ intervalSeconds: 1, dirtyRate: false });
		this.#asking = asking;
		const done = () => {
			this.#asking = undefined;
		};
		asking.then(done, done);
		return await within(QMP_MS, asking, "readings").catch(() => undefined);
	}

	async #vcpus(): Promise<Map<string, FieldsOf<"vm_vcpu">>> {
		const { id, hasEnded } = this.#clone.process;
		if (this.#threads.size === 0 && !hasEnded) await this.#findThreads();
		const waits = countsIoWait(this.#tree);
		const vcpus = new Map<string, FieldsOf<"vm_vcpu">>();
		for (const [index, thread] of this.#threads) {
			const fields = readVcpu(this.#tree, id.pid, thread, waits);
			if (fields !== undefined) vcpus.set(index, fields);
		}
		return vcpus;
	}

	async #findThreads(): Promise<void> {
		try {
			const cpus = parseCpus(await within(QMP_MS, this.#clone.qmp.execute("query-cpus-fast"), "query-cpus-fast"));
			for (const { index, threadId } of cpus.slice(0, MAX_VCPUS)) this.#threads.set(String(index), threadId);
		} catch {
			// It is asked again in a second.
		}
	}

	#isStopped(): boolean {
		const { pid } = this.#clone.process.id;
		const state = parseProcessStat(this.#tree.text(`/proc/${pid}/stat`) ?? "")?.state;
		return state === "T" || state === "t";
	}

	#disks(reading: MachineReading | undefined, atMs: number) {
		const values: Record<string, number | undefined> = {};
		let [requests, ns] = [0, 0];
		let isKnown = false;
		for (const [disk, fields] of reading?.disks ?? []) {
			const before = this.#before.get(`vm_disk ${disk}`)?.fields as FieldsOf<"vm_disk"> | undefined;
			Object.assign(values, this.#rates("vm_disk", disk, fields, DISK_FIELDS, atMs));
			for (const kind of ["rd", "wr", "fl"] as const) {
				const count = rise(before?.[`${kind}_reqs`], fields[`${kind}_reqs`]);
				const took = rise(before?.[`${kind}_times`], fields[`${kind}_times`]);
				if (count === undefined || took === undefined) continue;
				isKnown = true;
				requests += count;
				ns += took;
				if (count > 0) values[`clone.${kind}_ms ${disk}`] = took / count / 1e6;
			}
		}
		const vitals = {
			requests: isKnown ? requests : undefined,
			requestMs: requests > 0 ? ns / requests / 1e6 : undefined,
		};
		return { values, vitals };
	}

	#network(atMs: number): Record<string, number | undefined> {
		const values: Record<string, number | undefined> = {};
		for (const [at, { counters }] of this.#clone.ports.entries()) {
			const nic = this.#nics[at] ?? String(at);
			const fields = {
				...{ rx_bytes: counters.sentBytes, rx_pkts: counters.sentFrames },
				...{ tx_bytes: counters.receivedBytes, tx_pkts: counters.receivedFrames },
			};
			const dropped = counters.droppedFrames;
			const before = this.#before.get(`dropped ${nic}`);
			this.#before.set(`dropped ${nic}`, { atMs, fields: { dropped } });
			Object.assign(values, this.#rates("vm_nic", nic, fields, NIC_FIELDS, atMs));
			values[`clone.dropped_frames ${nic}`] = perSecond(before, { atMs, fields: { dropped } }, "dropped");
		}
		return values;
	}

	/** Gauges as they are, counters as what they rose by in a second. */
	#rates(
		measurement: MeasurementName,
		tag: string,
		fields: Readonly<Record<string, unknown>>,
		wanted: readonly string[],
		atMs: number,
	): Record<string, number | undefined> {
		const key = `${measurement} ${tag}`;
		const [before, now] = [this.#before.get(key), { atMs, fields }];
		this.#before.set(key, now);
		const kinds: Readonly<Record<string, { readonly kind: string }>> = MEASUREMENTS[measurement].fields;
		return Object.fromEntries(
			wanted.map((field) => {
				const value = fields[field];
				const isCounter = kinds[field]?.kind === "counter";
				const told = isCounter ? perSecond(before, now, field) : typeof value === "number" ? value : undefined;
				return [tag === "" ? `${measurement}.${field}` : `${measurement}.${field} ${tag}`, told];
			}),
		);
	}

	async #readDisks(): Promise<void> {
		this.#diskBytes = await allocated(this.#overlays);
		await this.#clone.checkSpace();
	}

	async #readMemory(atMs: number): Promise<void> {
		if (atMs < this.#memoryAfterMs) return;
		const begun = performance.now();
		this.#memory = (await this.#clone.memory().catch(() => undefined)) ?? this.#memory;
		this.#memoryAfterMs = atMs + (performance.now() - begun) / MEMORY_SHARE - 1000;
	}

	#allFrames(): number {
		return this.#clone.ports.reduce((sum, { counters }) => sum + counters.receivedFrames, 0);
	}

	#allConsoleBytes(): number {
		const consoles = this.#clone.channels.filter(({ kind }) => kind === "console");
		return consoles.reduce((sum, { saidBytes }) => sum + saidBytes, 0);
	}
}

/** libvirt's number, as the measurement has it. */
const RUNNING = 1;

function perSecond(before: Counters | undefined, now: Counters, field: string): number | undefined {
	const [earlier, later] = [before?.fields[field], now.fields[field]];
	if (typeof earlier !== "number" || typeof later !== "number" || before === undefined) return undefined;
	const rose = rise(earlier, later);
	return rose === undefined || now.atMs <= before.atMs ? undefined : (rose / (now.atMs - before.atMs)) * 1000;
}

function ranBetween(before: VcpuTimes, now: VcpuTimes): number | undefined {
	const rises = [...now.vcpus].map(([vcpu, { time }]) => rise(before.vcpus.get(vcpu)?.time, time));
	const known = rises.filter((each) => each !== undefined);
	return known.length === 0 ? undefined : known.reduce((sum, each) => sum + each, 0) / 1e6;
}

/** Bytes that files take; those that are not there take none. */
async function allocated(paths: readonly string[]): Promise<number> {
	const sizes = await Promise.all(
		paths.map((path) =>
			stat(path).then(
				({ blocks }) => blocks * BLOCK_BYTES,
				() => 0,
			),
		),
	);
	return sizes.reduce((sum, each) => sum + each, 0);
}

/** The device by the network backend that it has, of QEMU's `info network`: a line of the device, then one of its backend. */
export function devicesOf(text: string): Map<string, string> {
	const devices = new Map<string, string>();
	let nic = "";
	for (const line of text.split(/\r?\n/)) {
		const [, peer, name = "", type = ""] = /^( \\ )?(.+?): index=\d+,type=([a-z-]+)/.exec(line) ?? [];
		if (type === "") continue;
		if (peer === undefined) nic = type === "nic" ? name : "";
		else if (nic !== "") devices.set(name, nic);
	}
	return devices;
}
