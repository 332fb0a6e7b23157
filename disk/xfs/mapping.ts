/**
 * From a fork of an inode to the blocks of its content: a list of extents in the inode itself, or the
 * root of a B+tree of such lists. Many forks are mapped at once, level by level, so that tree blocks
 * are read in disk order.
 * Source: `xfs_bmbt_rec`, `xfs_bmdr_block`, `xfs_btree_block` in the kernel's fs/xfs/libxfs/xfs_format.h.
 */
import { appendRange } from "../parser/ranges.ts";
import { type Runs, sortRuns } from "../parser/runs.ts";
import { type BlockRun, BlockSet } from "../parser/volume.ts";
import { checksumHolds } from "./checksum.ts";
import { blockOf, uuidHolds, type Xfs } from "./geometry.ts";
import { FORMAT_BTREE, FORMAT_EXTENTS, type Fork } from "./inode.ts";

const XFS_BMAP_MAGIC = 0x424d4150;
const XFS_BMAP_CRC_MAGIC = 0x424d4133;
const V4_HEADER = 24;
const V5_HEADER = 72;
const V5_UUID = 40;
const V5_OWNER = 56;
const V5_CRC = 64;
const ROOT_HEADER = 4;
const RECORD = 16;
const KEY = 8;
const POINTER = 8;
/** XFS_BM_MAXLEVELS: of the tree's blocks, without the root in the inode. */
const MAX_LEVEL = 8;

/** A fork whose blocks are being found. */
export interface Mapping {
	inode: number;
	readonly runs: Runs;
	/** Blocks of the tree itself, as byte ranges. */
	readonly meta: number[];
}

/** A tree block that is still to be read. */
interface TreeBlock {
	readonly mapping: Mapping;
	readonly block: number;
	readonly level: number;
	/** The first logical block below it and the first behind. */
	readonly logical: number;
	readonly end: number;
}

/** Finds the blocks of many forks: `add` each, then `finish`. */
export class BlockMapper {
	readonly #xfs: Xfs;
	readonly #v5: boolean;
	/** No tree block may have two parents: keeps a hostile tree from being walked over and over. */
	readonly #visited = new BlockSet();
	#pending: TreeBlock[] = [];

	constructor(xfs: Xfs) {
		this.#xfs = xfs;
		this.#v5 = xfs.superblock.features.version === 5;
	}

	/** Maps what the inode itself says. True where nothing more is to be read for this fork. */
	add(mapping: Mapping, view: DataView, fork: Fork): boolean {
		if (fork.format === FORMAT_EXTENTS) {
			if (fork.extents > Math.floor(fork.size / RECORD)) {
				this.#corrupt(mapping, `${fork.extents} extents where ${Math.floor(fork.size / RECORD)} have room`);
			} else {
				this.#records(mapping, view, fork.at, fork.extents, 0, Number.POSITIVE_INFINITY);
			}
			return true;
		}
		if (fork.format !== FORMAT_BTREE) return true;
		const before = this.#pending.length;
		const most = Math.floor((fork.size - ROOT_HEADER) / (KEY + POINTER));
		const level = fork.size < ROOT_HEADER ? 0 : view.getUint16(fork.at);
		const count = fork.size < ROOT_HEADER ? 0 : view.getUint16(fork.at + 2);
		if (level < 1 || level > MAX_LEVEL || count < 1 || count > most) {
			this.#corrupt(mapping, `a tree root of level ${level} with ${count} entries`);
			return true;
		}
		this.#children(mapping, view, fork.at + ROOT_HEADER, count, most, level - 1, 0, Number.POSITIVE_INFINITY);
		return this.#pending.length === before;
	}

