/** For tests: failures and trials as whoever runs trials tells them. */
import type { Failure } from "../../common/failures/failures.ts";
import type { StressProfile } from "../../common/trial/profile.ts";
import type { LeverLogRecord } from "../catalog/trial-records.ts";
import type { TrialReport } from "./filing.ts";

const BEGAN = 1_760_000_000_000_000_000n;
const NS_PER_SECOND = 1_000_000_000n;

export function failureOf(title: string, more: Partial<Failure> = {}): Failure {
	return {
		type: "oops",
		title,
		alternatives: [],
		atMs: 4000,
		count: 1,
		excerpt: ["BUG: it"],
		consequences: [],
		...more,
	};
}

export function profileOf(levers: number, more: Partial<StressProfile> = {}): StressProfile {
	const all = Array.from({ length: levers }, () => ({ lever: "nmi" as const }));
	return { name: `p${levers}`, seed: 1, duration: 60_000, phases: [{ from: 1000, levers: all }], probes: [], ...more };
}

export function leverOf(atMs: number, action: LeverLogRecord["action"], lever: string, values = {}): LeverLogRecord {
	return { atMs, lever, action, values, problem: "" };
}

/** Trial number `at` of a VM, each a minute after the one before. */
export function reportOf(at: number, failure: Failure | null, more: Partial<TrialReport> = {}): TrialReport {
	const time = BEGAN + BigInt(at) * 60n * NS_PER_SECOND;
	const where = { vm: "web1", batch: "b1", point: String(BEGAN), agentId: "a1", host: "h1" };
	const measured = {
		firstStressMs: 1000,
		failedMs: failure === null ? null : 4000,
		cloneMs: 300,
		memoryBytes: 2 ** 20,
	};
	return {
		...{ id: `t${at}`, time: time.toString(), ended: (time + 30n * NS_PER_SECOND).toString(), ...where, ...measured },
		...{ profile: profileOf(3), control: false, replays: null, outcome: failure === null ? "survived" : "failed" },
		...{ durationMs: 60_000, probes: [], levers: [], failure, leadUp: null },
		...more,
	};
}
