/**
 * The vault: where block contents live, deduplicated over all VMs. A chunk is named by the BLAKE3 of
 * its plain bytes; packs hold chunks; disk trees (`tree.ts`) are chunks too and turn names into disks.
 *
 *     pack-format   the bytes of a pack           pack-store    where packs lie
 *     pack-writer   appending and committing      pack-load     the index, from the packs alone
 *     chunk-codec   plain and stored bytes        chunk-index   which chunk lies where
 *     chunk-verifier   threads that check what comes in
 *
 * This folder knows chunks, packs and disk trees. It knows nothing of VMs, points, agents or files,
 * nor which chunks are still wanted: that is the catalog's.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BLOCK_SIZE, blake3Name, isZero, isZeroName, NAME_SIZE, nameToHex, ZERO_NAME } from "../../common/block.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { type Logger, silentLogger } from "../../common/log.ts";
import { ChunkCache } from "./chunk-cache.ts";
import { decodeChunk, encodeChunk } from "./chunk-codec.ts";
import type { ChunkIndex } from "./chunk-index.ts";
import type { ChunkEncoding, ChunkStore, StoredChunk } from "./chunk-store.ts";
import { ChunkVerifier } from "./chunk-verifier.ts";
import { FolderPackStore } from "./folder-pack-store.ts";
import { lockFile } from "./lock.ts";
import {
	FILE_HEADER_SIZE,
	MAX_CHUNK_SIZE,
	MAX_PACK_SIZE,
	packMeta,
	RECORD_HEADER_SIZE,
	type RecordPlace,
} from "./pack-format.ts";
import { type LoadedPacks, loadPacks } from "./pack-load.ts";
import type { PackStore } from "./pack-store.ts";
import { PackWriter } from "./pack-writer.ts";

/** Large enough for sequential disks, small enough to read whole and to rewrite. */
const DEFAULT_PACK_BYTES = 16 * 2 ** 20;
const MIN_PACK_BYTES = FILE_HEADER_SIZE + RECORD_HEADER_SIZE + MAX_CHUNK_SIZE;
/** A pack is closed before it outgrows its size, but the trailer comes on top. */
const MAX_PACK_BYTES = MAX_PACK_SIZE / 2;
const CACHE_BYTES = 64 * 2 ** 20;

export interface VaultOptions {
	readonly folder: string;
	/** Size at which a pack is sealed, in bytes. */
	readonly packBytes?: number;
	readonly log?: Logger;
}

export class Vault implements ChunkStore {
	readonly packs: PackStore;
	readonly #index: ChunkIndex;
	readonly #writer: PackWriter;
	readonly #cache = new ChunkCache(CACHE_BYTES);
	readonly #log: Logger;
	readonly #verifier = new ChunkVerifier();
	readonly #resources = new AsyncDisposableStack();
	readonly #packsAtOpen: number;
	#storedBytes: number;

