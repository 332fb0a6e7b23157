/**
 * `ChunkBatch` in protobuf's wire format, written straight into one buffer of the right size. The generated encoder
 * grows its buffer and copies it twice more; with messages of 1 MiB the garbage of that was half of an upload's cost.
 *
 * https://protobuf.dev/programming-guides/encoding/
 */
import { NAME_SIZE } from "../../common/block.ts";
import { v1 } from "../../proto/service.ts";
import type { StoredChunk } from "../spool/spool.ts";

/** Field numbers and wire types as agent.proto gives them: number << 3 | (0: varint, 2: length-delimited). */
const BATCH = (1 << 3) | 0;
const CHUNKS = (2 << 3) | 2;
const NAME = (1 << 3) | 2;
const ENCODING = (2 << 3) | 0;
const DATA = (3 << 3) | 2;

/**
 * The message as bytes. `batch` is a safe integer.
 *
 * @param into where the message is written if it fits, to be used again by a caller that sends much
 */
export function encodeChunkBatch(batch: number, chunks: readonly StoredChunk[], into?: Buffer): Buffer {
	let size = 1 + varintSize(batch);
	for (const chunk of chunks) {
		const inner = chunkSize(chunk);
		size += 1 + varintSize(inner) + inner;
	}
	const bytes = into !== undefined && size <= into.length ? into.subarray(0, size) : Buffer.allocUnsafeSlow(size);
	let at = writeVarint(bytes, bytes.writeUInt8(BATCH, 0), batch);
	for (const chunk of chunks) {
		at = writeVarint(bytes, bytes.writeUInt8(CHUNKS, at), chunkSize(chunk));
		at = writeBytes(bytes, bytes.writeUInt8(NAME, at), chunk.name);
		at = writeVarint(bytes, bytes.writeUInt8(ENCODING, at), encodingOf(chunk));
		at = writeBytes(bytes, bytes.writeUInt8(DATA, at), chunk.data);
	}
	return bytes;
}

function encodingOf(chunk: StoredChunk): number {
	return chunk.encoding === "raw" ? v1.ChunkEncoding.CHUNK_ENCODING_RAW : v1.ChunkEncoding.CHUNK_ENCODING_ZSTD;
}

function chunkSize(chunk: StoredChunk): number {
	const encoding = 1 + varintSize(encodingOf(chunk));
	return 1 + varintSize(NAME_SIZE) + NAME_SIZE + encoding + 1 + varintSize(chunk.data.length) + chunk.data.length;
}

function varintSize(value: number): number {
	let size = 1;
	for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
	return size;
}

function writeVarint(bytes: Buffer, offset: number, value: number): number {
	let at = offset;
	let rest = value;
	for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[at++] = (rest % 128) | 128;
	bytes[at++] = rest;
	return at;
}

function writeBytes(bytes: Buffer, offset: number, value: Uint8Array): number {
	const at = writeVarint(bytes, offset, value.length);
	bytes.set(value, at);
	return at + value.length;
}
