/** How an import is told: for people as tables and lines, for programs as one object a line. */
import type { Findings } from "../../agent/import/images.ts";
import type { ImportEvent, Outcome } from "../../agent/import/import.ts";
import type { PlannedPoint } from "../../agent/import/plan.ts";
import type { KnownPoint, Shadow } from "../../agent/import/shadow.ts";
import type { UmbraError } from "../../common/errors.ts";
import { formatBytes, formatTime } from "../../common/units.ts";
import { warn } from "../commands/image.ts";
import type { Output } from "../commands/output.ts";
import { printable } from "../printable.ts";
import { Progress } from "../progress.ts";
import { paint, severityText, table } from "../table.ts";

const TIME_FROM: Readonly<Record<PlannedPoint["timeFrom"], string>> = {
	snapshot: "image",
	name: "name",
	modified: "file",
	given: "given",
};

export interface Planned {
	readonly vm: string;
	readonly shadow: Shadow;
	readonly points: readonly PlannedPoint[];
	readonly findings: Findings;
}

/** What would be imported, in which order, and what is there. */
export async function showPlan(
	{ vm, shadow, points, findings }: Planned,
	json: boolean,
	output: Output,
): Promise<void> {
	if (json) {
		for (const point of points) await output.line(JSON.stringify(pointView(vm, point, shadow.points.get(point.id))));
		await problemLines(vm, findings, output);
		return;
	}
	const lines = table(points, [
		{ title: "TIME", value: ({ timeNs }) => formatTime(timeNs) },
		{ title: "FROM", value: ({ timeFrom }) => TIME_FROM[timeFrom] },
		{ title: "WHAT", value: ({ kind, name }) => `${kind} ${printable(name)}` },
		{ title: "DISKS", value: ({ disks }) => disks.map(({ disk }) => printable(disk)).join(",") },
		{
			title: "SIZE",
			value: ({ disks }) => formatBytes(disks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
			right: true,
		},
		{ title: "STATE", value: ({ id }) => (shadow.points.has(id) ? "there already" : "new") },
	]);
	for (const line of lines) await output.line(line);
	const fresh = points.filter(({ id }) => !shadow.points.has(id));
	const bytes = fresh.flatMap(({ disks }) => disks).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
	await output.line(
		`${count(fresh.length, "point")} to import, at most ${formatBytes(bytes)} to read; ${points.length - fresh.length} there already`,
	);
	await output.line(historyText(vm, shadow));
	if (fresh.length > 0) await output.line(retentionText(vm, shadow));
}

/** Problems and what was left out, to standard error; a program has the problems in its lines. */
export function warnOf({ points, findings }: Planned, json: boolean): void {
	const all = new Set(points.flatMap(({ disks }) => disks.map(({ disk }) => disk)));
	for (const { name, timeNs, disks } of points) {
		const missing = [...all].filter((disk) => disks.every((state) => state.disk !== disk));
		if (missing.length > 0) warn(`${name} at ${formatTime(timeNs)} is without ${missing.join(", ")}`);
	}
	for (const { path, reason } of findings.leftOut) warn(`left out: ${path} (${reason})`);
	if (json) return;
	for (const { error } of findings.problems) tell(error);
}

/** Shows an import as it goes on. */
export class ImportView implements Disposable {
	readonly #vm: string;
	readonly #json: boolean;
	readonly #output: Output;
	#what = "";
	#disk = "";
	#progress: Progress | undefined;

	constructor(vm: string, json: boolean, output: Output) {
		this.#vm = vm;
		this.#json = json;
		this.#output = output;
	}

	event(event: ImportEvent): void {
		switch (event.kind) {
			case "begin":
				this.#clear();
				this.#what = `${event.recall ? "reading again" : "importing"} ${printable(event.point.name)}`;
				return;
			case "progress":
				this.#at(event.disk, event.done, event.total);
				return;
			case "warning":
				this.#clear();
				warn(event.message);
				return;
			case "end":
				this.#clear();
				if (!this.#json) this.#end(event.outcome);
		}
	}

	/** When all is over and judged. */
	async finish(outcomes: readonly Outcome[], { shadow, findings }: Planned): Promise<void> {
		const output = this.#output;
		if (this.#json) {
			for (const outcome of outcomes) await output.line(JSON.stringify(outcomeView(this.#vm, outcome)));
			await problemLines(this.#vm, findings, output);
			return;
		}
		for (const { point, known } of outcomes) {
			const { verdict } = known ?? {};
			if (known === undefined || verdict === undefined || verdict.severity === "info") continue;
			const why = verdict.triggers.length > 0 ? verdict.triggers.join(", ") : `score ${verdict.score.toFixed(2)}`;
			await output.line(
				`${paint("bold", formatTime(known.timeNs))}  ${severityText(verdict.severity)}  ${printable(point.name)}: ${printable(why)}`,
			);
		}
		const has = (state: Outcome["state"]) => outcomes.filter((outcome) => outcome.state === state).length;
		const [imported, there, failed] = [has("imported"), has("there"), has("failed")];
		await output.line(`${count(imported, "point")} imported, ${there} there already, ${failed} failed`);
		if (imported > 0) await output.line(retentionText(this.#vm, shadow));
	}

	[Symbol.dispose](): void {
		this.#clear();
	}

	#at(disk: string, done: number, total: number): void {
		if (this.#disk !== disk || this.#progress === undefined) {
			this.#clear();
			this.#disk = disk;
			this.#progress = new Progress(`${this.#what} ${printable(disk)}`, total);
		}
		this.#progress.at(done);
	}

	#clear(): void {
		this.#progress?.[Symbol.dispose]();
		this.#progress = undefined;
	}

	#end({ point, state, known, result, base, error }: Outcome): void {
		const time = formatTime(known?.timeNs ?? point.timeNs);
		const name = `${point.kind} ${printable(point.name)}`;
		if (state === "failed") {
			process.stderr.write(`${time}  ${name}: failed\n`);
			if (error !== undefined) tell(error);
			return;
		}
		const disks = result?.disks ?? [];
		const sum = (key: "readBytes" | "changedBytes") => formatBytes(disks.reduce((all, disk) => all + disk[key], 0));
		const found = base === undefined ? "as a whole" : `${count(result?.files ?? 0, "file")} changed`;
		const told = state === "there" ? "there already" : `${sum("readBytes")} read, ${sum("changedBytes")} new, ${found}`;
		void this.#output.line(`${time}  ${name}: ${told}`);
		void this.#output.flush();
	}
}

function historyText(vm: string, { known, points }: Shadow): string {
	const times = [...points.values()].map(({ timeNs }) => timeNs);
	const [oldest, newest] = [times[0], times.at(-1)];
	if (!known || oldest === undefined || newest === undefined) {
		return `The collector knows nothing of ${printable(vm)} yet: its shadow begins with these.`;
	}
	const range = oldest === newest ? formatTime(oldest) : `${formatTime(oldest)} to ${formatTime(newest)}`;
	return `${printable(vm)} has ${count(times.length, "point")} already, ${range}.`;
}

function retentionText(vm: string, { keepsImported }: Shadow): string {
	return keepsImported
		? "What is imported stays until it is dropped by hand (umbra forget)."
		: `By the collector's policy imported points count as any other, by their own times: umbra retention ${printable(vm)} tells which would go.`;
}

function pointView(vm: string, point: PlannedPoint, known: KnownPoint | undefined) {
	const { id, timeNs, timeFrom, kind, name, disks } = point;
	return {
		vm,
		id,
		time: (known?.timeNs ?? timeNs).toString(),
		timeFrom,
		kind,
		name,
		state: known === undefined ? "new" : "there",
		disks: disks.map(({ disk, path, format, snapshot, sizeBytes }) => {
			const inside = snapshot === undefined ? {} : { snapshot: { id: snapshot.id, name: snapshot.name } };
			return { disk, path, format, ...inside, sizeBytes };
		}),
	};
}

function outcomeView(vm: string, { point, state, known, result, base, error }: Outcome) {
	const { verdict } = known ?? {};
	return {
		...pointView(vm, point, known),
		state,
		...(base === undefined ? {} : { baseId: base.id }),
		...(result === undefined ? {} : { read: result.disks, files: result.files }),
		...(verdict === undefined ? {} : { severity: verdict.severity, score: verdict.score, triggers: verdict.triggers }),
		...(error === undefined ? {} : errorView(error)),
	};
}

async function problemLines(vm: string, { problems }: Findings, output: Output): Promise<void> {
	for (const { source, error } of problems) await output.line(JSON.stringify({ vm, source, ...errorView(error) }));
}

function errorView({ code, message, hint }: UmbraError) {
	return { error: { code, message, ...(hint === undefined ? {} : { hint }) } };
}

function tell({ message, hint }: UmbraError): void {
	warn(message);
	if (hint !== undefined) process.stderr.write(`hint: ${printable(hint)}\n`);
}

function count(number: number, noun: string): string {
	return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
