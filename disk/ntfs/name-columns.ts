/** Names as columns of numbers: a volume has as many as files, and an object of each would be half of a listing's time. */
import { grown } from "../listing.ts";
import { decodeName } from "./names.ts";
import { RecordTable } from "./record-table.ts";

/** Of the names themselves, kept in one piece. */
const CHUNK = 1 << 20;
const FIRST_CAPACITY = 4096;

/** Every name counts from 0, in the order in which they came. */
export class NameColumns {
	#count = 0;
	readonly #inode: number[] = [];
	readonly #parent: number[] = [];
	/** The sequence number that the parent must have. */
	#sequence = new Uint16Array(FIRST_CAPACITY);
	/** The name before it that has the same parent; -1 where there is none. */
	#before = new Int32Array(FIRST_CAPACITY);
	readonly #last = new RecordTable(-1);
	/** Where the name stands in the chunks; -1 where it is one of `#texts`. */
	#place = new Float64Array(FIRST_CAPACITY);
	#units = new Uint8Array(FIRST_CAPACITY);
	readonly #chunks: Buffer[] = [];
	#end = 0;
	readonly #texts = new Map<number, string>();
	/** Parents from here on are no records. */
	readonly #records: number;

	constructor(records: number) {
		this.#records = records;
	}

	get count(): number {
		return this.#count;
	}

	/** Adds the name of `units` UTF-16 units, at most 255, at `at` of `bytes`. */
	add(parent: number, sequence: number, inode: number, bytes: Buffer, at: number, units: number): void {
		const name = this.#link(parent, sequence, inode);
		const length = units * 2;
		if (this.#end + length > this.#chunks.length * CHUNK) {
			this.#end = this.#chunks.length * CHUNK;
			this.#chunks.push(Buffer.allocUnsafeSlow(CHUNK));
		}
		const chunk = this.#chunks.at(-1)!;
		const to = this.#end % CHUNK;
		for (let i = 0; i < length; i++) chunk[to + i] = bytes[at + i]!;
		this.#place[name] = this.#end;
		this.#units[name] = units;
		this.#end += length;
	}

	addText(parent: number, sequence: number, inode: number, text: string): void {
		const name = this.#link(parent, sequence, inode);
		this.#place[name] = -1;
		this.#texts.set(name, text);
	}

	inode(name: number): number {
		return this.#inode[name]!;
	}

	parent(name: number): number {
		return this.#parent[name]!;
	}

	sequence(name: number): number {
		return this.#sequence[name]!;
	}

	text(name: number): string {
		const place = this.#place[name]!;
		if (place < 0) return this.#texts.get(name)!;
		return decodeName(this.#chunks[Math.floor(place / CHUNK)]!, place % CHUNK, this.#units[name]!);
	}

	/** The names in a directory, in the order in which they came. */
	of(parent: number, sequence: number): number[] {
		const found: number[] = [];
		for (let name = this.#last.get(parent); name >= 0; name = this.#before[name]!) {
			if (this.#sequence[name] === sequence) found.push(name);
		}
		return found.reverse();
	}

	#link(parent: number, sequence: number, inode: number): number {
		const name = this.#count++;
		if (name === this.#units.length) this.#grow();
		this.#inode.push(inode);
		this.#parent.push(parent);
		this.#sequence[name] = sequence;
		const chained = parent < this.#records;
		this.#before[name] = chained ? this.#last.get(parent) : -1;
		if (chained) this.#last.set(parent, name);
		return name;
	}

	#grow(): void {
		const length = this.#units.length * 2;
		this.#sequence = grown(this.#sequence, new Uint16Array(length));
		this.#before = grown(this.#before, new Int32Array(length));
		this.#place = grown(this.#place, new Float64Array(length));
		this.#units = grown(this.#units, new Uint8Array(length));
	}
}
