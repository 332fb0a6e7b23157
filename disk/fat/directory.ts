/**
 * Directory entries of FAT12, FAT16 and FAT32. A long name stands in front of its short entry, last part
 * first; a set that is not whole is no name, and the short one is shown, as Linux's vfat does.
 * Source: Microsoft's FAT specification, chapters 6 and 7; Linux fs/fat/dir.c.
 */
import { ENTRY_SIZE } from "./boot-sector.ts";
import { ATTR_VOLUME_ID, type DirectoryParser, type DirectorySink, type Entry } from "./entry.ts";
import { decodeShort, decodeShortName, decodeUtf16, shortChecksum } from "./names.ts";
import { creationNumber, dosTime } from "./times.ts";

const DELETED = 0xe5;
const LONG_NAME = 0x0f;
const LONG_NAME_MASK = 0x3f;
const LAST_LONG_ENTRY = 0x40;
/** 255 characters, 13 to an entry. */
const MAX_LONG_ENTRIES = 20;
const UNITS_PER_ENTRY = 13;
const UNIT_PLACES: readonly number[] = [1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30];
const DOT = 0x2e;
const BLANK = 0x20;

export class FatDirectoryParser implements DirectoryParser {
	readonly #sink: DirectorySink;
	/** The first cluster's high half means something only on FAT32. */
	readonly #wide: boolean;
	/** Called for the volume's label, where this is the root directory. */
	readonly #label: ((label: string) => void) | undefined;
	readonly #units = new Uint16Array(MAX_LONG_ENTRIES * UNITS_PER_ENTRY);
	/** Parts of a long name still to come; -1 where none has begun. */
	#missing = -1;
	#parts = 0;
	#checksum = 0;

	constructor(sink: DirectorySink, wide: boolean, label?: (label: string) => void) {
		this.#sink = sink;
		this.#wide = wide;
		this.#label = label;
	}

	feed(bytes: Buffer, offset: number): boolean {
		for (let at = 0; at + ENTRY_SIZE <= bytes.length; at += ENTRY_SIZE) {
			const first = bytes[at]!;
			if (first === 0) return false;
			const attributes = bytes[at + 11]!;
			if (first === DELETED) {
				this.#missing = -1;
			} else if ((attributes & LONG_NAME_MASK) === LONG_NAME) {
				this.#takeLong(bytes, at);
			} else {
				if ((attributes & ATTR_VOLUME_ID) !== 0) this.#label?.(decodeShort(bytes, at, 11));
				else if (!isDots(bytes, at)) this.#sink.entry(this.#entry(bytes, at, offset + at));
				this.#missing = -1;
			}
		}
		return true;
	}

	end(): void {}

	#takeLong(bytes: Buffer, at: number): void {
		const order = bytes[at]!;
		const number = order & ~LAST_LONG_ENTRY;
		if ((order & LAST_LONG_ENTRY) !== 0) {
			this.#missing = number >= 1 && number <= MAX_LONG_ENTRIES ? number : -1;
			this.#parts = number;
			this.#checksum = bytes[at + 13]!;
		} else if (number !== this.#missing || bytes[at + 13] !== this.#checksum) {
			this.#missing = -1;
		}
		if (this.#missing < 1) {
			this.#missing = -1;
			return;
		}
		this.#missing--;
		let unit = this.#missing * UNITS_PER_ENTRY;
		for (const place of UNIT_PLACES) this.#units[unit++] = bytes[at + place]! | (bytes[at + place + 1]! << 8);
	}

	#longName(bytes: Buffer, at: number): string {
		if (this.#missing !== 0 || shortChecksum(bytes, at) !== this.#checksum) return "";
		const most = this.#parts * UNITS_PER_ENTRY;
		const end = this.#units.subarray(0, most).indexOf(0);
		return decodeUtf16(this.#units, end === -1 ? most : end);
	}

	#entry(bytes: Buffer, at: number, offset: number): Entry {
		const shortName = decodeShortName(bytes, at);
		const longName = this.#longName(bytes, at);
		const createdTime = bytes.readUInt16LE(at + 14);
		const createdDate = bytes.readUInt16LE(at + 16);
		const hundredths = bytes[at + 13]!;
		const size = bytes.readUInt32LE(at + 28);
		return {
			offset,
			name: longName === "" ? shortName : longName,
			shortName: longName === "" ? "" : shortName,
			attributes: bytes[at + 11]!,
			firstCluster: bytes.readUInt16LE(at + 26) + (this.#wide ? bytes.readUInt16LE(at + 20) * 65536 : 0),
			size,
			validSize: size,
			contiguous: false,
			vendor: [],
			created: dosTime(createdDate, createdTime, hundredths),
			creation: creationNumber(createdDate, createdTime, hundredths),
			mtime: dosTime(bytes.readUInt16LE(at + 24), bytes.readUInt16LE(at + 22)),
		};
	}
}

/** `.` and `..`, which every directory but the root begins with. */
function isDots(bytes: Buffer, at: number): boolean {
	if (bytes[at] !== DOT) return false;
	for (let i = 2; i < 11; i++) if (bytes[at + i] !== BLANK) return false;
	return bytes[at + 1] === DOT || bytes[at + 1] === BLANK;
}
