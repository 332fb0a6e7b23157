/**
 * A chunk's two shapes: plain bytes and encoded ones. zstd runs synchronously: at 64 KiB a trip to
 * a libuv thread costs as much as the work itself, and two cores decode no faster in parallel than
 * one does without the trips.
 */
import { constants, zstdDecompressSync } from "node:zlib";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { FrameDecoder, FrameEncoder } from "../../common/zstd.ts";
import type { ChunkEncoding } from "./chunk-store.ts";
import { MAX_CHUNK_SIZE } from "./pack-format.ts";

/** 8 MiB: what RFC 8878 section 3.1.1.1.2 recommends that a decoder supports at least; a hostile frame may ask for 128 MiB. */
const MAX_WINDOW_LOG = 23;
/** Less is not worth the decompression at every read. */
const MIN_SAVING = 0.05;
const DECOMPRESS = {
	maxOutputLength: MAX_CHUNK_SIZE,
	chunkSize: MAX_CHUNK_SIZE,
	params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
};
const encoder = new FrameEncoder(1, MAX_CHUNK_SIZE);
const decoder = new FrameDecoder(MAX_WINDOW_LOG);
/** Memory that the plain bytes of any chunk fit into, as the decoder wants it. */
export const PLAIN_ROOM = MAX_CHUNK_SIZE + 1;
const scratch = new Uint8Array(PLAIN_ROOM);

/**
 * The plain bytes of encoded ones; for `raw` they are `data` itself. Does not look at their name.
 *
 * @param into `PLAIN_ROOM` bytes, at the beginning of which they are where they were compressed; else they have memory of
 * their own.
 * @throws UmbraError `corrupt`.
 */
export function decode(encoding: ChunkEncoding, data: Uint8Array, into?: Uint8Array): Uint8Array {
	if (data.length < 1 || data.length > MAX_CHUNK_SIZE) {
		throw new UmbraError("corrupt", `chunk: ${data.length} stored bytes, wanted 1 to ${MAX_CHUNK_SIZE}`, {
			context: { structure: "chunk", field: "stored length", found: data.length, wanted: `1 to ${MAX_CHUNK_SIZE}` },
		});
	}
	if (encoding === "raw") return data;
	if (encoding !== "zstd") {
		throw new UmbraError("corrupt", `chunk: encoding ${String(encoding)}, wanted raw or zstd`, {
			context: { structure: "chunk", field: "encoding", found: encoding, wanted: "raw or zstd" },
		});
	}
	const length = decoder.decode(data, into ?? scratch);
	if (length !== undefined) return into === undefined ? scratch.slice(0, length) : into.subarray(0, length);
	try {
		return zstdDecompressSync(data, DECOMPRESS);
	} catch (error) {
		throw new UmbraError("corrupt", `chunk: not a zstd frame of at most ${MAX_CHUNK_SIZE} bytes: ${messageOf(error)}`, {
			cause: error,
			context: { structure: "chunk", field: "data" },
		});
	}
}

/** Every so many bytes one is looked at; odd, so that tables of fixed-width fields show all their columns. */
const SAMPLE_STRIDE = 37;
/** Twice the collisions that uniformly random bytes would show: about 7 bits a byte (Renyi entropy of order 2). */
const COMPRESSIBLE_COLLISIONS = 2;
const histogram = new Uint32Array(256);

/** A guess at a hundredth of the cost of trying: do the bytes look unlike random ones? */
function looksCompressible(plain: Uint8Array): boolean {
	histogram.fill(0);
	let samples = 0;
	for (let at = 0; at < plain.length; at += SAMPLE_STRIDE) {
		histogram[plain[at]!]!++;
		samples++;
	}
	let collisions = 0;
	for (const count of histogram) collisions += count * (count - 1);
	return collisions * 256 > COMPRESSIBLE_COLLISIONS * samples * (samples - 1);
}

/** How to encode plain bytes: zstd where that pays, else `plain` itself. */
export function encodeChunk(plain: Uint8Array): { readonly encoding: ChunkEncoding; readonly data: Uint8Array } {
	if (looksCompressible(plain)) {
		const data = encoder.encode(plain, plain.length * (1 - MIN_SAVING));
		if (data !== undefined) return { encoding: "zstd", data };
	}
	return { encoding: "raw", data: plain };
}
