/**
 * Copies of small pieces that are kept for a while: what was read is soon another read's, and a view would keep all
 * of it. Many copies share one allocation, which costs more than copying.
 */
const SLAB_BYTES = 1 << 19;

export class Copies {
	#slab = Buffer.alloc(0);
	#used = 0;

	/** A copy of bytes `start` to `end`, which lives as long as those that share its allocation. */
	add(bytes: Buffer, start: number, end: number): Buffer {
		const length = end - start;
		if (this.#used + length > this.#slab.length) {
			this.#slab = Buffer.allocUnsafeSlow(Math.max(length, SLAB_BYTES));
			this.#used = 0;
		}
		const at = this.#used;
		this.#used += length;
		bytes.copy(this.#slab, at, start, end);
		return this.#slab.subarray(at, at + length);
	}
}
