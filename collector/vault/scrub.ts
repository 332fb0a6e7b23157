/**
 * Checks a vault while it is at work: the structure of every pack, that every chunk in the index lies in a pack, every
 * page of every disk that is wanted, and every byte of all packs or of a sample of them. Damage is told by the disks
 * that it hits. Never repairs.
 */
import { setImmediate as turn } from "node:timers/promises";
import { nameToHex } from "../../common/block.ts";
import { isUmbraError } from "../../common/errors.ts";
import type { PackCheck, PackDamage } from "./check.ts";
import type { ChunkForm } from "./chunk-form.ts";
import type { ChunkIndex } from "./chunk-index.ts";
import { EntrySet } from "./entry-set.ts";
import type { LiveTree } from "./live-chunks.ts";
import { Pace } from "./pace.ts";
import { CHECK_THREADS } from "./pack-checker.ts";
import { FILE_HEADER_SIZE, MAX_PACK_SIZE, parseFileHeader, RECORD_HEADER_SIZE } from "./pack-format.ts";
import { readTrailer } from "./pack-load.ts";
import type { PackInfo, PackStore } from "./pack-store.ts";
import { TreeCheck, type TreeDamage } from "./tree-check.ts";

/** Kinds of damage that are listed; more are counted. */
const MAX_LISTED = 1000;
/** Entries looked at before others get their turn. */
const ENTRIES_A_TURN = 65536;

export interface ScrubOptions<T extends LiveTree = LiveTree> {
	/** Share of the packs of which every byte is read, 0 to 1. */
	readonly readShare: number;
	/** As fast as it goes where it is left out. */
	readonly bytesPerSecond?: number | undefined;
	/** 0 to 1; chooses the packs of a sample. */
	readonly random?: () => number;
	readonly onProgress?: (progress: ScrubProgress) => void;
	/** Called for all of it; the result lists the first. */
	readonly onTreeDamage?: (damage: TreeDamage, tree: T) => void;
	readonly signal?: AbortSignal | undefined;
}

export interface ScrubProgress {
	readonly phase: "packs" | "disks";
	/** Packs in `packs`; disks at points in `disks`, whose number is not known beforehand: `total` is 0. */
	readonly done: number;
	readonly total: number;
}

export interface PackFinding extends PackDamage {
	readonly pack: number;
}

export interface ScrubResult {
	readonly packs: number;
	/** Packs of which every byte was read, and their bytes. */
	readonly readPacks: number;
	readonly readBytes: number;
	readonly chunks: number;
	/** Disks at points, and pages of their trees that were read. */
	readonly trees: number;
	readonly pages: number;
	/** How much is damaged; the lists hold the first of it. */
	readonly packDamageCount: number;
	readonly packDamage: readonly PackFinding[];
	/** Disks at points that cannot be read as a whole. */
	readonly damagedTrees: number;
	readonly treeDamage: readonly TreeDamage[];
}

export interface ScrubVault {
	readonly packs: PackStore;
	readonly index: ChunkIndex;
	readonly isWriting: (pack: number) => boolean;
	/** Reads all of a pack. */
	readonly check: (pack: PackInfo, signal?: AbortSignal) => Promise<PackCheck>;
	readonly form: ChunkForm;
	/** Reads the chunk of a stored name from the disk and verifies it. */
	readonly read: (stored: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>;
}

/** @throws UmbraError `unavailable` where the store fails; the signal's reason. */
export async function scrub<T extends LiveTree>(
	vault: ScrubVault,
	roots: AsyncIterable<T>,
	options: ScrubOptions<T>,
): Promise<ScrubResult> {
	return await new Scrub(vault, options).run(roots);
}

class Scrub<T extends LiveTree> {
	readonly #vault: ScrubVault;
	readonly #options: ScrubOptions<T>;
	readonly #pace: Pace;
	readonly #lost = new EntrySet();
	readonly #packDamage: PackFinding[] = [];
	readonly #treeDamage: TreeDamage[] = [];
	/** Packs in which something is wrong. */
	readonly #suspects = new Set<number>();
	/** Packs that grow and were read: where their end is damaged, it looks as if it were not written yet. */
	readonly #open = new Set<number>();
	#packDamageCount = 0;
	#readPacks = 0;
	#readBytes = 0;

