/** A line with which a kernel begins to tell of a failure, and what is made of what follows. */
import type { FailureType } from "./failures.ts";
import { type Fields, type HeaderPattern, headerPattern } from "./header-pattern.ts";

export interface HeaderRule {
	readonly type: FailureType;
	/** With fields in braces; {FUNC} is the function that the report is about. */
	readonly title: string;
	/** Where it is not known what the title names. */
	readonly without: string;
	readonly alternatives: readonly string[];
	/** What a report may take for a part of itself goes by this name. */
	readonly group: string;
	/** Groups whose headers are a part of this one's report. */
	readonly absorbs: readonly string[];
	/** Where the function is looked for first: where the processor was, or in the call trace. */
	readonly where: "here" | "frame";
	/** It is one line, and nothing of what follows belongs to it. */
	readonly alone: boolean;
	/** Only where the kernel's own timestamp stood before it: many write such lines. */
	readonly stamped: boolean;
	readonly accepts: (fields: Fields) => boolean;
	readonly patterns: readonly HeaderPattern[];
}

export type RuleOptions = Partial<Omit<HeaderRule, "type" | "title" | "patterns">>;

export function rule(
	type: FailureType,
	title: string,
	patterns: readonly string[],
	options: RuleOptions = {},
): HeaderRule {
	const defaults = {
		without: title.replace(/(?:: | in | of | on )?\{\w+\}.*$/, ""),
		alternatives: [],
		group: type,
		absorbs: [],
	};
	const usual = { where: "here", alone: false, stamped: false, accepts: () => true } as const;
	return { type, title, patterns: patterns.map(headerPattern), ...defaults, ...usual, ...options };
}
