/** Reads the host and the agent itself, round by round, and once a minute what changes slowly. Never held up by a VM. */
import { messageOf } from "../../../common/errors.ts";
import type { Logger } from "../../../common/log.ts";
import { type FieldsOf, type Point, point } from "../../../common/measurements/measurements.ts";
import type { KernelTree } from "../../proc/tree.ts";
import { percent, rise } from "../rates.ts";
import type { RoundLog } from "../round-log.ts";
import { slots } from "../slots.ts";
import { FilesystemReader } from "./filesystems.ts";
import { HostReader, type MemoryReading } from "./host-reader.ts";
import { readTemperatures } from "./temperatures.ts";

const SLOW_MS = 60_000;
const FILESYSTEM_TIMEOUT_MS = 5_000;

/** What the agent knows of itself. */
export type AgentReading = Pick<
	FieldsOf<"agent">,
	"vms" | "spool_bytes" | "spool_limit_bytes" | "telemetry_dropped" | "captures" | "capture_failures"
>;

export interface HostSamplerOptions {
	/** The tag. */
	readonly host: string;
	readonly intervalMs: number;
	readonly tree: KernelTree;
	readonly memory: () => Promise<MemoryReading>;
	readonly agent: () => AgentReading;
	readonly rounds: RoundLog;
	readonly send: (points: readonly Point[]) => void;
	readonly log: Logger;
}

export class HostSampler {
	readonly #options: HostSamplerOptions;
	readonly #reader: HostReader;
	/** Each goes on by itself: a disk or a sensor that does not answer holds up neither the rounds nor the other. */
	readonly #slow: readonly Slow[];
	#before: { readonly cpuUs: number; readonly atMs: number } | undefined;
	#failure = "";

	constructor(options: HostSamplerOptions) {
		const { host, tree } = options;
		this.#options = options;
		this.#reader = new HostReader(options);
		const filesystems = new FilesystemReader({ host, tree, timeoutMs: FILESYSTEM_TIMEOUT_MS });
		this.#slow = [
			{ read: (timeNs) => filesystems.read(timeNs), round: undefined, busy: false },
			{ read: (timeNs) => readTemperatures(host, tree, timeNs), round: undefined, busy: false },
		];
	}

	/** Ends when `signal` says so. Never throws. */
	async run(signal: AbortSignal): Promise<void> {
		const { intervalMs, rounds, send } = this.#options;
		for await (const { timeMs } of slots(intervalMs, 0, signal)) {
			const timeNs = BigInt(timeMs) * 1_000_000n;
			const started = performance.now();
			await this.#guard(async () => send(await this.#reader.read(timeNs, started)));
			for (const slow of this.#slow) void this.#once(slow, timeMs, timeNs);
			rounds.took(performance.now() - started);
			this.#agent(timeNs, performance.now());
		}
	}

	async #once(slow: Slow, timeMs: number, timeNs: bigint): Promise<void> {
		const round = Math.floor(timeMs / SLOW_MS);
		if (slow.busy || slow.round === round) return;
		slow.round = round;
		slow.busy = true;
		await this.#guard(async () => this.#options.send(await slow.read(timeNs)));
		slow.busy = false;
	}

	#agent(timeNs: bigint, atMs: number): void {
		const { host, agent, rounds, send } = this.#options;
		const { user, system } = process.cpuUsage();
		const before = this.#before;
		this.#before = { cpuUs: user + system, atMs };
		const used = before === undefined ? undefined : rise(before.cpuUs, user + system);
		const about = agent();
		const made = point("agent", { host }, timeNs, {
			...about,
			rss_bytes: process.memoryUsage.rss(),
			// Of one core: several threads may come to more than 100.
			cpu_percent: used === undefined || before === undefined ? undefined : used / 10 / (atMs - before.atMs),
			spool_used_percent: percent(about.spool_bytes, about.spool_limit_bytes),
			scrape_seconds: rounds.takeSeconds(),
			scrape_failures: rounds.failures,
		});
		if (made !== null) send([made]);
	}

	async #guard(work: () => Promise<void>): Promise<void> {
		const { rounds, log } = this.#options;
		try {
			await work();
		} catch (error) {
			rounds.failed();
			const why = messageOf(error);
			if (why !== this.#failure) log.warn({ err: error }, "cannot read the host");
			this.#failure = why;
		}
	}
}

interface Slow {
	readonly read: (timeNs: bigint) => Promise<Point[]>;
	/** The minute in which it was read last. */
	round: number | undefined;
	busy: boolean;
}
