/**
 * What trials leave free of the filesystem that they lie on. The agent's spool and database lie there too: where it is full, production
 * machines are not captured any more.
 */
import { statfs } from "node:fs/promises";
import { UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";

const LEAST_BYTES = 2 * 2 ** 30;
const LEAST_SHARE = 0.05;

/** Bytes. */
export interface Space {
	readonly free: number;
	readonly floor: number;
}

export class DiskFloor {
	readonly #folder: string;
	readonly #told: () => number | undefined;

	/** @param told bytes; left out, 2 GiB or a twentieth of the filesystem, whichever is more */
	constructor(folder: string, told: () => number | undefined) {
		this.#folder = folder;
		this.#told = told;
	}

	/** Undefined while there is enough. @throws UmbraError `unavailable` where the kernel does not say. */
	async shortage(): Promise<Space | undefined> {
		const { bavail, blocks, bsize } = await statfs(this.#folder).catch((cause: unknown) => {
			throw new UmbraError("unavailable", `how much of ${this.#folder}'s filesystem is free cannot be told`, { cause });
		});
		const floor = this.#told() ?? Math.max(LEAST_BYTES, LEAST_SHARE * blocks * bsize);
		const free = bavail * bsize;
		return free < floor ? { free, floor } : undefined;
	}

	/** @throws UmbraError `limit` with the numbers, `unavailable`. */
	async check(what: string): Promise<void> {
		const short = await this.shortage();
		if (short === undefined) return;
		throw new UmbraError("limit", `no room for ${what}: ${textOf(short)}`, {
			context: { path: this.#folder, field: "trials.diskFloor", found: short.free, wanted: short.floor },
			hint: "free some space, or move the agent's dataDir",
		});
	}
}

/** For people. */
export function textOf({ free, floor }: Space): string {
	return `the filesystem of its disks has ${formatBytes(free)} free, and ${formatBytes(floor)} of it are to stay so`;
}
