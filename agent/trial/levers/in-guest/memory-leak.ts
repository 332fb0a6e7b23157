/** `memory-leak`: a process that takes so much a second and gives nothing back, until its lever is taken back. */
import type { LeverValues } from "../../../../common/trial/schedule.ts";
import type { Lever, LeverMove, LeverTarget } from "../lever.ts";
import { GuestShell, untilFine } from "./shell.ts";
import { Workers } from "./workers.ts";

const KIB = 1024;
const MIB = KIB * KIB;

export class MemoryLeak implements Lever {
	readonly #target: LeverTarget;
	#workers: Workers | undefined;
	#isRunning = false;
	/** That it had when its rate was last set. */
	#had = 0;

	constructor(target: LeverTarget) {
		this.#target = target;
	}

	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		const rate = Math.round(Number(values["bytesPerSecond"]));
		this.#workers ??= await Workers.make(await GuestShell.of(this.#target.guest, signal), signal);
		const wasRunning = this.#isRunning;
		await this.#workers.tell([{ kind: "memory", what: `leak ${rate} ${stepOf(rate)}`, count: 1 }], signal);
		this.#isRunning = true;
		this.#had = await this.#workers.memory(signal);
		return { leakedBytes: wasRunning ? this.#had : 0 };
	}

	async verify(signal: AbortSignal): Promise<void> {
		const workers = this.#workers;
		if (workers === undefined) return;
		await untilFine(async () => {
			const has = await workers.memory(signal);
			return has > this.#had ? "" : `the process that leaks has ${has} bytes, no more than before`;
		}, signal);
	}

	async revert(signal: AbortSignal): Promise<void> {
		await this.#workers?.stop(signal);
		this.#workers = undefined;
		this.#isRunning = false;
	}
}

/** KiB taken at once: at least one in four seconds, and not so many that the shell takes long to find them. */
function stepOf(rate: number): number {
	if (rate >= MIB) return 1024;
	return rate >= 64 * KIB ? 64 : 4;
}
