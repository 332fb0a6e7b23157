/**
 * jbd2: which blocks of the volume stand, newer, in the journal. Nothing is written: the outcome is a
 * map from block to its place in the journal, as the kernel's recovery would have copied them.
 * Source: Linux Documentation/filesystems/ext4/journal.rst, fs/jbd2/recovery.c, include/linux/jbd2.h.
 */

import type { Ranges } from "../filesystem.ts";
import { crc32be, crc32c, crc32cWord, crc32cZeroes, viewOf } from "../parser/checksum.ts";
import type { Problems } from "../parser/problems.ts";
import { appendRange } from "../parser/ranges.ts";
import type { Runs } from "../parser/runs.ts";
import type { Overlay, Volume } from "../parser/volume.ts";
import { JOURNAL_MAGIC, type JournalSuperblock, parseJournalSuperblock } from "./journal-superblock.ts";

const DESCRIPTOR_BLOCK = 1;
const COMMIT_BLOCK = 2;
const REVOKE_BLOCK = 5;
const HEADER_SIZE = 12;
const REVOKE_HEADER_SIZE = 16;
const UUID_SIZE = 16;
/** jbd2_journal_block_tail: the checksum at the end of descriptor and revoke blocks. */
const TAIL_SIZE = 4;
const FLAG_ESCAPE = 1;
const FLAG_SAME_UUID = 2;
const FLAG_LAST_TAG = 8;
const CRC32_TYPE = 1;
/** EXT4_FC_TAG_HEAD, and where the transaction number stands behind it. */
const FAST_COMMIT_HEAD = 9;
/** Journal blocks that are read at once while the log is followed. */
const WINDOW_BYTES = 256 * 1024;
const PATCHES_IN_FLIGHT = 8;
/** Newer copies that are kept while the filesystem is open; a log that holds more is read block by block. */
const MAX_COPIES_BYTES = 32 << 20;

/** The newest copy of a block. */
interface LoggedBlock {
	/** Where it stands in the volume. */
	readonly at: number;
	/** Its first four bytes were the journal's magic number and have been replaced by zeroes. */
	readonly escaped: boolean;
	readonly sequence: number;
	/** Undefined where the journal has no checksum for it; 16 bits of it in a v2 journal. */
	readonly checksum: number | undefined;
}

interface Tag extends LoggedBlock {
	readonly block: number;
}

/**
 * Follows the log and returns what a replay would put over the volume; undefined where nothing is to be replayed.
 *
 * It ends, as in the kernel, before the first transaction that is not complete, not in sequence or fails a checksum.
 *
 * @param runs where the journal inode's blocks lie.
 */
export async function readJournal(
	volume: Volume,
	runs: Runs,
	problems: Problems,
	signal?: AbortSignal,
): Promise<Overlay | undefined> {
	const log = new JournalBlocks(volume, runs);
	const superblock = parseJournalSuperblock(await log.read(0, signal), volume.blockSize, log.count, problems);
	if (superblock === undefined) return undefined;
	const recovery = new Recovery(log, superblock, volume, problems);
	await recovery.run(signal);
	if (recovery.blocks.size === 0) return undefined;
	return new JournalOverlay(recovery.blocks, superblock, volume, problems);
}

/** The journal's own blocks, read through a window because the log is followed mostly forwards. */
class JournalBlocks {
	readonly count: number;
	readonly #volume: Volume;
	readonly #runs: Runs;
	#window: Buffer = Buffer.alloc(0);
	/** Physical block at the window's begin. */
	#windowStart = -1;

	constructor(volume: Volume, runs: Runs) {
		this.#volume = volume;
		this.#runs = runs;
		let count = 0;
		for (let i = 0; i < runs.length && runs[i] === count; i += 3) count += Math.abs(runs[i + 2]!);
		this.count = count;
	}

