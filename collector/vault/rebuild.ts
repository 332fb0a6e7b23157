/**
 * Builds the index anew from what the packs hold, and mends what can be mended, while everything else goes on.
 *
 *     read      every record of the packs in question is verified; where it lies, the index shall say
 *     lost      what the index names but no pack holds is taken out of it: whoever has it brings it again
 *     rewrite   a damaged pack gives what is good of it to the pack that is being written, and is set aside
 *
 * Nothing that can be read is lost by it: a chunk leaves the index only after its place was read and found wanting and
 * no other pack was found to hold it, and a pack goes only once all that is good of it lies elsewhere, synced. The
 * pack that is being written is sealed first; one that is begun meanwhile is left alone, as what it holds was just brought.
 */
import { setImmediate as turn } from "node:timers/promises";
import { NAME_SIZE, nameToHex } from "../../common/block.ts";
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import { checkPack } from "./check.ts";
import { type ChunkForm, lookIntoChunk } from "./chunk-form.ts";
import type { ChunkIndex } from "./chunk-index.ts";
import { EntrySet } from "./entry-set.ts";
import { Pace } from "./pace.ts";
import {
	FILE_HEADER_SIZE,
	FOOTER_SIZE,
	MAX_PACK_SIZE,
	packMeta,
	parseFileHeader,
	parseFooter,
	parseTrailer,
	RECORD_HEADER_SIZE,
	TRAILER_ENTRY_SIZE,
	unpackMeta,
} from "./pack-format.ts";
import { checkKey, readTrailer } from "./pack-load.ts";
import { scanPack } from "./pack-scan.ts";
import type { PackInfo, PackStore } from "./pack-store.ts";
import type { PackWriter } from "./pack-writer.ts";

/** Entries looked at before others get their turn. */
const ENTRIES_A_TURN = 65536;
/** Packs that are named in a result. */
const MAX_NAMED = 1000;

export interface RebuildOptions {
	/** Only these; what lies in others is believed to lie there. All, where it is left out. */
	readonly packs?: ReadonlySet<number>;
	readonly bytesPerSecond: number;
	readonly onProgress?: (progress: RebuildProgress) => void;
	readonly signal?: AbortSignal | undefined;
}

export interface RebuildProgress {
	readonly phase: "packs" | "rewrite";
	/** Packs. */
	readonly done: number;
	readonly total: number;
}

export interface RebuildResult {
	/** Packs that were read, and their bytes. */
	readonly packs: number;
	readonly readBytes: number;
	/** In the index now. */
	readonly chunks: number;
	/** That the index did not have, or looked for in the wrong place. */
	readonly found: number;
	readonly moved: number;
	/** That the index had, and no pack. */
	readonly lost: number;
	/** Damaged packs of which the good part was written anew; ids, the first 1,000. */
	readonly setAside: readonly number[];
	/** Damaged packs that stay as they are, and why. */
	readonly left: readonly { readonly pack: number; readonly message: string }[];
}

/** The parts of a vault that this works on. */
export interface RebuildVault {
	readonly packs: PackStore;
	readonly index: ChunkIndex;
	readonly form: ChunkForm;
	readonly writer: PackWriter;
	/** Reads the chunk of a stored name from the disk and verifies it. */
	readonly read: (stored: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>;
	/** Takes a chunk out of the index and of what is cached. */
	readonly remove: (stored: Uint8Array) => void;
	/** A pack is gone. */
	readonly removed: () => void;
}

/**
 * @throws UmbraError `denied` where a key is missing and `unsupported` where another release wrote a pack, before anything
 * of it is changed; `limit`, `unavailable`; the signal's reason. The index is right after each of them.
 */
export async function rebuildIndex(vault: RebuildVault, options: RebuildOptions): Promise<RebuildResult> {
	return await new Rebuild(vault, options).run();
}

interface Record {
	readonly stored: Uint8Array;
	readonly offset: number;
	readonly meta: number;
}

class Rebuild {
	readonly #vault: RebuildVault;
	readonly #options: RebuildOptions;
	readonly #pace: Pace;
	/** Entries whose place was read and is good. */
	readonly #good = new EntrySet();
	readonly #damaged: PackInfo[] = [];
	readonly #setAside: number[] = [];
	readonly #left: { pack: number; message: string }[] = [];
	#sizes = new Map<number, number>();
	#packs = 0;
	#readBytes = 0;
	#found = 0;
	#moved = 0;
	#lost = 0;

