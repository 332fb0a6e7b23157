/** What every trigger is given, what it may remember, and how it words a hit. */
import type { ChangesetRecord, FileChangeRecord, TriggerHit } from "../../catalog/records.ts";
import type { BaselineState } from "../baseline.ts";
import type { Assessment } from "../features.ts";
import type { DetectSettings } from "../settings.ts";

/** A document lost lately. */
export interface LostDocument {
	readonly path: string;
	/** Seconds since 1970. */
	readonly time: number;
}

/** What triggers remember of a VM's earlier changesets. */
export interface TriggerMemory {
	/** When a package manager was last at work, seconds since 1970; 0: never. */
	readonly packageRun: number;
	/** Newest last, bounded. */
	readonly lost: readonly LostDocument[];
}

export const EMPTY_MEMORY: TriggerMemory = { packageRun: 0, lost: [] };

export interface TriggerInput {
	readonly changeset: ChangesetRecord;
	readonly files: readonly FileChangeRecord[];
	readonly assessment: Assessment;
	readonly baseline: BaselineState;
	readonly memory: TriggerMemory;
	/** The changeset's own time, seconds since 1970. */
	readonly time: number;
	readonly settings: DetectSettings;
}

export interface TriggerOutcome {
	readonly hits: readonly TriggerHit[];
	readonly memory: TriggerMemory;
}

/** At most so many culprits are named; `fileCount` has them all. */
export const MAX_CULPRITS = 50;

/** "1 file", "3 files". */
export function plural(count: number, noun: string): string {
	return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** "a, b and 3 more". */
export function list(items: readonly string[], shown: number, total = items.length): string {
	const names = items.slice(0, shown);
	const rest = total - names.length;
	if (rest > 0) return `${names.join(", ")} and ${rest} more`;
	return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names.at(-1)}` : (names[0] ?? "");
}
