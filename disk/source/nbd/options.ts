/** The handshake's structures (newstyle, fixed): pure encoding and decoding. Spec: "Newstyle negotiation". */
import { UmbraError } from "../../../common/errors.ts";
import { MAX_OPTION_REPLY_BYTES, printable, readUint53, violation } from "./protocol.ts";
import {
	FLAG_FIXED_NEWSTYLE,
	FLAG_HAS_FLAGS,
	FLAG_NO_ZEROES,
	IHAVEOPT,
	INFO_BLOCK_SIZE,
	INFO_EXPORT,
	MAX_REQUEST_BYTES,
	MAX_STRING_BYTES,
	NBDMAGIC,
	OPTION_REPLY_MAGIC,
	REP_ERR_BIT,
} from "./wire.ts";

const OLDSTYLE_MAGIC = 0x0000420281861253n;

/** A minimum block above this is not one (spec: at most 64 KiB); it would inflate every small read. */
const MAX_MINIMUM_BLOCK = 65536;

/**
 * Checks the server's greeting.
 *
 * @returns the client flags that answer it.
 * @throws UmbraError `unsupported` for an oldstyle server, `unavailable` for what is not NBD.
 */
export function answerGreeting(bytes: Buffer): Uint8Array {
	const magic = bytes.readBigUInt64BE(0);
	if (magic !== NBDMAGIC) throw violation("greeting", "NBDMAGIC", hex(magic), hex(NBDMAGIC));
	const style = bytes.readBigUInt64BE(8);
	if (style === OLDSTYLE_MAGIC) throw oldstyle("oldstyle negotiation");
	if (style !== IHAVEOPT) throw violation("greeting", "IHAVEOPT", hex(style), hex(IHAVEOPT));
	const flags = bytes.readUInt16BE(16);
	if ((flags & FLAG_FIXED_NEWSTYLE) === 0) throw oldstyle("newstyle negotiation that is not fixed");
	const answer = Buffer.alloc(4);
	answer.writeUInt32BE(FLAG_FIXED_NEWSTYLE | (flags & FLAG_NO_ZEROES));
	return answer;
}

function oldstyle(found: string): UmbraError {
	return new UmbraError("unsupported", `the NBD server speaks ${found}; wanted fixed newstyle`, {
		context: { structure: "greeting", found, wanted: "fixed newstyle" },
	});
}

export function encodeOption(option: number, data: Uint8Array = new Uint8Array()): Uint8Array {
	const head = Buffer.alloc(16);
	head.writeBigUInt64BE(IHAVEOPT, 0);
	head.writeUInt32BE(option, 8);
	head.writeUInt32BE(data.length, 12);
	return Buffer.concat([head, data]);
}

/** Data of NBD_OPT_GO: asks for the block size constraints, which makes the server state them. */
export function encodeGo(exportName: string): Uint8Array {
	const name = encodeString(exportName, "export name");
	const tail = Buffer.alloc(4);
	tail.writeUInt16BE(1, 0);
	tail.writeUInt16BE(INFO_BLOCK_SIZE, 2);
	return Buffer.concat([name, tail]);
}

/** Data of NBD_OPT_SET_META_CONTEXT. */
export function encodeMetaContexts(exportName: string, queries: readonly string[]): Uint8Array {
	const count = Buffer.alloc(4);
	count.writeUInt32BE(queries.length);
	return Buffer.concat([
		encodeString(exportName, "export name"),
		count,
		...queries.map((query) => encodeString(query, "metadata context")),
	]);
}

function encodeString(text: string, field: string): Buffer {
	const bytes = Buffer.from(text, "utf8");
	if (bytes.length > MAX_STRING_BYTES) {
		throw new UmbraError("limit", `an NBD ${field} of ${bytes.length} bytes; at most ${MAX_STRING_BYTES}`, {
			context: { field, found: bytes.length, wanted: MAX_STRING_BYTES },
		});
	}
	const length = Buffer.alloc(4);
	length.writeUInt32BE(bytes.length);
	return Buffer.concat([length, bytes]);
}

export interface OptionReply {
	readonly type: number;
	/** Bytes of data that follow. */
	readonly length: number;
}

