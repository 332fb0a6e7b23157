/** Fetches a disk at a point from the collector into a sparse raw file, and proves it by its Merkle root. */

import type { FileHandle } from "node:fs/promises";
import { open, rename, rm } from "node:fs/promises";
import type { ChunkStore } from "../collector/vault/chunk-store.ts";
import { type NameRun, updateTree } from "../collector/vault/tree.ts";
import {
	BLOCK_SIZE,
	blake3Name,
	blockCount,
	blockName,
	isZero,
	NAME_SIZE,
	nameToHex,
	ZERO_NAME,
} from "../common/block.ts";
import { errnoOf, messageOf, UmbraError } from "../common/errors.ts";
import { type CollectorClient, vmPath } from "./collector-client.ts";
import { Progress } from "./progress.ts";

/** Bytes asked for at once, and how many such requests are under way. */
const PIECE_BYTES = 8 * 1024 * 1024;
const PIECES_AHEAD = 3;

export interface RestoreOptions {
	readonly client: CollectorClient;
	readonly vm: string;
	readonly time: string;
	readonly disk: string;
	readonly out: string;
	/** Replace `out` where it exists. */
	readonly force: boolean;
	readonly signal?: AbortSignal;
}

export interface RestoreResult {
	/** Unix nanoseconds of the point, decimal. */
	readonly time: string;
	readonly sizeBytes: number;
	readonly dataBytes: number;
	/** Hex; what came is what this names. */
	readonly root: string;
}

interface ExtentsView {
	readonly time: string;
	readonly sizeBytes: number;
	readonly root: string;
	readonly extents: readonly { readonly offset: number; readonly length: number; readonly zero: boolean }[];
	readonly next: number | null;
}

/** Names pages without keeping them: all that is wanted of the tree is its root. */
const NAMING_ONLY: ChunkStore = {
	has: () => true,
	putAll: () => Promise.reject(new UmbraError("internal", "nothing is stored here")),
	putPlain: async (bytes) => (isZero(bytes) ? ZERO_NAME : blake3Name(bytes)),
	flush: async () => {},
	get: () => Promise.reject(new UmbraError("internal", "nothing is stored here")),
	stats: () => ({ chunks: 0, packs: 0, storedBytes: 0 }),
	[Symbol.asyncDispose]: async () => {},
};

/**
 * Writes `out`, or nothing at all: it appears under its name only once it is whole and verified.
 *
 * @throws UmbraError `conflict` where `out` exists, `corrupt` where what came is not what the root names.
 */
