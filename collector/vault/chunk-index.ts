/**
 * Which chunk lies where, in memory: 44 bytes a chunk in segments that never move, and a slot table
 * of 7 to 15 bytes a chunk. The table is open addressing with linear probing, split into shards by
 * the first bits of the name, so that growing one is a matter of milliseconds and of kilobytes
 * whatever the size of the whole. Names are uniformly distributed (BLAKE3): they are their own hash.
 *
 * Trailer entries are little-endian and read as host words: all supported CPUs are little-endian.
 */
import { NAME_SIZE } from "../../common/block.ts";
import { type RecordPlace, TRAILER_ENTRY_SIZE, unpackMeta } from "./pack-format.ts";

const SEGMENT_ENTRIES = 65536;
const NAME_WORDS = NAME_SIZE / 4;
/** Name, pack, offset, meta. */
const ENTRY_WORDS = NAME_WORDS + 3;
/** Stands for the pack of an entry that is free: ids of packs begin with 1. */
const FREE = 0;
const SHARD_BITS = 10;
const FIRST_SLOTS = 8;
/** Every probe of a foreign name is a cache miss: 3 at this load, 8 at 0.75. */
const MAX_LOAD = 0.55;

interface Shard {
	/** Entry number + 1; 0 is empty. The length is a power of two. */
	slots: Uint32Array;
	used: number;
}

