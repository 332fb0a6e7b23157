/**
 * Checks of single fields as they came over the wire. An agent may be broken or hostile: what passes
 * here is bounded, finite and printable. Each throws UmbraError `corrupt` whose message starts with
 * the field's name in the contract.
 */
import { UmbraError } from "../../common/errors.ts";
import { toBigInt, type wire } from "../../proto/service.ts";

type Uint64 = wire.v1.Heartbeat.$Properties["timeNs"];

/** Most characters of a message quoted in an error. */
const SHOWN = 80;

/** `found` as a person would say it: a number, "33 bytes", "none". */
export function wrong(field: string, found: unknown, wanted: string): UmbraError {
	const shown = String(found);
	return new UmbraError("corrupt", `${field}: ${shown}; wanted ${wanted}`, {
		context: { field, found: shown, wanted },
	});
}

/** `found` is text that was sent: quoted, and cut where it is long. */
export function wrongText(field: string, found: string, wanted: string): UmbraError {
	return wrong(field, JSON.stringify(found.slice(0, SHOWN)), wanted);
}

/** A name that becomes a key, a file name or a line of a log: not empty, no control characters. */
export function checkName(field: string, value: string | null | undefined, maxLength: number): string {
	const text = checkText(field, value, maxLength);
	if (text === "") throw wrongText(field, text, "a name");
	return text;
}

/** Text for people, may be empty. Control characters are refused, as it is shown on terminals. */
export function checkText(field: string, value: string | null | undefined, maxLength: number): string {
	const text = value ?? "";
	if (text.length > maxLength) throw wrongText(field, text, `at most ${maxLength} characters, found ${text.length}`);
	if (!text.isWellFormed()) throw wrongText(field, text, "well-formed Unicode");
	if (/\p{Cc}/u.test(text)) throw wrongText(field, text, "no control characters");
	return text;
}

/** Text of problems and reasons: cut and cleaned instead of refused, as nothing depends on it. */
export function cleanText(value: string | null | undefined, maxLength: number): string {
	return (value ?? "")
		.slice(0, maxLength)
		.replaceAll(/\p{Cc}/gu, " ")
		.toWellFormed();
}

/** A path inside a guest: bytes of any kind but NUL, absolute. */
export function checkPath(field: string, value: string | null | undefined, maxLength: number): string {
	const text = value ?? "";
	if (!text.startsWith("/")) throw wrongText(field, text, "an absolute path");
	if (text.length > maxLength) throw wrongText(field, text, `at most ${maxLength} characters, found ${text.length}`);
	if (!text.isWellFormed() || text.includes("\0")) throw wrongText(field, text, "well-formed Unicode without NUL");
	return text;
}

/** A 64-bit count that a JavaScript number holds exactly, at most `max`. */
export function checkCount(field: string, value: Uint64, max = Number.MAX_SAFE_INTEGER): number {
	const big = toBigInt(value);
	if (big > BigInt(max)) throw wrong(field, big, `at most ${max}`);
	return Number(big);
}

/** Nanoseconds -> milliseconds. */
export function checkMilliseconds(field: string, value: Uint64): number {
	return checkCount(field, value) / 1e6;
}

/** Bits per byte: 0 to 8, or -1 (here null) where unknown. */
export function checkEntropy(field: string, value: number | null | undefined): number | null {
	const entropy = value ?? 0;
	if (entropy === -1) return null;
	if (!(entropy >= 0 && entropy <= 8)) throw wrong(field, entropy, "0 to 8 bits per byte, or -1");
	return entropy;
}

export function checkFinite(field: string, value: number | null | undefined): number {
	const number = value ?? 0;
	if (!Number.isFinite(number)) throw wrong(field, number, "a finite number");
	return number;
}

export function checkLength(field: string, length: number, max: number): void {
	if (length > max) throw wrong(field, `${length} elements`, `at most ${max}`);
}
