/** Disks whose requests fail: by a blkdebug filter over the image, for which QEMU's own errors cannot be told from a disk's. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { UmbraError } from "../../../common/errors.ts";
import { createRandom } from "../../../common/random.ts";
import type { LeverValues } from "../../../common/trial/schedule.ts";
import type { Clone } from "../clone.ts";
import type { PlannedDisk } from "../clone-plan.ts";
import { CloneDisks, type Fault } from "./clone-disks.ts";
import type { Lever, LeverMove, LeverTarget, MakeLever } from "./lever.ts";

const EIO = 5;
const ENOSPC = 28;
/** Requests after which it begins anew, at most: QEMU looks through all rules for each. 0.01 percent is one of so many. */
const MAX_ROUND = 10_000;
const ROUNDS = [1, 100, 1000, MAX_ROUND];

type Operation = "read" | "write" | "flush";

/** By what QEMU tells a filter of a request before it comes, and what it calls the request then. */
const REQUESTS: Readonly<Record<Operation, readonly (readonly [event: string, type: string])[]>> = {
	read: [["read_aio", "read"]],
	write: [
		["pwritev", "write"],
		["pwritev_zero", "write-zeroes"],
	],
	flush: [["flush_to_disk", "flush"]],
};

/**
 * Rules by which so many of a hundred requests fail with `errno`, counted over all that come: blkdebug knows no chance, but it can go
 * from one state to the next with each request. Which of a round fail is drawn from the seed.
 */
export function faultRules(operation: Operation, percent: number, errno: number, seed: number): Fault {
	const requests = REQUESTS[operation];
	if (percent >= 100) {
		return { "inject-error": requests.map(([, iotype]) => ({ event: "none", iotype, errno })) };
	}
	const round = ROUNDS.find((each) => Number.isInteger(roundedTo(percent * each, 6) / 100)) ?? MAX_ROUND;
	const failing = Math.max(1, Math.round((percent * round) / 100));
	const places = createRandom(seed).shuffle(Array.from({ length: round }, (_, at) => at < failing));
	// State 1 is that of the beginning. What is injected holds until something else is, which then is of what never comes.
	const never = (event: string) => ({ event, iotype: "block-status", errno });
	return {
		"set-state": requests.flatMap(([event]) =>
			places.map((_, at) => ({ event, state: at + 1, new_state: ((at + 1) % round) + 1 })),
		),
		"inject-error": requests.flatMap(([event, iotype]) =>
			places.flatMap((fails, at) => {
				if (fails) return [{ event, iotype, errno, state: at + 1 }];
				return places.at(at - 1) === true ? [{ ...never(event), state: at + 1 }] : [];
			}),
		),
	};
}

/** Rules as QEMU reads them from a file: thousands of them in one command would keep it busy for a minute. */
export function rulesFile(rules: Fault): string {
	const groups = Object.entries(rules) as [string, readonly Readonly<Record<string, string | number>>[]][];
	return groups
		.flatMap(([group, all]) =>
			all.map((rule) => {
				const lines = Object.entries(rule).map(([key, value]) => `${key} = "${value}"\n`);
				return `[${group}]\n${lines.join("")}`;
			}),
		)
		.join("");
}

function roundedTo(value: number, digits: number): number {
	return Math.round(value * 10 ** digits) / 10 ** digits;
}

class DiskFault implements Lever {
	static #next = 0;
	readonly #clone: Clone;
	readonly #rules: (move: LeverMove) => Fault;
	#disks: readonly PlannedDisk[] = [];

	constructor({ clone }: LeverTarget, rules: (move: LeverMove) => Fault) {
		this.#clone = clone;
		this.#rules = rules;
	}

	async apply(move: LeverMove): Promise<LeverValues> {
		const disks = CloneDisks.of(this.#clone);
		this.#disks = disks.select(move.values["disk"]);
		const config = join(this.#clone.folder, `rules${DiskFault.#next++}`);
		await writeFile(config, rulesFile(this.#rules(move)), { mode: 0o600 });
		for (const disk of this.#disks) await disks.setFault(disk, this, { config });
		return {};
	}

	async verify(): Promise<void> {
		const disks = CloneDisks.of(this.#clone);
		for (const disk of this.#disks) {
			const path = (await disks.path(disk)).map(({ name }) => name);
			if (disks.nodesOf(disk, this).some((node) => !path.includes(node)) || disks.nodesOf(disk, this).length === 0) {
				throw new UmbraError("unavailable", `disk ${disk.disk}: QEMU's requests go through ${path.join(", ")} only`);
			}
		}
	}

	async revert(): Promise<void> {
		const disks = CloneDisks.of(this.#clone);
		for (const disk of this.#disks) {
			const before = disks.nodesOf(disk, this);
			await disks.setFault(disk, this, undefined);
			const path = (await disks.path(disk)).map(({ name }) => name);
			if (before.some((node) => path.includes(node)) || path.length === 0) {
				throw new UmbraError("unavailable", `disk ${disk.disk}: QEMU's requests still go through ${path.join(", ")}`);
			}
		}
		await disks.resume();
	}
}

export const makeDiskErrors: MakeLever = (target) =>
	new DiskFault(target, ({ values, seed }) =>
		faultRules(values["operation"] as Operation, Number(values["percent"] ?? 100), EIO, seed),
	);

export const makeDiskFull: MakeLever = (target) =>
	new DiskFault(target, ({ seed }) => faultRules("write", 100, ENOSPC, seed));
