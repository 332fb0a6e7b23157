/**
 * `disk/source/reach/` tells how far the files of an image must reach for all that the image maps to be there. QEMU reads
 * zeroes where a file ended too early, without a word, so that a copy that was cut would pass for a disk that is empty
 * further on.
 *
 * Only tables are read, never contents: an eighth of a thousandth of a qcow2 at most. QEMU has opened the image before,
 * and holds it against writers; all the same each offset and count is bounded before it is used.
 */
import { UmbraError } from "../../../common/errors.ts";
import type { BlockSource } from "../source.ts";

/** A loop over tables lets others have their turn after so many. */
const TABLES_AT_ONCE = 256;

export const CUT_HINT =
	"it was probably not copied as a whole: compare its size with the original's, and copy it again";

/** The furthest byte of a file that is needed, and what for. */
export class Reach {
	bytes = 0;
	what = "header";

	add(end: number, what: string): void {
		if (end <= this.bytes) return;
		this.bytes = end;
		this.what = what;
	}

	/** @throws UmbraError `truncated` where the file is shorter. */
	require(file: BlockSource): void {
		if (this.bytes <= file.size) return;
		const path = file.name;
		throw new UmbraError(
			"truncated",
			`${path}: ends after ${file.size} bytes, but its ${this.what} reaches to ${this.bytes} at least`,
			{
				context: { path, structure: this.what, found: file.size, wanted: this.bytes },
				hint: CUT_HINT,
			},
		);
	}
}

/** Reads tables of one size, one after another, into memory that it uses again. */
export class TableReader {
	readonly #file: BlockSource;
	readonly #signal: AbortSignal | undefined;
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	#count = 0;

	constructor(file: BlockSource, length: number, signal: AbortSignal | undefined) {
		this.#file = file;
		this.#signal = signal;
		this.#bytes = new Uint8Array(length);
		this.#view = new DataView(this.#bytes.buffer);
	}

	/** Valid until the next one is read. */
	async read(offset: number): Promise<DataView> {
		if (++this.#count % TABLES_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
		this.#signal?.throwIfAborted();
		if (this.#file.readNow?.(this.#bytes, offset) === true) return this.#view;
		if (this.#file.readInto === undefined) {
			this.#bytes.set(await this.#file.read(offset, this.#bytes.length, this.#signal));
		} else await this.#file.readInto(this.#bytes, offset, this.#signal);
		return this.#view;
	}
}

/** `[offset, length]` of the pieces of a table that is too long to be read at once. */
export function* pieces(offset: number, length: number, most: number): Generator<readonly [number, number]> {
	for (let at = 0; at < length; at += most) yield [offset + at, Math.min(most, length - at)];
}

export async function readView(
	file: BlockSource,
	offset: number,
	length: number,
	signal: AbortSignal | undefined,
): Promise<DataView> {
	const bytes = await file.read(offset, length, signal);
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A field that cannot be what it says. */
export function damaged(path: string, structure: string, field: string, found: unknown, wanted: string): UmbraError {
	return new UmbraError("corrupt", `${path}: ${structure}: ${field} is ${String(found)}, wanted ${wanted}`, {
		context: { path, structure, field, found: String(found), wanted },
	});
}
