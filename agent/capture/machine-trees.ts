/**
 * The file tree of the last capture, one a machine, kept in the database; beside it a summary, so that a capture that
 * found nothing leaves the tree alone; and the metadata blocks that were read to make it, kept in memory, so that the
 * next capture reads only those that changed.
 *
 * Keys: `tree/<vm>`, `volumes/<vm>` (the summary).
 */
import { z } from "zod";
import { BLOCK_SIZE } from "../../common/block.ts";
import { messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { NamedSource } from "../../disk/disk.ts";
import type { ChangedPages } from "../../disk/map/map.ts";
import { type CachedSource, cacheSource } from "../../disk/source/cache.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { decodeMachineTree, encodeMachineTree, type MachineTree, readMachineTree } from "../../disk/tree.ts";
import { type AgentDb, type AgentOperation, encodeKey, keyRange } from "./block-index.ts";
import { summarise, type TreeSummary, treeSummary } from "./tree-summary.ts";

/** Metadata blocks kept in memory for a disk. */
const CACHE_BYTES = 16 * 1024 * 1024;
/** Disks whose metadata is kept, the last used ones: bounds the memory of a host with hundreds of VMs. */
const MAX_CACHED_DISKS = 8;

/** A source whose bytes come from whichever snapshot is open at the time. */
class CurrentSource implements BlockSource {
	inner: BlockSource;

	constructor(inner: BlockSource) {
		this.inner = inner;
	}
	get size(): number {
		return this.inner.size;
	}
	get name(): string {
		return this.inner.name;
	}
	read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		return this.inner.read(offset, length, signal);
	}
	extents(offset: number, length: number, signal?: AbortSignal) {
		return this.inner.extents(offset, length, signal);
	}
	async [Symbol.asyncDispose](): Promise<void> {}
}

interface Cached {
	readonly size: number;
	readonly current: CurrentSource;
	readonly source: CachedSource;
}

export class MachineTrees {
	readonly #db: AgentDb;
	readonly #log: Logger;
	readonly #cached = new Map<string, Cached>();

	constructor(db: AgentDb, log: Logger) {
		this.#db = db;
		this.#log = log;
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
	async before(vm: string): Promise<MachineTree | undefined> {
		const bytes = await this.#db.get(encodeKey("tree", vm));
		if (bytes === undefined) return undefined;
		try {
			return decodeMachineTree(bytes);
		} catch (error) {
			// The blocks are right all the same; only this one changeset will name no files.
			this.#warn(vm, messageOf(error));
			return undefined;
		}
	}

	/**
	 * Reads the tree of an open snapshot.
	 *
	 * @param changed by the name of the disk, what changed since the last final capture; none for a disk of which that is not known.
	 */
	async after(
		vm: string,
		snapshot: readonly NamedSource[],
		changed: ReadonlyMap<string, ChangedPages>,
		signal?: AbortSignal,
	): Promise<MachineTree> {
		const sources = snapshot.map(({ name, source }) => ({
			name,
			source: this.#source(vm, name, source, changed.get(name)),
		}));
		return await readMachineTree(sources, signal);
	}

	/** Part of the batch that makes a capture final. */
	operations(vm: string, tree: MachineTree): AgentOperation[] {
		return [
			{ type: "put", key: encodeKey("tree", vm), value: encodeMachineTree(tree) },
			{ type: "put", key: encodeKey("volumes", vm), value: Buffer.from(JSON.stringify(summarise(tree))) },
		];
	}

	/** The same where there is no tree. */
	removal(vm: string): AgentOperation[] {
		return [
			{ type: "del", key: encodeKey("tree", vm) },
			{ type: "del", key: encodeKey("volumes", vm) },
		];
	}

	/** Drops cached metadata: of a capture that did not become final, or of a VM that is gone. */
	forget(vm: string): void {
		for (const key of this.#cached.keys()) if (key.startsWith(`${vm}\0`)) this.#cached.delete(key);
	}

	/** Drops the trees of single disks, which agents kept before there was one a machine. */
	async clearOld(vm: string): Promise<void> {
		await this.#db.clear(keyRange("tree", vm));
	}

	#warn(vm: string, reason: string): void {
		this.#log.warn({ vm, reason }, "the stored file tree is damaged and is made anew");
	}

	#source(vm: string, disk: string, snapshot: BlockSource, changed: ChangedPages | undefined): BlockSource {
		const key = `${vm}\0${disk}`;
		const cached = this.#cached.get(key);
		if (cached !== undefined && cached.size === snapshot.size && changed !== undefined) {
			this.#cached.delete(key);
			this.#cached.set(key, cached);
			cached.current.inner = snapshot;
			let last = -1;
			for (const offset of changed.offsets) {
				const block = Math.floor(offset / BLOCK_SIZE);
				if (block !== last) cached.source.invalidate(block * BLOCK_SIZE, BLOCK_SIZE);
				last = block;
			}
			return cached.source;
		}
		const current = new CurrentSource(snapshot);
		const source = cacheSource(current, { limitBytes: CACHE_BYTES });
		this.#cached.delete(key);
		this.#cached.set(key, { size: snapshot.size, current, source });
		for (const oldest of this.#cached.keys()) {
			if (this.#cached.size <= MAX_CACHED_DISKS) break;
			this.#cached.delete(oldest);
		}
		return source;
	}
}
