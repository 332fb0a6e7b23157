/**
 * `measurements/` says what every time series is: its measurement, tags and fields, each with unit and meaning. The agent
 * and the collector write by it, stores make their tables of it, dashboards ask by it, and docs/metrics.md is made
 * from it. It knows no store and no program.
 *
 * Words, as InfluxDB has them: a *point* is one reading of one series at one instant; its *tags* name the series and
 * come from small closed sets (hosts, VMs, devices, enumerations; never paths, hashes or ids); its *fields* are what was read.
 */

/** How a field behaves: a gauge may go anywhere; a counter only rises, and begins anew when what it counts does; text is for people. */
export type FieldKind = "gauge" | "counter" | "text";

export type Unit =
	| "bytes"
	| "KiB"
	| "MiB/s"
	| "bytes/s"
	| "bytes/min"
	| "bytes/day"
	| "bits/byte"
	| "percent"
	| "share"
	| "seconds"
	| "ms"
	| "us"
	| "ns"
	| "hours"
	| "days"
	| "celsius"
	| "1/s"
	| "1/min"
	| "count"
	| "0/1"
	| "enum"
	| "unix seconds"
	| "text";

export interface Field<K extends FieldKind = FieldKind> {
	readonly kind: K;
	readonly unit: Unit;
	readonly about: string;
}

export interface Measurement {
	/** What one point is, in one sentence. */
	readonly about: string;
	/** Who writes it and how often. */
	readonly written: string;
	readonly tags: Readonly<Record<string, string>>;
	readonly fields: Readonly<Record<string, Field>>;
}

export function gauge(unit: Unit, about: string): Field<"gauge"> {
	return { kind: "gauge", unit, about };
}

export function counter(unit: Unit, about: string): Field<"counter"> {
	return { kind: "counter", unit, about };
}

export function text(about: string): Field<"text"> {
	return { kind: "text", unit: "text", about };
}

export const HOST = "Hypervisor host, by the agent's name for it";
export const VM = "VM, by the name that operators use";
