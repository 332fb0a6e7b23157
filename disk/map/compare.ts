/** Finds the pages in which two disks differ: what a capture learns from its bitmap, two images must be read for. */
import { PAGE_SIZE } from "../../common/block.ts";
import type { Ranges } from "../filesystem.ts";
import type { BlockSource, SourceExtent } from "../source/source.ts";
import { pageEntropy, toEntropyByte } from "./entropy.ts";
import type { ChangedPages } from "./pages.ts";

/** Large enough to read at the disk's pace, small enough to be compared before it leaves the processor's cache. */
const WINDOW = 1024 * 1024;
/** Windows in memory, of both sides. */
const PAIRS = 3;
/** Windows whose allocation is asked for at a time. */
const WINDOWS_PER_EXTENT_QUERY = 1024;
/** Compared in one go before any page is looked at. */
const STRIDE = 64 * 1024;

export interface CompareOptions {
	/** Where the disks can differ, where that is known: multiples of the page size, ascending. Else they are read whole. */
	readonly within?: Ranges;
	readonly signal?: AbortSignal;
	/** Bytes done, of as many as the longer disk has. */
	readonly onProgress?: (done: number) => void;
}

/** What is read of both disks at once: at most `WINDOW` bytes. */
interface Window {
	readonly offset: number;
	readonly length: number;
}

/**
 * Reads what is not zero in both. Where one disk is longer, the other counts as zeroes there.
 *
 * @throws UmbraError `unavailable` from the sources.
 */
export async function comparePages(
	before: BlockSource,
	after: BlockSource,
	options: CompareOptions = {},
): Promise<ChangedPages> {
	const { within, signal, onProgress } = options;
	const size = Math.max(before.size, after.size);
	const found = new PageList();
	if (within !== undefined) {
		await compareWindows(before, after, cut(within, size), found, options);
		return found.pages();
	}
	const query = WINDOW * WINDOWS_PER_EXTENT_QUERY;
	for (let start = 0; start < size; start += query) {
		const end = Math.min(start + query, size);
		const [old, now] = await Promise.all([
			dataRanges(before, start, end, signal),
			dataRanges(after, start, end, signal),
		]);
		await compareWindows(before, after, windowsOf([...old, ...now], start, end), found, options);
		onProgress?.(end);
	}
	return found.pages();
}

async function compareWindows(
	before: BlockSource,
	after: BlockSource,
	windows: readonly Window[],
	found: PageList,
	{ signal, onProgress }: CompareOptions,
): Promise<void> {
	// One pair of buffers is compared while the others are filled.
	const buffers = Array.from({ length: Math.min(PAIRS, windows.length) }, () => {
		return [Buffer.allocUnsafeSlow(WINDOW), Buffer.allocUnsafeSlow(WINDOW)] as const;
	});
	const reads: Promise<[Buffer, Buffer]>[] = [];
	for (let at = 0, next = 0; at < windows.length; at++) {
		for (; next < windows.length && next < at + PAIRS; next++) {
			const read = readBoth(before, after, windows[next]!, buffers[next % PAIRS]!, signal);
			// Awaited in its turn; if comparing throws before that, its failure is not another one.
			read.catch(() => undefined);
			reads.push(read);
		}
		const [oldBytes, newBytes] = await reads.shift()!;
		const { offset, length } = windows[at]!;
		compareWindow(offset, oldBytes, newBytes, found);
		onProgress?.(offset + length);
	}
}

function cut(ranges: Ranges, size: number): Window[] {
	const windows: Window[] = [];
	for (let at = 0; at < ranges.length; at += 2) {
		const end = Math.min(ranges[at]! + ranges[at + 1]!, size);
		for (let offset = ranges[at]!; offset < end; offset += WINDOW) {
			windows.push({ offset, length: Math.min(WINDOW, end - offset) });
		}
	}
	return windows;
}

async function dataRanges(
	source: BlockSource,
	start: number,
	end: number,
	signal: AbortSignal | undefined,
): Promise<SourceExtent[]> {
	const length = Math.min(end, source.size) - start;
	if (length <= 0) return [];
	return (await source.extents(start, length, signal)).filter(({ zero }) => !zero);
}

/** The windows that hold data, ascending. */
function windowsOf(extents: readonly SourceExtent[], start: number, end: number): Window[] {
	const windows = new Set<number>();
	for (const { offset, length } of extents) {
		const last = Math.min(offset + length, end);
		for (let at = offset - ((offset - start) % WINDOW); at < last; at += WINDOW) windows.add(at);
	}
	return [...windows].sort((a, b) => a - b).map((offset) => ({ offset, length: Math.min(WINDOW, end - offset) }));
}

async function readBoth(
	before: BlockSource,
	after: BlockSource,
	{ offset, length }: Window,
	buffers: readonly [Buffer, Buffer],
	signal: AbortSignal | undefined,
): Promise<[Buffer, Buffer]> {
	return Promise.all([
		readPadded(before, offset, length, buffers[0], signal),
		readPadded(after, offset, length, buffers[1], signal),
	]);
}

/** Zeroes behind the disk's end, and up to a whole page. */
async function readPadded(
	source: BlockSource,
	offset: number,
	length: number,
	buffer: Buffer,
	signal: AbortSignal | undefined,
): Promise<Buffer> {
	const there = Math.max(0, Math.min(length, source.size - offset));
	const whole = Math.ceil(length / PAGE_SIZE) * PAGE_SIZE;
	if (there > 0 && source.readInto !== undefined) await source.readInto(buffer.subarray(0, there), offset, signal);
	else if (there > 0) buffer.set(await source.read(offset, there, signal));
	buffer.fill(0, there, whole);
	return buffer.subarray(0, whole);
}

function compareWindow(offset: number, before: Buffer, after: Buffer, found: PageList): void {
	for (let stride = 0; stride < before.length; stride += STRIDE) {
		const end = Math.min(stride + STRIDE, before.length);
		if (before.compare(after, stride, end, stride, end) === 0) continue;
		for (let page = stride; page < end; page += PAGE_SIZE) {
			if (before.compare(after, page, page + PAGE_SIZE, page, page + PAGE_SIZE) === 0) continue;
			found.add(
				offset + page,
				toEntropyByte(pageEntropy(before, page, PAGE_SIZE)),
				toEntropyByte(pageEntropy(after, page, PAGE_SIZE)),
			);
		}
	}
}

class PageList {
	#offsets = new Float64Array(1024);
	#before = new Uint8Array(1024);
	#after = new Uint8Array(1024);
	#count = 0;

	add(offset: number, before: number, after: number): void {
		if (this.#count === this.#offsets.length) {
			const length = this.#count * 2;
			this.#offsets = grow(this.#offsets, new Float64Array(length));
			this.#before = grow(this.#before, new Uint8Array(length));
			this.#after = grow(this.#after, new Uint8Array(length));
		}
		this.#offsets[this.#count] = offset;
		this.#before[this.#count] = before;
		this.#after[this.#count] = after;
		this.#count++;
	}

	pages(): ChangedPages {
		return {
			offsets: this.#offsets.slice(0, this.#count),
			before: this.#before.slice(0, this.#count),
			after: this.#after.slice(0, this.#count),
		};
	}
}

function grow<T extends Float64Array | Uint8Array>(from: T, to: T): T {
	to.set(from);
	return to;
}
