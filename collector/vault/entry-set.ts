/** A set of entries of the chunk index: a bit each, in pieces that are made when something falls into them. */

const PIECE_BITS = 65536;

export class EntrySet {
	readonly #pieces: (Uint32Array | undefined)[] = [];

	has(entry: number): boolean {
		const piece = this.#pieces[Math.floor(entry / PIECE_BITS)];
		if (piece === undefined) return false;
		const bit = entry % PIECE_BITS;
		return (piece[bit >>> 5]! & (1 << (bit & 31))) !== 0;
	}

	/** False where it was there already. */
	add(entry: number): boolean {
		const at = Math.floor(entry / PIECE_BITS);
		let piece = this.#pieces[at];
		if (piece === undefined) {
			piece = new Uint32Array(PIECE_BITS / 32);
			this.#pieces[at] = piece;
		}
		const bit = entry % PIECE_BITS;
		const mask = 1 << (bit & 31);
		if ((piece[bit >>> 5]! & mask) !== 0) return false;
		piece[bit >>> 5]! |= mask;
		return true;
	}
}
