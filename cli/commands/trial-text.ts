/** A trial, its story and a signature, for people. Pure. */
import { stringify } from "yaml";
import type { SignatureView } from "../../collector/api/views.ts";
import type {
	LeverLogRecord,
	ReproductionRecord,
	TrialRecord,
	TrialStory,
} from "../../collector/catalog/trial-records.ts";
import { writtenProbes, writtenProfile } from "../../common/trial/profile.ts";
import type { MachineEvent, ProbeResult } from "../../common/trial/report.ts";
import { formatBytes, formatDuration } from "../../common/units.ts";
import { printable } from "../printable.ts";
import { paint } from "../table.ts";
import { isoTime } from "./vms.ts";

const NS_PER_MS = 1_000_000n;
/** Lines of a console, and levers, that are shown; --json has all. */
const SHOWN_LINES = 30;

export function trialLines(trial: TrialRecord): string[] {
	const { id, vm, time, ended, outcome, failure, failedMs, firstStressMs, consequences, profile, control, levers } =
		trial;
	const lasted = formatDuration(Number((BigInt(ended) - BigInt(time)) / NS_PER_MS));
	return [
		`${paint("bold", printable(id))}  ${printable(vm)}  ${isoTime(time)}  ${outcome} after ${lasted}`,
		...field(
			"made from",
			`the state of ${isoTime(trial.point)}, on ${printable(trial.host)}, batch ${printable(trial.batch)}`,
		),
		...field(
			"clone",
			[
				told(trial.cloneMs, (ms) => `${ms} ms from template to running`),
				told(trial.memoryBytes, (bytes) => `${formatBytes(bytes)} of memory`),
			]
				.filter((each) => each !== "")
				.join(", "),
		),
		...field("control", control ? "yes: a clone without stress" : ""),
		...field("replays", trial.replays === null ? "" : printable(trial.replays)),
		...field("failure", failure === null ? "" : `${failure.type}: ${printable(failure.title)}`),
		...field("signature", trial.signature ?? ""),
		...field(
			"failed",
			failedMs === null
				? ""
				: `${formatDuration(failedMs)} after its beginning, ${formatDuration(failedMs - (firstStressMs ?? failedMs))} after the first stress`,
		),
		...consequences.flatMap(({ type, title }) => field("then", `${type}: ${printable(title)}`)),
		...(levers.length === 0 ? [] : ["levers:", ...leverLines(levers)]),
		...(profile === null ? [] : ["profile:", ...yamlLines(writtenProfile(profile))]),
		...(trial.probes.length === 0 ? [] : ["probes of its batch:", ...yamlLines(writtenProbes(trial.probes))]),
	];
}

export function signatureLines(signature: SignatureView): string[] {
	const { id, type, title, alternatives, count, controls, vms, provokedBy, minimal, mitigation } = signature;
	return [
		`${paint("bold", printable(title))}  ${type}`,
		...field("id", id),
		...alternatives.flatMap((each) => field("also", printable(each))),
		...field("seen", `${count} times, of these ${controls} in controls, which had no stress`),
		...field("reproduced", reproducedText(signature)),
		...field(
			"first, last",
			signature.firstSeen === null
				? "never here"
				: `${isoTime(signature.firstSeen)}, ${isoTime(signature.lastSeen ?? signature.firstSeen)}`,
		),
		...field("VMs", vms.map(printable).join(", ")),
		...signature.consequences.flatMap((each) => field("then", `${each.type}: ${printable(each.title)}`)),
		...signature.sites.flatMap((each) =>
			field(
				"elsewhere",
				`${each.trials === 0 ? "not replayed" : `${rateText(each)} replays`} at ${printable(each.site)}${each.mitigation === null ? "" : `, who say: ${printable(each.mitigation)}`}`,
			),
		),
		...field("do", printable(mitigation.text)),
		...field("said by", mitigation.by === null ? "" : printable(mitigation.by)),
		...(signature.excerpt.length === 0 ? [] : ["evidence:"]),
		...clipped(signature.excerpt.map((line) => `  ${printable(line)}`)),
		...(provokedBy === null || provokedBy.levers.length === 0
			? []
			: ["set when it came first:", ...leverLines(provokedBy.levers)]),
		...(minimal === null ? [] : ["smallest stress that provoked it:", ...yamlLines(writtenProfile(minimal.profile))]),
		...(signature.leadUp === null ? [] : ["before it came:", ...leadUpLines(signature.leadUp)]),
		...(signature.occurrences.length === 0 ? [] : ["trials:"]),
		...clipped(
			signature.occurrences.map(
				(each) =>
					`  ${isoTime(each.time)}  ${printable(each.vm)}  ${printable(each.trial)}${each.control ? "  control" : ""}`,
			),
		),
	];
}

