/** Ranges of disks as frames of blocks in the form that they are stored in. */
import { isZeroName } from "../../common/block.ts";
import type { VaultStore } from "../vault/chunk-store.ts";
import { type DiskTree, nameAt, PAGE_NAMES, readNames } from "../vault/tree.ts";
import { writeFrames } from "./block-frames.ts";

/** Blocks of one piece: a MiB of the disk. */
const PIECE_BLOCKS = 16;

/** Data blocks of `first` up to `end`, a number of frames at a time. The disk has to be pinned. @throws UmbraError of the store. */
export async function* storedBlocks(
	store: VaultStore,
	tree: DiskTree,
	{ first, end }: { readonly first: number; readonly end: number },
	signal: AbortSignal,
): AsyncGenerator<Buffer, undefined> {
	let ahead: Promise<Buffer> | undefined;
	for await (const blocks of dataBlocks(store, tree, first, end, signal)) {
		const read = async () => {
			const chunks = await store.getStored([...blocks.values()], signal);
			const numbers = [...blocks.keys()];
			return writeFrames(chunks.map((chunk, at) => ({ ...chunk, block: numbers[at]! - first })));
		};
		const next = read();
		next.catch(() => undefined); // It is awaited in its turn.
		if (ahead !== undefined) yield await ahead;
		ahead = next;
	}
	if (ahead !== undefined) yield await ahead;
	return;
}

/** Names of blocks that are not zero, by their numbers, those of a piece at a time. */
async function* dataBlocks(
	store: VaultStore,
	tree: DiskTree,
	first: number,
	end: number,
	signal: AbortSignal,
): AsyncGenerator<ReadonlyMap<number, Uint8Array>, undefined> {
	let piece = new Map<number, Uint8Array>();
	for (let at = first; at < end; ) {
		const behind = Math.min(end, at - (at % PAGE_NAMES) + PAGE_NAMES);
		const names = await readNames(store, tree, at, behind - at, signal);
		for (let block = at; block < behind; block++) {
			const name = nameAt(names, block - at);
			if (isZeroName(name)) continue;
			piece.set(block, name);
			if (piece.size < PIECE_BLOCKS) continue;
			yield piece;
			piece = new Map();
		}
		at = behind;
	}
	if (piece.size > 0) yield piece;
	return;
}
