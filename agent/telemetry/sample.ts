/** A point as the protocol carries it. */
import type { Point } from "../../common/measurements/measurements.ts";
import { toLong, type wire } from "../../proto/service.ts";

/** Text is for people, and no agent has any: samples carry numbers. */
export function toSample({ measurement, tags, timeNs, fields }: Point): wire.v1.ISample {
	const numbers: Record<string, number> = {};
	for (const name in fields) {
		const value = fields[name];
		if (typeof value === "number") numbers[name] = value;
	}
	return { measurement, tags, timeNs: toLong(timeNs), fields: numbers };
}
