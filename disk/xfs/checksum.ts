/** The one checksum of XFS version 5: CRC-32C over a whole structure in which the checksum's own field counts as zero. */
import { crc32c } from "../parser/checksum.ts";

/**
 * Whether bytes `start` to `end` match the little-endian checksum at `field`, an offset in `view`. The bytes are as
 * before when it returns.
 */
export function checksumHolds(view: DataView, start: number, end: number, field: number): boolean {
	const found = view.getUint32(field, true);
	// One pass over a structure with the field cleared is faster than three around it.
	view.setUint32(field, 0);
	const crc = ~crc32c(0xffffffff, view, start, end) >>> 0;
	view.setUint32(field, found, true);
	return crc === found;
}

/** Sets the checksum that `checksumHolds` wants: for tests that change a structure and want it read all the same. */
export function setChecksum(view: DataView, start: number, end: number, field: number): void {
	view.setUint32(field, 0);
	view.setUint32(field, ~crc32c(0xffffffff, view, start, end) >>> 0, true);
}
