/**
 * Patterns of headers: literal text with fields, such as `INFO: task {task} blocked for more than {n:number} seconds`. A field takes
 * what stands up to the text behind it where that comes first (`{task:last}`: where it comes last), and its kind says what that may be. Each
 * piece of text is looked for once, so that a line is read in linear time, whatever it is.
 */

export type Fields = Readonly<Record<string, string>>;

const KINDS: Readonly<Record<string, (text: string) => boolean>> = {
	any: () => true,
	last: () => true,
	number: (text) => /^\d+$/.test(text),
	/** Begins with a digit. */
	digits: (text) => /^\d/.test(text),
	hex: (text) => /^(?:0x)?[0-9a-f]+$/i.test(text),
	word: (text) => !/\s/.test(text),
	/** A function: alone, or with its offset. */
	function: (text) => /^[A-Za-z_][\w.$]*(?:\+0x|$)/.test(text),
};

interface Piece {
	readonly field: string;
	readonly kind: string;
	/** What ends it; empty at the end of the line. */
	readonly until: string;
}

export interface HeaderPattern {
	/** What a line begins with; may be empty. */
	readonly begin: string;
	readonly pieces: readonly Piece[];
}

export function headerPattern(source: string): HeaderPattern {
	const [begin = "", ...rest] = source.split("{");
	const pieces = rest.map((part): Piece => {
		const close = part.indexOf("}");
		const [field = "", kind = "any"] = part.slice(0, close).split(":");
		return { field, kind, until: part.slice(close + 1) };
	});
	return { begin, pieces };
}

/** The fields; undefined where the line is another. What the pattern ends before, the line may go on with. */
export function matchHeader({ begin, pieces }: HeaderPattern, line: string): Fields | undefined {
	if (!line.startsWith(begin)) return undefined;
	const fields: Record<string, string> = {};
	let at = begin.length;
	for (const { field, kind, until } of pieces) {
		const end = until === "" ? line.length : kind === "last" ? line.lastIndexOf(until) : line.indexOf(until, at);
		if (end <= at) return undefined;
		const found = line.slice(at, end).trim();
		if (found === "" || KINDS[kind]?.(found) !== true) return undefined;
		fields[field] = found;
		at = end + until.length;
	}
	return fields;
}
