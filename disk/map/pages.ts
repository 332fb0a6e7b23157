/**
 * The changed pages of disks, and a fast way to find those in a range of a volume.
 *
 * A page is cut into *slots*, so fine that no block and no segment begins or ends within one. Slots are numbered
 * through all disks; a volume sees those that lie in it at their places in the volume.
 */
import { PAGE_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { Ranges } from "../filesystem.ts";
import type { Segment, Segments } from "../segments.ts";

export interface ChangedPages {
	/** Disk byte offsets of the changed pages: multiples of 4096, strictly ascending. */
	readonly offsets: Float64Array;
	/** Entropy of each page before, bits per byte x 31.875. */
	readonly before: Uint8Array;
	/** Entropy of each page after, bits per byte x 31.875. */
	readonly after: Uint8Array;
}

export const NO_PAGES: ChangedPages = {
	offsets: new Float64Array(0),
	before: new Uint8Array(0),
	after: new Uint8Array(0),
};

const SECTOR = 512;

/** Bytes of slots of which none has one of these multiples within it. */
export function finestSlot(alignments: Iterable<number>): number {
	let slotSize = PAGE_SIZE;
	for (const alignment of alignments) while (slotSize > SECTOR && alignment % slotSize !== 0) slotSize /= 2;
	return slotSize;
}

/** Bounds an index to 4 MiB, whatever the size of the volume. */
const MAX_BUCKETS = 2 ** 20;

/** @throws UmbraError `internal` for pages that are not as `ChangedPages` wants them. */
export function checkPages({ offsets, before, after }: ChangedPages): void {
	const { length } = offsets;
	if (before.length !== length || after.length !== length) {
		throw new UmbraError(
			"internal",
			`changed pages: ${length} offsets, ${before.length} and ${after.length} entropies`,
		);
	}
	for (let page = 0, last = -1; page < length; page++) {
		const offset = offsets[page]!;
		if (!(offset > last) || offset % PAGE_SIZE !== 0) {
			throw new UmbraError(
				"internal",
				`changed pages: offset ${offset} after ${last}, wanted ascending multiples of ${PAGE_SIZE}`,
			);
		}
		last = offset;
	}
}

/** The changed slots of one volume. */
export class SlotIndex {
	/** Bytes from the start of the volume, ascending. */
	readonly offsets: Float64Array;
	/** The number of each of these slots. */
	readonly slots: Int32Array;
	readonly #slotSize: number;
	/**
	 * Most extents of a volume hold no changed page. It is cut into buckets of equal size, each of which knows the
	 * first changed slot at or behind it: two look-ups tell whether an extent can hold one.
	 */
	readonly #starts: Int32Array;
	/** One over the bucket's size, which is a power of two, so that nothing is lost. */
	readonly #perByte: number;

	constructor(offsets: Float64Array, slots: Int32Array, slotSize: number) {
		this.offsets = offsets;
		this.slots = slots;
		this.#slotSize = slotSize;
		const { length } = offsets;
		const end = length === 0 ? 0 : offsets[length - 1]! + slotSize;
		const wanted = Math.min(MAX_BUCKETS, Math.max(1024, length * 4));
		let bucketSize = slotSize;
		while (end / bucketSize > wanted) bucketSize *= 2;
		const buckets = Math.ceil(end / bucketSize);
		this.#perByte = 1 / bucketSize;
		this.#starts = new Int32Array(buckets + 1);
		for (let bucket = 0, at = 0; bucket <= buckets; bucket++) {
			while (at < length && offsets[at]! < bucket * bucketSize) at++;
			this.#starts[bucket] = at;
		}
	}

	/** Where in `offsets` the first slot stands that ends behind `from` and begins before `to`; -1 where there is none. */
	first(from: number, to: number): number {
		const buckets = this.#starts.length - 1;
		const firstBucket = Math.floor(from * this.#perByte);
		if (firstBucket >= buckets || to <= from) return -1;
		const lastBucket = Math.min(buckets, Math.floor((to - 1) * this.#perByte) + 1);
		let low = this.#starts[firstBucket]!;
		const stop = this.#starts[lastBucket]!;
		if (low === stop) return -1;
		let high = Math.min(stop, this.#starts[firstBucket + 1]!);
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.offsets[middle]! + this.#slotSize <= from) low = middle + 1;
			else high = middle;
		}
		return low < this.offsets.length && this.offsets[low]! < to ? low : -1;
	}
}

/** Whether a changed slot lies in any of these ranges. */
export function touches(volume: SlotIndex, ranges: Ranges): boolean {
	for (let at = 0; at < ranges.length; at += 2) {
		const from = ranges[at]!;
		if (volume.first(from, from + ranges[at + 1]!) !== -1) return true;
	}
	return false;
}

/** The changed pages of all disks of a machine. */
export class PageSlots {
	readonly slotSize: number;
	readonly perPage: number;
	/** Pages of all disks. */
	readonly count: number;
	readonly #disks: readonly ChangedPages[];
	/** Of each disk, the number of its first page; one more at the end. */
	readonly #firstPages: readonly number[];
	readonly #known: { readonly segments: Segments; readonly index: SlotIndex }[] = [];

	constructor(disks: readonly ChangedPages[], slotSize: number) {
		this.slotSize = slotSize;
		this.perPage = PAGE_SIZE / slotSize;
		this.#disks = disks;
		const firstPages = [0];
		for (const { offsets } of disks) firstPages.push(firstPages.at(-1)! + offsets.length);
		this.#firstPages = firstPages;
		this.count = firstPages.at(-1)!;
	}

	/** The slots of a volume. Both sides of most volumes lie in the same place and share one index. */
	indexOf(segments: Segments): SlotIndex {
		const known = this.#known.find((candidate) => isSamePlace(candidate.segments, segments));
		if (known !== undefined) return known.index;
		const index = this.#build(segments);
		this.#known.push({ segments, index });
		return index;
	}

	#build(segments: Segments): SlotIndex {
		const found = new SlotList();
		for (const segment of segments) {
			for (let stripe = 0; stripe < segment.stripes.length; stripe++) this.#collect(segment, stripe, found);
		}
		const { offsets, slots } = found.sorted();
		return new SlotIndex(offsets, slots, this.slotSize);
	}

	#collect({ start, length, stripeSize, stripes }: Segment, stripe: number, found: SlotList): void {
		const { disk, offset: from } = stripes[stripe]!;
		const pages = this.#disks[disk]?.offsets;
		if (pages === undefined) return;
		const end = from + length / stripes.length;
		let page = firstEndingBehind(pages, from);
		for (; page < pages.length && pages[page]! < end; page++) {
			const firstSlot = (this.#firstPages[disk]! + page) * this.perPage;
			for (let slot = 0; slot < this.perPage; slot++) {
				const at = pages[page]! + slot * this.slotSize;
				if (at + this.slotSize <= from || at >= end) continue;
				const within = Math.max(0, at - from);
				if (stripes.length === 1) found.add(start + within, firstSlot + slot);
				else {
					const turn = Math.floor(within / stripeSize);
					const place = (turn * stripes.length + stripe) * stripeSize + (within - turn * stripeSize);
					found.add(start + place, firstSlot + slot);
				}
			}
		}
	}
}

function firstEndingBehind(pages: Float64Array, offset: number): number {
	let low = 0;
	let high = pages.length;
	while (low < high) {
		const middle = (low + high) >>> 1;
		if (pages[middle]! + PAGE_SIZE <= offset) low = middle + 1;
		else high = middle;
	}
	return low;
}

function isSamePlace(a: Segments, b: Segments): boolean {
	if (a === b) return true;
	if (a.length !== b.length) return false;
	return a.every((one, at) => {
		const other = b[at]!;
		if (one.length !== other.length || one.stripeSize !== other.stripeSize) return false;
		if (one.stripes.length !== other.stripes.length) return false;
		return one.stripes.every(({ disk, offset }, stripe) => {
			return disk === other.stripes[stripe]!.disk && offset === other.stripes[stripe]!.offset;
		});
	});
}

class SlotList {
	#offsets = new Float64Array(1024);
	#slots = new Int32Array(1024);
	#count = 0;
	#isAscending = true;

	add(offset: number, slot: number): void {
		if (this.#count === this.#offsets.length) {
			const offsets = new Float64Array(this.#count * 2);
			offsets.set(this.#offsets);
			this.#offsets = offsets;
			const slots = new Int32Array(this.#count * 2);
			slots.set(this.#slots);
			this.#slots = slots;
		}
		if (this.#count > 0 && offset < this.#offsets[this.#count - 1]!) this.#isAscending = false;
		this.#offsets[this.#count] = offset;
		this.#slots[this.#count] = slot;
		this.#count++;
	}

	sorted(): { offsets: Float64Array; slots: Int32Array } {
		const offsets = this.#offsets.subarray(0, this.#count);
		const slots = this.#slots.subarray(0, this.#count);
		if (this.#isAscending) return { offsets, slots };
		const order = Uint32Array.from(offsets.keys()).sort((a, b) => offsets[a]! - offsets[b]!);
		return {
			offsets: Float64Array.from(order, (at) => offsets[at]!),
			slots: Int32Array.from(order, (at) => slots[at]!),
		};
	}
}
