/** What everybody in a history shares. */
import { setImmediate as turn } from "node:timers/promises";
import type { Random } from "../../test/support/random.ts";
import type { ModelPoint, ModelVm } from "./model.ts";
import type { Store } from "./store.ts";

/** How often each thing came about: what never did was not tried. */
export const COUNTED = [
	...["points", "dropped", "forgotten", "held", "alerts", "staged", "duplicates", "missing", "baseUnknown", "reads"],
	...["collections", "removedPacks", "rewrittenPacks", "rebuilds", "checks"],
	...["accidents", "fullDisks", "restarts", "powerCuts", "rotations"],
] as const;
export type Counts = Record<(typeof COUNTED)[number], number>;

/** Errors with which something may end while the disk is full, fails, or the process is killed. */
export const TROUBLE = ["unavailable", "limit", "conflict"] as const;

/** Where a store runs. */
export interface Place {
	readonly store: Store;
	/** Milliseconds of a clock that is set; others take no notice. */
	now: number;
	/** What lingering waits for, instead of some turns. */
	readonly pause?: () => Promise<void>;
}

export class World {
	readonly random: Random;
	readonly machine: Place;
	readonly vms: readonly ModelVm[];
	readonly counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Counts;
	/** Unix nanoseconds: of the newest capture. */
	time = 1_700_000_000_000_000_000n;
	#ids = 0;

	constructor(random: Random, machine: Place, vms: readonly ModelVm[]) {
		this.random = random;
		this.machine = machine;
		this.vms = vms;
	}

	nextId(): number {
		return ++this.#ids;
	}

	/** A point that is there for sure. */
	someOf({ points, going }: ModelVm): ModelPoint | undefined {
		const there = points.filter((point) => !going.has(point));
		return there.length === 0 ? undefined : this.random.pick(there);
	}

	/** For no time, or for long enough that others can do all of their work. */
	async linger(): Promise<void> {
		if (this.machine.pause !== undefined) return await this.machine.pause();
		for (let turns = this.random.pick([0, 0, 1, 5, 20, 60]); turns > 0; turns--) {
			this.machine.now += this.random.below(20);
			await turn();
		}
	}

	async turn(): Promise<void> {
		if (this.random.chance(0.3)) await turn();
	}
}
