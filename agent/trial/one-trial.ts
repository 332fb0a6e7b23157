/** One trial: a clone is made, stressed and watched until its time is over or it has failed, and is gone again. */
import { setTimeout as sleep } from "node:timers/promises";
import { isUmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { createRandom } from "../../common/random.ts";
import { type CloneReport, MAX_REPORT_BYTES } from "../../common/trial/report.ts";
import { scheduleOf } from "../../common/trial/schedule.ts";
import { nowNs } from "../../common/units.ts";
import { GuestAgent } from "../guest/guest-agent.ts";
import type { Clone } from "./clone.ts";
import { LeverDriver } from "./levers/driver.ts";
import { IN_GUEST } from "./levers/in-guest.ts";
import { echoPeer } from "./network/echo-peer.ts";
import { Segment } from "./network/segment.ts";
import type { Observation } from "./observe/observation.ts";
import { Observer } from "./observe/observer.ts";
import type { PlannedTrial } from "./run-trial.ts";
import type { TrialPoint } from "./template.ts";

/** What a failure brings about, and what it says of itself, comes in the seconds after it. */
const GRACE_MS = 5_000;
/** For a guest agent that is there: a guest that goes on after its capture answers within moments. */
const GUEST_AGENT_MS = 5_000;
/** Characters. */
const MAX_NOTE = 1000;

export interface OneTrial {
	/** Stands at the captured instant, plugged into the segment. Its caller disposes of it. */
	readonly clone: Clone;
	readonly segment: Segment;
	readonly point: TrialPoint;
	readonly trial: PlannedTrial;
	readonly log: Logger;
	readonly signal: AbortSignal;
}

/** Of a clone that such a trial is done to. */
export function segmentFor({ profile }: PlannedTrial): Segment {
	const random = createRandom(profile?.seed ?? 0);
	return new Segment({ peers: [echoPeer()], random: () => random.fraction() });
}

/** @throws whatever keeps it from beginning; the signal's reason. What goes wrong later is in the report. */
export async function oneTrial({ clone, segment, point, trial, log, signal }: OneTrial): Promise<CloneReport> {
	const { index, profile, durationMs, probes } = trial;
	const channel = clone.channels.find(({ kind }) => kind === "guest-agent");
	using agent = channel === undefined ? undefined : new GuestAgent(channel);
	const steps = profile === null ? [] : scheduleOf(profile);
	const quiet = steps[0] === undefined ? {} : { quietMs: steps[0].atMs };
	const time = nowNs();
	const origin = performance.now();
	const addresses = seenAddresses(point);
	const watched = { clone, segment, guest: agent, probes, addresses, origin, durationMs, ...quiet, log, signal };
	const observer = await Observer.start(watched);
	let observed: Promise<Observation> | undefined;
	try {
		const begun = performance.now();
		await clone.start();
		const cloneMs = clone.madeMs + performance.now() - begun;
		// Nobody waits for an agent that nothing is wanted of.
		const isWanted = steps.some(({ lever }) => lever in IN_GUEST || lever === "load");
		const guest = isWanted && (await answers(agent, signal)) ? agent : undefined;
		await using driver = LeverDriver.start({ steps, target: { clone, guest }, originMs: origin, signal });
		await Promise.race([
			sleep(Math.max(0, origin + durationMs - performance.now()), undefined, { signal }),
			observer.failed.then(() => sleep(GRACE_MS, undefined, { signal })),
			clone.loss.happened,
		]);
		await driver.stop();
		observed = observer.stop();
		return reportOf({ index, time, cloneMs, driver, seen: await observed });
	} catch (error) {
		// A sleep that ends early says only that it did.
		signal.throwIfAborted();
		throw error;
	} finally {
		await (observed ?? observer.stop());
	}
}

/** Of a trial that came to nothing. */
export function lostReport(index: number, time: bigint, reason: string): CloneReport {
	return {
		...{ index, time: time.toString(), ended: nowNs().toString(), outcome: "lost", cloneMs: null },
		...{ failures: [], failedMs: null, firstStressMs: null, memoryBytes: null, diskBytes: 0 },
		...{ series: { intervalMs: 1000, values: {} }, console: "", levers: [], probes: [], screens: [] },
		events: [],
		notes: [lostNote(reason)],
	};
}

function lostNote(reason: string): string {
	return `lost: ${reason}`.slice(0, MAX_NOTE);
}

/** By which the machine was known to its host, or to itself. */
function seenAddresses({ machine: { network } }: TrialPoint): string[] {
	const neighbours = (network?.addresses ?? []).map(({ address }) => address);
	const talking = (network?.connections ?? []).map(({ guest }) => guest.address);
	const own = network?.guest?.interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)) ?? [];
	return [...new Set([...neighbours, ...talking, ...own])];
}

