/** Builds the index from the packs alone: from the trailer of each sealed one, from the records of the others. */
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { ChunkForm } from "./chunk-form.ts";
import { ChunkIndex } from "./chunk-index.ts";
import {
	FILE_HEADER_SIZE,
	FOOTER_SIZE,
	MAX_PACK_SIZE,
	parseFileHeader,
	parseFooter,
	parseRecordHeader,
	parseTrailer,
	RECORD_HEADER_SIZE,
	TRAILER_ENTRY_SIZE,
	trailerSize,
} from "./pack-format.ts";
import { scanPack } from "./pack-scan.ts";
import type { PackInfo, PackStore } from "./pack-store.ts";
import type { UnsealedPack } from "./pack-writer.ts";

/** Read at once from the end of a pack: the trailer of 16 MiB of chunks that shrank to a third fits. */
const TAIL_SIZE = 32 * 1024;
/** Hides the latency of a disk that is not cached; more only queues. */
const PARALLEL_READS = 8;

export interface LoadedPacks {
	readonly index: ChunkIndex;
	/** Newest first. */
	readonly unsealed: readonly UnsealedPack[];
	readonly packs: number;
	readonly storedBytes: number;
	readonly nextId: number;
}

/**
 * @throws UmbraError `unsupported` where another release wrote a pack, `denied` where the keyring does not hold its key, or
 * what the store throws.
 */
export async function loadPacks(store: PackStore, form: ChunkForm, log: Logger): Promise<LoadedPacks> {
	const index = new ChunkIndex();
	const packs = await store.list();
	const open: PackInfo[] = [];
	const queue = packs.values();
	const load = async (): Promise<void> => {
		for (const pack of queue) {
			const entries = await readTrailer(store, pack, form);
			if (isUmbraError(entries)) open.push(pack);
			else index.addAll(pack.id, entries);
		}
	};
	await Promise.all(Array.from({ length: PARALLEL_READS }, load));
	open.sort((a, b) => b.id - a.id);
	const unsealed: UnsealedPack[] = [];
	let removed = 0;
	for (const pack of open) {
		if (pack.bytes < FILE_HEADER_SIZE + RECORD_HEADER_SIZE) {
			await store.remove(pack.id);
			removed++;
			continue;
		}
		const found = await recover(store, pack, form, log);
		if (found === "torn") {
			await store.remove(pack.id);
			removed++;
			continue;
		}
		if (found === undefined) continue;
		index.addAll(found.id, found.entries);
		unsealed.push({ ...found, appender: await store.resume(found.id, found.end) });
	}
	return {
		index,
		unsealed,
		packs: packs.length - removed,
		storedBytes: packs.reduce((sum, pack) => sum + pack.bytes, 0),
		nextId: (packs.at(-1)?.id ?? 0) + 1,
	};
}

/**
 * The trailer entries of a sealed pack; the error, as a value, where it has no good trailer.
 *
 * @throws UmbraError what the store throws, and `unsupported`.
 */
export async function readTrailer(store: PackStore, pack: PackInfo, form: ChunkForm): Promise<Buffer | UmbraError> {
	const tailOffset = Math.max(0, pack.bytes - TAIL_SIZE);
	const tail = await store.read(pack.id, tailOffset, pack.bytes - tailOffset);
	try {
		const footer = parseFooter(tail.subarray(-FOOTER_SIZE), pack.bytes, form.packVersion);
		const inTail = footer.trailerOffset - tailOffset;
		if (inTail >= 0) return parseTrailer(tail.subarray(inTail), footer);
		return parseTrailer(await store.read(pack.id, footer.trailerOffset, trailerSize(footer.entries)), footer);
	} catch (error) {
		if (isUmbraError(error, "corrupt", "truncated")) return error;
		throw error;
	}
}

async function recover(
	store: PackStore,
	pack: PackInfo,
	form: ChunkForm,
	log: Logger,
): Promise<Omit<UnsealedPack, "appender"> | "torn" | undefined> {
	if (pack.bytes > MAX_PACK_SIZE) {
		log.error({ pack: pack.id, bytes: pack.bytes }, "left alone: too large for a pack");
		return undefined;
	}
	const bytes = await store.read(pack.id, 0, pack.bytes);
	const header = goodHeader(bytes, pack.id, form);
	// Before anything is cut off: what cannot be read for want of its key is not damaged.
	if (header !== undefined) checkKey(form, pack.id, header.key);
	const { entries, end, gaps } = scanPack(bytes, form);
	const intact = gaps.length === 0 && header !== undefined;
	if (entries.length === 0) {
		if (header !== undefined && isTornAtFirst(bytes, form)) return "torn";
		log.error({ pack: pack.id, bytes: pack.bytes }, "left alone: no record in this pack is whole");
		return undefined;
	}
	const found = { pack: pack.id, chunks: entries.length / TRAILER_ENTRY_SIZE, tornBytes: pack.bytes - end, gaps };
	if (intact) log.info(found, "recovered an unsealed pack");
	else log.error(found, "recovered what is whole of a damaged pack");
	// All records of a pack have one key, so that its header tells whether the keyring holds it.
	return { id: pack.id, entries, end, canGrow: intact && header.key === form.key };
}

/** @throws UmbraError `denied` where the keyring does not hold the key of this pack. */
export function checkKey(form: ChunkForm, pack: number, key: number): void {
	if (form.hasKey(key)) return;
	throw new UmbraError("denied", `pack ${pack} is encrypted with a key that the vault's keyring does not hold`, {
		context: { structure: "pack header", pack, field: "key id", found: key },
		hint: "the keyring is another vault's, or from before the last `umbra vault rotate-key`: put the newest one back",
	});
}

/** True where writing was cut off within the first record, so that nothing in the pack was ever synced. */
function isTornAtFirst(bytes: Buffer, form: ChunkForm): boolean {
	try {
		const { storedLength } = parseRecordHeader(bytes.subarray(FILE_HEADER_SIZE), form.packVersion);
		return FILE_HEADER_SIZE + RECORD_HEADER_SIZE + storedLength > bytes.length;
	} catch (error) {
		if (isUmbraError(error, "corrupt")) return false;
		throw error;
	}
}

function goodHeader(bytes: Buffer, id: number, form: ChunkForm): { readonly key: number } | undefined {
	try {
		const header = parseFileHeader(bytes, form.packVersion);
		return header.id === id ? header : undefined;
	} catch (error) {
		if (isUmbraError(error, "corrupt", "truncated")) return undefined;
		throw error;
	}
}
