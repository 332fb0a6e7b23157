/**
 * The file operations on which the promises of a vault rest. An interface, so that tests can have each of them fail, and
 * lose what was not synced as a power cut does. Everything throws what the operating system says (`ENOSPC` and so on).
 */
import { constants, fdatasync, read as fsRead, write as fsWrite, ftruncate } from "node:fs";
import { type FileHandle, mkdir, open, readdir, readFile, rename, stat, unlink } from "node:fs/promises";
import { promisify } from "node:util";

const truncate = promisify(ftruncate);
const datasync = promisify(fdatasync);

/** An open file. Closing what was only read cannot lose anything. */
export interface VaultFile {
	/** For a thread that reads by itself; undefined where there is no such thing. */
	readonly fd: number | undefined;
	/** Bytes that were read; 0 at the end. */
	read(into: Buffer, at: number, length: number, position: number): Promise<number>;
	/** Bytes that were written, of those from `at` on; at least one. */
	write(bytes: Uint8Array, at: number, position: number): Promise<number>;
	truncate(length: number): Promise<void>;
	/** The content is on stable storage when this resolves, and how long it is. */
	sync(): Promise<void>;
	close(): Promise<void>;
}

export interface VaultFiles {
	/** And those above it; it may be there. */
	makeFolder(path: string): Promise<void>;
	/** Names of what is in a folder. */
	list(folder: string): Promise<string[]>;
	/** In bytes. */
	size(path: string): Promise<number>;
	readWhole(path: string): Promise<Buffer>;
	/** `create`: a new file, open for writing. */
	open(path: string, how: "read" | "write" | "create", mode?: number): Promise<VaultFile>;
	rename(from: string, to: string): Promise<void>;
	remove(path: string): Promise<void>;
	/** What was made, renamed and removed in a folder is on stable storage when this resolves. */
	syncFolder(path: string): Promise<void>;
}

const FLAGS = { read: "r", write: constants.O_WRONLY, create: "wx" } as const;

export const realFiles: VaultFiles = {
	makeFolder: async (path) => void (await mkdir(path, { recursive: true })),
	list: (folder) => readdir(folder),
	size: async (path) => (await stat(path)).size,
	readWhole: (path) => readFile(path),
	open: async (path, how, mode) => new RealFile(await open(path, FLAGS[how], mode)),
	rename,
	remove: unlink,
	syncFolder: async (path) => {
		await using handle = await open(path, "r");
		await handle.sync();
	},
};

/** The callback API costs half of what FileHandle's does, and this is the hot path of every restore. */
class RealFile implements VaultFile {
	readonly fd: number;
	readonly #handle: FileHandle;

	constructor(handle: FileHandle) {
		this.#handle = handle;
		this.fd = handle.fd;
	}

	read(into: Buffer, at: number, length: number, position: number): Promise<number> {
		return new Promise((resolve, reject) => {
			fsRead(this.fd, into, at, length, position, (error, got) => (error === null ? resolve(got) : reject(error)));
		});
	}

	write(bytes: Uint8Array, at: number, position: number): Promise<number> {
		return new Promise((resolve, reject) => {
			fsWrite(this.fd, bytes, at, bytes.length - at, position, (error, put) =>
				error === null ? resolve(put) : reject(error),
			);
		});
	}

	truncate(length: number): Promise<void> {
		return truncate(this.fd, length);
	}

	sync(): Promise<void> {
		return datasync(this.fd);
	}

	close(): Promise<void> {
		return this.#handle.close();
	}
}
