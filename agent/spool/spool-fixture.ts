/** For tests only: a spool in a folder of its own, chunks to put in it, and captures that commit as the agent does. */
import { randomFillSync } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClassicLevel } from "classic-level";
import { BLOCK_SIZE, blake3Name } from "../../common/block.ts";
import { silentLogger } from "../../common/log.ts";
import { toLong, v1 } from "../../proto/service.ts";
import { type Database, Spool, type SpoolOptions } from "./spool.ts";

export interface TestChunk {
	readonly name: Uint8Array;
	readonly data: Uint8Array;
}

/** Numbers from 0 to 1 that a seed repeats (mulberry32). */
export function seeded(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	};
}

/** A chunk of this number: always the same bytes for the same number and length. */
export function chunkOf(number: number, length = BLOCK_SIZE): TestChunk {
	const data = Buffer.alloc(length, `chunk ${number}. `);
	return { name: blake3Name(data), data };
}

export function randomChunk(length = BLOCK_SIZE): TestChunk {
	const data = randomFillSync(Buffer.allocUnsafeSlow(length));
	return { name: blake3Name(data), data };
}

/** The encoded parts of a changeset that names these chunks. */
export function changesetParts(id: string, vm: string, sequence: bigint, chunks: readonly TestChunk[]): Uint8Array[] {
	const header = v1.ChangesetPart.encode({ header: { id, vm, sequence: toLong(sequence) } }).finish();
	if (chunks.length === 0) return [header];
	const names = Buffer.concat(chunks.map((chunk) => chunk.name));
	return [header, v1.ChangesetPart.encode({ blocks: { disk: "vda", names } }).finish()];
}

export class SpoolFixture implements AsyncDisposable {
	readonly folder: string;
	readonly #options: Partial<SpoolOptions>;
	db: Database;
	spool: Spool;
	readonly #ownFolder: boolean;

	private constructor(
		folder: string,
		options: Partial<SpoolOptions>,
		opened: { db: Database; spool: Spool },
		own: boolean,
	) {
		this.folder = folder;
		this.#options = options;
		this.db = opened.db;
		this.spool = opened.spool;
		this.#ownFolder = own;
	}

	static async open(options: Partial<SpoolOptions> = {}): Promise<SpoolFixture> {
		const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "umbra-spool-")));
		const own = options.folder === undefined;
		try {
			return new SpoolFixture(folder, options, await openIn(folder, options), own);
		} catch (error) {
			if (own) await rm(folder, { recursive: true, force: true });
			throw error;
		}
	}

	/** Closes it all and opens it again. */
	async reopen(options: Partial<SpoolOptions> = {}): Promise<void> {
		await this.close();
		const opened = await openIn(this.folder, { ...this.#options, ...options });
		this.db = opened.db;
		this.spool = opened.spool;
	}

	async close(): Promise<void> {
		await this.spool[Symbol.asyncDispose]();
		await this.db.close();
	}

	/** Adds chunks, syncs, and commits a changeset that names them. */
	async capture(id: string, vm: string, chunks: readonly TestChunk[], signal?: AbortSignal): Promise<bigint> {
		for (const { name, data } of chunks) await this.spool.addChunk(name, "raw", data, signal);
		await this.spool.sync();
		const staged = this.spool.stage(changesetParts(id, vm, this.spool.nextSequence(), chunks), { id, vm });
		await this.db.batch(staged.operations, { sync: true, keyEncoding: "view", valueEncoding: "view" });
		staged.committed();
		return staged.sequence;
	}

	/** What the segment files really take. */
	async bytesOnDisk(): Promise<number> {
		const segments = join(this.folder, "segments");
		let bytes = 0;
		for (const file of await readdir(segments)) bytes += (await stat(join(segments, file))).size;
		return bytes;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		try {
			await this.close();
		} finally {
			if (this.#ownFolder) await rm(this.folder, { recursive: true, force: true });
		}
	}
}

async function openIn(folder: string, options: Partial<SpoolOptions>): Promise<{ db: Database; spool: Spool }> {
	const db: Database = new ClassicLevel<Uint8Array, Uint8Array>(join(folder, "db"), {
		keyEncoding: "view",
		valueEncoding: "view",
	});
	await db.open();
	const defaults = { folder, db, prefix: "spool/", limitBytes: 256 << 20, log: silentLogger() };
	try {
		return { db, spool: await Spool.open({ ...defaults, ...options, folder, db }) };
	} catch (error) {
		await db.close();
		throw error;
	}
}

/** Looks again after each turn of the event loop or so, until the condition holds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, timeoutMs = 60_000) {
	const end = Date.now() + timeoutMs;
	while (!(await condition())) {
		if (Date.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}
