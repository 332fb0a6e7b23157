/**
 * Chunks behind one another in one buffer, as they go from thread to thread:
 *
 *   32 bytes name | u32 length | u8 encoding | data, for each
 */
import { NAME_SIZE } from "../../common/block.ts";
import type { ChunkEncoding, StoredChunk } from "./chunk-store.ts";

const HEADER_SIZE = NAME_SIZE + 4 + 1;
const ENCODINGS: readonly ChunkEncoding[] = ["raw", "zstd"];
/** Buffers are multiples of this, so that one which comes back fits the next batch too. */
const ROUND = 256 * 1024;

/** @param spare used where the chunks fit into it. */
export function packChunks(
	chunks: readonly StoredChunk[],
	spare: Uint8Array<ArrayBuffer> | undefined,
): Uint8Array<ArrayBuffer> {
	const size = chunks.reduce((sum, { data }) => sum + HEADER_SIZE + data.length, 0);
	const packed = spare !== undefined && spare.length >= size ? spare : new Uint8Array(Math.ceil(size / ROUND) * ROUND);
	const view = new DataView(packed.buffer);
	let at = 0;
	for (const { name, encoding, data } of chunks) {
		packed.set(name, at);
		view.setUint32(at + NAME_SIZE, data.length);
		// What is no encoding stays none.
		packed[at + NAME_SIZE + 4] = ENCODINGS.indexOf(encoding);
		packed.set(data, at + HEADER_SIZE);
		at += HEADER_SIZE + data.length;
	}
	return packed;
}

/** Views into `packed`. */
export function unpackChunks(packed: Uint8Array<ArrayBuffer>, count: number): StoredChunk[] {
	const view = new DataView(packed.buffer);
	let at = 0;
	return Array.from({ length: count }, () => {
		const start = at + HEADER_SIZE;
		at = start + view.getUint32(at + NAME_SIZE);
		const header = packed.subarray(start - HEADER_SIZE, start);
		const encoding = ENCODINGS[header[HEADER_SIZE - 1]!] ?? ("unknown" as ChunkEncoding);
		return { name: header.subarray(0, NAME_SIZE), encoding, data: packed.subarray(start, at) };
	});
}
