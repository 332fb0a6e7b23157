/**
 * Fetches a disk at a point from the collector into a sparse raw file or a qcow2 image, and proves it by its Merkle root.
 *
 * Until it is whole it lies in OUT.partial, with a journal of what is written beside it; an interrupted restore goes on
 * from there. Nothing of it is believed: every block is hashed when it comes or is read back, names of blocks are compared with those in
 * the journal, and all of them together with the root.
 */
import { rmSync } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { ChunkStore } from "../../collector/vault/chunk-store.ts";
import { lockFile } from "../../collector/vault/lock.ts";
import { type NameRun, updateTree } from "../../collector/vault/tree.ts";
import {
	BLOCK_SIZE,
	blake3Name,
	blockCount,
	blockName,
	isZero,
	isZeroName,
	NAME_SIZE,
	nameToHex,
	ZERO_NAME,
} from "../../common/block.ts";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";
import { type CollectorClient, vmPath } from "../collector-client.ts";
import { isoTime } from "../commands/vms.ts";
import { Progress } from "../progress.ts";
import { BlockFetcher, type FetchTask } from "./block-fetcher.ts";
import {
	Journal,
	type JournalContent,
	type Restored,
	readJournal,
	removeJournal,
	type WrittenPiece,
} from "./journal.ts";
import { type DataRuns, type DiskFormat, type Layout, layoutOf } from "./layout.ts";

/** Blocks asked for at once, and how many such requests are handed out. */
const PIECE_BLOCKS = 128;
const PIECES_AHEAD = 8;
/** So many zero blocks between data are fetched with it: another request costs more. */
const GAP_BLOCKS = 4;
/** How much, and for how long, is written before it is synced and noted in the journal. */
const SYNC_BYTES = 64 * 1024 * 1024;
const SYNC_MS = 1000;

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

/** A range of the disk that is fetched in one go; it begins and ends with data. */
interface Piece {
	readonly offset: number;
	readonly length: number;
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

/** The file that is being written, and its journal. */
class PartialFile implements AsyncDisposable {
	readonly path: string;
	readonly sizeBytes: number;
	readonly #out: string;
	readonly #restored: Restored;
	readonly #layout: Layout;
	readonly #file: FileHandle;
	readonly #journal: Journal;
	/** Pieces that the journal names, until they were read back. */
	readonly #known: Map<number, WrittenPiece>;
	/** Behind the last of them nothing is in the file yet. */
	readonly #knownEnd: number;
	/** Bytes of the disk that were looked at. */
	#checked = 0;
	#unsynced: WrittenPiece[] = [];
	#unsyncedBytes = 0;
	#synced = performance.now();
	#syncing: Promise<void> | undefined;
	#failure: unknown;
	#noted = false;
	#open = true;

	private constructor(
		out: string,
		restored: Restored,
		layout: Layout,
		file: FileHandle,
		journal: Journal,
		known: ReadonlyMap<number, WrittenPiece>,
	) {
		this.path = `${out}.partial`;
		this.sizeBytes = restored.sizeBytes;
		this.#out = out;
		this.#restored = restored;
		this.#layout = layout;
		this.#file = file;
		this.#journal = journal;
		this.#known = new Map(known);
		this.#noted = known.size > 0;
		this.#knownEnd = [...known.values()].reduce((end, { offset, length }) => Math.max(end, offset + length), 0);
	}

