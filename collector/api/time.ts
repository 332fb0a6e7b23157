/** Times as they stand in URLs. */
import { UmbraError } from "../../common/errors.ts";

const NS_PER_SECOND = 1_000_000_000n;
/** Larger than any: 64 bits of nanoseconds. */
export const LATEST = 2n ** 64n - 1n;

/** An instant and the unit it was written in: "19:48:03Z" stands for that whole second. */
export interface TimeSpan {
	readonly first: bigint;
	/** Inclusive. */
	readonly last: bigint;
}

/**
 * "latest", Unix nanoseconds, or ISO 8601 with a zone ("2026-11-21T19:48:03.123Z"; a date alone is its
 * midnight, UTC) -> Unix nanoseconds. A point taken at .123456789 is printed as .123, so what was printed has to
 * find it again: an ISO time stands for all of the last digit given.
 *
 * @throws UmbraError `bad-config`.
 */
export function parseTime(field: string, text: string): TimeSpan {
	if (text === "latest") return { first: LATEST, last: LATEST };
	if (/^\d{1,20}$/.test(text) && BigInt(text) <= LATEST) return { first: BigInt(text), last: BigInt(text) };
	const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2}))?$/.exec(text);
	const seconds =
		match === null ? Number.NaN : Date.parse(`${match[1]}T${match[2] ?? "00:00"}${match[4] ?? "Z"}`) / 1000;
	if (match === null || !Number.isInteger(seconds) || seconds < 0) {
		throw new UmbraError("bad-config", `${field}: not a time: ${JSON.stringify(text)}`, {
			context: { field, found: text },
			hint: 'wanted "latest", ISO 8601 with a zone such as 2026-11-21T19:48:03.123Z, or Unix nanoseconds',
		});
	}
	const fraction = match[3] ?? "";
	const first = BigInt(seconds) * NS_PER_SECOND + BigInt(fraction.padEnd(9, "0"));
	return { first, last: first + 10n ** BigInt(9 - fraction.length) - 1n };
}

/** What a listing of the catalog takes of `since`, `until` and `order`. @throws UmbraError `bad-config`. */
export function timeOptions(query: {
	readonly since?: string | undefined;
	readonly until?: string | undefined;
	readonly order: "newest" | "oldest";
}): { from: bigint | undefined; to: bigint | undefined; reverse: boolean } {
	const { since, until, order } = query;
	return {
		from: since === undefined ? undefined : parseTime("since", since).first,
		to: until === undefined ? undefined : parseTime("until", until).last,
		reverse: order === "newest",
	};
}
