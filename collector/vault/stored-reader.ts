/**
 * Reads many chunks as they are stored, for those who decompress and verify them themselves. What was captured together lies
 * together, so that neighbours on a disk mostly come with one read. Nothing of it enters the vault's cache.
 */
import { isUmbraError } from "../../common/errors.ts";
import type { ChunkForm } from "./chunk-form.ts";
import type { StoredChunk } from "./chunk-store.ts";
import { RECORD_HEADER_SIZE, type RecordPlace } from "./pack-format.ts";
import type { PackStore } from "./pack-store.ts";

/** Bytes of one read. */
const MAX_RUN = 2 ** 20;
/** So much between two chunks is read with them: another read costs more. */
const MAX_GAP = 16 * 1024;

interface StoredPlace extends RecordPlace {
	/** Under which the chunk is stored. */
	readonly name: Uint8Array;
}

export interface StoredSource {
	readonly packs: PackStore;
	readonly form: ChunkForm;
	/** Undefined where it is not there, or not written yet. */
	readonly placeOf: (name: Uint8Array) => StoredPlace | undefined;
	/** The long way, which also knows what to say of a chunk that is damaged or on the move. */
	readonly get: (name: Uint8Array, signal?: AbortSignal) => Promise<Uint8Array>;
}

/** As `VaultStore.getStored`. */
export async function readStored(
	source: StoredSource,
	names: readonly Uint8Array[],
	signal?: AbortSignal,
): Promise<StoredChunk[]> {
	const found: (StoredChunk | undefined)[] = [];
	const places = names.map(source.placeOf);
	for (let first = 0; first < places.length; ) {
		let behind = first + 1;
		while (behind < places.length && goesOn(places[first], places[behind - 1], places[behind])) behind++;
		try {
			const run = await readRun(source, places.slice(first, behind), signal);
			for (const [at, stored] of run.entries()) found[first + at] = { ...stored, name: names[first + at]! };
		} catch (error) {
			if (!isUmbraError(error, "corrupt", "truncated", "not-found")) throw error;
		}
		first = behind;
	}
	const chunks: StoredChunk[] = [];
	for (const [at, name] of names.entries())
		chunks.push(found[at] ?? { name, encoding: "raw", data: await source.get(name, signal) });
	return chunks;
}

function endOf({ offset, storedLength }: StoredPlace): number {
	return offset + RECORD_HEADER_SIZE + storedLength;
}

/** Whether a read that began at `first` and comes to `last` takes `next` too. */
function goesOn(first: StoredPlace | undefined, last: StoredPlace | undefined, next: StoredPlace | undefined): boolean {
	if (first === undefined || last === undefined || next === undefined || next.pack !== last.pack) return false;
	const gap = next.offset - endOf(last);
	return gap >= 0 && gap <= MAX_GAP && endOf(next) - first.offset <= MAX_RUN;
}

async function readRun(
	{ packs, form }: StoredSource,
	places: readonly (StoredPlace | undefined)[],
	signal: AbortSignal | undefined,
): Promise<Omit<StoredChunk, "name">[]> {
	const [first, last] = [places[0], places.at(-1)];
	if (first === undefined || last === undefined) return [];
	const from = first.offset + RECORD_HEADER_SIZE;
	const bytes = await packs.read(first.pack, from, endOf(last) - from, signal);
	return places.flatMap((place) => {
		if (place === undefined) return [];
		const { name, offset, storedLength, encoding } = place;
		const start = offset + RECORD_HEADER_SIZE - from;
		return [{ encoding, data: form.decrypt(name, encoding, bytes.subarray(start, start + storedLength)) }];
	});
}
