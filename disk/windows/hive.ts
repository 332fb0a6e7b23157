/**
 * `disk/windows/` reads what Windows keeps in files of its own, so far the registry. It knows nothing of NTFS or of
 * who asks.
 *
 * A registry hive ("regf"): a header, then bins of cells, which refer to each other by their offset. A *key* (nk cell)
 * has subkeys, in lists (lf, lh, li; ri is a list of lists), and *values* (vk cells). What its log files hold beyond
 * it is not read.
 * Source: Maxim Suhanov's Windows registry file format specification.
 */
import { UmbraError } from "../../common/errors.ts";

const HEADER_SIZE = 4096;
/** Larger hives have no place in memory; those of accounts have less than 1 MiB. */
export const MAX_HIVE = 64 << 20;
const NONE = 0xffffffff;
/** Key names have at most 255 characters, value names 16,383. */
const MAX_NAME_BYTES = 2 * 16383;
const LATIN_KEY_NAME = 0x20;
const LATIN_VALUE_NAME = 0x01;
const IN_PLACE = 0x80000000;
/** Of a value in several cells ("db"): bytes in each but the last. */
const SEGMENT_SIZE = 16344;
/** Cells looked at; a hive of a million keys is none of accounts. A list that names one cell over and over ends here. */
const MAX_CELLS = 1_000_000;

export interface HiveValue {
	/** Empty for the default value. */
	readonly name: string;
	/** REG_SZ is 1, REG_BINARY 3; in a SAM, any number. */
	readonly type: number;
	readonly data: Buffer;
}

export interface HiveKey {
	readonly name: string;
	/** Place of its cell, which nothing else has. */
	readonly offset: number;
	readonly subkeys: Place;
	readonly values: Place;
}

interface Place {
	readonly count: number;
	readonly list: number;
}

export class Hive {
	readonly root: HiveKey;
	/** Cells only. */
	readonly #bytes: Buffer;
	readonly #name: string;
	#cellsLeft = MAX_CELLS;

	/** @param name of the file, in errors. @throws UmbraError `corrupt`, `truncated`, `unsupported`, `limit`. */
	constructor(bytes: Buffer, name: string) {
		this.#name = name;
		this.#bytes = bytes.subarray(HEADER_SIZE);
		if (bytes.length < HEADER_SIZE) throw this.#error("truncated", "regf", "size", 0, bytes.length, HEADER_SIZE);
		if (bytes.length > MAX_HIVE) throw this.#error("limit", "regf", "size", 0, bytes.length, MAX_HIVE);
		const magic = bytes.toString("latin1", 0, 4);
		if (magic !== "regf") throw this.#error("corrupt", "regf", "signature", 0, magic, "regf");
		const major = bytes.readUInt32LE(20);
		if (major !== 1) throw this.#error("unsupported", "regf", "major version", 20, major, 1);
		this.root = this.#key(bytes.readUInt32LE(36));
	}

	/** @param path names of keys, in any case. Undefined where there is none. @throws UmbraError `corrupt`, `limit`. */
	find(path: readonly string[], from: HiveKey = this.root): HiveKey | undefined {
		let key: HiveKey | undefined = from;
		for (const name of path) {
			const wanted = name.toUpperCase();
			key = [...this.subkeys(key)].find((each) => each.name.toUpperCase() === wanted);
			if (key === undefined) return undefined;
		}
		return key;
	}

	/** @throws UmbraError `corrupt`, `limit`. */
	*subkeys({ subkeys }: HiveKey): Generator<HiveKey> {
		if (subkeys.count === 0 || subkeys.list === NONE) return;
		const list = this.#cell(subkeys.list, 4);
		if (list.toString("latin1", 0, 2) !== "ri") {
			yield* this.#listedKeys(list, subkeys.list);
			return;
		}
		for (const offset of this.#entries(list, 4, subkeys.list)) yield* this.#listedKeys(this.#cell(offset, 4), offset);
	}

	/** @throws UmbraError `corrupt`, `limit`. */
	*values({ values }: HiveKey): Generator<HiveValue> {
		if (values.count === 0 || values.list === NONE) return;
		const list = this.#cell(values.list, 0);
		if (values.count > list.length / 4) {
			throw this.#error("corrupt", "value list", "count", values.list, values.count, Math.floor(list.length / 4));
		}
		for (let i = 0; i < values.count; i++) yield this.#value(list.readUInt32LE(4 * i));
	}

	*#listedKeys(list: Buffer, offset: number): Generator<HiveKey> {
		const kind = list.toString("latin1", 0, 2);
		const width = kind === "li" ? 4 : kind === "lf" || kind === "lh" ? 8 : 0;
		if (width === 0) throw this.#error("corrupt", "subkey list", "signature", offset, kind, "lf, lh or li");
		for (const entry of this.#entries(list, width, offset)) yield this.#key(entry);
	}

	*#entries(list: Buffer, width: number, offset: number): Generator<number> {
		const count = list.readUInt16LE(2);
		const room = Math.floor((list.length - 4) / width);
		if (count > room) throw this.#error("corrupt", "subkey list", "count", offset, count, room);
		for (let i = 0; i < count; i++) yield list.readUInt32LE(4 + i * width);
	}