	/** Reads all trees that are still open. */
	async finish(signal?: AbortSignal): Promise<void> {
		const touched = new Set<Mapping>();
		while (this.#pending.length > 0) {
			const level = this.#pending;
			this.#pending = [];
			const runs: BlockRun<TreeBlock>[] = level.map((tag) => ({ start: tag.block, count: 1, tag }));
			await this.#xfs.volume.readRuns(
				runs,
				(tree, _first, _count, bytes, at) => {
					touched.add(tree.mapping);
					this.#node(tree, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at);
				},
				signal,
			);
		}
		for (const mapping of touched) sortRuns(mapping.runs);
	}

	#node({ mapping, level, logical, end, block }: TreeBlock, view: DataView, at: number): void {
		const { blockSize, metaUuid } = this.#xfs.superblock;
		const header = this.#v5 ? V5_HEADER : V4_HEADER;
		const most = Math.floor((blockSize - header) / (level > 0 ? KEY + POINTER : RECORD));
		const count = view.getUint16(at + 6);
		const magic = this.#v5 ? XFS_BMAP_CRC_MAGIC : XFS_BMAP_MAGIC;
		if (view.getUint32(at) !== magic || view.getUint16(at + 4) !== level || count > most) {
			this.#corrupt(mapping, `an extent tree block that makes no sense at ${block * blockSize}`);
			return;
		}
		if (this.#v5) {
			const owner = view.getUint32(at + V5_OWNER) * 2 ** 32 + view.getUint32(at + V5_OWNER + 4);
			if (owner !== mapping.inode || !uuidHolds(view, at + V5_UUID, metaUuid)) {
				this.#corrupt(mapping, `an extent tree block that belongs elsewhere at ${block * blockSize}`);
				return;
			}
			if (!checksumHolds(view, at, at + blockSize, at + V5_CRC)) {
				this.#corrupt(mapping, `an extent tree block that does not match its checksum at ${block * blockSize}`);
			}
		}
		if (level > 0) this.#children(mapping, view, at + header, count, most, level - 1, logical, end);
		else this.#records(mapping, view, at + header, count, logical, end);
	}

	/** Keys, then pointers: the key of each is the first logical block below it. */
	#children(
		mapping: Mapping,
		view: DataView,
		at: number,
		count: number,
		most: number,
		level: number,
		logical: number,
		end: number,
	): void {
		const { superblock } = this.#xfs;
		let next = logical;
		for (let i = 0; i < count; i++) {
			const key = view.getUint32(at + i * KEY) * 2 ** 32 + view.getUint32(at + i * KEY + 4);
			if (key < next || key >= end) {
				this.#corrupt(mapping, "an extent tree out of order");
				return;
			}
			next = key + 1;
			const after = i + 1 < count ? view.getUint32(at + next8(i)) * 2 ** 32 + view.getUint32(at + next8(i) + 4) : end;
			const pointer = at + most * KEY + i * POINTER;
			const block = blockOf(superblock, view.getUint32(pointer) * 2 ** 32 + view.getUint32(pointer + 4), 1);
			if (block === undefined || block === 0) {
				this.#corrupt(mapping, "an extent tree block outside the volume");
			} else if (!this.#visited.add(block)) {
				this.#corrupt(mapping, "an extent tree block that already has a parent");
			} else {
				appendRange(mapping.meta, block * superblock.blockSize, superblock.blockSize);
				this.#pending.push({ mapping, block, level, logical: key, end: Math.min(after, end) });
			}
		}
	}

	/** 1 bit of state, 54 of logical block, 52 of physical block, 21 of length. */
	#records(mapping: Mapping, view: DataView, at: number, count: number, logical: number, end: number): void {
		let next = logical;
		for (let record = at; record < at + count * RECORD; record += RECORD) {
			const a = view.getUint32(record);
			const b = view.getUint32(record + 4);
			const c = view.getUint32(record + 8);
			const d = view.getUint32(record + 12);
			const first = (a & 0x7fffffff) * 2 ** 23 + (b >>> 9);
			const length = d & 0x1fffff;
			if (first < next || first + length > end || length === 0) {
				this.#corrupt(mapping, "extents out of order");
				return;
			}
			next = first + length;
			const block = blockOf(this.#xfs.superblock, (b & 0x1ff) * 2 ** 43 + c * 2 ** 11 + (d >>> 21), length);
			// Block 0 holds the superblock.
			if (block === undefined || block === 0) this.#corrupt(mapping, "an extent outside the volume");
			else mapping.runs.push(first, block, a >= 0x80000000 ? -length : length);
		}
	}

	#corrupt(mapping: Mapping, what: string): void {
		this.#xfs.problems.add("corrupt", `inode ${mapping.inode} has ${what}`, {
			structure: "xfs_bmbt_rec",
			inode: mapping.inode,
		});
	}
}

function next8(index: number): number {
	return (index + 1) * KEY;
}
