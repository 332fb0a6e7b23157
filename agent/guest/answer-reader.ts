/**
 * Takes apart what a guest agent says: one answer a line, in JSON (QEMU docs/interop/qemu-ga-ref). The guest is hostile: what is
 * kept of an answer, how long it may be and how deep it nests are bounded while it comes, before anything is parsed.
 */
import { messageOf, UmbraError } from "../../common/errors.ts";

/** Of each string; longer ones lose their end. In base64 it is what 64 KiB of a program's output come to, a whole number of groups. */
const MAX_STRING = 4 * Math.ceil((64 * 1024) / 3);
/** Of one answer, with its strings clipped. The longest wanted are two programs' outputs, or some hundred network interfaces. */
const MAX_KEPT = 1024 * 1024;
/** Of one answer as it comes. An agent captures at most 16 MiB of either output of a program, which base64 makes longer by a third. */
const MAX_ANSWER = 48 * 1024 * 1024;
const MAX_DEPTH = 32;
/** Pieces of an answer that came in as many reads are joined, as each has its cost. */
const MAX_PIECES = 256;

/** Never part of UTF-8: an agent puts it before its answer to `guest-sync-delimited`, and drops what it has when it gets one. */
export const DELIMITER = 0xff;
const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** The closing ones come two behind them. */
const BRACE = 0x7b;
const BRACKET = 0x5b;
const UNICODE_ESCAPE = "u".charCodeAt(0);

/** Of an escape in a string: the character after the backslash is next, or so many hexadecimal digits. */
const ESCAPED_NEXT = -1;

/** Where in an answer the next byte stands. */
interface State {
	readonly depth: number;
	readonly inString: boolean;
	readonly stringLength: number;
	readonly escaped: number;
	/** The rest of a long string is passed over. */
	readonly clipping: boolean;
}

const OUTSIDE: State = { depth: 0, inString: false, stringLength: 0, escaped: 0, clipping: false };

export interface Answer {
	/** Whether the delimiter came right before it. */
	readonly delimited: boolean;
	/** As parsed; undefined where it was bad. */
	readonly value: unknown;
	/** Code `limit` or `corrupt`. */
	readonly problem: UmbraError | undefined;
}

export class AnswerReader {
	#pieces: Buffer[] = [];
	#kept = 0;
	#length = 0;
	#state = OUTSIDE;
	#delimited = false;
	/** Of a bad answer everything is passed over, up to its end. */
	#bad = false;

	/** The answers that these bytes complete, bad ones included. */
	push(bytes: Buffer): Answer[] {
		const answers: Answer[] = [];
		let at = 0;
		while (at < bytes.length) {
			const byte = bytes[at];
			if (byte === DELIMITER) {
				this.#reset(true);
				at++;
			} else if (byte === NEWLINE) {
				if (!this.#bad && this.#length > 0) answers.push(this.#parse());
				this.#reset(false);
				at++;
			} else {
				const end = endOfRun(bytes, at);
				if (!this.#bad) {
					const problem = this.#take(bytes, at, end);
					if (problem !== undefined) {
						this.#bad = true;
						this.#pieces = [];
						answers.push({ delimited: this.#delimited, value: undefined, problem });
					}
				}
				at = end;
			}
		}
		return answers;
	}

	#reset(delimited: boolean): void {
		this.#pieces = [];
		this.#kept = this.#length = 0;
		this.#state = OUTSIDE;
		this.#bad = false;
		this.#delimited = delimited;
	}

	#parse(): Answer {
		const delimited = this.#delimited;
		try {
			return { delimited, value: JSON.parse(Buffer.concat(this.#pieces).toString("utf8")), problem: undefined };
		} catch (cause) {
			const problem = new UmbraError("corrupt", `the guest's agent said what is no JSON: ${messageOf(cause)}`, {
				cause,
			});
			return { delimited, value: undefined, problem };
		}
	}

	#take(bytes: Buffer, from: number, to: number): UmbraError | undefined {
		this.#length += to - from;
		if (this.#length > MAX_ANSWER) return tooMuch("long", `at most ${MAX_ANSWER} bytes`);
		let keepFrom = from;
		let { depth, inString, stringLength, escaped, clipping } = this.#state;
		for (let at = from; at < to; at++) {
			const byte = bytes[at]!;
			if (!inString) {
				if (byte === QUOTE) {
					inString = true;
					stringLength = 0;
				} else if (byte === BRACE || byte === BRACKET) {
					if (++depth > MAX_DEPTH) return tooMuch("deep", `at most ${MAX_DEPTH} levels`);
				} else if (byte === BRACE + 2 || byte === BRACKET + 2) depth--;
				continue;
			}
			if (escaped === ESCAPED_NEXT) escaped = byte === UNICODE_ESCAPE ? 4 : 0;
			else if (escaped > 0) escaped--;
			else if (byte === QUOTE) {
				inString = false;
				if (clipping) keepFrom = at;
				clipping = false;
			} else if (byte === BACKSLASH) escaped = ESCAPED_NEXT;
			// An escape is never cut.
			if (++stringLength >= MAX_STRING && escaped === 0 && inString && !clipping) {
				this.#keep(bytes, keepFrom, at + 1);
				clipping = true;
			}
		}
		this.#state = { depth, inString, stringLength, escaped, clipping };
		if (!clipping) this.#keep(bytes, keepFrom, to);
		return this.#kept > MAX_KEPT ? tooMuch("large", `at most ${MAX_KEPT} bytes besides long strings`) : undefined;
	}

	#keep(bytes: Buffer, from: number, to: number): void {
		// Copied, as a piece would keep all of what was read with it.
		this.#pieces.push(Buffer.from(bytes.subarray(from, to)));
		this.#kept += to - from;
		if (this.#pieces.length > MAX_PIECES) this.#pieces = [Buffer.concat(this.#pieces)];
	}
}

/** The first newline or delimiter after `from`, or the end. */
function endOfRun(bytes: Buffer, from: number): number {
	let end = from + 1;
	while (end < bytes.length && bytes[end] !== NEWLINE && bytes[end] !== DELIMITER) end++;
	return end;
}

function tooMuch(what: string, wanted: string): UmbraError {
	return new UmbraError("limit", `an answer of the guest's agent is too ${what}; wanted ${wanted}`, {
		context: { structure: "guest agent answer", wanted },
	});
}
