/** One option of QEMU's command line, `driver,key=value,...` or JSON, as keys and values that can be changed. */
import { UmbraError } from "../../common/errors.ts";

/** What QEMU's own keys are made of. One with a comma in it would be two keys to QEMU, of which we saw none. */
const KEY = /^[\w.-]+$/;

export class OptionSet {
	readonly #values: Map<string, unknown>;
	readonly isJson: boolean;
	/** Of the first value, which stands without a key: "driver". */
	readonly #implied: string | undefined;

	private constructor(values: Map<string, unknown>, isJson: boolean, implied: string | undefined) {
		this.#values = values;
		this.isJson = isJson;
		this.#implied = implied;
	}

	/** Of an option that QEMU takes in either form. @throws UmbraError `corrupt` for JSON that is none, and for keys that are none. */
	static parse(text: string, implied: string): OptionSet {
		if (text.trimStart().startsWith("{")) return new OptionSet(parseObject(text), true, implied);
		return OptionSet.parseList(text, implied);
	}

	/** Of an option that QEMU takes as a list alone: what looks like JSON is a strange list to it. @throws UmbraError `corrupt`. */
	static parseList(text: string, implied?: string): OptionSet {
		const values = new Map<string, unknown>();
		// A comma in a value is written twice.
		const parts = text.replaceAll(",,", "\0").split(",");
		for (const [at, part] of parts.map((each) => each.replaceAll("\0", ",")).entries()) {
			const equals = part.indexOf("=");
			if (part === "") continue;
			if (equals < 0 && at === 0 && implied !== undefined) {
				values.set(implied, part);
				continue;
			}
			const key = equals < 0 ? part : part.slice(0, equals);
			if (!KEY.test(key)) {
				throw new UmbraError("corrupt", `one of the machine's arguments has a key that is none of QEMU's: ${text}`);
			}
			values.set(key, equals < 0 ? "on" : part.slice(equals + 1));
		}
		return new OptionSet(values, false, implied);
	}

	keys(): string[] {
		return [...this.#values.keys()];
	}

	/** All plain values that are somewhere in the one of a key, as QEMU writes them. */
	texts(key: string): string[] {
		return textsIn(this.#values.get(key));
	}

	/** A plain value as QEMU writes it; undefined where there is none, or one that is not plain. */
	get(key: string): string | undefined {
		return plain(this.#values.get(key));
	}

	set(key: string, value: string): void {
		this.#values.set(key, value);
	}

	delete(...keys: readonly string[]): void {
		for (const key of keys) this.#values.delete(key);
	}

	toString(): string {
		if (this.isJson) return JSON.stringify(Object.fromEntries(this.#values));
		return [...this.#values]
			.sort(([one], [other]) => Number(other === this.#implied) - Number(one === this.#implied))
			.map(([key, value]) => {
				const text = escaped(String(value));
				return key === this.#implied && !text.includes("=") ? text : `${key}=${text}`;
			})
			.join(",");
	}
}

/** A value within a list of options. */
export function escaped(value: string): string {
	return value.replaceAll(",", ",,");
}

function plain(value: unknown): string | undefined {
	if (typeof value === "boolean") return value ? "on" : "off";
	return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
}

/** What is nested was bounded in depth by the JSON parser's own stack. */
function textsIn(value: unknown): string[] {
	if (typeof value === "object" && value !== null) return Object.values(value).flatMap(textsIn);
	const text = plain(value);
	return text === undefined ? [] : [text];
}

function parseObject(text: string): Map<string, unknown> {
	try {
		const value: unknown = JSON.parse(text);
		if (typeof value === "object" && value !== null && !Array.isArray(value)) return new Map(Object.entries(value));
	} catch {
		// Told below.
	}
	throw new UmbraError("corrupt", `one of the machine's arguments is neither a list of options nor JSON: ${text}`);
}
