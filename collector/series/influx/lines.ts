/**
 * Points as lines of InfluxDB's line protocol, written byte by byte: it is what every point costs the collector's one
 * thread, and strings would take three times as long.
 *
 *   vm_disk,disk=vda,host=h1,vm=web1 rd_bytes=1024,wr_bytes=2048 1732224157000000000
 *
 * Tags ascend by name, numbers are all floating point, and there is a line feed behind every line. A line feed within a
 * line stands in a text field only.
 */
import { definitionOf, isMeasurement, type Point } from "../../../common/measurements/measurements.ts";
import { whyRefused } from "../check.ts";
import { type LineHead, LineHeads } from "./line-heads.ts";
import { storedField } from "./names.ts";
import type { Hours } from "./turnstile.ts";

/** InfluxDB takes keys of 64 KiB and the like; a line beyond this is a mistake, and would not fit a log record. */
export const MAX_LINE_BYTES = 512 * 1024;

const FIRST_BYTES = 64 * 1024;
/** Of a number: sign, 17 digits, point, exponent. */
const NUMBER_BYTES = 32;
/** More of them are measured by nobody, and looking for them would take longer than a string. */
const MAX_DECIMALS = 4;
const BILLION = 1_000_000_000;
const BILLION_BIG = 1_000_000_000n;
const HOUR_SECONDS = 3600;
const HOUR_BIG: bigint = BigInt(HOUR_SECONDS) * BILLION_BIG;
const MAX_INT32 = 0x7fffffff;
/** Times up to the year 2116 are split into seconds and nanoseconds. */
const USUAL_TIMES_END = 2n ** 62n;
const MIN_TIME = -(2n ** 63n) + 2n;
const MAX_TIME = 2n ** 63n - 2n;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;

/** What a writer has written. */
export interface Lines {
	readonly payload: Buffer;
	readonly lines: number;
	readonly hours: Hours;
}

type Fields = ReadonlyMap<string, { readonly head: Uint8Array; readonly isText: boolean }>;

const fieldsOf = new Map<string, Fields>();
const heads = new LineHeads();

/** What the point's line begins with; undefined where its measurement or a tag is none. */
export function headOf(point: Point): LineHead | undefined {
	return heads.of(point);
}

export class LineWriter {
	#bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
	#at = 0;
	#lines = 0;
	#time = 0n;
	/** Of `#time`, and of the first and last point. */
	#hour = 0;
	#firstHour = Number.POSITIVE_INFINITY;
	#lastHour = Number.NEGATIVE_INFINITY;
	/** `#time` as text. */
	#timeText: Uint8Array = Buffer.from(" 0\n");
	readonly #takesText: boolean;

	/** @param takesText otherwise fields of text are left out */
	constructor(takesText = true) {
		this.#takesText = takesText;
	}

	get lines(): number {
		return this.#lines;
	}

	get length(): number {
		return this.#at;
	}

	/** The lines so far, at least one; the writer is empty again. */
	take(): Lines {
		// A copy: small lines that wait must not hold on to a large buffer.
		const payload = Buffer.allocUnsafeSlow(this.#at);
		this.#bytes.copy(payload, 0, 0, this.#at);
		const taken = { payload, lines: this.#lines, hours: { first: this.#firstHour, last: this.#lastHour } };
		this.#at = 0;
		this.#lines = 0;
		this.#firstHour = Number.POSITIVE_INFINITY;
		this.#lastHour = Number.NEGATIVE_INFINITY;
		return taken;
	}

	/** Adds the point as a line. @returns why it cannot be one, where nothing was added. */
	add(point: Point, head: LineHead | undefined = headOf(point)): string | undefined {
		const start = this.#at;
		if (head !== undefined && this.#write(point, head.bytes)) {
			if (this.#at - start <= MAX_LINE_BYTES) {
				this.#lines++;
				if (this.#hour < this.#firstHour) this.#firstHour = this.#hour;
				if (this.#hour > this.#lastHour) this.#lastHour = this.#hour;
				return undefined;
			}
			this.#at = start;
			return `its line would take more than ${MAX_LINE_BYTES} bytes`;
		}
		this.#at = start;
		return whyRefused(point) ?? "it has no numbers";
	}

	#write({ measurement, fields, timeNs }: Point, head: Uint8Array): boolean {
		const known = fieldsOf.get(measurement) ?? makeFields(measurement);
		if (known === undefined) return false;
		this.#room(head.length);
		this.#copy(head);
		let separator = SPACE;
		for (const name in fields) {
			const field = known.get(name);
			const value = fields[name];
			if (field === undefined) return false;
			if (typeof value === "string" ? !field.isText : field.isText || !Number.isFinite(value)) return false;
			if (field.isText && !this.#takesText) continue;
			this.#room(field.head.length + 1 + NUMBER_BYTES);
			this.#bytes[this.#at++] = separator;
			this.#copy(field.head);
			if (typeof value === "string") this.#text(value);
			else this.#number(value as number);
			separator = COMMA;
		}
		return separator === COMMA && this.#timestamp(timeNs);
	}

	#room(bytes: number): void {
		if (this.#at + bytes <= this.#bytes.length) return;
		const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + bytes));
		this.#bytes.copy(grown, 0, 0, this.#at);
		this.#bytes = grown;
	}

	/** Of few bytes, a loop is faster than a call out of JavaScript. */
	#copy(from: Uint8Array): void {
		const bytes = this.#bytes;
		let at = this.#at;
		for (let each = 0; each < from.length; each++) bytes[at++] = from[each] as number;
		this.#at = at;
	}

	#text(value: string): void {
		const escaped = value.replaceAll(/["\\]/g, "\\$&");
		this.#room(escaped.length * 3 + 2);
		this.#bytes[this.#at++] = QUOTE;
		this.#at += this.#bytes.write(escaped, this.#at, "utf8");
		this.#bytes[this.#at++] = QUOTE;
		this.#room(NUMBER_BYTES);
	}

	/** The shortest digits that read back as `value`; whole numbers, which most are, without a string. */
	#number(value: number): void {
		if (!Number.isSafeInteger(value)) {
			this.#fraction(value);
			return;
		}
		let rest = value;
		if (rest < 0) {
			this.#bytes[this.#at++] = MINUS;
			rest = -rest;
		}
		if (rest > MAX_INT32) {
			const high = Math.floor(rest / BILLION);
			this.#digits(high, 1);
			this.#digits(rest - high * BILLION, 9);
		} else this.#digits(rest, 1);
	}

	/** Percentages, degrees and seconds mostly have few decimals: then they are a whole number with a point in it. */
	#fraction(value: number): void {
		const size = Math.abs(value);
		// Below a ten-thousandth there might be an exponent.
		if (size >= 1e-4 && size < MAX_INT32) {
			for (let decimals = 1, scale = 10; decimals <= MAX_DECIMALS; decimals++, scale *= 10) {
				const scaled = Math.round(size * scale);
				// Both are exact, so that the quotient is what these digits read as.
				if (scaled / scale !== size) continue;
				const whole = Math.floor(scaled / scale);
				if (value < 0) this.#bytes[this.#at++] = MINUS;
				this.#digits(whole, 1);
				this.#bytes[this.#at++] = POINT;
				this.#digits(scaled - whole * scale, decimals);
				return;
			}
		}
		this.#at += this.#bytes.write(String(value), this.#at, "latin1");
	}

