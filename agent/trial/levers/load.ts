/**
 * The level at which a clone runs, with what it does by itself. Where its guest has an agent, work is done within it, adjusted to what
 * is seen from outside; what it has in use by itself is the balloon's word, or else the agent's. Where not, what such work would take
 * is taken away from outside: what is left to the guest is the same. Its disks cannot be given more to do from outside.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, UmbraError } from "../../../common/errors.ts";
import { type LeverValues, rounded } from "../../../common/trial/schedule.ts";
import type { GuestCommands } from "../../guest/commands.ts";
import type { Clone } from "../clone.ts";
import { Balloon } from "./balloon.ts";
import { type GuestLoad, startGuestLoad, usedByItsWord } from "./in-guest.ts";
import type { Lever, LeverMove, LeverTarget, MakeLever } from "./lever.ts";
import { cpuPercent, diskBytes, usedMemory } from "./usage.ts";
import { CpuQuota, vcpusOf } from "./vcpus.ts";

/** For what it does by itself. */
const MEASURE_MS = 1000;
/** From one adjustment to the next. */
const ADJUST_MS = 2000;
/** Of what is missing at each adjustment: less than all, since work takes a while to show. */
const GAIN = 0.6;
/** Of its processors and memory, percent. */
const MIN_SHARE = 1;
const MAX_TAKEN = 95;

interface Level {
	readonly cpuPercent: number | undefined;
	readonly memoryPercent: number | undefined;
	readonly ioBytesPerSecond: number | undefined;
}

function levelOf(values: LeverValues): Level {
	const of = (name: string) => (values[name] === undefined ? undefined : Number(values[name]));
	return {
		cpuPercent: of("cpuPercent"),
		memoryPercent: of("memoryPercent"),
		ioBytesPerSecond: of("ioBytesPerSecond"),
	};
}

export const makeLoad: MakeLever = (target) =>
	target.guest === undefined ? new LoadByTaking(target) : new LoadByWork(target.clone, target.guest);

/** What a clone used before anything was done to it. */
interface Used {
	readonly cpuPercent: number;
	/** Bytes; undefined where nobody tells. */
	readonly memory: number | undefined;
}

async function usedBy(clone: Clone, signal: AbortSignal): Promise<Used> {
	const [cpu, memory] = await Promise.all([cpuPercent(clone, MEASURE_MS, signal), usedMemory(clone, signal)]);
	return { cpuPercent: cpu, memory };
}

class LoadByTaking implements Lever {
	readonly #clone: Clone;
	readonly #quota: CpuQuota;
	readonly #balloon: Balloon;
	#used: Used | undefined;
	#takesMemory = false;

