/**
 * LVM's text format, in which a volume group is described: `name { ... }` sections of `key = value`, where a value is
 * a number, a string or a list of these. lvm.conf(5) has it in full; `libdm/libdm-config.c` of LVM2 is the reference.
 */
import { UmbraError } from "../../common/errors.ts";

export type Scalar = number | string;
export type Value = Scalar | readonly Scalar[] | Section;
/** Without a prototype's names: a volume may be called "constructor". */
export type Section = ReadonlyMap<string, Value>;

/** A volume group nests four deep: group, logical_volumes, volume, segment. */
const MAX_DEPTH = 16;

/**
 * @throws UmbraError `corrupt` for what is not in this format, `limit` where it nests too deep. Offsets count
 * characters of `text`.
 */
export function parseText(text: string): Section {
	const parser = new Parser(text);
	return parser.section(0);
}

class Parser {
	readonly #text: string;
	#at = 0;

	constructor(text: string) {
		this.#text = text;
	}

	/** Up to the closing brace, or to the end of the text for the outermost one. */
	section(depth: number): Section {
		if (depth > MAX_DEPTH) {
			throw new UmbraError("limit", `LVM2 metadata: sections nest deeper than ${MAX_DEPTH} at ${this.#at}`, {
				context: { structure: "LVM2 metadata", offset: this.#at, wanted: MAX_DEPTH },
			});
		}
		const entries = new Map<string, Value>();
		for (;;) {
			const next = this.#peek();
			if (next === undefined) {
				if (depth > 0) throw this.#wrong("the end", "}");
				return entries;
			}
			if (next === "}") {
				if (depth === 0) throw this.#wrong("}", "a name");
				this.#at++;
				return entries;
			}
			const key = next === '"' ? this.#string() : this.#word();
			const mark = this.#peek();
			if (mark === "{") {
				this.#at++;
				entries.set(key, this.section(depth + 1));
			} else if (mark === "=") {
				this.#at++;
				entries.set(key, this.#peek() === "[" ? this.#list() : this.#scalar());
			} else throw this.#wrong(mark ?? "the end", "= or {");
		}
	}

	#list(): Scalar[] {
		this.#at++;
		const values: Scalar[] = [];
		for (;;) {
			if (this.#peek() === "]") break;
			values.push(this.#scalar());
			const next = this.#peek();
			if (next === ",") this.#at++;
			else if (next !== "]") throw this.#wrong(next ?? "the end", ", or ]");
		}
		this.#at++;
		return values;
	}

	#scalar(): Scalar {
		const next = this.#peek();
		if (next === '"') return this.#string();
		const pattern = /[-+]?\d+(?:\.\d+)?/y;
		pattern.lastIndex = this.#at;
		const match = pattern.exec(this.#text);
		if (match === null) throw this.#wrong(next ?? "the end", "a number or a string");
		this.#at += match[0].length;
		return Number(match[0]);
	}

	#string(): string {
		const start = this.#at++;
		let value = "";
		for (;;) {
			const from = this.#at;
			let code = this.#text.charCodeAt(this.#at);
			// A line feed may stand in a string; only the quote ends it.
			while (code !== 0x22 && code !== 0x5c && !Number.isNaN(code)) code = this.#text.charCodeAt(++this.#at);
			value += this.#text.slice(from, this.#at);
			if (Number.isNaN(code)) {
				this.#at = start;
				throw this.#wrong("a string without an end", '"');
			}
			this.#at++;
			if (code === 0x22) return value;
			value += this.#text.charAt(this.#at++);
		}
	}

	#word(): string {
		const pattern = /[^\s={}[\]#",]+/y;
		pattern.lastIndex = this.#at;
		const match = pattern.exec(this.#text);
		if (match === null) throw this.#wrong(this.#text.charAt(this.#at), "a name");
		this.#at += match[0].length;
		return match[0];
	}

	/** The next character that is neither blank nor comment. The text may be padded with NULs. */
	#peek(): string | undefined {
		const pattern = /(?:[\s\0]+|#[^\n]*)*/y;
		pattern.lastIndex = this.#at;
		this.#at += pattern.exec(this.#text)?.[0].length ?? 0;
		return this.#at < this.#text.length ? this.#text.charAt(this.#at) : undefined;
	}

	#wrong(found: string, wanted: string): UmbraError {
		return new UmbraError("corrupt", `LVM2 metadata: found ${found} at ${this.#at}, wanted ${wanted}`, {
			context: { structure: "LVM2 metadata", offset: this.#at, found, wanted },
		});
	}
}
