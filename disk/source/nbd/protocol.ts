/**
 * The NBD protocol as a client speaks it: pure encoding and decoding, no I/O.
 * Source: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md, whose names are kept.
 *
 * A server is not trusted: it may be an image another tenant made, or a machine that was taken over.
 * Every length is held against one of the limits below before anything is allocated or skipped by it.
 */
import { UmbraError } from "../../../common/errors.ts";
import {
	MAX_REQUEST_BYTES,
	MAX_STRING_BYTES,
	REPLY_BLOCK_STATUS,
	REPLY_ERROR_BIT,
	REPLY_FLAG_DONE,
	REPLY_NONE,
	REPLY_OFFSET_DATA,
	REPLY_OFFSET_HOLE,
	REQUEST_BYTES,
	REQUEST_MAGIC,
	SIMPLE_REPLY_MAGIC,
	STRUCTURED_REPLY_MAGIC,
} from "./wire.ts";

/** Descriptors in one block status chunk: nbdkit sends up to 2^20, qemu up to 2^17. */
const MAX_STATUS_DESCRIPTORS = 2 ** 20;
/** An error chunk carries a message and at most a few fixed fields. */
const MAX_ERROR_CHUNK_BYTES = MAX_STRING_BYTES + 64;
/** Longest reply to an option: a name and a few fixed fields. */
export const MAX_OPTION_REPLY_BYTES = MAX_STRING_BYTES + 64;

/** `qemu:dirty-bitmap:NAME`: the range was written since the bitmap began. */
export const DIRTY = 1;

/** Errors of the wire (spec, "Error values"); any other value stands for EINVAL. */
const ERRNO: Readonly<Record<number, string>> = {
	1: "EPERM",
	5: "EIO",
	12: "ENOMEM",
	22: "EINVAL",
	28: "ENOSPC",
	75: "EOVERFLOW",
	95: "ENOTSUP",
	108: "ESHUTDOWN",
};

/** The peer broke the protocol: the connection cannot be read on, and everything that waits on it fails. */
export function violation(structure: string, field: string, found: unknown, wanted: unknown): UmbraError {
	const shown = printable(String(found));
	return new UmbraError(
		"unavailable",
		`the NBD server broke the protocol: ${structure}, ${field}: found ${shown}, wanted ${String(wanted)}`,
		{ context: { structure, field, found: shown, wanted } },
	);
}

/** What a server's error value means to the caller of `action`. */
export function serverError(action: string, value: number, message: string): UmbraError {
	const errno = ERRNO[value] ?? "EINVAL";
	const code =
		errno === "EPERM"
			? "denied"
			: errno === "ENOTSUP"
				? "unsupported"
				: errno === "EOVERFLOW"
					? "limit"
					: "unavailable";
	return new UmbraError(code, `${action}: the NBD server answered ${errno}${message === "" ? "" : ` (${message})`}`, {
		context: { structure: "NBD reply", field: "error", found: errno },
	});
}

/** `cookie` is below 2^53; `offset` and `length` are of the export, in bytes. */
export function encodeRequest(type: number, cookie: number, offset: number, length: number): Uint8Array {
	const bytes = Buffer.allocUnsafe(REQUEST_BYTES);
	bytes.writeUInt32BE(REQUEST_MAGIC, 0);
	bytes.writeUInt16BE(0, 4);
	bytes.writeUInt16BE(type, 6);
	writeUint53(bytes, cookie, 8);
	writeUint53(bytes, offset, 16);
	bytes.writeUInt32BE(length, 24);
	return bytes;
}

export type ReplyKind = "simple" | "structured";

/** @throws UmbraError `unavailable` where the four bytes begin no reply. */
export function replyKind(header: Buffer): ReplyKind {
	const magic = header.readUInt32BE(0);
	if (magic === SIMPLE_REPLY_MAGIC) return "simple";
	if (magic === STRUCTURED_REPLY_MAGIC) return "structured";
	throw violation("reply", "magic", `0x${magic.toString(16)}`, "NBD_SIMPLE_REPLY_MAGIC or NBD_STRUCTURED_REPLY_MAGIC");
}

/** The error value of a simple reply; 0 is success. */
export function simpleReplyError(header: Buffer): number {
	return header.readUInt32BE(4);
}

/** A reply's cookie stands at the same place in both kinds. NaN where it cannot be one of ours. */
export function replyCookie(header: Buffer): number {
	return readUint53(header, 8) ?? Number.NaN;
}

export interface ChunkHeader {
	readonly type: number;
	readonly done: boolean;
	/** Bytes of payload that follow. */
	readonly length: number;
}

