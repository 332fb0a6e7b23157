/**
 * How far the restore of a disk has come, in a file beside the unfinished one: lines of JSON, the first of which says
 * what is restored, each other one piece that is written and synced. A line that was cut off by a crash ends the file.
 */
import { type FileHandle, open, readFile, rm, stat } from "node:fs/promises";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import type { DiskFormat } from "./layout.ts";

const VERSION = 2;
/** A line for each 8 MiB of data, or for less where it lies scattered: of more than this, beginning anew is quicker. */
const MAX_BYTES = 256 * 1024 * 1024;

/** What is restored. The root and the size alone decide what is written; the rest is for people. */
export interface Restored {
	readonly vm: string;
	/** Unix nanoseconds, decimal. */
	readonly time: string;
	readonly disk: string;
	readonly format: DiskFormat;
	readonly sizeBytes: number;
	/** Hex. */
	readonly root: string;
	/** What is there under the name may be replaced. */
	readonly replace: boolean;
}

/** A range of the disk as it was written. */
export interface WrittenPiece {
	/** Bytes of the disk. */
	readonly offset: number;
	readonly length: number;
	/** BLAKE3 of the names of its blocks, hex. */
	readonly names: string;
}

export interface JournalContent {
	readonly restored: Restored;
	/** By offset; of a piece that was written twice, the later. */
	readonly pieces: ReadonlyMap<number, WrittenPiece>;
	/** Bytes of the lines that are whole. */
	readonly length: number;
}

/** @returns undefined where there is none, or nothing in it can be made use of. @throws UmbraError `unavailable`. */
export async function readJournal(path: string): Promise<JournalContent | undefined> {
	let text: string;
	try {
		if ((await stat(path)).size > MAX_BYTES) return undefined;
		text = await readFile(path, "latin1");
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return undefined;
		throw new UmbraError("unavailable", `cannot read ${path}: ${messageOf(error)}`, { cause: error });
	}
	let restored: Restored | undefined;
	const pieces = new Map<number, WrittenPiece>();
	let length = 0;
	for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", length)) {
		const line = parseLine(Buffer.from(text.slice(length, end), "latin1").toString("utf8"));
		if (restored === undefined) {
			if (!isHead(line)) return undefined;
			restored = line;
		} else {
			if (!isPiece(line)) break;
			pieces.set(line.offset, line);
		}
		length = end + 1;
	}
	return restored === undefined ? undefined : { restored, pieces, length };
}

export class Journal implements AsyncDisposable {
	readonly #file: FileHandle;
	#at: number;

	private constructor(file: FileHandle, at: number) {
		this.#file = file;
		this.#at = at;
	}

	/** @throws what the system says. */
	static async create(path: string, restored: Restored): Promise<Journal> {
		const journal = new Journal(await open(path, "w", 0o600), 0);
		await journal.#append(`${JSON.stringify({ umbra: "restore", version: VERSION, ...restored })}\n`);
		return journal;
	}

	/** Goes on behind the lines that are whole. @throws what the system says. */
	static async resume(path: string, { length }: JournalContent): Promise<Journal> {
		const file = await open(path, "r+");
		await file.truncate(length);
		return new Journal(file, length);
	}

	/** The pieces have to be synced. @throws what the system says. */
	async add(pieces: readonly WrittenPiece[]): Promise<void> {
		await this.#append(pieces.map((piece) => `${JSON.stringify(piece)}\n`).join(""));
	}

	async #append(text: string): Promise<void> {
		const bytes = Buffer.from(text);
		for (let done = 0; done < bytes.length; ) {
			done += (await this.#file.write(bytes, done, bytes.length - done, this.#at + done)).bytesWritten;
		}
		this.#at += bytes.length;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#file.close();
	}
}

export async function removeJournal(path: string): Promise<void> {
	await rm(path, { force: true });
}

function parseLine(text: string): Readonly<Record<string, unknown>> | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === "object" && value !== null ? { ...value } : undefined;
	} catch {
		return undefined; // cut off, or none of ours
	}
}

function isHead(
	line: Readonly<Record<string, unknown>> | undefined,
): line is Readonly<Record<string, unknown>> & Restored {
	if (line?.["umbra"] !== "restore" || line["version"] !== VERSION) return false;
	return (
		["vm", "time", "disk", "format", "root"].every((field) => typeof line[field] === "string") &&
		isCount(line["sizeBytes"]) &&
		typeof line["replace"] === "boolean"
	);
}

function isPiece(
	line: Readonly<Record<string, unknown>> | undefined,
): line is Readonly<Record<string, unknown>> & WrittenPiece {
	return line !== undefined && isCount(line["offset"]) && isCount(line["length"]) && typeof line["names"] === "string";
}

function isCount(value: unknown): boolean {
	return Number.isSafeInteger(value) && (value as number) >= 0;
}
