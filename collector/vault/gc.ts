/**
 * Gives back the space of chunks that nobody needs, by mark and sweep, while everything else goes on.
 *
 *     mark      what the kept disks need, and those that somebody reads or builds upon (live-chunks)
 *     remove    packs in which nothing lives
 *     rewrite   packs in which little lives: what lives is copied to the pack that is being written
 *
 * Three things make it safe. A chunk goes only where it is neither marked nor leased, and both are looked at in one
 * step with taking it out of the index: from then on it is not there, and whoever needs it brings it again. A copy is
 * synced before the index says that it lies there, and only then does the old pack go: killed at any instant there is
 * one copy or two, never none. The pack that is being written is left alone.
 *
 * What is marked is bounded by a few bits a chunk; what is swept at a time by the packs of one batch.
 */
import { setImmediate as turn } from "node:timers/promises";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { type ChunkForm, lookIntoChunk } from "./chunk-form.ts";
import type { ChunkIndex } from "./chunk-index.ts";
import type { ChunkStore } from "./chunk-store.ts";
import type { LeasedEntries, Leases } from "./leases.ts";
import { LiveChunks, type LiveTree } from "./live-chunks.ts";
import { Pace } from "./pace.ts";
import { FILE_HEADER_SIZE, FOOTER_SIZE, RECORD_HEADER_SIZE, TRAILER_ENTRY_SIZE, trailerSize } from "./pack-format.ts";
import { readTrailer } from "./pack-load.ts";
import type { PackInfo, PackStore } from "./pack-store.ts";
import type { PackWriter } from "./pack-writer.ts";

/** Packs whose entries are gathered in one pass over the index: 4 GiB, and some 10 MiB of memory. */
const BATCH_PACKS = 256;
/** Entries looked at before others get their turn: about a millisecond. */
const ENTRIES_A_TURN = 65536;

const EMPTY_PACK_SIZE = FILE_HEADER_SIZE + trailerSize(0) + FOOTER_SIZE;

export interface GcOptions {
	/** How long ago a chunk must have been brought or asked for to go, in milliseconds; at most the vault's own. */
	readonly graceMs: number;
	/** Packs of whose bytes less than this share is needed are written anew; 0 to 1. */
	readonly rewriteBelow: number;
	/** Bytes read and written a second while packs are written anew. */
	readonly bytesPerSecond: number;
	/** Only says what it would do. */
	readonly dryRun?: boolean;
	readonly onProgress?: (progress: GcProgress) => void;
	readonly signal?: AbortSignal | undefined;
}

export interface GcProgress {
	readonly phase: "mark" | "remove" | "rewrite";
	/** Disks at points in `mark`, packs in the others; `total` is 0 where it is not known. */
	readonly done: number;
	readonly total: number;
}

export interface VaultSize {
	readonly packs: number;
	readonly bytes: number;
	readonly chunks: number;
}

export interface GcResult {
	readonly before: VaultSize;
	/** As it was before, in a dry run. */
	readonly after: VaultSize;
	/** Disks at points that were looked at, and pages of their trees that were read. */
	readonly trees: number;
	readonly pages: number;
	/** Stored bytes by what became of them: needed; not needed but leased; not needed, before anything was removed. */
	readonly liveBytes: number;
	readonly leasedBytes: number;
	readonly deadBytes: number;
	/** Packs removed whole, and written anew; in a dry run, that would be. */
	readonly removedPacks: number;
	readonly rewrittenPacks: number;
	/** Packs that were to be written anew, but hold a damaged chunk that is needed: they stay as they are. */
	readonly damagedPacks: readonly number[];
}

/** The parts of a vault that this works on. */
export interface GcVault {
	readonly store: ChunkStore;
	readonly packs: PackStore;
	readonly index: ChunkIndex;
	readonly form: ChunkForm;
	readonly writer: PackWriter;
	readonly leases: Leases;
	/** Takes a chunk out of the index and of what is cached. */
	readonly remove: (stored: Uint8Array) => void;
	/** A pack is gone. */
	readonly removed: () => void;
}

export async function collectGarbage(
	vault: GcVault,
	roots: AsyncIterable<LiveTree>,
	options: GcOptions,
): Promise<GcResult> {
	// Before the roots are read: a changeset that is committed behind our back is covered by its lease.
	using leased = vault.leases.collection(options.graceMs);
	return await new Collection(vault, options, leased).run(roots);
}

