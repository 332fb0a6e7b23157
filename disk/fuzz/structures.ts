/** Where the structures of a filesystem are: what is worth damaging. */
import type { Filesystem, Ranges } from "../filesystem.ts";
import type { BlockSource } from "../source/source.ts";
import { PAGE } from "./damaged-source.ts";

/** A journal is long, and its begin says the most. */
const JOURNAL_BYTES = 64 << 10;
/** Content this short may stand in a structure, or be one. */
const SMALL_FILE = 8192;

/**
 * Bytes [offset, length, ...] of the volume.
 *
 * @param content paths of files whose content is compressed, or a structure itself.
 */
export async function structuresOf(filesystem: Filesystem, content: readonly string[]): Promise<Ranges> {
	const scan = await filesystem.scan();
	const ranges = [...scan.metadata];
	if (scan.journal.length > 0) ranges.push(scan.journal[0]!, Math.min(scan.journal[1]!, JOURNAL_BYTES));
	for (const { type, size, data, meta } of scan.nodes.values()) {
		for (const value of meta) ranges.push(value);
		if (type !== "file" || size < SMALL_FILE) for (const value of data.slice(0, 512)) ranges.push(value);
	}
	for (const path of content) ranges.push(...(await filesystem.lookup(path)).data);
	return ranges;
}

/** The pages of the ranges that hold anything, each once, in order. */
export async function pagesOf(source: BlockSource, ranges: Ranges): Promise<number[]> {
	const pages = new Set<number>();
	for (let i = 0; i < ranges.length; i += 2) {
		const start = Math.floor(ranges[i]! / PAGE) * PAGE;
		const end = Math.min(Math.ceil((ranges[i]! + ranges[i + 1]!) / PAGE) * PAGE, source.size);
		for (let from = start; from < end; from += 1 << 20) {
			const bytes = Buffer.from(await source.read(from, Math.min(1 << 20, end - from)));
			for (let at = 0; at < bytes.length; at += PAGE) {
				if (bytes.subarray(at, at + PAGE).some((byte) => byte !== 0)) pages.add(from + at);
			}
		}
	}
	return [...pages].sort((a, b) => a - b);
}
