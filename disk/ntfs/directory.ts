/**
 * Directories: B+ trees of names, the root in the directory's record, the nodes in index blocks.
 * Source: the Linux-NTFS project's documentation, "$INDEX_ROOT", "$INDEX_ALLOCATION"; ntfs-3g's index.c.
 */
import type { DirectoryEntry } from "../filesystem.ts";
import { readAll, readStream } from "./content.ts";
import { FILE_NAME_SIZE, NAMESPACE_DOS, type Stream } from "./file.ts";
import type { LoadedFile } from "./mft.ts";
import { decodeName } from "./names.ts";
import { applyFixups, recordNumber, u64 } from "./record.ts";
import type { NtfsVolume } from "./volume.ts";

const INDEX_MAGIC = 0x58444e49; // "INDX"
const MIN_BLOCK = 512;
const MAX_BLOCK = 64 << 10;
/** Index blocks are numbered by clusters or, where those are larger than a block, by sectors of this size. */
const SMALL_UNIT = 512;
/** A tree of a billion names is not half as deep. */
const MAX_DEPTH = 32;
/** Blocks are read in pieces of this size, and this many pieces are kept. */
const PIECE_BYTES = 1 << 20;
const KEPT_PIECES = 32;
const ENTRY_HAS_NODE = 1;
const ENTRY_IS_LAST = 2;
const ENTRY_SIZE = 16;
/** Of an index root, before its entries' header; of an index block. */
const ROOT_HEADER = 16;
const BLOCK_HEADER = 24;

/** A name, and the file that it means, sequence number included. */
export interface IndexEntry extends DirectoryEntry {
	readonly sequence: number;
}

/** The names of a directory in the order of its tree, DOS aliases left out. What is damaged is a problem. */
export async function readIndex(volume: NtfsVolume, loaded: LoadedFile, signal?: AbortSignal): Promise<IndexEntry[]> {
	const walk = new IndexWalk(volume, loaded);
	await walk.run(signal);
	return walk.entries;
}

class IndexWalk {
	readonly entries: IndexEntry[] = [];
	readonly #volume: NtfsVolume;
	readonly #loaded: LoadedFile;
	readonly #visited = new Set<number>();
	readonly #pieces = new Map<number, Buffer>();
	#blockSize = 0;
	#bitmap: Buffer | undefined;

	constructor(volume: NtfsVolume, loaded: LoadedFile) {
		this.#volume = volume;
		this.#loaded = loaded;
	}

