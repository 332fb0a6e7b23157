/**
 * The vault: where block contents live, deduplicated over all VMs. A chunk is named by the BLAKE3 of
 * its plain bytes; packs hold chunks; disk trees (`tree.ts`) are chunks too and turn names into disks.
 *
 *     pack-format   the bytes of a pack           pack-store    where packs lie
 *     pack-writer   appending and committing      pack-load     the index, from the packs alone
 *     chunk-codec   plain and encoded bytes       chunk-index   which chunk lies where
 *     chunk-form    names and bytes on disk: in the clear, or encrypted with the keys of the keyring
 *     chunk-verifier   threads that check what comes in      pack-checker   threads that check what is there
 *     stored-reader    many chunks at once, as they are stored
 *     live-chunks   what the disks that are still wanted need
 *     gc            gives back the space of the rest      leases        what stays although nobody needs it yet
 *     scrub         what is damaged: check (packs) and tree-check (disks)      patrol   the same, pack after pack, for ever
 *     rebuild       the index anew from what packs hold; what is good of damaged packs is written anew
 *
 * This folder knows chunks, packs and disk trees. It knows nothing of VMs, points, agents or files,
 * nor which disks are still wanted: that is the catalog's.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { BLOCK_SIZE, blake3Name, isZero, isZeroName, NAME_SIZE, nameToHex, ZERO_NAME } from "../../common/block.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { type Logger, silentLogger } from "../../common/log.ts";
import { checkPack, type PackDamage } from "./check.ts";
import { ChunkCache } from "./chunk-cache.ts";
import { encodeChunk } from "./chunk-codec.ts";
import { type ChunkForm, chunkForm, openChunk, type VaultKeys } from "./chunk-form.ts";
import type { ChunkIndex } from "./chunk-index.ts";
import type { ChunkEncoding, StoredChunk, VaultStore } from "./chunk-store.ts";
import { ChunkVerifier } from "./chunk-verifier.ts";
import type { VaultFiles } from "./files.ts";
import { FolderPackStore } from "./folder-pack-store.ts";
import { collectGarbage, type GcOptions, type GcResult } from "./gc.ts";
import { openKeyring } from "./keyring.ts";
import { Leases } from "./leases.ts";
import type { LiveTree } from "./live-chunks.ts";
import { lockFile } from "./lock.ts";
import { PackChecker } from "./pack-checker.ts";
import {
	FILE_HEADER_SIZE,
	MAX_CHUNK_SIZE,
	MAX_PACK_SIZE,
	MAX_STORED_SIZE,
	packMeta,
	RECORD_HEADER_SIZE,
	type RecordPlace,
} from "./pack-format.ts";
import { type LoadedPacks, loadPacks } from "./pack-load.ts";
import type { PackInfo, PackStore } from "./pack-store.ts";
import { PackWriter } from "./pack-writer.ts";
import { type RebuildOptions, type RebuildResult, rebuildIndex } from "./rebuild.ts";
import { type ScrubOptions, type ScrubResult, scrub } from "./scrub.ts";
import { readStored } from "./stored-reader.ts";
import type { DiskTree } from "./tree.ts";

/** Large enough for sequential disks, small enough to read whole and to rewrite. */
const DEFAULT_PACK_BYTES = 16 * 2 ** 20;
const MIN_PACK_BYTES = FILE_HEADER_SIZE + RECORD_HEADER_SIZE + MAX_STORED_SIZE;
/** A pack is closed before it outgrows its size, but the trailer comes on top. */
const MAX_PACK_BYTES = MAX_PACK_SIZE / 2;
const CACHE_BYTES = 64 * 2 ** 20;
const DEFAULT_GRACE_MS = 24 * 3600 * 1000;
/** Looks for a chunk that is being moved from pack to pack while it is read; once is the rule, twice is bad luck. */
const MAX_LOOKS = 8;

export interface VaultOptions {
	readonly folder: string;
	/** Opens the keyring of an encrypted vault, and makes an empty vault one. */
	readonly secret?: string | undefined;
	/** Size at which a pack is sealed, in bytes. */
	readonly packBytes?: number;
	/** How long a chunk stays at least after it was brought or asked for, in milliseconds. */
	readonly graceMs?: number;
	/** Plain bytes kept in memory for those who read them again. */
	readonly cacheBytes?: number;
	/** Milliseconds of a clock that is never set. */
	readonly clock?: () => number;
	/** Called where something in a pack was found damaged by who wanted to read it. */
	readonly onDamage?: (pack: number) => void;
	readonly files?: VaultFiles;
	readonly log?: Logger;
}

