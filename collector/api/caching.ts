/** ETags, and answers that clients may keep (RFC 9110, section 13; RFC 9111; RFC 8246). */
import { createHash } from "node:crypto";
import type { FastifyReply, FastifyRequest } from "fastify";

/**
 * For answers that never change while their point is there. Not for ever: a point that was dropped should not live on
 * in caches.
 */
const IMMUTABLE = "private, max-age=86400, immutable";
/** Kept, and asked about each time: "latest" may mean another point in a moment. */
const REVALIDATE = "private, no-cache";

/** A strong entity tag of whatever `parts` stand for. */
export function entityTag(...parts: readonly unknown[]): string {
	return `"${createHash("sha256").update(JSON.stringify(parts)).digest("base64url")}"`;
}

/**
 * Says under which name the answer may be kept; true where the client has kept this very answer: 304 is set, and all
 * that is left to do is to send nothing.
 */
export function isKept(
	request: FastifyRequest,
	reply: FastifyReply,
	tag: string,
	options: { readonly immutable: boolean },
): boolean {
	reply.header("etag", tag).header("cache-control", options.immutable ? IMMUTABLE : REVALIDATE);
	const wanted = request.headers["if-none-match"];
	if (wanted === undefined || !(wanted.trim() === "*" || tagsOf(wanted).includes(tag))) return false;
	reply.code(304);
	return true;
}

/** Sends JSON, or 304. The tag is of the text itself, so that it cannot be wrong. */
export function sendKept(
	request: FastifyRequest,
	reply: FastifyReply,
	body: object,
	options: { readonly immutable: boolean },
): FastifyReply {
	const text = JSON.stringify(body);
	if (isKept(request, reply, entityTag(text), options)) return reply.send();
	return reply.type("application/json; charset=utf-8").send(text);
}

/** Whether `If-Range` lets a `Range` count: only the very tag does, a date never, as none is ever sent. */
export function rangeApplies(ifRange: string, tag: string): boolean {
	return ifRange.trim() === tag;
}

/** `If-None-Match` compares weakly: W/ in front makes no difference. */
function tagsOf(header: string): string[] {
	return header.match(/"[^"]*"/g) ?? [];
}
