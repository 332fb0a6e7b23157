/** Which bytes of a volume changed, and a fast way to ask. */
import type { Ranges } from "../filesystem.ts";
import { RangeSet } from "../parser/ranges.ts";

export class ChangedRanges {
	/** Ascending; no two touch. */
	readonly #starts: Float64Array;
	readonly #ends: Float64Array;

	/** @param ranges in any order; they may overlap. */
	constructor(...ranges: readonly Ranges[]) {
		const set = new RangeSet();
		for (const some of ranges) set.addAll(some);
		const flat = set.toRanges();
		this.#starts = Float64Array.from({ length: flat.length / 2 }, (_, at) => flat[at * 2]!);
		this.#ends = Float64Array.from({ length: flat.length / 2 }, (_, at) => flat[at * 2]! + flat[at * 2 + 1]!);
	}

	/** The first range that ends behind `from`. */
	#firstBehind(from: number): number {
		let low = 0;
		let high = this.#ends.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#ends[middle]! <= from) low = middle + 1;
			else high = middle;
		}
		return low;
	}

	/** Whether any of these ranges changed. */
	touches(ranges: Ranges): boolean {
		for (let at = 0; at < ranges.length; at += 2) {
			const from = ranges[at]!;
			const first = this.#firstBehind(from);
			if (first < this.#starts.length && this.#starts[first]! < from + ranges[at + 1]!) return true;
		}
		return false;
	}

	/** The changed parts of a range, ascending. */
	*within(offset: number, length: number): Generator<readonly [offset: number, length: number]> {
		const end = offset + length;
		for (let at = this.#firstBehind(offset); at < this.#starts.length && this.#starts[at]! < end; at++) {
			const from = Math.max(offset, this.#starts[at]!);
			yield [from, Math.min(end, this.#ends[at]!) - from];
		}
	}

	/** The changed units of `size` bytes, counted from `offset`, of which there are `count`; ascending, each once. */
	*units(offset: number, size: number, count: number): Generator<number> {
		const end = offset + count * size;
		let next = 0;
		for (let at = this.#firstBehind(offset); at < this.#starts.length && this.#starts[at]! < end; at++) {
			const last = Math.min(count, Math.ceil((this.#ends[at]! - offset) / size));
			for (next = Math.max(next, Math.floor((this.#starts[at]! - offset) / size)); next < last; next++) yield next;
		}
	}
}
