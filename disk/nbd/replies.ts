/** Requests and replies of the transmission phase as the server reads and writes them: pure. Spec: "Transmission". */
import { UmbraError } from "../../common/errors.ts";
import {
	REPLY_BLOCK_STATUS,
	REPLY_ERROR,
	REPLY_ERROR_OFFSET,
	REPLY_FLAG_DONE,
	REPLY_NONE,
	REPLY_OFFSET_DATA,
	REPLY_OFFSET_HOLE,
	REQUEST_MAGIC,
	SIMPLE_REPLY_BYTES,
	SIMPLE_REPLY_MAGIC,
	STATE_HOLE,
	STATE_ZERO,
	STRUCTURED_REPLY_BYTES,
	STRUCTURED_REPLY_MAGIC,
} from "../source/nbd/wire.ts";
import type { Allocation } from "./served-disk.ts";

/** Characters of an error's message: below NBD_MAX_STRING in any encoding. */
const MAX_MESSAGE = 1024;

export interface Request {
	readonly flags: number;
	readonly type: number;
	/** Given back as it came. */
	readonly cookie: bigint;
	/** Bytes; infinite from 2^53 on, where no export reaches. */
	readonly offset: number;
	readonly length: number;
}

/** @throws UmbraError `corrupt` where no request begins here: what follows cannot be read either. */
export function parseRequest(header: Buffer): Request {
	const magic = header.readUInt32BE(0);
	if (magic !== REQUEST_MAGIC) {
		throw new UmbraError("corrupt", `NBD request: magic is 0x${magic.toString(16)}, wanted NBD_REQUEST_MAGIC`, {
			context: { structure: "NBD request", field: "magic", found: magic, wanted: REQUEST_MAGIC },
		});
	}
	const offset = header.readBigUInt64BE(16);
	return {
		flags: header.readUInt16BE(4),
		type: header.readUInt16BE(6),
		cookie: header.readBigUInt64BE(8),
		offset: offset > BigInt(Number.MAX_SAFE_INTEGER) ? Number.POSITIVE_INFINITY : Number(offset),
		length: header.readUInt32BE(24),
	};
}

export function simpleReply(cookie: bigint, error: number): Buffer {
	const bytes = Buffer.alloc(SIMPLE_REPLY_BYTES);
	bytes.writeUInt32BE(SIMPLE_REPLY_MAGIC, 0);
	bytes.writeUInt32BE(error, 4);
	bytes.writeBigUInt64BE(cookie, 8);
	return bytes;
}

/** A chunk's header with room for the `inline` first bytes of its payload of `length`. */
function chunk(cookie: bigint, type: number, length: number, inline: number, done: boolean): Buffer {
	const bytes = Buffer.alloc(STRUCTURED_REPLY_BYTES + inline);
	bytes.writeUInt32BE(STRUCTURED_REPLY_MAGIC, 0);
	bytes.writeUInt16BE(done ? REPLY_FLAG_DONE : 0, 4);
	bytes.writeUInt16BE(type, 6);
	bytes.writeBigUInt64BE(cookie, 8);
	bytes.writeUInt32BE(length, 16);
	return bytes;
}

export function noneChunk(cookie: bigint): Buffer {
	return chunk(cookie, REPLY_NONE, 0, 0, true);
}

/** What stands before `length` bytes of data. */
export function dataHeader(cookie: bigint, offset: number, length: number, done: boolean): Buffer {
	const bytes = chunk(cookie, REPLY_OFFSET_DATA, 8 + length, 8, done);
	bytes.writeBigUInt64BE(BigInt(offset), STRUCTURED_REPLY_BYTES);
	return bytes;
}

export function holeChunk(cookie: bigint, offset: number, length: number, done: boolean): Buffer {
	const bytes = chunk(cookie, REPLY_OFFSET_HOLE, 12, 12, done);
	bytes.writeBigUInt64BE(BigInt(offset), STRUCTURED_REPLY_BYTES);
	bytes.writeUInt32BE(length, STRUCTURED_REPLY_BYTES + 8);
	return bytes;
}

export function statusChunk(cookie: bigint, context: number, runs: readonly Allocation[]): Buffer {
	const length = 4 + 8 * runs.length;
	const bytes = chunk(cookie, REPLY_BLOCK_STATUS, length, length, true);
	bytes.writeUInt32BE(context, STRUCTURED_REPLY_BYTES);
	for (const [index, run] of runs.entries()) {
		const at = STRUCTURED_REPLY_BYTES + 4 + 8 * index;
		bytes.writeUInt32BE(run.length, at);
		bytes.writeUInt32BE(run.zero ? STATE_HOLE | STATE_ZERO : 0, at + 4);
	}
	return bytes;
}

/** With an `offset`, NBD_REPLY_TYPE_ERROR_OFFSET: it lies in the range that was asked for. */
export function errorChunk(
	cookie: bigint,
	error: number,
	message: string,
	options: { readonly offset?: number | undefined; readonly done: boolean },
): Buffer {
	const { offset, done } = options;
	const text = Buffer.from(message.slice(0, MAX_MESSAGE));
	const length = 6 + text.length + (offset === undefined ? 0 : 8);
	const bytes = chunk(cookie, offset === undefined ? REPLY_ERROR : REPLY_ERROR_OFFSET, length, length, done);
	bytes.writeUInt32BE(error, STRUCTURED_REPLY_BYTES);
	bytes.writeUInt16BE(text.length, STRUCTURED_REPLY_BYTES + 4);
	bytes.set(text, STRUCTURED_REPLY_BYTES + 6);
	if (offset !== undefined) bytes.writeBigUInt64BE(BigInt(offset), STRUCTURED_REPLY_BYTES + 6 + text.length);
	return bytes;
}
