/**
 * `forecast/` says where a VM's disks are heading: when each filesystem will be full. It reads time series and writes time series; it
 * knows neither agents nor changesets.
 *
 * This file: a straight line through points that are not all to be trusted. Theil's and Sen's: the median of the slopes of all
 * pairs, which half of the points may contradict (a log rotated, a backup that came and went) before it follows them; its
 * interval by Sen's (1968) normal approximation of Kendall's statistic. Pure.
 */
export interface Trend {
	/** Per unit of x. */
	readonly slope: number;
	/** The two ends of the 80 % interval of the slope. */
	readonly slopeLow: number;
	readonly slopeHigh: number;
	/** The line's value at an x. */
	at(x: number): number;
}

/** Of the standard normal distribution, for 80 % between its negative and itself. */
const Z80 = 1.2816;
/** Pairs grow with the square: 400 points are 80,000 of them, a few milliseconds. */
const MAX_POINTS = 400;

/** Undefined where there are fewer than 3 points, or all have one x. @throws RangeError where xs and ys differ in length. */
export function theilSen(xs: readonly number[], ys: readonly number[]): Trend | undefined {
	if (xs.length !== ys.length) throw new RangeError(`${xs.length} x and ${ys.length} y`);
	const step = Math.max(1, Math.ceil(xs.length / MAX_POINTS));
	// The newest always counts.
	const chosen = xs.map((_, at) => at).filter((at) => (xs.length - 1 - at) % step === 0);
	if (chosen.length < 3) return undefined;
	const slopes: number[] = [];
	for (let a = 0; a < chosen.length; a++) {
		for (let b = a + 1; b < chosen.length; b++) {
			const [i, j] = [chosen[a]!, chosen[b]!];
			const run = xs[j]! - xs[i]!;
			if (run !== 0) slopes.push((ys[j]! - ys[i]!) / run);
		}
	}
	if (slopes.length === 0) return undefined;
	const sorted = Float64Array.from(slopes).sort();
	const slope = quantileAt(sorted, (sorted.length - 1) / 2);
	const n = chosen.length;
	const spread = Z80 * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18);
	const slopeLow = quantileAt(sorted, (sorted.length - spread) / 2 - 1);
	const slopeHigh = quantileAt(sorted, (sorted.length + spread) / 2);
	const rests = Float64Array.from(chosen.map((at) => ys[at]! - slope * xs[at]!)).sort();
	const intercept = quantileAt(rests, (rests.length - 1) / 2);
	return { slope, slopeLow, slopeHigh, at: (x) => intercept + slope * x };
}

/** Between neighbours where the position is not whole; the ends where it lies outside. */
function quantileAt(sorted: Float64Array, position: number): number {
	const place = Math.min(Math.max(position, 0), sorted.length - 1);
	const below = sorted[Math.floor(place)]!;
	const above = sorted[Math.ceil(place)]!;
	return below + (above - below) * (place - Math.floor(place));
}
