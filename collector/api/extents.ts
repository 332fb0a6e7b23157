/** A disk as ranges of zeroes, of data, and of what differs from the same disk at another point. */
import { BLOCK_SIZE, blockCount, NAME_SIZE, nameFromHex } from "../../common/block.ts";
import type { DiskRecord } from "../catalog/records.ts";
import type { ChunkStore } from "../vault/chunk-store.ts";
import { type DiskTree, diffTrees, walkExtents } from "../vault/tree.ts";

export interface Extent {
	/** Bytes; whole blocks but for the disk's end. */
	readonly offset: number;
	readonly length: number;
	/** `dirty`: every block of it differs from the other point; without one, nothing is dirty. */
	readonly kind: "zero" | "data" | "dirty";
	/** Every block of it is all zeroes now, whatever its kind. */
	readonly zero: boolean;
}

export interface ExtentOptions {
	/** The same disk at another point, earlier or later. */
	readonly since?: DiskRecord | undefined;
	/** Bytes; the blocks that hold them are told of. */
	readonly from: number;
	readonly to: number;
	readonly signal: AbortSignal;
}

interface Run {
	readonly firstBlock: number;
	readonly end: number;
}

/** In order, without gaps, each as long as it can be. Reads pages of disk trees only, and of those only what it needs. */
export async function* diskExtents(
	store: ChunkStore,
	disk: DiskRecord,
	{ since, from, to, signal }: ExtentOptions,
): AsyncGenerator<Extent, void, undefined> {
	const tree = treeOf(disk);
	const [first, end] = [Math.floor(from / BLOCK_SIZE), Math.min(tree.blocks, Math.ceil(to / BLOCK_SIZE))];
	if (first >= end) return;
	const extentOf = (firstBlock: number, endBlock: number, kind: Extent["kind"], zero: boolean): Extent => {
		const offset = firstBlock * BLOCK_SIZE;
		return { offset, length: Math.min(disk.sizeBytes, endBlock * BLOCK_SIZE) - offset, kind, zero };
	};
	const dirty = since === undefined ? undefined : dirtyRuns(store, treeOf(since), tree, first, end, signal);
	try {
		let run = await nextRun(dirty);
		for await (const { firstBlock, count, zero } of walkExtents(store, tree, first, end, signal)) {
			const stop = firstBlock + count;
			for (let at = firstBlock; at < stop; ) {
				signal.throwIfAborted();
				while (run !== undefined && run.end <= at) run = await nextRun(dirty);
				const isDirty = run !== undefined && run.firstBlock <= at;
				const until = Math.min(stop, run === undefined ? stop : isDirty ? run.end : run.firstBlock);
				yield extentOf(at, until, isDirty ? "dirty" : zero ? "zero" : "data", zero);
				at = until;
			}
		}
	} finally {
		await dirty?.return();
	}
}

export function treeOf({ root, sizeBytes }: DiskRecord): DiskTree {
	return { root: nameFromHex(root), blocks: blockCount(sizeBytes) };
}

async function nextRun(runs: AsyncGenerator<Run, void, undefined> | undefined): Promise<Run | undefined> {
	const next = await runs?.next();
	return next === undefined || next.done === true ? undefined : next.value;
}

/** What differs, where differences meet as one. A block past the end of the shorter disk counts as zero there. */
async function* dirtyRuns(
	store: ChunkStore,
	before: DiskTree,
	after: DiskTree,
	from: number,
	to: number,
	signal: AbortSignal,
): AsyncGenerator<Run, void, undefined> {
	let run: Run | undefined;
	for await (const { firstBlock, after: names } of diffTrees(store, before, after, signal, from, to)) {
		const end = firstBlock + names.length / NAME_SIZE;
		if (run?.end === firstBlock) run = { firstBlock: run.firstBlock, end };
		else {
			if (run !== undefined) yield run;
			run = { firstBlock, end };
		}
	}
	if (run !== undefined) yield run;
}
