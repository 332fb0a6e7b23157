/**
 * The Merkle root of a disk as the block index has it (docs/formats.md, Disk trees), to tell whether what was read again is
 * what the collector has.
 */
import { blake3Name, blockCount, isZeroName, NAME_SIZE, ZERO_NAME } from "../../common/block.ts";
import type { BlockIndex } from "../capture/block-index.ts";
import { RECORD_SIZE } from "../capture/record.ts";

/** Names in a page of a tree. */
const PAGE_NAMES = 1024;

export async function treeRoot(index: BlockIndex, vm: string, disk: string, sizeBytes: number): Promise<Uint8Array> {
	const blocks = blockCount(sizeBytes);
	if (blocks === 0) return ZERO_NAME;
	let height = 1;
	while (PAGE_NAMES ** height < blocks) height++;
	const tree = new TreeHasher(height);
	for await (const { firstBlock, records } of index.pages(vm, disk, 0, blocks)) {
		for (let at = 0; at < records.length; at += RECORD_SIZE) {
			const block = firstBlock + at / RECORD_SIZE;
			if (block < blocks) tree.put(0, block, records.subarray(at, at + NAME_SIZE));
		}
	}
	return tree.root();
}

/** Takes names in ascending order and keeps one page of each level. */
class TreeHasher {
	readonly #pages: { number: number; readonly names: Buffer }[];

	constructor(height: number) {
		this.#pages = Array.from({ length: height }, () => ({ number: 0, names: Buffer.alloc(PAGE_NAMES * NAME_SIZE) }));
	}

	put(level: number, place: number, name: Uint8Array): void {
		if (isZeroName(name)) return;
		const page = this.#pages[level]!;
		const number = Math.floor(place / PAGE_NAMES);
		if (number !== page.number) this.#turn(level, number);
		page.names.set(name, (place % PAGE_NAMES) * NAME_SIZE);
	}

	root(): Uint8Array {
		const top = this.#pages.length - 1;
		for (let level = 0; level < top; level++) this.#turn(level, 0);
		return nameOf(this.#pages[top]!.names);
	}

	#turn(level: number, next: number): void {
		const page = this.#pages[level]!;
		this.put(level + 1, page.number, nameOf(page.names));
		page.number = next;
		page.names.fill(0);
	}
}

function nameOf(page: Buffer): Uint8Array {
	return page.every((byte) => byte === 0) ? ZERO_NAME : blake3Name(page);
}