interface Candidates {
	readonly dead: PackInfo[];
	readonly sparse: PackInfo[];
	readonly liveBytes: number;
	readonly leasedBytes: number;
	readonly deadBytes: number;
}

class Collection {
	readonly #vault: GcVault;
	readonly #options: GcOptions;
	readonly #live: LiveChunks;
	readonly #leased: LeasedEntries;
	readonly #pace: Pace;
	readonly #damaged: number[] = [];
	#removed = 0;
	#rewritten = 0;

	constructor(vault: GcVault, options: GcOptions, leased: LeasedEntries) {
		this.#leased = leased;
		this.#vault = vault;
		this.#options = options;
		this.#live = new LiveChunks(vault.store, (name) => vault.index.entryOf(vault.form.storedName(name)));
		this.#pace = new Pace(options.bytesPerSecond);
	}

	async run(roots: AsyncIterable<LiveTree>): Promise<GcResult> {
		const { dryRun = false } = this.#options;
		const trees = await this.#mark(roots);
		const packs = await this.#vault.packs.list();
		const before = this.#size(packs);
		const { dead, sparse, ...bytes } = await this.#candidates(packs);
		if (!dryRun) {
			await this.#inBatches("remove", dead, (pack, entries) => this.#removePack(pack, entries));
			await this.#inBatches("rewrite", sparse, (pack, entries) => this.#rewritePack(pack, entries));
		}
		return {
			before,
			after: dryRun ? before : this.#size(await this.#vault.packs.list()),
			trees,
			pages: this.#live.pages,
			...bytes,
			removedPacks: dryRun ? dead.length : this.#removed,
			rewrittenPacks: dryRun ? sparse.length : this.#rewritten,
			damagedPacks: this.#damaged,
		};
	}

	async #mark(roots: AsyncIterable<LiveTree>): Promise<number> {
		const { signal } = this.#options;
		let trees = 0;
		const mark = async (tree: LiveTree) => {
			signal?.throwIfAborted();
			await this.#live.mark(tree, signal);
			this.#progress("mark", ++trees, 0);
		};
		for await (const tree of roots) await mark(tree);
		// After the points: whoever pinned a point since saw it there, or holds a lease.
		for (const tree of this.#leased.pinned()) await mark({ ...tree, name: "a disk that is being read" });
		return trees;
	}

