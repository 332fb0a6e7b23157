/** Reads files of a guest by their paths as the guest sees them, in pieces, within a budget of bytes. */
import { isUmbraError, UmbraError } from "../../common/errors.ts";
import type { FileNode, Filesystem } from "../filesystem.ts";
import { resolvePath } from "../path.ts";
import type { MountTable } from "./mounts.ts";

/** Logs are searched by small reads far apart: a larger page would waste most of the budget. */
const PAGE = 16 * 1024;
const MAX_PAGES = 256;
/** A folder of logs with more names than this is not a log folder. */
const MAX_NAMES = 4096;
const MAX_PROBLEMS = 32;
const MAX_PROBLEM_LENGTH = 300;

/** Reads of all files together: small ones cost no bytes twice, but time. */
const MAX_READS = 400_000;

/** How much may still be read of a guest's files. */
export class ReadBudget {
	#bytes: number;
	#reads = MAX_READS;

	/** @param bytes in all. */
	constructor(bytes: number) {
		this.#bytes = bytes;
	}

	/** @throws UmbraError `limit` where less is left. */
	takeBytes(bytes: number, path: string): void {
		if (bytes > this.#bytes) throw this.#spent(path, bytes, this.#bytes);
		this.#bytes -= bytes;
	}

	/** @throws UmbraError `limit` where none is left. */
	takeRead(path: string): void {
		if (this.#reads === 0) throw this.#spent(path, MAX_READS + 1, MAX_READS);
		this.#reads--;
	}

	#spent(path: string, found: number, wanted: number): UmbraError {
		return new UmbraError("limit", `${path}: more to read than the budget allows`, {
			context: { path, found, wanted },
		});
	}
}

/** One file of a guest, or anything else that is read by ranges. */
export interface RangeReader {
	/** For people. */
	readonly path: string;
	/** Bytes. */
	readonly size: number;
	/** Shorter than `length` only at the end. @throws UmbraError `limit` past the budget; what the filesystem throws. */
	read(offset: number, length: number): Promise<Buffer>;
}

/** Keeps the pages read last. */
export class GuestFile implements RangeReader {
	readonly path: string;
	readonly size: number;
	readonly #filesystem: Filesystem;
	readonly #node: FileNode;
	readonly #budget: ReadBudget;
	readonly #signal: AbortSignal | undefined;
	readonly #pages = new Map<number, Buffer>();

	constructor(
		filesystem: Filesystem,
		node: FileNode,
		path: string,
		budget: ReadBudget,
		signal: AbortSignal | undefined,
	) {
		this.#filesystem = filesystem;
		this.#node = node;
		this.path = path;
		this.size = Math.max(0, node.size);
		this.#budget = budget;
		this.#signal = signal;
	}

	async read(offset: number, length: number): Promise<Buffer> {
		this.#budget.takeRead(this.path);
		const end = Math.min(this.size, offset + length);
		if (offset < 0 || offset >= end) return Buffer.alloc(0);
		if (end - offset > PAGE) return this.#fetch(offset, end - offset);
		const first = await this.#page(Math.floor(offset / PAGE));
		const at = offset % PAGE;
		if (at + end - offset <= PAGE) return first.subarray(at, at + end - offset);
		const second = await this.#page(Math.floor(offset / PAGE) + 1);
		return Buffer.concat([first.subarray(at), second.subarray(0, at + end - offset - PAGE)]);
	}

	async #page(number: number): Promise<Buffer> {
		const known = this.#pages.get(number);
		if (known !== undefined) {
			// Back to the end: the first in the map is the one that was not asked for the longest.
			this.#pages.delete(number);
			this.#pages.set(number, known);
			return known;
		}
		const page = await this.#fetch(number * PAGE, Math.min(PAGE, this.size - number * PAGE));
		if (this.#pages.size >= MAX_PAGES) this.#pages.delete(this.#pages.keys().next().value!);
		this.#pages.set(number, page);
		return page;
	}

	async #fetch(offset: number, length: number): Promise<Buffer> {
		this.#budget.takeBytes(length, this.path);
		const bytes = await this.#filesystem.readFile(this.#node, offset, length, this.#signal);
		return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}
}

/** The files of a machine, across its volumes. What is damaged or too much is a problem, not an end. */
export class GuestFiles {
	/** What could not be read, and why, for people; bounded. */
	readonly problems: string[] = [];
	readonly #mounts: MountTable;
	readonly #budget: ReadBudget;
	readonly #signal: AbortSignal | undefined;

	constructor(mounts: MountTable, budget: ReadBudget, signal?: AbortSignal) {
		this.#mounts = mounts;
		this.#budget = budget;
		this.#signal = signal;
	}

	/** A regular file; undefined where there is none or it cannot be read. */
	async open(path: string): Promise<GuestFile | undefined> {
		return this.attempt(path, async () => {
			const found = await this.#resolve(path);
			if (found?.node.type !== "file") return undefined;
			return new GuestFile(found.filesystem, found.node, path, this.#budget, this.#signal);
		});
	}

	/** All of a small file as text; undefined where there is none, it is larger than `limit` bytes or cannot be read. */
	async readText(path: string, limit: number): Promise<string | undefined> {
		const file = await this.open(path);
		if (file === undefined || file.size > limit) return undefined;
		return this.attempt(path, async () => (await file.read(0, file.size)).toString("utf8").toWellFormed());
	}

	/** The names in a folder, sorted; none where there is no such folder. */
	async list(path: string): Promise<readonly string[]> {
		const names = await this.attempt(path, async () => {
			const found = await this.#resolve(path);
			if (found?.node.type !== "dir") return [];
			const entries = await found.filesystem.readDirectory(found.node, this.#signal);
			return entries
				.slice(0, MAX_NAMES)
				.map(({ name }) => name)
				.sort();
		});
		return names ?? [];
	}

	/** What `work` gives; undefined where the guest's data is at fault, which is noted unless it is only absent. */
	async attempt<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
		try {
			return await work();
		} catch (error) {
			if (!isUmbraError(error, "not-found", "corrupt", "truncated", "unsupported", "limit")) throw error;
			if (error.code !== "not-found") this.note(`${path}: ${error.message}`);
			return undefined;
		}
	}

	note(problem: string): void {
		const text = problem.slice(0, MAX_PROBLEM_LENGTH).toWellFormed();
		if (this.problems.length < MAX_PROBLEMS && !this.problems.includes(text)) this.problems.push(text);
	}

	async #resolve(path: string): Promise<{ filesystem: Filesystem; node: FileNode } | undefined> {
		const place = this.#mounts.toVolume(path);
		if (place === undefined) return undefined;
		const { filesystem } = this.#mounts.volumes[place.volume]!;
		const { node } = await resolvePath(filesystem, place.path, { followLast: true, signal: this.#signal });
		return { filesystem, node };
	}
}