	/** Takes up what an interrupted restore of the same content left; else begins anew. */
	static async open(out: string, restored: Restored, layout: Layout, force: boolean): Promise<PartialFile> {
		const [path, journalPath] = [`${out}.partial`, journalOf(out)];
		const left = force ? undefined : await readJournal(journalPath);
		const there = await exists(path);
		if (left !== undefined && there) refuseAnother(path, left, restored);
		else if (there && !force) {
			throw new UmbraError("conflict", `${path} exists, without a journal that says what it is`, {
				hint: "remove it, or use --force to begin anew",
			});
		}
		return await onFile(out, async () => {
			if (left === undefined || !there) {
				// In this order: a file without a journal would be a stranger's.
				const journal = await Journal.create(journalPath, restored);
				const file = await open(path, force ? "w+" : "wx+", 0o600);
				await file.truncate(layout.fileBytes);
				return new PartialFile(out, restored, layout, file, journal, new Map());
			}
			const journal = await Journal.resume(journalPath, left);
			const partial = new PartialFile(out, restored, layout, await open(path, "r+"), journal, left.pieces);
			await partial.#forgetTail();
			return partial;
		});
	}

	/** What was written but not noted is not known: it goes. */
	async #forgetTail(): Promise<void> {
		const behind = blockCount(this.#knownEnd);
		const last = behind === 0 ? 0 : this.#layout.place(behind - 1);
		const end = behind === 0 ? 0 : Math.min((last ?? 0) + BLOCK_SIZE, this.#layout.fileBytes);
		await this.#file.truncate(end);
		await this.#file.truncate(this.#layout.fileBytes);
	}

	/** Whether the journal names this piece. */
	holds({ offset, length }: Piece): boolean {
		return this.#known.get(offset)?.length === length;
	}

	/** Whether some of the piece may have been written before this run. */
	reaches({ offset }: Piece): boolean {
		return offset < this.#knownEnd;
	}

	/** Runs `action` with threads that write to the file; when it ends they do not any more. */
	async withFetcher<T>(
		task: Omit<FetchTask, "fd">,
		signal: AbortSignal | undefined,
		action: (fetcher: BlockFetcher) => Promise<T>,
	): Promise<T> {
		await using fetcher = new BlockFetcher({ ...task, fd: this.#file.fd }, signal);
		return await action(fetcher);
	}

	/** Names of the blocks of the piece as it stands in the file; undefined where they are not what the journal says. */
	async readBack({ offset, length }: Piece): Promise<Uint8Array | undefined> {
		const wanted = this.#known.get(offset)?.names;
		const bytes = new Uint8Array(length);
		return await onFile(this.#out, async () => {
			await this.#clear(this.#checked, offset);
			this.#checked = offset + length;
			for (const { at, from, to } of this.#places({ offset, length }, () => true))
				await readAll(this.#file, bytes.subarray(from, to), at);
			const names = namesOf(bytes);
			return hashOf(names) === wanted ? names : undefined;
		});
	}

	/** Where the data ends, the file may still hold what it should not. */
	async checkTail(): Promise<void> {
		await onFile(this.#out, () => this.#clear(this.#checked, this.#knownEnd));
	}

	/** Makes sure that a raw file is empty where the disk is, up to where something was written before. */
	async #clear(from: number, to: number): Promise<void> {
		if (this.#restored.format !== "raw") return;
		for (let at = from; at < Math.min(to, this.#knownEnd); at += CLEAR_BYTES) {
			const bytes = new Uint8Array(Math.min(CLEAR_BYTES, to - at));
			await readAll(this.#file, bytes, at);
			if (!isZero(bytes)) await writeAll(this.#file, bytes.fill(0), at);
		}
	}

	/** Writes what is not zero, by its names; all of it where they are left out, as there may be anything in its place. */
	async write(piece: Piece, bytes: Uint8Array, names: Uint8Array | undefined): Promise<void> {
		const again = this.reaches(piece);
		await onFile(this.#out, async () => {
			if (again) {
				await this.#clear(this.#checked, piece.offset);
				this.#checked = piece.offset + piece.length;
			}
			const isData = (block: number) => again || names === undefined || !isZeroName(nameAt(names, block));
			for (const { at, from, to } of this.#places(piece, isData))
				await writeAll(this.#file, bytes.subarray(from, to), at);
		});
	}

	/** A piece was written, in the order of the disk. */
	async note({ offset, length }: Piece, names: Uint8Array): Promise<void> {
		await onFile(this.#out, async () => {
			this.#unsynced.push({ offset, length, names: hashOf(names) });
			this.#unsyncedBytes += length;
			if (this.#failure !== undefined) throw this.#failure;
			const isDue = this.#unsyncedBytes >= SYNC_BYTES || performance.now() - this.#synced >= SYNC_MS;
			// Writing goes on meanwhile.
			if (isDue && this.#syncing === undefined) void this.#sync().catch(() => undefined);
		});
	}

	/** Where in the file each block of a piece stands; less than 0 where it has no place, as it is all zeroes. */
	placesOf({ offset, length }: Piece): Float64Array {
		const first = offset / BLOCK_SIZE;
		return Float64Array.from({ length: blockCount(length) }, (_, at) => this.#layout.place(first + at) ?? -1);
	}

	/** Parts of a piece that lie together in the file: `from` and `to` count in the piece, `at` in the file. */
	*#places(piece: Piece, isData: (block: number) => boolean): Generator<{ at: number; from: number; to: number }> {
		let part: { at: number; from: number; to: number } | undefined;
		for (const [block, place] of this.placesOf(piece).entries()) {
			const at = isData(block) ? place : -1;
			const [from, to] = [block * BLOCK_SIZE, Math.min((block + 1) * BLOCK_SIZE, piece.length)];
			if (at >= 0 && part !== undefined && part.to === from && part.at + part.to - part.from === at) {
				part.to = to;
				continue;
			}
			if (part !== undefined) yield part;
			part = at < 0 ? undefined : { at, from, to };
		}
		if (part !== undefined) yield part;
	}

	/** The journal may say that a piece is there only once it is. A failure is told once by the kernel, and kept here. */
	async #sync(): Promise<void> {
		if (this.#syncing !== undefined) await this.#syncing.catch(() => undefined);
		const pieces = this.#unsynced;
		this.#unsynced = [];
		this.#unsyncedBytes = 0;
		this.#synced = performance.now();
		if (pieces.length === 0) return;
		const work = async () => {
			await this.#file.datasync();
			await this.#journal.add(pieces);
			this.#noted = true;
		};
		this.#syncing = work();
		try {
			await this.#syncing;
		} catch (error) {
			this.#failure ??= error;
			throw error;
		} finally {
			this.#syncing = undefined;
		}
	}

	/** Gives the file its name. */
	async finish(): Promise<void> {
		await onFile(this.#out, async () => {
			for (const { offset, bytes } of this.#layout.metadata()) await writeAll(this.#file, bytes, offset);
			await this.#syncing;
			if (this.#failure !== undefined) throw this.#failure;
			await this.#file.sync();
			await this.#close();
			await rename(this.path, this.#out);
			await removeJournal(journalOf(this.#out));
			await using folder = await open(dirname(this.#out), "r");
			await folder.sync();
		});
	}

	/** Leaves what there is for the next time. @returns false where that is nothing: then nothing is left. */
	async keep(): Promise<boolean> {
		// A full disk cannot be told so either; what was noted before counts.
		if (this.#open) await this.#sync().catch(() => undefined);
		if (!this.#noted) await this.discard();
		return this.#noted;
	}

	async discard(): Promise<void> {
		await this.#close();
		await rm(this.path, { force: true });
		await removeJournal(journalOf(this.#out));
	}

	async #close(): Promise<void> {
		if (!this.#open) return;
		this.#open = false;
		await this.#syncing?.catch(() => undefined);
		await this.#journal[Symbol.asyncDispose]();
		await this.#file.close();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#close();
	}
}

/** Holes are read in steps of this size. */
const CLEAR_BYTES = 4 * 1024 * 1024;

/** @throws UmbraError `conflict` where the journal is that of something else. */
function refuseAnother(path: string, { restored: found }: JournalContent, wanted: Restored): void {
	if (isSame(found, wanted)) return;
	const what = `${found.disk} of ${found.vm} as of ${isoTime(found.time)}, ${found.format}, ${formatBytes(found.sizeBytes)}`;
	throw new UmbraError("conflict", `${path} is an unfinished restore of something else: ${what}`, {
		hint: `umbra restore ${found.vm}@${found.time} ${found.disk} ... --format ${found.format} goes on with it; --force begins anew`,
	});
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

function nameAt(names: Uint8Array, block: number): Uint8Array {
	return names.subarray(block * NAME_SIZE, (block + 1) * NAME_SIZE);
}

/** Names of the blocks in `bytes`; a short last block is named as if it were filled up with zeroes. */
function namesOf(bytes: Uint8Array): Uint8Array {
	const names = new Uint8Array(blockCount(bytes.length) * NAME_SIZE);
	for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
		let block = bytes.subarray(at, at + BLOCK_SIZE);
		if (block.length < BLOCK_SIZE) block = Buffer.concat([block], BLOCK_SIZE);
		names.set(blockName(block), (at / BLOCK_SIZE) * NAME_SIZE);
	}
	return names;
}

function hashOf(bytes: Uint8Array): string {
	return nameToHex(blake3Name(bytes));
}

/** Where a restore that was told to replace it was interrupted, it need not be told again. */
async function refuseToReplace(out: string, wanted: Restored): Promise<void> {
	if (!(await exists(out))) return;
	const left = await readJournal(journalOf(out));
	if (left?.restored.replace === true && isSame(left.restored, wanted)) return;
	throw new UmbraError("conflict", `${out} exists`, { hint: "--force replaces it" });
}

function isSame(found: Restored, { root, sizeBytes, format }: Restored): boolean {
	return found.root === root && found.sizeBytes === sizeBytes && found.format === format;
}

function journalOf(out: string): string {
	return `${out}.partial.journal`;
}

/** A symlink that leads nowhere is there too. @throws UmbraError `unavailable` where that cannot be told. */
async function exists(path: string): Promise<boolean> {
	try {
		await lstat(path);
		return true;
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return false;
		throw new UmbraError("unavailable", `${path}: ${messageOf(error)}`, { cause: error });
	}
}

/** One restore to a file at a time. The kernel lets go of it whatever ends this process. */
function lock(out: string): Disposable {
	const path = `${out}.partial.lock`;
	const resources = new DisposableStack();
	try {
		resources.use(lockFile(path));
	} catch (error) {
		if (isUmbraError(error, "conflict")) {
			throw new UmbraError("conflict", `another restore to ${out} is running`, { cause: error });
		}
		const cause = error instanceof Error ? error.cause : error;
		throw new UmbraError("unavailable", `cannot write beside ${out}: ${messageOf(cause)}`, { cause: error });
	}
	resources.defer(() => rmSync(path, { force: true }));
	return resources;
}

/** What the system says about the file, for people. */
async function onFile<T>(out: string, action: () => Promise<T>): Promise<T> {
	try {
		return await action();
	} catch (error) {
		if (isUmbraError(error)) throw error;
		const full = ["ENOSPC", "EDQUOT", "EFBIG"].includes(errnoOf(error) ?? "");
		throw new UmbraError(full ? "limit" : "unavailable", `cannot write ${out}: ${messageOf(error)}`, { cause: error });
	}
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
	for (let done = 0; done < bytes.length; )
		done += (await file.write(bytes, done, bytes.length - done, offset + done)).bytesWritten;
}

/** What is behind the end of the file stays as it is in `target`. */
async function readAll(file: FileHandle, target: Uint8Array, offset: number): Promise<void> {
	for (let done = 0; done < target.length; ) {
		const { bytesRead } = await file.read(target, done, target.length - done, offset + done);
		if (bytesRead === 0) return;
		done += bytesRead;
	}
}
