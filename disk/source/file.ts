/** A raw image file or a block device as a source. */
import { constants, readSync, type Stats } from "node:fs";
import { type FileHandle, open, readFile } from "node:fs/promises";
// The global of this name is looked up anew each time, at a cost that shows where there are thousands of reads.
import { performance } from "node:perf_hooks";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import { allocateRead, checkRange } from "./range.ts";
import type { BlockSource } from "./source.ts";

/** Sizes in /sys/dev/block are in sectors of this many bytes, whatever the device's own are. */
const SYSFS_SECTOR = 512;
/** One system call's worth: between two of them an abort is noticed. */
const MAX_CALL_BYTES = 8 * 1024 * 1024;
/**
 * The page cache answers a read this small in less time than it takes to hand it to a thread and back. Where the disk
 * had to answer, which takes longer, the next ones are handed over: one at first, since a process may just have had to
 * wait for its turn, then twice as many each time, up to `MOST_HANDED_OVER`.
 */
const SMALL_BYTES = 64 * 1024;
const SLOW_MS = 0.5;
const MOST_HANDED_OVER = 64;

/**
 * Holes are reported as data: Node offers no SEEK_HOLE, and a count of allocated blocks does not say
 * where they are. They read as zeroes all the same, at memory speed.
 *
 * @throws UmbraError `not-found`, `denied`, `unsupported` where it is neither file nor block device,
 * or `unavailable`.
 */
export async function openFile(path: string): Promise<BlockSource> {
	let handle: FileHandle | undefined;
	try {
		// O_NONBLOCK: opening a named pipe must not wait for its writer. It changes nothing for files and disks.
		handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
		const size = await sizeOf(path, await handle.stat());
		return new FileSource(path, size, handle);
	} catch (error) {
		await handle?.close().catch(() => {});
		throw translateFileError(path, error);
	}
}

/** Whether the kernel's page cache stands behind a source: another one before it only costs time. */
export function isPageCached(source: BlockSource): boolean {
	return source instanceof FileSource;
}

class FileSource implements BlockSource {
	readonly name: string;
	readonly size: number;
	readonly #handle: FileHandle;
	/** Small reads that are still handed over, since one was slow; and how many will be after the next that is slow. */
	#handOver = 0;
	#handOverNext = 1;

	constructor(path: string, size: number, handle: FileHandle) {
		this.name = path;
		this.size = size;
		this.#handle = handle;
	}

	async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		checkRange(this.name, this.size, offset, length);
		const bytes = allocateRead(this.name, offset, length);
		await this.#fill(bytes, offset, signal);
		return bytes;
	}

	async readInto(target: Uint8Array, offset: number, signal?: AbortSignal): Promise<void> {
		checkRange(this.name, this.size, offset, target.length);
		await this.#fill(target, offset, signal);
	}

	readNow(target: Uint8Array, offset: number): boolean {
		const { length } = target;
		checkRange(this.name, this.size, offset, length);
		if (length > SMALL_BYTES || this.#handOver > 0) return false;
		const start = performance.now();
		for (let at = 0; at < length; ) {
			let bytesRead: number;
			try {
				bytesRead = readSync(this.#handle.fd, target, at, length - at, offset + at);
			} catch (error) {
				throw translateFileError(this.name, error, offset + at);
			}
			if (bytesRead === 0) throw this.#endsAt(offset + at);
			at += bytesRead;
		}
		if (performance.now() - start > SLOW_MS) {
			this.#handOver = this.#handOverNext;
			this.#handOverNext = Math.min(MOST_HANDED_OVER, this.#handOver * 2);
		} else this.#handOverNext = 1;
		return true;
	}

	async #fill(bytes: Uint8Array, offset: number, signal: AbortSignal | undefined): Promise<void> {
		signal?.throwIfAborted();
		if (this.readNow(bytes, offset)) return;
		const { length } = bytes;
		if (length <= SMALL_BYTES) this.#handOver--;
		for (let at = 0; at < length; ) {
			signal?.throwIfAborted();
			const count = Math.min(length - at, MAX_CALL_BYTES);
			const { bytesRead } = await this.#handle.read(bytes, at, count, offset + at).catch((error: unknown) => {
				throw translateFileError(this.name, error, offset + at);
			});
			if (bytesRead === 0) throw this.#endsAt(offset + at);
			at += bytesRead;
		}
		signal?.throwIfAborted();
	}

	#endsAt(offset: number): UmbraError {
		return new UmbraError("truncated", `${this.name}: ends at ${offset}, had ${this.size} bytes when opened`, {
			context: { path: this.name, offset, wanted: this.size },
		});
	}

	async extents(offset: number, length: number, signal?: AbortSignal) {
		checkRange(this.name, this.size, offset, length);
		signal?.throwIfAborted();
		return length === 0 ? [] : [{ offset, length, zero: false }];
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// Closing twice is harmless; closing a handle that was only read loses nothing.
		await this.#handle.close().catch(() => {});
	}
}

async function sizeOf(path: string, stats: Stats): Promise<number> {
	if (stats.isFile()) return stats.size;
	if (!stats.isBlockDevice()) {
		throw new UmbraError("unsupported", `${path}: neither a file nor a block device`, { context: { path } });
	}
	// glibc's makedev: 12 + 20 bits of major, 8 + 24 bits of minor, interleaved.
	const device = BigInt(stats.rdev);
	const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
	const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
	const sectors = Number((await readFile(`/sys/dev/block/${major}:${minor}/size`, "utf8")).trim());
	if (!Number.isSafeInteger(sectors * SYSFS_SECTOR)) {
		throw new UmbraError("unavailable", `${path}: the kernel does not state the size of device ${major}:${minor}`, {
			context: { path },
		});
	}
	return sectors * SYSFS_SECTOR;
}

/** An error of the file system, as it is said to callers of `disk/`. One of ours passes unchanged. */
export function translateFileError(path: string, error: unknown, offset?: number): UmbraError {
	if (error instanceof UmbraError) return error;
	const errno = errnoOf(error);
	const code =
		errno === "ENOENT" || errno === "ENOTDIR"
			? "not-found"
			: errno === "EACCES" || errno === "EPERM"
				? "denied"
				: errno === "EISDIR"
					? "unsupported"
					: "unavailable";
	const where = offset === undefined ? "" : ` at ${offset}`;
	return new UmbraError(code, `${path}: cannot be read${where}: ${messageOf(error)}`, {
		cause: error,
		context: { path, ...(offset === undefined ? {} : { offset }), found: errno },
	});
}
