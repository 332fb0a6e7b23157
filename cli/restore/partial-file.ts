/**
 * The file that a disk is restored to, until it is whole: OUT.partial, its journal beside it, and the lock that keeps others
 * away from both.
 */
import { rmSync } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { lockFile } from "../../collector/vault/lock.ts";
import {
	BLOCK_SIZE,
	blake3Name,
	blockCount,
	blockName,
	isZero,
	isZeroName,
	NAME_SIZE,
	nameToHex,
} from "../../common/block.ts";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";
import { isoTime } from "../commands/vms.ts";
import { BlockFetcher, type FetchTask } from "./block-fetcher.ts";
import {
	Journal,
	type JournalContent,
	type Restored,
	readJournal,
	removeJournal,
	type WrittenPiece,
} from "./journal.ts";
import type { Layout } from "./layout.ts";

/** How much, and for how long, is written before it is synced and noted in the journal. */
const SYNC_BYTES = 64 * 1024 * 1024;
const SYNC_MS = 1000;

/** A range of the disk that is fetched in one go; it begins and ends with data. */
export interface Piece {
	readonly offset: number;
	readonly length: number;
}

/** The file that is being written, and its journal. */
export class PartialFile implements AsyncDisposable {
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

/** The name of a block among those of a piece. */
export function nameAt(names: Uint8Array, block: number): Uint8Array {
	return names.subarray(block * NAME_SIZE, (block + 1) * NAME_SIZE);
}

/** Names of the blocks in `bytes`; a short last block is named as if it were filled up with zeroes. */
export function namesOf(bytes: Uint8Array): Uint8Array {
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
export async function refuseToReplace(out: string, wanted: Restored): Promise<void> {
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
export function lock(out: string): Disposable {
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