	constructor(vault: ScrubVault, options: ScrubOptions<T>) {
		this.#vault = vault;
		this.#options = options;
		this.#pace = new Pace(options.bytesPerSecond ?? Number.POSITIVE_INFINITY);
	}

	async run(roots: AsyncIterable<T>): Promise<ScrubResult> {
		const { packs, index, form, isWriting, read } = this.#vault;
		const { signal, onTreeDamage } = this.#options;
		const listed = await packs.list();
		// Those that grow while they are looked at have no trailer to check, and all that they hold was just written.
		const growing = new Set(listed.filter(({ id }) => isWriting(id)).map(({ id }) => id));
		await this.#eachPack(listed, growing);
		await this.#findLost(listed);
		const checker = new TreeCheck<T>({
			read: (name) => read(form.storedName(name), signal),
			entryOf: (name) => index.entryOf(form.storedName(name)),
			lost: this.#lost,
			onDamage: (damage, tree) => {
				onTreeDamage?.(damage, tree);
				if (this.#treeDamage.length < MAX_LISTED) this.#treeDamage.push(damage);
			},
			signal,
		});
		let [trees, damagedTrees] = [0, 0];
		for await (const tree of roots) {
			if (!(await checker.check(tree))) damagedTrees++;
			this.#progress("disks", ++trees, 0);
		}
		return {
			packs: listed.length,
			readPacks: this.#readPacks,
			readBytes: this.#readBytes,
			chunks: index.size,
			trees,
			pages: checker.pages,
			packDamageCount: this.#packDamageCount,
			packDamage: this.#packDamage,
			damagedTrees,
			treeDamage: this.#treeDamage,
		};
	}

	/** As many at a time as there are threads for. */
	async #eachPack(listed: readonly PackInfo[], growing: ReadonlySet<number>): Promise<void> {
		const { signal } = this.#options;
		const queue = listed.values();
		const failure = new AbortController();
		let done = 0;
		const work = async () => {
			for (const pack of queue) {
				signal?.throwIfAborted();
				failure.signal.throwIfAborted();
				this.#progress("packs", done++, listed.length);
				await this.#pack(pack, growing.has(pack.id)).catch((error: unknown) => {
					failure.abort(error);
					throw error;
				});
			}
		};
		const ended = await Promise.allSettled(Array.from({ length: CHECK_THREADS }, work));
		for (const { status, reason } of ended as PromiseRejectedResult[]) if (status === "rejected") throw reason;
		this.#packDamage.sort((a, b) => a.pack - b.pack || a.offset - b.offset);
	}

	async #pack(pack: PackInfo, isGrowing: boolean): Promise<void> {
		const { readShare, random = Math.random } = this.#options;
		try {
			const isRead = readShare > 0 && random() < readShare;
			await (isRead ? this.#whole(pack, isGrowing) : this.#structure(pack, isGrowing));
		} catch (error) {
			// It was cut, or is gone; what it held is found to be lost by the index.
			if (!isUmbraError(error, "not-found", "truncated")) throw error;
			this.#damaged(pack, { structure: "pack header", offset: 0, message: error.message });
		}
	}

	async #structure(pack: PackInfo, isGrowing: boolean): Promise<void> {
		const { packs, form } = this.#vault;
		try {
			const { id, key } = parseFileHeader(
				await packs.read(pack.id, 0, Math.min(FILE_HEADER_SIZE, pack.bytes)),
				form.packVersion,
			);
			if (id !== pack.id) {
				const message = `pack id is ${id}, the file's is ${pack.id}`;
				this.#damaged(pack, { structure: "pack header", offset: 12, message });
			} else if (!form.hasKey(key)) {
				const message = "the keyring does not hold its key";
				this.#damaged(pack, { structure: "pack header", offset: 16, message });
			}
		} catch (error) {
			// One that was just begun may be empty still.
			const isDamage = isUmbraError(error, "corrupt") || (isUmbraError(error, "truncated") && !isGrowing);
			if (isDamage) this.#damaged(pack, { structure: "pack header", offset: 0, message: (error as Error).message });
			else if (!isUmbraError(error, "truncated")) throw error;
		}
		if (isGrowing) return;
		const trailer = await readTrailer(packs, pack, form);
		if (isUmbraError(trailer)) {
			this.#damaged(pack, { structure: "pack trailer", offset: pack.bytes, message: trailer.message });
		}
	}

	async #whole(pack: PackInfo, isGrowing: boolean): Promise<void> {
		const { signal } = this.#options;
		if (pack.bytes > MAX_PACK_SIZE) {
			this.#damaged(pack, { structure: "pack header", offset: 0, message: "too large for a pack" });
			return;
		}
		await this.#pace.take(pack.bytes, signal);
		const check = await this.#vault.check(pack, signal);
		this.#readPacks++;
		this.#readBytes += pack.bytes;
		for (const damage of check.damage) this.#damaged(pack, damage);
		if (check.damage.length > 0) this.#suspects.add(pack.id);
		else if (isGrowing) this.#open.add(pack.id);
		const isUnsealed = !check.sealed && !isGrowing && check.damage.length === 0;
		if (isUnsealed) this.#damaged(pack, { structure: "pack trailer", offset: pack.bytes, message: "there is none" });
	}

	/** Chunks of packs that are gone or were cut, and those of damaged packs that cannot be read. */
	async #findLost(listed: readonly PackInfo[]): Promise<void> {
		const { index, isWriting } = this.#vault;
		const sizes = new Map(listed.map(({ id, bytes }) => [id, bytes]));
		const gone = new Map<number, number>();
		const last = listed.at(-1)?.id ?? 0;
		for (let entry = 0; entry < index.entries; entry++) {
			if (entry % ENTRIES_A_TURN === 0) await turn();
			const place = index.place(entry);
			if (place === undefined) continue;
			const isOpen = this.#open.has(place.pack);
			if ((isOpen || this.#suspects.has(place.pack)) && !(await this.#isReadable(index.nameOf(entry)))) {
				this.#lost.add(entry);
				const [name, message] = [nameToHex(index.nameOf(entry)), "what was written is not there any more"];
				const damage = { structure: "chunk record", offset: place.offset, name, message } as const;
				if (isOpen) this.#damaged({ id: place.pack, bytes: 0 }, damage);
			}
			// Packs that were begun since, and what is not written yet.
			if (place.pack > last || isWriting(place.pack)) continue;
			const end = place.offset + RECORD_HEADER_SIZE + place.storedLength;
			if (end <= (sizes.get(place.pack) ?? 0)) continue;
			this.#lost.add(entry);
			gone.set(place.pack, (gone.get(place.pack) ?? 0) + 1);
		}
		for (const [id, chunks] of gone) {
			const [bytes, message] = [sizes.get(id) ?? 0, `${chunks} chunks that it held are gone`];
			this.#damaged({ id, bytes }, { structure: "chunk record", offset: bytes, message });
		}
	}

	/** A record's header may be damaged and its data good: the header is there for recovery alone. */
	async #isReadable(stored: Uint8Array): Promise<boolean> {
		try {
			await this.#vault.read(stored, this.#options.signal);
			return true;
		} catch (error) {
			if (isUmbraError(error, "corrupt", "not-found")) return false;
			throw error;
		}
	}

	#damaged(pack: PackInfo, damage: PackDamage): void {
		this.#packDamageCount++;
		if (this.#packDamage.length < MAX_LISTED) this.#packDamage.push({ pack: pack.id, ...damage });
	}

	#progress(phase: ScrubProgress["phase"], done: number, total: number): void {
		this.#options.onProgress?.({ phase, done, total });
	}
}