	/** Where block `index` of the journal lies: the byte in the volume, and how many blocks follow on from it. */
	locate(index: number): { readonly at: number; readonly blocks: number } {
		let low = 0;
		let high = this.#runs.length / 3 - 1;
		while (low < high) {
			const middle = (low + high + 1) >>> 1;
			if (this.#runs[middle * 3]! <= index) low = middle;
			else high = middle - 1;
		}
		const into = index - this.#runs[low * 3]!;
		const block = this.#runs[low * 3 + 1]! + into;
		return { at: block * this.#volume.blockSize, blocks: Math.abs(this.#runs[low * 3 + 2]!) - into };
	}

	/** Valid until the next read. */
	async read(index: number, signal?: AbortSignal): Promise<Buffer> {
		const { blockSize } = this.#volume;
		if (index >= this.count) return Buffer.alloc(blockSize);
		const { at, blocks } = this.locate(index);
		if (at < this.#windowStart || at + blockSize > this.#windowStart + this.#window.length) {
			this.#window = await this.#volume.read(at, Math.min(blocks * blockSize, WINDOW_BYTES), signal);
			this.#windowStart = at;
		}
		return this.#window.subarray(at - this.#windowStart, at - this.#windowStart + blockSize);
	}
}

class Recovery {
	/** Block of the volume -> its newest copy. Never more than the journal has blocks. */
	readonly blocks = new Map<number, LoggedBlock>();
	readonly #log: JournalBlocks;
	readonly #superblock: JournalSuperblock;
	/** A filesystem may have grown within the log, but never beyond its disk. */
	readonly #blocksHere: number;
	readonly #problems: Problems;
	/** Of the transaction at hand: they count only once it is seen to be committed. */
	#tags: Tag[] = [];
	#revoked: number[] = [];
	/** A block before the commit failed its checksum: either the end of the log or damage. */
	#suspect = false;
	#dataCrc = 0xffffffff;
	#lastCommit = 0;
	#left = 0;

	constructor(log: JournalBlocks, superblock: JournalSuperblock, volume: Volume, problems: Problems) {
		this.#log = log;
		this.#superblock = superblock;
		this.#blocksHere = Math.floor(volume.source.size / volume.blockSize);
		this.#problems = problems;
	}

	async run(signal?: AbortSignal): Promise<void> {
		const { start, last, first } = this.#superblock;
		if (start === 0) return;
		let sequence = this.#superblock.sequence;
		let index = start;
		// A log that leads round in a circle without a commit would be followed for ever.
		for (this.#left = last - first; this.#left > 0; ) {
			const block = await this.#log.read(index, signal);
			if (block.readUInt32BE(0) !== JOURNAL_MAGIC || block.readUInt32BE(8) !== sequence) break;
			index = this.#next(index);
			const type = block.readUInt32BE(4);
			if (type === DESCRIPTOR_BLOCK) {
				index = await this.#descriptor(block, index, sequence, signal);
			} else if (type === REVOKE_BLOCK) {
				this.#revoke(block);
			} else if (type === COMMIT_BLOCK) {
				if (!this.#commit(block, sequence)) break;
				sequence = (sequence + 1) >>> 0;
			} else break;
		}
		await this.#checkFastCommits(sequence, signal);
	}

	#next(index: number): number {
		this.#left--;
		return index + 1 >= this.#superblock.last ? this.#superblock.first : index + 1;
	}

	#tailHolds(block: Buffer): boolean {
		const { csumSeed } = this.#superblock;
		if (csumSeed === undefined) return true;
		const tail = block.length - TAIL_SIZE;
		return crc32cZeroes(crc32c(csumSeed, viewOf(block), 0, tail), TAIL_SIZE) === block.readUInt32BE(tail);
	}

	/** Gathers the tags; the blocks they name follow, and `index` moves behind them. */
	async #descriptor(descriptor: Buffer, at: number, sequence: number, signal?: AbortSignal): Promise<number> {
		const { csumSeed, csumV3, bit64, tagBytes, dataChecksum } = this.#superblock;
		if (!this.#tailHolds(descriptor)) this.#suspect = true;
		if (dataChecksum) this.#dataCrc = crc32be(this.#dataCrc, descriptor);
		const end = descriptor.length - (csumSeed === undefined ? 0 : TAIL_SIZE);
		const tags: Tag[] = [];
		let index = at;
		for (let tag = HEADER_SIZE; tag + tagBytes <= end && this.#left > 0; ) {
			const flags = descriptor.readUInt16BE(tag + 6);
			const high = bit64 ? descriptor.readUInt32BE(tag + 8) : 0;
			let checksum: number | undefined;
			if (csumSeed !== undefined)
				checksum = csumV3 ? descriptor.readUInt32BE(tag + 12) : descriptor.readUInt16BE(tag + 4);
			tags.push({
				block: descriptor.readUInt32BE(tag) + high * 2 ** 32,
				at: index < this.#log.count ? this.#log.locate(index).at : -1,
				escaped: (flags & FLAG_ESCAPE) !== 0,
				sequence,
				checksum,
			});
			tag += tagBytes + ((flags & FLAG_SAME_UUID) !== 0 ? 0 : UUID_SIZE);
			// The window moves on here, and `descriptor` is a view of the old one, which stays as it is.
			if (dataChecksum) this.#dataCrc = crc32be(this.#dataCrc, await this.#log.read(index, signal));
			index = this.#next(index);
			if ((flags & FLAG_LAST_TAG) !== 0) break;
		}
		for (const tag of tags) this.#tags.push(tag);
		return index;
	}

	#revoke(block: Buffer): void {
		if (!this.#tailHolds(block)) this.#suspect = true;
		const size = this.#superblock.bit64 ? 8 : 4;
		const most = block.length - (this.#superblock.csumSeed === undefined ? 0 : TAIL_SIZE);
		const end = Math.min(block.readUInt32BE(HEADER_SIZE), most);
		for (let at = REVOKE_HEADER_SIZE; at + size <= end; at += size) {
			const high = size === 8 ? block.readUInt32BE(at) * 2 ** 32 : 0;
			this.#revoked.push(high + block.readUInt32BE(at + size - 4));
		}
	}

	/** False where the log ends before this commit. */
	#commit(block: Buffer, sequence: number): boolean {
		const { csumSeed, dataChecksum, asyncCommit } = this.#superblock;
		const seconds = block.readUInt32BE(48) * 2 ** 32 + block.readUInt32BE(52);
		const time = seconds * 1e9 + block.readUInt32BE(56);
		let holds = !this.#suspect;
		let needed = true;
		if (dataChecksum) {
			const found = block.readUInt32BE(16);
			const unused = block[12] === 0 && block[13] === 0 && found === 0;
			if (!unused && !(block[12] === CRC32_TYPE && block[13] === 4 && found === this.#dataCrc)) holds = false;
		}
		if (holds && csumSeed !== undefined) {
			const crc = crc32c(crc32cZeroes(crc32c(csumSeed, viewOf(block), 0, 16), 4), viewOf(block), 20);
			if (crc !== block.readUInt32BE(16)) {
				holds = false;
				needed = !asyncCommit; // an asynchronous commit block may be on disk before its transaction is
			}
		}
		// An old transaction behind the end of the log carries an older time: that is the end, not damage.
		if (!holds && time >= this.#lastCommit && needed) {
			this.#problems.add("corrupt", `journal transaction ${sequence} fails its checksum; the replay ends before it`, {
				structure: "jbd2 transaction",
				found: sequence,
			});
		}
		if (!holds) return false;
		this.#lastCommit = time;
		for (const { block: target, ...logged } of this.#tags) {
			if (target < this.#blocksHere && logged.at >= 0) this.blocks.set(target, logged);
			else {
				this.#problems.add("corrupt", `journal transaction ${sequence} holds a block outside the volume`, {
					structure: "jbd2 descriptor",
					found: target,
				});
			}
		}
		// A revoke record takes back every copy up to and including its own transaction's.
		for (const target of this.#revoked) this.blocks.delete(target);
		this.#tags = [];
		this.#revoked = [];
		this.#dataCrc = 0xffffffff;
		return true;
	}

	async #checkFastCommits(sequence: number, signal?: AbortSignal): Promise<void> {
		const at = this.#superblock.fastCommitStart;
		if (at === undefined) return;
		const block = await this.#log.read(at, signal);
		if (block.readUInt16LE(0) === FAST_COMMIT_HEAD && block.readUInt32LE(8) === sequence) {
			this.#problems.add("unsupported", "the journal holds fast commits, whose changes are not shown", {
				structure: "jbd2 fast commit area",
				found: sequence,
			});
		}
	}
}

