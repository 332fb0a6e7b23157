/** Reading a volume by ranges: few large reads, in disk order, whatever the order of the pieces that are wanted. */
import type { Problems } from "../parser/problems.ts";
import { appendRange } from "../parser/ranges.ts";
import type { BlockSource } from "../source/source.ts";
import type { BootSector } from "./boot-sector.ts";
import { findRun, type Runs } from "./runlist.ts";

/** Large enough that a read's fixed cost vanishes. */
const READ_BYTES = 1 << 20;
/** Reading this much too much is cheaper than another request. */
const GAP_BYTES = 1 << 15;
const READS_IN_FLIGHT = 4;

/** `[position on the volume, length, offset in the result, ...]` in bytes. */
export type Pieces = number[];

export class NtfsVolume {
	readonly source: BlockSource;
	readonly boot: BootSector;
	readonly problems: Problems;

	constructor(source: BlockSource, boot: BootSector, problems: Problems) {
		this.source = source;
		this.boot = boot;
		this.problems = problems;
	}

	async read(offset: number, length: number, signal?: AbortSignal): Promise<Buffer> {
		signal?.throwIfAborted();
		const bytes = await this.source.read(offset, length, signal);
		return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	/**
	 * A buffer of `length` bytes with the pieces at their offsets and zeroes between them.
	 *
	 * @param memory used for it where that is possible: new memory for each read costs as much as reading.
	 */
	async gather(pieces: Pieces, length: number, signal?: AbortSignal, memory?: ArrayBufferLike): Promise<Buffer> {
		if (pieces.length === 3 && pieces[1] === length) {
			if (this.source.readInto === undefined) return this.read(pieces[0]!, length, signal);
			const isEnough = memory !== undefined && memory.byteLength >= length;
			const bytes = isEnough ? Buffer.from(memory, 0, length) : Buffer.allocUnsafeSlow(length);
			await this.source.readInto(bytes, pieces[0]!, signal);
			return bytes;
		}
		const result = Buffer.alloc(length);
		const order = Array.from({ length: pieces.length / 3 }, (_, i) => i * 3).sort((a, b) => pieces[a]! - pieces[b]!);
		const inFlight: Promise<void>[] = [];
		for (let first = 0; first < order.length; ) {
			const start = pieces[order[first]!]!;
			let end = start + pieces[order[first]! + 1]!;
			let last = first + 1;
			for (; last < order.length; last++) {
				const piece = order[last]!;
				const pieceEnd = pieces[piece]! + pieces[piece + 1]!;
				if (pieces[piece]! > end + GAP_BYTES || Math.max(end, pieceEnd) - start > READ_BYTES) break;
				end = Math.max(end, pieceEnd);
			}
			const members = order.slice(first, last);
			first = last;
			const copy = async () => {
				const bytes = await this.read(start, end - start, signal);
				for (const piece of members) {
					const from = pieces[piece]! - start;
					result.set(bytes.subarray(from, from + pieces[piece + 1]!), pieces[piece + 2]!);
				}
			};
			const work = copy();
			work.catch(() => undefined); // it is awaited in its turn, unless an earlier one failed
			inFlight.push(work);
			if (inFlight.length >= READS_IN_FLIGHT) await inFlight.shift();
		}
		for (const work of inFlight) await work;
		return result;
	}

	/** Where bytes [offset, offset + length) of an attribute lie; holes have no piece. Offsets in the result count from `base`. */
	pieces(runs: Runs, offset: number, length: number, into: Pieces = [], base = 0): Pieces {
		const { clusterSize } = this.boot;
		const end = offset + length;
		for (let i = findRun(runs, Math.floor(offset / clusterSize)); i < runs.length; i += 3) {
			const logical = runs[i]! * clusterSize;
			if (logical >= end) break;
			const from = Math.max(offset, logical);
			const to = Math.min(end, logical + runs[i + 2]! * clusterSize);
			into.push(runs[i + 1]! * clusterSize + from - logical, to - from, base + from - offset);
		}
		return into;
	}

	/** Whole clusters of an attribute, as ranges of the volume. */
	ranges(runs: Runs, into: number[] = []): number[] {
		const { clusterSize } = this.boot;
		for (let i = 0; i < runs.length; i += 3) appendRange(into, runs[i + 1]! * clusterSize, runs[i + 2]! * clusterSize);
		return into;
	}
}
