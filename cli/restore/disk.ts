/**
 * Fetches a disk at a point from the collector into a sparse raw file or a qcow2 image, and proves it by its Merkle root.
 *
 * Until it is whole it lies in OUT.partial, with a journal of what is written beside it; an interrupted restore goes on
 * from there. Nothing of it is believed: every block is hashed when it comes or is read back, names of blocks are compared with those in
 * the journal, and all of them together with the root.
 */
import type { ChunkStore } from "../../collector/vault/chunk-store.ts";
import { type NameRun, updateTree } from "../../collector/vault/tree.ts";
import {
	BLOCK_SIZE,
	blake3Name,
	blockCount,
	isZero,
	isZeroName,
	NAME_SIZE,
	nameToHex,
	ZERO_NAME,
} from "../../common/block.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { type CollectorClient, vmPath } from "../collector-client.ts";
import { Progress } from "../progress.ts";
import type { BlockFetcher } from "./block-fetcher.ts";
import { type DataRuns, type DiskFormat, layoutOf } from "./layout.ts";
import { lock, nameAt, namesOf, PartialFile, type Piece, refuseToReplace } from "./partial-file.ts";

/** Blocks asked for at once, and how many such requests are handed out. */
const PIECE_BLOCKS = 128;
const PIECES_AHEAD = 8;
/** So many zero blocks between data are fetched with it: another request costs more. */
const GAP_BLOCKS = 4;
export interface RestoreOptions {
	readonly client: CollectorClient;
	readonly vm: string;
	readonly time: string;
	readonly disk: string;
	readonly out: string;
	/** Raw where it is left out. */
	readonly format?: DiskFormat;
	/** Replace `out` where it exists, and begin anew where a restore was interrupted. */
	readonly force: boolean;
	readonly signal?: AbortSignal;
}

export interface RestoreResult {
	/** Unix nanoseconds of the point, decimal. */
	readonly time: string;
	readonly format: DiskFormat;
	readonly sizeBytes: number;
	readonly dataBytes: number;
	/** Of these, bytes that an interrupted restore had left and that were right. */
	readonly keptBytes: number;
	/** Hex; what came is what this names. */
	readonly root: string;
}

interface ExtentsView {
	readonly time: string;
	readonly sizeBytes: number;
	readonly root: string;
	readonly extents: readonly { readonly offset: number; readonly length: number; readonly zero: boolean }[];
	readonly next: number | null;
}

/** Names pages without keeping them: all that is wanted of the tree is its root. */
const NAMING_ONLY: ChunkStore = {
	has: () => true,
	putAll: () => Promise.reject(new UmbraError("internal", "nothing is stored here")),
	putPlain: async (bytes) => (isZero(bytes) ? ZERO_NAME : blake3Name(bytes)),
	flush: async () => {},
	get: () => Promise.reject(new UmbraError("internal", "nothing is stored here")),
	stats: () => ({ chunks: 0, packs: 0, storedBytes: 0 }),
	[Symbol.asyncDispose]: async () => {},
};

/**
 * Writes `out`: it appears under its name only once it is whole and verified. Interrupted, it leaves what it has, and
 * goes on there when it is called again.
 *
 * @throws UmbraError `conflict` where `out` exists, where another point is being restored to it, or where another process
 * does it just now; `corrupt` where what came is not what the root names.
 */
export async function restoreDisk(options: RestoreOptions): Promise<RestoreResult> {
	const { client, vm, time, disk, out, force, format = "raw", signal } = options;
	const first: ExtentsView = await client.get(vmPath(vm, "points", time, "disks", disk, "extents"), {}, signal);
	// From here on by the exact time: "latest" may mean another point in a moment.
	const base = vmPath(vm, "points", first.time, "disks", disk);
	const { sizeBytes, root } = first;
	const target = { vm, time: first.time, disk, format, sizeBytes, root, replace: force };
	if (!force) await refuseToReplace(out, target);
	using _lock = lock(out);
	const runs = await dataRuns(client, base, first, signal);
	await using file = await PartialFile.open(out, target, layoutOf(format, sizeBytes, runs), force);
	const dataBytes = bytesOf(runs, sizeBytes);
	let keptBytes = 0;
	try {
		using progress = new Progress(`restoring ${disk}`, dataBytes);
		const names = async function* (fetcher: BlockFetcher): AsyncGenerator<NameRun> {
			for await (const { piece, names, kept } of piecesOf(file, runs, options, base, fetcher)) {
				const amount = dataIn(names, piece.length);
				if (kept) keptBytes += amount;
				progress.add(amount);
				yield { firstBlock: piece.offset / BLOCK_SIZE, names };
			}
		};
		const found = await file.withFetcher({ address: client.address, base }, signal, async (fetcher) =>
			nameToHex(await updateTree(NAMING_ONLY, null, blockCount(sizeBytes), names(fetcher))),
		);
		if (found !== root) {
			await file.discard();
			throw new UmbraError("corrupt", `${vm} disk ${disk}: what came has the root ${found}, wanted ${root}`, {
				hint: "run `umbra vault check` on the collector; nothing was written under the name you gave",
			});
		}
		await file.finish();
		return { time: first.time, format, sizeBytes, dataBytes, keptBytes, root };
	} catch (error) {
		if (isUmbraError(error, "corrupt") || !(await file.keep())) throw error;
		const hint = `${file.path} holds what came: run the same command again, without --force, and it goes on there`;
		if (signal?.aborted === true) throw new UmbraError("unavailable", "interrupted", { cause: error, hint });
		const code = isUmbraError(error) ? error.code : "unavailable";
		throw new UmbraError(code, messageOf(error), { cause: error, hint });
	}
}

