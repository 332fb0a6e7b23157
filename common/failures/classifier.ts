/** The console and the events of one trial, as they come -> how it failed. */
import { arrange, type Told } from "./causes.ts";
import { type ConsoleLine, ConsoleLines } from "./console-lines.ts";
import { failureOfEvent } from "./events.ts";
import type { Failure, FailureEvent, FailureName } from "./failures.ts";
import { type Fields, type HeaderPattern, matchHeader } from "./header-pattern.ts";
import type { HeaderRule } from "./header-rule.ts";
import { HEADERS } from "./headers.ts";
import { clipLine, type HungTask, Report } from "./report.ts";
import { normalise, splitTask, taskName } from "./titles.ts";

/** Lines shown before a header. */
const CONTEXT_LINES = 5;
/** What a trial may tell; more is counted with what is there. */
const MAX_FAILURES = 64;
const MAX_OPEN = 8;
const MAX_HUNG = 64;

export interface LastingFailure extends Failure {
	/** When it, or what came of it, was told last. */
	readonly lastMs: number | null;
}

export interface ClassifierOptions {
	/** The guest was running when its console began, as a clone is: a kernel that boots is then one that boots again. */
	readonly isRunning?: boolean;
}

interface Finding extends Told {
	readonly order: number;
	readonly atMs: number | null;
	/** When it was told last. */
	readonly lastMs?: number | null;
	readonly count: number;
	readonly excerpt: readonly string[];
	/** It waits for what another holds. */
	readonly waits?: boolean;
}

/** Header patterns by the character that they begin with; "" are those that begin with a field. */
const BY_FIRST: ReadonlyMap<
	string,
	readonly { readonly rule: HeaderRule; readonly pattern: HeaderPattern; readonly at: number }[]
> = Map.groupBy(
	HEADERS.flatMap((rule, at) => rule.patterns.map((pattern) => ({ rule, pattern, at }))),
	({ pattern }) => pattern.begin.slice(0, 1),
);

export class FailureClassifier {
	readonly #console = new ConsoleLines();
	readonly #isRunning: boolean;
	readonly #findings = new Map<string, Finding>();
	readonly #hung: HungTask[] = [];
	readonly #context: string[] = [];
	#open: Report[] = [];
	#order = 0;
	/** A kernel was seen that had booted. */
	#hasBooted = false;
	#last = "";

	constructor({ isRunning = false }: ClassifierOptions = {}) {
		this.#isRunning = isRunning;
	}

