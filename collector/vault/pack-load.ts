/** Builds the index from the packs alone: from the trailer of each sealed one, from the records of the others. */
import { isUmbraError, type UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
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

/** @throws UmbraError `unsupported` where another release wrote a pack, or what the store throws. */
export async function loadPacks(store: PackStore, log: Logger): Promise<LoadedPacks> {
	const index = new ChunkIndex();
	const packs = await store.list();
	const open: PackInfo[] = [];
	const queue = packs.values();
	const load = async (): Promise<void> => {
		for (const pack of queue) {
			const entries = await readTrailer(store, pack);
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
		const found = await recover(store, pack, log);
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
export async function readTrailer(store: PackStore, pack: PackInfo): Promise<Buffer | UmbraError> {
	const tailOffset = Math.max(0, pack.bytes - TAIL_SIZE);
	const tail = await store.read(pack.id, tailOffset, pack.bytes - tailOffset);
	try {
		const footer = parseFooter(tail.subarray(-FOOTER_SIZE), pack.bytes);
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
	log: Logger,
): Promise<Omit<UnsealedPack, "appender"> | "torn" | undefined> {
	if (pack.bytes > MAX_PACK_SIZE) {
		log.error({ pack: pack.id, bytes: pack.bytes }, "left alone: too large for a pack");
		return undefined;
	}
	const bytes = await store.read(pack.id, 0, pack.bytes);
	const { entries, end, gaps } = scanPack(bytes);
	const intact = gaps.length === 0 && hasGoodHeader(bytes, pack.id);
	if (entries.length === 0) {
		if (isTornAtFirst(bytes, pack.id)) return "torn";
		log.error({ pack: pack.id, bytes: pack.bytes }, "left alone: no record in this pack is whole");
		return undefined;
	}
	const found = { pack: pack.id, chunks: entries.length / TRAILER_ENTRY_SIZE, tornBytes: pack.bytes - end, gaps };
	if (intact) log.info(found, "recovered an unsealed pack");
	else log.error(found, "recovered what is whole of a damaged pack");
	return { id: pack.id, entries, end, intact };
}

/** True where writing was cut off within the first record, so that nothing in the pack was ever synced. */
function isTornAtFirst(bytes: Buffer, id: number): boolean {
	if (!hasGoodHeader(bytes, id)) return false;
	try {
		const { storedLength } = parseRecordHeader(bytes.subarray(FILE_HEADER_SIZE));
		return FILE_HEADER_SIZE + RECORD_HEADER_SIZE + storedLength > bytes.length;
	} catch (error) {
		if (isUmbraError(error, "corrupt")) return false;
		throw error;
	}
}

function hasGoodHeader(bytes: Buffer, id: number): boolean {
	try {
		return parseFileHeader(bytes).id === id;
	} catch (error) {
		if (isUmbraError(error, "corrupt", "truncated")) return false;
		throw error;
	}
}
