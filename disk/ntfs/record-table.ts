/**
 * Numbers by MFT record. Room is made where records are noted only: how many there are is the volume's to say, and a
 * hostile one says billions.
 */

const PAGE_BITS = 14;
const PAGE_RECORDS = 1 << PAGE_BITS;

export class RecordTable {
	readonly #pages = new Map<number, Int32Array>();
	readonly #initial: number;
	#lastIndex = -1;
	#last: Int32Array | undefined;

	/** @param initial what a record has that was not noted. */
	constructor(initial: number) {
		this.#initial = initial;
	}

	get(record: number): number {
		const page = this.#page(record);
		return page === undefined ? this.#initial : page[record % PAGE_RECORDS]!;
	}

	set(record: number, value: number): void {
		let page = this.#page(record);
		if (page === undefined) {
			page = new Int32Array(PAGE_RECORDS).fill(this.#initial);
			this.#pages.set(this.#lastIndex, page);
			this.#last = page;
		}
		page[record % PAGE_RECORDS] = value;
	}

	#page(record: number): Int32Array | undefined {
		const index = Math.floor(record / PAGE_RECORDS);
		if (index !== this.#lastIndex) {
			this.#lastIndex = index;
			this.#last = this.#pages.get(index);
		}
		return this.#last;
	}
}
