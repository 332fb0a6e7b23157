/** Listings in pages. A cursor is opaque to clients, so that what it holds may change. */
import { UmbraError } from "../../common/errors.ts";
import type { Page } from "../catalog/catalog.ts";

export interface PageQuery {
	/** Bounded by the route's schema. */
	readonly limit: number;
	readonly cursor?: string;
}

/** What a listing of the catalog takes. @throws UmbraError `bad-config`. */
export function pageOptions({ limit, cursor }: PageQuery): { limit: number; cursor?: string } {
	return { limit, ...(cursor === undefined ? {} : { cursor: openCursor(cursor) }) };
}

export function sealPage<T>({ items, next }: Page<T>): Page<T> {
	return { items, next: sealCursor(next) };
}

export function sealCursor(next: string | null): string | null {
	return next === null ? null : Buffer.from(next).toString("base64url");
}

/** @throws UmbraError `bad-config` for what `sealCursor` never makes. */
export function openCursor(cursor: string): string {
	const text = Buffer.from(cursor, "base64url").toString("utf8");
	if (sealCursor(text) === cursor) return text;
	throw new UmbraError("bad-config", "cursor: not a cursor that a listing gave", { context: { field: "cursor" } });
}
