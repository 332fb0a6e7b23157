/** Data to move: no two blocks alike, made faster than anything here reads it. */
import { createCipheriv, randomBytes } from "node:crypto";
import { open } from "node:fs/promises";

const PIECE_BYTES = 16 * 2 ** 20;

/** Pieces of pseudo-random bytes (AES-CTR under a random key): nothing repeats, nothing compresses. */
export function* noise(bytes: number, pieceBytes: number = PIECE_BYTES): Generator<Buffer> {
	const cipher = createCipheriv("aes-128-ctr", randomBytes(16), randomBytes(16));
	const zeroes = Buffer.alloc(pieceBytes);
	for (let done = 0; done < bytes; done += pieceBytes) {
		yield cipher.update(zeroes.subarray(0, Math.min(pieceBytes, bytes - done)));
	}
}

/** A file of `size` bytes, the first `dataBytes` of them noise, the rest a hole; left in the page cache. */
export async function writeImage(path: string, size: number, dataBytes: number = size): Promise<void> {
	await using file = await open(path, "w");
	for (const piece of noise(dataBytes)) await file.writeFile(piece);
	await file.truncate(size);
	// Or its writing back meets what is measured next.
	await file.datasync();
}