	constructor(vault: RebuildVault, options: RebuildOptions) {
		this.#vault = vault;
		this.#options = options;
		this.#pace = new Pace(options.bytesPerSecond);
	}

	async run(): Promise<RebuildResult> {
		const { packs, index, writer } = this.#vault;
		const { signal } = this.#options;
		writer.retire((pack) => this.#isMeant(pack));
		// What an earlier run left open is looked at as well.
		await writer.settle();
		const listed = await packs.list();
		this.#sizes = new Map(listed.map(({ id, bytes }) => [id, bytes]));
		const selected = listed.filter(({ id }) => this.#isMeant(id) && !writer.isWriting(id));
		for (const [done, pack] of selected.entries()) {
			signal?.throwIfAborted();
			this.#progress("packs", done, selected.length);
			await this.#pack(pack);
		}
		await this.#findLost(listed);
		for (const [done, pack] of this.#damaged.entries()) {
			signal?.throwIfAborted();
			this.#progress("rewrite", done, this.#damaged.length);
			await this.#rewrite(pack);
		}
		return {
			packs: this.#packs,
			readBytes: this.#readBytes,
			chunks: index.size,
			found: this.#found,
			moved: this.#moved,
			lost: this.#lost,
			setAside: this.#setAside.slice(0, MAX_NAMED),
			left: this.#left.slice(0, MAX_NAMED),
		};
	}

	#isMeant(pack: number): boolean {
		return this.#options.packs?.has(pack) ?? true;
	}

	/** What lies there was just written, and is not looked at. */
	#isFresh(pack: number): boolean {
		return this.#vault.writer.isWriting(pack);
	}

	async #pack(pack: PackInfo): Promise<void> {
		const { packs, form } = this.#vault;
		const { signal } = this.#options;
		if (pack.bytes > MAX_PACK_SIZE) {
			this.#left.push({ pack: pack.id, message: "too large for a pack" });
			return;
		}
		await this.#pace.take(pack.bytes, signal);
		let bytes: Buffer;
		try {
			bytes = await packs.read(pack.id, 0, pack.bytes, signal);
		} catch (error) {
			// It is gone, was cut, or its disk cannot read it as a whole: what can be read of it is found chunk by chunk.
			if (!isUmbraError(error, "not-found", "truncated", "unavailable")) throw error;
			this.#damaged.push(pack);
			return;
		}
		refuseForeign(pack, bytes, form);
		this.#packs++;
		this.#readBytes += pack.bytes;
		const check = checkPack(pack, bytes, form);
		const isDamaged = check.damage.length > 0 || !check.sealed;
		if (isDamaged) this.#damaged.push(pack);
		for (const record of goodRecords(bytes, form, isDamaged)) this.#claim(pack, record);
		await turn();
	}

