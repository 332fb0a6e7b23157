/**
 * A trial's story as a page: what was done, what was seen and how it ended, on one axis of time. It needs nothing else, runs
 * no script, and shows what a guest said as text whatever it is.
 */
import { stringify } from "yaml";
import type { LeverLogRecord, TrialRecord, TrialStory } from "../../collector/catalog/trial-records.ts";
import { writtenProbes, writtenProfile } from "../../common/trial/profile.ts";
import { formatBytes, formatDuration } from "../../common/units.ts";
import { printable } from "../printable.ts";
import { eventText, probeText } from "./trial-text.ts";
import { isoTime } from "./vms.ts";

const NS_PER_MS = 1_000_000n;
const WIDTH = 860;
const LEFT = 190;
const CHART = 46;
const LANE = 18;

const STYLE = `
:root { color-scheme: light dark; --line: #2563eb; --bad: #dc2626; --lever: #f59e0b; --dim: #6b7280; --grid: #8884; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1080px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; } dt { color: var(--dim); } dd { margin: 0; }
pre { background: #8881; padding: .8rem; overflow: auto; font-size: 12px; max-height: 30rem; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .1rem .8rem .1rem 0; vertical-align: top; }
svg { width: 100%; height: auto; } svg text { font: 11px system-ui, sans-serif; fill: currentColor; }
.failed { color: var(--bad); font-weight: 600; } .dim, svg text.dim { color: var(--dim); fill: var(--dim); }
img { max-width: 100%; border: 1px solid var(--grid); }
`;

