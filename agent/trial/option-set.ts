/** One option of QEMU's command line, `driver,key=value,...` or JSON, as keys and values that can be changed. */
import { UmbraError } from "../../common/errors.ts";

export class OptionSet {
	readonly #values: Map<string, unknown>;
	readonly isJson: boolean;
	/** Of the first value, which stands without a key: "driver". */
	readonly #implied: string;

	private constructor(values: Map<string, unknown>, isJson: boolean, implied: string) {
		this.#values = values;
		this.isJson = isJson;
		this.#implied = implied;
	}

	/** @throws UmbraError `corrupt` for JSON that is none. */
	static parse(text: string, implied: string): OptionSet {
		if (text.trimStart().startsWith("{")) return new OptionSet(parseObject(text), true, implied);
		const values = new Map<string, unknown>();
		// A comma in a value is written twice.
		const parts = text.replaceAll(",,", "\0").split(",");
		for (const [at, part] of parts.map((each) => each.replaceAll("\0", ",")).entries()) {
			const equals = part.indexOf("=");
			if (equals >= 0) values.set(part.slice(0, equals), part.slice(equals + 1));
			else if (part === "") continue;
			else if (at === 0) values.set(implied, part);
			else values.set(part, "on");
		}
		return new OptionSet(values, false, implied);
	}

	keys(): string[] {
		return [...this.#values.keys()];
	}

	/** A plain value as QEMU writes it; undefined where there is none, or one that is not plain. */
	get(key: string): string | undefined {
		const value = this.#values.get(key);
		if (typeof value === "boolean") return value ? "on" : "off";
		return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
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
				const text = String(value).replaceAll(",", ",,");
				return key === this.#implied && !text.includes("=") ? text : `${key}=${text}`;
			})
			.join(",");
	}
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
