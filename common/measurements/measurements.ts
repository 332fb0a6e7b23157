/** All measurements by name, and the points that are made by them. */
import { HOST_MEASUREMENTS } from "./host.ts";
import { JUDGEMENT_MEASUREMENTS } from "./judgement.ts";
import type { Measurement } from "./measurement.ts";
import { PREDICTION_MEASUREMENTS } from "./prediction.ts";
import { SELF_MEASUREMENTS } from "./self.ts";
import { VM_MEASUREMENTS } from "./vm.ts";

/** In the order of docs/metrics.md. */
export const MEASUREMENTS = {
	...HOST_MEASUREMENTS,
	...VM_MEASUREMENTS,
	...JUDGEMENT_MEASUREMENTS,
	...PREDICTION_MEASUREMENTS,
	...SELF_MEASUREMENTS,
} as const satisfies Readonly<Record<string, Measurement>>;

export type MeasurementName = keyof typeof MEASUREMENTS;
export type TagName<M extends MeasurementName> = Extract<keyof (typeof MEASUREMENTS)[M]["tags"], string>;
export type FieldName<M extends MeasurementName> = Extract<keyof (typeof MEASUREMENTS)[M]["fields"], string>;

type FieldValue<F> = F extends { readonly kind: "text" } ? string : number;
/** What a point of a measurement may carry; fields that are not known are left out. */
export type FieldsOf<M extends MeasurementName> = {
	readonly [F in keyof (typeof MEASUREMENTS)[M]["fields"]]?:
		| FieldValue<(typeof MEASUREMENTS)[M]["fields"][F]>
		| undefined;
};
export type TagsOf<M extends MeasurementName> = { readonly [T in TagName<M>]: string };

/** One reading of one series. */
export interface Point {
	readonly measurement: MeasurementName;
	readonly tags: Readonly<Record<string, string>>;
	/** Unix nanoseconds. */
	readonly timeNs: bigint;
	/** At least one; numbers are finite. */
	readonly fields: Readonly<Record<string, number | string>>;
}

/**
 * A point whose names and types are those of its measurement. Fields that are undefined or no finite number are left out;
 * null where none is left.
 */
export function point<const M extends MeasurementName>(
	measurement: M,
	tags: TagsOf<M>,
	timeNs: bigint,
	fields: FieldsOf<M>,
): Point | null {
	const known: Record<string, number | string> = {};
	for (const [name, value] of Object.entries(fields) as [string, number | string | undefined][]) {
		if (typeof value === "string" ? value !== "" : Number.isFinite(value)) known[name] = value as number | string;
	}
	return Object.keys(known).length === 0 ? null : { measurement, tags, timeNs, fields: known };
}

export function isMeasurement(name: string): name is MeasurementName {
	return Object.hasOwn(MEASUREMENTS, name);
}

/** The definition of a measurement, for those who go through all of them. */
export function definitionOf(name: MeasurementName): Measurement {
	return MEASUREMENTS[name];
}
