/** Chunks as an agent sends them: raw where nothing is to be gained, else compressed. */
import { zstdCompressSync } from "node:zlib";
import { BLOCK_SIZE, blake3Name } from "../../common/block.ts";
import { noise } from "./data.ts";

export type Kind = "random" | "half";

export interface SentChunk {
	readonly name: Uint8Array;
	readonly encoding: "raw" | "zstd";
	readonly data: Uint8Array;
}

const TEXT = Buffer.alloc(BLOCK_SIZE / 2, "a page of a table, much like the page before it; ");

/** Chunks of `bytes` of disk; of "half" ones the second half is text, and they travel compressed. */
export function* chunksOf(kind: Kind, bytes: number): Generator<SentChunk> {
	for (const block of noise(bytes, BLOCK_SIZE)) {
		if (kind === "half") TEXT.copy(block, BLOCK_SIZE / 2);
		const name = blake3Name(block);
		if (kind === "random") yield { name, encoding: "raw", data: block };
		else yield { name, encoding: "zstd", data: zstdCompressSync(block) };
	}
}
