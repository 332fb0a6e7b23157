/** An alert in points. Pure. */
import { type Point, point } from "../../common/measurements/measurements.ts";
import type { AlertRecord } from "../catalog/records.ts";
import { filesText } from "./changeset-points.ts";

/** What an alert has become, at the time at which it became that: the same whenever it is asked. */
export function alertPoint(alert: AlertRecord): Point | null {
	if (alert.resolvedTime !== null) return pointAt(alert, BigInt(alert.resolvedTime));
	return pointAt(alert, BigInt(alert.count === 1 ? alert.time : alert.lastSeen));
}

/** That an alert fires still. */
export function firingPoint(alert: AlertRecord, nowNs: bigint): Point | null {
	return pointAt(alert, nowNs);
}

/** That an alert, or one of its severity, does not fire any more. */
export function endedPoint(alert: AlertRecord, nowNs: bigint): Point | null {
	return pointAt({ ...alert, state: "resolved" }, nowNs);
}

/** Alerts of one series have the same. */
export function alertSeries({ host, vm, cause, severity }: AlertRecord): string {
	return JSON.stringify([host, vm, cause, severity]);
}

function pointAt(alert: AlertRecord, timeNs: bigint): Point | null {
	const { host, vm, cause, severity } = alert;
	return point("alert", { host, vm, cause, severity }, timeNs, {
		firing: alert.state === "firing" ? 1 : 0,
		score: alert.score,
		count: alert.count,
		file_count: alert.fileCount,
		id: alert.id,
		summary: alert.summary,
		mitigation: alert.mitigation,
		files: filesText(alert.files, alert.fileCount),
	});
}
