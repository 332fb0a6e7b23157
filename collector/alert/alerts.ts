/**
 * alert/ turns verdicts into what an operator sees, and sees to it that it arrives.
 *
 * Words: an alert has a *cause* ("anomaly" or a trigger's name) and belongs to one VM; it is *firing* while the cause goes on
 * and *resolved* when it has stopped. Resolved says that it no longer happens, not that the harm is undone.
 *
 * It may not know how a verdict came about, nor where alerts are stored.
 *
 * One cause on one VM is one alert, however long it lasts:
 * - a changeset with the cause raises an alert, or, where one is firing, continues it: files are merged, `count` and `lastSeen`
 *   move on, the severity only rises;
 * - `QUIET_CHANGESETS` changesets in a row without the cause resolve it;
 * - webhooks are told when an alert is raised, when its severity rises, and when it is resolved, not on every repetition.
 * Trigger hits of severity `info` raise nothing. An anomaly raises an alert only where no trigger explains it.
 */
import type { AlertRecord, ChangesetRecord, Severity, TriggerHit, Verdict } from "../catalog/records.ts";
import { anomalySummary, mitigationOf } from "./wording.ts";

const ANOMALY = "anomaly";
/** Of the collector's own store: begins and ends with that, not with changesets. */
export const DAMAGE = "vault-damage";
/** Changesets of the VM without the cause after which an alert is resolved. */
export const QUIET_CHANGESETS = 3;
/** Culprits kept in an alert, worst first. */
const MAX_FILES = 50;

/** Of severities: the worse, the higher. */
export const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

export interface AlertInput {
	readonly changeset: ChangesetRecord;
	readonly verdict: Verdict;
	/** The VM's alerts that are firing. */
	readonly firing: readonly AlertRecord[];
	/** Makes an identifier that was never used. */
	readonly id: () => string;
	/** Nanoseconds since 1970, as records hold it. */
	readonly now: string;
	/** Names of the webhooks to be told. */
	readonly targets: readonly string[];
}

interface Occurrence {
	readonly cause: string;
	readonly severity: Severity;
	readonly summary: string;
	readonly files: readonly string[];
	readonly fileCount: number;
	readonly features: Readonly<Record<string, number>>;
}

/**
 * The alert records that a judged changeset makes new or changes; what is not returned stays as it is. Changesets of one VM
 * are to be given in the order of their times, each once (in one batch with its verdict).
 */
export function alertsFor(input: AlertInput): AlertRecord[] {
	const { changeset, firing } = input;
	const occurrences = new Map(occurrencesOf(input).map((occurrence) => [occurrence.cause, occurrence]));
	const changed: AlertRecord[] = [];
	for (const alert of firing) {
		if (
			alert.cause === DAMAGE ||
			alert.vm !== changeset.vm ||
			alert.state !== "firing" ||
			alert.lastSeen >= changeset.time
		)
			continue;
		const occurrence = occurrences.get(alert.cause);
		occurrences.delete(alert.cause);
		changed.push(occurrence === undefined ? fade(alert, input) : carryOn(alert, occurrence, input));
	}
	for (const occurrence of occurrences.values()) changed.push(raise(occurrence, input));
	return changed;
}

function occurrencesOf({ changeset, verdict }: AlertInput): Occurrence[] {
	const found: Occurrence[] = [];
	for (const hit of verdict.triggers) {
		if (hit.severity !== "info") found.push(ofTrigger(hit, changeset));
	}
	const abnormal = severityOfScore(verdict);
	// A package run explains a busy minute; it does not explain what is critical by itself.
	const explained = found.length > 0 || (verdict.triggers.length > 0 && abnormal !== "critical");
	if (abnormal !== "info" && !explained) {
		found.push({
			cause: ANOMALY,
			severity: abnormal,
			summary: anomalySummary(changeset, verdict),
			files: verdict.files,
			fileCount: changeset.fileCount,
			features: verdict.features,
		});
	}
	return found;
}

/** The severity that the score alone earned: the verdict's own includes its triggers'. */
function severityOfScore(verdict: Verdict): Severity {
	return verdict.triggers.some((hit) => hit.severity !== "info") ? "info" : verdict.severity;
}

function ofTrigger(hit: TriggerHit, changeset: ChangesetRecord): Occurrence {
	return {
		cause: hit.trigger,
		severity: hit.severity,
		summary: `${changeset.vm}: ${hit.summary}`,
		files: hit.files,
		fileCount: hit.fileCount,
		features: hit.features,
	};
}

function raise(occurrence: Occurrence, { changeset, verdict, id, now, targets }: AlertInput): AlertRecord {
	return {
		id: id(),
		vm: changeset.vm,
		host: changeset.host,
		time: now,
		changesetId: changeset.id,
		changesetTime: changeset.time,
		state: "firing",
		...occurrence,
		files: occurrence.files.slice(0, MAX_FILES),
		score: verdict.score,
		contributions: verdict.contributions,
		mitigation: mitigationOf(occurrence.cause, changeset),
		count: 1,
		lastSeen: changeset.time,
		quiet: 0,
		resolvedTime: null,
		undelivered: [...targets],
	};
}

function carryOn(alert: AlertRecord, occurrence: Occurrence, { changeset, verdict, targets }: AlertInput): AlertRecord {
	const worse = RANK[occurrence.severity] > RANK[alert.severity];
	const known = new Set(alert.files);
	const added = occurrence.files.filter((path) => !known.has(path));
	// Names beyond those kept cannot be compared: the count is then the larger of what is certain.
	const fileCount = Math.max(alert.fileCount + (alert.fileCount <= MAX_FILES ? added.length : 0), occurrence.fileCount);
	// The strongest occurrence speaks for the alert; it began with what `time` and `changesetId` say.
	const stronger = worse || (occurrence.severity === alert.severity && occurrence.fileCount >= alert.fileCount);
	return {
		...alert,
		severity: worse ? occurrence.severity : alert.severity,
		summary: stronger ? occurrence.summary : alert.summary,
		features: stronger ? occurrence.features : alert.features,
		contributions: verdict.score > alert.score ? verdict.contributions : alert.contributions,
		score: Math.max(alert.score, verdict.score),
		files: [
			...(stronger
				? [...occurrence.files, ...alert.files.filter((path) => !occurrence.files.includes(path))]
				: [...alert.files, ...added]),
		].slice(0, MAX_FILES),
		fileCount,
		count: alert.count + 1,
		lastSeen: changeset.time,
		quiet: 0,
		undelivered: worse ? [...targets] : alert.undelivered,
	};
}

function fade(alert: AlertRecord, { changeset, targets }: AlertInput): AlertRecord {
	const quiet = alert.quiet + 1;
	if (quiet < QUIET_CHANGESETS) return { ...alert, quiet };
	return { ...alert, quiet, state: "resolved", resolvedTime: changeset.time, undelivered: [...targets] };
}
