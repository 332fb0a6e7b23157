/**
 * The file trees of the last capture, one a disk, kept in the database; and the metadata blocks that were
 * read to make them, kept in memory, so that the next capture reads only those that changed.
 */
import { BLOCK_SIZE } from "../../common/block.ts";
import { messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { ChangedPages } from "../../disk/map/map.ts";
import { type CachedSource, cacheSource } from "../../disk/source/cache.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { type DiskTree, decodeDiskTree, encodeDiskTree, readDiskTree } from "../../disk/tree.ts";
import { type AgentDb, type AgentOperation, encodeKey } from "./block-index.ts";

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

export class DiskTrees {
	readonly #db: AgentDb;
	readonly #log: Logger;
	readonly #cached = new Map<string, Cached>();

	constructor(db: AgentDb, log: Logger) {
		this.#db = db;
		this.#log = log;
	}

	/** The tree as the last final capture left it; undefined where there is none or it cannot be read. */
	async before(vm: string, disk: string): Promise<DiskTree | undefined> {
		const bytes = await this.#db.get(encodeKey("tree", vm, disk));
		if (bytes === undefined) return undefined;
		try {
			return decodeDiskTree(bytes);
		} catch (error) {
			// The blocks are right all the same; only this one changeset will name no files.
			this.#log.warn({ vm, disk, reason: messageOf(error) }, "the stored file tree is damaged and is made anew");
			return undefined;
		}
	}

	/**
	 * Reads the tree of an open snapshot.
	 *
	 * @param changed what changed since the last final capture, or undefined where that is not known.
	 */
	async after(
		vm: string,
		disk: string,
		snapshot: BlockSource,
		changed: ChangedPages | undefined,
		signal?: AbortSignal,
	): Promise<DiskTree> {
		return await readDiskTree(this.#source(vm, disk, snapshot, changed), signal);
	}

	operation(vm: string, disk: string, tree: DiskTree): AgentOperation {
		return { type: "put", key: encodeKey("tree", vm, disk), value: encodeDiskTree(tree) };
	}

	/** Drops cached metadata: of a capture that did not become final, or of a VM that is gone. */
	forget(vm: string): void {
		for (const key of this.#cached.keys()) if (key.startsWith(`${vm}\0`)) this.#cached.delete(key);
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

/** What to say where a tree cannot be read at all; the blocks are captured all the same. */
export function treeProblem(error: unknown): string {
	return error instanceof UmbraError ? error.message : `unexpected: ${messageOf(error)}`;
}
