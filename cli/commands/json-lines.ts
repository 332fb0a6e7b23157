/** `umbra ls --json`: bytes are put together, not strings, which takes a fifth of the time. */
import type { ListedNode } from "../../disk/listing.ts";
import type { Output } from "./output.ts";

/** One write to the reader. */
const CHUNK = 256 * 1024;
/** Longest line without its path: seven numbers of at most 24 characters and their names. */
const FIXED = 512;
/** Most that a character takes, as "\u0000" or in UTF-8. */
const WIDEST = 6;
/** Of a number that is written digit by digit. */
const MAX_SMALL = 2 ** 31;

const ZERO = 0x30;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const PATH = Buffer.from('{"path":"');
const SIZE = Buffer.from(',"size":');
const EXTENTS = Buffer.from(',"extents":');
/** No node's. */
const NOBODY = { mtime: Number.NaN, mode: 0, uid: 0, gid: 0, nlink: 0 };
const END = Buffer.from("}\n");

export class JsonLines {
	readonly #output: Output;
	#bytes = Buffer.allocUnsafeSlow(CHUNK);
	#at = 0;
	/** What begins and ends the last line: its neighbours mostly have the same. */
	#directory = "";
	#prefix = Buffer.concat([PATH, Buffer.from("/")]);
	#last: Pick<ListedNode, "mtime" | "mode" | "uid" | "gid" | "nlink"> = NOBODY;
	#suffix = SIZE;
	readonly #types = new Map<string, Buffer>();

	constructor(output: Output) {
		this.#output = output;
	}

	/**
	 * What `JSON.stringify` makes of these fields. Await the result where there is one: the reader is slower than we are.
	 *
	 * @param directory the path before the last "/"; empty for what lies in the root.
	 * @param extents as JSON; left out where undefined.
	 */
	line(directory: string, name: string, node: ListedNode, extents?: string): Promise<void> | undefined {
		const room = FIXED + (directory.length + name.length) * WIDEST + (extents?.length ?? 0) * 3;
		if (this.#at + room > this.#bytes.length) {
			const flushed = this.flush();
			if (room > this.#bytes.length) this.#bytes = Buffer.allocUnsafeSlow(room);
			this.#put(directory, name, node, extents);
			return flushed;
		}
		this.#put(directory, name, node, extents);
		return undefined;
	}

	/** Hands over what is there; the memory is the reader's from then on. */
	async flush(): Promise<void> {
		const chunk = this.#bytes.subarray(0, this.#at);
		this.#bytes = Buffer.allocUnsafeSlow(CHUNK);
		this.#at = 0;
		if (chunk.length > 0) await this.#output.bytes(chunk);
	}

	#put(directory: string, name: string, node: ListedNode, extents: string | undefined): void {
		if (directory !== this.#directory) {
			this.#directory = directory;
			this.#prefix = Buffer.concat([PATH, Buffer.from(`${JSON.stringify(directory).slice(1, -1)}/`)]);
		}
		this.#copy(this.#prefix);
		this.#text(name);
		this.#copy(this.#typeOf(node));
		this.#number(node.inode);
		this.#copy(SIZE);
		this.#number(node.size);
		this.#copy(this.#suffixOf(node));
		if (extents !== undefined) {
			this.#copy(EXTENTS);
			this.#at += this.#bytes.write(extents, this.#at);
		}
		this.#copy(END);
	}

	#typeOf({ type }: ListedNode): Buffer {
		let known = this.#types.get(type);
		if (known === undefined) {
			known = Buffer.from(`","type":"${type}","inode":`);
			this.#types.set(type, known);
		}
		return known;
	}

	#suffixOf({ mtime, mode, uid, gid, nlink }: ListedNode): Buffer {
		const last = this.#last;
		const isSame =
			last.mtime === mtime && last.mode === mode && last.uid === uid && last.gid === gid && last.nlink === nlink;
		if (!isSame) {
			this.#last = { mtime, mode, uid, gid, nlink };
			this.#suffix = Buffer.from(`,${JSON.stringify(this.#last).slice(1, -1)}`);
		}
		return this.#suffix;
	}

	#copy(from: Uint8Array): void {
		const bytes = this.#bytes;
		let at = this.#at;
		for (let i = 0; i < from.length; i++) bytes[at++] = from[i]!;
		this.#at = at;
	}

	#text(text: string): void {
		const bytes = this.#bytes;
		let at = this.#at;
		for (let i = 0; i < text.length; i++) {
			const code = text.charCodeAt(i);
			if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) {
				this.#at += bytes.write(JSON.stringify(text).slice(1, -1), this.#at);
				return;
			}
			bytes[at++] = code;
		}
		this.#at = at;
	}

	#number(value: number): void {
		if (!(value >= 0 && value < MAX_SMALL) || !Number.isInteger(value)) {
			this.#text(JSON.stringify(value));
			return;
		}
		const bytes = this.#bytes;
		let digits = 1;
		for (let power = 10; power <= value; power *= 10) digits++;
		this.#at += digits;
		for (let at = this.#at - 1, rest = value; digits > 0; digits--, at--) {
			const next = (rest / 10) | 0;
			bytes[at] = ZERO + rest - next * 10;
			rest = next;
		}
	}
}
