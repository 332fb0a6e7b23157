/**
 * `proc/` is what the Linux kernel tells in /proc and /sys, as values: of the host, its devices and processes. Parsers are
 * pure functions over a file's text; the *tree* reads the files, in tests those of a frozen tree.
 *
 * A kernel that does not tell a thing (PSI is off, a driver has no sensor, the process has ended, the agent may not look)
 * is no failure: what is not there is undefined. It knows no VMs, measurements or collector.
 */
import { closeSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";

/** No file of these that is read here comes near; a kernel with thousands of processors has 1 MiB of /proc/stat. */
const MAX_BYTES = 4 * 1024 * 1024;

/** What else may fail, such as too many open files, is not the kernel's word on the thing that was asked for. */
const NOT_TOLD = new Set([
	...["ENOENT", "ENOTDIR", "ESRCH", "EACCES", "EPERM", "EOPNOTSUPP", "ENOTSUP", "EINVAL"],
	...["EIO", "ENODEV", "ENXIO", "ENODATA", "EAGAIN", "EBUSY", "ETIMEDOUT", "EREMOTEIO"],
]);

export class KernelTree {
	readonly #root: string;
	#buffer = Buffer.allocUnsafe(16 * 1024);

	/** @param root below which `/proc` and `/sys` lie */
	constructor(root = "/") {
		this.#root = root;
	}

	/**
	 * The whole text of a small file. It is read at once, on the caller's thread: what /proc tells is in memory, and a trip
	 * to another thread costs many times the read.
	 *
	 * @throws UmbraError `unavailable` where the agent itself is short of something.
	 */
	text(path: string): string | undefined {
		return this.#told(path, () => {
			const file = openSync(join(this.#root, path), "r");
			try {
				return this.#readAll(file);
			} finally {
				closeSync(file);
			}
		});
	}

	/** As `text`, in the background: for a file whose driver may have to ask a slow device. */
	async textLater(path: string): Promise<string | undefined> {
		try {
			return await readFile(join(this.#root, path), "utf8");
		} catch (error) {
			return this.#told(path, () => {
				throw error;
			});
		}
	}

	/** Names in a folder, sorted; none where it is not there. @throws UmbraError as `text`. */
	names(path: string): string[] {
		return this.#told(path, () => readdirSync(join(this.#root, path)).sort()) ?? [];
	}

	/** What a symbolic link says. @throws UmbraError as `text`. */
	link(path: string): string | undefined {
		return this.#told(path, () => readlinkSync(join(this.#root, path)));
	}

	#readAll(file: number): string {
		let length = 0;
		for (;;) {
			// Positions are left to the kernel: seq files begin anew at a position that they do not know.
			const got = readSync(file, this.#buffer, length, this.#buffer.length - length, null);
			if (got === 0) return this.#buffer.toString("utf8", 0, length);
			length += got;
			if (length < this.#buffer.length) continue;
			if (length >= MAX_BYTES) throw new UmbraError("limit", `more than ${MAX_BYTES} bytes`);
			this.#buffer = Buffer.concat([this.#buffer], this.#buffer.length * 2);
		}
	}

	#told<T>(path: string, read: () => T): T | undefined {
		try {
			return read();
		} catch (error) {
			if (NOT_TOLD.has(errnoOf(error) ?? "")) return undefined;
			throw new UmbraError("unavailable", `cannot read ${path}: ${messageOf(error)}`, {
				cause: error,
				context: { path },
			});
		}
	}
}
