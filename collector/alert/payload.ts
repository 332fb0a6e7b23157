/** An alert as a webhook gets it: the JSON of docs/alerts.md. Fields are only ever added. */
import { formatTime } from "../../common/units.ts";
import type { AlertRecord, Contribution, Severity } from "../catalog/records.ts";

export interface AlertPayload {
	readonly version: 1;
	readonly id: string;
	readonly state: "firing" | "resolved";
	readonly severity: Severity;
	readonly cause: string;
	readonly vm: string;
	readonly host: string;
	readonly summary: string;
	readonly mitigation: string;
	/** 0 to 1. */
	readonly score: number;
	readonly files: readonly string[];
	readonly fileCount: number;
	readonly contributions: readonly Contribution[];
	readonly features: Readonly<Record<string, number>>;
	readonly changesetId: string;
	/** These are ISO 8601 in UTC; `resolvedAt` is null while it fires. */
	readonly raisedAt: string;
	readonly firstSeenAt: string;
	readonly lastSeenAt: string;
	readonly resolvedAt: string | null;
	readonly count: number;
}

export function payloadOf(alert: AlertRecord): AlertPayload {
	return {
		version: 1,
		id: alert.id,
		state: alert.state,
		severity: alert.severity,
		cause: alert.cause,
		vm: alert.vm,
		host: alert.host,
		summary: alert.summary,
		mitigation: alert.mitigation,
		score: alert.score,
		files: alert.files,
		fileCount: alert.fileCount,
		contributions: alert.contributions,
		features: alert.features,
		changesetId: alert.changesetId,
		raisedAt: iso(alert.time),
		firstSeenAt: iso(alert.changesetTime),
		lastSeenAt: iso(alert.lastSeen),
		resolvedAt: alert.resolvedTime === null ? null : iso(alert.resolvedTime),
		count: alert.count,
	};
}

/** The same for every attempt at the same news, so that a receiver can drop what it has. */
export function idempotencyKey(alert: AlertRecord): string {
	return `${alert.id}-${alert.state}-${alert.count}`;
}

function iso(time: string): string {
	return formatTime(BigInt(time));
}
