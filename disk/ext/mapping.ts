/**
 * From an inode's i_block to the blocks of its content: extent trees, and the direct, indirect, double
 * and triple indirect blocks before them. Many inodes are mapped at once, level by level, so that tree
 * blocks are read in disk order.
 * Source: Linux Documentation/filesystems/ext4/ifork.rst, fs/ext4/ext4_extents.h.
 */
import { crc32c } from "../parser/checksum.ts";
import { appendRange } from "../parser/ranges.ts";
import { type Runs, sortRuns } from "../parser/runs.ts";
import { type BlockRun, BlockSet } from "../parser/volume.ts";
import { EXT4_EXTENTS_FL, type Ext, I_BLOCK_OFFSET, I_BLOCK_SIZE, inodeFlags, inodeSeed } from "./inode.ts";

const EXTENT_MAGIC = 0xf30a;
const EXTENT_SIZE = 12;
/** EXT_INIT_MAX_LEN: a longer length means an unwritten extent. */
const MAX_INITIALISED = 32768;
/** EXT4_MAX_EXTENT_DEPTH. */
const MAX_DEPTH = 5;
const DIRECT_BLOCKS = 12;
/** Logical blocks are 32-bit numbers. */
const LOGICAL_END = 2 ** 32;

/** An inode whose blocks are being found. */
export interface Mapping {
	inode: number;
	generation: number;
	readonly runs: Runs;
	/** Blocks of the tree itself, as byte ranges. */
	readonly meta: number[];
}

/** A tree block that is still to be read. */
interface TreeBlock {
	readonly mapping: Mapping;
	readonly block: number;
	/** For extents the depth its header must have; for indirect blocks 1 to 3, 1 being the one that names data. */
	readonly depth: number;
	readonly extents: boolean;
	/** The first logical block below it and the first behind. */
	readonly logical: number;
	readonly end: number;
}

/** Finds the blocks of many inodes: `add` each, then `finish`. */
export class BlockMapper {
	readonly #ext: Ext;
	readonly #blockSize: number;
	/** No tree block may have two parents: keeps a hostile tree from being walked over and over. */
	readonly #visited = new BlockSet();
	#pending: TreeBlock[] = [];

	constructor(ext: Ext) {
		this.#ext = ext;
		this.#blockSize = ext.superblock.blockSize;
	}

	/** Maps what i_block itself says. True where nothing more is to be read for this inode. */
	add(mapping: Mapping, view: DataView, at: number): boolean {
		const before = this.#pending.length;
		const start = at + I_BLOCK_OFFSET;
		if ((inodeFlags(view, at) & EXT4_EXTENTS_FL) !== 0) {
			this.#extentNode(mapping, view, start, I_BLOCK_SIZE, undefined, 0, LOGICAL_END);
		} else {
			for (let i = 0; i < DIRECT_BLOCKS; i++) this.#leaf(mapping, i, view.getUint32(start + i * 4, true));
			const each = this.#blockSize / 4;
			let logical = DIRECT_BLOCKS;
			for (let depth = 1; depth <= 3; depth++) {
				const end = Math.min(LOGICAL_END, logical + each ** depth);
				this.#child(mapping, view.getUint32(start + (11 + depth) * 4, true), depth, false, logical, end);
				logical = end;
			}
		}
		return this.#pending.length === before;
	}

