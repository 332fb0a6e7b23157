/** Numbers and texts as LevelDB writes them into its files. */
import { UmbraError } from "../errors.ts";

export class Fields {
	readonly #bytes: Uint8Array;
	at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	get rest(): number {
		return this.#bytes.length - this.at;
	}

	/** @throws UmbraError `corrupt` where there is none, or one beyond 2^53. */
	number(): number {
		let [value, factor] = [0, 1];
		for (;;) {
			const byte = this.#bytes[this.at++];
			if (byte === undefined || factor > 2 ** 49) {
				throw new UmbraError("corrupt", "not a number of LevelDB", { context: { offset: this.at } });
			}
			value += (byte & 127) * factor;
			if (byte < 128) return value;
			factor *= 128;
		}
	}

	/** @throws UmbraError `corrupt` where there are not so many. */
	bytes(length: number): Uint8Array {
		if (length > this.rest) {
			throw new UmbraError("corrupt", `${length} bytes, of which ${this.rest} are there`, {
				context: { offset: this.at, found: this.rest, wanted: length },
			});
		}
		this.at += length;
		return this.#bytes.subarray(this.at - length, this.at);
	}

	/** Bytes behind their length. */
	text(): Uint8Array {
		return this.bytes(this.number());
	}
}
