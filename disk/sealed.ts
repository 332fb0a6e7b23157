/**
 * Columns as they are stored: compressed, and with a checksum that is also their name. All numbers are little-endian.
 *
 *   4 bytes magic | u8 version | u32 length of the plain body | 32 bytes BLAKE3 of what follows |
 *   where it goes on from another part: the 32 bytes BLAKE3 of that one | zstd body
 */
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { blake3Name, NAME_SIZE } from "../common/block.ts";
import { isUmbraError, UmbraError } from "../common/errors.ts";
import { ColumnReader } from "./tree-columns.ts";

const NAME_AT = 9;
const HEADER_SIZE = NAME_AT + NAME_SIZE;

export interface SealedFormat {
	/** Names it in errors. */
	readonly structure: string;
	/** Four characters. */
	readonly magic: string;
	/** Those that are read; the first is written. */
	readonly versions: readonly [number, ...number[]];
	/** Bytes of a plain body; bounds what a damaged length can make zstd allocate. */
	readonly maxBody: number;
}

/**
 * @param previous the name of the part that this one goes on from.
 * @throws UmbraError `limit` for a body beyond `maxBody`.
 */
export function seal(
	{ structure, magic, versions, maxBody }: SealedFormat,
	body: Uint8Array,
	previous?: Uint8Array,
): Uint8Array {
	if (body.length > maxBody) {
		throw new UmbraError("limit", `${structure}: ${body.length} bytes of columns, at most ${maxBody} fit`, {
			context: { structure, found: body.length, wanted: maxBody },
		});
	}
	const packed = zstdCompressSync(body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
	const out = Buffer.allocUnsafe(HEADER_SIZE + (previous?.length ?? 0) + packed.length);
	out.write(magic, 0, "latin1");
	out.writeUInt8(versions[0], 4);
	out.writeUInt32LE(body.length, 5);
	if (previous !== undefined) out.set(previous, HEADER_SIZE);
	out.set(packed, out.length - packed.length);
	out.set(blake3Name(out.subarray(HEADER_SIZE)), NAME_AT);
	return out;
}

/** What tells sealed bytes from any other. */
export function nameOfSealed(bytes: Uint8Array): Uint8Array {
	return Uint8Array.from(bytes.subarray(NAME_AT, HEADER_SIZE));
}

/**
 * @param previous the name that they must go on from.
 * @param read takes all columns, of the version that it is given.
 * @throws UmbraError `corrupt` for anything that `seal` did not make or that was damaged since; `unsupported` for
 * another version.
 */
export function unseal<T>(
	{ structure, magic, versions, maxBody }: SealedFormat,
	bytes: Uint8Array,
	previous: Uint8Array | undefined,
	read: (reader: ColumnReader, version: number) => T,
): T {
	const damaged = (what: string, offset: number, cause?: unknown): UmbraError =>
		new UmbraError("corrupt", `${structure}: ${what}`, { cause, context: { structure, offset } });
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const start = HEADER_SIZE + (previous?.length ?? 0);
	if (buffer.length < start || buffer.toString("latin1", 0, 4) !== magic) throw damaged(`no ${structure}`, 0);
	const version = buffer.readUInt8(4);
	if (!versions.includes(version)) {
		throw new UmbraError("unsupported", `${structure}: version ${version}, wanted ${versions.join(" or ")}`, {
			context: { structure, offset: 4, found: version, wanted: versions[0] },
		});
	}
	const length = buffer.readUInt32LE(5);
	if (length > maxBody) throw damaged(`body of ${length} bytes`, 5);
	const checked = blake3Name(buffer.subarray(HEADER_SIZE));
	if (!buffer.subarray(NAME_AT, HEADER_SIZE).equals(checked)) throw damaged("checksum does not match", NAME_AT);
	if (previous !== undefined && !buffer.subarray(HEADER_SIZE, start).equals(previous)) {
		throw damaged("changes of another one", HEADER_SIZE);
	}
	try {
		const body = zstdDecompressSync(buffer.subarray(start), { maxOutputLength: Math.max(length, 1) });
		if (body.length !== length) throw damaged(`body of ${body.length} bytes, wanted ${length}`, 5);
		const reader = new ColumnReader(body, structure);
		const result = read(reader, version);
		reader.end();
		return result;
	} catch (error) {
		if (isUmbraError(error)) throw error;
		throw damaged("cannot be unpacked", HEADER_SIZE, error);
	}
}
