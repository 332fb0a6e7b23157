/** What every source asks of a range before it reads. */

import { UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";

/** Largest single read. Its buffer is allocated at once, so this bounds what one wrong size can cost. */
const MAX_READ_BYTES = 2 ** 30;

/** @throws UmbraError `truncated` where the range is not wholly inside `size` bytes. */
export function checkRange(name: string, size: number, offset: number, length: number): void {
	const inside =
		Number.isSafeInteger(offset) &&
		Number.isSafeInteger(length) &&
		offset >= 0 &&
		length >= 0 &&
		offset <= size &&
		length <= size - offset;
	if (inside) return;
	throw new UmbraError("truncated", `${name}: ${length} bytes at ${offset} leave the disk of ${size} bytes`, {
		context: { path: name, offset, found: size, wanted: length },
	});
}

/**
 * A buffer for a read, not cleared: the caller fills all of it or throws it away.
 *
 * @throws UmbraError `limit` above `MAX_READ_BYTES`.
 */
export function allocateRead(name: string, offset: number, length: number): Uint8Array {
	if (length > MAX_READ_BYTES) {
		throw new UmbraError(
			"limit",
			`${name}: a read of ${formatBytes(length)} at ${offset}, at most ${formatBytes(MAX_READ_BYTES)} at once`,
			{ context: { path: name, offset, found: length, wanted: MAX_READ_BYTES } },
		);
	}
	// Not a Buffer for the caller: `slice` of a Buffer is a view, of a Uint8Array a copy.
	const buffer = Buffer.allocUnsafeSlow(length);
	return new Uint8Array(buffer.buffer, buffer.byteOffset, length);
}
