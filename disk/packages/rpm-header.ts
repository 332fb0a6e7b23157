/**
 * An RPM header, as each package has one in rpm's database: an index of tags, then their values, big-endian.
 * Source: rpm's docs/manual/format_header.md and format_v4.md; limits as lib/header.c has them.
 */
import { UmbraError } from "../../common/errors.ts";
import { decodePath } from "./file-index.ts";

/** Bytes; rpm itself takes 256 MiB, the largest packages have 10. */
export const MAX_HEADER = 64 << 20;
/** Values of a tag, of which each costs memory; the largest packages have 40,000 files. */
const MAX_COUNT = 1_000_000;
const MAX_TAGS = 65535;
const ENTRY_SIZE = 16;

const TAG = {
	NAME: 1000,
	VERSION: 1001,
	RELEASE: 1002,
	EPOCH: 1003,
	ARCH: 1022,
	FILESIZES: 1028,
	FILESTATES: 1029,
	FILEMODES: 1030,
	FILEDIGESTS: 1035,
	FILELINKTOS: 1036,
	FILEFLAGS: 1037,
	DIRINDEXES: 1116,
	BASENAMES: 1117,
	DIRNAMES: 1118,
	LONGFILESIZES: 5008,
	FILEDIGESTALGO: 5011,
} as const;

const TYPE = { CHAR: 1, INT8: 2, INT16: 3, INT32: 4, INT64: 5, STRING: 6, STRING_ARRAY: 8, I18NSTRING: 9 } as const;

/** Bytes a value of each type. */
const WIDTH: Readonly<Record<number, number>> = { 1: 1, 2: 1, 3: 2, 4: 4, 5: 8 };

/** FILEFLAGS. */
export const RPMFILE_CONFIG = 1;
export const RPMFILE_GHOST = 64;
/** FILESTATES: the file is there as the package has it, not replaced by another's or left out. */
export const RPMFILE_STATE_NORMAL = 0;

/** FILEDIGESTALGO, by the numbers of RFC 4880 9.4. */
const ALGORITHMS: Readonly<Record<number, string>> = {
	1: "md5",
	2: "sha1",
	8: "sha256",
	9: "sha384",
	10: "sha512",
	11: "sha224",
};

export interface RpmHeader {
	readonly name: string;
	/** `[epoch:]version-release`. */
	readonly version: string;
	/** "(none)" where there is none, as rpm prints it. */
	readonly arch: string;
	/** Of node:crypto; undefined for one that is not known. */
	readonly algorithm: string | undefined;
	readonly files: RpmFiles;
}

/** Of `count` files, column by column; a column that the header lacks is undefined. */
export interface RpmFiles {
	readonly count: number;
	readonly folders: readonly string[];
	readonly folderOf: Uint32Array;
	readonly names: readonly string[];
	/** Hexadecimal; empty for what is no regular file. */
	readonly digests: readonly string[] | undefined;
	readonly links: readonly string[] | undefined;
	readonly flags: Uint32Array | undefined;
	readonly modes: Uint32Array | undefined;
	readonly states: Uint32Array | undefined;
	/** Bytes. */
	readonly sizes: Float64Array | undefined;
}

interface Entry {
	readonly type: number;
	/** In the header's bytes. */
	readonly at: number;
	readonly count: number;
}

/** @param where names the header in errors. @throws UmbraError `corrupt`, `truncated`, `limit`. */
export function parseRpmHeader(bytes: Buffer, where: string): RpmHeader {
	return new HeaderReader(bytes, where).read();
}

class HeaderReader {
	readonly #bytes: Buffer;
	readonly #where: string;
	readonly #entries = new Map<number, Entry>();

