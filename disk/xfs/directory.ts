/**
 * Directories. A small one stands in its inode. A larger one is a file of directory blocks, each one
 * or more blocks of the filesystem, that hold the entries; behind 32 GiB of it stand hash tables,
 * which a reader of all names does not need.
 * Source: the kernel's fs/xfs/libxfs/xfs_da_format.h, xfs_dir2_priv.h.
 */
import { viewOf } from "../parser/checksum.ts";
import type { EachEntry } from "../parser/names.ts";
import type { Runs } from "../parser/runs.ts";
import type { BlockRun, BlockSet } from "../parser/volume.ts";
import { checksumHolds } from "./checksum.ts";
import { hasInode, readWide, uuidHolds, type Xfs } from "./geometry.ts";

/** A directory of one block, its own hash table at its end; and one of many. */
const BLOCK_MAGIC = { v4: 0x58443242, v5: 0x58444233 } as const;
const DATA_MAGIC = { v4: 0x58443244, v5: 0x58444433 } as const;
const V4_HEADER = 16;
const V5_HEADER = 64;
const V5_CRC = 4;
const V5_UUID = 24;
const V5_OWNER = 40;
/** XFS_DIR2_LEAF_OFFSET: entries stand before it. */
const LEAF_OFFSET = 2 ** 35;
const TAIL = 8;
/** Entries and gaps are multiples of this. */
const MIN_GAP = 8;
const LEAF_ENTRY = 8;
/** Inode number, length of the name, tag. */
const ENTRY_FIXED = 11;
/** Length of the name, offset. */
const SHORT_ENTRY_FIXED = 3;

/**
 * Hands over the names of a directory that stands in its inode. Undefined where all was well, else what was wrong.
 * Source: `struct xfs_dir2_sf_hdr` and `xfs_dir2_sf_entry`.
 */
export function parseShortDirectory(xfs: Xfs, bytes: Buffer, start: number, end: number, each: EachEntry) {
	if (end - start < 6) return "no room for its header";
	const wide = bytes[start + 1]! > 0;
	const view = viewOf(bytes);
	// Either all inode numbers take eight bytes or all take four.
	const width = wide ? 8 : 4;
	const count = bytes[start]!;
	const type = xfs.superblock.features.ftype ? 1 : 0;
	let at = start + 2 + width;
	for (let i = 0; i < count; i++) {
		if (at + SHORT_ENTRY_FIXED > end) return `an entry cut short at byte ${at - start}`;
		const length = bytes[at]!;
		const name = at + SHORT_ENTRY_FIXED;
		const number = name + length + type;
		if (length === 0 || number + width > end) return `an entry of length ${length} at byte ${at - start}`;
		const inode = wide ? readWide(view, number) : view.getUint32(number);
		if (!hasInode(xfs.superblock, inode)) return `an entry for inode ${inode} at byte ${at - start}`;
		each(bytes, name, name + length, inode);
		at = number + width;
	}
	return undefined;
}

/** Whether the directory block at `start` matches its checksum; version 4 has none. */
export function directoryBlockHolds({ superblock }: Xfs, view: DataView, start: number): boolean {
	const { blockSize, dirBlocks, features } = superblock;
	return features.version !== 5 || checksumHolds(view, start, start + blockSize * dirBlocks, start + V5_CRC);
}

/**
 * Hands over the names of the directory block at `start`, without `.` and `..`. Undefined where all was well, else
 * what was wrong; the names before it have been handed over.
 *
 * @param sound what `directoryBlockHolds` said of it, where it was asked before.
 */
