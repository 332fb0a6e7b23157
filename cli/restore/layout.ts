/** Where the bytes of a disk go in the file that it is restored to: a sparse raw file, or a qcow2 image. */
import { BLOCK_SIZE, blockCount } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";

export type DiskFormat = "raw" | "qcow2";

/** Blocks of a disk that hold data, as flat `[first, behind, first, behind, ...]`, ascending. */
export type DataRuns = readonly number[];

export interface Layout {
	/** Of the finished file, bytes. */
	readonly fileBytes: number;
	/**
	 * Where in the file the block stands; data blocks that follow one another do so in the file too. Undefined where the
	 * block is all zeroes and has no place.
	 */
	place(block: number): number | undefined;
	/** What is written beside the disk's own bytes, once these are there. */
	metadata(): Iterable<{ readonly offset: number; readonly bytes: Uint8Array }>;
}

export function layoutOf(format: DiskFormat, sizeBytes: number, runs: DataRuns): Layout {
	return format === "qcow2" ? new Qcow2Layout(sizeBytes, runs) : rawLayout(sizeBytes);
}

function rawLayout(sizeBytes: number): Layout {
	return { fileBytes: sizeBytes, place: (block) => block * BLOCK_SIZE, metadata: () => [] };
}

/** A qcow2 image has clusters of the very size of our blocks. */
const CLUSTER_BITS = 16;
const TABLE_ENTRIES = BLOCK_SIZE / 8;
const REFCOUNT_ENTRIES = BLOCK_SIZE / 2;
const SECTOR = 512;
/** "The refcount is exactly one": the cluster may be written in place. */
const COPIED = 1n << 63n;
/** What QEMU opens: 32 MiB of L1 table, 8 MiB of refcount table. */
const MAX_L1_ENTRIES = 2 ** 22;
const MAX_REFCOUNT_BLOCKS = 2 ** 20;

/**
 * qcow2, version 3 (QEMU, docs/interop/qcow2.txt): the header, the data blocks in the order of the disk, L2 tables, the L1
 * table, refcount blocks, the refcount table. All of it follows from which blocks hold data, so that a restore that was
 * cut off finds every block where it left it.
 */
class Qcow2Layout implements Layout {
	readonly fileBytes: number;
	readonly #sizeBytes: number;
	readonly #runs: DataRuns;
	/** Data blocks before each run. */
	readonly #before: number[] = [];
	readonly #l1Entries: number;
	/** Those L2 tables that have entries, by their place in the L1 table. */
	readonly #l2Tables: number[] = [];
	readonly #l2Cluster: number;
	readonly #l1Cluster: number;
	readonly #refcountCluster: number;
	readonly #tableCluster: number;
	readonly #clusters: number;