export class ChunkIndex {
	readonly #segments: Uint32Array[] = [];
	readonly #shards: Shard[] = Array.from({ length: 2 ** SHARD_BITS }, () => ({
		slots: new Uint32Array(FIRST_SLOTS),
		used: 0,
	}));
	/** Entries were handed out up to here; those given back wait in `#free`. */
	#entries = 0;
	readonly #free: number[] = [];
	readonly #nameBytes = new Uint8Array(NAME_SIZE);
	readonly #nameWords = new Uint32Array(this.#nameBytes.buffer);

	get size(): number {
		return this.#entries - this.#free.length;
	}

	/** Bytes that the index holds on to. */
	get memory(): number {
		let bytes = this.#segments.length * SEGMENT_ENTRIES * ENTRY_WORDS * 4;
		for (const shard of this.#shards) bytes += shard.slots.byteLength;
		return bytes;
	}

	has(name: Uint8Array): boolean {
		this.#nameBytes.set(name);
		return this.#slotOf(this.#nameWords, 0) >= 0;
	}

	find(name: Uint8Array): RecordPlace | undefined {
		const entry = this.entryOf(name);
		return entry < 0 ? undefined : this.place(entry);
	}

	/** The number of the chunk's entry, -1 where it is not there. It stays the chunk's until that is removed. */
	entryOf(name: Uint8Array): number {
		this.#nameBytes.set(name);
		const slot = this.#slotOf(this.#nameWords, 0);
		return slot < 0 ? -1 : this.#shardOf(this.#nameWords, 0).slots[slot]! - 1;
	}

	/** Numbers of entries lie below it; some may be free. */
	get entries(): number {
		return this.#entries;
	}

	/** Undefined for an entry that is free. */
	place(entry: number): RecordPlace | undefined {
		const segment = this.#segmentOf(entry);
		const at = startOf(entry) + NAME_WORDS;
		const pack = segment[at]!;
		const meta = pack === FREE ? undefined : unpackMeta(segment[at + 2]!);
		return meta === undefined ? undefined : { pack, offset: segment[at + 1]!, ...meta };
	}

	/** The pack of an entry, 0 for one that is free; `place` without its price. */
	packOf(entry: number): number {
		return this.#segmentOf(entry)[startOf(entry) + NAME_WORDS]!;
	}

	/** A copy of the 32 bytes. */
	nameOf(entry: number): Uint8Array {
		const words = this.#segmentOf(entry);
		return Uint8Array.from(new Uint8Array(words.buffer, startOf(entry) * 4, NAME_SIZE));
	}

	/** The chunk lies elsewhere now; in another form where `meta` is given. */
	move(entry: number, pack: number, offset: number, meta?: number): void {
		const segment = this.#segmentOf(entry);
		const at = startOf(entry) + NAME_WORDS;
		segment[at] = pack;
		segment[at + 1] = offset;
		if (meta !== undefined) segment[at + 2] = meta;
	}

	/** False, and nothing changes, where the name is there already. */
	add(name: Uint8Array, pack: number, offset: number, meta: number): boolean {
		this.#nameBytes.set(name);
		return this.#insert(this.#nameWords, 0, pack, offset, meta);
	}

	/** Adds what a trailer lists (`TRAILER_ENTRY_SIZE` bytes an entry, checked before). */
	addAll(pack: number, entries: Buffer): void {
		const aligned = entries.byteOffset % 4 === 0 ? entries : Uint8Array.from(entries);
		const words = new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
		for (let at = 0; at < words.length; at += TRAILER_ENTRY_SIZE / 4) {
			this.#insert(words, at, pack, words[at + NAME_WORDS]!, words[at + NAME_WORDS + 1]!);
		}
	}

	/** False where the name is not there. */
	remove(name: Uint8Array): boolean {
		this.#nameBytes.set(name);
		let hole = this.#slotOf(this.#nameWords, 0);
		if (hole < 0) return false;
		const shard = this.#shardOf(this.#nameWords, 0);
		const { slots } = shard;
		const mask = slots.length - 1;
		const free = slots[hole]! - 1;
		this.#free.push(free);
		this.#segmentOf(free)[startOf(free) + NAME_WORDS] = FREE;
		// Close the gap: whatever stands behind it and may stand in it moves up (Knuth 6.4, algorithm R).
		for (let at = (hole + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
			const entry = slots[at]! - 1;
			const home = this.#segmentOf(entry)[startOf(entry) + 1]! & mask;
			if (((at - home) & mask) >= ((at - hole) & mask)) {
				slots[hole] = slots[at]!;
				hole = at;
			}
		}
		slots[hole] = 0;
		shard.used--;
		return true;
	}

	#insert(words: Uint32Array, at: number, pack: number, offset: number, meta: number): boolean {
		const slot = this.#slotOf(words, at);
		if (slot >= 0) return false;
		const shard = this.#shardOf(words, at);
		const entry = this.#free.pop() ?? this.#entries++;
		if (entry >= this.#segments.length * SEGMENT_ENTRIES) {
			this.#segments.push(new Uint32Array(SEGMENT_ENTRIES * ENTRY_WORDS));
		}
		const segment = this.#segmentOf(entry);
		const start = startOf(entry);
		for (let word = 0; word < NAME_WORDS; word++) segment[start + word] = words[at + word]!;
		segment[start + NAME_WORDS] = pack;
		segment[start + NAME_WORDS + 1] = offset;
		segment[start + NAME_WORDS + 2] = meta;
		shard.slots[~slot] = entry + 1;
		shard.used++;
		if (shard.used > shard.slots.length * MAX_LOAD) this.#grow(shard);
		return true;
	}

	#grow(shard: Shard): void {
		const slots = new Uint32Array(shard.slots.length * 2);
		const mask = slots.length - 1;
		for (const value of shard.slots) {
			if (value === 0) continue;
			const entry = value - 1;
			let at = this.#segmentOf(entry)[startOf(entry) + 1]! & mask;
			while (slots[at] !== 0) at = (at + 1) & mask;
			slots[at] = value;
		}
		shard.slots = slots;
	}

	/** The slot of the name, or where it would go as its bitwise complement. */
	#slotOf(words: Uint32Array, at: number): number {
		const { slots } = this.#shardOf(words, at);
		const mask = slots.length - 1;
		for (let slot = words[at + 1]! & mask; ; slot = (slot + 1) & mask) {
			const value = slots[slot]!;
			if (value === 0) return ~slot;
			const segment = this.#segmentOf(value - 1);
			const start = startOf(value - 1);
			let word = 0;
			while (word < NAME_WORDS && segment[start + word] === words[at + word]) word++;
			if (word === NAME_WORDS) return slot;
		}
	}

	#shardOf(words: Uint32Array, at: number): Shard {
		return this.#shards[words[at]! >>> (32 - SHARD_BITS)]!;
	}

	#segmentOf(entry: number): Uint32Array {
		return this.#segments[Math.floor(entry / SEGMENT_ENTRIES)]!;
	}
}

/** Where an entry starts in its segment, in words. */
function startOf(entry: number): number {
	return (entry % SEGMENT_ENTRIES) * ENTRY_WORDS;
}