class JournalOverlay implements Overlay {
	readonly #blocks: ReadonlyMap<number, LoggedBlock>;
	readonly #sorted: Float64Array;
	readonly #superblock: JournalSuperblock;
	readonly #volume: Volume;
	readonly #problems: Problems;
	#copies: Promise<ReadonlyMap<number, Buffer>> | undefined;

	constructor(
		blocks: ReadonlyMap<number, LoggedBlock>,
		superblock: JournalSuperblock,
		volume: Volume,
		problems: Problems,
	) {
		this.#blocks = blocks;
		this.#sorted = Float64Array.from(blocks.keys()).sort();
		this.#superblock = superblock;
		this.#volume = volume;
		this.#problems = problems;
	}

	get ranges(): Ranges {
		const { blockSize } = this.#volume;
		const ranges: number[] = [];
		for (const block of this.#sorted) appendRange(ranges, block * blockSize, blockSize);
		return ranges;
	}

	async patch(bytes: Uint8Array, offset: number, signal?: AbortSignal): Promise<void> {
		const { blockSize } = this.#volume;
		const end = (offset + bytes.length) / blockSize;
		let pending: Promise<void>[] = [];
		for (let i = this.#firstFrom(Math.floor(offset / blockSize)); i < this.#sorted.length; i++) {
			const block = this.#sorted[i]!;
			if (block >= end) break;
			pending.push(this.#patchBlock(bytes, offset, block, signal));
			if (pending.length === PATCHES_IN_FLIGHT) {
				await Promise.all(pending);
				pending = [];
			}
		}
		await Promise.all(pending);
	}

	/** All copies at once, in the order in which they stand in the log; none where they would fill too much memory. */
	async #readCopies(signal?: AbortSignal): Promise<ReadonlyMap<number, Buffer>> {
		const { blockSize } = this.#volume;
		const copies = new Map<number, Buffer>();
		if (this.#blocks.size * blockSize > MAX_COPIES_BYTES) return copies;
		const runs = Array.from(this.#blocks, ([block, { at }]) => ({ start: at / blockSize, count: 1, tag: block }));
		await this.#volume.readRuns(
			runs,
			(block, _first, _count, bytes, at) => copies.set(block, Buffer.from(bytes.subarray(at, at + blockSize))),
			signal,
		);
		return copies;
	}

	async #copyOf(block: number, at: number, signal?: AbortSignal): Promise<Buffer> {
		this.#copies ??= this.#readCopies(signal);
		try {
			const copy = (await this.#copies).get(block);
			if (copy !== undefined) return copy;
		} catch (error) {
			this.#copies = undefined; // it may have been another caller's signal
			throw error;
		}
		return await this.#volume.read(at, this.#volume.blockSize, signal);
	}

	async #patchBlock(bytes: Uint8Array, offset: number, block: number, signal?: AbortSignal): Promise<void> {
		const { blockSize } = this.#volume;
		const logged = this.#blocks.get(block)!;
		const copy = Buffer.from(await this.#copyOf(block, logged.at, signal));
		if (!this.#holds(copy, logged)) {
			this.#problems.add(
				"corrupt",
				`the journal's copy of block ${block} fails its checksum; the block is shown as it was`,
				{
					structure: "jbd2 data block",
					offset: logged.at,
					block,
				},
			);
			return;
		}
		if (logged.escaped) copy.writeUInt32BE(JOURNAL_MAGIC, 0);
		const from = Math.max(0, offset - block * blockSize);
		const to = Math.min(blockSize, offset + bytes.length - block * blockSize);
		bytes.set(copy.subarray(from, to), block * blockSize + from - offset);
	}

	#holds(copy: Buffer, logged: LoggedBlock): boolean {
		const { csumSeed, csumV3 } = this.#superblock;
		if (csumSeed === undefined || logged.checksum === undefined) return true;
		const crc = crc32c(crc32cWord(csumSeed, bigEndian(logged.sequence)), viewOf(copy));
		return (csumV3 ? crc : crc & 0xffff) === logged.checksum;
	}

	/** Index of the first overlaid block that is not before `block`. */
	#firstFrom(block: number): number {
		let low = 0;
		let high = this.#sorted.length;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if (this.#sorted[middle]! < block) low = middle + 1;
			else high = middle;
		}
		return low;
	}
}

/** The number whose little-endian bytes are those of `word` in big-endian order. */
function bigEndian(word: number): number {
	return ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24);
}
