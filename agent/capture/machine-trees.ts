/**
 * The file tree of the last capture, one a machine, kept in the database as a base and what changed since; beside it a
 * summary, so that a capture that found nothing leaves the tree alone. Trees that were used last stay in memory, so that
 * the next capture only reads and writes what changed.
 *
 * Keys: `tree/<vm>/<part>` (see `disk/tree-log.ts`), `volumes/<vm>` (the summary).
 */
import { z } from "zod";
import { messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { NamedSource } from "../../disk/disk.ts";
import type { ChangedPages } from "../../disk/map/map.ts";
import { type MachineTree, readMachineTree, updateMachineTree } from "../../disk/tree.ts";
import { TreeLog } from "../../disk/tree-log.ts";
import { type AgentDb, type AgentOperation, encodeKey, keyRange } from "./block-index.ts";
import { summarise, type TreeSummary, treeSummary } from "./tree-summary.ts";

/** Files of all trees in memory together, some 300 bytes each; a larger tree is loaded for every capture. */
const MAX_WARM_FILES = 250_000;
const INDEX_DIGITS = 4;

/** A tree as it is stored. */
export interface StoredTree {
	readonly log: TreeLog;
	/** How many records it takes. */
	readonly parts: number;
}

/** A tree that becomes the stored one once `operations` are in the database. */
export interface NextTree extends StoredTree {
	readonly operations: readonly AgentOperation[];
}

export class MachineTrees {
	readonly #db: AgentDb;
	readonly #log: Logger;
	/** The last used last. */
	readonly #warm = new Map<string, StoredTree>();
	readonly #maxWarmFiles: number;

	constructor(db: AgentDb, log: Logger, maxWarmFiles: number = MAX_WARM_FILES) {
		this.#db = db;
		this.#log = log;
		this.#maxWarmFiles = maxWarmFiles;
	}

	/** What the last final capture's tree says in short; undefined where there is none. */
	async summary(vm: string): Promise<TreeSummary | undefined> {
		const bytes = await this.#db.get(encodeKey("volumes", vm));
		if (bytes === undefined) return undefined;
		try {
			return treeSummary.parse(JSON.parse(Buffer.from(bytes).toString()));
		} catch (error) {
			this.#warn(vm, error instanceof z.ZodError ? z.prettifyError(error) : messageOf(error));
			return undefined;
		}
	}

	/** The tree as the last final capture left it; undefined where there is none or it cannot be read. */
	async before(vm: string): Promise<StoredTree | undefined> {
		const warm = this.#warm.get(vm);
		if (warm !== undefined) return warm;
		const parts = await Array.fromAsync(this.#db.values(keyRange("tree", vm)));
		if (parts.length === 0) return undefined;
		try {
			return { log: TreeLog.read(parts), parts: parts.length };
		} catch (error) {
			// The blocks are right all the same; only this one changeset will name no files.
			this.#warn(vm, messageOf(error));
			await this.#db.clear(keyRange("tree", vm));
			return undefined;
		}
	}

	/**
	 * Reads the tree of an open snapshot: as a whole, or of what changed since `before`.
	 *
	 * @param changed by the name of the disk, what changed since the last final capture; none for a disk of which that is not known.
	 */
	async after(
		before: StoredTree | undefined,
		snapshot: readonly NamedSource[],
		changed: ReadonlyMap<string, ChangedPages>,
		signal?: AbortSignal,
	): Promise<MachineTree> {
		const isKnown = snapshot.every(({ name }) => changed.has(name));
		if (before === undefined || !isKnown) return await readMachineTree(snapshot, signal);
		return await updateMachineTree(before.log.tree, snapshot, changed, signal);
	}

	/** What makes `tree` the stored one, as part of the batch that makes a capture final. */
	next(vm: string, before: StoredTree | undefined, tree: MachineTree): NextTree {
		const { log, part } = before === undefined ? TreeLog.begin(tree) : before.log.append(tree);
		const operations: AgentOperation[] = [
			{ type: "put", key: partKey(vm, part.index), value: part.bytes },
			{ type: "put", key: encodeKey("volumes", vm), value: Buffer.from(JSON.stringify(summarise(tree))) },
		];
		if (part.isBase) {
			for (let index = 1; index < (before?.parts ?? 0); index++) {
				operations.push({ type: "del", key: partKey(vm, index) });
			}
		}
		return { log, parts: part.index + 1, operations };
	}

	/** Says that the operations of `next` are in the database. */
	stored(vm: string, { log, parts }: NextTree): void {
		this.#warm.delete(vm);
		this.#warm.set(vm, { log, parts });
		let files = 0;
		for (const each of this.#warm.values()) files += countFiles(each.log.tree);
		for (const [oldest, { log: cold }] of this.#warm) {
			if (files <= this.#maxWarmFiles) break;
			this.#warm.delete(oldest);
			files -= countFiles(cold.tree);
		}
	}

	/** What leaves no tree; `clear` then drops the rest of it. */
	removal(vm: string): AgentOperation[] {
		return [
			{ type: "del", key: partKey(vm, 0) },
			{ type: "del", key: encodeKey("volumes", vm) },
		];
	}

	/** Drops what is in memory: of a VM that is gone, or whose stored tree is no longer the one that `stored` was told. */
	forget(vm: string): void {
		this.#warm.delete(vm);
	}

	/** Drops every part of a tree, of whatever version. */
	async clear(vm: string): Promise<void> {
		this.forget(vm);
		await this.#db.clear(keyRange("tree", vm));
		await this.#db.del(encodeKey("tree", vm));
	}

	#warn(vm: string, reason: string): void {
		this.#log.warn({ vm, reason }, "the stored file tree is damaged and is made anew");
	}
}

function partKey(vm: string, index: number): Uint8Array {
	return encodeKey("tree", vm, index.toString().padStart(INDEX_DIGITS, "0"));
}

function countFiles({ volumes }: MachineTree): number {
	return volumes.reduce((sum, { scan }) => sum + (scan?.nodes.size ?? 0), 0);
}
