/**
 * The B+trees of the allocation groups: where their blocks are, and what the inode trees record. Those
 * of all groups are walked at once, level by level, so that blocks are read in disk order. Of the
 * trees that say nothing of files only the inner nodes are read: their leaves are known from these.
 * Source: `struct xfs_btree_block` and the record types in the kernel's fs/xfs/libxfs/xfs_format.h.
 */
import { type BlockRun, BlockSet } from "../parser/volume.ts";
import { checksumHolds } from "./checksum.ts";
import { blockInGroup, uuidHolds, type Xfs } from "./geometry.ts";
import type { TreeKind, TreeRoot } from "./groups.ts";

/** XFS_BTREE_MAXLEVELS. */
const MAX_LEVELS = 9;
const V4_HEADER = 16;
const V5_HEADER = 56;
const V5_UUID = 32;
const V5_OWNER = 48;
const V5_CRC = 52;
const POINTER = 4;

interface TreeFormat {
	/** Of version 4; 0 where only version 5 has such a tree. */
	readonly magic4: number;
	readonly magic5: number;
	readonly record: number;
	readonly key: number;
}

const FORMATS: Readonly<Record<TreeKind, TreeFormat>> = {
	bnobt: { magic4: 0x41425442, magic5: 0x41423342, record: 8, key: 8 },
	cntbt: { magic4: 0x41425443, magic5: 0x41423343, record: 8, key: 8 },
	inobt: { magic4: 0x49414254, magic5: 0x49414233, record: 16, key: 4 },
	finobt: { magic4: 0, magic5: 0x46494233, record: 16, key: 4 },
	// Keys of what may overlap are pairs: the lowest and the highest.
	rmapbt: { magic4: 0, magic5: 0x524d4233, record: 24, key: 40 },
	refcountbt: { magic4: 0, magic5: 0x52334643, record: 12, key: 4 },
};

/** Inodes of one chunk. */
export const CHUNK_INODES = 64;
/** Inodes that a bit of the hole mask stands for. */
export const HOLE_INODES = 4;

/** A record of an inode tree. */
export interface InodeChunk {
	readonly group: number;
	/** The first inode, by its place in the group. */
	readonly agino: number;
	/** Bit i is set where inodes 4i to 4i+3 of the chunk do not exist. */
	readonly holes: number;
	/** Bits 0 to 31 and 32 to 63: set where the inode is free. */
	readonly freeLow: number;
	readonly freeHigh: number;
}

export interface TreeWalk {
	/** Every block of every tree, as blocks of the volume, in no order. */
	readonly blocks: readonly number[];
	readonly chunks: readonly InodeChunk[];
}

interface Pending {
	readonly tree: TreeRoot;
	readonly level: number;
	readonly block: number;
}

/** Where the inodes that exist from inode `from` of the chunk on end: `from` itself where it does not exist. */
export function endOfRun({ holes }: InodeChunk, from: number): number {
	if (holes === 0) return CHUNK_INODES;
	let to = from;
	while (to < CHUNK_INODES && (holes & (1 << (to / HOLE_INODES))) === 0) to += HOLE_INODES;
	return to;
}

/** Reads the trees with these roots. Damage is a problem, and what lies below it is missing. */
export async function walkTrees(xfs: Xfs, roots: readonly TreeRoot[], signal?: AbortSignal): Promise<TreeWalk> {
	const walk = new Walk(xfs);
	await walk.run(roots, signal);
	return walk;
}

class Walk implements TreeWalk {
	readonly blocks: number[] = [];
	readonly chunks: InodeChunk[] = [];
	readonly #xfs: Xfs;
	readonly #header: number;
	/** No block may have two parents: keeps a hostile tree from being walked over and over. */
	readonly #visited = new BlockSet();
	/** No inodes may stand in two records. */
	readonly #claimed = new BlockSet();
	#pending: Pending[] = [];

	constructor(xfs: Xfs) {
		this.#xfs = xfs;
		this.#header = xfs.superblock.features.version === 5 ? V5_HEADER : V4_HEADER;
	}

