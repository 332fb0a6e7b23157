/** Where a disk is known to be all zeroes without being read: a table of terabytes that was never written costs nothing. */
import type { BlockSource, SourceExtent } from "../source/source.ts";

/** Asked for at once: fragmented as it may be, the answer is short. */
const WINDOW_BYTES = 64 << 20;

export class Zeroes {
	readonly #source: BlockSource;
	/** Of one window. */
	#extents: readonly SourceExtent[] = [];
	#at = 0;

	constructor(source: BlockSource) {
		this.#source = source;
	}

	/**
	 * How many bytes from `offset` on are known to be zeroes, no more than a window; best asked in ascending order.
	 *
	 * @throws what the source throws.
	 */
	async from(offset: number, signal?: AbortSignal): Promise<number> {
		const first = this.#extents[0];
		const last = this.#extents.at(-1);
		if (first === undefined || last === undefined || offset < first.offset || offset >= last.offset + last.length) {
			const length = Math.min(WINDOW_BYTES, this.#source.size - offset);
			this.#extents = length > 0 ? await this.#source.extents(offset, length, signal) : [];
			this.#at = 0;
		}
		if ((this.#extents[this.#at]?.offset ?? offset) > offset) this.#at = 0;
		let end = offset;
		for (; this.#at < this.#extents.length; this.#at++) {
			const extent = this.#extents[this.#at]!;
			if (extent.offset + extent.length <= offset) continue;
			if (!extent.zero) break;
			end = extent.offset + extent.length;
		}
		return end - offset;
	}
}
