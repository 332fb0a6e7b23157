/**
 * The worker thread of `hash-pool.ts`: names blocks, tells which changed, and compresses those that did.
 * It runs to completion on one slot at a time and touches nothing but that slot's shared memory.
 */
import { parentPort, workerData } from "node:worker_threads";
import { constants, crc32, zstdCompressSync } from "node:zlib";
import {
	BLOCK_SIZE,
	blake3Name,
	ENTROPY_SCALE,
	isZero,
	NAME_SIZE,
	PAGE_SIZE,
	PAGES_PER_BLOCK,
} from "../../common/block.ts";
import { pageEntropy } from "../../disk/map/entropy.ts";
import { type HashReply, type HashRequest, openSlot, type SlotViews } from "./hash-slot.ts";
import { RECORD_CRC, RECORD_ENTROPY, RECORD_SIZE } from "./record.ts";

const CRC_OF_ZERO_PAGE = crc32(Buffer.alloc(PAGE_SIZE));
/** Blocks above this mean entropy (bits per byte x 31.875) do not get smaller; trying costs more than it saves. */
const INCOMPRESSIBLE = 7.7 * ENTROPY_SCALE;
const ZSTD = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

const slots: SlotViews[] = (workerData as SharedArrayBuffer[]).map(openSlot);

parentPort?.on("message", ({ slot, blocks }: HashRequest) => {
	const views = slots[slot];
	if (views === undefined) throw new Error(`no slot ${slot}`);
	const compressed: (Uint8Array | null)[] = [];
	for (let block = 0; block < blocks; block++) compressed.push(hashBlock(views, block));
	const transfer = compressed.flatMap((bytes) => (bytes === null ? [] : [bytes.buffer as ArrayBuffer]));
	parentPort?.postMessage({ slot, compressed } satisfies HashReply, transfer);
});

/** Fills the block's new record; returns its zstd form where that is smaller and the block changed. */
function hashBlock({ data, before, after, changed }: SlotViews, block: number): Uint8Array | null {
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
	const small = zstdCompressSync(bytes, ZSTD);
	if (small.length > BLOCK_SIZE * 0.95) return null;
	// A copy of its own, since only a whole ArrayBuffer can be handed over.
	return new Uint8Array(small);
}