interface Ended {
	readonly index: number;
	readonly time: bigint;
	readonly cloneMs: number;
	readonly driver: LeverDriver;
	readonly seen: Observation;
}

function reportOf({ index, time, cloneMs, driver, seen }: Ended): CloneReport {
	return bounded({
		...{ index, time: time.toString(), ended: nowNs().toString(), outcome: outcomeOf(seen), cloneMs },
		...{ failures: [...seen.failures], failedMs: seen.failedMs, firstStressMs: driver.firstStressMs },
		...{ memoryBytes: seen.memoryBytes, diskBytes: seen.diskBytes, series: seen.series, console: seen.console },
		...{ levers: [...driver.log], probes: [...seen.probes], screens: [...seen.screens] },
		events: [...seen.events],
		notes: [...(seen.lost === null ? [] : [lostNote(seen.lost)]), ...notesOf(driver), ...seen.notes],
	});
}

async function answers(agent: GuestAgent | undefined, signal: AbortSignal): Promise<boolean> {
	if (agent === undefined) return false;
	try {
		await agent.ping(GUEST_AGENT_MS, signal);
		return true;
	} catch (error) {
		signal.throwIfAborted();
		// It may be forbidden to answer just that.
		return isUmbraError(error, "unsupported");
	}
}

function outcomeOf({ failedMs, isDegraded, lost }: Observation): CloneReport["outcome"] {
	if (lost !== null) return "lost";
	if (failedMs !== null) return "failed";
	return isDegraded ? "degraded" : "survived";
}

function notesOf({ droppedEntries }: LeverDriver): string[] {
	return droppedEntries === 0 ? [] : [`${droppedEntries} more moves of levers are not listed`];
}

/** What makes a report smaller, what can be missed most first. */
const CUTS: readonly ((report: CloneReport) => Partial<CloneReport>)[] = [
	({ screens }) => ({ screens: screens.slice(0, 1) }),
	({ console }) => ({ console: console.slice(-8192) }),
	({ series: { intervalMs, values } }) => ({ series: { intervalMs: intervalMs * THINNED, values: thinned(values) } }),
	({ levers }) => ({ levers: levers.slice(0, 500) }),
	({ events }) => ({ events: events.slice(0, 50) }),
	() => ({ screens: [] }),
	({ series }) => ({ series: { ...series, values: {} } }),
];
/** One of so many values stays. */
const THINNED = 20;

function bounded(report: CloneReport): CloneReport {
	const isSmall = () => Buffer.byteLength(JSON.stringify(kept)) <= MAX_REPORT_BYTES;
	let kept = report;
	for (const cut of CUTS) {
		if (isSmall()) break;
		kept = { ...kept, ...cut(kept), notes: [CUT_NOTE, ...report.notes].slice(0, 100) };
	}
	return kept;
}

const CUT_NOTE = "there was more than a report holds: console, telemetry, screens, events or levers are not whole";

/** Of each run of values the largest, since peaks are what matters. */
function thinned(values: CloneReport["series"]["values"]): CloneReport["series"]["values"] {
	return Object.fromEntries(
		Object.entries(values).map(([name, all]) => {
			const kept = Array.from({ length: Math.ceil(all.length / THINNED) }, (_, at) => {
				const known = all.slice(at * THINNED, (at + 1) * THINNED).filter((value) => value !== null);
				return known.length === 0 ? null : known.reduce((max, value) => Math.max(max, value));
			});
			return [name, kept];
		}),
	);
}
