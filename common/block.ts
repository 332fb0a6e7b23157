/**
 * The unit in which Umbra sees a disk: the 64 KiB block, named by the BLAKE3-256 of its plain bytes,
 * and within it sixteen 4 KiB pages, the unit in which changes are attributed to files.
 */
import { blake3, blake3UrlSafeBase64 } from "@napi-rs/blake-hash";

export const BLOCK_SIZE = 65536;
export const PAGE_SIZE = 4096;
export const PAGES_PER_BLOCK = BLOCK_SIZE / PAGE_SIZE;
/** Bytes of a block's name. */
export const NAME_SIZE = 32;

/** The name that stands for an all-zero block or an all-zero subtree; such a chunk is never stored. */
export const ZERO_NAME: Uint8Array = new Uint8Array(NAME_SIZE);

/** BLAKE3-256 of `bytes`, without the zero-block rule. */
export function blake3Name(bytes: Uint8Array): Uint8Array {
	// Its types ask for a Buffer; it takes any Uint8Array, over shared memory too.
	return blake3(bytes as Buffer);
}

/** As `blake3Name`, into `target`: by way of a string, which costs half of the buffer that the native code would make. */
export function writeBlake3Name(bytes: Uint8Array, target: Buffer, offset: number): void {
	target.write(blake3UrlSafeBase64(bytes as Buffer), offset, NAME_SIZE, "base64url");
}

/** The name of a block: `ZERO_NAME` where every byte is zero, else the BLAKE3-256 of its bytes. */
export function blockName(bytes: Uint8Array): Uint8Array {
	return isZero(bytes) ? ZERO_NAME : blake3Name(bytes);
}

const ZEROES = Buffer.alloc(BLOCK_SIZE);

/** True where every byte is zero. */
export function isZero(bytes: Uint8Array): boolean {
	// Most blocks show it at once, and the call costs as much as the hash of a whole page.
	if (bytes[0] !== 0 && bytes.length > 0) return false;
	for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
		const end = Math.min(at + BLOCK_SIZE, bytes.length);
		if (ZEROES.compare(bytes, at, end, 0, end - at) !== 0) return false;
	}
	return true;
}

export function isZeroName(name: Uint8Array): boolean {
	return ZEROES.compare(name, 0, name.length, 0, name.length) === 0;
}

/** How many blocks a disk of `size` bytes has; the last may be short and is hashed as if padded with zeroes. */
export function blockCount(size: number): number {
	return Math.ceil(size / BLOCK_SIZE);
}

export function nameToHex(name: Uint8Array): string {
	return Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString("hex");
}

export function nameFromHex(hex: string): Uint8Array {
	return Buffer.from(hex, "hex");
}

/** Entropy as one byte: bits per byte (0 to 8) times this. */
export const ENTROPY_SCALE = 31.875;
