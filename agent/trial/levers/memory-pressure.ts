import type { LeverValues } from "../../../common/trial/schedule.ts";
import { Balloon } from "./balloon.ts";
import type { Lever, LeverMove, LeverTarget } from "./lever.ts";

/** By the balloon: the guest's own driver takes memory from it. What clones share is sealed, so that others feel nothing. */
export class MemoryPressure implements Lever {
	readonly #balloon: Balloon;
	#isApplied = false;

	constructor({ clone }: LeverTarget) {
		this.#balloon = Balloon.of(clone);
	}

	async apply({ values }: LeverMove): Promise<LeverValues> {
		const leftBytes = await this.#balloon.set(this, Number(values["percent"]));
		this.#isApplied = true;
		return { leftBytes };
	}

	async verify(signal: AbortSignal): Promise<void> {
		await this.#balloon.verify(signal);
	}

	async revert(signal: AbortSignal): Promise<void> {
		if (!this.#isApplied) return;
		await this.#balloon.set(this, undefined);
		await this.#balloon.verify(signal);
		this.#isApplied = false;
	}
}
