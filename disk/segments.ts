/**
 * Where the bytes of a volume lie: a partition is one range of one disk, a logical volume may be many ranges of
 * several, interleaved or not. A *segment* is a range of the volume; its *stripes* are the ranges of disks that
 * hold it, in turns of `stripeSize` bytes.
 */
import { allocateRead, checkRange } from "./source/range.ts";
import { sliceSource } from "./source/slice.ts";
import type { BlockSource, SourceExtent } from "./source/source.ts";

export interface Stripe {
	/** Which of the disks that were opened together. */
	readonly disk: number;
	/** Bytes from its start. */
	readonly offset: number;
}

export interface Segment {
	/** Bytes from the start of the volume. */
	readonly start: number;
	/** Bytes; with several stripes a multiple of `stripeSize` times their number. */
	readonly length: number;
	/** Bytes that lie on one stripe before the next one's turn; 0 where there is one stripe only. */
	readonly stripeSize: number;
	readonly stripes: readonly Stripe[];
}

/** Ascending by `start`, from 0 and without gaps; empty for a volume whose place is not known. */
export type Segments = readonly Segment[];

/** A range of a disk. */
export interface DiskRange {
	readonly disk: number;
	readonly offset: number;
	readonly length: number;
}

/** One range of one disk. */
export function wholeRange(disk: number, offset: number, length: number): Segments {
	return length > 0 ? [{ start: 0, length, stripeSize: 0, stripes: [{ disk, offset }] }] : [];
}

/** Where `[offset, offset + length)` of the volume lies, in the volume's order; neighbours on a disk are one range. */
export function toDiskRanges(segments: Segments, offset: number, length: number): DiskRange[] {
	const ranges: { disk: number; offset: number; length: number }[] = [];
	const push = (disk: number, at: number, count: number): void => {
		const last = ranges.at(-1);
		if (last !== undefined && last.disk === disk && last.offset + last.length === at) last.length += count;
		else ranges.push({ disk, offset: at, length: count });
	};
	const end = offset + length;
	for (let at = findSegment(segments, offset); at < segments.length && segments[at]!.start < end; at++) {
		const { start, length: whole, stripeSize, stripes } = segments[at]!;
		const from = Math.max(0, offset - start);
		const to = Math.min(whole, end - start);
		if (stripes.length === 1) {
			if (to > from) push(stripes[0]!.disk, stripes[0]!.offset + from, to - from);
			continue;
		}
		for (let position = from; position < to; ) {
			const turn = Math.floor(position / stripeSize);
			const within = position - turn * stripeSize;
			const stripe = stripes[turn % stripes.length]!;
			const count = Math.min(stripeSize - within, to - position);
			push(stripe.disk, stripe.offset + Math.floor(turn / stripes.length) * stripeSize + within, count);
			position += count;
		}
	}
	return ranges;
}

/** The first segment that ends behind `offset`. */
function findSegment(segments: Segments, offset: number): number {
	let low = 0;
	let high = segments.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		const { start, length } = segments[middle]!;
		if (start + length <= offset) low = middle + 1;
		else high = middle;
	}
	return low;
}

/**
 * A volume as a source of its own; it does not own the disks.
 *
 * @throws UmbraError `truncated` where a segment leaves its disk.
 */
export function segmentSource(disks: readonly BlockSource[], segments: Segments, name: string): BlockSource {
	const [first] = segments;
	if (segments.length === 1 && first!.stripes.length === 1) {
		const { disk, offset } = first!.stripes[0]!;
		return sliceSource(disks[disk]!, offset, first!.length, name);
	}
	for (const { length, stripes } of segments) {
		for (const { disk, offset } of stripes) {
			checkRange(disks[disk]!.name, disks[disk]!.size, offset, length / stripes.length);
		}
	}
	return new SegmentSource(disks, segments, name);
}

class SegmentSource implements BlockSource {
	readonly name: string;
	readonly size: number;
	readonly #disks: readonly BlockSource[];
	readonly #segments: Segments;

	constructor(disks: readonly BlockSource[], segments: Segments, name: string) {
		this.name = name;
		this.#disks = disks;
		this.#segments = segments;
		const last = segments.at(-1);
		this.size = last === undefined ? 0 : last.start + last.length;
	}

