/**
 * Who changed the files of a capture, and which package change explains them. What the guest's package databases said
 * last is kept in the database, so that the next capture knows what changed in them.
 *
 * Keys: `packages/<vm>` (the versions), `owners/<vm>` (which package owned which file, see `disk/packages/owner-index.ts`).
 * Both are written only where a package database changed.
 */
import { z } from "zod";
import { nameToHex } from "../../common/block.ts";
import { isAbort, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { type Causes, findCauses, type KnownPackages } from "../../disk/causes.ts";
import type { NamedSource } from "../../disk/disk.ts";
import type { MachineChanges } from "../../disk/map/map.ts";
import { nameOfSealed } from "../../disk/sealed.ts";
import { type AgentDb, type AgentOperation, encodeKey } from "./block-index.ts";

const storedPackages = z.object({
	stamp: z.string(),
	versions: z.array(z.tuple([z.string(), z.string()])),
	/** The name of the owners that belong to them; not there in what earlier versions stored. */
	owners: z.string().optional(),
});

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
			return { causes, operations: causes.known === known ? [] : await this.#operations(vm, causes.known, signal) };
		} catch (error) {
			if (isAbort(error) || signal?.aborted === true || isUmbraError(error, "unavailable")) throw error;
			this.#log.warn({ vm, error: messageOf(error) }, "cannot tell who changed files");
			return undefined;
		}
	}

	/** Part of the batch that forgets a VM. */
	removal(vm: string): AgentOperation[] {
		return [
			{ type: "del", key: encodeKey("packages", vm) },
			{ type: "del", key: encodeKey("owners", vm) },
		];
	}

	async #known(vm: string): Promise<KnownPackages | undefined> {
		const bytes = await this.#db.get(encodeKey("packages", vm));
		if (bytes === undefined) return undefined;
		try {
			const { stamp, versions, owners } = storedPackages.parse(JSON.parse(Buffer.from(bytes).toString()));
			const hasOwners = owners !== undefined;
			return { stamp, versions: new Map(versions), owners: hasOwners ? () => this.#owners(vm, owners) : undefined };
		} catch (error) {
			this.#log.warn({ vm, reason: messageOf(error) }, "the stored packages are damaged and are read anew");
			return undefined;
		}
	}

	/** @throws UmbraError `corrupt` where they are not there, or are others. */
	async #owners(vm: string, name: string): Promise<Uint8Array> {
		const bytes = await this.#db.get(encodeKey("owners", vm));
		if (bytes !== undefined && nameToHex(nameOfSealed(bytes)) === name) return bytes;
		throw new UmbraError("corrupt", `the stored owners of the files of VM ${vm} are missing`);
	}

	async #operations(vm: string, known: KnownPackages | undefined, signal?: AbortSignal): Promise<AgentOperation[]> {
		if (known === undefined) return this.removal(vm);
		const { stamp, versions } = known;
		const owners = await known.owners?.(signal);
		const name = owners === undefined ? undefined : nameToHex(nameOfSealed(owners));
		const value = Buffer.from(JSON.stringify({ stamp, versions: [...versions], owners: name }));
		const packages: AgentOperation = { type: "put", key: encodeKey("packages", vm), value };
		const key = encodeKey("owners", vm);
		return [packages, owners === undefined ? { type: "del", key } : { type: "put", key, value: owners }];
	}
}
