/** The shared memory of one hashing request: up to `SLOT_BLOCKS` blocks, their old records, and room for the new. */
import { BLOCK_SIZE } from "../../common/block.ts";
import type { CompressedBlock } from "./hash-blocks.ts";
import { RECORD_SIZE } from "./record.ts";

/** Blocks a slot: 1 MiB, large enough that a message a slot costs nothing, small enough that slots are cheap. */
export const SLOT_BLOCKS = 16;

export interface SlotViews {
	/** Contents; a short last block of a disk is padded with zeroes. */
	readonly data: Uint8Array;
	readonly before: Uint8Array;
	readonly after: Uint8Array;
	/** One byte a block: 1 where its name differs from the old one. */
	readonly changed: Uint8Array;
}

export interface HashRequest {
	readonly slot: number;
	readonly blocks: number;
	/** Without checksums and entropy of pages, of what is compared with nothing later. */
	readonly namesOnly: boolean;
}

/** The first message of a thread. */
export const UP = "up";

export interface HashReply {
	readonly slot: number;
	readonly compressed: readonly CompressedBlock[];
}

const DATA_BYTES = SLOT_BLOCKS * BLOCK_SIZE;
const RECORD_BYTES = SLOT_BLOCKS * RECORD_SIZE;

export function makeSlot(): SharedArrayBuffer {
	return new SharedArrayBuffer(DATA_BYTES + 2 * RECORD_BYTES + SLOT_BLOCKS);
}

export function openSlot(memory: SharedArrayBuffer): SlotViews {
	return {
		data: new Uint8Array(memory, 0, DATA_BYTES),
		before: new Uint8Array(memory, DATA_BYTES, RECORD_BYTES),
		after: new Uint8Array(memory, DATA_BYTES + RECORD_BYTES, RECORD_BYTES),
		changed: new Uint8Array(memory, DATA_BYTES + 2 * RECORD_BYTES, SLOT_BLOCKS),
	};
}
