/** Work within the guest, for the level at which it shall run. Whoever wants a level measures from outside, and says more or less. */
import { isUmbraError, UmbraError } from "../../../../common/errors.ts";
import type { GuestCommands } from "../../guest/commands.ts";
import { GuestShell, numbersIn } from "./shell.ts";
import { Workers } from "./workers.ts";

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

const COUNT_CPUS = `grep -c '^processor' /proc/cpuinfo || ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l
`;

/** @throws UmbraError `unsupported` with the reason where the guest cannot, `unavailable`. */
export async function startGuestLoad(
	guest: GuestCommands,
	level: GuestLoadLevel,
	signal: AbortSignal,
): Promise<GuestLoad> {
	const shell = await GuestShell.of(guest, signal);
	const [[cpus = 1] = []] = numbersIn(await shell.run(COUNT_CPUS, [], signal));
	const load = new Load(await Workers.make(shell, signal), Math.min(Math.max(1, cpus), MAX_CPUS));
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

class Load implements GuestLoad {
	readonly #workers: Workers;
	readonly #cpus: number;
	/** Kinds that were started, each with what it was told last. */
	readonly #said = new Map<string, string>();

	constructor(workers: Workers, cpus: number) {
		this.#workers = workers;
		this.#cpus = cpus;
	}

	async set({ cpuPercent, memoryBytes, ioBytesPerSecond }: GuestLoadLevel, signal: AbortSignal): Promise<void> {
		const each = Math.min(100, Math.max(0, cpuPercent) / this.#cpus);
		await this.#tell("cpu", this.#cpus, Math.round(each * 1000), String, signal);
		await this.#tell(
			"memory",
			1,
			Math.floor(Math.max(0, memoryBytes) / MIB) * 1024,
			(kib) => `hold ${kib} 1024`,
			signal,
		);
		await this.#tell("io", 1, Math.round(Math.min(MAX_IO, Math.max(0, ioBytesPerSecond))), String, signal);
	}

	async verify(signal: AbortSignal): Promise<void> {
		await this.#workers.memory(signal);
	}

	async stop(signal: AbortSignal): Promise<void> {
		await this.#workers.stop(signal);
	}

	/** Nobody is started before there is something to do. */
	async #tell(
		kind: "cpu" | "memory" | "io",
		count: number,
		amount: number,
		phrase: (amount: number) => string,
		signal: AbortSignal,
	): Promise<void> {
		if (!Number.isSafeInteger(amount)) throw new UmbraError("bad-config", `no such level of ${kind}: ${amount}`);
		const before = this.#said.get(kind);
		const what = phrase(amount);
		if (before === what || (before === undefined && amount === 0)) return;
		await this.#workers.say(kind, what, signal);
		if (before === undefined) await this.#workers.start(kind, count, signal);
		this.#said.set(kind, what);
	}
}
