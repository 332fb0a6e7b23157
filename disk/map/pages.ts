/** The changed pages of a disk, and a fast way to find those in a range. */
import { PAGE_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";

export interface ChangedPages {
	/** Disk byte offsets of the changed pages: multiples of 4096, strictly ascending. */
	readonly offsets: Float64Array;
	/** Entropy of each page before, bits per byte x 31.875. */
	readonly before: Uint8Array;
	/** Entropy of each page after, bits per byte x 31.875. */
	readonly after: Uint8Array;
}

/** Bounds the index to 4 MiB, whatever the size of the disk. */
const MAX_BUCKETS = 2 ** 20;

/**
 * Most extents of a disk hold no changed page. The disk is cut into buckets of equal size, each of which knows
 * the first changed page at or behind it: two look-ups tell whether an extent can hold one.
 */
export class PageIndex {
	readonly offsets: Float64Array;
	readonly #starts: Int32Array;
	readonly #bucketSize: number;

	/** @throws UmbraError `internal` for offsets that are not as `ChangedPages` wants them. */
	constructor({ offsets, before, after }: ChangedPages) {
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
					`changed pages: offset ${offset} after ${last}, wanted ascending multiples of 4096`,
				);
			}
			last = offset;
		}
		this.offsets = offsets;
		const end = length === 0 ? 0 : offsets[length - 1]! + PAGE_SIZE;
		const wanted = Math.min(MAX_BUCKETS, Math.max(1024, length * 4));
		let bucketSize = PAGE_SIZE;
		while (end / bucketSize > wanted) bucketSize *= 2;
		const buckets = Math.ceil(end / bucketSize);
		this.#bucketSize = bucketSize;
		this.#starts = new Int32Array(buckets + 1);
		for (let bucket = 0, page = 0; bucket <= buckets; bucket++) {
			while (page < length && offsets[page]! < bucket * bucketSize) page++;
			this.#starts[bucket] = page;
		}
	}

	get count(): number {
		return this.offsets.length;
	}

	/** The first changed page that ends behind `from` and begins before `to`; -1 where there is none. */
	first(from: number, to: number): number {
		const buckets = this.#starts.length - 1;
		const firstBucket = Math.floor(from / this.#bucketSize);
		if (firstBucket >= buckets || to <= from) return -1;
		const lastBucket = Math.min(buckets, Math.floor((to - 1) / this.#bucketSize) + 1);
		let low = this.#starts[firstBucket]!;
		const stop = this.#starts[lastBucket]!;
		if (low === stop) return -1;
		let high = Math.min(stop, this.#starts[firstBucket + 1]!);
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.offsets[middle]! + PAGE_SIZE <= from) low = middle + 1;
			else high = middle;
		}
		return low < this.count && this.offsets[low]! < to ? low : -1;
	}
}