	async run(roots: readonly TreeRoot[], signal?: AbortSignal): Promise<void> {
		for (const tree of roots) {
			if (tree.levels >= 1 && tree.levels <= MAX_LEVELS) this.#child(tree, tree.agblock, tree.levels - 1);
			else this.#corrupt(tree, `${tree.levels} levels`);
		}
		while (this.#pending.length > 0) {
			const level = this.#pending;
			this.#pending = [];
			const runs: BlockRun<Pending>[] = level.map((tag) => ({ start: tag.block, count: 1, tag }));
			await this.#xfs.volume.readRuns(
				runs,
				(pending, _first, _count, bytes, at) => {
					this.#node(pending, new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at);
				},
				signal,
			);
		}
	}

	#child(tree: TreeRoot, agblock: number, level: number): void {
		const block = blockInGroup(this.#xfs.superblock, tree.group, agblock, 1);
		if (block === undefined || agblock === 0) {
			this.#corrupt(tree, `block ${agblock}, outside the group`);
			return;
		}
		if (!this.#visited.add(block)) {
			this.#corrupt(tree, `block ${agblock}, which already has a parent`);
			return;
		}
		this.blocks.push(block);
		if (level > 0 || tree.kind === "inobt") this.#pending.push({ tree, level, block });
	}

	#node({ tree, level, block }: Pending, view: DataView, at: number): void {
		const { blockSize, features, metaUuid } = this.#xfs.superblock;
		const format = FORMATS[tree.kind];
		const v5 = features.version === 5;
		const magic = v5 ? format.magic5 : format.magic4;
		const room = blockSize - this.#header;
		const most = Math.floor(room / (level > 0 ? format.key + POINTER : format.record));
		const count = view.getUint16(at + 6);
		if (view.getUint32(at) !== magic || view.getUint16(at + 4) !== level || count > most) {
			this.#corrupt(tree, "a block that makes no sense", block);
			return;
		}
		if (v5) {
			if (!uuidHolds(view, at + V5_UUID, metaUuid) || view.getUint32(at + V5_OWNER) !== tree.group) {
				this.#corrupt(tree, "a block that belongs elsewhere", block);
				return;
			}
			if (!checksumHolds(view, at, at + blockSize, at + V5_CRC)) {
				this.#corrupt(tree, "a block that does not match its checksum", block);
			}
		}
		const first = at + this.#header;
		if (level > 0) {
			for (let i = 0; i < count; i++) {
				this.#child(tree, view.getUint32(first + most * format.key + i * POINTER), level - 1);
			}
			return;
		}
		for (let i = 0; i < count; i++) this.#chunk(tree, view, first + i * format.record);
	}

	#chunk(tree: TreeRoot, view: DataView, at: number): void {
		const { superblock } = this.#xfs;
		const { inodesPerBlock, agBlocks } = superblock;
		const agino = view.getUint32(at);
		const chunk: InodeChunk = {
			group: tree.group,
			agino,
			holes: superblock.features.sparseInodes ? view.getUint16(at + 4) : 0,
			freeHigh: view.getInt32(at + 8),
			freeLow: view.getInt32(at + 12),
		};
		// A chunk is made of whole blocks, or, where blocks are large, of a whole part of one.
		const unit = Math.min(CHUNK_INODES, inodesPerBlock);
		if (agino % unit !== 0) {
			this.#corrupt(tree, `a record for inode ${agino} of the group`);
			return;
		}
		const start = (tree.group * agBlocks * inodesPerBlock + agino) / unit;
		let claimed = start;
		for (let from = 0; from < CHUNK_INODES; from += HOLE_INODES) {
			const to = endOfRun(chunk, from);
			if (to === from) continue;
			const agblock = Math.floor((agino + from) / inodesPerBlock);
			const blocks = Math.ceil((agino + to) / inodesPerBlock) - agblock;
			if (blockInGroup(superblock, tree.group, agblock, blocks) === undefined) {
				this.#corrupt(tree, `inodes from ${agino}, which leave the group`);
				return;
			}
			// Two runs in one unit are damage, but not two owners.
			const first = Math.max(claimed, start + Math.floor(from / unit));
			claimed = start + Math.ceil(to / unit);
			if (this.#claimed.addRun(first, claimed - first) < claimed - first) {
				this.#corrupt(tree, `inodes from ${agino} twice`);
				return;
			}
			from = to;
		}
		this.chunks.push(chunk);
	}

	#corrupt(tree: TreeRoot, what: string, block?: number): void {
		const { superblock, problems } = this.#xfs;
		const offset = block === undefined ? undefined : block * superblock.blockSize;
		problems.add("corrupt", `the ${tree.kind} of group ${tree.group} has ${what}${at(offset)}`, {
			structure: tree.kind,
			group: tree.group,
			...(offset === undefined ? {} : { offset }),
		});
	}
}

function at(offset: number | undefined): string {
	return offset === undefined ? "" : ` at ${offset}`;
}