	constructor({ clone }: LeverTarget) {
		this.#clone = clone;
		this.#quota = CpuQuota.of(clone);
		this.#balloon = Balloon.of(clone);
	}

	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		const level = levelOf(values);
		if (level.cpuPercent === undefined && level.memoryPercent === undefined) {
			throw new UmbraError("unsupported", "disks cannot be given more to do without an agent in the guest");
		}
		this.#used ??= await usedBy(this.#clone, signal);
		const told: Record<string, string | number> = { by: "taking away" };
		if (level.cpuPercent !== undefined) {
			const share = Math.max(MIN_SHARE, 100 - missing(this.#used.cpuPercent, level.cpuPercent));
			await this.#quota.set(this, share >= 100 ? undefined : share);
			Object.assign(told, { cpuUsed: rounded(this.#used.cpuPercent), cpuShare: rounded(share) });
		}
		if (level.memoryPercent !== undefined) Object.assign(told, await this.#takeMemory(level.memoryPercent));
		if (level.ioBytesPerSecond !== undefined) told["io"] = "as the guest does by itself";
		return told;
	}

	async verify(signal: AbortSignal): Promise<void> {
		await this.#quota.verify();
		if (this.#takesMemory) await this.#balloon.verify(signal);
	}

	async revert(signal: AbortSignal): Promise<void> {
		await this.#quota.set(this, undefined);
		await this.#quota.verify();
		if (!this.#takesMemory) return;
		await this.#balloon.set(this, undefined);
		await this.#balloon.verify(signal);
		this.#takesMemory = false;
	}

	async #takeMemory(wanted: number): Promise<LeverValues> {
		const used = this.#used?.memory;
		if (used === undefined) return { memory: "as it is: the machine's balloon does not tell what is in use" };
		const total = await this.#balloon.totalBytes();
		const usedPercent = (used / total) * 100;
		const taken = Math.min(MAX_TAKEN, missing(usedPercent, wanted));
		if (taken > 0 || this.#takesMemory) {
			this.#takesMemory = true;
			await this.#balloon.set(this, taken);
		}
		return { memoryUsed: rounded(usedPercent), memoryTaken: rounded(taken) };
	}
}

function missing(usedPercent: number, wanted: number): number {
	return Math.max(0, wanted - usedPercent);
}

class LoadByWork implements Lever {
	readonly #clone: Clone;
	readonly #guest: GuestCommands;
	#work: GuestLoad | undefined;
	#level: Level = levelOf({});
	#given = { cpuPercent: 0, memoryBytes: 0, ioBytesPerSecond: 0 };
	#stop = new AbortController();
	#loop: Promise<void> = Promise.resolve();
	#problem = "";

	constructor(clone: Clone, guest: GuestCommands) {
		this.#clone = clone;
		this.#guest = guest;
	}

	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		this.#level = levelOf(values);
		if (this.#work !== undefined) return {};
		const used = await usedBy(this.#clone, signal);
		const processors = new Set((await vcpusOf(this.#clone)).map(({ thread }) => thread)).size;
		const total = await Balloon.of(this.#clone).totalBytes();
		const { cpuPercent: cpu = 0, memoryPercent: memory = 0, ioBytesPerSecond: io = 0 } = this.#level;
		const inUse = used.memory ?? (memory === 0 ? undefined : await usedByItsWord(this.#guest, signal));
		this.#given = {
			cpuPercent: Math.max(0, cpu - used.cpuPercent) * processors,
			// All of the level on top of what it has would have any guest run out of memory.
			memoryBytes: inUse === undefined ? 0 : Math.max(0, Math.round((total * memory) / 100) - inUse),
			ioBytesPerSecond: io,
		};
		this.#work = await startGuestLoad(this.#guest, this.#given, signal);
		this.#stop = new AbortController();
		this.#loop = this.#adjust(processors, this.#work, this.#stop.signal);
		const { cpuPercent: given, memoryBytes, ioBytesPerSecond } = this.#given;
		return {
			by: "work in the guest",
			cpuUsed: rounded(used.cpuPercent),
			cpuGiven: rounded(given),
			memoryGiven: memoryBytes,
			...(memory > 0 && inUse === undefined && { memory: "as it is: nobody tells what is in use" }),
			ioGiven: ioBytesPerSecond,
		};
	}

	async verify(signal: AbortSignal): Promise<void> {
		await this.#work?.verify(signal);
		if (this.#problem !== "") throw new UmbraError("unavailable", this.#problem);
	}

	async revert(signal: AbortSignal): Promise<void> {
		this.#stop.abort();
		await this.#loop;
		await this.#work?.stop(signal);
		this.#work = undefined;
	}

	/** Towards the level, until it is told to stop. */
	async #adjust(processors: number, work: GuestLoad, signal: AbortSignal): Promise<void> {
		try {
			for (;;) {
				const [bytes, begun] = [await diskBytes(this.#clone), performance.now()];
				const cpu = await cpuPercent(this.#clone, ADJUST_MS, signal);
				const io = ((await diskBytes(this.#clone)) - bytes) / ((performance.now() - begun) / 1000);
				const { cpuPercent: cpuWanted, ioBytesPerSecond: ioWanted } = this.#level;
				const moved = (given: number, wanted: number | undefined, found: number, most: number) =>
					wanted === undefined ? given : Math.min(most, Math.max(0, given + GAIN * (wanted - found)));
				this.#given = {
					...this.#given,
					cpuPercent: moved(this.#given.cpuPercent / processors, cpuWanted, cpu, 100) * processors,
					ioBytesPerSecond: Math.round(moved(this.#given.ioBytesPerSecond, ioWanted, io, Number.MAX_SAFE_INTEGER)),
				};
				await work.set(this.#given, signal);
				this.#problem = "";
				await sleep(0, undefined, { signal });
			}
		} catch (error) {
			if (!signal.aborted) this.#problem = `the load is not adjusted any more: ${messageOf(error)}`;
		}
	}
}
