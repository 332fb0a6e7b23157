/** For the tests of states: a spool in memory, out of which parts can be read. */
import { zstdDecompressSync } from "node:zlib";
import { BLOCK_SIZE, blockName, NAME_SIZE, nameToHex, ZERO_NAME } from "../../common/block.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import type { ChunkSink } from "../capture/scan-disk.ts";
import type { NamedPart } from "./block-writer.ts";

export class MemoryChunks implements ChunkSink {
	readonly #chunks = new Map<string, Buffer>();
	/** Chunks that were given once more. */
	repeated = 0;

	async addChunk(name: Uint8Array, encoding: "raw" | "zstd", data: Uint8Array): Promise<void> {
		const plain = encoding === "raw" ? Buffer.from(data) : zstdDecompressSync(data);
		const hex = nameToHex(name);
		if (nameToHex(blockName(plain)) !== hex) throw new Error(`a chunk that is not what its name ${hex} says`);
		if (this.#chunks.has(hex)) this.repeated++;
		this.#chunks.set(hex, plain);
	}

	get size(): number {
		return this.#chunks.size;
	}

	/** Reads a part as whoever has the vault does. */
	source({ size, names }: NamedPart): BlockSource {
		const block = (number: number): Buffer => {
			const hex = nameToHex(names.subarray(number * NAME_SIZE, (number + 1) * NAME_SIZE));
			if (hex === nameToHex(ZERO_NAME)) return Buffer.alloc(BLOCK_SIZE);
			const found = this.#chunks.get(hex);
			if (found === undefined) throw new Error(`no chunk ${hex}`);
			return found;
		};
		return {
			size,
			name: "memory",
			extents: async (offset, length) => [{ offset, length, zero: false }],
			read: async (offset, length) => {
				const bytes = Buffer.alloc(length);
				for (let at = 0; at < length; ) {
					const within = (offset + at) % BLOCK_SIZE;
					const from = block(Math.floor((offset + at) / BLOCK_SIZE)).subarray(within);
					at += from.copy(bytes, at, 0, Math.min(from.length, length - at));
				}
				return bytes;
			},
			async [Symbol.asyncDispose]() {},
		};
	}
}
