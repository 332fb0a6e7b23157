/** Reads one machine again and again, until it is gone. Whatever becomes of it, the others are not held up. */
import { messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { type Point, point } from "../../common/measurements/measurements.ts";
import type { Machine, MachineReading, ReadingRequest } from "../hypervisor/hypervisor.ts";
import type { RoundLog } from "./round-log.ts";
import { offsetOf, slots } from "./slots.ts";
import { memoryUsedPercent, type VcpuTimes, vcpuShares, vcpuTimes } from "./vm-rates.ts";

/** libvirt's number (virDomainState) for a machine whose monitor is gone: it may have ended, or have another monitor soon. */
const UNKNOWN = 0;

export interface VmSamplerOptions {
	readonly machine: Machine;
	/** The tag. */
	readonly host: string;
	readonly intervalMs: number;
	/** How long a reading may take before the machine counts as stuck. */
	readonly timeoutMs: number;
	readonly request: ReadingRequest;
	readonly rounds: RoundLog;
	readonly send: (points: readonly Point[]) => void;
	readonly log: Logger;
}

/** A reading that has not settled: the machine is asked no more until it has. */
interface Pending {
	readonly since: number;
	readonly settled: Promise<MachineReading | undefined>;
}

export class VmSampler {
	readonly #options: VmSamplerOptions;
	#pending: Pending | undefined;
	#before: VcpuTimes | undefined;
	/** Why the last reading failed; said once, not every round. */
	#failure = "";

	constructor(options: VmSamplerOptions) {
		this.#options = options;
	}

	/** Ends when the machine is gone or `signal` says so. Never throws. */
	async run(signal: AbortSignal): Promise<void> {
		const { machine, intervalMs } = this.#options;
		const ended = AbortSignal.any([signal, machine.gone]);
		for await (const { timeMs } of slots(intervalMs, offsetOf(machine.name, intervalMs), ended)) {
			await this.#round(timeMs, ended);
		}
		// The second that follows: the one that runs may have a reading already.
		if (machine.gone.aborted && !signal.aborted) this.#down(Math.ceil(Date.now() / 1000) * 1000, UNKNOWN);
	}

	async #round(timeMs: number, ended: AbortSignal): Promise<void> {
		const { rounds, timeoutMs } = this.#options;
		const started = performance.now();
		this.#pending ??= this.#ask(started);
		const { since } = this.#pending;
		const reading = await this.#within(this.#pending, started, ended);
		if (ended.aborted) return;
		const now = performance.now();
		rounds.took(now - started);
		if (reading !== "late") {
			if (reading === undefined) this.#down(timeMs);
			else this.#send(timeMs, reading, now);
		} else if (now - since >= timeoutMs) {
			this.#failed(`no answer within ${timeoutMs} ms`);
			this.#down(timeMs);
		}
	}

	#ask(since: number): Pending {
		const { machine, request } = this.#options;
		const settled = machine
			.read(request)
			.catch((error: unknown) => {
				if (!machine.gone.aborted) this.#failed(messageOf(error));
				return undefined;
			})
			.finally(() => {
				this.#pending = undefined;
			});
		return { since, settled };
	}

	/**
	 * "late" where the reading is not there in time; of one that already was late, at once.
	 *
	 * @returns undefined where the reading failed
	 */
	async #within(
		{ since, settled }: Pending,
		now: number,
		ended: AbortSignal,
	): Promise<MachineReading | "late" | undefined> {
		const { promise: late, resolve } = Promise.withResolvers<"late">();
		const stop = () => resolve("late");
		// A timer may ring a little early.
		const timer = setTimeout(stop, Math.max(0, this.#options.timeoutMs - (now - since)) + 2);
		ended.addEventListener("abort", stop, { once: true });
		try {
			return await Promise.race([settled, late]);
		} finally {
			clearTimeout(timer);
			ended.removeEventListener("abort", stop);
		}
	}

	#send(timeMs: number, reading: MachineReading, atMs: number): void {
		const { machine, host, send, log } = this.#options;
		if (this.#failure !== "") log.info({ vm: machine.name }, "readings of this VM work again");
		this.#failure = "";
		const before = this.#before;
		const times = vcpuTimes(reading, atMs);
		this.#before = times;
		const timeNs = BigInt(timeMs) * 1_000_000n;
		const tags = { host, vm: machine.name };
		const points = [
			point("vm", tags, timeNs, {
				...reading.vm,
				up: 1,
				memory_used_percent: memoryUsedPercent(reading.vm),
				...(before === undefined ? {} : vcpuShares(before, times)),
			}),
			...[...reading.vcpus].map(([vcpu, fields]) => point("vm_vcpu", { ...tags, vcpu }, timeNs, fields)),
			...[...reading.disks].map(([disk, fields]) => point("vm_disk", { ...tags, disk }, timeNs, fields)),
			...[...reading.nics].map(([nic, fields]) => point("vm_nic", { ...tags, nic }, timeNs, fields)),
		];
		send(points.filter((each) => each !== null));
	}

	#down(timeMs: number, state?: number): void {
		const { machine, host, send } = this.#options;
		const made = point("vm", { host, vm: machine.name }, BigInt(timeMs) * 1_000_000n, { up: 0, state });
		if (made !== null) send([made]);
	}

	#failed(why: string): void {
		const { machine, rounds, log } = this.#options;
		rounds.failed();
		if (why !== this.#failure) log.warn({ vm: machine.name, reason: why }, "cannot read this VM");
		this.#failure = why;
	}
}
