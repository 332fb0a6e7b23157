/** What the catalog holds of trials and of the failures that they found, as plain JSON; units as in `records.ts`. */
import type { FailureName, FailureType } from "../../common/failures/failures.ts";
import type { Probe } from "../../common/trial/probes.ts";
import type { StressProfile } from "../../common/trial/profile.ts";
import type { CloneReport } from "../../common/trial/report.ts";

export type TrialOutcome = "survived" | "degraded" | "failed" | "lost";

/** What was done to a clone, and whether it was found to be so. */
export interface LeverLogRecord {
	/** From the beginning of the trial. */
	readonly atMs: number;
	readonly lever: string;
	readonly action: "set" | "revert" | "fire";
	readonly values: Readonly<Record<string, string | number>>;
	/** Empty where it was done, and was found to be in force. */
	readonly problem: string;
}

/** `trial/<vm>/<time>/<id>`: one run of a shadow VM. */
export interface TrialRecord {
	readonly id: string;
	/** The production VM that it was made from. */
	readonly vm: string;
	/** When it began. */
	readonly time: string;
	readonly ended: string;
	/** Trials that were run together. */
	readonly batch: string;
	/** Time of the point whose state it was made from. */
	readonly point: string;
	readonly agentId: string;
	readonly host: string;
	/** Null of a control, which is a clone without stress. */
	readonly profile: StressProfile | null;
	readonly control: boolean;
	/** That it was given: its profile's, without one its batch's. Null of a control that was filed before this was kept. */
	readonly durationMs: number | null;
	/** Of its batch: what it was asked besides those of its profile. None where it was filed before they were kept. */
	readonly probes: readonly Probe[];
	/** Id of the signature whose failure it tried to have again; null where it looked for any. */
	readonly replays: string | null;
	readonly outcome: TrialOutcome;
	/** Of the failure that came first; null where there was none. */
	readonly signature: string | null;
	readonly failure: Pick<FailureName, "type" | "title"> | null;
	/** What came of it. */
	readonly consequences: readonly Pick<FailureName, "type" | "title">[];
	/** From the beginning; null where there was none. */
	readonly firstStressMs: number | null;
	readonly failedMs: number | null;
	/** From template to running. */
	readonly cloneMs: number | null;
	/** Memory that it took beside what clones share. */
	readonly memoryBytes: number | null;
	readonly levers: readonly LeverLogRecord[];
}

/** `trialpending/<id>`: a trial that was begun; what is known of it before it ends. */
export type PendingTrialRecord = Pick<
	TrialRecord,
	| "id"
	| "vm"
	| "time"
	| "batch"
	| "point"
	| "agentId"
	| "host"
	| "profile"
	| "control"
	| "durationMs"
	| "probes"
	| "replays"
>;

/** What was seen of a trial from its beginning to its end. */
export type TrialStory = Pick<
	CloneReport,
	"failures" | "series" | "probes" | "events" | "screens" | "console" | "notes" | "diskBytes"
>;

/** `trialstory/<vm>/<time>/<id>`: JSON of a `TrialStory`, compressed by zstd, in base64. */
export interface TrialStoryRecord {
	readonly zstd: string;
}

/** Telemetry before a failure: `values` by the name of a series, one each `intervalMs`, the last at the failure. */
export interface LeadUpRecord {
	readonly intervalMs: number;
	readonly values: Readonly<Record<string, readonly (number | null)[]>>;
}

export interface OccurrenceRecord {
	readonly trial: string;
	readonly vm: string;
	readonly time: string;
	readonly control: boolean;
}

export interface MitigationRecord {
	readonly text: string;
	/** Who said so, as they called themselves. */
	readonly by: string;
	readonly time: string;
}

/** How often a failure came again: in `failed` of the `trials` that replayed one which had ended in it. That one is not counted. */
export interface ReproductionRecord {
	readonly failed: number;
	readonly trials: number;
}

/** What another site's collector counted; never added to what is counted here. */
export interface SiteRecord extends ReproductionRecord {
	/** Id of its collector. */
	readonly site: string;
	readonly controls: number;
	readonly firstSeen: string;
	readonly lastSeen: string;
	/** What its operators say; null where they leave it at what is said of the type. */
	readonly mitigation: string | null;
}

/** `signature/<id>`: a class of failures. */
export interface SignatureRecord {
	/** BLAKE3 of type and title. */
	readonly id: string;
	readonly type: FailureType;
	readonly title: string;
	readonly alternatives: readonly string[];
	/** Of the first trial that showed it. */
	readonly excerpt: readonly string[];
	readonly consequences: readonly Pick<FailureName, "type" | "title">[];
	/** The stress that it came under first, and what was set when it came; null where it only came without any. */
	readonly provokedBy: { readonly profile: StressProfile; readonly levers: readonly LeverLogRecord[] } | null;
	/** The smallest stress that it came under. */
	readonly minimal: { readonly profile: StressProfile; readonly trial: string } | null;
	readonly leadUp: LeadUpRecord | null;
	/** Trials that showed it, those without stress counted apart. */
	readonly count: number;
	readonly controls: number;
	/** The newest of them. */
	readonly occurrences: readonly OccurrenceRecord[];
	/** VMs whose clones showed it, in the order in which they did first. */
	readonly vms: readonly string[];
	readonly reproduction: ReproductionRecord;
	/** Null: what is said of its type. */
	readonly mitigation: MitigationRecord | null;
	/** Null of one that was imported and never seen here. */
	readonly firstSeen: string | null;
	readonly lastSeen: string | null;
	readonly sites: readonly SiteRecord[];
}
