/**
 * A changeset in numbers. What goes on all the time is a rate a minute, so that a capture after ten seconds and one
 * after an hour compare. What hardly ever happens is a count: ten lost documents are no less for lying an hour
 * apart. Entropies are bits a byte; shares lie between 0 and 1.
 *
 * Pure: no clock, no store. Whatever the records hold, every value is finite and not negative.
 */
import { PAGE_SIZE } from "../../common/block.ts";
import type { ChangesetRecord, FileChangeRecord } from "../catalog/records.ts";
import { isHighEntropy } from "./entropy.ts";
import { growingLogs, type LogGrowth } from "./logs.ts";
import { criticalRule, endingOf, extensionOf, folderOf, isDocument, isExecutable } from "./paths.ts";
import { entropyRise, findRewrites, type Rewrite } from "./rewrites.ts";

export interface FeatureDefinition {
	readonly name: string;
	readonly unit: "bytes/min" | "1/min" | "count" | "bits/byte" | "share";
	readonly description: string;
	/** Features that rise together for one reason; only the strongest of a group counts towards the score. */
	readonly group: "volume" | "churn" | "content" | "system" | "log";
	/** How much a deviation says about harm: a busy minute is ordinary (0.5), a lost document never is (2.5). */
	readonly weight: number;
	/** The smallest amount that matters: below it a value is as good as 0. Rates and counts are compared as ln(1 + value / scale). */
	readonly scale: number;
}

/** Every feature of a verdict, in the order of docs/metrics.md. */
export const FEATURES = [
	feature("changedBytes", "bytes/min", "volume", 0.5, 65536, "Bytes of disk blocks whose content changed"),
	feature("filesModified", "1/min", "volume", 0.5, 2, "Files whose content changed"),
	feature("filesMetadata", "1/min", "volume", 0.3, 2, "Files of which only mode, owner, times or links changed"),
	feature("foldersTouched", "1/min", "volume", 0.5, 2, "Different folders in which a file changed"),
	feature("filesCreated", "1/min", "churn", 0.4, 2, "Files that are new"),
	feature("filesDeleted", "1/min", "churn", 0.8, 2, "Files that are gone"),
	feature("filesRenamed", "1/min", "churn", 0.8, 2, "Files with another path"),
	feature("documentsDeleted", "1/min", "churn", 1, 1, "Documents that are gone"),
	feature("documentsRewritten", "1/min", "content", 0.8, 1, "Existing documents whose content changed"),
	feature("documentsLost", "count", "content", 2.5, 0.5, "Documents turned into random content or a foreign ending"),
	feature(
		"extensionChanges",
		"count",
		"content",
		1,
		1,
		"Renames that gave a file an extension that is not one of its usual ones",
	),
	feature("entropyAfter", "bits/byte", "content", 0.4, 1, "Entropy of what was written to files, mean over pages"),
	feature("entropyRise", "bits/byte", "content", 0.8, 0.5, "Rise in entropy of rewritten files, mean over files"),
	feature(
		"highEntropyShare",
		"share",
		"content",
		0.4,
		0.25,
		"Share of pages written to files at 7.5 bits a byte or more",
	),
	feature("highEntropyBytes", "bytes/min", "content", 0.5, 65536, "Bytes written to files at 7.5 bits a byte or more"),
	feature("systemFilesTouched", "count", "system", 0.8, 1, "Critical system files that changed in any way"),
	feature("executablesTouched", "1/min", "system", 0.6, 1, "Programs and libraries created, modified or renamed"),
	feature("logBytesGrown", "bytes/min", "log", 0.5, 16384, "Bytes appended to log files"),
	feature("largestLogGrowth", "bytes/min", "log", 0.5, 16384, "Bytes appended to the log file that grew most"),
	feature(
		"unattributedShare",
		"share",
		"volume",
		0.3,
		0.25,
		"Share of changed bytes in no file, directory or file system structure",
	),
] as const satisfies readonly FeatureDefinition[];

export type FeatureName = (typeof FEATURES)[number]["name"];
export type Features = Readonly<Record<FeatureName, number>>;

function feature<const N extends string>(
	name: N,
	unit: FeatureDefinition["unit"],
	group: FeatureDefinition["group"],
	weight: number,
	scale: number,
	description: string,
) {
	return { name, unit, group, weight, scale, description } as const;
}

/** A changeset's numbers, and what was found on the way that the triggers need too. */
export interface Assessment {
	readonly features: Features;
	readonly rewrites: readonly Rewrite[];
	readonly logs: readonly LogGrowth[];
	/** What the rates are per: minutes since the VM's previous changeset, at least `MIN_INTERVAL_SECONDS`. */
	readonly minutes: number;
}

/** Shorter intervals would turn one saved file into a burst. */
const MIN_INTERVAL_SECONDS = 10;

/**
 * @param files all file changes of the changeset, in any order.
 * @param elapsedSeconds since the VM's previous changeset.
 */