export async function restoreDisk(options: RestoreOptions): Promise<RestoreResult> {
	const { client, vm, time, disk, out, force, signal } = options;
	const first: ExtentsView = await client.get(vmPath(vm, "points", time, "disks", disk, "extents"), {}, signal);
	// From here on by the exact time: "latest" may mean another point in a moment.
	const base = vmPath(vm, "points", first.time, "disks", disk);
	const partial = `${out}.partial`;
	await refuseToReplace(out, force);
	const file = await create(partial, force);
	try {
		const pieces: { offset: number; length: number }[] = [];
		for (let page = first; ; ) {
			for (const { offset, length, zero } of page.extents) if (!zero) pieces.push(...split(offset, length));
			if (page.next === null) break;
			page = await client.get(`${base}/extents`, { from: page.next }, signal);
		}
		const dataBytes = pieces.reduce((sum, { length }) => sum + length, 0);
		await onFile(out, file.truncate(first.sizeBytes));
		using progress = new Progress(`restoring ${disk}`, dataBytes);
		const fetchPiece = async ({ offset, length }: { offset: number; length: number }): Promise<Uint8Array> => {
			const headers = { range: `bytes=${offset}-${offset + length - 1}` };
			const response = await client.fetch(`${base}/data`, {}, { headers, signal });
			const bytes = await client.body(response, signal);
			if (bytes.length !== length)
				throw new UmbraError("truncated", `the collector sent ${bytes.length} bytes, wanted ${length}`);
			return bytes;
		};
		const runs = async function* (): AsyncGenerator<NameRun> {
			const ahead: Promise<Uint8Array>[] = [];
			for (const [at, piece] of pieces.entries()) {
				while (ahead.length < PIECES_AHEAD && at + ahead.length < pieces.length) {
					const next = fetchPiece(pieces[at + ahead.length] as typeof piece);
					next.catch(() => {}); // It is awaited in its turn.
					ahead.push(next);
				}
				const bytes = await (ahead.shift() as Promise<Uint8Array>);
				await writeAll(file, bytes, piece.offset, out);
				progress.add(bytes.length);
				yield { firstBlock: piece.offset / BLOCK_SIZE, names: namesOf(bytes) };
			}
		};
		const root = nameToHex(await updateTree(NAMING_ONLY, null, blockCount(first.sizeBytes), runs()));
		if (root !== first.root) {
			throw new UmbraError("corrupt", `${vm} disk ${disk}: what came has the root ${root}, wanted ${first.root}`, {
				hint: "run `umbra vault check` on the collector; nothing was written under the name you gave",
			});
		}
		await onFile(out, file.sync());
		await onFile(out, file.close());
		await onFile(out, rename(partial, out));
		return { time: first.time, sizeBytes: first.sizeBytes, dataBytes, root };
	} catch (error) {
		await file.close().catch(() => {});
		await rm(partial, { force: true });
		throw error;
	}
}

function split(offset: number, length: number): { offset: number; length: number }[] {
	const pieces: { offset: number; length: number }[] = [];
	for (let at = 0; at < length; at += PIECE_BYTES)
		pieces.push({ offset: offset + at, length: Math.min(PIECE_BYTES, length - at) });
	return pieces;
}

/** Names of the blocks in `bytes`; a short last block is named as if it were filled up with zeroes. */
function namesOf(bytes: Uint8Array): Uint8Array {
	const names = new Uint8Array(blockCount(bytes.length) * NAME_SIZE);
	for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
		let block = bytes.subarray(at, at + BLOCK_SIZE);
		if (block.length < BLOCK_SIZE) block = Buffer.concat([block], BLOCK_SIZE);
		names.set(blockName(block), (at / BLOCK_SIZE) * NAME_SIZE);
	}
	return names;
}

async function refuseToReplace(path: string, force: boolean): Promise<void> {
	if (force) return;
	try {
		await (await open(path, "r")).close();
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return;
		throw new UmbraError("unavailable", `${path}: ${messageOf(error)}`, { cause: error });
	}
	throw new UmbraError("conflict", `${path} exists`, { hint: "--force replaces it" });
}

async function create(path: string, force: boolean): Promise<FileHandle> {
	try {
		return await open(path, force ? "w" : "wx", 0o600);
	} catch (error) {
		const exists = errnoOf(error) === "EEXIST";
		throw new UmbraError(exists ? "conflict" : "unavailable", `cannot create ${path}: ${messageOf(error)}`, {
			cause: error,
			...(exists ? { hint: "another restore runs, or one was cut off: remove it, or use --force" } : {}),
		});
	}
}

/** What the system says about the file, for people. */
async function onFile<T>(out: string, action: Promise<T>): Promise<T> {
	try {
		return await action;
	} catch (error) {
		const full = ["ENOSPC", "EDQUOT", "EFBIG"].includes(errnoOf(error) ?? "");
		throw new UmbraError(full ? "limit" : "unavailable", `cannot write ${out}: ${messageOf(error)}`, { cause: error });
	}
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number, out: string): Promise<void> {
	for (let done = 0; done < bytes.length; ) {
		const { bytesWritten } = await onFile(out, file.write(bytes, done, bytes.length - done, offset + done));
		done += bytesWritten;
	}
}