/** @param story undefined where nothing is kept of it */
export function trialPage(trial: TrialRecord, story: TrialStory | undefined): string {
	const { id, vm, outcome, failure } = trial;
	const how = failure === null ? outcome : `${outcome}: ${failure.type}: ${failure.title}`;
	const parts = [
		`<h1>Trial ${text(id)} of ${text(vm)}: <span class="${outcome === "failed" ? "failed" : ""}">${text(how)}</span></h1>`,
		facts(trial, story),
		`<h2>What happened when</h2>${timeline(trial, story)}`,
		...levers(trial.levers),
		...(story === undefined ? [] : seen(story)),
		...(trial.profile === null ? [] : yaml("Profile", writtenProfile(trial.profile))),
		...(trial.probes.length === 0 ? [] : yaml("Probes of its batch", writtenProbes(trial.probes))),
	];
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width">
<title>${text(`Trial ${id} of ${vm}: ${how}`)}</title>
<style>${STYLE}</style>
</head>
<body>
${parts.join("\n")}
</body>
</html>
`;
}

function facts(trial: TrialRecord, story: TrialStory | undefined): string {
	const { time, point, host, batch, control, profile, replays, signature, failedMs, firstStressMs } = trial;
	const rows: (readonly [string, string])[] = [
		["began", isoTime(time)],
		["lasted", formatDuration(lengthOf(trial))],
		["made from", `the state of ${isoTime(point)}, on ${host}, batch ${batch}`],
		["stress", control ? "none: a control" : `${profile?.name ?? ""}, seed ${profile?.seed ?? ""}`],
		["replays", replays ?? ""],
		["signature", signature ?? ""],
		["failed", failedMs === null ? "" : `${formatDuration(failedMs)} after its beginning`],
		[
			"after the first stress",
			failedMs === null || firstStressMs === null ? "" : formatDuration(failedMs - firstStressMs),
		],
		["then", trial.consequences.map(({ type, title }) => `${type}: ${title}`).join("; ")],
		["memory of its own", trial.memoryBytes === null ? "" : formatBytes(trial.memoryBytes)],
		["disks grew by", story === undefined ? "" : formatBytes(story.diskBytes)],
	];
	const shown = rows.filter(([, value]) => value !== "");
	return `<dl>${shown.map(([name, value]) => `<dt>${name}</dt><dd>${text(value)}</dd>`).join("")}</dl>`;
}

function lengthOf({ time, ended }: TrialRecord): number {
	return Number((BigInt(ended) - BigInt(time)) / NS_PER_MS);
}

/** Levers as bars, telemetry as lines, failures as rules through both. */
function timeline(trial: TrialRecord, story: TrialStory | undefined): string {
	const { intervalMs = 1000, values = {} } = story?.series ?? {};
	const points = Math.max(0, ...Object.values(values).map(({ length }) => length));
	const endMs = Math.max(1000, lengthOf(trial), points * intervalMs);
	const x = (ms: number) => LEFT + (Math.min(ms, endMs) / endMs) * (WIDTH - LEFT);
	const body: string[] = [];
	let y = 20;
	for (const { label, from, to, problem } of bars(trial.levers, endMs)) {
		const width = Math.max(2, x(to) - x(from));
		const fill = problem ? "var(--bad)" : "var(--lever)";
		body.push(
			`<text x="0" y="${y + 12}">${text(clipped(label, 32))}</text>`,
			`<rect x="${x(from).toFixed(1)}" y="${y + 2}" width="${width.toFixed(1)}" height="${LANE - 6}" rx="2" fill="${fill}" opacity=".8"><title>${text(`${label}, ${(from / 1000).toFixed(3)} to ${(to / 1000).toFixed(3)} s`)}</title></rect>`,
		);
		y += LANE;
	}
	for (const [name, all] of Object.entries(values)) {
		const known = all.filter((value) => value !== null);
		if (known.length === 0) continue;
		const most = known.reduce((max, value) => Math.max(max, value));
		const least = known.reduce((min, value) => Math.min(min, value), 0);
		const height = (value: number) => y + CHART - 6 - ((value - least) / (most - least || 1)) * (CHART - 14);
		body.push(
			`<text x="0" y="${y + 16}">${text(clipped(name, 32))}</text>`,
			`<text x="0" y="${y + 30}" class="dim">at most ${text(String(Number(most.toPrecision(4))))}</text>`,
			`<line x1="${LEFT}" x2="${WIDTH}" y1="${y + CHART - 6}" y2="${y + CHART - 6}" stroke="var(--grid)"/>`,
			...lines(all).map(
				(run) =>
					`<polyline fill="none" stroke="var(--line)" stroke-width="1.3" points="${run
						.map(([at, value]) => `${x(at * intervalMs).toFixed(1)},${height(value).toFixed(1)}`)
						.join(" ")}"/>`,
			),
		);
		y += CHART;
	}
	for (const { atMs, type, title } of story?.failures ?? failureOf(trial)) {
		if (atMs === null) continue;
		body.push(
			`<line x1="${x(atMs).toFixed(1)}" x2="${x(atMs).toFixed(1)}" y1="14" y2="${y}" stroke="var(--bad)" stroke-dasharray="4 2"><title>${text(`${type}: ${title}`)}</title></line>`,
		);
	}
	for (let tick = 0; tick <= 6; tick++) {
		const ms = (endMs * tick) / 6;
		const anchor = tick === 6 ? "end" : "middle";
		body.push(`<text x="${x(ms).toFixed(1)}" y="10" text-anchor="${anchor}" class="dim">${formatDuration(ms)}</text>`);
	}
	return `<svg viewBox="0 0 ${WIDTH} ${y + 6}" role="img" aria-label="what happened when">${body.join("")}</svg>`;
}

function failureOf({ failure, failedMs }: TrialRecord) {
	return failure === null ? [] : [{ ...failure, atMs: failedMs }];
}

interface Bar {
	readonly label: string;
	readonly from: number;
	readonly to: number;
	readonly problem: boolean;
}

