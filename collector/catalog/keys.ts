/**
 * Keys of the catalog: components joined by "/", each percent-encoded, so that no name of a VM, disk or
 * file can end its own component and stand for another record. Times are 20 digits, enough for every
 * 64-bit count of nanoseconds, so that keys sort as their times do. docs/formats.md lists every key.
 */
import { UmbraError } from "../../common/errors.ts";

/** Sorts right after "/", so `prefix + AFTER` ends the range of the keys below `prefix`. */
const AFTER = "0";
const TIME_DIGITS = 20;
const INDEX_DIGITS = 8;
const SEQUENCE_DIGITS = 12;
/** Most file changes that `INDEX_DIGITS` can number. */
export const MAX_INDEX = 10 ** INDEX_DIGITS - 1;

/** A half-open range of keys: everything below one prefix. */
export interface KeyRange {
	readonly prefix: string;
	readonly end: string;
}

/** @throws UmbraError `corrupt` for text that is not Unicode (half a surrogate pair), as two such would share a key. */
export function escapeComponent(text: string): string {
	try {
		return encodeURIComponent(text);
	} catch (error) {
		throw new UmbraError("corrupt", `a name is not well-formed Unicode: ${JSON.stringify(text)}`, { cause: error });
	}
}

/** @throws UmbraError `corrupt` for what `escapeComponent` never makes. */
export function unescapeComponent(component: string): string {
	try {
		return decodeURIComponent(component);
	} catch (error) {
		throw new UmbraError("corrupt", `not a key of the catalog: ${JSON.stringify(component)}`, { cause: error });
	}
}

/** A time as the last or second to last component; accepts what records hold. */
export function timeComponent(time: bigint | string): string {
	const digits = typeof time === "bigint" ? time.toString() : time;
	if (!/^\d{1,20}$/.test(digits)) {
		throw new UmbraError("internal", `not a time in nanoseconds: ${JSON.stringify(digits)}`);
	}
	return digits.padStart(TIME_DIGITS, "0");
}

export function indexComponent(index: number): string {
	if (!Number.isInteger(index) || index < 0 || index > MAX_INDEX) {
		throw new UmbraError("limit", `file change number ${index} is beyond ${MAX_INDEX}`);
	}
	return index.toString().padStart(INDEX_DIGITS, "0");
}

/** Of a link in a chain, as the last component. */
export function sequenceComponent(sequence: number): string {
	if (!Number.isInteger(sequence) || sequence < 0 || sequence >= 10 ** SEQUENCE_DIGITS) {
		throw new UmbraError("limit", `link ${sequence} of a chain is beyond ${SEQUENCE_DIGITS} digits`);
	}
	return sequence.toString().padStart(SEQUENCE_DIGITS, "0");
}

/** Every key below `components`. */
export function rangeBelow(...components: readonly string[]): KeyRange {
	const joined = components.join("/");
	return { prefix: `${joined}/`, end: `${joined}${AFTER}` };
}

export const keys = {
	schema: "meta/schema",
	collectorId: "meta/collector-id",
	vm: (vm: string) => `vm/${escapeComponent(vm)}`,
	change: (vm: string, time: bigint | string) => `change/${escapeComponent(vm)}/${timeComponent(time)}`,
	id: (id: string) => `id/${escapeComponent(id)}`,
	fileChange: (vm: string, time: bigint | string, index: number) =>
		`filechange/${escapeComponent(vm)}/${timeComponent(time)}/${indexComponent(index)}`,
	file: (vm: string, path: string, time: bigint | string, index: number) =>
		`file/${escapeComponent(vm)}/${escapeComponent(path)}/${timeComponent(time)}/${indexComponent(index)}`,
	staged: (vm: string, time: bigint | string) => `staged/${escapeComponent(vm)}/${timeComponent(time)}`,
	deleting: (vm: string, time: bigint | string) => `deleting/${escapeComponent(vm)}/${timeComponent(time)}`,
	hold: (vm: string, time: bigint | string) => `hold/${escapeComponent(vm)}/${timeComponent(time)}`,
	imported: (vm: string, time: bigint | string) => `imported/${escapeComponent(vm)}/${timeComponent(time)}`,
	machineState: (vm: string, time: bigint | string) => `machinestate/${escapeComponent(vm)}/${timeComponent(time)}`,
	unjudged: (vm: string, time: bigint | string) => `unjudged/${escapeComponent(vm)}/${timeComponent(time)}`,
	anomaly: (time: bigint | string, vm: string) => `anomaly/${timeComponent(time)}/${escapeComponent(vm)}`,
	alert: (time: bigint | string, id: string) => `alert/${timeComponent(time)}/${escapeComponent(id)}`,
	vmAlert: (vm: string, time: bigint | string, id: string) =>
		`vmalert/${escapeComponent(vm)}/${timeComponent(time)}/${escapeComponent(id)}`,
	firing: (vm: string, id: string) => `firing/${escapeComponent(vm)}/${escapeComponent(id)}`,
	undelivered: (time: bigint | string, id: string) => `undelivered/${timeComponent(time)}/${escapeComponent(id)}`,
	agent: (id: string) => `agent/${escapeComponent(id)}`,
	chain: (vm: string) => `chain/${escapeComponent(vm)}`,
	link: (vm: string, sequence: number) => `link/${escapeComponent(vm)}/${sequenceComponent(sequence)}`,
	damage: (name: string) => `damage/${escapeComponent(name)}`,
	trial: (vm: string, time: bigint | string, id: string) =>
		`trial/${escapeComponent(vm)}/${timeComponent(time)}/${escapeComponent(id)}`,
	trialId: (id: string) => `trialid/${escapeComponent(id)}`,
	trialTime: (time: bigint | string, id: string) => `trialtime/${timeComponent(time)}/${escapeComponent(id)}`,
	trialStory: (vm: string, time: bigint | string, id: string) =>
		`trialstory/${escapeComponent(vm)}/${timeComponent(time)}/${escapeComponent(id)}`,
	trialPending: (id: string) => `trialpending/${escapeComponent(id)}`,
	signature: (id: string) => `signature/${escapeComponent(id)}`,
	vmSignature: (vm: string, id: string) => `vmsignature/${escapeComponent(vm)}/${escapeComponent(id)}`,
	alias: (id: string) => `alias/${escapeComponent(id)}`,
	event: (number: number) => `event/${timeComponent(BigInt(number))}`,
	state: (key: string) => `state/${escapeComponent(key)}`,
} as const;
