/** An alert, or a group of them, as a webhook gets it: the JSON of docs/alerts.md. Fields are only ever added. */
import { formatTime } from "../../common/units.ts";
import type { AlertRecord, Contribution, Severity } from "../catalog/records.ts";
import { RANK } from "./alerts.ts";

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

/** What a webhook with `group` gets. */
export interface GroupPayload {
	readonly version: 1;
	/** What its alerts have in common. */
	readonly group: Readonly<Record<string, string>>;
	/** `resolved` where none of them fires. */
	readonly state: "firing" | "resolved";
	/** The worst of those that fire; where none does, of all. */
	readonly severity: Severity;
	readonly summary: string;
	readonly firingCount: number;
	readonly resolvedCount: number;
	/** What is new first, then what was told before and fires, worst first; at most 100. */
	readonly alerts: readonly AlertPayload[];
}

/** Bounds what one post carries: about 1 MB. */
const MAX_GROUP_ALERTS = 100;

/** @param news not told yet; `known` was, and fires. */
export function groupPayloadOf(
	labels: Readonly<Record<string, string>>,
	news: readonly AlertRecord[],
	known: readonly AlertRecord[],
): GroupPayload {
	const all = [...worstFirst(news), ...worstFirst(known)];
	const firing = all.filter(({ state }) => state === "firing");
	const worst = worstFirst(firing.length > 0 ? firing : all)[0];
	const others = all.length > 1 ? ` (and ${all.length - 1} more)` : "";
	return {
		version: 1,
		group: labels,
		state: firing.length > 0 ? "firing" : "resolved",
		severity: worst?.severity ?? "info",
		summary: `${worst?.summary ?? ""}${others}`,
		firingCount: firing.length,
		resolvedCount: all.length - firing.length,
		alerts: all.slice(0, MAX_GROUP_ALERTS).map(payloadOf),
	};
}

function worstFirst(alerts: readonly AlertRecord[]): AlertRecord[] {
	return [...alerts].sort((a, b) => RANK[b.severity] - RANK[a.severity]);
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