/** @throws UmbraError `unavailable` where it answers another option or is longer than any answer. */
export function parseOptionReply(header: Buffer, option: number): OptionReply {
	const magic = header.readBigUInt64BE(0);
	if (magic !== OPTION_REPLY_MAGIC) throw violation("option reply", "magic", hex(magic), hex(OPTION_REPLY_MAGIC));
	const answered = header.readUInt32BE(8);
	if (answered !== option) throw violation("option reply", "option", answered, option);
	const length = header.readUInt32BE(16);
	if (length > MAX_OPTION_REPLY_BYTES) {
		throw violation("option reply", "length", length, `at most ${MAX_OPTION_REPLY_BYTES}`);
	}
	return { type: header.readUInt32BE(12), length };
}

export function isOptionError(type: number): boolean {
	return type >= REP_ERR_BIT;
}

/** What an NBD_REP_ERR_* in answer to NBD_OPT_GO or another option means to the caller. */
export function optionError(type: number, data: Buffer, exportName: string): UmbraError {
	const said = data.length === 0 ? "" : `: ${printable(data.toString("utf8", 0, Math.min(data.length, 512)))}`;
	const context = { structure: "option reply", found: `NBD_REP_ERR ${type - REP_ERR_BIT}`, export: exportName };
	switch (type - REP_ERR_BIT) {
		case 1:
			return new UmbraError("unsupported", `the NBD server does not know NBD_OPT_GO${said}`, { context });
		case 2:
			return new UmbraError("denied", `the NBD server refuses the export "${exportName}"${said}`, { context });
		case 5:
			return new UmbraError("unsupported", `the NBD server wants TLS for the export "${exportName}"${said}`, {
				context,
				hint: "export it on a unix socket, or through a TLS tunnel such as stunnel",
			});
		case 6:
			return new UmbraError("not-found", `the NBD server has no export "${exportName}"${said}`, { context });
		default:
			return new UmbraError("unavailable", `the NBD server refuses the export "${exportName}"${said}`, { context });
	}
}

export interface ExportInfo {
	/** Bytes. */
	readonly size: number;
	/** Every offset and length of a request is a multiple of this (a power of two). */
	readonly minimumBlock: number;
	/** Most bytes of payload in one request. */
	readonly maximumRequest: number;
}

/** What one NBD_REP_INFO adds; an information type that is not ours adds nothing. */
export function parseInfo(data: Buffer): Partial<ExportInfo> {
	if (data.length < 2) throw violation("NBD_REP_INFO", "length", data.length, "at least 2");
	const type = data.readUInt16BE(0);
	if (type === INFO_EXPORT) {
		if (data.length !== 12) throw violation("NBD_INFO_EXPORT", "length", data.length, 12);
		const size = readUint53(data, 2);
		if (size === undefined || !Number.isSafeInteger(size)) {
			throw violation("NBD_INFO_EXPORT", "size", data.readBigUInt64BE(2), "below 2^53");
		}
		if ((data.readUInt16BE(10) & FLAG_HAS_FLAGS) === 0) {
			throw violation("NBD_INFO_EXPORT", "transmission flags", data.readUInt16BE(10), "NBD_FLAG_HAS_FLAGS");
		}
		return { size };
	}
	if (type === INFO_BLOCK_SIZE) {
		if (data.length !== 14) throw violation("NBD_INFO_BLOCK_SIZE", "length", data.length, 14);
		const minimum = data.readUInt32BE(2);
		const maximum = data.readUInt32BE(10);
		if (minimum === 0 || (minimum & (minimum - 1)) !== 0 || minimum > MAX_MINIMUM_BLOCK) {
			throw violation("NBD_INFO_BLOCK_SIZE", "minimum", minimum, `a power of two up to ${MAX_MINIMUM_BLOCK}`);
		}
		if (maximum < minimum) throw violation("NBD_INFO_BLOCK_SIZE", "maximum", maximum, `at least ${minimum}`);
		const bounded = Math.min(maximum, MAX_REQUEST_BYTES);
		return { minimumBlock: minimum, maximumRequest: bounded - (bounded % minimum) };
	}
	return {};
}

/** The id and name of a granted metadata context. */
export function parseMetaContext(data: Buffer): { readonly id: number; readonly name: string } {
	if (data.length < 4) throw violation("NBD_REP_META_CONTEXT", "length", data.length, "at least 4");
	return { id: data.readUInt32BE(0), name: data.toString("utf8", 4) };
}

function hex(value: bigint): string {
	return `0x${value.toString(16)}`;
}
