/** For tests only: points that are known by their number. */
import type { Point } from "../../../common/measurements/measurements.ts";

const VMS = 5;

export function crashPoint(number: number, baseNs: bigint): Point {
	const timeNs = baseNs + BigInt(number) * 1_000_000_000n;
	const tags = { host: "h1", vm: `vm'${number % VMS}` };
	if (number % 3 === 0)
		return { measurement: "anomaly", tags: { ...tags, severity: "info" }, timeNs, fields: { feature: `f${number}` } };
	return { measurement: "vm", tags, timeNs, fields: { threads: number } };
}