	/** `value` below 2^31, with zeroes in front where it has fewer digits than `least`. */
	#digits(value: number, least: number): void {
		const bytes = this.#bytes;
		const start = this.#at;
		let rest = value | 0;
		const end = start + Math.max(least, digitsOf(rest));
		for (let at = end - 1; at >= start; at--) {
			const next = (rest / 10) | 0;
			bytes[at] = ZERO + rest - next * 10;
			rest = next;
		}
		this.#at = end;
	}

	/** Points come in rounds that share a time. */
	#timestamp(timeNs: bigint): boolean {
		if (timeNs === this.#time) {
			this.#room(this.#timeText.length);
			this.#copy(this.#timeText);
			return true;
		}
		if (timeNs < MIN_TIME || timeNs > MAX_TIME) return false;
		const start = this.#at;
		this.#room(NUMBER_BYTES);
		if (timeNs < BILLION_BIG || timeNs >= USUAL_TIMES_END) {
			this.#at += this.#bytes.write(` ${timeNs}\n`, this.#at, "latin1");
			this.#hour = Number(timeNs / HOUR_BIG) - (timeNs < 0n && timeNs % HOUR_BIG !== 0n ? 1 : 0);
		} else {
			const seconds = timeNs / BILLION_BIG;
			this.#bytes[this.#at++] = SPACE;
			this.#number(Number(seconds));
			this.#digits(Number(timeNs - seconds * BILLION_BIG), 9);
			this.#bytes[this.#at++] = LINE_FEED;
			this.#hour = Math.floor(Number(seconds) / HOUR_SECONDS);
		}
		this.#timeText = Uint8Array.prototype.slice.call(this.#bytes, start, this.#at);
		this.#time = timeNs;
		return true;
	}
}

/** Of a value below 2^31. */
function digitsOf(value: number): number {
	if (value < 1e5) return value < 100 ? (value < 10 ? 1 : 2) : value < 1e3 ? 3 : value < 1e4 ? 4 : 5;
	return value < 1e7 ? (value < 1e6 ? 6 : 7) : value < 1e8 ? 8 : value < 1e9 ? 9 : 10;
}

function makeFields(name: string): Fields | undefined {
	if (!isMeasurement(name)) return undefined;
	const fields = new Map(
		Object.entries(definitionOf(name).fields).map(([field, { kind }]) => [
			field,
			{ head: Buffer.from(`${storedField(field)}=`), isText: kind === "text" },
		]),
	);
	fieldsOf.set(name, fields);
	return fields;
}

/** The lines of what a `LineWriter` wrote, without their line feeds. */
export function splitLines(bytes: Buffer): Buffer[] {
	const lines: Buffer[] = [];
	for (let start = 0; start < bytes.length; ) {
		const end = lineEnd(bytes, start);
		lines.push(bytes.subarray(start, end));
		start = end + 1;
	}
	return lines;
}

function lineEnd(bytes: Buffer, start: number): number {
	let at = start;
	for (; at < bytes.length && bytes[at] !== SPACE; at++) if (bytes[at] === BACKSLASH) at++;
	for (let quoted = false; at < bytes.length; at++) {
		const byte = bytes[at];
		if (byte === QUOTE) quoted = !quoted;
		else if (byte === BACKSLASH) at++;
		else if (byte === LINE_FEED && !quoted) return at;
	}
	return bytes.length;
}

/** The measurement of a line. */
export function measurementOf(line: Buffer): string {
	const end = line.findIndex((byte) => byte === COMMA || byte === SPACE);
	return line.toString("latin1", 0, end);
}
