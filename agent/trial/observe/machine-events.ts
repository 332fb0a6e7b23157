/** What QEMU told of a clone, for whoever reads its story: the first of them, repetitions counted. */
import { MAX_EVENTS, type MachineEvent } from "../../../common/trial/report.ts";
import type { QmpEvent } from "../../hypervisor/qmp.ts";

const MAX_NAME = 64;
const MAX_DETAIL = 400;

export class MachineEvents {
	readonly #events: MachineEvent[] = [];

	add({ event, data }: Pick<QmpEvent, "event" | "data">, atMs: number): void {
		const name = event.slice(0, MAX_NAME);
		const detail = Object.keys(data).length === 0 ? "" : JSON.stringify(data).slice(0, MAX_DETAIL);
		const last = this.#events.at(-1);
		if (last?.event === name && last.detail === detail) last.count++;
		else if (this.#events.length < MAX_EVENTS) {
			this.#events.push({ atMs: Math.max(0, Math.round(atMs)), event: name, detail, count: 1 });
		}
	}

	/** In the order in which they came. */
	all(): MachineEvent[] {
		return this.#events.map((each) => ({ ...each }));
	}
}
