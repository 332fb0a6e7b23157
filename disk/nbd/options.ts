/** The handshake's structures as the server reads and writes them: pure. Spec: "Newstyle negotiation". */
import { UmbraError } from "../../common/errors.ts";
import {
	FLAG_FIXED_NEWSTYLE,
	FLAG_NO_ZEROES,
	GREETING_BYTES,
	IHAVEOPT,
	INFO_BLOCK_SIZE,
	INFO_EXPORT,
	MAX_REQUEST_BYTES,
	MAX_STRING_BYTES,
	NBDMAGIC,
	OPTION_REPLY_BYTES,
	OPTION_REPLY_MAGIC,
} from "../source/nbd/wire.ts";

/** What stands after the size in the answer to NBD_OPT_EXPORT_NAME. */
const EXPORT_NAME_ZEROES = 124;

export function encodeGreeting(): Buffer {
	const bytes = Buffer.alloc(GREETING_BYTES);
	bytes.writeBigUInt64BE(NBDMAGIC, 0);
	bytes.writeBigUInt64BE(IHAVEOPT, 8);
	bytes.writeUInt16BE(FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES, 16);
	return bytes;
}

export interface ClientFlags {
	readonly fixed: boolean;
	readonly noZeroes: boolean;
}

/** @throws UmbraError `unsupported` for a flag that is not known, at which the spec has the connection closed. */
export function parseClientFlags(bytes: Buffer): ClientFlags {
	const flags = bytes.readUInt32BE(0);
	if ((flags & ~(FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES)) !== 0) {
		throw new UmbraError("unsupported", `NBD client flags: 0x${flags.toString(16)}, wanted at most 0x3`);
	}
	return { fixed: (flags & FLAG_FIXED_NEWSTYLE) !== 0, noZeroes: (flags & FLAG_NO_ZEROES) !== 0 };
}

/** @throws UmbraError `corrupt` where no option begins here. */
export function parseOption(header: Buffer): { readonly option: number; readonly length: number } {
	if (header.readBigUInt64BE(0) !== IHAVEOPT) throw malformed("option", "its magic is not IHAVEOPT");
	return { option: header.readUInt32BE(8), length: header.readUInt32BE(12) };
}

export interface InfoRequest {
	readonly name: string;
	/** NBD_INFO_* that the client asks for. */
	readonly wanted: ReadonlySet<number>;
}

/** Data of NBD_OPT_INFO and NBD_OPT_GO. @throws UmbraError `corrupt`. */
export function parseInfoRequest(data: Buffer): InfoRequest {
	const { text: name, end } = parseString(data, 0);
	if (end + 2 > data.length) throw malformed("NBD_OPT_GO", "it ends before its number of information requests");
	const count = data.readUInt16BE(end);
	if (data.length !== end + 2 + 2 * count) throw malformed("NBD_OPT_GO", `its length does not fit ${count} requests`);
	const wanted = Array.from({ length: count }, (_, at) => data.readUInt16BE(end + 2 + 2 * at));
	return { name, wanted: new Set(wanted) };
}

export interface ContextRequest {
	readonly name: string;
	readonly queries: readonly string[];
}

/** Data of NBD_OPT_LIST_META_CONTEXT and NBD_OPT_SET_META_CONTEXT. @throws UmbraError `corrupt`. */
export function parseContextRequest(data: Buffer): ContextRequest {
	const { text: name, end } = parseString(data, 0);
	if (end + 4 > data.length) throw malformed("NBD_OPT_SET_META_CONTEXT", "it ends before its number of queries");
	const count = data.readUInt32BE(end);
	const queries: string[] = [];
	let at = end + 4;
	// Every query takes four bytes at least, so the data bounds them.
	while (queries.length < count) {
		const query = parseString(data, at);
		queries.push(query.text);
		at = query.end;
	}
	if (at !== data.length) throw malformed("NBD_OPT_SET_META_CONTEXT", `${data.length - at} bytes behind its queries`);
	return { name, queries };
}

function parseString(data: Buffer, at: number): { readonly text: string; readonly end: number } {
	const start = at + 4;
	const length = start <= data.length ? data.readUInt32BE(at) : 0;
	if (start > data.length || length > data.length - start) throw malformed("option", "a string leaves its data");
	if (length > MAX_STRING_BYTES) throw malformed("option", `a string of ${length} bytes, at most ${MAX_STRING_BYTES}`);
	return { text: data.toString("utf8", start, start + length), end: start + length };
}

export function encodeOptionReply(option: number, type: number, data: Uint8Array = new Uint8Array()): Buffer {
	const bytes = Buffer.alloc(OPTION_REPLY_BYTES + data.length);
	bytes.writeBigUInt64BE(OPTION_REPLY_MAGIC, 0);
	bytes.writeUInt32BE(option, 8);
	bytes.writeUInt32BE(type, 12);
	bytes.writeUInt32BE(data.length, 16);
	bytes.set(data, OPTION_REPLY_BYTES);
	return bytes;
}

/** Data of NBD_REP_SERVER. */
export function encodeServer(name: string, description: string): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(Buffer.byteLength(name));
	return Buffer.concat([length, Buffer.from(name), Buffer.from(description)]);
}

/** Data of NBD_REP_META_CONTEXT. */
export function encodeMetaContext(id: number, name: string): Buffer {
	const text = Buffer.from(name);
	const bytes = Buffer.alloc(4 + text.length);
	bytes.writeUInt32BE(id, 0);
	bytes.set(text, 4);
	return bytes;
}

/** Data of NBD_REP_INFO. */
export function encodeExportInfo(size: number, flags: number): Buffer {
	const bytes = Buffer.alloc(12);
	bytes.writeUInt16BE(INFO_EXPORT, 0);
	bytes.writeBigUInt64BE(BigInt(size), 2);
	bytes.writeUInt16BE(flags, 10);
	return bytes;
}

/** The same for NBD_INFO_NAME and NBD_INFO_DESCRIPTION. */
export function encodeInfoText(type: number, text: string): Buffer {
	const bytes = Buffer.from(`  ${text}`);
	bytes.writeUInt16BE(type, 0);
	return bytes.subarray(0, 2 + MAX_STRING_BYTES);
}

/** The same for NBD_INFO_BLOCK_SIZE. */
export function encodeBlockSizes(minimum: number, preferred: number): Buffer {
	const bytes = Buffer.alloc(14);
	bytes.writeUInt16BE(INFO_BLOCK_SIZE, 0);
	bytes.writeUInt32BE(minimum, 2);
	bytes.writeUInt32BE(preferred, 6);
	bytes.writeUInt32BE(MAX_REQUEST_BYTES, 10);
	return bytes;
}

/** The whole answer to NBD_OPT_EXPORT_NAME. */
export function encodeExportNameAnswer(size: number, flags: number, noZeroes: boolean): Buffer {
	const bytes = Buffer.alloc(10 + (noZeroes ? 0 : EXPORT_NAME_ZEROES));
	bytes.writeBigUInt64BE(BigInt(size), 0);
	bytes.writeUInt16BE(flags, 8);
	return bytes;
}

function malformed(structure: string, problem: string): UmbraError {
	return new UmbraError("corrupt", `${structure}: ${problem}`, { context: { structure } });
}
