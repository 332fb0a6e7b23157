/** For the tests of this folder: chunks with known names, damaged files and a pack store that fails when told to. */
import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { BLOCK_SIZE, blake3Name } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import { createRandom } from "../../test/support/random.ts";
import type { VaultKeys } from "./chunk-form.ts";
import type { ChunkStore, StoredChunk } from "./chunk-store.ts";
import type { PackAppender, PackInfo, PackStore } from "./pack-store.ts";

/** A raw chunk; equal seeds give equal chunks, and odd seeds compress well. */
export function sampleChunk(seed: number, length: number = BLOCK_SIZE): StoredChunk {
	const data = createRandom(seed).bytes(length);
	if (seed % 2 === 1) for (let at = 0; at < length; at++) data[at] = 0x20 + (data[at]! & 7);
	return { name: blake3Name(data), encoding: "raw", data };
}

/** Keys of a vault that was rotated so many times; equal seeds give equal keys. */
export function testKeys(seed: number, rotations = 0): VaultKeys {
	const random = createRandom(seed);
	const names = random.bytes(32);
	return { names, contents: Array.from({ length: rotations + 1 }, (_, id) => ({ id: id + 1, key: random.bytes(32) })) };
}

/** Why the chunk was rejected; undefined where it was stored. */
export async function put(vault: ChunkStore, chunk: StoredChunk): Promise<UmbraError | undefined> {
	return (await vault.putAll([chunk]))[0];
}

/** What `action` rejects with: an UmbraError, or the test fails. */
export async function errorOf(action: Promise<unknown>): Promise<UmbraError> {
	try {
		await action;
	} catch (error) {
		assert.ok(error instanceof UmbraError, `not an UmbraError: ${error}`);
		return error;
	}
	return assert.fail("did not reject");
}

/** What `action` throws: an UmbraError, or the test fails. */
export function thrownBy(action: () => unknown): UmbraError {
	try {
		action();
	} catch (error) {
		assert.ok(error instanceof UmbraError, `not an UmbraError: ${error}`);
		return error;
	}
	return assert.fail("did not throw");
}

/** Flips one bit of a file. */
export async function flipBit(path: string, offset: number, bit = 0): Promise<void> {
	await using handle = await open(path, "r+");
	const byte = Buffer.alloc(1);
	await handle.read(byte, 0, 1, offset);
	byte[0]! ^= 1 << bit;
	await handle.write(byte, 0, 1, offset);
}

/** Packs on another store, with a disk that fills up and syncs that fail. */
export class FaultyPackStore implements PackStore {
	readonly #inner: PackStore;
	/** Bytes that may still be written; an append that needs more leaves a torn tail and fails with `limit`. */
	space = Number.POSITIVE_INFINITY;
	/** Appends that did not fit. */
	refusals = 0;
	failSync = false;
	syncs = 0;
	/** What an append and a sync wait for. */
	beforeAppend: (pack: number) => Promise<void> = async () => undefined;
	beforeSync: () => Promise<void> = async () => undefined;

	constructor(inner: PackStore) {
		this.#inner = inner;
	}

	list(): Promise<PackInfo[]> {
		return this.#inner.list();
	}

	async create(id: number): Promise<PackAppender> {
		return this.#wrap(id, await this.#inner.create(id), 0);
	}

	async resume(id: number, length: number): Promise<PackAppender> {
		return this.#wrap(id, await this.#inner.resume(id, length), length);
	}

	read(id: number, offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
		return this.#inner.read(id, offset, length, signal);
	}

	remove(id: number): Promise<void> {
		return this.#inner.remove(id);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#inner[Symbol.asyncDispose]();
	}

	#wrap(id: number, inner: PackAppender, start: number): PackAppender {
		let length = start;
		const sync = async (action: () => Promise<void>): Promise<void> => {
			this.syncs++;
			await this.beforeSync();
			if (this.failSync) throw new UmbraError("unavailable", "injected: input/output error");
			await action();
		};
		return {
			append: async (bytes) => {
				await this.beforeAppend(id);
				if (bytes.length > this.space) {
					this.refusals++;
					await inner.append(bytes.subarray(0, this.space));
					await inner.cut(length);
					throw new UmbraError("limit", "injected: no space left on device");
				}
				this.space -= bytes.length;
				await inner.append(bytes);
				length += bytes.length;
			},
			cut: async (to) => {
				await inner.cut(to);
				length = to;
			},
			sync: () => sync(() => inner.sync()),
			seal: () => sync(() => inner.seal()),
			[Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
		};
	}
}
