/**
 * `disk/parser/` is what the parsers share: names, problems, ranges, checksums, and reading a volume by
 * blocks. It knows no format.
 */
import { type ErrorCode, type ErrorContext, UmbraError } from "../../common/errors.ts";

/** A disk with more faults than this is not described better by more of them. */
const MAX_PROBLEMS = 1000;

/** What was wrong but did not stop the reading: oldest first, bounded. */
export class Problems {
	readonly list: UmbraError[] = [];
	readonly #volume: string;
	readonly #seen = new Set<string>();
	#added = 0;

	/** @param volume the source's name, for people. */
	constructor(volume: string) {
		this.#volume = volume;
	}

	/** How often `add` was called: more than are in the list. */
	get added(): number {
		return this.#added;
	}

	add(code: ErrorCode, message: string, context: ErrorContext): void {
		this.#added++;
		if (this.list.length > MAX_PROBLEMS || this.#seen.has(message)) return;
		if (this.list.length === MAX_PROBLEMS) {
			this.list.push(
				new UmbraError("limit", `${this.#volume}: more than ${MAX_PROBLEMS} problems; the rest are not listed`),
			);
			return;
		}
		this.#seen.add(message);
		this.list.push(this.error(code, message, context));
	}

	/** The same as an error to throw. */
	error(code: ErrorCode, message: string, context: ErrorContext): UmbraError {
		return new UmbraError(code, `${this.#volume}: ${message}`, { context: { path: this.#volume, ...context } });
	}
}