export function parseDirectoryBlock(
	xfs: Xfs,
	owner: number,
	bytes: Buffer,
	start: number,
	each: EachEntry,
	sound = directoryBlockHolds(xfs, viewOf(bytes), start),
): string | undefined {
	const { superblock } = xfs;
	const { blockSize, dirBlocks, features, metaUuid } = superblock;
	const size = blockSize * dirBlocks;
	const v5 = features.version === 5;
	const view = viewOf(bytes);
	const magic = view.getInt32(start);
	const single = magic === (v5 ? BLOCK_MAGIC.v5 : BLOCK_MAGIC.v4);
	if (!single && magic !== (v5 ? DATA_MAGIC.v5 : DATA_MAGIC.v4))
		return `a block of magic 0x${(magic >>> 0).toString(16)}`;
	let fault: string | undefined;
	if (v5) {
		if (readWide(view, start + V5_OWNER) !== owner || !uuidHolds(view, start + V5_UUID, metaUuid)) {
			return "a block that belongs elsewhere";
		}
	}
	if (!sound) fault = "a block that does not match its checksum";
	let end = start + size;
	if (single) {
		const count = view.getUint32(end - TAIL);
		if (count > (size - TAIL - V5_HEADER) / LEAF_ENTRY) return `a hash table of ${count} entries`;
		end -= TAIL + count * LEAF_ENTRY;
	}
	const fixed = ENTRY_FIXED + (features.ftype ? 1 : 0);
	for (let at = start + (v5 ? V5_HEADER : V4_HEADER); at < end; ) {
		if (end - at < MIN_GAP) return `an entry cut short at byte ${at - start}`;
		if (bytes[at] === 0xff && bytes[at + 1] === 0xff) {
			const length = view.getInt16(at + 2) & 0xffff;
			if (length < MIN_GAP || (length & 7) !== 0 || at + length > end)
				return `a gap of ${length} at byte ${at - start}`;
			at += length;
			continue;
		}
		const length = end - at < ENTRY_FIXED ? 0 : bytes[at + 8]!;
		const next = at + ((length + fixed + 7) & ~7);
		if (length === 0 || next > end) return `an entry of length ${length} at byte ${at - start}`;
		const name = at + 9;
		const dots = length <= 2 && bytes[name] === 0x2e && (length === 1 || bytes[name + 1] === 0x2e);
		if (!dots) {
			const inode = readWide(view, at);
			if (hasInode(superblock, inode)) each(bytes, name, name + length, inode);
			else fault = `an entry for inode ${inode} at byte ${at - start}`;
		}
		at = next;
	}
	return fault;
}

export function directoryFault(xfs: Xfs, inode: number, fault: string | undefined, block?: number): void {
	if (fault === undefined) return;
	const offset = block === undefined ? undefined : block * xfs.superblock.blockSize;
	const where = offset === undefined ? "" : ` in the block at ${offset}`;
	xfs.problems.add("corrupt", `directory inode ${inode} has ${fault}${where}`, {
		structure: "xfs_dir2_data_entry",
		inode,
		...(offset === undefined ? {} : { offset }),
	});
}

/** Puts together directory blocks that lie in pieces, be it on the disk or in what was read at once. */
export class DirectoryAssembler {
	readonly #xfs: Xfs;
	/** Most directories lie in whole blocks and need none. */
	#partial: Map<number, { readonly bytes: Buffer; filled: number }> | undefined;

	constructor(xfs: Xfs) {
		this.#xfs = xfs;
	}

	/**
	 * `count` blocks from `at` of `bytes` are blocks `logical` and on of the directory; `whole` takes each directory
	 * block that is complete.
	 */
	add(logical: number, count: number, bytes: Buffer, at: number, whole: (bytes: Buffer, at: number) => void): void {
		const { blockSize, dirBlocks } = this.#xfs.superblock;
		for (let done = 0; done < count; ) {
			const within = (logical + done) % dirBlocks;
			const take = Math.min(count - done, dirBlocks - within);
			const from = at + done * blockSize;
			if (take === dirBlocks) {
				whole(bytes, from);
			} else {
				const key = logical + done - within;
				this.#partial ??= new Map();
				let partial = this.#partial.get(key);
				if (partial === undefined) {
					partial = { bytes: Buffer.alloc(dirBlocks * blockSize), filled: 0 };
					this.#partial.set(key, partial);
				}
				bytes.copy(partial.bytes, within * blockSize, from, from + take * blockSize);
				partial.filled += take;
				if (partial.filled === dirBlocks) {
					this.#partial.delete(key);
					whole(partial.bytes, 0);
				}
			}
			done += take;
		}
	}

	/** Directory blocks of which only a part came. */
	get missing(): number {
		return this.#partial?.size ?? 0;
	}
}

/**
 * The blocks of a directory that hold entries, tagged with their place in it.
 *
 * @param claimed blocks that were taken before: none has two owners, so that overlapping extents cannot make a small
 * disk into endless names.
 */
export function directoryRuns(xfs: Xfs, inode: number, runs: Runs, claimed: BlockSet): BlockRun<number>[] {
	const { blockSize } = xfs.superblock;
	const last = LEAF_OFFSET / blockSize;
	const found: BlockRun<number>[] = [];
	for (let i = 0; i < runs.length && runs[i]! < last; i += 3) {
		const start = runs[i + 1]!;
		const wanted = Math.min(Math.max(0, runs[i + 2]!), last - runs[i]!);
		const count = claimed.addRun(start, wanted);
		if (count > 0) found.push({ start, count, tag: runs[i]! });
		if (count < wanted) {
			directoryFault(xfs, inode, "a block that already belongs to a directory", start + count);
			break;
		}
	}
	return found;
}
