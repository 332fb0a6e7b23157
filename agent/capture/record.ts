/**
 * What the agent remembers of a 64 KiB block: its name, and of each of its 4 KiB pages a checksum, to tell
 * which pages changed, and the entropy, to tell how.
 *
 *     bytes 0-31    BLAKE3-256 (32 zero bytes: an all-zero block)
 *     bytes 32-47   entropy of pages 0-15: bits per byte x 31.875, rounded
 *     bytes 48-111  CRC-32 of pages 0-15, little-endian
 *
 * The record of an all-zero block is all zeroes; so the CRC is stored XORed with the CRC of a zero page.
 */
import { NAME_SIZE, PAGES_PER_BLOCK } from "../../common/block.ts";

export const RECORD_ENTROPY = NAME_SIZE;
export const RECORD_CRC = NAME_SIZE + PAGES_PER_BLOCK;
export const RECORD_SIZE = RECORD_CRC + 4 * PAGES_PER_BLOCK;
/** Records that one value of the block index holds. */
export const RECORDS_PER_PAGE = 64;
