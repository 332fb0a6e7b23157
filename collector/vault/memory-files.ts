/**
 * For tests: files in memory, on a machine that loses its power. What was not synced may then be lost: of a file's bytes
 * everything from some byte on, or single pages; of a folder's changes the last ones. From a kill on every call fails,
 * like those of a process that is gone; `restart` gives what is left to the next one.
 *
 * `before` sees every operation that changes the disk, in order, and may have it fail or kill the process.
 */
import { join } from "node:path";
import type { Random } from "../../test/support/random.ts";
import type { VaultFile, VaultFiles } from "./files.ts";

/** What a disk writes as a whole. */
const PAGE = 4096;

export type FileOperation =
	| "makeFolder"
	| "create"
	| "write"
	| "truncate"
	| "sync"
	| "rename"
	| "remove"
	| "syncFolder";

interface Inode {
	bytes: Buffer;
	length: number;
	/** As it was when it was synced last. */
	synced: Buffer;
}

interface Folder {
	readonly files: Map<string, Inode>;
	/** Undo what was not synced, oldest first. */
	unsynced: (() => void)[];
}

export class MemoryFiles implements VaultFiles {
	readonly #folders = new Map<string, Folder>();
	/** Called before everything that changes the disk; what it throws is what the operating system says. */
	before: (operation: FileOperation, path: string) => void = () => undefined;
	/** Waited for before every call, so that others get their turn in between. */
	pause: (() => Promise<void>) | undefined;
	/** Bytes that all files together may hold. */
	space = Number.POSITIVE_INFINITY;
	#isGone = false;
	#generation = 0;

	get used(): number {
		let used = 0;
		for (const { files } of this.#folders.values()) for (const { length } of files.values()) used += length;
		return used;
	}

	/** The process is killed: whatever it still does has no effect. */
	kill(): void {
		this.#isGone = true;
	}

	get isGone(): boolean {
		return this.#isGone;
	}

	/** The disk as the next process finds it: as the last one left it, or with `random` as a power cut leaves it. */
	restart(random?: Random): void {
		for (const folder of this.#folders.values()) {
			if (random !== undefined) {
				// A journal keeps the order of changes to a folder.
				const lost = random.chance(0.5) ? random.below(folder.unsynced.length + 1) : 0;
				for (let count = 0; count < lost; count++) folder.unsynced.pop()?.();
				for (const inode of folder.files.values()) cutPower(inode, random);
			}
			folder.unsynced = [];
		}
		this.#isGone = false;
		this.#generation++;
	}

	/** @param offset from the end where it is negative. */
	flipBit(path: string, offset: number, bit = 0): void {
		const { bytes, length } = this.#find(path);
		bytes[offset < 0 ? length + offset : offset]! ^= 1 << bit;
	}

	async makeFolder(path: string): Promise<void> {
		await this.#turn();
		this.#change("makeFolder", path);
		if (!this.#folders.has(path)) this.#folders.set(path, { files: new Map(), unsynced: [] });
	}

	async list(folder: string): Promise<string[]> {
		await this.#turn();
		return [...this.#folder(folder).files.keys()];
	}

	async size(path: string): Promise<number> {
		await this.#turn();
		return this.#find(path).length;
	}

	async readWhole(path: string): Promise<Buffer> {
		await this.#turn();
		const { bytes, length } = this.#find(path);
		return Buffer.from(bytes.subarray(0, length));
	}

	async open(path: string, how: "read" | "write" | "create"): Promise<VaultFile> {
		await this.#turn();
		if (how !== "create") return this.#file(path, this.#find(path));
		this.#change("create", path);
		const [folder, name] = this.#split(path);
		if (folder.files.has(name)) throw systemError("EEXIST", path);
		const inode: Inode = { bytes: Buffer.alloc(0), length: 0, synced: Buffer.alloc(0) };
		folder.files.set(name, inode);
		folder.unsynced.push(() => folder.files.delete(name));
		return this.#file(path, inode);
	}

	async rename(from: string, to: string): Promise<void> {
		await this.#turn();
		this.#change("rename", from);
		const inode = this.#find(from);
		const [source, name] = this.#split(from);
		const [target, next] = this.#split(to);
		const replaced = target.files.get(next);
		source.files.delete(name);
		target.files.set(next, inode);
		target.unsynced.push(() => {
			source.files.set(name, inode);
			if (replaced === undefined) target.files.delete(next);
			else target.files.set(next, replaced);
		});
	}

	async remove(path: string): Promise<void> {
		await this.#turn();
		const [folder, name] = this.#split(path);
		const inode = this.#find(path);
		this.#change("remove", path);
		folder.files.delete(name);
		folder.unsynced.push(() => folder.files.set(name, inode));
	}

	async syncFolder(path: string): Promise<void> {
		await this.#turn();
		this.#change("syncFolder", path);
		const folder = this.#folders.get(path);
		if (folder !== undefined) folder.unsynced = [];
	}

	#file(path: string, inode: Inode): VaultFile {
		const generation = this.#generation;
		const change = (operation: FileOperation) => {
			// One of a process before.
			if (generation !== this.#generation) throw systemError("EBADF", path);
			this.#change(operation, path);
		};
		return {
			fd: undefined,
			read: async (into, at, length, position) => {
				await this.#turn();
				return inode.bytes.subarray(0, inode.length).copy(into, at, position, position + length);
			},
			write: async (bytes, at, position) => {
				await this.#turn();
				change("write");
				const room = this.space - this.used + Math.max(0, inode.length - position);
				const count = Math.min(bytes.length - at, room);
				if (count <= 0) throw systemError("ENOSPC", path);
				reserve(inode, position + count);
				inode.bytes.set(bytes.subarray(at, at + count), position);
				inode.length = Math.max(inode.length, position + count);
				return count;
			},
			truncate: async (length) => {
				await this.#turn();
				change("truncate");
				reserve(inode, length);
				inode.bytes.fill(0, length);
				inode.length = length;
			},
			sync: async () => {
				// What is written while it runs may or may not be covered.
				const synced = Buffer.from(inode.bytes.subarray(0, inode.length));
				await this.#turn();
				change("sync");
				inode.synced = synced;
			},
			close: async () => undefined,
		};
	}

	#folder(path: string): Folder {
		this.#alive();
		const folder = this.#folders.get(path);
		if (folder === undefined) throw systemError("ENOENT", path);
		return folder;
	}

	#split(path: string): [Folder, string] {
		const name = path.slice(path.lastIndexOf("/") + 1);
		return [this.#folder(join(path, "..")), name];
	}

	#find(path: string): Inode {
		const [folder, name] = this.#split(path);
		const inode = folder.files.get(name);
		if (inode === undefined) throw systemError("ENOENT", path);
		return inode;
	}

	async #turn(): Promise<void> {
		await this.pause?.();
		this.#alive();
	}

