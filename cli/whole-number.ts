/** Whole numbers as options of commands take them. */
import { UmbraError } from "../common/errors.ts";

/** Of rows that one listing prints. */
const MAX_LIMIT = 1e9;

/** @throws UmbraError `bad-config` that names the option. */
export function wholeNumber(field: string, text: string, low: number, high: number): number {
	const value = Number(text);
	if (/^\d+$/.test(text) && value >= low && value <= high) return value;
	throw new UmbraError(
		"bad-config",
		`${field}: ${JSON.stringify(text)}; wanted a whole number from ${low} to ${high}`,
		{ context: { field } },
	);
}

/** What `--limit` of a listing is given. @throws UmbraError `bad-config`. */
export function rowLimit(text: string): number {
	return wholeNumber("--limit", text, 1, MAX_LIMIT);
}
