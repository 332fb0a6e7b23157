/** What a trial adds to a signature. Pure. */
import { blake3Name, nameToHex } from "../../common/block.ts";
import type { Failure, FailureType } from "../../common/failures/failures.ts";
import type { StressProfile } from "../../common/trial/profile.ts";
import type { LeadUpRecord, LeverLogRecord, SignatureRecord, TrialRecord } from "../catalog/trial-records.ts";

const MAX_OCCURRENCES = 100;
const MAX_VMS = 1000;
const MAX_ALTERNATIVES = 20;
/** What was done so long before a failure counts as set when it came. */
const FRESH_MS = 10_000;

/** How a trial ended, by who ran it. */
export interface TrialReport extends Omit<TrialRecord, "signature" | "failure" | "consequences"> {
	/** What came first; null where nothing failed. */
	readonly failure: Failure | null;
	readonly leadUp: LeadUpRecord | null;
}

/** The same wherever and whenever a failure of this type and title is seen. */
export function signatureId(type: FailureType, title: string): string {
	return nameToHex(blake3Name(Buffer.from(`umbra signature 1\n${type}\n${title}`)));
}

/** Its own id, and those that it would have by its other titles. */
export function idsOf({ type, title, alternatives }: Pick<Failure, "type" | "title" | "alternatives">): string[] {
	return [title, ...alternatives].map((each) => signatureId(type, each));
}

/** With this trial, which ended in it. */
export function withOccurrence(
	known: SignatureRecord | undefined,
	report: TrialReport,
	failure: Failure,
): SignatureRecord {
	const { id: trial, vm, time, ended, control, profile, levers, failedMs, replays } = report;
	const before = known ?? emptySignature(failure);
	const stress = control || profile === null ? null : { profile, levers: leversAt(levers, failedMs) };
	const occurrence = { trial, vm, time, control };
	const isSmaller =
		stress !== null && (before.minimal === null || compareStress(stress.profile, before.minimal.profile) < 0);
	const isFirst = before.count === 0;
	return {
		...before,
		alternatives: otherTitles(before, failure),
		excerpt: isFirst ? failure.excerpt : before.excerpt,
		consequences: isFirst ? failure.consequences.map(({ type, title }) => ({ type, title })) : before.consequences,
		provokedBy: before.provokedBy ?? stress,
		minimal: isSmaller ? { profile: stress.profile, trial } : before.minimal,
		leadUp: control ? before.leadUp : (report.leadUp ?? before.leadUp),
		count: before.count + 1,
		controls: before.controls + (control ? 1 : 0),
		occurrences: [occurrence, ...before.occurrences].slice(0, MAX_OCCURRENCES),
		vms: before.vms.includes(vm) || before.vms.length >= MAX_VMS ? before.vms : [...before.vms, vm],
		reproduction: replays === before.id ? tried(before, 1) : before.reproduction,
		firstSeen: earlier(before.firstSeen, time),
		lastSeen: later(before.lastSeen, ended),
	};
}

/** With a replay that did not end in its failure again. */
export function withMiss(known: SignatureRecord): SignatureRecord {
	return { ...known, reproduction: tried(known, 0) };
}

export function emptySignature({
	type,
	title,
	alternatives,
}: Pick<Failure, "type" | "title" | "alternatives">): SignatureRecord {
	return {
		...{
			id: signatureId(type, title),
			type,
			title,
			alternatives,
			excerpt: [],
			consequences: [],
			provokedBy: null,
			minimal: null,
			leadUp: null,
		},
		...{ count: 0, controls: 0, occurrences: [], vms: [], reproduction: { failed: 0, trials: 0 }, mitigation: null },
		...{ firstSeen: null, lastSeen: null, sites: [] },
	};
}

/** A failure that goes by a title which the signature did not have yet adds it. */
export function otherTitles(
	known: Pick<SignatureRecord, "title" | "alternatives">,
	failure: Pick<Failure, "title" | "alternatives">,
): string[] {
	const all = new Set([...known.alternatives, failure.title, ...failure.alternatives]);
	all.delete(known.title);
	return [...all].slice(0, MAX_ALTERNATIVES);
}

function tried({ reproduction: { failed, trials } }: SignatureRecord, more: number) {
	return { failed: failed + more, trials: trials + 1 };
}

function earlier(known: string | null, time: string): string {
	return known === null || BigInt(time) < BigInt(known) ? time : known;
}

function later(known: string | null, time: string): string {
	return known === null || BigInt(time) > BigInt(known) ? time : known;
}

/** What was set at that time, and what was done shortly before. */
export function leversAt(log: readonly LeverLogRecord[], atMs: number | null): LeverLogRecord[] {
	const set = new Map<string, LeverLogRecord>();
	for (const entry of log) {
		if (atMs !== null && entry.atMs > atMs) break;
		const place = [entry.lever, entry.values["disk"], entry.values["nic"], entry.values["process"]].join(" ");
		if (entry.action === "set") set.set(place, entry);
		else if (entry.action === "revert")
			for (const key of [...set.keys()]) if (key.startsWith(`${entry.lever} `)) set.delete(key);
	}
	const fired = log.filter(
		({ action, atMs: at }) => action === "fire" && (atMs === null || (at <= atMs && at >= atMs - FRESH_MS)),
	);
	return [...set.values(), ...fired];
}

/** By levers, then by how long they are set: less is smaller. */
export function compareStress(one: StressProfile, other: StressProfile): number {
	const [a, b] = [sizeOf(one), sizeOf(other)];
	return a.levers - b.levers || a.ms - b.ms;
}

function sizeOf({ duration, phases }: StressProfile): { readonly levers: number; readonly ms: number } {
	let [levers, ms] = [0, 0];
	for (const phase of phases) {
		levers += phase.levers.length;
		ms += (phase.for ?? duration - phase.from) * phase.levers.length;
	}
	return { levers, ms };
}