	async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		checkRange(this.name, this.size, offset, length);
		signal?.throwIfAborted();
		const runs = this.#runs(offset, length);
		const [only] = runs;
		if (only !== undefined && runs.length === 1 && only.stripeSize === 0) {
			return this.#disks[only.disk]!.read(only.offset, only.length, signal);
		}
		const bytes = allocateRead(this.name, offset, length);
		await Promise.all(
			runs.map(async (run) => {
				const piece = await this.#disks[run.disk]!.read(run.offset, run.length, signal);
				for (const { from, to, length: count } of turnsOf(run)) {
					bytes.set(piece.subarray(from, from + count), to - offset);
				}
			}),
		);
		return bytes;
	}

	async extents(offset: number, length: number, signal?: AbortSignal): Promise<SourceExtent[]> {
		checkRange(this.name, this.size, offset, length);
		signal?.throwIfAborted();
		const found: SourceExtent[] = [];
		for (const run of this.#runs(offset, length)) {
			const extents = await this.#disks[run.disk]!.extents(run.offset, run.length, signal);
			let at = 0;
			for (const { from, to, length: count } of turnsOf(run)) {
				for (let position = from; position < from + count; ) {
					while (extents[at]!.offset + extents[at]!.length <= run.offset + position) at++;
					const { offset: start, length: whole, zero } = extents[at]!;
					const stop = Math.min(from + count, start + whole - run.offset);
					found.push({ offset: to + position - from, length: stop - position, zero });
					position = stop;
				}
			}
		}
		found.sort((a, b) => a.offset - b.offset);
		return merged(found);
	}

	async [Symbol.asyncDispose](): Promise<void> {}

	/** What a range takes from each stripe: on its disk that is one range, however many turns it takes. */
	#runs(offset: number, length: number): Run[] {
		const runs: Run[] = [];
		const end = offset + length;
		for (let at = findSegment(this.#segments, offset); at < this.#segments.length; at++) {
			const segment = this.#segments[at]!;
			if (segment.start >= end) break;
			const from = Math.max(0, offset - segment.start);
			const to = Math.min(segment.length, end - segment.start);
			for (let stripe = 0; stripe < segment.stripes.length; stripe++) {
				const run = runOf(segment, stripe, from, to);
				if (run.length > 0) runs.push(run);
			}
		}
		return runs;
	}
}

interface Run extends DiskRange {
	/** 0: all of it is one piece of the volume, from `start`. */
	readonly stripeSize: number;
	/** Bytes from the start of the volume: of the run's first byte. */
	readonly start: number;
	/** Bytes of the volume from one turn of this stripe to its next. */
	readonly stride: number;
	/** Bytes left of the turn in which the run begins. */
	readonly firstTurn: number;
}

/** What `[from, to)` of a segment takes from one of its stripes. */
function runOf(segment: Segment, index: number, from: number, to: number): Run {
	const { start, stripeSize, stripes } = segment;
	const { disk, offset } = stripes[index]!;
	if (stripes.length === 1) {
		const length = Math.max(0, to - from);
		return { disk, offset: offset + from, length, stripeSize: 0, start: start + from, stride: 0, firstTurn: length };
	}
	const stride = stripeSize * stripes.length;
	/** How much of the stripe lies before a position of the segment. */
	const before = (position: number): number => {
		const rounds = Math.floor(position / stride);
		const rest = position - rounds * stride - index * stripeSize;
		return rounds * stripeSize + Math.min(Math.max(rest, 0), stripeSize);
	};
	const first = before(from);
	const round = Math.floor(first / stripeSize);
	const within = first - round * stripeSize;
	return {
		disk,
		offset: offset + first,
		length: before(to) - first,
		stripeSize,
		start: start + round * stride + index * stripeSize + within,
		stride,
		firstTurn: stripeSize - within,
	};
}

/** The pieces of a run: from where in it, to where in the volume, how many bytes. */
function* turnsOf(run: Run): Generator<{ from: number; to: number; length: number }> {
	let to = run.start;
	let turn = Math.min(run.firstTurn, run.length);
	for (let from = 0; from < run.length; ) {
		yield { from, to, length: turn };
		from += turn;
		to += turn + run.stride - run.stripeSize;
		turn = Math.min(run.stripeSize, run.length - from);
	}
}

function merged(extents: readonly SourceExtent[]): SourceExtent[] {
	const result: { offset: number; length: number; zero: boolean }[] = [];
	for (const { offset, length, zero } of extents) {
		const last = result.at(-1);
		if (last !== undefined && last.zero === zero && last.offset + last.length === offset) last.length += length;
		else result.push({ offset, length, zero });
	}
	return result;
}