/**
 * Decodes a structured reply's header and holds its length against what the type allows.
 *
 * @throws UmbraError `unavailable` for an unknown type or a length the type cannot have.
 */
export function parseChunkHeader(header: Buffer): ChunkHeader {
	const type = header.readUInt16BE(6);
	const done = (header.readUInt16BE(4) & REPLY_FLAG_DONE) !== 0;
	const length = header.readUInt32BE(16);
	if (isErrorChunk(type)) {
		checkLength("error chunk", length, 6, MAX_ERROR_CHUNK_BYTES);
		return { type, done, length };
	}
	switch (type) {
		case REPLY_NONE:
			checkLength("NBD_REPLY_TYPE_NONE", length, 0, 0);
			if (!done) throw violation("NBD_REPLY_TYPE_NONE", "flags", 0, "NBD_REPLY_FLAG_DONE");
			break;
		case REPLY_OFFSET_DATA:
			checkLength("NBD_REPLY_TYPE_OFFSET_DATA", length, 9, MAX_REQUEST_BYTES + 8);
			break;
		case REPLY_OFFSET_HOLE:
			checkLength("NBD_REPLY_TYPE_OFFSET_HOLE", length, 12, 12);
			break;
		case REPLY_BLOCK_STATUS:
			checkLength("NBD_REPLY_TYPE_BLOCK_STATUS", length, 12, 4 + 8 * MAX_STATUS_DESCRIPTORS);
			if (length % 8 !== 4) throw violation("NBD_REPLY_TYPE_BLOCK_STATUS", "length", length, "4 + 8 n");
			break;
		default:
			throw violation("structured reply", "type", type, "a chunk type that was negotiated");
	}
	return { type, done, length };
}

export function isErrorChunk(type: number): boolean {
	return (type & REPLY_ERROR_BIT) !== 0;
}

function checkLength(structure: string, found: number, least: number, most: number): void {
	if (found >= least && found <= most) return;
	throw violation(structure, "length", found, least === most ? least : `${least} to ${most}`);
}

/** @throws UmbraError `unavailable` where the message leaves the chunk or the error is 0. */
export function parseErrorChunk(payload: Buffer): { readonly error: number; readonly message: string } {
	const error = payload.readUInt32BE(0);
	const length = payload.readUInt16BE(4);
	if (length > payload.length - 6) {
		throw violation("error chunk", "message length", length, `at most ${payload.length - 6}`);
	}
	if (error === 0) throw violation("error chunk", "error", 0, "an error value");
	return { error, message: printable(payload.toString("utf8", 6, 6 + length)) };
}

/** The range of the export that a content chunk speaks of. NaN where its offset is beyond 2^53. */
export function parseOffset(payload: Buffer): number {
	return readUint53(payload, 0) ?? Number.NaN;
}

export function parseHoleSize(payload: Buffer): number {
	const size = payload.readUInt32BE(8);
	if (size === 0) throw violation("NBD_REPLY_TYPE_OFFSET_HOLE", "hole size", 0, "at least 1");
	return size;
}

export interface StatusExtent {
	/** Bytes. */
	readonly length: number;
	/** As the context defines them: `STATE_HOLE | STATE_ZERO`, or `DIRTY`. */
	readonly flags: number;
}

/**
 * Descriptors of a block status chunk, clamped to the `limit` bytes that were asked for.
 *
 * @throws UmbraError `unavailable` where a descriptor is empty.
 */
export function parseBlockStatus(payload: Buffer, limit: number): { id: number; extents: StatusExtent[] } {
	const extents: StatusExtent[] = [];
	let left = limit;
	for (let at = 4; at < payload.length && left > 0; at += 8) {
		const length = payload.readUInt32BE(at);
		if (length === 0) throw violation("NBD_REPLY_TYPE_BLOCK_STATUS", "descriptor length", 0, "at least 1");
		extents.push({ length: Math.min(length, left), flags: payload.readUInt32BE(at + 4) });
		left -= length;
	}
	return { id: payload.readUInt32BE(0), extents };
}

/** Undefined at or above 2^53. */
export function readUint53(bytes: Buffer, at: number): number | undefined {
	const high = bytes.readUInt32BE(at);
	return high > 0x1fffff ? undefined : high * 2 ** 32 + bytes.readUInt32BE(at + 4);
}

function writeUint53(bytes: Buffer, value: number, at: number): void {
	bytes.writeUInt32BE(Math.floor(value / 2 ** 32), at);
	bytes.writeUInt32BE(value >>> 0, at + 4);
}

/** A peer's text as it may be shown: no control characters, so that it cannot forge log lines or drive a terminal. */
export function printable(text: string): string {
	return text.replace(/\p{C}/gu, "?");
}