	/** Has the index say where a good record lies. */
	#claim(pack: PackInfo, { stored, offset, meta }: Record): void {
		const { index } = this.#vault;
		const entry = index.entryOf(stored);
		if (entry < 0) {
			index.add(stored, pack.id, offset, meta);
			this.#good.add(index.entryOf(stored));
			this.#found++;
			return;
		}
		const place = index.place(entry);
		if (place === undefined || this.#good.has(entry)) return;
		const isHere = place.pack === pack.id && place.offset === offset;
		if (isHere && packMeta(place.encoding, place.storedLength) === meta) {
			this.#good.add(entry);
			return;
		}
		// A second copy; the one that the index names may be good as well, and is then as good as this one.
		if (!isHere && (this.#isFresh(place.pack) || (!this.#isMeant(place.pack) && this.#fits(place)))) return;
		index.move(entry, pack.id, offset, meta);
		this.#good.add(entry);
		this.#moved++;
	}

	#fits({ pack, offset, storedLength }: { pack: number; offset: number; storedLength: number }): boolean {
		return offset + RECORD_HEADER_SIZE + storedLength <= (this.#sizes.get(pack) ?? 0);
	}

	/** What the index names and nobody has seen: read once more, looked for in all other packs, and given up. */
	async #findLost(listed: readonly PackInfo[]): Promise<void> {
		const { index, remove } = this.#vault;
		const missing = new Map<string, number>();
		const unlisted = new Set<number>();
		for (let entry = 0; entry < index.entries; entry++) {
			if (entry % ENTRIES_A_TURN === 0) {
				await turn();
				this.#options.signal?.throwIfAborted();
			}
			const place = index.place(entry);
			if (place === undefined || this.#good.has(entry) || this.#isFresh(place.pack)) continue;
			if (!this.#isMeant(place.pack) && this.#fits(place)) continue;
			const stored = index.nameOf(entry);
			if (!(await this.#isReadable(stored))) missing.set(nameToHex(stored), entry);
			// A file that was deleted can be read for as long as it is open.
			else if (!this.#sizes.has(place.pack)) unlisted.add(place.pack);
		}
		// What was begun since is there.
		const now = unlisted.size === 0 ? [] : await this.#vault.packs.list();
		for (const { id } of now) unlisted.delete(id);
		for (const id of unlisted) this.#damaged.push({ id, bytes: 0 });
		if (missing.size > 0 && this.#options.packs !== undefined) await this.#findCopies(listed, missing);
		for (const [hex, entry] of missing) {
			const stored = Buffer.from(hex, "hex");
			// Somebody may have brought it anew, or it was moved.
			if (this.#good.has(entry) || index.entryOf(stored) !== entry) continue;
			remove(stored);
			this.#lost++;
		}
	}

	async #findCopies(listed: readonly PackInfo[], missing: ReadonlyMap<string, number>): Promise<void> {
		const { packs, form } = this.#vault;
		for (const pack of listed) {
			if (this.#isMeant(pack.id) || this.#isFresh(pack.id)) continue;
			this.#options.signal?.throwIfAborted();
			const entries = await readTrailer(packs, pack, form);
			if (isUmbraError(entries)) continue;
			for (const record of recordsOf(entries)) {
				const entry = missing.get(nameToHex(record.stored));
				if (entry === undefined || this.#good.has(entry)) continue;
				if (!(await this.#isGoodAt(pack, record))) continue;
				this.#vault.index.move(entry, pack.id, record.offset, record.meta);
				this.#good.add(entry);
				this.#moved++;
			}
		}
	}

	async #isGoodAt(pack: PackInfo, { stored, offset, meta }: Record): Promise<boolean> {
		const { packs, form } = this.#vault;
		const shape = unpackMeta(meta);
		if (shape === undefined) return false;
		try {
			const data = await packs.read(pack.id, offset + RECORD_HEADER_SIZE, shape.storedLength, this.#options.signal);
			lookIntoChunk(form, stored, shape.encoding, data);
			return true;
		} catch (error) {
			if (isUmbraError(error, "corrupt", "truncated", "not-found")) return false;
			throw error;
		}
	}

	async #isReadable(stored: Uint8Array): Promise<boolean> {
		try {
			await this.#vault.read(stored, this.#options.signal);
			return true;
		} catch (error) {
			// A disk that cannot read it now may be able to later, but whoever has it can bring it now.
			if (isUmbraError(error, "corrupt", "truncated", "not-found", "unavailable")) return false;
			throw error;
		}
	}

	/** Gives what is good of a damaged pack to the one that is being written. */
	async #rewrite(pack: PackInfo): Promise<void> {
		const { packs, index, writer, removed } = this.#vault;
		const copies: { entry: number; pack: number; offset: number }[] = [];
		for (let entry = 0; entry < index.entries; entry++) {
			if (entry % ENTRIES_A_TURN === 0) await turn();
			if (index.packOf(entry) !== pack.id) continue;
			const copy = await this.#copy(pack, entry);
			if (copy === undefined) {
				this.#left.push({ pack: pack.id, message: "it changed while it was read: try again" });
				return;
			}
			copies.push({ entry, ...copy });
		}
		await writer.flush();
		// Nobody else moves what lies in packs meanwhile; one that was removed since is not there to be moved.
		for (const { entry, ...copy } of copies) {
			if (index.packOf(entry) === pack.id) index.move(entry, copy.pack, copy.offset);
		}
		await (packs.setAside?.(pack.id) ?? packs.remove(pack.id));
		removed();
		this.#setAside.push(pack.id);
	}

	/** Undefined where it cannot be read any more. */
	async #copy(pack: PackInfo, entry: number): Promise<{ pack: number; offset: number } | undefined> {
		const { index, packs, writer, form } = this.#vault;
		const { signal } = this.#options;
		const stored = index.nameOf(entry);
		const place = index.place(entry);
		if (place === undefined) return undefined;
		await this.#pace.take(place.storedLength, signal);
		try {
			const data = await packs.read(pack.id, place.offset + RECORD_HEADER_SIZE, place.storedLength, signal);
			const { length } = lookIntoChunk(form, stored, place.encoding, data);
			const renewed = form.renew(stored, place.encoding, data);
			await writer.room();
			return writer.append(stored, place.encoding, length, renewed);
		} catch (error) {
			if (isUmbraError(error, "corrupt", "truncated", "not-found")) return undefined;
			throw error;
		}
	}

	#progress(phase: RebuildProgress["phase"], done: number, total: number): void {
		this.#options.onProgress?.({ phase, done, total });
	}
}

/** What cannot be read for want of its key, or of the release that wrote it, is not damaged. */
function refuseForeign(pack: PackInfo, bytes: Buffer, form: ChunkForm): void {
	if (bytes.length < FILE_HEADER_SIZE) return;
	try {
		const { id, key } = parseFileHeader(bytes, form.packVersion);
		if (id === pack.id) checkKey(form, pack.id, key);
	} catch (error) {
		if (!isUmbraError(error, "corrupt", "truncated")) throw error;
	}
}

/** Every record that is what its name says, by the trailer and, of a damaged pack, by its own header. */
function goodRecords(pack: Buffer, form: ChunkForm, isDamaged: boolean): Record[] {
	const listed = trailerRecords(pack, form);
	if (!isDamaged) return listed;
	const good = new Map<number, Record>();
	for (const record of listed) {
		const shape = unpackMeta(record.meta);
		if (shape === undefined) continue;
		const start = record.offset + RECORD_HEADER_SIZE;
		try {
			lookIntoChunk(form, record.stored, shape.encoding, pack.subarray(start, start + shape.storedLength));
			good.set(record.offset, record);
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "truncated")) throw error;
		}
	}
	for (const record of recordsOf(scanPack(pack, form).entries)) good.set(record.offset, record);
	return [...good.values()];
}

function trailerRecords(pack: Buffer, form: ChunkForm): Record[] {
	try {
		const footer = parseFooter(pack.subarray(-FOOTER_SIZE), pack.length, form.packVersion);
		return recordsOf(parseTrailer(pack.subarray(footer.trailerOffset), footer));
	} catch (error) {
		if (error instanceof UmbraError && (error.code === "corrupt" || error.code === "truncated")) return [];
		throw error;
	}
}

function recordsOf(entries: Buffer): Record[] {
	return Array.from({ length: entries.length / TRAILER_ENTRY_SIZE }, (_, number) => {
		const at = number * TRAILER_ENTRY_SIZE;
		return {
			stored: entries.subarray(at, at + NAME_SIZE),
			offset: entries.readUInt32LE(at + NAME_SIZE),
			meta: entries.readUInt32LE(at + NAME_SIZE + 4),
		};
	});
}
