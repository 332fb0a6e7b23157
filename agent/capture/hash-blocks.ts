/** Names blocks, tells which changed, and compresses those that did. Touches nothing but the memory of one hashing request. */
import { crc32 } from "node:zlib";
import {
	BLOCK_SIZE,
	blake3Name,
	ENTROPY_SCALE,
	isZero,
	NAME_SIZE,
	PAGE_SIZE,
	PAGES_PER_BLOCK,
} from "../../common/block.ts";
import { FrameEncoder } from "../../common/zstd.ts";
import { pageEntropy } from "../../disk/map/entropy.ts";
import type { SlotViews } from "./hash-slot.ts";
import { RECORD_CRC, RECORD_ENTROPY, RECORD_SIZE } from "./record.ts";

const CRC_OF_ZERO_PAGE = crc32(Buffer.alloc(PAGE_SIZE));
/** Blocks above this mean entropy (bits per byte x 31.875) do not get smaller; trying costs more than it saves. */
const INCOMPRESSIBLE = 7.7 * ENTROPY_SCALE;
/** Of a block; less of a saving is not worth the decompression at every read. */
const WORTH = 0.95;
/** One page in so many tells whether a block of memory is worth compressing. */
const SAMPLED_PAGES = 4;
const encoder = new FrameEncoder(1, BLOCK_SIZE);

/** The zstd form of a block in memory of its own, null where it is unchanged, zero or better left raw. */
export type CompressedBlock = Uint8Array<ArrayBuffer> | null;

/** Fills the new records of the first `blocks` blocks of a slot. */
export function hashBlocks(views: SlotViews, blocks: number, namesOnly = false): CompressedBlock[] {
	return Array.from({ length: blocks }, (_, block) => hashBlock(views, block, namesOnly));
}

function hashBlock({ data, before, after, changed }: SlotViews, block: number, namesOnly: boolean): CompressedBlock {
	const bytes = data.subarray(block * BLOCK_SIZE, (block + 1) * BLOCK_SIZE);
	const at = block * RECORD_SIZE;
	const zero = isZero(bytes);
	if (zero) after.fill(0, at, at + RECORD_SIZE);
	else after.set(blake3Name(bytes), at);
	changed[block] =
		Buffer.compare(after.subarray(at, at + NAME_SIZE), before.subarray(at, at + NAME_SIZE)) === 0 ? 0 : 1;
	if (changed[block] === 0) {
		after.set(before.subarray(at, at + RECORD_SIZE), at);
		return null;
	}
	if (zero) return null;
	if (namesOnly) return looksRandom(bytes) ? null : (encoder.encode(bytes, BLOCK_SIZE * WORTH) ?? null);

	let entropySum = 0;
	for (let page = 0; page < PAGES_PER_BLOCK; page++) {
		const crc = (crc32(bytes.subarray(page * PAGE_SIZE, (page + 1) * PAGE_SIZE)) ^ CRC_OF_ZERO_PAGE) >>> 0;
		const entropy = Math.round(pageEntropy(bytes, page * PAGE_SIZE, PAGE_SIZE) * ENTROPY_SCALE);
		entropySum += entropy;
		after[at + RECORD_ENTROPY + page] = entropy;
		const crcAt = at + RECORD_CRC + 4 * page;
		after[crcAt] = crc;
		after[crcAt + 1] = crc >>> 8;
		after[crcAt + 2] = crc >>> 16;
		after[crcAt + 3] = crc >>> 24;
	}
	if (entropySum / PAGES_PER_BLOCK > INCOMPRESSIBLE) return null;
	return encoder.encode(bytes, BLOCK_SIZE * WORTH) ?? null;
}

/** By a few of its pages: memory holds what is compressed or encrypted in runs of them. */
function looksRandom(bytes: Uint8Array): boolean {
	for (let page = 0; page < PAGES_PER_BLOCK; page += SAMPLED_PAGES) {
		if (pageEntropy(bytes, page * PAGE_SIZE, PAGE_SIZE) <= INCOMPRESSIBLE / ENTROPY_SCALE) return false;
	}
	return true;
}