	constructor(bytes: Buffer, where: string) {
		this.#bytes = bytes;
		this.#where = where;
		if (bytes.length < 8) throw this.#error("truncated", "index length", 0, bytes.length, 8);
		const tags = bytes.readUInt32BE(0);
		const length = bytes.readUInt32BE(4);
		if (tags > MAX_TAGS) throw this.#error("limit", "il", 0, tags, MAX_TAGS);
		if (length > MAX_HEADER) throw this.#error("limit", "dl", 4, length, MAX_HEADER);
		const data = 8 + tags * ENTRY_SIZE;
		if (data + length > bytes.length) throw this.#error("truncated", "dl", 4, bytes.length, data + length);
		for (let at = 8; at < data; at += ENTRY_SIZE) {
			const tag = bytes.readUInt32BE(at);
			const offset = bytes.readUInt32BE(at + 8);
			if (offset > length) throw this.#error("corrupt", "offset", at + 8, offset, length);
			// rpm takes the first of several.
			if (this.#entries.has(tag)) continue;
			this.#entries.set(tag, {
				type: bytes.readUInt32BE(at + 4),
				at: data + offset,
				count: bytes.readUInt32BE(at + 12),
			});
		}
		this.#bytes = bytes.subarray(0, data + length);
	}

	read(): RpmHeader {
		const name = this.#string(TAG.NAME);
		const version = this.#string(TAG.VERSION);
		const release = this.#string(TAG.RELEASE);
		if (name === undefined || version === undefined || release === undefined) {
			throw this.#error("corrupt", "NAME, VERSION, RELEASE", 0, "none", "a string each");
		}
		const epoch = this.#numbers(TAG.EPOCH)?.[0];
		return {
			name,
			version: `${epoch === undefined ? "" : `${epoch}:`}${version}-${release}`,
			arch: this.#string(TAG.ARCH) ?? "(none)",
			algorithm: ALGORITHMS[this.#numbers(TAG.FILEDIGESTALGO)?.[0] ?? 1],
			files: this.#files(),
		};
	}

	#files(): RpmFiles {
		const names = this.#strings(TAG.BASENAMES) ?? [];
		const count = names.length;
		const folders = (this.#strings(TAG.DIRNAMES) ?? []).map((folder) => folder.replace(/\/$/, ""));
		const folderOf = this.#numbers(TAG.DIRINDEXES) ?? new Uint32Array(0);
		if (folderOf.length !== count) throw this.#error("corrupt", "DIRINDEXES", 0, folderOf.length, count);
		for (const folder of folderOf) {
			if (folder >= folders.length) throw this.#error("corrupt", "DIRINDEXES", 0, folder, folders.length);
		}
		const sized = <T extends { readonly length: number }>(field: string, column: T | undefined): T | undefined => {
			if (column === undefined || column.length === count) return column;
			throw this.#error("corrupt", field, 0, column.length, count);
		};
		return {
			count,
			folders,
			folderOf,
			names,
			digests: sized("FILEDIGESTS", this.#strings(TAG.FILEDIGESTS)),
			links: sized("FILELINKTOS", this.#strings(TAG.FILELINKTOS)),
			flags: sized("FILEFLAGS", this.#numbers(TAG.FILEFLAGS)),
			modes: sized("FILEMODES", this.#numbers(TAG.FILEMODES)),
			states: sized("FILESTATES", this.#numbers(TAG.FILESTATES)),
			sizes: sized("FILESIZES", this.#sizes()),
		};
	}

	#sizes(): Float64Array | undefined {
		const entry = this.#entries.get(TAG.LONGFILESIZES);
		if (entry === undefined || entry.type !== TYPE.INT64) {
			const sizes = this.#numbers(TAG.FILESIZES);
			return sizes === undefined ? undefined : Float64Array.from(sizes);
		}
		this.#checkRoom(entry, 8);
		const sizes = new Float64Array(entry.count);
		for (let i = 0; i < entry.count; i++) sizes[i] = Number(this.#bytes.readBigUInt64BE(entry.at + 8 * i));
		return sizes;
	}

	#numbers(tag: number): Uint32Array | undefined {
		const entry = this.#entries.get(tag);
		if (entry === undefined) return undefined;
		const width = WIDTH[entry.type];
		if (width === undefined || width > 4)
			throw this.#error("corrupt", `type of tag ${tag}`, entry.at, entry.type, "integers");
		this.#checkRoom(entry, width);
		const numbers = new Uint32Array(entry.count);
		for (let i = 0; i < entry.count; i++) numbers[i] = this.#bytes.readUIntBE(entry.at + width * i, width);
		return numbers;
	}

	#string(tag: number): string | undefined {
		const entry = this.#entries.get(tag);
		if (entry === undefined) return undefined;
		if (entry.type !== TYPE.STRING && entry.type !== TYPE.I18NSTRING) {
			throw this.#error("corrupt", `type of tag ${tag}`, entry.at, entry.type, TYPE.STRING);
		}
		return decodePath(this.#bytes, entry.at, this.#endOfString(entry.at));
	}

	#strings(tag: number): string[] | undefined {
		const entry = this.#entries.get(tag);
		if (entry === undefined) return undefined;
		if (entry.type !== TYPE.STRING_ARRAY) {
			throw this.#error("corrupt", `type of tag ${tag}`, entry.at, entry.type, TYPE.STRING_ARRAY);
		}
		this.#checkRoom(entry, 1);
		const strings: string[] = [];
		let at = entry.at;
		for (let i = 0; i < entry.count; i++) {
			const end = this.#endOfString(at);
			strings.push(decodePath(this.#bytes, at, end));
			at = end + 1;
		}
		return strings;
	}

	#endOfString(at: number): number {
		const end = this.#bytes.indexOf(0, at);
		if (end === -1) throw this.#error("truncated", "string", at, this.#bytes.length, "a NUL at its end");
		return end;
	}

	#checkRoom({ at, count }: Entry, width: number): void {
		if (count > MAX_COUNT) throw this.#error("limit", "count", at, count, MAX_COUNT);
		const room = Math.floor((this.#bytes.length - at) / width);
		if (count > room) throw this.#error("corrupt", "count", at, count, room);
	}

	#error(code: "corrupt" | "truncated" | "limit", field: string, offset: number, found: unknown, wanted: unknown) {
		const structure = "RPM header";
		return new UmbraError(code, `${this.#where}: ${structure}: ${field} is ${found}, wanted ${wanted}`, {
			context: { path: this.#where, structure, field, offset, found, wanted },
		});
	}
}
