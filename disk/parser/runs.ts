/** Where a file's blocks lie, as a flat list that costs three numbers a run. */
import { appendRange } from "./ranges.ts";

/** `[logical, physical, count, ...]` in blocks of the volume and logical order; a count below 0 is of unwritten blocks. */
export type Runs = number[];

/** Back into logical order: tree blocks are read in disk order. */
export function sortRuns(runs: Runs): void {
	let sorted = true;
	for (let i = 3; i < runs.length && sorted; i += 3) sorted = runs[i]! > runs[i - 3]!;
	if (sorted) return;
	const triples: [number, number, number][] = [];
	for (let i = 0; i < runs.length; i += 3) triples.push([runs[i]!, runs[i + 1]!, runs[i + 2]!]);
	triples.sort((a, b) => a[0] - b[0]);
	triples.forEach((triple, i) => {
		[runs[i * 3], runs[i * 3 + 1], runs[i * 3 + 2]] = triple;
	});
}

/** The runs as byte ranges of the volume, unwritten ones among them. */
export function runsToRanges(runs: Runs, blockSize: number): number[] {
	// A literal takes room for two numbers, a list that is appended to for seventeen.
	if (runs.length === 3) return [runs[1]! * blockSize, Math.abs(runs[2]!) * blockSize];
	const ranges: number[] = [];
	for (let i = 0; i < runs.length; i += 3) {
		appendRange(ranges, runs[i + 1]! * blockSize, Math.abs(runs[i + 2]!) * blockSize);
	}
	return ranges;
}

/** The bytes of a file that its runs hold, `[offset, length, ...]`; unwritten ones are left out. */
export function writtenRanges(runs: Runs, blockSize: number, size: number): number[] {
	const ranges: number[] = [];
	let done = 0;
	for (let i = 0; i < runs.length; i += 3) {
		const from = Math.max(done, runs[i]! * blockSize);
		const to = Math.min(size, (runs[i]! + runs[i + 2]!) * blockSize);
		if (to <= from) continue;
		appendRange(ranges, from, to - from);
		done = to;
	}
	return ranges;
}
