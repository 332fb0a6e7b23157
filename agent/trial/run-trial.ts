/** An order to make clones of a point: each runs under its own stress, is watched, and is told of as soon as it has ended. */
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { Probe } from "../../common/trial/probes.ts";
import { checkProbes, checkProfile, type StressProfile } from "../../common/trial/profile.ts";
import type { CloneReport } from "../../common/trial/report.ts";
import { formatTime, nowNs } from "../../common/units.ts";
import { MAX_TRIAL_CLONES, toLong, toNumber, type wire } from "../../proto/service.ts";
import { decodeConfiguration } from "../state/configuration.ts";
import type { RemotePoint } from "../uplink/remote-point.ts";
import type { Clone } from "./clone.ts";
import { lostReport, oneTrial, segmentFor } from "./one-trial.ts";
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
 * What goes wrong with one clone is in its report, and the others go on.
 *
 * @throws UmbraError as `Trials.prepare`; `limit` where there is no room for any clone; `unavailable` where none can be made any more;
 * `limit`, `bad-config` for an order that makes no sense; what `tell` rejects with; the signal's reason.
 */
export async function runTrial({ trials, order, point, tell, log, signal }: TrialOrder): Promise<wire.v1.ITrialResult> {
	const planned = plan(order);
	await using template = await trials.prepare(point, signal);
	const over = new AbortController();
	const either = AbortSignal.any([signal, over.signal]);
	const queue = planned.values();
	const turns: Turns = new Set();
	const lane = async (): Promise<void> => {
		for (const trial of queue) {
			either.throwIfAborted();
			await tell(await tried({ template, trial, turns, log, signal: either }));
		}
	};
	const lanes = Array.from({ length: Math.min(planned.length, trials.slots) }, lane);
	try {
		await Promise.all(lanes);
	} finally {
		over.abort(new UmbraError("unavailable", "the batch is over"));
		await Promise.allSettled(lanes);
	}
	return resultOf(template);
}

interface Tried {
	readonly template: Template;
	readonly trial: PlannedTrial;
	readonly turns: Turns;
	readonly log: Logger;
	readonly signal: AbortSignal;
}

/** @throws UmbraError where no other trial of the batch would fare better; the signal's reason. */
async function tried({ template, trial, turns, log, signal }: Tried): Promise<CloneReport> {
	const { index } = trial;
	const { point } = template;
	const time = nowNs();
	const segment = segmentFor(trial);
	const lost = (error: unknown, reason = messageOf(error)): CloneReport => {
		signal.throwIfAborted();
		if (template.hasEnded) throw error;
		log.warn({ point: point.name, index, err: error }, "a trial could not be run: lost");
		return lostReport(index, time, reason);
	};
	let room: Room<Clone>;
	try {
		room = await withRoom(turns, () => template.clone({ segment, signal }));
	} catch (error) {
		if (isUmbraError(error, "limit")) throw error;
		return lost(error);
	}
	using _turn = room;
	try {
		await using clone = room.made;
		return await oneTrial({ clone, segment, point, trial, log, signal });
	} catch (error) {
		return lost(error, room.made.loss.told?.reason);
	}
}

/** Those that have room or are being given some. Each resolves when that is over: with whether there was some. */
export type Turns = Set<Promise<boolean>>;

/** Disposed of when it is free again. */
export interface Room<T> extends Disposable {
	readonly made: T;
}

/**
 * Others may have taken the room: it waits as long as one of its own is to give some back.
 *
 * @internal Exported for tests. @throws UmbraError `limit`; as `make`.
 */
export async function withRoom<T>(turns: Turns, make: () => Promise<T>): Promise<Room<T>> {
	for (;;) {
		const others = [...turns];
		const turn = Promise.withResolvers<boolean>();
		turns.add(turn.promise);
		const over = (hadRoom: boolean) => {
			turns.delete(turn.promise);
			turn.resolve(hadRoom);
		};
		try {
			return { made: await make(), [Symbol.dispose]: () => over(true) };
		} catch (error) {
			const isFull = isUmbraError(error, "limit");
			over(!isFull);
			if (!isFull) throw error;
			if (!(await anyTrue(others))) throw error;
		}
	}
}

/** As soon as one is; false where none is. */
async function anyTrue(all: readonly Promise<boolean>[]): Promise<boolean> {
	const wanted = all.map(async (each) => {
		if (!(await each)) throw new Error("no");
	});
	return await Promise.any(wanted).then(
		() => true,
		() => false,
	);
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
