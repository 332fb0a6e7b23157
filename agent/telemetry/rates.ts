/** How much counters rose between two readings. Pure: the caller brings the readings and the time between them. */

/** Undefined where either is not known, or the counter began anew. */
export function rise(before: number | undefined, now: number | undefined): number | undefined {
	if (before === undefined || now === undefined || !(now >= before)) return undefined;
	return now - before;
}

/**
 * What share of a whole a counter rose by, in percent, from 0 to 100: kernels count in ticks, so a little more than all
 * may come out.
 */
export function percent(part: number | undefined, whole: number | undefined): number | undefined {
	if (part === undefined || whole === undefined || !(whole > 0)) return undefined;
	return Math.min(100, Math.max(0, (part / whole) * 100));
}
