/** When a filesystem will be full, by how it filled so far. Pure. */
import { theilSen } from "./trend.ts";

/** What a filesystem held at some instants, oldest first. */
export interface Usage {
	readonly timesNs: readonly bigint[];
	readonly usedBytes: readonly number[];
	/** Now. */
	readonly sizeBytes: number;
}

export interface CapacityForecast {
	readonly used: number;
	readonly size: number;
	readonly growthPerDay: number;
	/** `NEVER_DAYS` at most. */
	readonly daysToFull: number;
	readonly daysToFullLow: number;
	readonly daysToFullHigh: number;
	readonly usedIn7Days: number;
	readonly usedIn30Days: number;
	readonly points: number;
}

/** Ten years: what does not grow, or hardly, is not full before. A number, so that it can be drawn and compared. */
export const NEVER_DAYS = 3650;
/** Fewer readings, or less time between the first and the last, say nothing of days. */
const MIN_POINTS = 6;
const MIN_SPAN_DAYS = 0.2;
const DAY_NS = 86_400e9;

/** Undefined where too little is known. */
export function forecastCapacity({ timesNs, usedBytes, sizeBytes }: Usage): CapacityForecast | undefined {
	const last = timesNs.at(-1);
	const used = usedBytes.at(-1);
	if (last === undefined || used === undefined || timesNs.length < MIN_POINTS) return undefined;
	// Days until now, so that no digits are lost.
	const days = timesNs.map((time) => Number(time - last) / DAY_NS);
	if (-days[0]! < MIN_SPAN_DAYS) return undefined;
	const trend = theilSen(days, usedBytes);
	if (trend === undefined) return undefined;
	// From what is in use now, not from where the line is: a filesystem that just filled up is nearer to its end.
	const free = Math.max(0, sizeBytes - used);
	const daysAt = (growth: number) => (growth <= 0 ? NEVER_DAYS : Math.min(NEVER_DAYS, free / growth));
	const within = (bytes: number) => Math.min(sizeBytes, Math.max(0, bytes));
	return {
		used,
		size: sizeBytes,
		growthPerDay: trend.slope,
		daysToFull: daysAt(trend.slope),
		daysToFullLow: daysAt(trend.slopeHigh),
		daysToFullHigh: daysAt(trend.slopeLow),
		usedIn7Days: within(used + 7 * trend.slope),
		usedIn30Days: within(used + 30 * trend.slope),
		points: timesNs.length,
	};
}
