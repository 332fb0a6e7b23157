/** Byte ranges, as parsers gather them. */
import type { Ranges } from "../filesystem.ts";

/** Byte ranges gathered in any order; they come out sorted and coalesced. */
export class RangeSet {
	readonly #ranges: { start: number; end: number }[] = [];

	add(offset: number, length: number): void {
		const last = this.#ranges.at(-1);
		if (last !== undefined && last.end === offset) last.end += length;
		else this.#ranges.push({ start: offset, end: offset + length });
	}

	addAll(ranges: Ranges): void {
		for (let i = 0; i + 1 < ranges.length; i += 2) this.add(ranges[i]!, ranges[i + 1]!);
	}

	toRanges(): number[] {
		const flat: number[] = [];
		let start = 0;
		let end = -1;
		for (const range of this.#ranges.toSorted((a, b) => a.start - b.start)) {
			if (range.start > end) {
				if (end > start) flat.push(start, end - start);
				start = range.start;
				end = range.end;
			} else if (range.end > end) {
				end = range.end;
			}
		}
		if (end > start) flat.push(start, end - start);
		return flat;
	}
}

/** Appends a range in logical order, joined to the one before where it goes on from it. */
export function appendRange(ranges: number[], offset: number, length: number): void {
	const last = ranges.length - 2;
	if (last >= 0 && ranges[last]! + ranges[last + 1]! === offset) ranges[last + 1]! += length;
	else ranges.push(offset, length);
}
