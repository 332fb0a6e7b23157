/** Packs as files of one local folder: `00000001.pack` (the id in hex) and so on. */
import { constants, fdatasync, read as fsRead, write as fsWrite, ftruncate } from "node:fs";
import { type FileHandle, mkdir, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { LentPack, PackAppender, PackInfo, PackStore } from "./pack-store.ts";

const FILE_NAME = /^([0-9a-f]{8})\.pack$/;
/** Enough for the packs that are read together; well below the usual limit of 1,024 open files. */
const MAX_OPEN_FILES = 128;
const truncate = promisify(ftruncate);
const datasync = promisify(fdatasync);

/** Out of space, whatever enforces it: the device, a quota, a file size limit. */
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

function translate(error: unknown, doing: string, path: string): UmbraError {
	if (isUmbraError(error)) return error;
	const errno = errnoOf(error);
	const context = { path, ...(errno === undefined ? {} : { found: errno }) };
	const message = `cannot ${doing} ${path}: ${messageOf(error)}`;
	if (errno !== undefined && FULL.has(errno)) {
		const hint = "free space on the vault's file system, or move the vault to a larger one";
		return new UmbraError("limit", message, { cause: error, context, hint });
	}
	const codes = { ENOENT: "not-found", EEXIST: "conflict", EACCES: "denied", EPERM: "denied" } as const;
	return new UmbraError(codes[errno as keyof typeof codes] ?? "unavailable", message, { cause: error, context });
}

export class FolderPackStore implements PackStore {
	readonly #folder: string;
	/** Open for reading, least recently used first. A handle is closed only when no read uses it. */
	readonly #readers = new Map<number, Reader>();
	readonly #appenders = new Set<FolderAppender>();

	private constructor(folder: string) {
		this.#folder = folder;
	}

	/** Makes the folder where it is missing. */
	static async open(folder: string): Promise<FolderPackStore> {
		try {
			await mkdir(folder, { recursive: true });
			// A pack that was made just before a crash may not have reached its folder yet.
			await syncFolder(folder);
			await syncFolder(join(folder, ".."));
		} catch (error) {
			throw translate(error, "open the pack folder", folder);
		}
		return new FolderPackStore(folder);
	}

	async list(): Promise<PackInfo[]> {
		try {
			const packs: PackInfo[] = [];
			for (const file of (await readdir(this.#folder)).sort()) {
				const id = Number.parseInt(FILE_NAME.exec(file)?.[1] ?? "0", 16);
				if (id > 0) packs.push({ id, bytes: (await stat(join(this.#folder, file))).size });
			}
			return packs;
		} catch (error) {
			throw translate(error, "list", this.#folder);
		}
	}

	async create(id: number): Promise<PackAppender> {
		const path = this.#path(id);
		try {
			const handle = await open(path, "wx");
			try {
				await syncFolder(this.#folder);
			} catch (error) {
				await handle.close();
				await unlink(path);
				throw error;
			}
			return this.#appender(handle, path, 0);
		} catch (error) {
			throw translate(error, "create", path);
		}
	}

	async resume(id: number, length: number): Promise<PackAppender> {
		const path = this.#path(id);
		try {
			const handle = await open(path, constants.O_WRONLY);
			try {
				await handle.truncate(length);
			} catch (error) {
				await handle.close();
				throw error;
			}
			return this.#appender(handle, path, length);
		} catch (error) {
			throw translate(error, "resume", path);
		}
	}

	async lend(id: number): Promise<LentPack> {
		const reader = this.#reader(id);
		reader.users++;
		try {
			const { fd } = await reader.handle;
			return { fd, [Symbol.dispose]: () => void this.#release(reader) };
		} catch (error) {
			await this.#release(reader);
			throw translate(error, "open", this.#path(id));
		}
	}

	async read(id: number, offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
		signal?.throwIfAborted();
		const reader = this.#reader(id);
		reader.users++;
		try {
			const { fd } = await reader.handle;
			const bytes = Buffer.allocUnsafeSlow(length);
			let done = 0;
			while (done < length) {
				signal?.throwIfAborted();
				const got = await readSome(fd, bytes, done, length - done, offset + done);
				if (got === 0) {
					throw new UmbraError("truncated", `${this.#path(id)}: ends at ${offset + done}, wanted ${offset + length}`, {
						context: { path: this.#path(id), offset: offset + done, wanted: offset + length },
					});
				}
				done += got;
			}
			return bytes;
		} catch (error) {
			if (signal?.aborted === true) throw error;
			throw translate(error, "read", this.#path(id));
		} finally {
			await this.#release(reader);
		}
	}

	/** As `ID.pack.damaged-TIME`, which is no name of a pack. */
	async setAside(id: number): Promise<void> {
		await this.#forgetReader(id);
		const path = this.#path(id);
		try {
			await rename(path, `${path}.damaged-${Date.now()}`);
			await syncFolder(this.#folder);
		} catch (error) {
			if (errnoOf(error) !== "ENOENT") throw translate(error, "set aside", path);
		}
	}

	async remove(id: number): Promise<void> {
		await this.#forgetReader(id);
		try {
			await unlink(this.#path(id));
			await syncFolder(this.#folder);
		} catch (error) {
			if (errnoOf(error) !== "ENOENT") throw translate(error, "remove", this.#path(id));
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const appender of this.#appenders) await appender[Symbol.asyncDispose]();
		for (const reader of this.#readers.values()) await closeQuietly(reader);
		this.#readers.clear();
	}

	/** Those who read it go on; nobody else begins to. */
	async #forgetReader(id: number): Promise<void> {
		const reader = this.#readers.get(id);
		this.#readers.delete(id);
		if (reader !== undefined) reader.removed = true;
		if (reader?.users === 0) await closeQuietly(reader);
	}

	#path(id: number): string {
		return join(this.#folder, `${id.toString(16).padStart(8, "0")}.pack`);
	}

	#appender(handle: FileHandle, path: string, length: number): FolderAppender {
		const appender = new FolderAppender(handle, path, length, () => this.#appenders.delete(appender));
		this.#appenders.add(appender);
		return appender;
	}

	#reader(id: number): Reader {
		let reader = this.#readers.get(id);
		this.#readers.delete(id);
		if (reader === undefined) {
			reader = { handle: open(this.#path(id), "r"), users: 0, removed: false };
			reader.handle.catch(() => this.#readers.delete(id));
		}
		this.#readers.set(id, reader);
		return reader;
	}

	async #release(reader: Reader): Promise<void> {
		reader.users--;
		if (reader.removed && reader.users === 0) await closeQuietly(reader);
		this.#closeIdle();
	}

	#closeIdle(): void {
		if (this.#readers.size <= MAX_OPEN_FILES) return;
		for (const [id, reader] of this.#readers) {
			if (reader.users > 0) continue;
			this.#readers.delete(id);
			void closeQuietly(reader);
			if (this.#readers.size <= MAX_OPEN_FILES) return;
		}
	}
}

interface Reader {
	readonly handle: Promise<FileHandle>;
	users: number;
	/** Its last user closes it. */
	removed: boolean;
}

/** Closing what was only read cannot lose anything. */
async function closeQuietly(reader: Reader): Promise<void> {
	await reader.handle.then((handle) => handle.close()).catch(() => undefined);
}

function readSome(fd: number, into: Buffer, at: number, length: number, position: number): Promise<number> {
	// The callback API costs half of what FileHandle.read does, and this is the hot path of every restore.
	return new Promise((resolve, reject) => {
		fsRead(fd, into, at, length, position, (error, got) => (error === null ? resolve(got) : reject(error)));
	});
}

function writeSome(fd: number, bytes: Uint8Array, at: number, position: number): Promise<number> {
	return new Promise((resolve, reject) => {
		fsWrite(fd, bytes, at, bytes.length - at, position, (error, put) =>
			error === null ? resolve(put) : reject(error),
		);
	});
}

async function syncFolder(folder: string): Promise<void> {
	await using handle = await open(folder, "r");
	await handle.sync();
}

class FolderAppender implements PackAppender {
	readonly #handle: FileHandle;
	readonly #path: string;
	readonly #onClose: () => void;
	#length: number;
	#closed = false;

	constructor(handle: FileHandle, path: string, length: number, onClose: () => void) {
		this.#handle = handle;
		this.#path = path;
		this.#length = length;
		this.#onClose = onClose;
	}

	async append(bytes: Uint8Array): Promise<void> {
		let done = 0;
		try {
			while (done < bytes.length) done += await writeSome(this.#handle.fd, bytes, done, this.#length + done);
		} catch (error) {
			// Should even this fail: the next append writes over the rest, and recovery knows a torn tail.
			if (done > 0) await truncate(this.#handle.fd, this.#length).catch(() => undefined);
			throw translate(error, "write", this.#path);
		}
		this.#length += bytes.length;
	}

	async sync(): Promise<void> {
		try {
			await datasync(this.#handle.fd);
		} catch (error) {
			throw translate(error, "sync", this.#path);
		}
	}

	async cut(length: number): Promise<void> {
		try {
			await truncate(this.#handle.fd, length);
			this.#length = length;
		} catch (error) {
			throw translate(error, "cut", this.#path);
		}
	}

	async seal(): Promise<void> {
		await this.sync();
		await this[Symbol.asyncDispose]();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#closed) return;
		this.#closed = true;
		this.#onClose();
		try {
			await this.#handle.close();
		} catch (error) {
			throw translate(error, "close", this.#path);
		}
	}
}
