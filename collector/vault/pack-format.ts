/**
 * A pack file, byte by byte (docs/formats.md, "Vault packs"). All integers are little-endian.
 *
 *     file header | record | record | ... | trailer | footer
 *
 * The trailer and the footer are there once the pack is sealed; until then the records alone tell
 * what the pack holds. Everything here is pure: bytes in, checked values out.
 */
import { crc32 } from "node:zlib";
import { BLOCK_SIZE, NAME_SIZE } from "../../common/block.ts";
import { UmbraError } from "../../common/errors.ts";
import type { ChunkEncoding } from "./chunk-store.ts";

/** What the records of a pack hold: chunks in the clear, or encrypted ones. A vault has packs of one version. */
export type PackVersion = typeof PLAIN_PACK | typeof ENCRYPTED_PACK;
export const PLAIN_PACK = 1;
export const ENCRYPTED_PACK = 2;

/** Magic (8), version (4), pack id (4), key id (4, 0 where plain), CRC-32 of the 20 bytes before it. */
export const FILE_HEADER_SIZE = 24;
/** Magic (4), encoding (1), reserved (3), plain length (4), stored length (4), name (32), CRC-32 of the 48 bytes before it. */
export const RECORD_HEADER_SIZE = 52;
/** Magic (4), number of entries (4). */
export const TRAILER_HEADER_SIZE = 8;
/** Name (32), offset of the record (4), encoding in the top 8 bits and stored length in the others (4). */
export const TRAILER_ENTRY_SIZE = 40;
/** Trailer offset (4), entries (4), CRC-32 of the trailer (4), version (4), CRC-32 of the 16 bytes before it, magic (8). */
export const FOOTER_SIZE = 28;

/** A chunk is a disk block or smaller; bounds what one record can make a reader allocate. */
export const MAX_CHUNK_SIZE = BLOCK_SIZE;
/** By how much a chunk grows where it is encrypted: key id (4), nonce (12), tag (16). */
export const CIPHER_SIZE = 32;
export const MAX_STORED_SIZE: number = MAX_CHUNK_SIZE + CIPHER_SIZE;
/** Offsets are 32 bits wide, and a pack is read whole to recover it: 1 GiB keeps both safe. */
export const MAX_PACK_SIZE = 2 ** 30;

const FILE_MAGIC = Buffer.from("UMBRAPCK");
export const FOOTER_MAGIC: Buffer = Buffer.from("KCPARBMU");
/** Starts every record; recovery looks for it behind damage. */
export const RECORD_MAGIC: Buffer = Buffer.from("UCHK");
export const TRAILER_MAGIC: Buffer = Buffer.from("UIDX");

const ENCODINGS: readonly ChunkEncoding[] = ["raw", "zstd"];

export interface RecordHeader {
	/** A copy of the 32 bytes. */
	readonly name: Uint8Array;
	readonly encoding: ChunkEncoding;
	/** 1 to `MAX_CHUNK_SIZE`. */
	readonly plainLength: number;
	/** 1 to `plainLength`, and `CIPHER_SIZE` more where encrypted; the data follows the header. */
	readonly storedLength: number;
}

/** Where a chunk lies. */
export interface RecordPlace {
	/** Id of the pack. */
	readonly pack: number;
	/** Of the record, that is, of its header. */
	readonly offset: number;
	readonly encoding: ChunkEncoding;
	readonly storedLength: number;
}

export interface Footer {
	readonly version: PackVersion;
	readonly trailerOffset: number;
	readonly entries: number;
	readonly trailerCrc: number;
}

/** The size of a trailer with so many entries. */
export function trailerSize(entries: number): number {
	return TRAILER_HEADER_SIZE + entries * TRAILER_ENTRY_SIZE;
}

function corrupt(structure: string, field: string, offset: number, found: unknown, wanted: unknown): UmbraError {
	return new UmbraError("corrupt", `${structure}: ${field} is ${String(found)}, wanted ${String(wanted)}`, {
		context: { structure, field, offset, found, wanted },
	});
}