	#change(operation: FileOperation, path: string): void {
		this.#alive();
		this.before(operation, path);
		this.#alive();
	}

	#alive(): void {
		if (this.#isGone) throw systemError("EIO", "a process that is gone");
	}
}

/** As Node throws it. */
export function systemError(code: "ENOSPC" | "EIO" | "ENOENT" | "EEXIST" | "EBADF", path: string): Error {
	const texts = {
		ENOSPC: "no space left on device",
		EIO: "i/o error",
		ENOENT: "no such file or directory",
		EEXIST: "file already exists",
		EBADF: "bad file descriptor",
	};
	return Object.assign(new Error(`${code}: ${texts[code]}, '${path}'`), { code, path });
}

function reserve(inode: Inode, length: number): void {
	if (length <= inode.bytes.length) return;
	const larger = Buffer.alloc(Math.max(length, inode.bytes.length * 2));
	inode.bytes.copy(larger);
	inode.bytes = larger;
}

function cutPower(inode: Inode, random: Random): void {
	const now = Buffer.from(inode.bytes.subarray(0, inode.length));
	const { synced } = inode;
	let left: Buffer = now;
	if (now.length < synced.length) {
		// It was cut, which is a change of the folder's journal: it took place, or it did not.
		if (random.chance(0.5)) left = synced;
	} else if (!now.equals(synced)) {
		// Of what came since, all up to some byte; sometimes single pages of it are as they were.
		left = Buffer.from(now.subarray(0, synced.length + random.below(now.length - synced.length + 1)));
		const isTorn = random.chance(0.3);
		for (let at = 0; isTorn && at < left.length; at += PAGE) {
			if (random.chance(0.5)) continue;
			const page = left.subarray(at, at + PAGE);
			page.fill(0);
			if (at < synced.length) synced.copy(page, 0, at, at + page.length);
		}
	}
	inode.bytes = left;
	inode.length = left.length;
	inode.synced = Buffer.from(left);
}