	/** What each pack holds that is needed, by the index alone: a copy that it does not point to counts as dead. */
	async #candidates(packs: readonly PackInfo[]): Promise<Candidates> {
		const { index, writer } = this.#vault;
		const needed = new Float64Array((packs.at(-1)?.id ?? 0) + 1);
		const isIndexed = new Uint8Array(needed.length);
		let [liveBytes, leasedBytes, deadBytes] = [0, 0, 0];
		await this.#eachEntry((entry) => {
			const place = index.place(entry);
			if (place === undefined) return;
			const bytes = RECORD_HEADER_SIZE + place.storedLength;
			// One that was begun after the packs were listed.
			if (place.pack < needed.length) isIndexed[place.pack] = 1;
			if (this.#live.has(entry)) liveBytes += bytes;
			else if (this.#isNeeded(entry)) leasedBytes += bytes;
			else {
				deadBytes += bytes;
				return;
			}
			if (place.pack < needed.length) needed[place.pack]! += bytes + TRAILER_ENTRY_SIZE;
		});
		const shareOf = ({ id, bytes }: PackInfo) => needed[id]! / Math.max(1, bytes - EMPTY_PACK_SIZE);
		const dead: PackInfo[] = [];
		const sparse: PackInfo[] = [];
		for (const pack of packs) {
			if (writer.isWriting(pack.id)) continue;
			const share = shareOf(pack);
			if (share >= this.#options.rewriteBelow && share > 0) continue;
			// What the index knows nothing of may be a damaged pack that somebody could still get something out of.
			if (isIndexed[pack.id] === 0 && isUmbraError(await readTrailer(this.#vault.packs, pack, this.#vault.form)))
				continue;
			(share === 0 ? dead : sparse).push(pack);
		}
		// What frees most for least first, in case there is not room or time for all.
		sparse.sort((a, b) => shareOf(a) - shareOf(b));
		return { dead, sparse, liveBytes, leasedBytes, deadBytes };
	}

	async #inBatches(
		phase: "remove" | "rewrite",
		packs: readonly PackInfo[],
		work: (pack: PackInfo, entries: readonly number[]) => Promise<void>,
	): Promise<void> {
		for (let at = 0; at < packs.length; at += BATCH_PACKS) {
			const batch = packs.slice(at, at + BATCH_PACKS);
			const entries = new Map<number, number[]>(batch.map(({ id }) => [id, []]));
			await this.#eachEntry((entry) => entries.get(this.#vault.index.packOf(entry))?.push(entry));
			for (const [done, pack] of batch.entries()) {
				this.#options.signal?.throwIfAborted();
				this.#progress(phase, at + done, packs.length);
				await work(pack, entries.get(pack.id) ?? []);
			}
		}
		this.#progress(phase, packs.length, packs.length);
	}

	async #removePack(pack: PackInfo, entries: readonly number[]): Promise<void> {
		if (!this.#release(pack, entries, new Map())) return; // Somebody asked for a chunk of it: next time.
		await this.#vault.packs.remove(pack.id);
		this.#vault.removed();
		this.#removed++;
	}

	async #rewritePack(pack: PackInfo, entries: readonly number[]): Promise<void> {
		const { packs, writer } = this.#vault;
		/** Where what is needed lies now, by entry. */
		const copies = new Map<number, { readonly pack: number; readonly offset: number }>();
		do {
			for (const entry of entries) {
				if (copies.has(entry) || !this.#isIn(pack, entry) || !this.#isNeeded(entry)) continue;
				const copy = await this.#copy(pack, entry);
				if (copy === undefined) {
					this.#damaged.push(pack.id);
					return;
				}
				copies.set(entry, copy);
			}
			await writer.flush();
			// Somebody may have asked for another chunk of it meanwhile.
		} while (!this.#release(pack, entries, copies));
		await packs.remove(pack.id);
		this.#vault.removed();
		this.#rewritten++;
	}

	/** Copies what is stored as it is, but with the newest key; undefined where it is not what its name says. */
	async #copy(pack: PackInfo, entry: number): Promise<{ pack: number; offset: number } | undefined> {
		const { index, packs, writer, form } = this.#vault;
		const { signal } = this.#options;
		const name = index.nameOf(entry);
		const place = index.place(entry);
		if (place === undefined) throw new UmbraError("internal", "a chunk vanished from the index while it was copied");
		await this.#pace.take(place.storedLength, signal);
		try {
			const data = await packs.read(pack.id, place.offset + RECORD_HEADER_SIZE, place.storedLength, signal);
			const { length } = lookIntoChunk(form, name, place.encoding, data);
			const renewed = form.renew(name, place.encoding, data);
			await writer.room();
			return writer.append(name, place.encoding, length, renewed);
		} catch (error) {
			if (isUmbraError(error, "corrupt", "truncated", "not-found")) return undefined;
			throw error;
		}
	}

	/**
	 * In one step: points the index to the copies and takes the rest of the pack out of it. Does nothing, and returns
	 * false, where something is needed that was not copied.
	 */
	#release(
		pack: PackInfo,
		entries: readonly number[],
		copies: ReadonlyMap<number, { readonly pack: number; readonly offset: number }>,
	): boolean {
		const { index, remove } = this.#vault;
		const here = entries.filter((entry) => this.#isIn(pack, entry));
		if (here.some((entry) => !copies.has(entry) && this.#isNeeded(entry))) return false;
		for (const entry of here) {
			const copy = copies.get(entry);
			if (copy === undefined) remove(index.nameOf(entry));
			else index.move(entry, copy.pack, copy.offset);
		}
		return true;
	}

	#isIn(pack: PackInfo, entry: number): boolean {
		return this.#vault.index.packOf(entry) === pack.id;
	}

	#isNeeded(entry: number): boolean {
		return this.#live.has(entry) || this.#leased.has(entry);
	}

	async #eachEntry(visit: (entry: number) => void): Promise<void> {
		const { index } = this.#vault;
		for (let entry = 0; entry < index.entries; entry++) {
			if (entry % ENTRIES_A_TURN === 0) {
				await turn();
				this.#options.signal?.throwIfAborted();
			}
			visit(entry);
		}
	}

	#size(packs: readonly PackInfo[]): VaultSize {
		const bytes = packs.reduce((sum, pack) => sum + pack.bytes, 0);
		return { packs: packs.length, bytes, chunks: this.#vault.index.size };
	}

	#progress(phase: GcProgress["phase"], done: number, total: number): void {
		this.#options.onProgress?.({ phase, done, total });
	}
}
