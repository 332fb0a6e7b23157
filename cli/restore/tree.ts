/**
 * Makes a file or a folder tree of a point again, with owners, modes, times, links and holes.
 *
 * The guest that it comes from may be hostile: nothing that its disk says may lead out of the folder that is made. It is
 * made as OUT.partial, which nobody else may enter; names are checked as bytes, every file is created anew, and there is no
 * symlink in the tree until all else is written.
 */
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { MAX_SMALL_BYTES, type TreeEntry } from "../../collector/api/tree-walk.ts";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";
import { encodeName } from "../../disk/parser/names.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { type CollectorClient, vmPath } from "../collector-client.ts";
import { Progress } from "../progress.ts";
import { copyContent, dataBytesOf, readSmallFiles, writeAll } from "./content.ts";
import { readTree, type TreeHead } from "./tree-listing.ts";

/** Files that are fetched at a time. */
const FILES_AT_ONCE = 4;
/** How many small files come in one answer, and how many bytes. */
const SMALL_FILES = 200;
const SMALL_BYTES = 2 * 1024 * 1024;
const MAX_NAME = 255;
/** What says that going on with the next file makes no sense. */
const HOPELESS: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO", "EMFILE", "ENFILE", "ENOMEM"]);
/** Filesystems whose owners are numbers. */
const UNIX = /^(ext\d|xfs)$/;
const SETUID = 0o6000;
const PRIVATE = 0o700;

export interface RestoreTreeOptions {
	readonly client: CollectorClient;
	readonly vm: string;
	readonly time: string;
	/** Absolute, in the guest. */
	readonly path: string;
	readonly disk: string | undefined;
	readonly volume: string | undefined;
	readonly out: string;
	/** Replace `out` where it exists. */
	readonly force: boolean;
	readonly signal?: AbortSignal | undefined;
}

export interface RestoreTreeResult {
	/** Unix nanoseconds of the point, decimal. */
	readonly time: string;
	readonly disk: string;
	readonly volume: string;
	readonly path: string;
	readonly files: number;
	readonly folders: number;
	readonly symlinks: number;
	/** Further names of files. */
	readonly hardLinks: number;
	/** Pipes and devices. */
	readonly special: number;
	/** Of content. */
	readonly bytes: number;
	/** False where only root could have set them. */
	readonly ownersSet: boolean;
	/** The folder was left to root alone, as it holds what lends rights: devices, files that run as their owner. */
	readonly guarded: boolean;
	/** What is not there, or not as it was. */
	readonly failed: readonly { readonly path: string; readonly problem: string }[];
	/** What the filesystem itself complains of. */
	readonly warnings: readonly string[];
}

/** A name that is to be made. */
interface Item {
	readonly entry: TreeEntry;
	/** In the guest, as text, for people. */
	readonly path: string;
	/** Where it is made. */
	readonly place: Buffer;
}

/**
 * @throws UmbraError of the collector; `conflict` where `out` is there; `limit` where the disk is too small; `unavailable`
 * where the collector goes away or the signal fires: then nothing is left behind.
 */
export async function restoreTree(options: RestoreTreeOptions): Promise<RestoreTreeResult> {
	const { client, vm, time, path, disk, volume, force, signal } = options;
	const out = resolve(options.out);
	if (!force) await refuseToReplace(out);
	const { head, entries, damaged, problems } = await readTree(
		client,
		vmPath(vm, "points", time, "tree"),
		{ path, disk, volume },
		signal,
	);
	const partial = `${out}.partial`;
	await clear(partial, force);
	const work = new Work(head, Buffer.from(partial), client, vm, signal);
	try {
		const items = work.plan(entries, damaged);
		await refuseTooMuch(items, dirname(out));
		await work.make(items);
		await giveName(partial, out, force);
	} catch (error) {
		await fs.rm(partial, { recursive: true, force: true }).catch(() => undefined);
		if (signal?.aborted === true) throw new UmbraError("unavailable", "interrupted", { cause: error });
		if (isUmbraError(error)) throw error;
		const full = ["ENOSPC", "EDQUOT"].includes(errnoOf(error) ?? "");
		throw new UmbraError(full ? "limit" : "unavailable", `cannot write ${out}: ${messageOf(error)}`, { cause: error });
	}
	return work.result(problems);
}

class Work {
	readonly #head: TreeHead;
	readonly #base: Buffer;
	readonly #client: CollectorClient;
	readonly #vm: string;
	readonly #signal: AbortSignal | undefined;
	readonly #isRoot = process.getuid?.() === 0;
	readonly #failed: { path: string; problem: string }[] = [];
	readonly #failedPlaces = new Set<Buffer>();
	readonly #counts = { files: 0, folders: 0, symlinks: 0, hardLinks: 0, special: 0, bytes: 0 };
	/** Inodes that were made, and the place of their first name. */
	readonly #made = new Map<number, Buffer>();
	#ownersSet = true;
	#guarded = false;