	/** Reads all trees that are still open. */
	async finish(signal?: AbortSignal): Promise<void> {
		const touched = new Set<Mapping>();
		for (let round = 0; this.#pending.length > 0 && round <= MAX_DEPTH; round++) {
			const level = this.#pending;
			this.#pending = [];
			const runs: BlockRun<TreeBlock>[] = level.map((tag) => ({ start: tag.block, count: 1, tag }));
			await this.#ext.volume.readRuns(
				runs,
				(tree, _first, _count, bytes, at) => {
					touched.add(tree.mapping);
					const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
					if (tree.extents) {
						this.#extentNode(tree.mapping, view, at, this.#blockSize, tree.depth, tree.logical, tree.end);
					} else {
						this.#indirectBlock(tree, view, at);
					}
				},
				signal,
			);
		}
		for (const mapping of touched) sortRuns(mapping.runs);
	}

	#extentNode(
		mapping: Mapping,
		view: DataView,
		at: number,
		size: number,
		depth: number | undefined,
		logical: number,
		end: number,
	): void {
		const magic = view.getUint16(at, true);
		const entries = view.getUint16(at + 2, true);
		const max = view.getUint16(at + 4, true);
		const found = view.getUint16(at + 6, true);
		const room = (size - EXTENT_SIZE) / EXTENT_SIZE;
		if (magic !== EXTENT_MAGIC || entries > max || max > room || found > MAX_DEPTH || (depth ?? found) !== found) {
			this.#corrupt(mapping, "an extent tree node that makes no sense", {
				found: { magic, entries, max, depth: found },
			});
			return;
		}
		if (depth !== undefined && this.#ext.superblock.features.metadataCsum) this.#checkNode(mapping, view, at, max);
		let next = logical;
		for (let i = 1; i <= entries; i++) {
			const entry = at + i * EXTENT_SIZE;
			const first = view.getUint32(entry, true);
			if (first < next || first >= end) {
				this.#corrupt(mapping, "extents out of order", { found: first, wanted: next });
				return;
			}
			if (found > 0) {
				const child = view.getUint32(entry + 4, true) + view.getUint16(entry + 8, true) * 2 ** 32;
				const bound = i < entries ? view.getUint32(entry + EXTENT_SIZE, true) : end;
				this.#child(mapping, child, found - 1, true, first, Math.min(bound, end));
				next = first + 1;
				continue;
			}
			const length = view.getUint16(entry + 4, true);
			const count = length > MAX_INITIALISED ? length - MAX_INITIALISED : length;
			const block = view.getUint32(entry + 8, true) + view.getUint16(entry + 6, true) * 2 ** 32;
			if (first + count > end || !this.#ext.volume.holds(block, count)) {
				this.#corrupt(mapping, "an extent outside the volume", { found: { logical: first, block, count } });
				continue;
			}
			mapping.runs.push(first, block, length > MAX_INITIALISED ? -count : count);
			next = first + count;
		}
	}

	#checkNode(mapping: Mapping, view: DataView, at: number, max: number): void {
		const tail = at + (max + 1) * EXTENT_SIZE;
		if (tail + 4 > at + this.#blockSize) return;
		const crc = crc32c(inodeSeed(this.#ext, mapping.inode, mapping.generation), view, at, tail);
		if (crc !== view.getUint32(tail, true)) this.#corrupt(mapping, "an extent tree node that fails its checksum", {});
	}

	#indirectBlock(tree: TreeBlock, view: DataView, at: number): void {
		const below = (this.#blockSize / 4) ** (tree.depth - 1);
		for (let i = 0; i < this.#blockSize / 4; i++) {
			const logical = tree.logical + i * below;
			if (logical >= tree.end) return;
			const block = view.getUint32(at + i * 4, true);
			if (tree.depth === 1) this.#leaf(tree.mapping, logical, block);
			else this.#child(tree.mapping, block, tree.depth - 1, false, logical, Math.min(logical + below, tree.end));
		}
	}

	#leaf(mapping: Mapping, logical: number, block: number): void {
		if (block === 0) return;
		if (!this.#ext.volume.holds(block, 1)) {
			this.#corrupt(mapping, "a block outside the volume", { found: block });
			return;
		}
		const { runs } = mapping;
		const last = runs.length - 3;
		if (last >= 0 && runs[last]! + runs[last + 2]! === logical && runs[last + 1]! + runs[last + 2]! === block) {
			runs[last + 2]!++;
		} else {
			runs.push(logical, block, 1);
		}
	}

	#child(mapping: Mapping, block: number, depth: number, extents: boolean, logical: number, end: number): void {
		if (block === 0 && !extents) return;
		if (!this.#ext.volume.holds(block, 1)) {
			this.#corrupt(mapping, "a tree block outside the volume", { found: block });
			return;
		}
		if (!this.#visited.add(block)) {
			this.#corrupt(mapping, "a tree block that already has a parent", { found: block });
			return;
		}
		appendRange(mapping.meta, block * this.#blockSize, this.#blockSize);
		this.#pending.push({ mapping, block, depth, extents, logical, end });
	}

	#corrupt(mapping: Mapping, what: string, context: object): void {
		const structure = "ext4_inode.i_block";
		this.#ext.problems.add("corrupt", `inode ${mapping.inode} has ${what}`, {
			structure,
			inode: mapping.inode,
			...context,
		});
	}
}
