import { UmbraError } from "../../../common/errors.ts";
import type { LeverValues } from "../../../common/trial/schedule.ts";
import type { Clone } from "../clone.ts";
import type { PlannedDisk } from "../clone-plan.ts";
import { CloneDisks } from "./clone-disks.ts";
import type { Lever, LeverMove, LeverTarget } from "./lever.ts";

/** Limits of a throttle group, reads and writes together; 0: none. */
interface Limits {
	readonly "bps-total": number;
	readonly "iops-total": number;
}

const NONE: Limits = { "bps-total": 0, "iops-total": 0 };

/**
 * By the limits of the throttle group that each disk of a clone has from the beginning. QEMU counts in whole numbers, and lets a tenth
 * of a second's worth through at once.
 */
export class DiskRate implements Lever {
	readonly #clone: Clone;
	#disks: readonly PlannedDisk[] = [];
	#wanted = NONE;

	constructor({ clone }: LeverTarget) {
		this.#clone = clone;
	}

	async apply({ values }: LeverMove): Promise<LeverValues> {
		this.#disks = CloneDisks.of(this.#clone).select(values["disk"]);
		const { bytesPerSecond = 0, requestsPerSecond = 0 } = values;
		const whole = (limit: string | number) => (limit === 0 ? 0 : Math.max(1, Math.round(Number(limit))));
		this.#wanted = { "bps-total": whole(bytesPerSecond), "iops-total": whole(requestsPerSecond) };
		await this.#set(this.#wanted);
		return {};
	}

	async verify(): Promise<void> {
		await this.#check(this.#wanted);
	}

	async revert(): Promise<void> {
		await this.#set(NONE);
		await this.#check(NONE);
	}

	async #set(value: Limits): Promise<void> {
		for (const { group } of this.#disks) {
			await this.#clone.qmp.execute("qom-set", { path: `/objects/${group}`, property: "limits", value });
		}
	}

	async #check(wanted: Limits): Promise<void> {
		for (const { disk, group } of this.#disks) {
			const path = { path: `/objects/${group}`, property: "limits" };
			const found = (await this.#clone.qmp.execute("qom-get", path)) as Partial<Limits>;
			for (const key of ["bps-total", "iops-total"] as const) {
				if (found[key] === wanted[key]) continue;
				throw new UmbraError("unavailable", `disk ${disk}: QEMU has ${key} ${found[key]}; wanted ${wanted[key]}`, {
					context: { structure: key, found: found[key], wanted: wanted[key] },
				});
			}
		}
	}
}