/**
 * All pieces in the order of the disk: those that are there already as they are in the file, the others written by the
 * fetcher, or where that could not be done, fetched and written here.
 */
async function* piecesOf(
	file: PartialFile,
	runs: DataRuns,
	{ client, signal }: RestoreOptions,
	base: string,
	fetcher: BlockFetcher,
): AsyncGenerator<{ readonly piece: Piece; readonly names: Uint8Array; readonly kept: boolean }> {
	const fetchPiece = async ({ offset, length }: Piece): Promise<Uint8Array> => {
		const headers = { range: `bytes=${offset}-${offset + length - 1}` };
		const response = await client.fetch(`${base}/data`, {}, { headers, signal });
		const bytes = await client.body(response, signal);
		if (bytes.length === length) return bytes;
		throw new UmbraError("truncated", `the collector sent ${bytes.length} bytes, wanted ${length}`);
	};
	const pieces = splitRuns(runs, file.sizeBytes);
	const ahead: { readonly piece: Piece; readonly written: Promise<Uint8Array | undefined> | undefined }[] = [];
	for (;;) {
		while (ahead.length < PIECES_AHEAD) {
			const { value: piece } = pieces.next();
			if (piece === undefined) break;
			const isNew = !file.reaches(piece);
			ahead.push({ piece, written: isNew ? fetcher.write(piece, file.placesOf(piece)) : undefined });
		}
		const next = ahead.shift();
		if (next === undefined) break;
		const { piece, written } = next;
		signal?.throwIfAborted();
		const done = await written;
		signal?.throwIfAborted();
		if (done !== undefined) {
			await file.note(piece, done);
			yield { piece, names: done, kept: false };
			continue;
		}
		const kept = file.holds(piece) ? await file.readBack(piece) : undefined;
		if (kept !== undefined) {
			yield { piece, names: kept, kept: true };
			continue;
		}
		const bytes = await fetchPiece(piece);
		const names = namesOf(bytes);
		await file.write(piece, bytes, written === undefined ? names : undefined);
		await file.note(piece, names);
		yield { piece, names, kept: false };
	}
	await file.checkTail();
}

/** Which blocks hold data. */
async function dataRuns(
	client: CollectorClient,
	base: string,
	first: ExtentsView,
	signal: AbortSignal | undefined,
): Promise<DataRuns> {
	const runs: number[] = [];
	for (let page = first; ; ) {
		for (const { offset, length, zero } of page.extents) {
			if (zero) continue;
			const [start, behind] = [offset / BLOCK_SIZE, blockCount(offset + length)];
			if (!Number.isInteger(start) || start < (runs.at(-1) ?? 0) || offset + length > first.sizeBytes) {
				throw new UmbraError("corrupt", `the collector told of data at ${offset}, ${length} bytes, out of order`);
			}
			if (start === runs.at(-1)) runs[runs.length - 1] = behind;
			else runs.push(start, behind);
		}
		if (page.next === null) return runs;
		page = await client.get(`${base}/extents`, { from: page.next }, signal);
	}
}

/** Ranges to fetch, in order: what lies close together is fetched together. */
function* splitRuns(runs: DataRuns, sizeBytes: number): Generator<Piece, undefined> {
	let [first, behind] = [0, 0];
	const piece = (): Piece => {
		const offset = first * BLOCK_SIZE;
		return { offset, length: Math.min(behind * BLOCK_SIZE, sizeBytes) - offset };
	};
	for (let at = 0; at < runs.length; at += 2) {
		for (let start = runs[at]!; start < runs[at + 1]!; ) {
			const isNear = start - behind <= GAP_BLOCKS && start - first < PIECE_BLOCKS;
			if (behind > first && !isNear) {
				yield piece();
				first = start;
			} else if (behind === first) first = start;
			behind = Math.min(runs[at + 1]!, first + PIECE_BLOCKS);
			start = behind;
		}
	}
	if (behind > first) yield piece();
	return undefined;
}

function bytesOf(runs: DataRuns, sizeBytes: number): number {
	let bytes = 0;
	for (let at = 0; at < runs.length; at += 2)
		bytes += Math.min(runs[at + 1]! * BLOCK_SIZE, sizeBytes) - runs[at]! * BLOCK_SIZE;
	return bytes;
}

/** Bytes of the blocks that are not zero. */
function dataIn(names: Uint8Array, length: number): number {
	let bytes = 0;
	for (let block = 0; block < names.length / NAME_SIZE; block++) {
		if (!isZeroName(nameAt(names, block))) bytes += Math.min(BLOCK_SIZE, length - block * BLOCK_SIZE);
	}
	return bytes;
}
