/** Levers that are done once, and of which nothing can be taken back. */
import { UmbraError } from "../../../common/errors.ts";
import type { LeverValues } from "../../../common/trial/schedule.ts";
import type { Clone } from "../clone.ts";
import type { Lever, LeverMove, LeverTarget } from "./lever.ts";

/** A guest that has not let go of a device by then does not do so. */
const UNPLUG_MS = 30_000;

/** A non-maskable interrupt, on all vCPUs that the machine sends it to. */
export class Nmi implements Lever {
	readonly #clone: Clone;

	constructor({ clone }: LeverTarget) {
		this.#clone = clone;
	}

	async apply(): Promise<LeverValues> {
		await this.#clone.qmp.execute("inject-nmi");
		return {};
	}

	/** QEMU's answer is all that can be known: what the guest makes of it is its own. */
	async verify(): Promise<void> {}

	async revert(): Promise<void> {}
}

/** As a hot-unplug: the guest is asked to let go of the device, by its bus's own means. */
export class Unplug implements Lever {
	readonly #clone: Clone;
	#device = "";

	constructor({ clone }: LeverTarget) {
		this.#clone = clone;
	}

	async apply({ values, signal }: LeverMove): Promise<LeverValues> {
		const { qmp } = this.#clone;
		const id = String(values["device"]);
		const devices = await this.#devices();
		if (!devices.includes(id)) {
			throw new UmbraError("bad-config", `the machine has no device ${id}; it has ${devices.join(", ") || "none"}`, {
				context: { field: "device", found: id, wanted: devices.join(", ") },
			});
		}
		this.#device = id;
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const why = (what: string) => new UmbraError("unavailable", `${id} is still plugged in: ${what}`);
		const late = AbortSignal.timeout(UNPLUG_MS);
		const onLate = () => reject(why(`the guest did not let go of it within ${UNPLUG_MS} ms`));
		const onAbort = () => reject(signal.reason);
		const off = qmp.onEvent(({ event, data }) => {
			if (data["device"] !== id) return;
			if (event === "DEVICE_DELETED") resolve();
			if (event === "DEVICE_UNPLUG_GUEST_ERROR") reject(why("the guest refused"));
		});
		late.addEventListener("abort", onLate, { once: true });
		signal.addEventListener("abort", onAbort, { once: true });
		promise.catch(() => undefined);
		try {
			await qmp.execute("device_del", { id });
			await promise;
		} finally {
			off();
			late.removeEventListener("abort", onLate);
			signal.removeEventListener("abort", onAbort);
		}
		return {};
	}

	async verify(): Promise<void> {
		if (!(await this.#devices()).includes(this.#device)) return;
		throw new UmbraError("unavailable", `${this.#device} is still plugged in`);
	}

	async revert(): Promise<void> {}

	/** By id: those without one cannot be named. */
	async #devices(): Promise<string[]> {
		const list = (await this.#clone.qmp.execute("qom-list", { path: "/machine/peripheral" })) as {
			name: string;
			type: string;
		}[];
		return list.filter(({ type }) => type.startsWith("child<")).map(({ name }) => name);
	}
}
