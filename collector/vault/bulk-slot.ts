/**
 * Memory that `bulk-reader.ts` and its thread share: what is asked for, and what was read.
 *
 *     32 bytes name | u32 fd, offset, stored length, encoding | u32 start, length, for each chunk
 *     records as they were read | plain bytes of those that were compressed or encrypted
 *
 * `start` and `length` are the answer: where in the slot the plain bytes are; a length of 0 where they could not be had.
 * Host byte order: both sides are one process.
 */
import { NAME_SIZE } from "../../common/block.ts";
import { PLAIN_ROOM } from "./chunk-codec.ts";
import { MAX_STORED_SIZE, RECORD_HEADER_SIZE } from "./pack-format.ts";

/** Chunks of one slot: half a MiB of disk. */
export const SLOT_CHUNKS = 8;
const NAME_WORDS = NAME_SIZE / 4;
const ENTRY_WORDS = NAME_WORDS + 6;
const RECORDS_AT = SLOT_CHUNKS * ENTRY_WORDS * 4;
const PLAIN_AT = RECORDS_AT + SLOT_CHUNKS * (RECORD_HEADER_SIZE + MAX_STORED_SIZE);
/** Of the plain bytes of one chunk: on a boundary that copies like. */
const PLAIN_STRIDE = Math.ceil(PLAIN_ROOM / 64) * 64;
const SLOT_BYTES = PLAIN_AT + SLOT_CHUNKS * PLAIN_STRIDE;

/** Where the bytes of a record's data lie in a file. */
export interface SlotRequest {
	/** The stored one. */
	readonly name: Uint8Array;
	readonly fd: number;
	readonly offset: number;
	readonly length: number;
	readonly isCompressed: boolean;
}

export class BulkSlot {
	readonly memory: SharedArrayBuffer;
	readonly bytes: Uint8Array;
	readonly #words: Uint32Array;

	constructor(memory: SharedArrayBuffer = new SharedArrayBuffer(SLOT_BYTES)) {
		this.memory = memory;
		this.bytes = new Uint8Array(memory);
		this.#words = new Uint32Array(memory, 0, SLOT_CHUNKS * ENTRY_WORDS);
	}

	/** Room for all records of a slot, with their headers between them. */
	get records(): Uint8Array {
		return this.bytes.subarray(RECORDS_AT, PLAIN_AT);
	}

	ask(index: number, { name, fd, offset, length, isCompressed }: SlotRequest): void {
		const at = index * ENTRY_WORDS;
		this.bytes.set(name, at * 4);
		this.#words.set([fd, offset, length, isCompressed ? 1 : 0, 0, 0], at + NAME_WORDS);
	}

	request(index: number): SlotRequest {
		const at = index * ENTRY_WORDS;
		const [fd = 0, offset = 0, length = 0, compressed] = this.#words.subarray(at + NAME_WORDS, at + NAME_WORDS + 4);
		const name = this.bytes.slice(at * 4, at * 4 + NAME_SIZE);
		return { name, fd, offset, length, isCompressed: compressed === 1 };
	}

	/** Room for the plain bytes of a chunk, as `decode` wants it. */
	plainRoom(index: number): Uint8Array {
		return this.bytes.subarray(PLAIN_AT + index * PLAIN_STRIDE, PLAIN_AT + index * PLAIN_STRIDE + PLAIN_ROOM);
	}

	/** @param plain the bytes of the chunk: a view of `records` or of `plainRoom`, or any others, which are copied. */
	answer(index: number, plain: Uint8Array): void {
		let start = plain.byteOffset;
		if (plain.buffer !== this.memory) {
			start = PLAIN_AT + index * PLAIN_STRIDE;
			this.bytes.set(plain, start);
		}
		this.#words.set([start, plain.length], index * ENTRY_WORDS + NAME_WORDS + 4);
	}

	/** A view of the slot; undefined where the chunk could not be had. */
	plain(index: number): Uint8Array | undefined {
		const [start = 0, length = 0] = this.#words.subarray(index * ENTRY_WORDS + NAME_WORDS + 4);
		return length === 0 ? undefined : this.bytes.subarray(start, start + length);
	}
}
