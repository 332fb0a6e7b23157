/**
 * `telemetry/` reads the host, the agent and every machine at an even pace, and hands what it read to the uplink as
 * samples. Names, tags and units are those of common/measurements.
 *
 *   slot      when in each interval something is read
 *   sampler   the loop that reads one thing: the host with the agent, or a machine
 *   reading   what counters stood at; what is derived from two of them is worked out here, not by who reads
 *
 * It knows machines by `hypervisor.ts` only, never QEMU, and neither captures nor the wire.
 */
import type { Logger } from "../../common/log.ts";
import type { Point } from "../../common/measurements/measurements.ts";
import type { Machine } from "../hypervisor/hypervisor.ts";
import { KernelTree } from "../proc/tree.ts";
import type { MemoryReading } from "./host/host-reader.ts";
import { type AgentReading, HostSampler } from "./host/host-sampler.ts";
import { RoundLog } from "./round-log.ts";
import { VmSampler } from "./vm-sampler.ts";

/** A VM that takes longer to answer is stuck. */
const TIMEOUT_MS = 5_000;
/** Points go out together that come within so long: each message has a price of its own. */
const GATHER_MS = 1_000;

export interface TelemetryOptions {
	/** The tag: the agent's name for this host. */
	readonly host: string;
	/** Whole seconds. */
	readonly intervalMs: number;
	/** Have VMs measure how fast they write to their memory. */
	readonly dirtyRate: boolean;
	readonly agent: () => AgentReading;
	readonly send: (points: readonly Point[]) => void;
	readonly log: Logger;
	readonly timeoutMs?: number;
	readonly tree?: KernelTree;
	readonly memory?: () => Promise<MemoryReading>;
}

export class Telemetry implements AsyncDisposable {
	readonly #options: TelemetryOptions;
	readonly #stop = new AbortController();
	readonly #rounds = new RoundLog();
	readonly #running = new Set<Promise<void>>();
	#gathered: Point[] = [];
	#timer: NodeJS.Timeout | undefined;

	private constructor(options: TelemetryOptions) {
		this.#options = options;
	}

	/** Reads the host from the next interval on. */
	static async start(options: TelemetryOptions): Promise<Telemetry> {
		const telemetry = new Telemetry(options);
		const { host, intervalMs, agent, log, tree = new KernelTree() } = options;
		// Loaded here, so that an agent without telemetry does without.
		const memory = options.memory ?? (await import("systeminformation")).default.mem;
		const sampler = new HostSampler({
			...{ host, intervalMs, tree, memory, agent, log },
			rounds: telemetry.#rounds,
			send: (points) => telemetry.#gather(points),
		});
		telemetry.#run(sampler);
		return telemetry;
	}

	/** Reads this machine from now on, until it is gone. */
	adopt(machine: Machine): void {
		const { host, intervalMs, dirtyRate, log } = this.#options;
		this.#run(
			new VmSampler({
				...{ machine, host, intervalMs, log },
				timeoutMs: this.#options.timeoutMs ?? TIMEOUT_MS,
				request: { intervalSeconds: intervalMs / 1000, dirtyRate },
				rounds: this.#rounds,
				send: (points) => this.#gather(points),
			}),
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		await Promise.all(this.#running);
		this.#flush();
	}

	#run(sampler: { run(signal: AbortSignal): Promise<void> }): void {
		const run = sampler.run(this.#stop.signal).finally(() => this.#running.delete(run));
		this.#running.add(run);
	}

	#gather(points: readonly Point[]): void {
		this.#gathered.push(...points);
		this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
	}

	#flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const points = this.#gathered;
		this.#gathered = [];
		if (points.length > 0) this.#options.send(points);
	}
}