	constructor(head: TreeHead, base: Buffer, client: CollectorClient, vm: string, signal: AbortSignal | undefined) {
		this.#head = head;
		this.#base = base;
		this.#client = client;
		this.#vm = vm;
		this.#signal = signal;
	}

	/** Where everything goes; what cannot be made is noted. */
	plan(entries: readonly TreeEntry[], damaged: ReadonlyMap<number, string>): Item[] {
		const items: Item[] = [];
		const folders = new Map<number, Item>();
		for (const entry of entries) {
			const { inode, parent, name, problem } = entry;
			if (name === undefined || parent === undefined) {
				const known = folders.get(inode);
				if (problem !== undefined) this.#fail(known?.path ?? this.#head.path, problem);
				if (items.length > 0 || (problem !== undefined && entry.type !== "dir")) continue;
				const top = { entry, path: this.#head.path, place: this.#base };
				if (entry.type === "dir") folders.set(inode, top);
				items.push(top);
				continue;
			}
			const folder = folders.get(parent);
			// Its folder was refused, which was told.
			if (folder === undefined) continue;
			const path = `${folder.path === "/" ? "" : folder.path}/${name}`;
			const bytes = encodeName(name);
			if (problem !== undefined) this.#fail(path, problem);
			else if (!isName(bytes)) this.#fail(path, "no file here can have this name");
			else {
				const item = { entry, path, place: Buffer.concat([folder.place, Buffer.from("/"), bytes]) };
				if (entry.type === "dir") folders.set(inode, item);
				items.push(item);
			}
		}
		for (const { entry, path } of items) {
			const damage = damaged.get(entry.inode);
			if (damage !== undefined) this.#fail(path, `restored in part: ${damage}`);
		}
		return items;
	}

	async make(items: readonly Item[]): Promise<void> {
		const isRoot = this.#isRoot;
		this.#guarded =
			isRoot &&
			items[0]?.entry.type === "dir" &&
			items.some(
				({ entry: { type, mode = 0 } }) =>
					type === "char" || type === "block" || (type === "file" && (mode & SETUID) !== 0),
			);
		const ofType = (...types: readonly TreeEntry["type"][]) => items.filter(({ entry }) => types.includes(entry.type));
		const folders: Item[] = [];
		for (const item of ofType("dir")) {
			const make = async () => {
				await fs.mkdir(item.place, { mode: PRIVATE });
				folders.push(item);
				this.#counts.folders++;
			};
			await this.#attempt(item, make);
		}
		const files = ofType("file");
		using progress = new Progress(`restoring ${this.#head.path}`, contentOf(files));
		const queue = batchesOf(this.#firstNames(files)).values();
		const worker = async () => {
			for (const batch of queue) await this.#files(batch, (bytes) => progress.add(bytes));
		};
		// Each stops at the first that is hopeless; none may go on behind our back.
		const ended = await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, worker));
		for (const each of ended) if (each.status === "rejected") throw each.reason;
		for (const item of this.#firstNames(ofType("fifo", "char", "block", "socket")))
			await this.#attempt(item, () => this.#special(item));
		await this.#hardLinks(ofType("file", "fifo", "char", "block", "socket"));
		const symlinks = ofType("symlink");
		for (const item of this.#firstNames(symlinks)) await this.#attempt(item, () => this.#symlink(item));
		await this.#hardLinks(symlinks);
		// What is made in a folder changes its time, and it may not be for us to write to: the deepest come first.
		for (const item of folders.toReversed()) await this.#attempt(item, () => this.#folderAttributes(item));
		const [problem] = this.#failed;
		if (items[0] === undefined || this.#failedPlaces.has(items[0].place)) {
			throw new UmbraError("corrupt", `${this.#head.path}: ${problem?.problem ?? "nothing of it can be read"}`);
		}
	}

	result(warnings: readonly string[]): RestoreTreeResult {
		const { time, disk, volume, path } = this.#head;
		const [ownersSet, guarded, failed] = [this.#ownersSet, this.#guarded, this.#failed];
		return { time, disk, volume, path, ...this.#counts, ownersSet, guarded, failed, warnings };
	}

	#fail(path: string, problem: string): void {
		this.#failed.push({ path, problem });
	}

	/** One file that cannot be made does not end the others. */
	async #attempt({ path, place, entry }: Item, make: () => Promise<void>): Promise<void> {
		this.#signal?.throwIfAborted();
		try {
			await make();
			if (entry.type !== "dir" && !this.#made.has(entry.inode)) this.#made.set(entry.inode, place);
		} catch (error) {
			if (this.#signal?.aborted === true || HOPELESS.has(errnoOf(error) ?? "")) throw error;
			if (isUmbraError(error, "unavailable", "denied") || (!isUmbraError(error) && errnoOf(error) === undefined))
				throw error;
			this.#failedPlaces.add(place);
			this.#fail(path, withoutPlace(error));
		}
	}

	/** One of the names of each inode. */
	#firstNames(items: readonly Item[]): Item[] {
		const seen = new Set<number>();
		return items.filter(({ entry: { inode } }) => !seen.has(inode) && seen.add(inode));
	}

	async #hardLinks(items: readonly Item[]): Promise<void> {
		for (const item of items) {
			const made = this.#made.get(item.entry.inode);
			if (made === item.place) continue;
			if (made === undefined) {
				if (!this.#failedPlaces.has(item.place)) this.#fail(item.path, "another name of a file that could not be made");
				continue;
			}
			await this.#attempt(item, async () => {
				await fs.link(made, item.place);
				this.#counts.hardLinks++;
			});
		}
	}

	/** Small files of one answer, or a file that has answers of its own. */
	async #files(batch: readonly Item[], onBytes: (bytes: number) => void): Promise<void> {
		const { time, disk, volume } = this.#head;
		const source = (...path: readonly string[]) => {
			const url = vmPath(this.#vm, "points", time, "inodes", ...path, "content");
			return { client: this.#client, url, query: { disk, volume }, signal: this.#signal };
		};
		const count = (bytes: number) => {
			this.#counts.bytes += bytes;
			onBytes(bytes);
		};
		const [first] = batch;
		if (first !== undefined && !isSmall(first)) {
			const copy = (file: fs.FileHandle) => copyContent(source(String(first.entry.inode)), first.entry, file, count);
			await this.#attempt(first, () => this.#file(first, copy));
			return;
		}
		const inodes = batch.map(({ entry }) => entry.inode);
		const contents = await readSmallFiles(source(), inodes);
		for (const item of batch) {
			const write = async (file: fs.FileHandle) => {
				const content = contents.get(item.entry.inode);
				if (content instanceof UmbraError) throw content;
				if (content === undefined || content.length !== item.entry.size)
					throw new UmbraError("truncated", `${content?.length ?? 0} bytes came, wanted ${item.entry.size}`);
				await writeAll(file, content, 0);
				count(content.length);
			};
			await this.#attempt(item, () => this.#file(item, write));
		}
	}

	async #file({ entry, place }: Item, fill: (file: fs.FileHandle) => Promise<void>): Promise<void> {
		const { size = 0, mtime } = entry;
		const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
		const file = await fs.open(place, flags, 0o600);
		try {
			await fill(file);
			await file.truncate(size);
			if (await this.#own((uid, gid) => file.chown(uid, gid), entry)) await file.chmod(this.#mode(entry));
			else await file.chmod(this.#mode(entry) & ~SETUID);
			if (isTime(mtime)) await file.utimes(mtime, mtime);
			this.#counts.files++;
		} catch (error) {
			await fs.unlink(place).catch(() => undefined);
			throw error;
		} finally {
			await file.close();
		}
	}

	async #special(item: Item): Promise<void> {
		const { entry, place } = item;
		const { type, device, mtime } = entry;
		if (type === "socket")
			throw new UmbraError("unsupported", "a socket, which only the program that listens can make");
		if (type !== "fifo" && !this.#isRoot) throw new UmbraError("unsupported", "a device, which only root can make");
		if (type !== "fifo" && device === undefined) throw new UmbraError("unsupported", "a device of unknown number");
		// Programs take text for a name, and this one may be none.
		const made = `${this.#base.toString()}.node`;
		const numbers = device === undefined ? [] : [String(device.major), String(device.minor)];
		const kind = type === "char" ? "c" : type === "block" ? "b" : "p";
		await fs.rm(made, { force: true });
		await runProgram("mknod", ["-m", "600", "--", made, kind, ...numbers]);
		try {
			// A name that is taken must stay what it is, which a rename would not see to.
			await fs.link(made, place);
		} finally {
			await fs.unlink(made);
		}
		const owned = await this.#own((uid, gid) => fs.lchown(place, uid, gid), entry);
		await fs.chmod(place, this.#mode(entry) & (owned ? ~0 : ~SETUID));
		if (isTime(mtime)) await fs.lutimes(place, mtime, mtime);
		this.#counts.special++;
	}

	async #symlink({ entry, place }: Item): Promise<void> {
		const { target = "", mtime } = entry;
		await fs.symlink(encodeName(target), place);
		await this.#own((uid, gid) => fs.lchown(place, uid, gid), entry);
		if (isTime(mtime)) await fs.lutimes(place, mtime, mtime);
		this.#counts.symlinks++;
	}

	async #folderAttributes({ entry, place }: Item): Promise<void> {
		const { mtime } = entry;
		const isTop = place === this.#base;
		if (isTop && this.#guarded) await fs.chmod(place, PRIVATE);
		else {
			const owned = await this.#own((uid, gid) => fs.lchown(place, uid, gid), entry);
			await fs.chmod(place, this.#mode(entry) & (owned ? ~0 : ~SETUID));
		}
		if (isTime(mtime)) await fs.utimes(place, mtime, mtime);
	}

	#mode({ mode = 0 }: TreeEntry): number {
		return mode & 0o7777;
	}

	/** @returns whether the owner is what it was. */
	async #own(chown: (uid: number, gid: number) => Promise<void>, { uid = 0, gid = 0 }: TreeEntry): Promise<boolean> {
		// Owners on NTFS are no users of this system; FAT has none.
		if (!UNIX.test(this.#head.kind)) return false;
		if (this.#isRoot) {
			try {
				await chown(uid, gid);
				return true;
			} catch (error) {
				// Root of a container whose users go up to some number.
				if (!["EPERM", "EINVAL"].includes(errnoOf(error) ?? "")) throw error;
			}
		}
		this.#ownersSet = false;
		return false;
	}
}

/** Whether its content comes together with that of others. */
function isSmall({ entry: { size = 0, written } }: Item): boolean {
	return size <= MAX_SMALL_BYTES && written === undefined;
}

/** Small files together, each other by itself. */
function batchesOf(files: readonly Item[]): Item[][] {
	const batches: Item[][] = [];
	let small: Item[] = [];
	let bytes = 0;
	for (const item of files) {
		if (!isSmall(item)) {
			batches.push([item]);
			continue;
		}
		if (small.length === 0 || small.length === SMALL_FILES || bytes > SMALL_BYTES) {
			small = [];
			bytes = 0;
			batches.push(small);
		}
		small.push(item);
		bytes += item.entry.size ?? 0;
	}
	return batches;
}

function isName(bytes: Buffer): boolean {
	if (bytes.length === 0 || bytes.length > MAX_NAME || bytes.includes(0) || bytes.includes(0x2f)) return false;
	return ![".", ".."].includes(bytes.toString("latin1"));
}

function isTime(seconds: number | undefined): seconds is number {
	return seconds !== undefined && Number.isFinite(seconds);
}

/** What the system says, without the place, which is the partial one. */
function withoutPlace(error: unknown): string {
	const message = messageOf(error);
	return errnoOf(error) === undefined ? message : message.replace(/^(\w+: [^,]*), .*$/s, "$1");
}

/** Bytes of content, of files with several names once. */
function contentOf(files: readonly Item[]): number {
	const seen = new Set<number>();
	let bytes = 0;
	for (const { entry } of files) {
		if (seen.has(entry.inode)) continue;
		seen.add(entry.inode);
		bytes += dataBytesOf(entry);
	}
	return bytes;
}

async function refuseTooMuch(items: readonly Item[], folder: string): Promise<void> {
	const wanted = contentOf(items.filter(({ entry }) => entry.type === "file"));
	const { bavail, bsize } = await fs.statfs(folder);
	if (wanted <= bavail * bsize) return;
	throw new UmbraError(
		"limit",
		`${formatBytes(wanted)} are to be restored, and ${folder} has room for ${formatBytes(bavail * bsize)}`,
	);
}

/** An empty folder is as good as none. */
async function refuseToReplace(out: string): Promise<void> {
	try {
		if ((await fs.lstat(out)).isDirectory() && (await fs.readdir(out)).length === 0) return;
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return;
		throw new UmbraError("unavailable", `${out}: ${messageOf(error)}`, { cause: error });
	}
	throw new UmbraError("conflict", `${out} exists`, { hint: "--force replaces it, with all that is in it" });
}

/** Of a restore that was killed. */
async function clear(partial: string, force: boolean): Promise<void> {
	if (force) await fs.rm(partial, { recursive: true, force: true });
	const there = await fs.lstat(partial).catch(() => undefined);
	if (there === undefined) return;
	throw new UmbraError("conflict", `${partial} exists`, {
		hint: "another restore runs, or one was killed: remove it, or use --force",
	});
}

async function giveName(partial: string, out: string, force: boolean): Promise<void> {
	try {
		await refuseToReplace(out);
		await fs.rename(partial, out);
	} catch (error) {
		if (!force) throw error;
		const old = `${partial}.replaced`;
		await fs.rename(out, old);
		await fs.rename(partial, out);
		await fs.rm(old, { recursive: true, force: true });
	}
}
