/**
 * Directory entries of exFAT: a set is a file entry, a stream extension, one to seventeen name entries, and
 * what a vendor added. Sets that are not whole are no files, and said to be damage; so is a wrong checksum,
 * but then the file is shown.
 * Source: Microsoft, "exFAT file system specification", chapters 6 and 7.
 */
import { ENTRY_SIZE } from "./boot-sector.ts";
import type { DirectoryParser, DirectorySink, Entry } from "./entry.ts";
import { decodeUtf16 } from "./names.ts";
import { creationNumber, exfatTime } from "./times.ts";

const IN_USE = 0x80;
const SECONDARY = 0x40;
const BITMAP = 0x81;
const UPCASE = 0x82;
const LABEL = 0x83;
const FILE = 0x85;
const STREAM = 0xc0;
const NAME = 0xc1;
const VENDOR_ALLOCATION = 0xe1;
const UNITS_PER_NAME = 15;
const MAX_NAME = 255;
const MAX_LABEL = 11;
/** The specification's SecondaryCount goes up to 255; 18 are needed for any name. */
const MAX_SET = 256;
const NO_FAT_CHAIN = 0x02;

/** The root directory also says where the volume's own structures are. */
export interface RootSink {
	/** @param which of two, where there are two tables. */
	bitmap(which: number, firstCluster: number, size: number): void;
	upcase(firstCluster: number, size: number): void;
	label(label: string): void;
}

export class ExfatDirectoryParser implements DirectoryParser {
	readonly #sink: DirectorySink;
	readonly #root: RootSink | undefined;
	/** The set so far; grows to what a set may hold. */
	#set = Buffer.alloc(19 * ENTRY_SIZE);
	#length = 0;
	/** Entries that the set wants; 0 where none has begun. */
	#wanted = 0;
	#offset = 0;

	constructor(sink: DirectorySink, root?: RootSink) {
		this.#sink = sink;
		this.#root = root;
	}

	feed(bytes: Buffer, offset: number): boolean {
		for (let at = 0; at + ENTRY_SIZE <= bytes.length; at += ENTRY_SIZE) {
			const type = bytes[at]!;
			if (type === 0) {
				this.#cut();
				return false;
			}
			if ((type & IN_USE) === 0) {
				this.#cut();
			} else if ((type & SECONDARY) !== 0) {
				if (this.#wanted > 0) this.#take(bytes, at);
				else this.#sink.fault(`an entry of type 0x${type.toString(16)} that belongs to no file`, offset + at);
			} else {
				this.#cut();
				this.#primary(type, bytes, at, offset + at);
			}
		}
		return true;
	}

	end(): void {
		this.#cut();
	}

	#cut(): void {
		if (this.#wanted > 0) {
			this.#sink.fault(`a set of ${this.#length} entries where ${this.#wanted} belong together`, this.#offset);
		}
		this.#wanted = 0;
	}

	#primary(type: number, bytes: Buffer, at: number, offset: number): void {
		if (type === FILE) {
			this.#wanted = 1 + bytes[at + 1]!;
			this.#length = 0;
			this.#offset = offset;
			this.#take(bytes, at);
			return;
		}
		const root = this.#root;
		if (root === undefined) return;
		if (type === LABEL) {
			const units = readUnits(bytes, at + 2, MAX_LABEL);
			root.label(decodeUtf16(units, Math.min(bytes[at + 1]!, MAX_LABEL)));
		} else if (type === BITMAP) root.bitmap(bytes[at + 1]! & 1, bytes.readUInt32LE(at + 20), sizeAt(bytes, at + 24));
		else if (type === UPCASE) root.upcase(bytes.readUInt32LE(at + 20), sizeAt(bytes, at + 24));
	}

	#take(bytes: Buffer, at: number): void {
		if (this.#length * ENTRY_SIZE === this.#set.length) {
			const grown = Buffer.alloc(MAX_SET * ENTRY_SIZE);
			this.#set.copy(grown);
			this.#set = grown;
		}
		bytes.copy(this.#set, this.#length * ENTRY_SIZE, at, at + ENTRY_SIZE);
		this.#length++;
		if (this.#length < this.#wanted) return;
		const set = this.#set.subarray(0, this.#length * ENTRY_SIZE);
		this.#wanted = 0;
		const entry = parseSet(set, this.#offset);
		if (typeof entry === "string") {
			this.#sink.fault(entry, this.#offset);
			return;
		}
		if (!setChecksumHolds(set)) this.#sink.fault(`${entry.name}, whose entries fail their checksum`, this.#offset);
		this.#sink.entry(entry);
	}
}

/** The file of a whole set, or what is wrong with it. */
export function parseSet(set: Buffer, offset: number): Entry | string {
	const count = set.length / ENTRY_SIZE;
	const stream = ENTRY_SIZE;
	if (count < 3 || set[stream] !== STREAM) return "a file without a stream extension";
	const nameLength = set[stream + 3]!;
	const nameEntries = Math.ceil(nameLength / UNITS_PER_NAME);
	if (nameLength === 0 || 2 + nameEntries > count) return `a file with a name of ${nameLength} characters`;
	const units = new Uint16Array(MAX_NAME + UNITS_PER_NAME);
	for (let i = 0; i < nameEntries; i++) {
		const at = (2 + i) * ENTRY_SIZE;
		if (set[at] !== NAME) return "a file with a part of its name missing";
		units.set(readUnits(set, at + 2, UNITS_PER_NAME), i * UNITS_PER_NAME);
	}
	const vendor: { firstCluster: number; size: number; contiguous: boolean }[] = [];
	for (let at = (2 + nameEntries) * ENTRY_SIZE; at < set.length; at += ENTRY_SIZE) {
		if (set[at] !== VENDOR_ALLOCATION || set.readUInt32LE(at + 20) === 0) continue;
		vendor.push({
			firstCluster: set.readUInt32LE(at + 20),
			size: sizeAt(set, at + 24),
			contiguous: (set[at + 1]! & NO_FAT_CHAIN) !== 0,
		});
	}
	const created = set.readUInt32LE(8);
	const size = sizeAt(set, stream + 24);
	return {
		offset,
		name: decodeUtf16(units, nameLength),
		shortName: "",
		attributes: set.readUInt16LE(4),
		firstCluster: set.readUInt32LE(stream + 20),
		size,
		validSize: Math.min(size, sizeAt(set, stream + 8)),
		contiguous: (set[stream + 1]! & NO_FAT_CHAIN) !== 0,
		vendor,
		created: exfatTime(created, set[20]!, set[22]!),
		creation: creationNumber(created >>> 16, created & 0xffff, set[20]!),
		mtime: exfatTime(set.readUInt32LE(12), set[21]!, set[23]!),
	};
}

/** The checksum that a set's first entry carries, over all entries but itself. */
export function setChecksumHolds(set: Buffer): boolean {
	let sum = 0;
	for (let at = 0; at < set.length; at++) {
		if (at === 2 || at === 3) continue;
		sum = (((sum << 15) | (sum >>> 1)) + set[at]!) & 0xffff;
	}
	return sum === set.readUInt16LE(2);
}

function readUnits(bytes: Buffer, at: number, count: number): Uint16Array {
	const units = new Uint16Array(count);
	for (let i = 0; i < count; i++) units[i] = bytes.readUInt16LE(at + i * 2);
	return units;
}

/** Beyond 2^53 it is no size of a file that fits any volume: what follows refuses it as too large. */
function sizeAt(bytes: Buffer, at: number): number {
	return Number(bytes.readBigUInt64LE(at));
}
