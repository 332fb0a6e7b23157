/** Bytes over HTTP: whole or one range, streamed in bounded pieces at the client's pace. */
import { Readable } from "node:stream";
import type { FastifyReply, FastifyRequest } from "fastify";
import { UmbraError } from "../../common/errors.ts";
import { wasAborted } from "./context.ts";
import { parseRange } from "./range.ts";

/** Bytes read at once. */
const PIECE = 1024 * 1024;

/** Exactly `length` bytes from `offset`. */
export type ReadBytes = (offset: number, length: number, signal: AbortSignal) => Promise<Uint8Array>;

/**
 * Answers with the bytes that the request's `Range` asks for: 200, 206 or 416.
 *
 * @throws UmbraError of the first piece; a later one can only cut the connection.
 */
export async function sendBytes(
	request: FastifyRequest,
	reply: FastifyReply,
	size: number,
	read: ReadBytes,
	signal: AbortSignal,
): Promise<FastifyReply> {
	const range = parseRange(request.headers.range, size);
	reply.header("accept-ranges", "bytes").type("application/octet-stream");
	if (range === undefined) {
		reply.header("content-range", `bytes */${size}`);
		return reply.code(416).send();
	}
	const { offset, length, partial } = range;
	if (partial) reply.code(206).header("content-range", `bytes ${offset}-${offset + length - 1}/${size}`);
	reply.header("content-length", length);
	if (length === 0) return reply.send("");
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