	/** A piece of the console, cut anywhere. `atMs`: when it came, by the caller's clock. */
	write(text: string, atMs: number | null = null): void {
		for (const line of this.#console.write(text)) this.#line(line, atMs);
	}

	event(event: FailureEvent, atMs: number | null = null): void {
		const told = failureOfEvent(event);
		if (told === undefined) return;
		const said = JSON.stringify(event);
		this.#found({ ...told, order: this.#order++, atMs, count: 1, excerpt: [clipLine(said)] });
	}

	/** There comes no more. */
	end(): void {
		for (const line of this.#console.end()) this.#line(line, null);
		for (const report of this.#open) this.#close(report);
		this.#open = [];
	}

	/**
	 * The failures so far, each with what came of it; first what came first. Empty where there was none, unless the trial is
	 * known to have failed (`hasFailed`): then one that is `unclassified`.
	 */
	failures({ hasFailed = false }: { readonly hasFailed?: boolean } = {}): LastingFailure[] {
		const findings = new Map(this.#findings);
		const hung = [...this.#hung];
		for (const report of this.#open) {
			add(findings, findingOf(report));
			if (report.hungTask !== undefined) hung.push(report.hungTask);
		}
		const told = [...findings.values()].sort((one, other) => one.order - other.order);
		const deadlock = deadlockOf(hung);
		if (deadlock !== undefined) {
			const at = told.findIndex(({ type }) => type === "hung-task");
			const { order = 0, atMs = null, excerpt = [] } = told[at] ?? {};
			told.splice(Math.max(0, at), 0, { ...deadlock, order, atMs, count: 1, excerpt });
		}
		// Who waits for another is not the one to look at first.
		const waiting = told.findIndex(({ waits }) => waits === true);
		const other = told.findIndex(({ type, waits }) => type === "hung-task" && waits !== true);
		if (waiting >= 0 && other > waiting) told.splice(waiting, 0, ...told.splice(other, 1));
		if (told.length === 0 && hasFailed) {
			const title = this.#last === "" ? "failed without a word" : `failed, and last said: ${this.#last}`;
			const excerpt = [...this.#context];
			told.push({
				type: "unclassified",
				title: normalise(title),
				alternatives: [],
				order: 0,
				atMs: null,
				count: 1,
				excerpt,
			});
		}
		return arrange(told).map(({ first, consequences }) => ({
			...nameOf(first),
			atMs: first.atMs,
			count: first.count,
			excerpt: first.excerpt,
			consequences: consequences.map(nameOf),
			lastMs: [first, ...consequences].reduce((last, { atMs, lastMs = atMs }) => laterOf(last, lastMs), first.atMs),
		}));
	}

	#line(line: ConsoleLine, atMs: number | null): void {
		const { text, caller, shown } = line;
		this.#last = text;
		this.#boot(line, atMs);
		const header = headerOf(line);
		if (header === undefined) {
			const over = this.#open.filter((report) => report.takesFrom(caller) && !report.add(text, shown));
			for (const report of over) this.#close(report);
			if (over.length > 0) this.#open = this.#open.filter((report) => !over.includes(report));
		} else this.#header(header.rule, header.fields, line, atMs);
		this.#context.push(clipLine(shown));
		if (this.#context.length > CONTEXT_LINES) this.#context.shift();
	}

	#header(rule: HeaderRule, fields: Fields, { caller, shown }: ConsoleLine, atMs: number | null): void {
		const whole = this.#open.find((report) => report.takesFrom(caller) && report.absorbs(rule.group));
		if (whole !== undefined) {
			whole.absorb(fields, shown);
			return;
		}
		const place = { order: this.#order++, atMs, caller };
		const report = new Report(rule, fields, place, [...this.#context, clipLine(shown)]);
		if (rule.alone) {
			this.#close(report);
			return;
		}
		const over = this.#open.filter((each) => each.takesFrom(caller));
		const stay = this.#open.filter((each) => !over.includes(each));
		if (stay.length >= MAX_OPEN) over.push(...stay.splice(0, 1));
		for (const each of over) this.#close(each);
		this.#open = [...stay, report];
	}

	/** A kernel's first line, where another had run before. */
	#boot({ text, stamped, seconds }: ConsoleLine, atMs: number | null): void {
		if (stamped && seconds !== null && seconds > 0) this.#hasBooted = true;
		if (!text.startsWith("Linux version ") || (seconds ?? 0) > 0) return;
		const isAgain = this.#isRunning || this.#hasBooted;
		this.#hasBooted = true;
		if (!isAgain) return;
		const excerpt = [...this.#context, clipLine(text)];
		this.#found({
			type: "reboot",
			title: "rebooted by the guest",
			alternatives: [],
			order: this.#order++,
			atMs,
			count: 1,
			excerpt,
		});
	}

	#close(report: Report): void {
		const { hungTask } = report;
		if (hungTask !== undefined && this.#hung.length < MAX_HUNG) this.#hung.push(hungTask);
		this.#found(findingOf(report));
	}

	#found(finding: Finding): void {
		add(this.#findings, finding);
	}
}

function add(findings: Map<string, Finding>, finding: Finding): void {
	const key = `${finding.type} ${finding.title}`;
	const known = findings.get(key);
	if (known === undefined && findings.size >= MAX_FAILURES) return;
	const first = known !== undefined && known.order < finding.order ? known : finding;
	const lastMs = laterOf(known?.lastMs ?? known?.atMs ?? null, finding.atMs);
	findings.set(key, { ...first, count: (known?.count ?? 0) + finding.count, lastMs });
}

function laterOf(one: number | null, other: number | null): number | null {
	return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

function findingOf(report: Report): Finding {
	const { name, order, atMs, excerpt, hungTask } = report;
	return { ...name, order, atMs, count: 1, excerpt, ...(hungTask?.isLocked === true ? { waits: true } : {}) };
}

function nameOf({ type, title, alternatives }: FailureName): FailureName {
	return { type, title, alternatives };
}

function headerOf({ text, stamped }: ConsoleLine): { readonly rule: HeaderRule; readonly fields: Fields } | undefined {
	let best: { readonly rule: HeaderRule; readonly fields: Fields; readonly at: number } | undefined;
	for (const first of [text.slice(0, 1), ""]) {
		for (const { rule, pattern, at } of BY_FIRST.get(first) ?? []) {
			if (best !== undefined && at >= best.at) break;
			if (rule.stamped && !stamped) continue;
			const fields = matchHeader(pattern, text);
			if (fields !== undefined && rule.accepts(fields)) best = { rule, fields, at };
		}
	}
	return best;
}

/** Two tasks or more that wait for one lock, or for each other, while none waits for a disk. */
function deadlockOf(hung: readonly HungTask[]): FailureName | undefined {
	if (hung.some(({ waitsForDisk }) => waitsForDisk)) return undefined;
	const waiting = hung.filter(({ isLocked, func }) => isLocked && func !== "");
	const byPlace = Map.groupBy(waiting, ({ func }) => func);
	for (const [func, tasks] of byPlace) {
		if (new Set(tasks.map(({ task }) => task)).size > 1)
			return { type: "deadlock", title: `deadlock in ${func}`, alternatives: [] };
	}
	const ownerOf = new Map(hung.map(({ task, owner }) => [task, owner]));
	for (const start of ownerOf.keys()) {
		const seen = [start];
		for (let at = ownerOf.get(start); at !== undefined && at !== ""; at = ownerOf.get(at)) {
			if (at === start) {
				const names = [...new Set(seen.map((task) => taskName(splitTask(task).comm)))].sort();
				return { type: "deadlock", title: normalise(`deadlock of ${names.join(" and ")}`), alternatives: [] };
			}
			if (seen.includes(at)) break;
			seen.push(at);
		}
	}
	return undefined;
}
