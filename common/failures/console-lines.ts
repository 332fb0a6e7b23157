/** A console's text, as it comes, to the lines that were written to it: without escapes, timestamps and ids of callers. */

/** Longer lines are cut: no kernel writes any. */
const MAX_LINE = 4096;

export interface ConsoleLine {
	/** Without what printk puts before it. */
	readonly text: string;
	/** "T123" (a task) or "C1" (a processor), where the kernel says who printed it; else empty. */
	readonly caller: string;
	/** A kernel's timestamp stood before it. */
	readonly stamped: boolean;
	/** Seconds since that kernel started; null without a timestamp. */
	readonly seconds: number | null;
	/** As it is to be shown. */
	readonly shown: string;
}

export class ConsoleLines {
	#rest = "";

	/** The lines that `text` completes. How the text is cut into pieces makes no difference. */
	write(text: string): ConsoleLine[] {
		const lines: ConsoleLine[] = [];
		let at = 0;
		while (at < text.length) {
			const end = endOfLine(text, at);
			// What is too long is forgotten as it comes.
			const room = MAX_LINE - this.#rest.length;
			if (room > 0) this.#rest += text.slice(at, Math.min(end, at + room));
			if (end === text.length) break;
			this.#complete(lines);
			at = end + 1;
		}
		return lines;
	}

	/** What was written last and not ended. */
	end(): ConsoleLine[] {
		const lines: ConsoleLine[] = [];
		this.#complete(lines);
		return lines;
	}

	#complete(lines: ConsoleLine[]): void {
		const raw = this.#rest;
		this.#rest = "";
		if (raw !== "") lines.push(...split(plain(raw)));
	}
}

/** A carriage return ends a line too: what is written over it on a screen is another. */
function endOfLine(text: string, from: number): number {
	for (let at = from; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code === 10 || code === 13) return at;
	}
	return text.length;
}

const ESCAPE = 0x1b;

/** Without escape sequences (ECMA-48) and control characters; a sequence that does not end takes the rest of the line. */
function plain(line: string): string {
	let text = "";
	let from = 0;
	for (let at = 0; at < line.length; at++) {
		const code = line.charCodeAt(at);
		const isControl = (code < 32 && code !== 9) || (code >= 127 && code < 160);
		if (!isControl) continue;
		text += line.slice(from, at);
		if (code === ESCAPE) at = endOfEscape(line, at);
		from = at + 1;
	}
	return text + line.slice(from);
}

/** Where its last character is. */
function endOfEscape(line: string, start: number): number {
	const kind = line[start + 1];
	let at = start + 2;
	if (kind === "[") {
		while (at < line.length && !within(line.charCodeAt(at), 0x40, 0x7e)) at++;
	} else if (kind === "]" || kind === "P" || kind === "_" || kind === "^") {
		// Up to BEL or ESC \.
		while (at < line.length && line.charCodeAt(at) !== 7 && line.charCodeAt(at) !== ESCAPE) at++;
		if (line.charCodeAt(at) === ESCAPE) at++;
	} else {
		at = start + 1;
		while (at < line.length && within(line.charCodeAt(at), 0x20, 0x2f)) at++;
	}
	return at;
}

function within(code: number, low: number, high: number): boolean {
	return code >= low && code <= high;
}

/** `[   12.345678]`, and with CONFIG_PRINTK_CALLER `[   T17]` behind it. Every repetition is bounded. */
const STAMP = /\[ {0,8}(\d{1,10}\.\d{6})\](?: ?\[ {0,8}([TC]\d{1,10})\])? ?/g;
/** What a log daemon or a raw kernel buffer puts before it. */
const LEVEL = /^(?:<\d{1,3}>)?(?: ?kernel: ?)?/;

/** A kernel's message may come in the middle of a line that a process had begun. */
function split(line: string): ConsoleLine[] {
	const lines: ConsoleLine[] = [];
	let from = 0;
	let stamp: RegExpExecArray | null = null;
	const add = (to: number): void => {
		const text = line.slice(from, to).replace(LEVEL, "");
		if (text.trim() === "") return;
		const [, seconds, caller = ""] = stamp ?? [];
		lines.push({
			text: text.trim(),
			caller,
			stamped: stamp !== null,
			seconds: seconds === undefined ? null : Number(seconds),
			shown: text.trimEnd(),
		});
	};
	for (const match of line.matchAll(STAMP)) {
		if (match.index > 0) add(match.index);
		stamp = match;
		from = match.index + match[0].length;
	}
	add(line.length);
	return lines;
}
