/**
 * Which blocks a capture has to look at: what the dirty bitmap marks, or everything where there is none;
 * split into what holds data and must be read, and what is known to read as zeroes.
 */
import { BLOCK_SIZE, blockCount } from "../../common/block.ts";
import { DIRTY, type NbdClient, STATE_ZERO } from "../../disk/source/nbd/client.ts";

export interface BlockRange {
	readonly first: number;
	readonly count: number;
	/** Known to read as zeroes without being read. */
	readonly zero: boolean;
}

/** Status requests in flight at once. */
const QUERIES = 16;

/**
 * Ascending, disjoint ranges of whole blocks. `context` is the dirty bitmap's, or undefined for the whole disk.
 * A discarded range is dirty and a hole: it comes out as zero, so that trimming a disk reads nothing.
 *
 * @throws UmbraError `unavailable` when the export is gone.
 */
export async function planReads(
	nbd: NbdClient,
	context: string | undefined,
	signal?: AbortSignal,
): Promise<{ readonly ranges: readonly BlockRange[]; readonly dirtyBytes: number }> {
	const total = blockCount(nbd.size);
	const dirty = context === undefined ? [{ first: 0, end: total }] : await dirtyRanges(nbd, context, signal);
	const dirtyBytes = dirty.reduce((sum, { first, end }) => sum + (end - first) * BLOCK_SIZE, 0);
	const perRange = await mapInOrder(dirty, QUERIES, (range) => splitByAllocation(nbd, range, signal));
	return { ranges: perRange.flat(), dirtyBytes };
}

async function dirtyRanges(
	nbd: NbdClient,
	context: string,
	signal?: AbortSignal,
): Promise<{ first: number; end: number }[]> {
	const merged: { first: number; end: number }[] = [];
	for (const { offset, length, flags } of await nbd.statusExtents(context, 0, nbd.size, signal)) {
		if ((flags & DIRTY) === 0) continue;
		const first = Math.floor(offset / BLOCK_SIZE);
		const end = Math.ceil((offset + length) / BLOCK_SIZE);
		const last = merged.at(-1);
		if (last !== undefined && first <= last.end) last.end = Math.max(last.end, end);
		else merged.push({ first, end });
	}
	return merged;
}

async function splitByAllocation(
	nbd: NbdClient,
	range: { readonly first: number; readonly end: number },
	signal?: AbortSignal,
): Promise<BlockRange[]> {
	const offset = range.first * BLOCK_SIZE;
	const end = Math.min(range.end * BLOCK_SIZE, nbd.size);
	const result: BlockRange[] = [];
	const push = (first: number, until: number, zero: boolean) => {
		const last = result.at(-1);
		if (until <= first) return;
		if (last?.zero === zero) result[result.length - 1] = { ...last, count: last.count + until - first };
		else result.push({ first, count: until - first, zero });
	};
	// A block is zero only when all of it is: `next` is the first block not yet placed.
	let next = range.first;
	for (const extent of await nbd.statusExtents("base:allocation", offset, end - offset, signal)) {
		const from = extent.offset;
		const to = extent.offset + extent.length;
		if ((extent.flags & STATE_ZERO) !== 0) {
			const firstWhole = Math.max(next, Math.ceil(from / BLOCK_SIZE));
			const endWhole = to >= nbd.size ? blockCount(nbd.size) : Math.floor(to / BLOCK_SIZE);
			if (endWhole <= firstWhole) continue;
			push(next, firstWhole, false);
			push(firstWhole, endWhole, true);
			next = endWhole;
		} else {
			const until = Math.ceil(to / BLOCK_SIZE);
			push(next, until, false);
			next = Math.max(next, until);
		}
	}
	push(next, range.end, false);
	return result;
}

async function mapInOrder<T, R>(items: readonly T[], atOnce: number, map: (item: T) => Promise<R>): Promise<R[]> {
	const results = new Array<R>(items.length);
	let next = 0;
	const run = async () => {
		while (next < items.length) {
			const at = next++;
			results[at] = await map(items[at] as T);
		}
	};
	await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, run));
	return results;
}