	#fault(what: string): void {
		const { record } = this.#loaded.file;
		this.#volume.problems.add("corrupt", `directory ${record} has ${what}`, { structure: "$I30", record });
	}

	async run(signal?: AbortSignal): Promise<void> {
		const { indexRoot, indexBitmap } = this.#loaded.file;
		if (indexRoot === undefined || !indexRoot.resident || indexRoot.size < ROOT_HEADER + 16) {
			this.#fault("no index root");
			return;
		}
		const value = await readAll(this.#volume, this.#loaded, indexRoot, indexRoot.size, signal);
		this.#blockSize = value.readUInt32LE(8);
		const size = this.#blockSize;
		if (size < MIN_BLOCK || size > MAX_BLOCK || (size & (size - 1)) !== 0) {
			this.#fault(`index blocks of ${size} bytes`);
			this.#blockSize = 0;
		}
		if (indexBitmap !== undefined) {
			// One bit a block; a directory that needed more is no directory.
			this.#bitmap = await readAll(this.#volume, this.#loaded, indexBitmap, PIECE_BYTES, signal);
		}
		await this.#walk(value, ROOT_HEADER, value.length, 0, signal);
	}

	/** Entries of one node: `header` is where its INDEX_HEADER stands in `bytes`, which end at `end`. */
	async #walk(bytes: Buffer, header: number, end: number, depth: number, signal?: AbortSignal): Promise<void> {
		const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		const limit = Math.min(end, header + view.getUint32(header + 4, true));
		for (let at = header + view.getUint32(header, true); ; ) {
			if (at + ENTRY_SIZE > limit) return this.#fault("an index node that is cut off");
			const length = view.getUint16(at + 8, true);
			const keyLength = view.getUint16(at + 10, true);
			const flags = view.getUint16(at + 12, true);
			if (length < ENTRY_SIZE || length % 8 !== 0 || at + length > limit) {
				return this.#fault(`an index entry of ${length} bytes`);
			}
			if ((flags & ENTRY_HAS_NODE) !== 0) {
				if (length < ENTRY_SIZE + 8) return this.#fault(`an index entry of ${length} bytes`);
				await this.#descend(u64(view, at + length - 8), depth + 1, signal);
			}
			if ((flags & ENTRY_IS_LAST) !== 0) return;
			this.#add(bytes, view, at, Math.min(keyLength, length - ENTRY_SIZE));
			at += length;
		}
	}

	#add(bytes: Buffer, view: DataView, at: number, keyLength: number): void {
		const key = at + ENTRY_SIZE;
		const units = keyLength >= FILE_NAME_SIZE ? view.getUint8(key + 64) : 0;
		if (units === 0 || FILE_NAME_SIZE + 2 * units > keyLength) {
			this.#fault("an index entry without a name");
			return;
		}
		if (view.getUint8(key + 65) === NAMESPACE_DOS) return;
		const inode = recordNumber(view, at);
		// The root is an entry of itself, ".".
		if (inode === this.#loaded.file.record) return;
		const name = decodeName(bytes, key + FILE_NAME_SIZE, units);
		this.entries.push({ name, inode, sequence: view.getUint16(at + 6, true) });
	}

	async #descend(vcn: number, depth: number, signal?: AbortSignal): Promise<void> {
		const size = this.#blockSize;
		const allocation = this.#loaded.file.indexAllocation;
		if (size === 0 || allocation === undefined || allocation.resident)
			return this.#fault("an index without its blocks");
		const { clusterSize } = this.#volume.boot;
		const offset = vcn * (clusterSize <= size ? clusterSize : SMALL_UNIT);
		if (depth > MAX_DEPTH) return this.#fault(`an index more than ${MAX_DEPTH} levels deep`);
		if (!(offset + size <= allocation.initialized) || offset % size !== 0) return this.#fault(`no index block ${vcn}`);
		if (this.#visited.has(vcn)) return this.#fault(`index block ${vcn} twice`);
		this.#visited.add(vcn);
		const bit = offset / size;
		const bitmap = this.#bitmap;
		if (bitmap !== undefined && bit < bitmap.length * 8 && (bitmap[bit >>> 3]! & (1 << (bit & 7))) === 0) {
			this.#fault(`index block ${vcn} that is not marked as in use`);
		}
		const block = await this.#block(allocation, offset, signal);
		const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
		if (view.getUint32(0, true) !== INDEX_MAGIC) return this.#fault(`no signature in index block ${vcn}`);
		const fault = applyFixups(block, view, 0, size);
		if (fault !== undefined) return this.#fault(`index block ${vcn} with ${fault}`);
		// Several runs may be made to show one block; only at one place is it right.
		if (u64(view, 16) !== vcn) return this.#fault(`index block ${u64(view, 16)} where ${vcn} should be`);
		await this.#walk(block, BLOCK_HEADER, size, depth, signal);
	}

	async #block(allocation: Stream, offset: number, signal?: AbortSignal): Promise<Buffer> {
		const index = Math.floor(offset / PIECE_BYTES);
		let piece = this.#pieces.get(index);
		if (piece === undefined) {
			piece = await readStream(this.#volume, this.#loaded, allocation, index * PIECE_BYTES, PIECE_BYTES, signal);
			const [oldest] = this.#pieces.keys();
			if (this.#pieces.size >= KEPT_PIECES && oldest !== undefined) this.#pieces.delete(oldest);
			this.#pieces.set(index, piece);
		}
		const start = offset % PIECE_BYTES;
		return piece.subarray(start, start + this.#blockSize);
	}
}
