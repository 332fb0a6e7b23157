/**
 * Reads a QEMU machine's counters: by QMP what QEMU counts, from /proc what the kernel counts for its process and threads.
 *
 * It shares the monitor with captures, and QEMU answers one command after another. What is asked every round is a few
 * questions that QEMU answers out of its memory; what seldom changes (*facts*: which disks, vCPUs, interfaces there are)
 * is asked once a minute.
 */
import { z } from "zod";
import { isUmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { FieldsOf } from "../../common/measurements/measurements.ts";
import { KernelTree } from "../proc/tree.ts";
import { PERIPHERALS, parse, queryDevices } from "./block-graph.ts";
import type { MachineReading, ReadingRequest } from "./hypervisor.ts";
import type { QmpArguments, QmpClient } from "./qmp.ts";
import { findBalloon, parseGuestStats } from "./reading/balloon.ts";
import { type DiskFacts, parseBlockStats } from "./reading/block-stats.ts";
import { findTaps, parseInfoNetwork, readNics } from "./reading/nics.ts";
import { countsIoWait, findProcess, readProcess, readVcpu } from "./reading/threads.ts";
import { KVM_STATS, parseCpus, parseKvmStats, parseMostCpus, type Vcpu } from "./reading/vcpus.ts";

const FACTS_MS = 60_000;
const KIB = 1024;

/** libvirt's numbers (virDomainState) for QEMU's words (RunState). */
const STATES: Readonly<Record<string, number>> = {
	running: 1,
	"guest-panicked": 6,
	suspended: 7,
	shutdown: 5,
};
const PAUSED = 3;

interface Facts {
	readonly vcpus: readonly Vcpu[];
	readonly mostVcpus: number | undefined;
	readonly pid: number | undefined;
	readonly countsIoWait: boolean;
	/** Bytes, the balloon not considered. */
	readonly memory: number | undefined;
	/** By what QEMU calls their device. */
	readonly disks: ReadonlyMap<string, DiskFacts>;
	/** The host's interface of each device. */
	readonly taps: ReadonlyMap<string, string>;
	/** Its QOM path. One that is plugged in later is not seen before the agent's next start. */
	readonly balloon: string | undefined;
	/** KVM runs it, and counts for it. */
	readonly kvm: boolean;
}

export interface QemuTelemetryOptions {
	readonly qmp: QmpClient;
	/** Settles when the machine does not stand still for a snapshot any more; undefined where it does not. */
	readonly still: () => Promise<void> | undefined;
	readonly tree?: KernelTree;
	readonly log: Logger;
}

const KVM_QUERY = { target: "vcpu", providers: [{ provider: "kvm", names: KVM_STATS }] };

const statusShape = z.object({ status: z.string() });
const memoryShape = z.object({ "base-memory": z.number(), "plugged-memory": z.number().default(0) });
const balloonShape = z.object({ actual: z.number() });
const kvmShape = z.object({ enabled: z.boolean() });
const dirtyRateShape = z.object({ status: z.string(), "dirty-rate": z.number().optional() });

export class QemuTelemetry {
	readonly #qmp: QmpClient;
	readonly #still: () => Promise<void> | undefined;
	readonly #tree: KernelTree;
	readonly #log: Logger;
	/** Commands that this QEMU does not have. */
	readonly #missing = new Set<string>();
	#saidUnknown = false;
	/** The last reading came to its end. */
	#answered = false;
	#facts: Facts | undefined;
	#factsAt = Number.NEGATIVE_INFINITY;

	constructor({ qmp, still, tree, log }: QemuTelemetryOptions) {
		this.#qmp = qmp;
		this.#still = still;
		this.#tree = tree ?? new KernelTree();
		this.#log = log;
	}

	/** @throws UmbraError `unavailable`, `unsupported` for answers that make no sense. */
	async read(request: ReadingRequest): Promise<MachineReading> {
		await this.#snapshotTaken();
		const answered = this.#answered;
		this.#answered = false;
		const status = this.#status();
		// One that did not answer the last time is asked one thing, not ten.
		if (!answered) await status;
		const facts = await this.#currentFacts(request);
		const [about, blockStats, kvm, memory, dirtyRate] = await Promise.all([
			status,
			this.#qmp.execute("query-blockstats"),
			facts.kvm ? this.#ask("query-stats", KVM_QUERY) : undefined,
			this.#memory(facts),
			request.dirtyRate ? this.#dirtyRate() : undefined,
		]);
		this.#answered = true;
		return {
			vm: {
				...about,
				vcpu_current: facts.vcpus.length,
				vcpu_maximum: facts.mostVcpus ?? facts.vcpus.length,
				...(facts.pid === undefined ? {} : readProcess(this.#tree, facts.pid)),
				...memory,
				...dirtyRate,
			},
			vcpus: this.#vcpus(facts, kvm === undefined ? new Map() : parseKvmStats(kvm)),
			disks: parseBlockStats(blockStats, facts.disks),
			nics: readNics(this.#tree, facts.taps),
		};
	}

	/** Asked before everything else: how long that takes is how long the monitor takes. */
	async #status(): Promise<FieldsOf<"vm">> {
		const asked = performance.now();
		const { status } = parse(statusShape, await this.#qmp.execute("query-status"), "query-status");
		return { state: STATES[status] ?? PAUSED, query_seconds: (performance.now() - asked) / 1000 };
	}

	/** Every command that comes while the guest stands still makes it stand still for longer. */
	async #snapshotTaken(): Promise<void> {
		for (let still = this.#still(); still !== undefined; still = this.#still()) await still;
	}

	#vcpus(facts: Facts, kvm: ReadonlyMap<string, FieldsOf<"vm_vcpu">>): Map<string, FieldsOf<"vm_vcpu">> {
		const { pid, vcpus } = facts;
		return new Map(
			vcpus.map(({ index, threadId, qomPath }) => {
				const thread = pid === undefined ? {} : readVcpu(this.#tree, pid, threadId, facts.countsIoWait);
				// It was unplugged, and perhaps another came: the next round asks who is there.
				if (thread === undefined) this.#factsAt = Number.NEGATIVE_INFINITY;
				return [String(index), { ...thread, ...kvm.get(qomPath) }];
			}),
		);
	}

	async #memory({ balloon, memory }: Facts): Promise<FieldsOf<"vm">> {
		const [actual, stats] = await Promise.all([
			balloon === undefined ? undefined : this.#ask("query-balloon"),
			balloon === undefined ? undefined : this.#ask("qom-get", { path: balloon, property: "guest-stats" }),
		]);
		const now = actual === undefined ? memory : parse(balloonShape, actual, "query-balloon").actual;
		return {
			memory_bytes: now,
			balloon_current: now === undefined ? undefined : now / KIB,
			balloon_maximum: memory === undefined ? undefined : memory / KIB,
			...(stats === undefined ? {} : parseGuestStats(stats)),
		};
	}

	/** What the measurement of the round before came to; then begins another, which takes QEMU a second in a thread. */
	async #dirtyRate(): Promise<FieldsOf<"vm">> {
		const answer = await this.#ask("query-dirty-rate");
		if (answer === undefined) return {};
		const { status, "dirty-rate": rate } = parse(dirtyRateShape, answer, "query-dirty-rate");
		if (status !== "measuring") await this.#ask("calc-dirty-rate", { "calc-time": 1 });
		return status === "measured" ? { dirtyrate_megabytes_per_second: rate } : {};
	}

	async #currentFacts(request: ReadingRequest): Promise<Facts> {
		const now = performance.now();
		if (this.#facts !== undefined && now - this.#factsAt < FACTS_MS) return this.#facts;
		const [cpus, kvm, most, memory, devices, network, balloon] = await Promise.all([
			this.#qmp.execute("query-cpus-fast"),
			this.#facts?.kvm ?? this.#ask("query-kvm"),
			this.#facts?.mostVcpus ?? this.#ask("query-hotpluggable-cpus"),
			this.#ask("query-memory-size-summary"),
			queryDevices(this.#qmp),
			this.#ask("human-monitor-command", { "command-line": "info network" }),
			this.#facts === undefined ? this.#balloon(request) : this.#facts.balloon,
		]);
		const vcpus = parseCpus(cpus);
		const first = vcpus[0];
		const pid = this.#facts?.pid ?? (first === undefined ? undefined : findProcess(this.#tree, first.threadId));
		if (pid === undefined && !this.#saidUnknown) {
			this.#saidUnknown = true;
			const hint = "does the agent run in another PID namespace than QEMU?";
			this.#log.warn({ socket: this.#qmp.path, hint }, "cannot find a VM's process: its processor time is not read");
		}
		const sizes = memory === undefined ? undefined : parse(memoryShape, memory, "query-memory-size-summary");
		this.#facts = {
			vcpus,
			mostVcpus: most === undefined || typeof most === "number" ? most : parseMostCpus(most),
			pid,
			countsIoWait: countsIoWait(this.#tree),
			memory: sizes === undefined ? undefined : sizes["base-memory"] + sizes["plugged-memory"],
			disks: new Map(devices.map(({ qdev, id, size, allocated }) => [qdev, { id, size, allocated }])),
			taps: findTaps(this.#tree, parseInfoNetwork(String(network ?? "")), pid),
			balloon,
			kvm: typeof kvm === "object" ? parse(kvmShape, kvm, "query-kvm").enabled : kvm === true,
		};
		this.#factsAt = now;
		return this.#facts;
	}

	/** The balloon's path. Its guest is asked to tell statistics, unless somebody has said how often already. */
	async #balloon({ intervalSeconds }: ReadingRequest): Promise<string | undefined> {
		let path: string | undefined;
		for (const folder of PERIPHERALS) {
			const devices = await this.#ask("qom-list", { path: folder });
			if (devices !== undefined) path ??= findBalloon(folder, devices);
		}
		if (path === undefined) return undefined;
		const property = "guest-stats-polling-interval";
		if ((await this.#ask("qom-get", { path, property })) === 0)
			await this.#ask("qom-set", { path, property, value: Math.max(1, Math.round(intervalSeconds)) });
		return path;
	}

	/**
	 * Undefined where QEMU refuses: it is too old, or the machine has no such thing.
	 *
	 * @throws UmbraError `unavailable` where it does not answer.
	 */
	async #ask(command: string, args: QmpArguments = {}): Promise<unknown> {
		if (this.#missing.has(command)) return undefined;
		try {
			return await this.#qmp.execute(command, args);
		} catch (error) {
			const refusal = isUmbraError(error) ? error.context["class"] : undefined;
			if (refusal === undefined) throw error;
			if (refusal === "CommandNotFound") this.#missing.add(command);
			return undefined;
		}
	}
}
