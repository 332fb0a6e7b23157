/** Bytes over HTTP: whole or one range, streamed in bounded pieces at the client's pace. */
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { isKept, rangeApplies } from "./caching.ts";
import { wasAborted } from "./context.ts";
import { toHttp } from "./errors.ts";
import { conditional, kept, notModified } from "./operation.ts";
import { parseRange } from "./range.ts";
import { ref, type Schema } from "./shapes.ts";

export const rangeHeaders = {
	...conditional,
	range: { type: "string", description: "one range of bytes, such as bytes=0-1023" },
	"if-range": { type: "string", description: "the ETag for which `range` counts; else all is sent" },
} as const;

const binary: Schema = {
	content: { "application/octet-stream": { schema: { type: "string", contentMediaType: "application/octet-stream" } } },
	headers: {
		"accept-ranges": { type: "string" },
		"umbra-time": { type: "string", description: "of the point, Unix nanoseconds" },
		"umbra-root": { type: "string", description: "Merkle root of the disk" },
	},
};
const contentRange: Schema = { type: "string", description: "which bytes these are, and of how many" };

/** What an answer of `sendBytes` may be. */
export const byteAnswers: Readonly<Record<number, Schema>> = {
	200: kept({ ...binary, description: "All bytes." }),
	206: kept({
		...binary,
		description: "The range.",
		headers: { ...(binary["headers"] as object), "content-range": contentRange },
	}),
	304: notModified,
	416: { description: "The range is beyond the end.", ...ref("Error"), headers: { "content-range": contentRange } },
};

/** Bytes read at once. */
const PIECE = 1024 * 1024;

/** Exactly `length` bytes from `offset`. */
export type ReadBytes = (offset: number, length: number, signal: AbortSignal) => Promise<Uint8Array>;

export interface Content {
	/** Bytes. */
	readonly size: number;
	/** A strong entity tag of these very bytes. */
	readonly tag: string;
	/** The URL will never stand for other bytes. */
	readonly immutable: boolean;
	readonly read: ReadBytes;
	/** Ends the reading. */
	readonly signal: AbortSignal;
}

/**
 * Answers with the bytes that the request's `Range` asks for: 200, 206, 304 or 416.
 *
 * @throws UmbraError of the first piece; a later one can only cut the connection.
 */
export async function sendBytes(
	request: FastifyRequest,
	reply: FastifyReply,
	{ size, tag, immutable, read, signal }: Content,
): Promise<FastifyReply> {
	const { range: wanted, "if-range": ifRange } = request.headers;
	const isHead = request.method === "HEAD";
	const applies = !isHead && (ifRange === undefined || rangeApplies(String(ifRange), tag));
	const range = parseRange(applies ? wanted : undefined, size);
	if (isKept(request, reply, tag, { immutable })) return reply.send();
	reply.header("accept-ranges", "bytes").type("application/octet-stream");
	if (range === undefined) {
		reply.header("content-range", `bytes */${size}`).removeHeader("cache-control").removeHeader("etag");
		const message = `Range: ${JSON.stringify(wanted)} is beyond the end, ${size}`;
		return reply
			.code(416)
			.type("application/json")
			.send(toHttp(new UmbraError("bad-config", message)).body);
	}
	const { offset, length, partial } = range;
	if (partial) reply.code(206).header("content-range", `bytes ${offset}-${offset + length - 1}/${size}`);
	reply.header("content-length", length);
	// Nothing is read for it; a stream, so that its length is not taken for the content's.
	if (isHead || length === 0) return reply.send(Readable.from([]));
	const piece = async (at: number) => {
		const wanted = Math.min(PIECE, offset + length - at);
		const bytes = await read(at, wanted, signal);
		if (bytes.length === wanted) return bytes;
		throw new UmbraError("truncated", `${bytes.length} bytes at ${at}, wanted ${wanted}`, { context: { offset: at } });
	};
	const first = await piece(offset);
	const pieces = async function* () {
		yield first;
		try {
			for (let at = offset + first.length; at < offset + length; at += PIECE) yield await piece(at);
		} catch (error) {
			// The client left: there is nobody to tell.
			if (!wasAborted(error, signal)) throw error;
		}
	};
	return reply.send(Readable.from(pieces(), { objectMode: false }));
}
