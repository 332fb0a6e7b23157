/** What an agent tells of a trial -> what is filed. Pure. */
import { UmbraError } from "../../common/errors.ts";
import { type CloneReport, cloneReport, MAX_REPORT_BYTES, type TrialSeries } from "../../common/trial/report.ts";
import type { LeadUpRecord, PendingTrialRecord, TrialStory } from "../catalog/trial-records.ts";
import type { TrialReport } from "../signature/filing.ts";

/** Before a failure; what comes earlier is told by the trial's story. */
const LEAD_UP_MS = 60_000;

/** @throws UmbraError `corrupt`, `limit`. */
export function parseReport(bytes: Uint8Array): CloneReport {
	const wrong = (message: string, cause?: unknown) =>
		new UmbraError("corrupt", `TrialReport.report: ${message}`, {
			...(cause === undefined ? {} : { cause }),
			context: { structure: "TrialReport", field: "report" },
		});
	if (bytes.length > MAX_REPORT_BYTES) {
		throw new UmbraError("limit", `TrialReport.report: ${bytes.length} bytes, at most ${MAX_REPORT_BYTES}`, {
			context: { structure: "TrialReport", found: bytes.length, wanted: MAX_REPORT_BYTES },
		});
	}
	let json: unknown;
	try {
		json = JSON.parse(Buffer.from(bytes).toString("utf8"));
	} catch (cause) {
		throw wrong("not JSON", cause);
	}
	const { data, error } = cloneReport.safeParse(json);
	if (data !== undefined) return data;
	const [issue] = error.issues;
	throw wrong(`${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not a report"}`);
}

export interface Filed {
	readonly report: TrialReport;
	readonly story: TrialStory;
}

export function filedOf(pending: PendingTrialRecord, told: CloneReport): Filed {
	const { failures, series, probes, events, screens, console, notes, diskBytes } = told;
	const { time, ended, outcome, firstStressMs, failedMs, cloneMs, memoryBytes, levers } = told;
	const [failure = null] = failures;
	const report: TrialReport = {
		...pending,
		...{ time, ended, outcome, firstStressMs, failedMs, cloneMs, memoryBytes, levers, failure },
		leadUp: failure === null ? null : leadUpOf(series, failure.atMs ?? failedMs),
	};
	return { report, story: { failures, series, probes, events, screens, console, notes, diskBytes } };
}

/** Of a trial that nobody knows the end of. */
export function lostReport(pending: PendingTrialRecord, ended: bigint): TrialReport {
	return {
		...pending,
		...{ ended: ended.toString(), outcome: "lost", failure: null, leadUp: null, levers: [] },
		...{ firstStressMs: null, failedMs: null, cloneMs: null, memoryBytes: null },
	};
}

function leadUpOf({ intervalMs, values }: TrialSeries, atMs: number | null): LeadUpRecord | null {
	const longest = Math.max(0, ...Object.values(values).map(({ length }) => length));
	const end = atMs === null ? longest : Math.min(longest, Math.floor(atMs / intervalMs) + 1);
	const from = Math.max(0, end - Math.ceil(LEAD_UP_MS / intervalMs));
	const told = Object.entries(values)
		.map(([name, all]) => [name, all.slice(from, end)] as const)
		.filter(([, all]) => all.some((value) => value !== null));
	return told.length === 0 ? null : { intervalMs, values: Object.fromEntries(told) };
}
