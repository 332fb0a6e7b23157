/** `umbra ls --json`: bytes are put together, not strings, which takes a fifth of the time. */
import { endianness } from "node:os";
import type { ListedName, ListedNode } from "../../disk/listing.ts";
import { viewOf } from "../../disk/parser/checksum.ts";
import type { Output } from "./output.ts";

/** One write to the reader. */
const CHUNK = 256 * 1024;
/** Longest line without its path: seven numbers of at most 24 characters and their names. */
const FIXED = 512;
/** Most that a character takes, as "\u0000" or in UTF-8. */
const WIDEST = 6;
/** Of a number that is written digit by digit. */
const MAX_SMALL = 2 ** 31;
/** From here to `MAX_SMALL` doubles are 2^-22 apart. */
const MIN_EXACT = 2 ** 30;
const HALF_STEP = 2 ** -23;

const IS_LITTLE_ENDIAN = endianness() === "LE";
const ZERO = 0x30;
const POINT = 0x2e;
/** By code: 1 where a string in JSON has the character as it is. */
const VERBATIM = Uint8Array.from({ length: 128 }, (_, code) =>
	JSON.stringify(String.fromCharCode(code)).length === 3 ? 1 : 0,
);

/** Text that many lines have: in words, of which the last may be written beyond its end, where the next text follows. */
interface Piece {
	readonly words: Int32Array;
	/** Bytes. */
	readonly length: number;
}

function piece(text: string): Piece {
	const bytes = Buffer.from(text);
	const words = new Int32Array(Math.ceil(bytes.length / 4));
	Buffer.from(words.buffer).set(bytes);
	return { words, length: bytes.length };
}

const SIZE = piece(',"size":');
const MTIME = piece(',"mtime":');
const EXTENTS = piece(',"extents":');
const END = "}\n";
const NO_BYTES = Buffer.alloc(0);
/** No node's. */
const NOBODY = { mode: -1, uid: 0, gid: 0, nlink: 0 };

export class JsonLines {
	readonly #output: Output;
	#bytes: Buffer = NO_BYTES;
	#view = viewOf(NO_BYTES);
	/** Chunks that were written: new memory for each would cost as much as filling it. */
	readonly #spare: Buffer[] = [];
	#at = 0;
	/** What begins and ends the last line: its neighbours mostly have the same. */
	#directory = "";
	#prefix = prefixOf("");
	#last: Pick<ListedNode, "mode" | "uid" | "gid" | "nlink"> = NOBODY;
	#suffix = piece(END);
	#lastSeconds = -1;
	#seconds = piece("");
	#lastType = "";
	#type = piece("");

	constructor(output: Output) {
		this.#output = output;
	}

	/**
	 * What `JSON.stringify` makes of these fields. Await the result where there is one: the reader is slower than we are.
	 *
	 * @param directory the path before the last "/"; empty for what lies in the root.
	 * @param extents as JSON; left out where undefined.
	 */
	line(directory: string, name: ListedName, node: ListedNode, extents?: string): Promise<void> | undefined {
		const room = FIXED + (directory.length + name.length) * WIDEST + (extents?.length ?? 0) * 3;
		if (this.#at + room <= this.#bytes.length) {
			this.#put(directory, name, node, extents);
			return undefined;
		}
		const flushed = this.#at > 0 ? this.flush() : undefined;
		this.#bytes = room <= CHUNK ? (this.#spare.pop() ?? Buffer.allocUnsafeSlow(CHUNK)) : Buffer.allocUnsafeSlow(room);
		this.#view = viewOf(this.#bytes);
		this.#put(directory, name, node, extents);
		return flushed;
	}