export class Vault implements VaultStore {
	readonly packs: PackStore;
	readonly #index: ChunkIndex;
	readonly #writer: PackWriter;
	/** Of an encrypted vault, for threads that read by themselves. */
	readonly keys: VaultKeys | undefined;
	readonly #form: ChunkForm;
	/** By stored name, as is the index. */
	readonly #cache: ChunkCache;
	readonly #log: Logger;
	readonly #onDamage: (pack: number) => void;
	readonly #verifier: ChunkVerifier;
	readonly #resources = new AsyncDisposableStack();
	readonly #packsAtOpen: number;
	readonly #leases: Leases;
	#packsRemoved = 0;
	#storedBytes: number;
	#isBusy = false;

	private constructor(
		packs: PackStore,
		loaded: LoadedPacks,
		form: ChunkForm,
		keys: VaultKeys | undefined,
		packBytes: number,
		leases: Leases,
		cache: ChunkCache,
		log: Logger,
		onDamage: (pack: number) => void,
	) {
		this.packs = packs;
		this.keys = keys;
		this.#form = form;
		this.#verifier = new ChunkVerifier(keys);
		this.#cache = cache;
		this.#index = loaded.index;
		this.#leases = leases;
		this.#packsAtOpen = loaded.packs;
		this.#storedBytes = loaded.storedBytes;
		this.#log = log;
		this.#onDamage = onDamage;
		this.#writer = new PackWriter({
			store: packs,
			form,
			packBytes,
			nextId: loaded.nextId,
			log,
			onLost: (stored, pack, offset) => {
				const place = this.#index.find(stored);
				// What was only copied for its pack to go is still where it was.
				if (place?.pack === pack && place.offset === offset) this.#remove(stored);
			},
		});
		for (const unsealed of loaded.unsealed) this.#writer.adopt(unsealed);
	}

	/**
	 * Opens the vault in a local folder, which is made where it is missing.
	 *
	 * @throws UmbraError `conflict` where another process has it open, `unsupported` where another release
	 * wrote it, `denied` where `secret` does not open its keyring, `bad-config` where it is encrypted and there is no
	 * secret, or the other way round, `corrupt` where its keyring is damaged or gone; `limit` or `unavailable`. Nothing
	 * in it is changed then.
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
		const packs = resources.use(await FolderPackStore.open(join(folder, "packs"), options.files));
		const keys = await openKeyring(folder, packs, options.secret, options.files);
		const vault = await Vault.over(packs, { ...options, keys });
		vault.#resources.use(resources.move());
		return vault;
	}

	/**
	 * A vault over packs that lie anywhere. They stay the caller's to close, after the vault; nobody else
	 * may write there meanwhile.
	 *
	 * @throws UmbraError as `open`, except `conflict`.
	 */
	static async over(
		packs: PackStore,
		options: Omit<VaultOptions, "folder" | "secret" | "files"> & { readonly keys?: VaultKeys | undefined } = {},
	): Promise<Vault> {
		const { packBytes = DEFAULT_PACK_BYTES, graceMs = DEFAULT_GRACE_MS, log = silentLogger() } = options;
		const cache = new ChunkCache(options.cacheBytes ?? CACHE_BYTES);
		const leases = new Leases(graceMs, options.clock ?? (() => performance.now()));
		if (!(packBytes >= MIN_PACK_BYTES && packBytes <= MAX_PACK_BYTES)) {
			const wanted = `${MIN_PACK_BYTES} to ${MAX_PACK_BYTES}`;
			throw new UmbraError("bad-config", `packBytes is ${packBytes}, wanted ${wanted}`, {
				context: { field: "packBytes", found: packBytes, wanted },
			});
		}
		const form = chunkForm(options.keys);
		const loaded = await loadPacks(packs, form, log);
		const vault = new Vault(
			packs,
			loaded,
			form,
			options.keys,
			packBytes,
			leases,
			cache,
			log,
			options.onDamage ?? (() => undefined),
		);
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
		if (name.length !== NAME_SIZE) return false;
		return isZeroName(name) || this.#touch(this.#form.storedName(name));
	}

	lease(trees: readonly DiskTree[]): Disposable {
		return this.#leases.lease(trees);
	}

	pin(trees: readonly DiskTree[]): Disposable {
		return this.#leases.pin(trees);
	}

	/**
	 * Gives back the space of chunks that no disk of `roots` needs, while everything else goes on. `roots` is read
	 * once, from beginning to end; a disk that comes while it is read may be left out where a lease covers it.
	 *
	 * @throws UmbraError `conflict` where it runs already; `corrupt` where what a disk needs cannot be told: nothing is
	 * removed then; `limit`, `unavailable`. The signal's reason.
	 */
	async collect(roots: AsyncIterable<LiveTree>, options: GcOptions): Promise<GcResult> {
		using _alone = this.#aloneWithPacks();
		const result = await collectGarbage(
			{
				store: this,
				packs: this.packs,
				index: this.#index,
				form: this.#form,
				writer: this.#writer,
				leases: this.#leases,
				remove: (stored) => this.#remove(stored),
				removed: () => void this.#packsRemoved++,
			},
			roots,
			options,
		);
		this.#storedBytes = result.after.bytes;
		return result;
	}

	/**
	 * Looks for damage while everything else goes on, but not while space is given back.
	 *
	 * @throws UmbraError `conflict`, `unavailable`; the signal's reason.
	 */
	async scrub<T extends LiveTree>(roots: AsyncIterable<T>, options: ScrubOptions<T>): Promise<ScrubResult> {
		using _alone = this.#aloneWithPacks();
		await using checker = new PackChecker(this.packs, this.keys);
		return await scrub(
			{
				packs: this.packs,
				index: this.#index,
				form: this.#form,
				check: (pack, signal) => checker.check(pack, signal),
				isWriting: (pack) => this.#writer.isWriting(pack),
				// Not what is still in memory of it.
				read: (stored, signal) => this.#readAnywhere(stored, signal),
			},
			roots,
			options,
		);
	}

	/**
	 * Reads every byte of one pack, whatever else goes on; what is gone by then, or is being written, has no damage.
	 *
	 * @throws UmbraError `unavailable`; the signal's reason.
	 */
	async inspect(pack: PackInfo, signal?: AbortSignal): Promise<readonly PackDamage[]> {
		if (this.#writer.isWriting(pack.id)) return [];
		let damage: readonly PackDamage[];
		try {
			const check = checkPack(pack, await this.packs.read(pack.id, 0, pack.bytes, signal), this.#form);
			const unsealed = { structure: "pack trailer", offset: pack.bytes, message: "there is none" } as const;
			damage = check.sealed || check.damage.length > 0 ? check.damage : [unsealed];
		} catch (error) {
			if (!isUmbraError(error, "not-found", "truncated")) throw error;
			damage = [{ structure: "pack header", offset: 0, message: error.message }];
		}
		if (damage.length === 0) return damage;
		// Space may have been given back meanwhile.
		const now = (await this.packs.list()).find(({ id }) => id === pack.id);
		return now?.bytes === pack.bytes ? damage : [];
	}

	/**
	 * Builds the index anew from the packs and mends them, while everything else goes on; or looks at some packs only.
	 *
	 * @throws UmbraError `conflict` while space is given back or a check runs, and as `rebuildIndex`.
	 */
	async rebuild(options: RebuildOptions): Promise<RebuildResult> {
		using _alone = this.#aloneWithPacks();
		const result = await rebuildIndex(
			{
				packs: this.packs,
				index: this.#index,
				form: this.#form,
				writer: this.#writer,
				read: (stored, signal) => this.#readAnywhere(stored, signal, () => undefined),
				remove: (stored) => this.#remove(stored),
				removed: () => void this.#packsRemoved++,
			},
			options,
		);
		this.#storedBytes = (await this.packs.list()).reduce((sum, { bytes }) => sum + bytes, 0);
		return result;
	}

	async putAll(chunks: readonly StoredChunk[]): Promise<(UmbraError | undefined)[]> {
		const outcomes = chunks.map(({ name }) => (name.length === NAME_SIZE ? undefined : badName(name)));
		const wanted = chunks.flatMap((chunk, at) => {
			if (outcomes[at] !== undefined || isZeroName(chunk.name)) return [];
			const stored = this.#form.storedName(chunk.name);
			return this.#touch(stored) ? [] : [{ chunk, stored, at }];
		});
		if (wanted.length === 0) return outcomes;
		const verified = await this.#verifier.verify(wanted.map(({ chunk }) => chunk));
		for (const [index, { stored, at }] of wanted.entries()) {
			const verdict = verified[index]!;
			if (verdict instanceof UmbraError) {
				outcomes[at] = verdict;
				continue;
			}
			const { encoding, plainLength, data } = verdict;
			// Another batch may have brought it meanwhile.
			if (!this.#touch(stored)) await this.#append(stored, encoding, plainLength, data);
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
		const stored = this.#form.storedName(name);
		if (!this.#touch(stored)) {
			const { encoding, data } = encodeChunk(bytes);
			await this.#append(stored, encoding, bytes.length, this.#form.encrypt(stored, encoding, data));
		}
		return name;
	}

	flush(): Promise<void> {
		return this.#writer.flush();
	}

	async get(name: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> {
		signal?.throwIfAborted();
		if (name.length !== NAME_SIZE) throw noChunk(name);
		if (isZeroName(name)) return new Uint8Array(BLOCK_SIZE);
		const stored = this.#form.storedName(name);
		const cached = this.#cache.get(stored);
		if (cached !== undefined) return cached;
		const plain = await this.#readAnywhere(stored, signal);
		this.#cache.set(stored, plain);
		return plain;
	}

	async getStored(names: readonly Uint8Array[], signal?: AbortSignal): Promise<StoredChunk[]> {
		return await readStored(
			{
				packs: this.packs,
				form: this.#form,
				placeOf: (name) => this.placeOf(name),
				get: (name) => this.get(name, signal),
			},
			names,
			signal,
		);
	}

	/** Whether the chunk can be read from the disk and is what its name says. @throws UmbraError `unavailable`. */
	async verify(name: Uint8Array, signal?: AbortSignal): Promise<boolean> {
		try {
			await this.#readAnywhere(this.#form.storedName(name), signal);
			return true;
		} catch (error) {
			if (isUmbraError(error, "corrupt", "not-found")) return false;
			throw error;
		}
	}

	/**
	 * Under which name a chunk is stored, and where; undefined where it is not there, or not written yet. It may be moved
	 * the next moment.
	 */
	placeOf(name: Uint8Array): (RecordPlace & { readonly name: Uint8Array }) | undefined {
		if (name.length !== NAME_SIZE) return undefined;
		const stored = this.#form.storedName(name);
		const place = this.#index.find(stored);
		return place === undefined || this.#writer.gathered(place) !== undefined ? undefined : { ...place, name: stored };
	}

	stats(): { readonly chunks: number; readonly packs: number; readonly storedBytes: number } {
		const packs = this.#packsAtOpen + this.#writer.begun - this.#packsRemoved;
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

	async #append(stored: Uint8Array, encoding: ChunkEncoding, plainLength: number, data: Uint8Array): Promise<void> {
		if (!this.#writer.hasRoom) {
			await this.#writer.room();
			if (this.#touch(stored)) return;
		}
		const { pack, offset } = this.#writer.append(stored, encoding, plainLength, data);
		this.#index.add(stored, pack, offset, packMeta(encoding, data.length));
		this.#touch(stored);
		this.#storedBytes += RECORD_HEADER_SIZE + data.length;
	}

	#aloneWithPacks(): Disposable {
		if (this.#isBusy) throw new UmbraError("conflict", "space is being given back, or the vault is being checked");
		this.#isBusy = true;
		return {
			[Symbol.dispose]: () => {
				this.#isBusy = false;
			},
		};
	}

	/** False where it is not there. */
	#touch(stored: Uint8Array): boolean {
		const entry = this.#index.entryOf(stored);
		if (entry >= 0) this.#leases.touch(entry);
		return entry >= 0;
	}

	#remove(stored: Uint8Array): void {
		this.#index.remove(stored);
		this.#cache.delete(stored);
	}

	async #readAnywhere(
		stored: Uint8Array,
		signal: AbortSignal | undefined,
		onDamage = this.#onDamage,
	): Promise<Uint8Array> {
		for (let look = 1; ; look++) {
			const place = this.#index.find(stored);
			if (place === undefined) throw noChunk(stored);
			try {
				return await this.#read(stored, place, signal);
			} catch (error) {
				const now = this.#index.find(stored);
				const isMoved = now === undefined || now.pack !== place.pack || now.offset !== place.offset;
				if (isMoved && look < MAX_LOOKS && isUmbraError(error, "corrupt")) continue;
				if (isUmbraError(error, "corrupt")) onDamage(place.pack);
				throw error;
			}
		}
	}

	async #read(stored: Uint8Array, place: RecordPlace, signal: AbortSignal | undefined): Promise<Uint8Array> {
		const { pack, offset, encoding, storedLength } = place;
		try {
			const data =
				this.#writer.gathered(place) ??
				(await this.packs.read(pack, offset + RECORD_HEADER_SIZE, storedLength, signal));
			return openChunk(this.#form, stored, encoding, data);
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "truncated", "not-found")) throw error;
			throw new UmbraError("corrupt", `chunk ${nameToHex(stored)} in pack ${pack} is damaged: ${error.message}`, {
				cause: error,
				context: { ...error.context, structure: "chunk record", pack, offset, name: nameToHex(stored) },
				hint: "`umbra vault check` lists everything that is damaged",
			});
		}
	}
}

function noChunk(name: Uint8Array): UmbraError {
	return new UmbraError("not-found", `the vault has no chunk ${nameToHex(name)}`, {
		context: { structure: "chunk", found: nameToHex(name) },
	});
}

function badName(name: Uint8Array): UmbraError {
	return new UmbraError("corrupt", `chunk: a name of ${name.length} bytes, wanted ${NAME_SIZE}`, {
		context: { structure: "chunk", field: "name", found: name.length, wanted: NAME_SIZE },
	});
}
