/** A trial in points. Pure. */
import { type Point, point } from "../../common/measurements/measurements.ts";
import type { TrialRecord } from "../catalog/trial-records.ts";

const NS_PER_MS = 1_000_000n;

/** When it ended; null where there is nothing to say. */
export function trialPoint(trial: TrialRecord): Point | null {
	const { host, vm, outcome, failure, time, ended, firstStressMs, failedMs } = trial;
	const stress = failedMs === null ? null : failedMs - Math.min(firstStressMs ?? 0, failedMs);
	return point("trial", { host, vm, outcome, failure: failure?.type ?? "" }, BigInt(ended), {
		count: 1,
		duration_seconds: Number((BigInt(ended) - BigInt(time)) / NS_PER_MS) / 1000,
		time_to_failure_seconds: stress === null ? undefined : stress / 1000,
		clone_ms: trial.cloneMs ?? undefined,
		memory_bytes: trial.memoryBytes ?? undefined,
		control: trial.control ? 1 : 0,
		id: trial.id,
		profile: trial.profile?.name ?? "",
		signature: failure?.title ?? "",
	});
}
