/** What ingest, trees and readers need of the vault. */
import type { UmbraError } from "../../common/errors.ts";
import type { DiskTree } from "./tree.ts";

export type ChunkEncoding = "raw" | "zstd";

/** A chunk as it is stored and as it travels. */
export interface StoredChunk {
	/** 32 bytes: BLAKE3-256 of the plain bytes. */
	readonly name: Uint8Array;
	readonly encoding: ChunkEncoding;
	readonly data: Uint8Array;
}

export interface ChunkStore extends AsyncDisposable {
	/**
	 * True also for what was put but not yet flushed. The zero name is always there. Who asks means to rely on the
	 * answer: what is there stays for the grace time, whether or not a point needs it.
	 */
	has(name: Uint8Array): boolean;
	/**
	 * Verifies each chunk's data against its name and appends it. A chunk that is there already costs nothing.
	 * They are durable only after the next `flush`.
	 *
	 * @returns in the order given: undefined, or why the chunk was rejected (`corrupt`); it was not stored then.
	 * @throws UmbraError `unavailable` or `limit` when the disk fails or is full; what was flushed stays good.
	 */
	putAll(chunks: readonly StoredChunk[]): Promise<(UmbraError | undefined)[]>;
	/** Stores plain bytes (a tree page, say) and returns their name. Zeroes are not stored: `ZERO_NAME`. */
	putPlain(bytes: Uint8Array): Promise<Uint8Array>;
	/** Resolves when everything put before the call is on stable storage. Concurrent calls share one fsync. */
	flush(): Promise<void>;
	/**
	 * The plain bytes, verified against `name`; a block of zeroes for the zero name. They are shared with
	 * other readers: not to be changed.
	 *
	 * @throws UmbraError `not-found`, or `corrupt` where the stored bytes are not what the name says.
	 */
	get(name: Uint8Array, signal?: AbortSignal): Promise<Uint8Array>;
	stats(): { readonly chunks: number; readonly packs: number; readonly storedBytes: number };
}

/** A store that gives back the space of what nobody needs. */
export interface VaultStore extends ChunkStore {
	/**
	 * For a writer: until it is disposed of, these disks stay whole, and so does everything that is put or asked for
	 * from now on.
	 */
	lease(trees: readonly DiskTree[]): Disposable;
	/** For a reader: until it is disposed of, these disks stay whole. */
	pin(trees: readonly DiskTree[]): Disposable;
	/**
	 * Chunks in the order asked for, none of which is the zero name, in the encodings that they are stored in. They are
	 * **not** verified: whoever uses them has to.
	 *
	 * @throws UmbraError as `get`, of the first that fails.
	 */
	getStored(names: readonly Uint8Array[], signal?: AbortSignal): Promise<StoredChunk[]>;
}
