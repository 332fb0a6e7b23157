/** Packs as files of one local folder: `00000001.pack` (the id in hex) and so on. */
import { join } from "node:path";
import { errnoOf, isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { realFiles, type VaultFile, type VaultFiles } from "./files.ts";
import type { LentPack, PackAppender, PackInfo, PackStore } from "./pack-store.ts";

const FILE_NAME = /^([0-9a-f]{8})\.pack$/;
/** Enough for the packs that are read together; well below the usual limit of 1,024 open files. */
const MAX_OPEN_FILES = 128;

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
	readonly #files: VaultFiles;
	/** Open for reading, least recently used first. A handle is closed only when no read uses it. */
	readonly #readers = new Map<number, Reader>();
	readonly #appenders = new Set<FolderAppender>();

	private constructor(folder: string, files: VaultFiles) {
		this.#folder = folder;
		this.#files = files;
	}

	/** Makes the folder where it is missing. */
	static async open(folder: string, files: VaultFiles = realFiles): Promise<FolderPackStore> {
		try {
			await files.makeFolder(folder);
			// A pack that was made just before a crash may not have reached its folder yet.
			await files.syncFolder(folder);
			await files.syncFolder(join(folder, ".."));
		} catch (error) {
			throw translate(error, "open the pack folder", folder);
		}
		return new FolderPackStore(folder, files);
	}

	async list(): Promise<PackInfo[]> {
		try {
			const packs: PackInfo[] = [];
			for (const file of (await this.#files.list(this.#folder)).sort()) {
				const id = Number.parseInt(FILE_NAME.exec(file)?.[1] ?? "0", 16);
				if (id === 0) continue;
				try {
					packs.push({ id, bytes: await this.#files.size(join(this.#folder, file)) });
				} catch (error) {
					// It went meanwhile: a pack that could not be created is taken away again.
					if (errnoOf(error) !== "ENOENT") throw error;
				}
			}
			return packs;
		} catch (error) {
			throw translate(error, "list", this.#folder);
		}
	}

	async create(id: number): Promise<PackAppender> {
		const path = this.#path(id);
		try {
			const file = await this.#files.open(path, "create");
			try {
				await this.#files.syncFolder(this.#folder);
			} catch (error) {
				await file.close();
				await this.#files.remove(path);
				throw error;
			}
			return this.#appender(file, path, 0);
		} catch (error) {
			throw translate(error, "create", path);
		}
	}

	async resume(id: number, length: number): Promise<PackAppender> {
		const path = this.#path(id);
		try {
			const file = await this.#files.open(path, "write");
			try {
				await file.truncate(length);
			} catch (error) {
				await file.close();
				throw error;
			}
			return this.#appender(file, path, length);
		} catch (error) {
			throw translate(error, "resume", path);
		}
	}

	async lend(id: number): Promise<LentPack> {
		const reader = this.#reader(id);
		reader.users++;
		try {
			const { fd } = await reader.file;
			if (fd === undefined) throw new UmbraError("unsupported", `${this.#path(id)} is no file of the operating system`);
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
			const file = await reader.file;
			const bytes = Buffer.allocUnsafeSlow(length);
			let done = 0;
			while (done < length) {
				signal?.throwIfAborted();
				const got = await file.read(bytes, done, length - done, offset + done);
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
			await this.#files.rename(path, `${path}.damaged-${Date.now()}`);
			await this.#files.syncFolder(this.#folder);
		} catch (error) {
			if (errnoOf(error) !== "ENOENT") throw translate(error, "set aside", path);
		}
	}

	async remove(id: number): Promise<void> {
		await this.#forgetReader(id);
		try {
			await this.#files.remove(this.#path(id));
			await this.#files.syncFolder(this.#folder);
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

	#appender(file: VaultFile, path: string, length: number): FolderAppender {
		const appender = new FolderAppender(file, path, length, () => this.#appenders.delete(appender));
		this.#appenders.add(appender);
		return appender;
	}

	#reader(id: number): Reader {
		let reader = this.#readers.get(id);
		this.#readers.delete(id);
		if (reader === undefined) {
			reader = { file: this.#files.open(this.#path(id), "read"), users: 0, removed: false };
			reader.file.catch(() => this.#readers.delete(id));
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
	readonly file: Promise<VaultFile>;
	users: number;
	/** Its last user closes it. */
	removed: boolean;
}

/** Closing what was only read cannot lose anything. */
async function closeQuietly(reader: Reader): Promise<void> {
	await reader.file.then((file) => file.close()).catch(() => undefined);
}

class FolderAppender implements PackAppender {
	readonly #file: VaultFile;
	readonly #path: string;
	readonly #onClose: () => void;
	#length: number;
	#closed = false;

	constructor(file: VaultFile, path: string, length: number, onClose: () => void) {
		this.#file = file;
		this.#path = path;
		this.#length = length;
		this.#onClose = onClose;
	}

	async append(bytes: Uint8Array): Promise<void> {
		let done = 0;
		try {
			while (done < bytes.length) done += await this.#file.write(bytes, done, this.#length + done);
		} catch (error) {
			// Should even this fail: the next append writes over the rest, and recovery knows a torn tail.
			if (done > 0) await this.#file.truncate(this.#length).catch(() => undefined);
			throw translate(error, "write", this.#path);
		}
		this.#length += bytes.length;
	}

	async sync(): Promise<void> {
		try {
			await this.#file.sync();
		} catch (error) {
			throw translate(error, "sync", this.#path);
		}
	}

	async cut(length: number): Promise<void> {
		try {
			await this.#file.truncate(length);
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
			await this.#file.close();
		} catch (error) {
			throw translate(error, "close", this.#path);
		}
	}
}
