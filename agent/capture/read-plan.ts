/**
 * Which blocks a capture has to look at: what the dirty bitmap marks, or everything where there is none;
 * split into what holds data and must be read, and what is known to read as zeroes.
 */
import { BLOCK_SIZE, blockCount } from "../../common/block.ts";
import {
	BASE_ALLOCATION,
	type ContextExtent,
	DIRTY,
	type NbdClient,
	STATE_ZERO,
} from "../../disk/source/nbd/client.ts";

export interface BlockRange {
	readonly first: number;
	readonly count: number;
	/** Known to read as zeroes without being read. */
	readonly zero: boolean;
}

/** A range of blocks that was written, or may have been: `end` is the first block behind it. */
export interface DirtyRange {
	readonly first: number;
	readonly end: number;
}

/** Bytes of the disk and whether they read as zeroes. */
export interface Allocation {
	readonly offset: number;
	readonly length: number;
	readonly zero: boolean;
}

/** Status requests in flight at once. */
const QUERIES = 16;
/** What one call asks about: 64 GiB, so that the answer stays far below what the client takes. */
const MAX_SPAN_BLOCKS = 2 ** 20;
/** Ranges that lie closer than 4 MiB are asked about together: scattered writes make a hundred thousand ranges. */
const MAX_GAP_BLOCKS = 64;

/**
 * Ascending, disjoint ranges of whole blocks. `marked` is the context of the dirty bitmap, or ranges of bytes as
 * `[offset, length, ...]`, or undefined for the whole disk.
 * A discarded range is dirty and a hole: it comes out as zero, so that trimming a disk reads nothing.
 *
 * @param besides blocks to look at although nothing marks them, in any order; those beyond the end are left out
 * @throws UmbraError `unavailable` when the export is gone.
 */
export async function planReads(
	nbd: NbdClient,
	marked: string | readonly number[] | undefined,
	signal?: AbortSignal,
	besides: Iterable<number> = [],
): Promise<{ readonly ranges: readonly BlockRange[]; readonly dirtyBytes: number }> {
	const total = blockCount(nbd.size);
	const dirty =
		marked === undefined
			? [{ first: 0, end: total }]
			: typeof marked === "string"
				? await dirtyRanges(nbd, marked, signal)
				: wholeBlocks(marked, total);
	const dirtyBytes = dirty.reduce((sum, { first, end }) => sum + (end - first) * BLOCK_SIZE, 0);
	const wanted = withBlocks(dirty, besides, total);
	const spans = await mapInOrder(groupRanges(wanted), QUERIES, async (span) => {
		const offset = span.first * BLOCK_SIZE;
		const length = Math.min(span.end * BLOCK_SIZE, nbd.size) - offset;
		const extents = await nbd.statusExtents(BASE_ALLOCATION, offset, length, signal);
		return splitByAllocation(span.ranges, toAllocation(extents), nbd.size);
	});
	return { ranges: joinRanges(spans), dirtyBytes };
}

/** The ranges and the blocks as ascending, disjoint ranges. */
export function withBlocks(ranges: readonly DirtyRange[], blocks: Iterable<number>, total: number): DirtyRange[] {
	const single = [...blocks].filter((block) => block < total).map((block) => ({ first: block, end: block + 1 }));
	if (single.length === 0) return [...ranges];
	const merged: { first: number; end: number }[] = [];
	for (const { first, end } of [...ranges, ...single].sort((a, b) => a.first - b.first)) {
		const last = merged.at(-1);
		if (last !== undefined && first <= last.end) last.end = Math.max(last.end, end);
		else merged.push({ first, end });
	}
	return merged;
}

/** Ascending ranges of bytes as blocks that they touch. */
function wholeBlocks(ranges: readonly number[], total: number): DirtyRange[] {
	const merged: { first: number; end: number }[] = [];
	for (let at = 0; at < ranges.length; at += 2) {
		const first = Math.floor(ranges[at]! / BLOCK_SIZE);
		const end = Math.min(total, Math.ceil((ranges[at]! + ranges[at + 1]!) / BLOCK_SIZE));
		const last = merged.at(-1);
		if (last !== undefined && first <= last.end) last.end = Math.max(last.end, end);
		else if (first < end) merged.push({ first, end });
	}
	return merged;
}