	#key(offset: number): HiveKey {
		const cell = this.#cell(offset, 76);
		const kind = cell.toString("latin1", 0, 2);
		if (kind !== "nk") throw this.#error("corrupt", "key", "signature", offset, kind, "nk");
		const isLatin = (cell.readUInt16LE(2) & LATIN_KEY_NAME) !== 0;
		return {
			name: this.#text(cell, 76, cell.readUInt16LE(72), isLatin, offset),
			offset,
			subkeys: { count: cell.readUInt32LE(20), list: cell.readUInt32LE(28) },
			values: { count: cell.readUInt32LE(36), list: cell.readUInt32LE(40) },
		};
	}

	#value(offset: number): HiveValue {
		const cell = this.#cell(offset, 20);
		const kind = cell.toString("latin1", 0, 2);
		if (kind !== "vk") throw this.#error("corrupt", "value", "signature", offset, kind, "vk");
		const isLatin = (cell.readUInt16LE(16) & LATIN_VALUE_NAME) !== 0;
		const name = this.#text(cell, 20, cell.readUInt16LE(2), isLatin, offset);
		return { name, type: cell.readUInt32LE(12), data: this.#data(cell, offset) };
	}

	#data(cell: Buffer, offset: number): Buffer {
		const size = cell.readUInt32LE(4);
		if (size >= IN_PLACE) return cell.subarray(8, 8 + Math.min(size - IN_PLACE, 4));
		if (size === 0) return Buffer.alloc(0);
		const data = this.#cell(cell.readUInt32LE(8), 0);
		if (size <= data.length) return data.subarray(0, size);
		if (data.length < 8 || data.toString("latin1", 0, 2) !== "db") {
			throw this.#error("corrupt", "value", "data size", offset, size, data.length);
		}
		const count = data.readUInt16LE(2);
		const list = this.#cell(data.readUInt32LE(4), 0);
		if (count > list.length / 4 || size > count * SEGMENT_SIZE) {
			throw this.#error("corrupt", "big data", "count", offset, count, Math.ceil(size / SEGMENT_SIZE));
		}
		const parts: Buffer[] = [];
		for (let left = size, i = 0; left > 0; left -= SEGMENT_SIZE, i++) {
			parts.push(
				this.#cell(list.readUInt32LE(4 * i), Math.min(left, SEGMENT_SIZE)).subarray(0, Math.min(left, SEGMENT_SIZE)),
			);
		}
		return Buffer.concat(parts, size);
	}

	#text(cell: Buffer, at: number, length: number, isLatin: boolean, offset: number): string {
		if (at + length > cell.length || length > MAX_NAME_BYTES) {
			throw this.#error("corrupt", "name", "length", offset, length, cell.length - at);
		}
		return isLatin
			? cell.toString("latin1", at, at + length)
			: cell.toString("utf16le", at, at + (length & ~1)).toWellFormed();
	}

	/** What a cell in use holds, of at least `least` bytes. */
	#cell(offset: number, least: number): Buffer {
		if (--this.#cellsLeft < 0) throw this.#error("limit", "cell", "count", offset, MAX_CELLS + 1, MAX_CELLS);
		const room = this.#bytes.length - offset;
		if (room < 4) throw this.#error("corrupt", "cell", "offset", offset, offset, this.#bytes.length - 4);
		const size = -this.#bytes.readInt32LE(offset);
		if (size < 4 + least || size > room)
			throw this.#error("corrupt", "cell", "size", offset, size, `${4 + least} to ${room}`);
		return this.#bytes.subarray(offset + 4, offset + size);
	}

	#error(
		code: "corrupt" | "truncated" | "unsupported" | "limit",
		structure: string,
		field: string,
		offset: number,
		found: unknown,
		wanted: unknown,
	): UmbraError {
		return new UmbraError(code, `${this.#name}: ${structure}: ${field} is ${found}, wanted ${wanted}`, {
			context: { path: this.#name, structure, field, offset, found, wanted },
		});
	}
}