/** Of replays; "-" where there were none. */
export function rateText({ failed, trials }: ReproductionRecord): string {
	return trials === 0 ? "-" : `${failed} of ${trials}`;
}

function reproducedText({ reproduction, occurrences: [newest] }: SignatureView): string {
	const { failed, trials } = reproduction;
	if (trials > 0) return `in ${rateText(reproduction)} replays (${Math.round((failed / trials) * 100)} %)`;
	return newest === undefined ? "" : `not replayed yet: umbra trial replay ${printable(newest.trial)} --times 10`;
}

/** What was seen of it, after `trialLines`. */
export function storyLines(story: TrialStory): string[] {
	const { failures, probes, series, events, console, notes, diskBytes, screens } = story;
	const beside = failures.slice(1);
	return [
		...beside.map(({ type, title, atMs }) => `beside it: ${printable(`${secondsOf(atMs)}${type}: ${title}`)}`),
		...(probes.length === 0 ? [] : ["probes:"]),
		...probes.map((probe) => `  ${printable(probeText(probe))}`),
		...(events.length === 0 ? [] : ["told by QEMU:"]),
		...events.map((event) => `  ${printable(eventText(event))}`),
		...(Object.keys(series.values).length === 0 ? [] : ["telemetry:", ...leadUpLines(series)]),
		...field("disks grew by", diskBytes === 0 ? "" : formatBytes(diskBytes)),
		...field("screens", screens.length === 0 ? "" : `${screens.length}, in the page that --html writes`),
		...notes.map((note) => `note: ${printable(note)}`),
		...(console === "" ? [] : ["the end of its console:", ...lastLines(console)]),
	];
}

export function eventText({ atMs, event, detail, count }: MachineEvent): string {
	return [`${secondsOf(atMs)}${event}`, detail, count > 1 ? `(${count} times)` : ""]
		.filter((each) => each !== "")
		.join(" ");
}

export function probeText({ name, asked, failed, failedMs, detail, problem, medianMs }: ProbeResult): string {
	if (problem !== "") return `${name}: could not be asked: ${problem}`;
	const took = medianMs === null ? "" : `, ${Math.round(medianMs)} ms in the median`;
	const last = detail === "" ? "" : `: ${detail}`;
	const gone = failedMs === null ? "" : `, failed for good after ${formatDuration(failedMs)}`;
	return `${name}: ${asked - failed} of ${asked} answers as wanted${took}${gone}${last}`;
}

function secondsOf(ms: number | null): string {
	return ms === null ? "" : `${(ms / 1000).toFixed(3)} s  `;
}

function lastLines(text: string): string[] {
	const lines = text.split(/\r?\n/).filter((line) => line !== "");
	return lines.slice(-SHOWN_LINES).map((line) => `  ${printable(line)}`);
}

export function outcomeText(outcome: string): string {
	if (outcome === "failed") return paint(["red", "bold"], outcome);
	return outcome === "degraded" ? paint("yellow", outcome) : outcome;
}

function field(name: string, value: string): string[] {
	return value === "" ? [] : [`  ${paint("dim", `${name}:`)} ${value}`];
}

function told<T>(value: T | null, text: (value: T) => string): string {
	return value === null ? "" : text(value);
}

function clipped(lines: readonly string[]): string[] {
	const more = lines.length - SHOWN_LINES;
	return more > 0 ? [...lines.slice(0, SHOWN_LINES), `  ... and ${more} more`] : [...lines];
}

function leverLines(levers: readonly LeverLogRecord[]): string[] {
	return clipped(
		levers.map(({ atMs, action, lever, values, problem }) => {
			const settings = Object.entries(values).map(([key, value]) => `${key}=${value}`);
			const failed = problem === "" ? "" : `  FAILED: ${problem}`;
			return printable(
				`  ${(atMs / 1000).toFixed(3).padStart(9)} s  ${action.padEnd(6)} ${[lever, ...settings].join(" ")}${failed}`,
			);
		}),
	);
}

function yamlLines(value: unknown): string[] {
	const text = stringify(value, { lineWidth: 0 }).trimEnd();
	return text.split("\n").map((line) => `  ${printable(line)}`);
}

function leadUpLines({ intervalMs, values }: NonNullable<SignatureView["leadUp"]>): string[] {
	return Object.entries(values).map(([name, all]) => {
		const known = all.filter((value) => value !== null);
		const [first, last] = [known[0], known.at(-1)].map((value) =>
			value === undefined ? "-" : Number(value.toPrecision(4)),
		);
		const most = known.reduce((max, value) => Math.max(max, value), Number.NEGATIVE_INFINITY);
		return printable(
			`  ${name}: ${first} to ${last}, at most ${Number.isFinite(most) ? Number(most.toPrecision(4)) : "-"}, over ${formatDuration(all.length * intervalMs)}`,
		);
	});
}