async function dirtyRanges(nbd: NbdClient, context: string, signal?: AbortSignal): Promise<DirtyRange[]> {
	const merged: { first: number; end: number }[] = [];
	const spanBytes = MAX_SPAN_BLOCKS * BLOCK_SIZE;
	for (let from = 0; from < nbd.size; from += spanBytes) {
		const extents = await nbd.statusExtents(context, from, Math.min(spanBytes, nbd.size - from), signal);
		for (const { offset, length, flags } of extents) {
			if ((flags & DIRTY) === 0) continue;
			const first = Math.floor(offset / BLOCK_SIZE);
			const end = Math.ceil((offset + length) / BLOCK_SIZE);
			const last = merged.at(-1);
			if (last !== undefined && first <= last.end) last.end = Math.max(last.end, end);
			else merged.push({ first, end });
		}
	}
	return merged;
}

/** A hole beside written zeroes is one range of zeroes. */
function toAllocation(extents: readonly ContextExtent[]): Allocation[] {
	const allocation: { offset: number; length: number; zero: boolean }[] = [];
	for (const { offset, length, flags } of extents) {
		const zero = (flags & STATE_ZERO) !== 0;
		const last = allocation.at(-1);
		if (last?.zero === zero) last.length += length;
		else allocation.push({ offset, length, zero });
	}
	return allocation;
}

interface Span extends DirtyRange {
	readonly ranges: readonly DirtyRange[];
}

function groupRanges(dirty: readonly DirtyRange[]): Span[] {
	const spans: { first: number; end: number; ranges: DirtyRange[] }[] = [];
	for (const range of dirty) {
		for (let first = range.first; first < range.end; first += MAX_SPAN_BLOCKS) {
			const piece = { first, end: Math.min(first + MAX_SPAN_BLOCKS, range.end) };
			const span = spans.at(-1);
			if (span !== undefined && first - span.end <= MAX_GAP_BLOCKS && piece.end - span.first <= MAX_SPAN_BLOCKS) {
				span.end = piece.end;
				span.ranges.push(piece);
			} else spans.push({ ...piece, ranges: [piece] });
		}
	}
	return spans;
}

/**
 * Splits ascending, disjoint ranges of blocks into what holds data and what is zero; a block is zero only when all of
 * its bytes are.
 *
 * @param allocation in order, without gaps and alternating, at least from the first range's begin to the last one's end
 * @param size of the disk, whose last block may be short
 */
export function splitByAllocation(
	ranges: readonly DirtyRange[],
	allocation: readonly Allocation[],
	size: number,
): BlockRange[] {
	const result: BlockRange[] = [];
	let at = 0;
	for (const range of ranges) {
		const start = range.first * BLOCK_SIZE;
		const end = Math.min(range.end * BLOCK_SIZE, size);
		// The first block of the range that is not placed yet.
		let next = range.first;
		const push = (until: number, zero: boolean) => {
			if (until <= next) return;
			result.push({ first: next, count: until - next, zero });
			next = until;
		};
		for (; at < allocation.length; at++) {
			const extent = allocation[at] as Allocation;
			const from = Math.max(start, extent.offset);
			const to = Math.min(end, extent.offset + extent.length);
			if (to > from && extent.zero) {
				const firstWhole = Math.ceil(from / BLOCK_SIZE);
				const endWhole = to === end ? range.end : Math.floor(to / BLOCK_SIZE);
				if (endWhole > Math.max(next, firstWhole)) {
					push(firstWhole, false);
					push(endWhole, true);
				}
			} else if (to > from) push(Math.ceil(to / BLOCK_SIZE), false);
			// It may reach into the next range.
			if (extent.offset + extent.length > end) break;
		}
		push(range.end, false);
	}
	return joinRanges([result]);
}

/** Neighbours of a kind become one range. */
function joinRanges(lists: readonly (readonly BlockRange[])[]): BlockRange[] {
	const joined: BlockRange[] = [];
	for (const list of lists) {
		for (const range of list) {
			const last = joined.at(-1);
			if (last !== undefined && last.zero === range.zero && last.first + last.count === range.first) {
				joined[joined.length - 1] = { ...last, count: last.count + range.count };
			} else joined.push(range);
		}
	}
	return joined;
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
