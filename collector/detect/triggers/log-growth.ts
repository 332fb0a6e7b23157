/**
 * `log-growth`: a log file grows far faster than this VM's logs do. `log-cleared`: a log of who did what was emptied or
 * deleted, and nothing rotated it; intruders do that, applications do not.
 */
import { formatBytes, formatDuration } from "../../../common/units.ts";
import type { Severity, TriggerHit } from "../../catalog/records.ts";
import { expect } from "../baseline.ts";
import { FEATURES, type FeatureDefinition } from "../features.ts";
import { clearedLogs, type LogGrowth } from "../logs.ts";
import { list, MAX_CULPRITS, plural, type TriggerInput } from "./trigger.ts";

const MIN_DEVIATIONS = 8;
const MIN_FACTOR = 10;
/** So many changesets give a median to compare with, before the baseline as a whole has learned. */
const MIN_HISTORY = 5;
/** Twice before (a nightly job): it belongs to this VM. A first burst counts half, so that it may go on firing. */
const MAX_PRECEDENT = 0.9;
/** A volume that will be full within this many minutes at the present rate makes it critical. */
const URGENT_MINUTES = 60;

const LARGEST = FEATURES.find((feature) => feature.name === "largestLogGrowth") as FeatureDefinition;

export function logGrowth(input: TriggerInput): TriggerHit | undefined {
	const { assessment, baseline, settings } = input;
	const { minutes, logs } = assessment;
	const known = baseline.learned >= MIN_HISTORY;
	const floor = known ? settings.logGrowth.minBytes : settings.logGrowth.minBytesUnknown;
	const culprits = logs.filter(({ bytes }) => bytes >= floor && (!known || isFar(input, bytes / minutes)));
	const worst = culprits[0];
	if (worst === undefined) return undefined;
	const rate = worst.bytes / minutes;
	const { median, deviation } = expect(baseline, LARGEST, rate);
	const full = minutesToFull(input, worst);
	const severity: Severity = full !== undefined && full <= URGENT_MINUTES ? "critical" : "warning";
	const usual = known
		? `the logs of this VM usually grow by ${formatBytes(median)} a minute`
		: "its usual growth is not known yet";
	const others = culprits.length > 1 ? `; ${plural(culprits.length - 1, "other log")} likewise` : "";
	const end =
		full !== undefined && full <= URGENT_MINUTES ? ` Its volume is full in ${formatDuration(full * 60_000)}.` : "";
	return {
		trigger: "log-growth",
		severity,
		summary: `${worst.file.path} grew by ${formatBytes(worst.bytes)} (${formatBytes(rate)} a minute); ${usual}${others}.${end}`,
		files: culprits.slice(0, MAX_CULPRITS).map((log) => log.file.path),
		fileCount: culprits.length,
		features: {
			bytes: worst.bytes,
			bytesPerMinute: rate,
			usualBytesPerMinute: known ? median : 0,
			deviation: known ? deviation : 0,
		},
	};
}

function isFar({ baseline }: TriggerInput, rate: number): boolean {
	const { median, deviation, precedent } = expect(baseline, LARGEST, rate);
	return deviation >= MIN_DEVIATIONS && rate >= MIN_FACTOR * median && precedent < MAX_PRECEDENT;
}

function minutesToFull({ changeset, assessment }: TriggerInput, log: LogGrowth): number | undefined {
	const disk = changeset.disks.find((candidate) => candidate.disk === log.file.disk);
	const volume = disk?.volumes.find((candidate) => candidate.id === log.file.volume);
	if (volume === undefined) return undefined;
	return volume.freeBytes / (log.bytes / assessment.minutes);
}

export function logClearing({ files }: TriggerInput): TriggerHit | undefined {
	const cleared = clearedLogs(files);
	if (cleared.length === 0) return undefined;
	const lost = cleared.reduce((sum, file) => sum + Math.max(0, file.sizeBefore - file.sizeAfter), 0);
	const names = list(
		cleared.map(
			(file) =>
				`${file.path} (${file.change === "deleted" ? "deleted" : "emptied"}, was ${formatBytes(file.sizeBefore)})`,
		),
		3,
	);
	return {
		trigger: "log-cleared",
		severity: "warning",
		summary: `${plural(cleared.length, "security log")} cleared without being rotated: ${names}.`,
		files: cleared.slice(0, MAX_CULPRITS).map((file) => file.path),
		fileCount: cleared.length,
		features: { files: cleared.length, bytes: lost },
	};
}
