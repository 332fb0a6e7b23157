/**
 * Who changed the files of a capture, and which package change explains them. What the guest's package databases said
 * last is kept in the database (`packages/<vm>`), so that the next capture knows what changed in them.
 */
import { z } from "zod";
import { isAbort, isUmbraError, messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { type Causes, findCauses, type KnownPackages } from "../../disk/causes.ts";
import type { NamedSource } from "../../disk/disk.ts";
import type { MachineChanges } from "../../disk/map/map.ts";
import { type AgentDb, type AgentOperation, encodeKey } from "./block-index.ts";

const storedPackages = z.object({ stamp: z.string(), versions: z.array(z.tuple([z.string(), z.string()])) });

/** When the changes of a capture were made: seconds since 1970. */
export interface Interval {
	readonly from: number;
	readonly to: number;
}

export class ChangeCauses {
	readonly #db: AgentDb;
	readonly #log: Logger;

	constructor(db: AgentDb, log: Logger) {
		this.#db = db;
		this.#log = log;
	}

	/**
	 * Undefined where they could not be found out: a capture does without them.
	 *
	 * @throws UmbraError `unavailable` where a disk cannot be read.
	 */
	async find(
		vm: string,
		disks: readonly NamedSource[],
		files: MachineChanges["files"],
		interval: Interval,
		signal?: AbortSignal,
	): Promise<{ readonly causes: Causes; readonly operations: readonly AgentOperation[] } | undefined> {
		const known = await this.#known(vm);
		try {
			const causes = await findCauses({ files, interval, after: disks, known, signal });
			return { causes, operations: causes.known === known ? [] : [this.#operation(vm, causes.known)] };
		} catch (error) {
			if (isAbort(error) || signal?.aborted === true || isUmbraError(error, "unavailable")) throw error;
			this.#log.warn({ vm, error: messageOf(error) }, "cannot tell who changed files");
			return undefined;
		}
	}

	/** Part of the batch that forgets a VM. */
	removal(vm: string): AgentOperation {
		return { type: "del", key: encodeKey("packages", vm) };
	}

	async #known(vm: string): Promise<KnownPackages | undefined> {
		const bytes = await this.#db.get(encodeKey("packages", vm));
		if (bytes === undefined) return undefined;
		try {
			const { stamp, versions } = storedPackages.parse(JSON.parse(Buffer.from(bytes).toString()));
			return { stamp, versions: new Map(versions) };
		} catch (error) {
			this.#log.warn({ vm, reason: messageOf(error) }, "the stored packages are damaged and are read anew");
			return undefined;
		}
	}

	#operation(vm: string, known: KnownPackages | undefined): AgentOperation {
		if (known === undefined) return this.removal(vm);
		const value = JSON.stringify({ stamp: known.stamp, versions: [...known.versions] });
		return { type: "put", key: encodeKey("packages", vm), value: Buffer.from(value) };
	}
}
