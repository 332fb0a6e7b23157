/** The file allocation table: for every cluster the one that follows it. Read as it is needed, a page at a time. */
import type { Ranges } from "../filesystem.ts";
import type { ChangedRanges } from "../rescan/changed-ranges.ts";
import type { BlockSource } from "../source/source.ts";
import { FIRST_CLUSTER } from "./boot-sector.ts";
import type { ClusterSet } from "./cluster-set.ts";

/** Entries of a page: 1 MiB of the table at most, 512 KiB of FAT16's, all of FAT12's. */
const PAGE_ENTRIES = 1 << 18;
/** Pages kept: 16 MiB, the whole table of a volume of four million clusters. */
const MAX_PAGES = 16;

/** What the last entry of a chain is read as, whatever the width of the table. */
const END = 0xffffffff;
const BAD = 0xfffffffe;

export type TableBits = 12 | 16 | 32 | "exfat";

export interface Chain {
	/** Bytes of the volume, in logical order; whole clusters. */
	readonly ranges: Ranges;
	readonly clusters: number;
	/** What cut it short. */
	readonly fault: string | undefined;
}

export interface ClusterHeap {
	readonly bits: TableBits;
	/** Of the table to read. */
	readonly fatOffset: number;
	/** Bytes from the volume's start to cluster 2. */
	readonly heapOffset: number;
	readonly clusterSize: number;
	/** That lie in the volume and in the table. */
	readonly clusterCount: number;
}

export class AllocationTable {
	readonly #source: BlockSource;
	readonly #heap: ClusterHeap;
	/** Least recently used first. */
	readonly #pages = new Map<number, Uint32Array>();

	constructor(source: BlockSource, heap: ClusterHeap) {
		this.#source = source;
		this.#heap = heap;
	}

	/** Whether it is the number of a cluster of the heap. */
	holds(cluster: number): boolean {
		return cluster >= FIRST_CLUSTER && cluster < this.#heap.clusterCount + FIRST_CLUSTER;
	}

	offsetOf(cluster: number): number {
		return this.#heap.heapOffset + (cluster - FIRST_CLUSTER) * this.#heap.clusterSize;
	}

	/** The cluster that begins at a byte of the volume. */
	#clusterOf(offset: number): number {
		return (offset - this.#heap.heapOffset) / this.#heap.clusterSize + FIRST_CLUSTER;
	}