	private constructor(packs: PackStore, loaded: LoadedPacks, packBytes: number, log: Logger) {
		this.packs = packs;
		this.#index = loaded.index;
		this.#packsAtOpen = loaded.packs;
		this.#storedBytes = loaded.storedBytes;
		this.#log = log;
		this.#writer = new PackWriter({
			store: packs,
			packBytes,
			nextId: loaded.nextId,
			log,
			onLost: (name) => {
				this.#index.remove(name);
				this.#cache.delete(name);
			},
		});
		for (const unsealed of loaded.unsealed) this.#writer.adopt(unsealed);
	}

	/**
	 * Opens the vault in a local folder, which is made where it is missing.
	 *
	 * @throws UmbraError `conflict` where another process has it open, `unsupported` where another release
	 * wrote it, `bad-config`, `denied`, `limit` or `unavailable`.
	 */
	static async open(options: VaultOptions): Promise<Vault> {
		const { folder } = options;
		try {
			await mkdir(folder, { recursive: true });
		} catch (error) {
			throw new UmbraError("unavailable", `cannot make the vault folder ${folder}: ${messageOf(error)}`, {
				cause: error,
				context: { path: folder },
			});
		}
		await using resources = new AsyncDisposableStack();
		resources.use(lockFile(join(folder, "lock")));
		const packs = resources.use(await FolderPackStore.open(join(folder, "packs")));
		const vault = await Vault.over(packs, options);
		vault.#resources.use(resources.move());
		return vault;
	}

	/**
	 * A vault over packs that lie anywhere. They stay the caller's to close, after the vault; nobody else
	 * may write there meanwhile.
	 *
	 * @throws UmbraError as `open`, except `conflict`.
	 */
	static async over(packs: PackStore, options: Omit<VaultOptions, "folder"> = {}): Promise<Vault> {
		const { packBytes = DEFAULT_PACK_BYTES, log = silentLogger() } = options;
		if (!(packBytes >= MIN_PACK_BYTES && packBytes <= MAX_PACK_BYTES)) {
			const wanted = `${MIN_PACK_BYTES} to ${MAX_PACK_BYTES}`;
			throw new UmbraError("bad-config", `packBytes is ${packBytes}, wanted ${wanted}`, {
				context: { field: "packBytes", found: packBytes, wanted },
			});
		}
		const vault = new Vault(packs, await loadPacks(packs, log), packBytes, log);
		try {
			// What a killed process wrote may be in the page cache only, and `has` says that it is there.
			await vault.flush();
		} catch (error) {
			await vault[Symbol.asyncDispose]();
			throw error;
		}
		return vault;
	}

	has(name: Uint8Array): boolean {
		return name.length === NAME_SIZE && (isZeroName(name) || this.#index.has(name));
	}

	async putAll(chunks: readonly StoredChunk[]): Promise<(UmbraError | undefined)[]> {
		const outcomes = chunks.map(({ name }) => (name.length === NAME_SIZE ? undefined : badName(name)));
		const wanted = chunks.flatMap((chunk, at) =>
			outcomes[at] === undefined && !this.has(chunk.name) ? [{ chunk, at }] : [],
		);
		if (wanted.length === 0) return outcomes;
		const verified = await this.#verifier.verify(wanted.map(({ chunk }) => chunk));
		for (const [index, { at }] of wanted.entries()) {
			const verdict = verified[index]!;
			if (verdict instanceof UmbraError) {
				outcomes[at] = verdict;
				continue;
			}
			const { name, encoding, data } = verdict.chunk;
			// Another batch may have brought it meanwhile.
			if (!this.has(name)) await this.#append(name, encoding, verdict.plainLength, data);
		}
		return outcomes;
	}

	async putPlain(bytes: Uint8Array): Promise<Uint8Array> {
		if (bytes.length > MAX_CHUNK_SIZE) {
			throw new UmbraError("limit", `chunk: ${bytes.length} bytes, wanted at most ${MAX_CHUNK_SIZE}`, {
				context: { structure: "chunk", field: "plain length", found: bytes.length, wanted: MAX_CHUNK_SIZE },
			});
		}
		if (isZero(bytes)) return ZERO_NAME;
		const name = blake3Name(bytes);
		if (!this.#index.has(name)) {
			const { encoding, data } = encodeChunk(bytes);
			await this.#append(name, encoding, bytes.length, data);
		}
		return name;
	}

	flush(): Promise<void> {
		return this.#writer.flush();
	}

	async get(name: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
		signal?.throwIfAborted();
		if (name.length === NAME_SIZE && isZeroName(name)) return new Uint8Array(BLOCK_SIZE);
		const cached = this.#cache.get(name);
		if (cached !== undefined) return cached;
		const place = name.length === NAME_SIZE ? this.#index.find(name) : undefined;
		if (place === undefined) {
			throw new UmbraError("not-found", `the vault has no chunk ${nameToHex(name)}`, {
				context: { structure: "chunk", found: nameToHex(name) },
			});
		}
		const plain = await this.#read(name, place, signal);
		this.#cache.set(name, plain);
		return plain;
	}

	stats(): { readonly chunks: number; readonly packs: number; readonly storedBytes: number } {
		const packs = this.#packsAtOpen + this.#writer.begun;
		return { chunks: this.#index.size, packs, storedBytes: this.#storedBytes };
	}

	/** Flushes and closes. A failing flush is logged: whoever needed it has called `flush` and knows. */
	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#resources.disposed) return;
		await using _resources = this.#resources;
		await using _verifier = this.#verifier;
		try {
			await this.#writer.close();
		} catch (error) {
			this.#log.error({ error: messageOf(error) }, "the vault closed without flushing everything");
		}
	}

	async #append(name: Uint8Array, encoding: ChunkEncoding, plainLength: number, data: Uint8Array): Promise<void> {
		if (!this.#writer.hasRoom) {
			await this.#writer.room();
			if (this.#index.has(name)) return;
		}
		const { pack, offset } = this.#writer.append(name, encoding, plainLength, data);
		this.#index.add(name, pack, offset, packMeta(encoding, data.length));
		this.#storedBytes += RECORD_HEADER_SIZE + data.length;
	}

	async #read(name: Uint8Array, place: RecordPlace, signal: AbortSignal | undefined): Promise<Uint8Array> {
		const { pack, offset, encoding, storedLength } = place;
		try {
			const data =
				this.#writer.gathered(place) ??
				(await this.packs.read(pack, offset + RECORD_HEADER_SIZE, storedLength, signal));
			return decodeChunk(name, encoding, data);
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "truncated", "not-found")) throw error;
			throw new UmbraError("corrupt", `chunk ${nameToHex(name)} in pack ${pack} is damaged: ${error.message}`, {
				cause: error,
				context: { ...error.context, structure: "chunk record", pack, offset, name: nameToHex(name) },
				hint: "`umbra vault check` lists everything that is damaged",
			});
		}
	}
}

function badName(name: Uint8Array): UmbraError {
	return new UmbraError("corrupt", `chunk: a name of ${name.length} bytes, wanted ${NAME_SIZE}`, {
		context: { structure: "chunk", field: "name", found: name.length, wanted: NAME_SIZE },
	});
}
