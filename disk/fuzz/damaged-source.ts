/** A disk with some of its bytes changed, its end moved, and nothing else touched. */
import type { BlockSource } from "../source/source.ts";

/** What is damaged is kept in pieces of this many bytes: the smallest sector. */
export const PAGE = 512;

export class DamagedSource implements BlockSource {
	readonly name = "damaged";
	#size: number;
	readonly #whole: BlockSource;
	readonly #pages = new Map<number, Buffer>();

	constructor(whole: BlockSource) {
		this.#whole = whole;
		this.#size = whole.size;
	}

	get size(): number {
		return this.#size;
	}

	/** Where pages were asked for to be changed, in bytes. */
	get damaged(): number[] {
		return [...this.#pages.keys()].filter((offset) => offset < this.#size).sort((a, b) => a - b);
	}

	truncate(size: number): void {
		this.#size = size;
	}

	/** The page at a multiple of its size, to be changed. */
	async page(offset: number): Promise<Buffer> {
		let page = this.#pages.get(offset);
		if (page === undefined) {
			page = Buffer.alloc(PAGE);
			page.set(await this.#whole.read(offset, Math.min(PAGE, this.#whole.size - offset)));
			this.#pages.set(offset, page);
		}
		return page;
	}

	async write(offset: number, bytes: Uint8Array): Promise<void> {
		for (let at = 0; at < bytes.length; ) {
			const inPage = (offset + at) % PAGE;
			const length = Math.min(PAGE - inPage, bytes.length - at);
			(await this.page(offset + at - inPage)).set(bytes.subarray(at, at + length), inPage);
			at += length;
		}
	}

	/** @throws RangeError where a parser did not look how long the disk is, which no source may have to find out. */
	async read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
		const inside = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
		if (!inside || offset + length > this.#size) throw new RangeError(`a read of ${length} at ${offset}`);
		const bytes = await this.#whole.read(offset, length, signal);
		for (const [at, page] of this.#pages) {
			const from = Math.max(at, offset);
			const to = Math.min(at + PAGE, offset + length);
			if (from < to) bytes.set(page.subarray(from - at, to - at), from - offset);
		}
		return bytes;
	}

	async extents(offset: number, length: number) {
		return [{ offset, length, zero: false }];
	}

	async [Symbol.asyncDispose](): Promise<void> {}
}