	/** Bits of an entry. */
	get #width(): 12 | 16 | 32 {
		return this.#heap.bits === "exfat" ? 32 : this.#heap.bits;
	}

	/** The cluster in which a byte of the volume lies; undefined outside the heap. */
	clusterAt(offset: number): number | undefined {
		const cluster = Math.floor((offset - this.#heap.heapOffset) / this.#heap.clusterSize) + FIRST_CLUSTER;
		return this.holds(cluster) ? cluster : undefined;
	}

	/** What the table says behind a cluster, or of its own first two entries. */
	async next(cluster: number, signal?: AbortSignal): Promise<number> {
		const page = await this.#page(Math.floor(cluster / PAGE_ENTRIES), signal);
		return page[cluster % PAGE_ENTRIES]!;
	}

	/**
	 * The chain from `first` on.
	 *
	 * @param most clusters; a chain that goes on behind them is a fault.
	 * @param claimed no cluster has two owners: at the first that is there already the chain ends with a fault.
	 */
	async follow(first: number, most: number, claimed: ClusterSet, signal?: AbortSignal): Promise<Chain> {
		const { clusterSize } = this.#heap;
		const ranges: number[] = [];
		let fault: string | undefined;
		let clusters = 0;
		let end = -1;
		let pageNumber = -1;
		let page: Uint32Array | undefined;
		for (let cluster = first; cluster !== END; ) {
			if (!this.holds(cluster)) {
				fault = strayFault(cluster);
				break;
			}
			if (clusters === most) {
				fault = `a chain that goes on behind its ${most} clusters`;
				break;
			}
			const offset = this.offsetOf(cluster);
			if (!claimed.add(cluster)) {
				fault = takenFault(ranges, offset, cluster);
				break;
			}
			clusters++;
			if (offset === end) ranges[ranges.length - 1]! += clusterSize;
			else ranges.push(offset, clusterSize);
			end = offset + clusterSize;
			const number = Math.floor(cluster / PAGE_ENTRIES);
			if (page === undefined || number !== pageNumber) {
				page = this.#pages.get(number) ?? (await this.#page(number, signal));
				pageNumber = number;
			}
			cluster = page[cluster % PAGE_ENTRIES]!;
		}
		return { ranges, clusters, fault };
	}

	/** Ranges of whole clusters by cluster number. */
	clustersOf(ranges: Ranges): [first: number, count: number][] {
		const clusters: [number, number][] = [];
		for (let i = 0; i < ranges.length; i += 2) {
			clusters.push([this.#clusterOf(ranges[i]!), ranges[i + 1]! / this.#heap.clusterSize]);
		}
		return clusters;
	}

	/** Clusters side by side, for which the table is not asked. */
	run(first: number, count: number, claimed: ClusterSet): Chain {
		if (!this.holds(first) || !this.holds(first + count - 1)) {
			return { ranges: [], clusters: 0, fault: `clusters ${first} to ${first + count - 1}, outside the volume` };
		}
		const clusters = claimed.addRun(first, count);
		const ranges = clusters === 0 ? [] : [this.offsetOf(first), clusters * this.#heap.clusterSize];
		const stopped = first + clusters;
		const fault = clusters < count ? takenFault(ranges, this.offsetOf(stopped), stopped) : undefined;
		return { ranges, clusters, fault };
	}

	/** A chain that is known: the table is not asked. */
	known(ranges: Ranges, claimed: ClusterSet): Chain {
		let clusters = 0;
		for (const [first, count] of this.clustersOf(ranges)) clusters += claimed.addRun(first, count);
		return { ranges, clusters, fault: undefined };
	}

	/** The clusters behind which the table may say something else now, as bytes of the volume. */
	relinked(changed: ChangedRanges): number[] {
		const { fatOffset, clusterSize, clusterCount } = this.#heap;
		const width = this.#width;
		const end = clusterCount + FIRST_CLUSTER;
		const ranges: number[] = [];
		for (const [offset, length] of changed.within(fatOffset, Math.ceil((end * width) / 8))) {
			const first = Math.max(FIRST_CLUSTER, Math.floor(((offset - fatOffset) * 8) / width));
			const behind = Math.min(end, Math.ceil(((offset + length - fatOffset) * 8) / width));
			if (behind > first) ranges.push(this.offsetOf(first), (behind - first) * clusterSize);
		}
		return ranges;
	}

	/** Whether the table says that these are a chain and nothing follows. It is asked only of clusters in `doubtful`. */
	async isChain(ranges: Ranges, doubtful: ChangedRanges, signal?: AbortSignal): Promise<boolean> {
		const { clusterSize } = this.#heap;
		for (let i = 0; i < ranges.length; i += 2) {
			const last = this.#clusterOf(ranges[i]! + ranges[i + 1]!) - 1;
			const behind = i + 2 < ranges.length ? this.#clusterOf(ranges[i + 2]!) : END;
			for (const [offset, length] of doubtful.within(ranges[i]!, ranges[i + 1]!)) {
				const end = this.#clusterOf(offset) + length / clusterSize;
				for (let cluster = this.#clusterOf(offset); cluster < end; ) {
					const number = Math.floor(cluster / PAGE_ENTRIES);
					const page = this.#pages.get(number) ?? (await this.#page(number, signal));
					const inPage = Math.min(end, (number + 1) * PAGE_ENTRIES);
					for (; cluster < inPage; cluster++) {
						if (page[cluster % PAGE_ENTRIES] !== (cluster === last ? behind : cluster + 1)) return false;
					}
				}
			}
		}
		return true;
	}

	async countFree(signal?: AbortSignal): Promise<number> {
		const end = this.#heap.clusterCount + FIRST_CLUSTER;
		let free = 0;
		for (let first = 0; first < end; first += PAGE_ENTRIES) {
			const page = await this.#page(first / PAGE_ENTRIES, signal);
			const last = Math.min(PAGE_ENTRIES, end - first);
			for (let at = first === 0 ? FIRST_CLUSTER : 0; at < last; at++) if (page[at] === 0) free++;
		}
		return free;
	}

	async #page(number: number, signal?: AbortSignal): Promise<Uint32Array> {
		let page = this.#pages.get(number);
		if (page === undefined) {
			signal?.throwIfAborted();
			page = await this.#read(number * PAGE_ENTRIES, signal);
			const [oldest] = this.#pages.keys();
			if (this.#pages.size >= MAX_PAGES && oldest !== undefined) this.#pages.delete(oldest);
		} else {
			this.#pages.delete(number);
		}
		this.#pages.set(number, page);
		return page;
	}

	async #read(first: number, signal?: AbortSignal): Promise<Uint32Array> {
		const { bits, fatOffset, clusterCount } = this.#heap;
		const count = Math.min(PAGE_ENTRIES, clusterCount + FIRST_CLUSTER - first);
		const width = this.#width;
		const bytes = await this.#source.read(fatOffset + (first * width) / 8, Math.ceil((count * width) / 8), signal);
		return decodeTable(bytes, count, bits);
	}
}

/** Entries with END and BAD in one form for all widths. */
function decodeTable(bytes: Uint8Array, count: number, bits: TableBits): Uint32Array {
	const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const entries = new Uint32Array(count);
	const bad = bits === 12 ? 0xff7 : bits === 16 ? 0xfff7 : bits === 32 ? 0x0ffffff7 : 0xfffffff7;
	for (let at = 0; at < count; at++) {
		let value: number;
		if (bits === 12) {
			const pair = at + (at >>> 1);
			// The last entry of an odd count has no byte behind it.
			const both = bytes[pair]! | ((bytes[pair + 1] ?? 0) << 8);
			value = (at & 1) === 0 ? both & 0xfff : both >>> 4;
		} else if (bits === 16) value = view.getUint16(at * 2, true);
		else if (bits === 32) value = view.getUint32(at * 4, true) & 0x0fffffff;
		else value = view.getUint32(at * 4, true);
		entries[at] = value > bad ? END : value === bad ? BAD : value;
	}
	return entries;
}

function strayFault(cluster: number): string {
	if (cluster === 0) return "a chain that runs into a free cluster";
	if (cluster === BAD) return "a chain that runs into a cluster marked bad";
	return `a chain that runs into cluster ${cluster}, which does not exist`;
}

function takenFault(ranges: readonly number[], offset: number, cluster: number): string {
	for (let i = 0; i < ranges.length; i += 2) {
		if (offset >= ranges[i]! && offset < ranges[i]! + ranges[i + 1]!) {
			return `a chain that loops back to its cluster ${cluster}`;
		}
	}
	return `a chain that is cross-linked at cluster ${cluster}, which belongs to another file`;
}