	constructor(sizeBytes: number, runs: DataRuns) {
		// QEMU counts in sectors; a disk that ends within one is read with zeroes behind it.
		this.#sizeBytes = Math.ceil(sizeBytes / SECTOR) * SECTOR;
		this.#runs = runs;
		let blocks = 0;
		for (let at = 0; at < runs.length; at += 2) {
			this.#before.push(blocks);
			blocks += runs[at + 1]! - runs[at]!;
			const [first, last] = [runs[at]!, runs[at + 1]! - 1].map((block) => Math.floor(block / TABLE_ENTRIES));
			for (let table = Math.max(first!, (this.#l2Tables.at(-1) ?? -1) + 1); table <= last!; table++)
				this.#l2Tables.push(table);
		}
		this.#l1Entries = Math.ceil(blockCount(sizeBytes) / TABLE_ENTRIES);
		this.#l2Cluster = 1 + blocks;
		this.#l1Cluster = this.#l2Cluster + this.#l2Tables.length;
		this.#refcountCluster = this.#l1Cluster + Math.ceil(this.#l1Entries / TABLE_ENTRIES);
		// Refcounts count themselves: as many blocks of them as cover all clusters and these blocks and their table too.
		let [refcountBlocks, tableClusters, wanted] = [0, 0, 1];
		while (refcountBlocks < wanted) {
			refcountBlocks = wanted;
			tableClusters = Math.ceil(refcountBlocks / TABLE_ENTRIES);
			wanted = Math.ceil((this.#refcountCluster + refcountBlocks + tableClusters) / REFCOUNT_ENTRIES);
		}
		if (this.#l1Entries > MAX_L1_ENTRIES || refcountBlocks > MAX_REFCOUNT_BLOCKS) {
			throw new UmbraError("limit", `a disk of ${sizeBytes} bytes is too large for a qcow2 image`, {
				hint: "restore it as raw: --format raw",
			});
		}
		this.#tableCluster = this.#refcountCluster + refcountBlocks;
		this.#clusters = this.#tableCluster + tableClusters;
		this.fileBytes = this.#clusters * BLOCK_SIZE;
	}

	place(block: number): number | undefined {
		let [low, high] = [0, this.#before.length];
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#runs[middle * 2 + 1]! <= block) low = middle + 1;
			else high = middle;
		}
		const first = this.#runs[low * 2];
		if (first === undefined || block < first) return undefined;
		return (1 + this.#before[low]! + block - first) * BLOCK_SIZE;
	}

	*metadata(): Generator<{ offset: number; bytes: Uint8Array }> {
		let run = 0;
		for (const [index, table] of this.#l2Tables.entries()) {
			const entries = Buffer.alloc(BLOCK_SIZE);
			const end = (table + 1) * TABLE_ENTRIES;
			for (; run < this.#before.length; run++) {
				const [first, behind] = [this.#runs[run * 2]!, this.#runs[run * 2 + 1]!];
				for (let block = Math.max(first, table * TABLE_ENTRIES); block < Math.min(behind, end); block++) {
					const cluster = 1 + this.#before[run]! + block - first;
					entries.writeBigUInt64BE(pointer(cluster), (block % TABLE_ENTRIES) * 8);
				}
				if (behind > end) break;
			}
			yield { offset: (this.#l2Cluster + index) * BLOCK_SIZE, bytes: entries };
		}
		const l1 = Buffer.alloc((this.#refcountCluster - this.#l1Cluster) * BLOCK_SIZE);
		for (const [index, table] of this.#l2Tables.entries())
			l1.writeBigUInt64BE(pointer(this.#l2Cluster + index), table * 8);
		yield { offset: this.#l1Cluster * BLOCK_SIZE, bytes: l1 };
		const ones = Buffer.alloc(BLOCK_SIZE);
		for (let at = 1; at < BLOCK_SIZE; at += 2) ones[at] = 1;
		const table = Buffer.alloc((this.#clusters - this.#tableCluster) * BLOCK_SIZE);
		for (let first = 0, at = 0; first < this.#clusters; first += REFCOUNT_ENTRIES, at++) {
			const count = Math.min(REFCOUNT_ENTRIES, this.#clusters - first);
			const bytes = count === REFCOUNT_ENTRIES ? ones : Buffer.from(ones).fill(0, count * 2);
			const cluster = this.#refcountCluster + at;
			table.writeBigUInt64BE(BigInt(cluster) << BigInt(CLUSTER_BITS), at * 8);
			yield { offset: cluster * BLOCK_SIZE, bytes };
		}
		yield { offset: this.#tableCluster * BLOCK_SIZE, bytes: table };
		yield { offset: 0, bytes: this.#header() };
	}

	#header(): Buffer {
		const header = Buffer.alloc(BLOCK_SIZE);
		header.write("QFI\xfb", 0, "latin1");
		header.writeUInt32BE(3, 4);
		header.writeUInt32BE(CLUSTER_BITS, 20);
		header.writeBigUInt64BE(BigInt(this.#sizeBytes), 24);
		header.writeUInt32BE(this.#l1Entries, 36);
		header.writeBigUInt64BE(BigInt(this.#l1Cluster) << BigInt(CLUSTER_BITS), 40);
		header.writeBigUInt64BE(BigInt(this.#tableCluster) << BigInt(CLUSTER_BITS), 48);
		header.writeUInt32BE(this.#clusters - this.#tableCluster, 56);
		header.writeUInt32BE(4, 96); // refcounts of 16 bits
		header.writeUInt32BE(104, 100); // the header's own length; behind it zeroes, which end its extensions
		return header;
	}
}

function pointer(cluster: number): bigint {
	return (BigInt(cluster) << BigInt(CLUSTER_BITS)) | COPIED;
}