function need(bytes: Uint8Array, size: number, structure: string): Buffer {
	if (bytes.length < size) {
		throw new UmbraError("truncated", `${structure}: ${bytes.length} bytes, wanted ${size}`, {
			context: { structure, found: bytes.length, wanted: size },
		});
	}
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkCrc(view: Buffer, length: number, structure: string): void {
	const found = view.readUInt32LE(length);
	const wanted = crc32(view.subarray(0, length));
	if (found !== wanted) throw corrupt(structure, "crc", length, found, wanted);
}

function checkMagic(view: Buffer, at: number, magic: Buffer, structure: string): void {
	const found = view.subarray(at, at + magic.length);
	if (!found.equals(magic)) throw corrupt(structure, "magic", at, found.toString("hex"), magic.toString("hex"));
}

function checkVersion(version: number, wanted: PackVersion, structure: string, offset: number): void {
	if (version === wanted) return;
	const isOther = version === PLAIN_PACK || version === ENCRYPTED_PACK;
	throw new UmbraError("unsupported", `${structure}: version ${version}, wanted ${wanted}`, {
		context: { structure, field: "version", offset, found: version, wanted },
		hint: isOther
			? "packs of an encrypted vault and of a plain one lie in one folder: move those that came from elsewhere away"
			: "this vault was written by another release of Umbra; run that release or a newer one",
	});
}

/** How many bytes are stored beyond those of the chunk. */
function cipherSize(version: PackVersion): number {
	return version === ENCRYPTED_PACK ? CIPHER_SIZE : 0;
}

/** @param key id of the content key of every record; 0 where they are plain. */
export function encodeFileHeader(id: number, version: PackVersion, key: number): Buffer {
	const bytes = Buffer.alloc(FILE_HEADER_SIZE);
	FILE_MAGIC.copy(bytes, 0);
	bytes.writeUInt32LE(version, 8);
	bytes.writeUInt32LE(id, 12);
	bytes.writeUInt32LE(key, 16);
	bytes.writeUInt32LE(crc32(bytes.subarray(0, 20)), 20);
	return bytes;
}

/** @throws UmbraError `truncated`, `corrupt`, or `unsupported` where its version is another one. */
export function parseFileHeader(
	bytes: Uint8Array,
	version: PackVersion,
): { readonly id: number; readonly key: number } {
	const view = need(bytes, FILE_HEADER_SIZE, "pack header");
	checkMagic(view, 0, FILE_MAGIC, "pack header");
	checkCrc(view, 20, "pack header");
	checkVersion(view.readUInt32LE(8), version, "pack header", 8);
	const key = view.readUInt32LE(16);
	if ((key === 0) !== (version === PLAIN_PACK)) {
		throw corrupt("pack header", "key id", 16, key, version === PLAIN_PACK ? 0 : "that of a key");
	}
	return { id: view.readUInt32LE(12), key };
}

/** Writes a record header into `target` at `at`. */
export function writeRecordHeader(target: Buffer, at: number, header: RecordHeader): void {
	RECORD_MAGIC.copy(target, at);
	target.writeUInt32LE(ENCODINGS.indexOf(header.encoding), at + 4);
	target.writeUInt32LE(header.plainLength, at + 8);
	target.writeUInt32LE(header.storedLength, at + 12);
	target.set(header.name, at + 16);
	target.writeUInt32LE(crc32(target.subarray(at, at + 48)), at + 48);
}

/** @throws UmbraError `truncated` or `corrupt`. */
export function parseRecordHeader(bytes: Uint8Array, version: PackVersion): RecordHeader {
	const view = need(bytes, RECORD_HEADER_SIZE, "chunk record");
	checkMagic(view, 0, RECORD_MAGIC, "chunk record");
	checkCrc(view, 48, "chunk record");
	const encoding = ENCODINGS[view.readUInt32LE(4)];
	if (encoding === undefined) throw corrupt("chunk record", "encoding", 4, view.readUInt32LE(4), "0 or 1");
	const plainLength = view.readUInt32LE(8);
	if (plainLength < 1 || plainLength > MAX_CHUNK_SIZE) {
		throw corrupt("chunk record", "plain length", 8, plainLength, `1 to ${MAX_CHUNK_SIZE}`);
	}
	const storedLength = view.readUInt32LE(12);
	const extra = cipherSize(version);
	const encodedLength = storedLength - extra;
	const fits = encoding === "raw" ? encodedLength === plainLength : encodedLength >= 1 && encodedLength <= plainLength;
	if (!fits) {
		const wanted = encoding === "raw" ? plainLength + extra : `${1 + extra} to ${plainLength + extra}`;
		throw corrupt("chunk record", "stored length", 12, storedLength, wanted);
	}
	return { name: Buffer.from(view.subarray(16, 16 + NAME_SIZE)), encoding, plainLength, storedLength };
}

/** The two facts about a stored chunk in one number, as trailers and the index keep them. */
export function packMeta(encoding: ChunkEncoding, storedLength: number): number {
	return (ENCODINGS.indexOf(encoding) * 2 ** 24 + storedLength) >>> 0;
}

/** Undoes `packMeta`; undefined where it is no such number. */
export function unpackMeta(
	meta: number,
): { readonly encoding: ChunkEncoding; readonly storedLength: number } | undefined {
	const encoding = ENCODINGS[meta >>> 24];
	const storedLength = meta & 0xffffff;
	if (encoding === undefined || storedLength < 1 || storedLength > MAX_STORED_SIZE) return undefined;
	return { encoding, storedLength };
}

/** Trailer and footer of a pack whose records end at `trailerOffset`; `entries` holds them one after the other. */
export function encodeTrailer(entries: Uint8Array, trailerOffset: number, version: PackVersion): Buffer {
	const count = entries.length / TRAILER_ENTRY_SIZE;
	const size = trailerSize(count);
	const bytes = Buffer.alloc(size + FOOTER_SIZE);
	TRAILER_MAGIC.copy(bytes, 0);
	bytes.writeUInt32LE(count, 4);
	bytes.set(entries, TRAILER_HEADER_SIZE);
	bytes.writeUInt32LE(trailerOffset, size);
	bytes.writeUInt32LE(count, size + 4);
	bytes.writeUInt32LE(crc32(bytes.subarray(0, size)), size + 8);
	bytes.writeUInt32LE(version, size + 12);
	bytes.writeUInt32LE(crc32(bytes.subarray(size, size + 16)), size + 16);
	FOOTER_MAGIC.copy(bytes, size + 20);
	return bytes;
}

/**
 * The last `FOOTER_SIZE` bytes of a pack of `packSize` bytes.
 *
 * @throws UmbraError `truncated`, `corrupt` (the pack is not sealed, or damaged), or `unsupported`.
 */
export function parseFooter(bytes: Uint8Array, packSize: number, version: PackVersion): Footer {
	const view = need(bytes, FOOTER_SIZE, "pack footer");
	checkMagic(view, 20, FOOTER_MAGIC, "pack footer");
	checkCrc(view, 16, "pack footer");
	checkVersion(view.readUInt32LE(12), version, "pack footer", 12);
	const trailerOffset = view.readUInt32LE(0);
	const entries = view.readUInt32LE(4);
	const end = trailerOffset + trailerSize(entries) + FOOTER_SIZE;
	if (trailerOffset < FILE_HEADER_SIZE || end !== packSize) {
		throw corrupt("pack footer", "trailer offset", 0, trailerOffset, packSize - trailerSize(entries) - FOOTER_SIZE);
	}
	return { version, trailerOffset, entries, trailerCrc: view.readUInt32LE(8) };
}

/**
 * The entries of a trailer, still packed (`TRAILER_ENTRY_SIZE` bytes each, a view of `bytes`), after
 * every one was checked to lie between the file header and the trailer.
 *
 * @throws UmbraError `truncated` or `corrupt`.
 */
export function parseTrailer(bytes: Uint8Array, footer: Footer): Buffer {
	const size = trailerSize(footer.entries);
	const view = need(bytes, size, "pack trailer").subarray(0, size);
	checkMagic(view, 0, TRAILER_MAGIC, "pack trailer");
	const crc = crc32(view);
	if (crc !== footer.trailerCrc) throw corrupt("pack trailer", "crc", 0, crc, footer.trailerCrc);
	const count = view.readUInt32LE(4);
	if (count !== footer.entries) throw corrupt("pack trailer", "count", 4, count, footer.entries);
	const entries = view.subarray(TRAILER_HEADER_SIZE);
	const extra = cipherSize(footer.version);
	for (let at = 0; at < entries.length; at += TRAILER_ENTRY_SIZE) {
		const offset = entries.readUInt32LE(at + NAME_SIZE);
		const meta = unpackMeta(entries.readUInt32LE(at + NAME_SIZE + 4));
		const position = TRAILER_HEADER_SIZE + at + NAME_SIZE;
		if (meta === undefined || meta.storedLength <= extra || meta.storedLength > MAX_CHUNK_SIZE + extra) {
			throw corrupt(
				"pack trailer",
				"length",
				position + 4,
				entries.readUInt32LE(at + NAME_SIZE + 4),
				"a stored length",
			);
		}
		const last = footer.trailerOffset - RECORD_HEADER_SIZE - meta.storedLength;
		if (offset < FILE_HEADER_SIZE || offset > last) {
			throw corrupt("pack trailer", "offset", position, offset, `${FILE_HEADER_SIZE} to ${last}`);
		}
	}
	return entries;
}

/** Writes one trailer entry into `target` at `at`. */
export function writeTrailerEntry(target: Buffer, at: number, name: Uint8Array, offset: number, meta: number): void {
	target.set(name, at);
	target.writeUInt32LE(offset, at + NAME_SIZE);
	target.writeUInt32LE(meta, at + NAME_SIZE + 4);
}
