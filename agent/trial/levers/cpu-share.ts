import type { LeverValues } from "../../../common/trial/schedule.ts";
import type { Lever, LeverMove, LeverTarget } from "./lever.ts";
import { CpuQuota } from "./vcpus.ts";

/** By a control group around the threads of the vCPUs: a guest sees stolen time, or slow processors. */
export class CpuShare implements Lever {
	readonly #quota: CpuQuota;

	constructor({ clone }: LeverTarget) {
		this.#quota = CpuQuota.of(clone);
	}

	async apply({ values }: LeverMove): Promise<LeverValues> {
		await this.#quota.set(this, Number(values["percent"]));
		return {};
	}

	async verify(): Promise<void> {
		await this.#quota.verify();
	}

	async revert(): Promise<void> {
		await this.#quota.set(this, undefined);
		await this.#quota.verify();
	}
}
