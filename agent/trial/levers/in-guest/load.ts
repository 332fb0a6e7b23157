/** Work within the guest, for the level at which it shall run. Whoever wants a level measures from outside, and says more or less. */
import { isUmbraError, UmbraError } from "../../../../common/errors.ts";
import type { GuestCommands } from "../../../guest/commands.ts";
import { GuestShell } from "./shell.ts";
import { type WorkerKind, Workers } from "./workers.ts";

const MIB = 2 ** 20;
/** Workers for its processors. One more than this is no load that a guest has by itself. */
const MAX_CPUS = 256;
/** What no disk of a guest does, and a shell can still reckon with. */
const MAX_IO = 1e11;

/** Work that a guest is to do, all in all. */
export interface GuestLoadLevel {
	/** Of one vCPU: 150 is one and a half. */
	readonly cpuPercent: number;
	/** Taken and held, in whole MiB. */
	readonly memoryBytes: number;
	/** Read and written. */
	readonly ioBytesPerSecond: number;
}

export interface GuestLoad {
	/** @throws UmbraError `unavailable`. */
	set(level: GuestLoadLevel, signal: AbortSignal): Promise<void>;
	/** @throws UmbraError `unavailable` where its processes do not run. */
	verify(signal: AbortSignal): Promise<void>;
	/** Ends its processes. @throws UmbraError `unavailable` where they are still there. */
	stop(signal: AbortSignal): Promise<void>;
}

/** @throws UmbraError `unsupported` with the reason where the guest cannot, `unavailable`. */
export async function startGuestLoad(
	guest: GuestCommands,
	level: GuestLoadLevel,
	signal: AbortSignal,
): Promise<GuestLoad> {
	const shell = await GuestShell.of(guest, signal);
	const load = new Load(await Workers.make(shell, signal));
	try {
		await load.set(level, signal);
		return load;
	} catch (error) {
		await load.stop(signal).catch((cause: unknown) => {
			// Why it did not begin is what counts.
			if (!isUmbraError(cause)) throw cause;
		});
		throw error;
	}
}

/** Bytes of memory in use, as the guest's kernel tells; undefined where it does not. @throws UmbraError `unsupported`, `unavailable`. */
export async function usedByItsWord(guest: GuestCommands, signal: AbortSignal): Promise<number | undefined> {
	const shell = await GuestShell.of(guest, signal);
	const told = await shell.run("cat /proc/meminfo", [], signal);
	const kib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(told)?.[1] ?? Number.NaN);
	const used = (kib("MemTotal") - kib("MemAvailable")) * 1024;
	return used >= 0 ? used : undefined;
}

class Load implements GuestLoad {
	readonly #workers: Workers;
	/** What each kind was told last. */
	readonly #said = new Map<WorkerKind, string>();

	constructor(workers: Workers) {
		this.#workers = workers;
	}

	async set({ cpuPercent, memoryBytes, ioBytesPerSecond }: GuestLoadLevel, signal: AbortSignal): Promise<void> {
		const count = Math.min(this.#workers.cpus, MAX_CPUS);
		const each = Math.round(1000 * Math.min(100, Math.max(0, cpuPercent) / count));
		const kib = Math.floor(Math.max(0, memoryBytes) / MIB) * 1024;
		const io = Math.round(Math.min(MAX_IO, Math.max(0, ioBytesPerSecond)));
		const changed = [
			{ kind: "cpu" as const, amount: each, what: `${each}`, count },
			{ kind: "memory" as const, amount: kib, what: `hold ${kib} 1024`, count: 1 },
			{ kind: "io" as const, amount: io, what: `${io}`, count: 1 },
		].filter(({ kind, amount, what }) => {
			if (!Number.isSafeInteger(amount)) throw new UmbraError("bad-config", `no such level of ${kind}: ${amount}`);
			const before = this.#said.get(kind);
			// Nobody is started before there is something to do.
			return before === undefined ? amount !== 0 : before !== what;
		});
		if (changed.length === 0) return;
		await this.#workers.tell(changed, signal);
		for (const { kind, what } of changed) this.#said.set(kind, what);
	}

	async verify(signal: AbortSignal): Promise<void> {
		await this.#workers.memory(signal);
	}

	async stop(signal: AbortSignal): Promise<void> {
		await this.#workers.stop(signal);
	}
}
