/** An order to make clones of a point: each runs under its own stress, is watched, and is told of as soon as it has ended. */
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { Probe } from "../../common/trial/probes.ts";
import { checkProbes, checkProfile, type StressProfile } from "../../common/trial/profile.ts";
import type { CloneReport } from "../../common/trial/report.ts";
import { formatTime } from "../../common/units.ts";
import { MAX_TRIAL_CLONES, toLong, toNumber, type wire } from "../../proto/service.ts";
import { decodeConfiguration } from "../state/configuration.ts";
import type { RemotePoint } from "../uplink/remote-point.ts";
import { oneTrial } from "./one-trial.ts";
import type { Template, TrialPoint } from "./template.ts";
import type { Trials } from "./trials.ts";

const MAX_DURATION_MS = 24 * 3_600_000;

/** @throws UmbraError `corrupt` where its configuration makes no sense; as its sources. */
export async function trialPoint(point: RemotePoint, signal: AbortSignal): Promise<TrialPoint> {
	const { vm, timeNs, configuration, ram, devices, disks } = point;
	const { machine, stream } = decodeConfiguration(await configuration.read(0, configuration.size, signal));
	return { name: `${vm}@${formatTime(timeNs)}`, machine, stream, ram, devices, disks };
}

export interface TrialOrder {
	readonly trials: Trials;
	readonly order: Pick<wire.v1.IRunTrial, "clones" | "durationMs" | "profiles" | "probes">;
	readonly point: TrialPoint;
	/** Takes what became of one; rejects where the collector does not have it. */
	readonly tell: (report: CloneReport) => Promise<void>;
	readonly log: Logger;
	readonly signal: AbortSignal;
}

/** What is to be done to one clone. */
export interface PlannedTrial {
	/** Of the order, from 0. */
	readonly index: number;
	/** Null: nothing. */
	readonly profile: StressProfile | null;
	readonly durationMs: number;
	readonly probes: readonly Probe[];
}

/**
 * @throws UmbraError as `Trials.prepare` and `Template.clone`; `limit`, `bad-config` for an order that makes no sense; what `tell`
 * rejects with; the signal's reason.
 */
export async function runTrial({ trials, order, point, tell, log, signal }: TrialOrder): Promise<wire.v1.ITrialResult> {
	const planned = plan(order);
	await using template = await trials.prepare(point, signal);
	const over = new AbortController();
	const either = AbortSignal.any([signal, over.signal]);
	const queue = planned.values();
	const running = new Set<Promise<void>>();
	const lane = async (): Promise<void> => {
		for (const trial of queue) {
			const work = withRoom(running, () => oneTrial({ template, trial, log, signal: either }).then(tell));
			running.add(work);
			await work.finally(() => running.delete(work));
		}
	};
	const lanes = Array.from({ length: Math.min(planned.length, trials.slots) }, lane);
	try {
		await Promise.all(lanes);
	} finally {
		over.abort(new UmbraError("unavailable", "another trial of the batch could not be run"));
		await Promise.allSettled(lanes);
	}
	return resultOf(template);
}

/** Others may have taken the slots: it waits as long as one of its own is to end. @throws UmbraError `limit`. */
async function withRoom(running: ReadonlySet<Promise<void>>, work: () => Promise<void>): Promise<void> {
	for (;;) {
		const others = [...running];
		try {
			return await work();
		} catch (error) {
			if (!isUmbraError(error, "limit") || others.length === 0) throw error;
			await Promise.race(others).catch(() => undefined);
		}
	}
}

function plan({ clones, durationMs, profiles, probes }: TrialOrder["order"]): PlannedTrial[] {
	const count = clones ?? 0;
	const ownDuration = toNumber(durationMs);
	const told = profiles ?? [];
	if (count < 1 || count > MAX_TRIAL_CLONES || ownDuration > MAX_DURATION_MS) {
		throw new UmbraError("limit", `a trial of ${count} clones for ${ownDuration} ms`, {
			context: { structure: "RunTrial", found: count, wanted: MAX_TRIAL_CLONES },
		});
	}
	if (told.length !== 0 && told.length !== count) {
		throw new UmbraError("bad-config", `RunTrial.profiles: ${told.length} for ${count} clones`, {
			context: { structure: "RunTrial", field: "profiles", found: told.length, wanted: count },
		});
	}
	const shared =
		probes === undefined || probes === null || probes.length === 0 ? [] : checkProbes(json(probes), "RunTrial.probes");
	return Array.from({ length: count }, (_, index) => {
		const bytes = told[index] ?? new Uint8Array();
		if (bytes.length === 0) return { index, profile: null, durationMs: ownDuration, probes: shared };
		const profile = checkProfile(json(bytes), `RunTrial.profiles.${index}`);
		return { index, profile, durationMs: profile.duration, probes: [...shared, ...profile.probes] };
	});
}

function json(bytes: Uint8Array): unknown {
	try {
		return JSON.parse(Buffer.from(bytes).toString("utf8"));
	} catch (error) {
		throw new UmbraError("bad-config", `RunTrial: not JSON: ${messageOf(error)}`, { cause: error });
	}
}

function resultOf(template: Template): wire.v1.ITrialResult {
	return {
		templateMs: template.madeMs,
		ramBytes: toLong(template.ramBytes),
		diskBytes: toLong(template.diskBytesRead),
		notes: [...template.plan.notes],
	};
}
