/**
 * Pages of RAM, in whatever order they come, into 64 KiB blocks. QEMU goes through RAM from begin to end, but what the
 * guest is about to write comes first and the walk goes on from there, so that blocks stay unfinished until it comes
 * round. Those beyond a bound lie in a scratch file meanwhile.
 */
import { closeSync, openSync, readSync, unlinkSync, writeSync } from "node:fs";
import { BLOCK_SIZE, PAGES_PER_BLOCK } from "../../common/block.ts";
import { errnoOf, messageOf, UmbraError } from "../../common/errors.ts";
import { RAM_PAGE, type RamBlock, type RamVisitor } from "./migration-stream.ts";
import { layOut, type RamLayout } from "./ram-layout.ts";

const ALL_PAGES = 2 ** PAGES_PER_BLOCK - 1;
/** 64 MiB of unfinished blocks in memory. */
const MAX_UNFINISHED = 1024;
/** Blocks that are finished between two chances to use them. */
const MAX_SPARE = 64;

interface Unfinished {
	/** A bit a page that is there. */
	pages: number;
	/** None where all that came is zero, or where the bytes are in the scratch file. */
	bytes: Buffer | undefined;
	isAside: boolean;
}

export interface AssemblerOptions {
	/** A scratch file, made where it is needed and taken away by `dispose`. */
	readonly scratchPath: string;
	/** Takes a finished block that is not all zeroes; its bytes are the caller's until they are given back by `reuse`. */
	readonly onBlock: (block: number, bytes: Buffer) => void;
	readonly maxUnfinished?: number;
}

export class RamAssembler implements RamVisitor, Disposable {
	readonly #options: AssemblerOptions;
	readonly #unfinished = new Map<number, Unfinished>();
	/** Of those, in memory, the one that was begun first in front. */
	readonly #inMemory = new Set<number>();
	/** A bit a page of all RAM: none may come twice, since its block may have gone. */
	#seen = new Uint16Array(0);
	readonly #spare: Buffer[] = [];
	#layout: RamLayout | undefined;
	#scratch: number | undefined;

	constructor(options: AssemblerOptions) {
		this.#options = options;
	}

	/** @throws UmbraError `truncated` before the table of blocks has come. */
	get layout(): RamLayout {
		if (this.#layout === undefined) throw new UmbraError("truncated", "the migration stream has no RAM");
		return this.#layout;
	}

	onBlocks(blocks: readonly RamBlock[]): void {
		this.#layout = layOut(blocks);
		this.#seen = new Uint16Array(this.#layout.size / BLOCK_SIZE);
	}

	onPage(block: number, offset: number, page: Uint8Array): void {
		const { number, at, found } = this.#begin(block, offset);
		found.bytes ??= this.#load(number, found);
		found.bytes.set(page, at);
		this.#end(number, found);
	}

	onFill(block: number, offset: number, byte: number): void {
		const { number, at, found } = this.#begin(block, offset);
		if (byte !== 0) {
			found.bytes ??= this.#load(number, found);
			found.bytes.fill(byte, at, at + RAM_PAGE);
		}
		this.#end(number, found);
	}

	/** Bytes of a finished block that nobody needs any more. */
	reuse(bytes: Buffer): void {
		if (this.#spare.length < MAX_SPARE) this.#spare.push(bytes);
	}

	/** All pages have come: what did not is zero, as of memory that the guest gave back. */
	finish(): void {
		for (const [number, found] of [...this.#unfinished]) this.#take(number, found);
	}

	[Symbol.dispose](): void {
		if (this.#scratch === undefined) return;
		closeSync(this.#scratch);
		this.#scratch = undefined;
	}

	#begin(block: number, offset: number): { number: number; at: number; found: Unfinished } {
		const placed = this.#layout?.blocks[block];
		if (placed === undefined) throw new UmbraError("internal", `a page of RAM block ${block}, which is not known`);
		const place = placed.offset + offset;
		const number = Math.floor(place / BLOCK_SIZE);
		const at = place % BLOCK_SIZE;
		const bit = 1 << (at / RAM_PAGE);
		const seen = this.#seen[number] as number;
		if ((seen & bit) !== 0) {
			throw new UmbraError("unsupported", `the page at ${offset} of RAM block ${placed.name} came twice`, {
				context: {
					structure: "migration stream",
					found: offset,
					wanted: "each page once, as of a background snapshot",
				},
			});
		}
		this.#seen[number] = seen | bit;
		let found = this.#unfinished.get(number);
		if (found === undefined) {
			found = { pages: 0, bytes: undefined, isAside: false };
			this.#unfinished.set(number, found);
		}
		found.pages |= bit;
		return { number, at, found };
	}

	#end(number: number, found: Unfinished): void {
		if (found.pages === ALL_PAGES) this.#take(number, found);
	}

	#take(number: number, found: Unfinished): void {
		this.#unfinished.delete(number);
		const bytes = found.bytes ?? (found.isAside ? this.#load(number, found) : undefined);
		this.#inMemory.delete(number);
		if (bytes !== undefined) this.#options.onBlock(number, bytes);
	}

	/** Room for the bytes of a block, with what was put aside of it. */
	#load(number: number, found: Unfinished): Buffer {
		const { maxUnfinished = MAX_UNFINISHED } = this.#options;
		if (this.#inMemory.size >= maxUnfinished) this.#putAside();
		this.#inMemory.add(number);
		const bytes = this.#spare.pop()?.fill(0) ?? Buffer.alloc(BLOCK_SIZE);
		if (!found.isAside) return bytes;
		this.#guard("read", () => readSync(this.#scratch as number, bytes, 0, BLOCK_SIZE, number * BLOCK_SIZE));
		found.isAside = false;
		return bytes;
	}

	#putAside(): void {
		for (const number of this.#inMemory) {
			const found = this.#unfinished.get(number);
			this.#inMemory.delete(number);
			const { bytes } = found ?? {};
			if (found === undefined || bytes === undefined) continue;
			this.#guard("write", () => {
				this.#scratch ??= openScratch(this.#options.scratchPath);
				return writeSync(this.#scratch, bytes, 0, BLOCK_SIZE, number * BLOCK_SIZE);
			});
			found.bytes = undefined;
			found.isAside = true;
			return;
		}
	}

	#guard(doing: string, work: () => number): void {
		const path = this.#options.scratchPath;
		let done: number;
		try {
			done = work();
		} catch (error) {
			const code = errnoOf(error) === "ENOSPC" ? "limit" : "unavailable";
			throw new UmbraError(code, `cannot ${doing} ${path}: ${messageOf(error)}`, { cause: error, context: { path } });
		}
		if (done !== BLOCK_SIZE) {
			throw new UmbraError("unavailable", `cannot ${doing} ${path}: ${done} of ${BLOCK_SIZE} bytes`, {
				context: { path, found: done, wanted: BLOCK_SIZE },
			});
		}
	}
}

/** Without a name from the first: whatever ends this process, nothing is left. */
function openScratch(path: string): number {
	const handle = openSync(path, "w+", 0o600);
	unlinkSync(path);
	return handle;
}
