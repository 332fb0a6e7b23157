/** Collects which 4 KiB pages changed, as `disk/map` wants them: ascending, in flat arrays that grow. */
import { BLOCK_SIZE, ENTROPY_SCALE, PAGE_SIZE, PAGES_PER_BLOCK } from "../../common/block.ts";
import type { ChangedPages } from "../../disk/map/map.ts";
import { RECORD_CRC, RECORD_ENTROPY } from "./record.ts";

export class ChangedPagesBuilder {
	#offsets = new Float64Array(1024);
	#before = new Uint8Array(1024);
	#after = new Uint8Array(1024);
	#length = 0;

	/**
	 * Adds the pages in which two records of block `block`, which changed, differ; all of them where none does: content
	 * with the checksum that was there before is somebody's work.
	 */
	addBlock(block: number, before: Uint8Array, after: Uint8Array): void {
		const start = this.#length;
		for (let page = 0; page < PAGES_PER_BLOCK; page++) {
			const crc = RECORD_CRC + 4 * page;
			const same =
				before[crc] === after[crc] &&
				before[crc + 1] === after[crc + 1] &&
				before[crc + 2] === after[crc + 2] &&
				before[crc + 3] === after[crc + 3];
			if (!same) this.#addPage(block, page, before, after);
		}
		if (this.#length > start) return;
		for (let page = 0; page < PAGES_PER_BLOCK; page++) this.#addPage(block, page, before, after);
	}

	#addPage(block: number, page: number, before: Uint8Array, after: Uint8Array): void {
		if (this.#length === this.#offsets.length) this.#grow();
		this.#offsets[this.#length] = block * BLOCK_SIZE + page * PAGE_SIZE;
		this.#before[this.#length] = before[RECORD_ENTROPY + page] as number;
		this.#after[this.#length] = after[RECORD_ENTROPY + page] as number;
		this.#length++;
	}

	pages(): ChangedPages {
		return {
			offsets: this.#offsets.subarray(0, this.#length),
			before: this.#before.subarray(0, this.#length),
			after: this.#after.subarray(0, this.#length),
		};
	}

	#grow(): void {
		const capacity = this.#offsets.length * 2;
		const offsets = new Float64Array(capacity);
		offsets.set(this.#offsets);
		this.#offsets = offsets;
		const before = new Uint8Array(capacity);
		before.set(this.#before);
		this.#before = before;
		const after = new Uint8Array(capacity);
		after.set(this.#after);
		this.#after = after;
	}
}

/** Mean in bits per byte, -1 of nothing. */
export function meanEntropy(scaled: Uint8Array): number {
	if (scaled.length === 0) return -1;
	let sum = 0;
	for (const value of scaled) sum += value;
	return sum / scaled.length / ENTROPY_SCALE;
}