	/** Hands over what is there. */
	async flush(): Promise<void> {
		const bytes = this.#bytes;
		const chunk = bytes.subarray(0, this.#at);
		this.#bytes = NO_BYTES;
		this.#at = 0;
		if (chunk.length === 0) return;
		await this.#output.bytes(chunk);
		if (bytes.length === CHUNK) this.#spare.push(bytes);
	}

	#put(directory: string, name: ListedName, node: ListedNode, extents: string | undefined): void {
		if (directory !== this.#directory) {
			this.#directory = directory;
			this.#prefix = prefixOf(directory);
		}
		const bytes = this.#bytes;
		const view = this.#view;
		let at = put(view, this.#at, this.#prefix);
		at = putName(bytes, at, name);
		at = put(view, at, this.#typeOf(node));
		at = putNumber(bytes, at, node.inode);
		at = put(view, at, SIZE);
		at = putNumber(bytes, at, node.size);
		at = put(view, at, MTIME);
		at = this.#putTime(at, node.mtime);
		at = put(view, at, this.#suffixOf(node));
		if (extents !== undefined) {
			at = put(view, at - END.length, EXTENTS);
			at += bytes.write(extents + END, at);
		}
		this.#at = at;
	}

	#typeOf({ type }: ListedNode): Piece {
		if (type !== this.#lastType) {
			this.#lastType = type;
			this.#type = piece(`","type":"${type}","inode":`);
		}
		return this.#type;
	}

	#suffixOf({ mode, uid, gid, nlink }: ListedNode): Piece {
		const last = this.#last;
		if (last.mode !== mode || last.uid !== uid || last.gid !== gid || last.nlink !== nlink) {
			this.#last = { mode, uid, gid, nlink };
			this.#suffix = piece(`,${JSON.stringify(this.#last).slice(1)}\n`);
		}
		return this.#suffix;
	}

	/**
	 * A number of seconds. Of those from 2004 to 2038 a double tells steps of 2^-22, and JSON has the shortest decimal
	 * fraction that lies nearer to it than to its neighbours: with seven decimals one always does. Every product here is exact.
	 */
	#putTime(at: number, value: number): number {
		const bytes = this.#bytes;
		if (!(value >= MIN_EXACT && value < MAX_SMALL)) return putNumber(bytes, at, value);
		const seconds = Math.floor(value);
		if (seconds !== this.#lastSeconds) {
			this.#lastSeconds = seconds;
			this.#seconds = piece(String(seconds));
		}
		const end = put(this.#view, at, this.#seconds);
		const fraction = value - seconds;
		if (fraction === 0) return end;
		let decimals = 6;
		let scaled = fraction * 1e6;
		let shortest = Math.round(scaled) | 0;
		if (Math.abs(shortest - scaled) < 1e6 * HALF_STEP) {
			// Where fewer are enough, the last of the six are zeroes.
			for (; shortest % 10 === 0; decimals--) shortest = (shortest / 10) | 0;
		} else {
			decimals = 7;
			scaled = fraction * 1e7;
			shortest = Math.round(scaled) | 0;
			// Of two that are as near as each other, JSON takes the even one; rare enough to ask.
			if (shortest - scaled === 0.5) return putText(bytes, at, JSON.stringify(value));
		}
		bytes[end] = POINT;
		return putDigits(bytes, end + 1, shortest, decimals);
	}
}

function prefixOf(directory: string): Piece {
	return piece(`{"path":"${JSON.stringify(directory).slice(1, -1)}/`);
}

// Each puts something at `at` and returns where it ends. These are short: a loop is quicker than a call of `set`.

function put(view: DataView, at: number, { words, length }: Piece): number {
	for (let i = 0; i < words.length; i++) view.setInt32(at + i * 4, words[i]!, IS_LITTLE_ENDIAN);
	return at + length;
}

function putName(bytes: Buffer, at: number, name: ListedName): number {
	const end = typeof name === "string" ? -1 : name.copyTo(bytes, at, VERBATIM);
	return end < 0 ? putText(bytes, at, String(name)) : end;
}

function putText(bytes: Buffer, at: number, text: string): number {
	const { length } = text;
	for (let i = 0; i < length; i++) {
		const code = text.charCodeAt(i);
		if (code > 0x7f || VERBATIM[code] === 0) {
			return at + bytes.write(JSON.stringify(text).slice(1, -1), at);
		}
		bytes[at + i] = code;
	}
	return at + length;
}

function putNumber(bytes: Buffer, at: number, value: number): number {
	if (!(value >= 0 && value < MAX_SMALL) || !Number.isInteger(value)) return putText(bytes, at, JSON.stringify(value));
	let digits = 1;
	for (let power = 10; power <= value; power *= 10) digits++;
	return putDigits(bytes, at, value | 0, digits);
}

/** The last `digits` decimal digits, in pairs: each division waits for the one before. */
function putDigits(bytes: Buffer, at: number, value: number, digits: number): number {
	let to = at + digits - 1;
	let rest = value;
	for (; to > at; to -= 2) {
		const next = (rest / 100) | 0;
		const pair = rest - next * 100;
		const tens = (pair / 10) | 0;
		bytes[to - 1] = ZERO + tens;
		bytes[to] = ZERO + pair - tens * 10;
		rest = next;
	}
	if (to === at) bytes[to] = ZERO + (rest % 10);
	return at + digits;
}
