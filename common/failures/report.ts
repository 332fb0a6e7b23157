/** One report of a kernel while it comes: its header, where it happened, and the lines to show. */
import type { FailureName } from "./failures.ts";
import type { Fields } from "./header-pattern.ts";
import type { HeaderRule } from "./header-rule.ts";
import { Stack } from "./stack.ts";
import { clip, diskName, functionName, normalise, splitTask, taskName } from "./titles.ts";

const EXCERPT_LINES = 48;
const EXCERPT_CHARACTERS = 300;
/** A report that has said nothing of itself by then is over. */
const REPORT_LINES = 200;
/** Of one about memory, which lists every task before it says which is killed. */
const OOM_LINES = 10_000;

/** A hung task, as far as it tells who waits for whom. */
export interface HungTask {
	readonly task: string;
	/** Who holds what it waits for, where the kernel says so; else empty. */
	readonly owner: string;
	/** Where it asked for what it waits for. */
	readonly func: string;
	readonly isLocked: boolean;
	readonly waitsForDisk: boolean;
}

export class Report {
	readonly order: number;
	readonly atMs: number | null;
	readonly caller: string;
	readonly #rule: HeaderRule;
	#fields: Fields;
	readonly #stack = new Stack();
	readonly #lines: string[];
	#seen = 0;

	constructor(
		rule: HeaderRule,
		fields: Fields,
		place: { order: number; atMs: number | null; caller: string },
		context: readonly string[],
	) {
		this.#rule = rule;
		this.#fields = fields;
		this.order = place.order;
		this.atMs = place.atMs;
		this.caller = place.caller;
		this.#lines = [...context];
	}

	/** Two lines of a kernel that says who prints are of one report only where one did. */
	takesFrom(caller: string): boolean {
		return this.caller === caller || this.caller === "" || caller === "";
	}

	absorbs(group: string): boolean {
		return this.#rule.absorbs.includes(group);
	}

	/** @returns false once it is over. */
	add(text: string, shown: string): boolean {
		this.#stack.add(text);
		if (this.#lines.length < EXCERPT_LINES) this.#lines.push(clipLine(shown));
		return ++this.#seen < (this.#rule.type === "oom-kill" ? OOM_LINES : REPORT_LINES) && !text.startsWith("---[ end ");
	}

	/** A header that is a part of this. */
	absorb(fields: Fields, shown: string): void {
		this.#fields = { ...fields, ...this.#fields };
		this.#lines.push(clipLine(shown));
		if (this.#lines.length > EXCERPT_LINES) this.#lines.splice(-2, 1);
	}

	get excerpt(): readonly string[] {
		return this.#lines;
	}

	get hungTask(): HungTask | undefined {
		const { task, owner = "" } = this.#fields;
		if (this.#rule.type !== "hung-task" || task === undefined) return undefined;
		const { frame, isLocked, waitsForDisk } = this.#stack;
		return { task, owner, func: frame, isLocked, waitsForDisk };
	}

	/** As far as it is known by now. */
	get name(): FailureName {
		const { type, title, without, alternatives } = this.#rule;
		const { here, frame } = this.#stack;
		const told = functionName(this.#fields["func"] ?? "");
		const found = this.#rule.where === "here" ? here || frame : frame || here;
		const values = valuesOf(this.#fields, told || found);
		const known =
			fill(title, values) ?? fill(without, values) ?? clip(without.replaceAll(/ *(?:of |in |on |: )?\{\w+\}/g, ""));
		const others = alternatives
			.map((each) => fill(each, values))
			.filter((each) => each !== undefined && each !== known);
		return { type, title: known, alternatives: others as string[] };
	}
}

export function clipLine(line: string): string {
	return line.length <= EXCERPT_CHARACTERS ? line : `${line.slice(0, EXCERPT_CHARACTERS)}...`;
}

function valuesOf(fields: Fields, func: string): Fields {
	const { task, victim, comm, disk, nic, file, cache = "", ...rest } = fields;
	const name = victim ?? (task === undefined ? comm : splitTask(task).comm);
	const normal = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, normalise(value)]));
	return {
		...normal,
		FUNC: func,
		cache: clip(cache),
		nic: clip((nic ?? "").replace(/:$/, "")),
		func: functionName(fields["func"] ?? ""),
		comm: name === undefined ? "" : taskName(name),
		disk: disk === undefined ? "" : diskName(disk.replace(/[:,.]$/, "")),
		file: file === undefined ? "" : clip(file.replace(/:\d+!?$/, "")),
	};
}

/** Undefined where a value is missing. */
function fill(title: string, values: Fields): string | undefined {
	let isWhole = true;
	const text = title.replaceAll(/\{(\w+)\}/g, (_, field: string) => {
		const value = values[field] ?? "";
		if (value === "") isWhole = false;
		return value;
	});
	return isWhole ? clip(text) : undefined;
}
