/**
 * Blocks of a disk on their way to a client that decompresses and verifies them itself: one frame for each that is not
 * zero, in the order of the disk.
 *
 *     u32   number of the block, from the first of the answer on
 *     u32   encoding: 0 the bytes as they are, 1 a frame of zstd
 *     u32   n, at least 1 and at most 65,536
 *     32    BLAKE3-256 of the block's bytes
 *     n     encoded bytes; where they are fewer than a block's, zeroes follow
 *
 * Numbers are little-endian.
 */
import { NAME_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { StoredChunk } from "../vault/chunk-store.ts";
import { MAX_CHUNK_SIZE } from "../vault/pack-format.ts";

const NAME_AT = 12;
const HEADER_SIZE = NAME_AT + NAME_SIZE;
const ENCODINGS = ["raw", "zstd"] as const;

export interface BlockFrame extends StoredChunk {
	readonly block: number;
}

export function writeFrames(frames: readonly BlockFrame[]): Buffer {
	const bytes = Buffer.allocUnsafeSlow(frames.reduce((sum, { data }) => sum + HEADER_SIZE + data.length, 0));
	let at = 0;
	for (const { block, encoding, name, data } of frames) {
		bytes.writeUInt32LE(block, at);
		bytes.writeUInt32LE(ENCODINGS.indexOf(encoding), at + 4);
		bytes.writeUInt32LE(data.length, at + 8);
		bytes.set(name, at + NAME_AT);
		bytes.set(data, at + HEADER_SIZE);
		at += HEADER_SIZE + data.length;
	}
	return bytes;
}

/** Takes an answer apart as it comes. Believes nothing but the form of it. */
export class FrameReader {
	readonly #blocks: number;
	/** A frame of which a part has come. */
	readonly #partial = Buffer.allocUnsafeSlow(HEADER_SIZE + MAX_CHUNK_SIZE);
	#held = 0;
	#next = 0;

	/** @param blocks how many were asked for. */
	constructor(blocks: number) {
		this.#blocks = blocks;
	}

	/**
	 * The frames that are whole with these bytes. Each is good until the next is asked for.
	 *
	 * @throws UmbraError `corrupt` where it is no such answer.
	 */
	*push(bytes: Uint8Array): Generator<BlockFrame, undefined> {
		let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		while (rest.length > 0) {
			let frame: Buffer;
			if (this.#held === 0 && rest.length >= HEADER_SIZE && rest.length >= this.#sizeOf(rest)) {
				frame = rest.subarray(0, this.#sizeOf(rest));
				rest = rest.subarray(frame.length);
			} else {
				// First the header, which says how much belongs to it.
				const wanted = this.#held < HEADER_SIZE ? HEADER_SIZE : this.#sizeOf(this.#partial);
				const taken = rest.copy(this.#partial, this.#held, 0, wanted - this.#held);
				this.#held += taken;
				rest = rest.subarray(taken);
				if (this.#held < HEADER_SIZE || this.#held < this.#sizeOf(this.#partial)) continue;
				frame = this.#partial.subarray(0, this.#held);
				this.#held = 0;
			}
			const block = frame.readUInt32LE(0);
			this.#next = block + 1;
			yield {
				block,
				encoding: ENCODINGS[frame.readUInt32LE(4)]!,
				name: frame.subarray(NAME_AT, HEADER_SIZE),
				data: frame.subarray(HEADER_SIZE),
			};
		}
		return;
	}

	/** Nothing more comes. @throws UmbraError `truncated` in the middle of a frame. */
	end(): void {
		if (this.#held > 0) throw new UmbraError("truncated", `blocks of a disk: ${this.#held} bytes of a frame came`);
	}

	/** @throws UmbraError `corrupt`. */
	#sizeOf(header: Buffer): number {
		const [block, encoding, length] = [header.readUInt32LE(0), header.readUInt32LE(4), header.readUInt32LE(8)];
		for (const [field, found, least, behind] of [
			["number", block, this.#next, this.#blocks],
			["encoding", encoding, 0, ENCODINGS.length],
			["length", length, 1, MAX_CHUNK_SIZE + 1],
		] as const) {
			if (found >= least && found < behind) continue;
			const wanted = `${least} to ${behind - 1}`;
			throw new UmbraError("corrupt", `blocks of a disk: ${field} is ${found}, wanted ${wanted}`, {
				context: { structure: "block frame", field, found, wanted },
			});
		}
		return HEADER_SIZE + length;
	}
}
