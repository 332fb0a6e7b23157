/** How Grafana writes the units of the measurements. */
import type { Unit } from "../common/measurements/measurement.ts";

/** Grafana's own ids where it has one, else `si:` or `suffix:` with the unit's name. */
const UNITS: Readonly<Record<Unit, string>> = {
	bytes: "bytes",
	KiB: "kbytes",
	"MiB/s": "MiBs",
	"bytes/s": "binBps",
	"bytes/min": "si:B/min",
	"bytes/day": "si:B/d",
	"bits/byte": "suffix: bit/B",
	percent: "percent",
	share: "percentunit",
	seconds: "s",
	ms: "ms",
	us: "µs",
	ns: "ns",
	hours: "h",
	days: "d",
	celsius: "celsius",
	"1/s": "cps",
	"1/min": "cpm",
	count: "short",
	"0/1": "bool_yes_no",
	enum: "none",
	"unix seconds": "suffix: s since 1970",
	text: "string",
};

/** Time spent a second stays a time: 1 s of it is one request, or one vCPU, at work all along. */
const RATES: Readonly<Partial<Record<Unit, string>>> = {
	bytes: "binBps",
	KiB: "KiBs",
	ns: "ns",
	ms: "ms",
	count: "cps",
};

/** @param rate whether it is the rate of a counter, a second. */
export function grafanaUnit(unit: Unit, rate = false): string {
	return (rate ? RATES[unit] : undefined) ?? UNITS[unit];
}