/** From what was set until what was taken back. */
function bars(log: readonly LeverLogRecord[], endMs: number): Bar[] {
	const open = new Map<string, Bar>();
	const done: Bar[] = [];
	for (const { atMs, lever, action, values, problem } of log) {
		const target = [values["disk"], values["nic"], values["process"], values["path"]].filter(
			(each) => each !== undefined,
		);
		const label = [lever, ...target].join(" ");
		// What is taken back is named by its lever alone where the log says no more.
		const known =
			open.get(label) ?? [...open.values()].find((bar) => action === "revert" && bar.label.startsWith(lever));
		if (action === "fire") done.push({ label, from: atMs, to: atMs, problem: problem !== "" });
		else if (action === "set" && known === undefined)
			open.set(label, { label, from: atMs, to: endMs, problem: problem !== "" });
		else if (action === "revert" && known !== undefined) {
			open.delete(known.label);
			done.push({ ...known, to: atMs, problem: known.problem || problem !== "" });
		}
	}
	return [...done, ...open.values()].sort((one, other) => one.from - other.from).slice(0, 40);
}

/** Runs of values that are there. */
function lines(values: readonly (number | null)[]): (readonly [number, number])[][] {
	const runs: (readonly [number, number])[][] = [[]];
	for (const [at, value] of values.entries()) {
		if (value === null) runs.push([]);
		else runs.at(-1)?.push([at, value]);
	}
	return runs.filter(({ length }) => length > 0);
}

function levers(log: readonly LeverLogRecord[]): string[] {
	if (log.length === 0) return [];
	const rows = log.map(({ atMs, action, lever, values, problem }) => {
		const settings = Object.entries(values).map(([key, value]) => `${key}=${value}`);
		const cells = [`${(atMs / 1000).toFixed(3)} s`, action, [lever, ...settings].join(" ")];
		return `<tr>${cells.map((cell) => `<td>${text(cell)}</td>`).join("")}<td class="failed">${text(problem)}</td></tr>`;
	});
	return [`<details><summary>${log.length} moves of levers</summary><table>${rows.join("")}</table></details>`];
}

function seen({ failures, probes, events, screens, console, notes }: TrialStory): string[] {
	return [
		...failures.map(
			({ type, title, atMs, count, excerpt }) =>
				`<h2>${text(`${type}: ${title}`)}</h2><p class="dim">${atMs === null ? "" : `${(atMs / 1000).toFixed(3)} s, `}told ${count} times</p>` +
				(excerpt.length === 0 ? "" : `<pre>${excerpt.map((line) => text(line)).join("\n")}</pre>`),
		),
		...(probes.length === 0
			? []
			: [`<h2>Probes</h2><ul>${probes.map((each) => `<li>${text(probeText(each))}</li>`).join("")}</ul>`]),
		...(events.length === 0
			? []
			: [`<h2>Told by QEMU</h2><ul>${events.map((each) => `<li>${text(eventText(each))}</li>`).join("")}</ul>`]),
		...screens
			.filter(({ png }) => /^[A-Za-z0-9+/=]*$/.test(png))
			.map(
				({ atMs, png }) =>
					`<h2>Screen after ${formatDuration(atMs)}</h2><img alt="screen" src="data:image/png;base64,${png}">`,
			),
		...(console === "" ? [] : [`<h2>The end of its console</h2><pre>${text(console, true)}</pre>`]),
		...(notes.length === 0 ? [] : [`<h2>Notes</h2><ul>${notes.map((note) => `<li>${text(note)}</li>`).join("")}</ul>`]),
	];
}

function yaml(title: string, value: unknown): string[] {
	return [`<h2>${title}</h2><pre>${text(stringify(value, { lineWidth: 0 }), true)}</pre>`];
}

function clipped(value: string, length: number): string {
	return value.length > length ? `${value.slice(0, length - 1)}…` : value;
}

const ENTITIES: Readonly<Record<string, string>> = {
	"&": "&amp;",
	"<": "&lt;",
	">": "&gt;",
	'"': "&quot;",
	"'": "&#39;",
};

/** @param isLong line feeds stay */
function text(value: string, isLong = false): string {
	const told = isLong ? value.split(/\r?\n/).map(printable).join("\n") : printable(value);
	return told.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
