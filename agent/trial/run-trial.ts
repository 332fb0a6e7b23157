/** An order to make clones of a point: they are made, run for a while, are looked at, and go. */
import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { formatTime } from "../../common/units.ts";
import { MAX_TRIAL_CLONES, toLong, toNumber, type wire } from "../../proto/service.ts";
import { decodeConfiguration } from "../state/configuration.ts";
import type { RemotePoint } from "../uplink/remote-point.ts";
import type { Clone } from "./clone.ts";
import { echoPeer } from "./network/echo-peer.ts";
import { Segment } from "./network/segment.ts";
import type { TrialPoint } from "./template.ts";
import type { Trials } from "./trials.ts";

const MAX_DURATION_MS = 24 * 3_600_000;

/** @throws UmbraError `corrupt` where its configuration makes no sense; as its sources. */
export async function trialPoint(point: RemotePoint, signal: AbortSignal): Promise<TrialPoint> {
	const { vm, timeNs, configuration, ram, devices, disks } = point;
	const { machine, stream } = decodeConfiguration(await configuration.read(0, configuration.size, signal));
	return { name: `${vm}@${formatTime(timeNs)}`, machine, stream, ram, devices, disks };
}

/** @throws UmbraError as `Trials.prepare` and `Template.clone`; `unsupported` for profiles; the signal's reason. */
export async function runTrial(
	trials: Trials,
	order: Pick<wire.v1.IRunTrial, "clones" | "durationMs" | "profiles">,
	point: TrialPoint,
	signal: AbortSignal,
): Promise<wire.v1.ITrialResult> {
	const count = order.clones ?? 0;
	const durationMs = toNumber(order.durationMs);
	if (count < 1 || count > MAX_TRIAL_CLONES || durationMs > MAX_DURATION_MS) {
		throw new UmbraError("limit", `a trial of ${count} clones for ${durationMs} ms`, {
			context: { structure: "RunTrial", found: count, wanted: MAX_TRIAL_CLONES },
		});
	}
	if ((order.profiles ?? []).length > 0) {
		throw new UmbraError("unsupported", "this agent knows no profiles of stress", { hint: "update the agent" });
	}
	await using template = await trials.prepare(point, signal);
	const running: { readonly clone: Clone; readonly startedMs: number }[] = [];
	// One after another: together they would only wait for each other, and the first that finds no room ends it.
	for (let at = 0; at < count; at++) {
		const clone = await template.clone({ segment: new Segment({ peers: [echoPeer()] }) });
		const begun = performance.now();
		await clone.start();
		running.push({ clone, startedMs: clone.madeMs + performance.now() - begun });
	}
	await sleep(durationMs, undefined, { signal });
	const clones = await Promise.all(running.map(({ clone, startedMs }) => judge(clone, startedMs)));
	return {
		templateMs: template.madeMs,
		ramBytes: toLong(template.ramBytes),
		diskBytes: toLong(template.diskBytesRead),
		clones,
		notes: [...template.plan.notes],
	};
}

async function judge(clone: Clone, startedMs: number): Promise<wire.v1.ICloneResult> {
	const memory = await clone.memory();
	const sum = (values: readonly number[]) => toLong(values.reduce((all, each) => all + each, 0));
	const end = await endOf(clone);
	return {
		name: clone.name,
		startedMs,
		ownBytes: toLong(memory?.ownBytes ?? 0),
		sharedBytes: toLong(memory?.sharedBytes ?? 0),
		survived: end === "",
		end,
		sentFrames: sum(clone.ports.map(({ counters }) => counters.receivedFrames)),
		consoleBytes: sum(clone.channels.filter(({ kind }) => kind === "console").map(({ saidBytes }) => saidBytes)),
	};
}

/** Why its guest does not run any more; empty while it does. */
async function endOf(clone: Clone): Promise<string> {
	if (clone.process.hasEnded) return `QEMU ended with ${await clone.process.finished}: ${await clone.process.said()}`;
	try {
		const { status } = (await clone.qmp.execute("query-status")) as { status?: string };
		return status === "running" ? "" : `the machine is ${status}`;
	} catch (error) {
		return messageOf(error);
	}
}