export function assess(
	changeset: ChangesetRecord,
	files: readonly FileChangeRecord[],
	elapsedSeconds: number,
): Assessment {
	const seconds = Number.isFinite(elapsedSeconds)
		? Math.max(elapsedSeconds, MIN_INTERVAL_SECONDS)
		: MIN_INTERVAL_SECONDS;
	const minutes = seconds / 60;
	const rewrites = findRewrites(files);
	const logs = growingLogs(files);
	const counts = countFiles(files);
	const disks = countDisks(changeset);
	const lost = rewrites.reduce((sum, rewrite) => sum + (rewrite.strong ? 1 : 0), 0);
	const features: Features = {
		changedBytes: disks.changed / minutes,
		filesModified: counts.modified / minutes,
		filesMetadata: counts.metadata / minutes,
		foldersTouched: counts.folders.size / minutes,
		filesCreated: counts.created / minutes,
		filesDeleted: counts.deleted / minutes,
		filesRenamed: counts.renamed / minutes,
		documentsDeleted: counts.documentsDeleted / minutes,
		documentsRewritten: counts.documentsRewritten / minutes,
		documentsLost: lost,
		extensionChanges: counts.extensionChanges,
		entropyAfter: ratio(counts.weightedEntropy, counts.pages),
		entropyRise: Math.max(0, ratio(counts.rise, counts.risen)),
		highEntropyShare: ratio(counts.highPages, counts.pages),
		highEntropyBytes: counts.highBytes / minutes,
		systemFilesTouched: counts.system,
		executablesTouched: counts.executables / minutes,
		logBytesGrown: logs.reduce((sum, log) => sum + log.bytes, 0) / minutes,
		largestLogGrowth: (logs[0]?.bytes ?? 0) / minutes,
		unattributedShare: ratio(disks.unattributed, disks.attributed),
	};
	return { features, rewrites, logs, minutes };
}

function countDisks(changeset: ChangesetRecord) {
	let changed = 0;
	let unattributed = 0;
	let attributed = 0;
	for (const disk of changeset.disks) {
		// A disk seen for the first time is its whole content, not a change.
		if (disk.mode === "first") continue;
		changed += amount(disk.changedBytes);
		attributed += amount(disk.attribution.total);
		unattributed += amount(disk.attribution.free) + amount(disk.attribution.unknown);
	}
	return { changed, unattributed, attributed };
}

function countFiles(files: readonly FileChangeRecord[]) {
	const counts = {
		modified: 0,
		metadata: 0,
		created: 0,
		deleted: 0,
		renamed: 0,
		transient: 0,
		documentsDeleted: 0,
		documentsRewritten: 0,
		extensionChanges: 0,
		system: 0,
		executables: 0,
		weightedEntropy: 0,
		pages: 0,
		highPages: 0,
		highBytes: 0,
		rise: 0,
		risen: 0,
		folders: new Set<string>(),
	};
	// Sums of floating-point numbers depend on their order; those of whole pages in 1/1024 bits are exact.
	const fixed = (bits: number) => Math.round(bits * 1024) / 1024;
	for (const file of files) {
		counts[file.change]++;
		if (file.change !== "metadata") counts.folders.add(`${file.disk}:${file.volume}:${folderOf(file.path)}`);
		if (file.type !== "file") continue;
		const document = isDocument(file.path);
		const bytes = Math.round(amount(file.changedBytes));
		if (criticalRule(file.path, file.change === "modified") !== undefined) counts.system++;
		if (file.change !== "deleted" && file.change !== "metadata" && isExecutable(file.path)) counts.executables++;
		if (file.change === "deleted" && document) counts.documentsDeleted++;
		if (file.change === "modified" && document) counts.documentsRewritten++;
		if (file.change === "renamed" && changesExtension(file)) counts.extensionChanges++;
		if (file.change === "deleted" || bytes === 0 || file.entropyAfter === null) continue;
		const entropy = Math.min(8, amount(file.entropyAfter));
		const pages = Math.ceil(bytes / PAGE_SIZE);
		counts.pages += pages;
		counts.weightedEntropy += fixed(entropy) * pages;
		if (isHighEntropy(entropy, file.sizeAfter)) {
			counts.highPages += pages;
			counts.highBytes += bytes;
		}
		const rise = file.change === "modified" || file.change === "renamed" ? entropyRise(file) : null;
		if (rise !== null && Number.isFinite(rise)) {
			counts.rise += fixed(rise);
			counts.risen++;
		}
	}
	return counts;
}

function changesExtension(file: FileChangeRecord): boolean {
	const old = file.oldPath ?? file.path;
	return extensionOf(old) !== extensionOf(file.path) && endingOf(file.path) !== "known" && endingOf(old) !== "unknown";
}

/** Larger than any disk, small enough that sums stay exact. */
const MAX_AMOUNT = 2 ** 44;

/** A count or size as it should be: finite and not negative. */
function amount(value: number): number {
	return value > 0 ? Math.min(value, MAX_AMOUNT) : 0;
}

function ratio(part: number, whole: number): number {
	return whole > 0 ? part / whole : 0;
}
