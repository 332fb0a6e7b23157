/**
 * `metering/` turns what the collector knows (changesets, verdicts, alerts, agents, itself) into points of time series and writes
 * them to the series store. It decides nothing: neither what is abnormal nor who is told.
 *
 * This file: a changeset in points. Pure, so that the same changeset always gives the same points, and writing them twice
 * changes nothing.
 */
import type { FieldName, Point } from "../../common/measurements/measurements.ts";
import { point } from "../../common/measurements/measurements.ts";
import type { ChangesetRecord, FileChangeRecord, Verdict } from "../catalog/records.ts";
import type { FeatureName } from "../detect/features.ts";

/** Files told of one changeset: ranks `01` to `20`. */
export const HOT_FILES = 20;
/** Files named in one field. */
export const NAMED_FILES = 10;

/** What detection calls it, and what the series does: with its unit, as every field. */
const FEATURE_FIELDS: Readonly<Record<FeatureName, FieldName<"change">>> = {
	changedBytes: "rate_bytes_per_minute",
	filesModified: "files_modified_per_minute",
	filesMetadata: "files_metadata_per_minute",
	foldersTouched: "folders_touched_per_minute",
	filesCreated: "files_created_per_minute",
	filesDeleted: "files_deleted_per_minute",
	filesRenamed: "files_renamed_per_minute",
	documentsDeleted: "documents_deleted_per_minute",
	documentsRewritten: "documents_rewritten_per_minute",
	documentsLost: "documents_lost",
	extensionChanges: "extension_changes",
	entropyAfter: "entropy_after",
	entropyRise: "entropy_rise",
	highEntropyShare: "high_entropy_share",
	highEntropyBytes: "high_entropy_bytes_per_minute",
	systemFilesTouched: "system_files_touched",
	executablesTouched: "executables_touched_per_minute",
	logBytesGrown: "log_bytes_grown_per_minute",
	largestLogGrowth: "largest_log_growth_per_minute",
	unattributedShare: "unattributed_share",
};

/** `change`, `change_disk`, `vm_volume` and, with a verdict, `anomaly` and `trigger`. */
export function changesetPoints(changeset: ChangesetRecord): Point[] {
	const timeNs = BigInt(changeset.time);
	const tags = { host: changeset.host, vm: changeset.vm };
	const { verdict } = changeset;
	const points: (Point | null)[] = [changePoint(changeset, timeNs)];
	for (const disk of changeset.disks) {
		points.push(
			point("change_disk", { ...tags, disk: disk.disk }, timeNs, {
				changed_bytes: disk.changedBytes,
				read_bytes: disk.readBytes,
				dirty_bytes: disk.dirtyBytes,
				entropy_before: disk.entropyBefore ?? undefined,
				entropy_after: disk.entropyAfter ?? undefined,
				size_bytes: disk.sizeBytes,
			}),
		);
		for (const { id, usedBytes, freeBytes, files } of disk.volumes) {
			const size = usedBytes + freeBytes;
			// Swap and what cannot be read as a filesystem.
			if (size === 0) continue;
			points.push(
				point("vm_volume", { ...tags, disk: disk.disk, volume: volumeTag(id) }, timeNs, {
					size_bytes: size,
					used_bytes: usedBytes,
					free_bytes: freeBytes,
					used_percent: (usedBytes / size) * 100,
					files,
				}),
			);
		}
	}
	if (verdict !== null) points.push(...verdictPoints(changeset, verdict, timeNs));
	return points.filter((each) => each !== null);
}

/** `file_hot` of those that changed most, in any order given. */
export function hotFilePoints(changeset: ChangesetRecord, files: Iterable<FileChangeRecord>): Point[] {
	const hottest: FileChangeRecord[] = [];
	let total = 0;
	for (const file of files) {
		if (file.type !== "file" || file.changedBytes <= 0) continue;
		total += file.changedBytes;
		hottest.push(file);
		if (hottest.length >= 50 * HOT_FILES) keepHottest(hottest);
	}
	keepHottest(hottest);
	const { host, vm, time } = changeset;
	return hottest
		.map((file, at) =>
			point("file_hot", { host, vm, disk: file.disk, rank: String(at + 1).padStart(2, "0") }, BigInt(time), {
				path: file.path,
				change: file.change,
				owner: file.owner,
				changed_bytes: file.changedBytes,
				share: file.changedBytes / total,
				entropy_after: file.entropyAfter ?? undefined,
			}),
		)
		.filter((each) => each !== null);
}

/** Paths for a field: readable, and bounded. */
export function filesText(files: readonly string[], fileCount: number): string {
	const named = files.slice(0, NAMED_FILES);
	const more = fileCount - named.length;
	return [...named, ...(more > 0 ? [`and ${more} more`] : [])].join("\n");
}

function keepHottest(files: FileChangeRecord[]): void {
	files.sort((a, b) => b.changedBytes - a.changedBytes || (a.path < b.path ? -1 : 1));
	files.length = Math.min(files.length, HOT_FILES);
}

function changePoint({ host, vm, disks, fileCount, captureMs, pauseMs, verdict }: ChangesetRecord, timeNs: bigint) {
	// A disk seen for the first time is its whole content, not a change.
	const changed = disks.filter(({ mode }) => mode !== "first");
	const sum = (value: (disk: (typeof disks)[number]) => number) =>
		changed.reduce((total, disk) => total + value(disk), 0);
	const features = Object.entries(verdict?.features ?? {}).flatMap(([name, value]) => {
		const field = FEATURE_FIELDS[name as FeatureName] as FieldName<"change"> | undefined;
		return field === undefined ? [] : [[field, value]];
	});
	return point("change", { host, vm }, timeNs, {
		changed_bytes: sum(({ changedBytes }) => changedBytes),
		read_bytes: disks.reduce((total, { readBytes }) => total + readBytes, 0),
		file_bytes: sum(({ attribution }) => attribution.file),
		directory_bytes: sum(({ attribution }) => attribution.directory),
		journal_bytes: sum(({ attribution }) => attribution.journal),
		metadata_bytes: sum(({ attribution }) => attribution.metadata),
		free_bytes: sum(({ attribution }) => attribution.free),
		unknown_bytes: sum(({ attribution }) => attribution.unknown),
		files: fileCount,
		capture_ms: captureMs,
		pause_ms: pauseMs,
		...(Object.fromEntries(features) as Partial<Record<FieldName<"change">, number>>),
	});
}

function verdictPoints({ host, vm }: ChangesetRecord, verdict: Verdict, timeNs: bigint): (Point | null)[] {
	const { score, severity, learning, contributions, triggers, files } = verdict;
	const strongest = contributions[0];
	return [
		point("anomaly", { host, vm, severity }, timeNs, {
			score,
			learning: learning ? 1 : 0,
			feature: strongest?.feature,
			deviation: strongest?.deviation,
			triggers: triggers.length,
			files: filesText(files, files.length),
			file_count: files.length,
		}),
		...triggers.map((hit) =>
			point("trigger", { host, vm, trigger: hit.trigger, severity: hit.severity }, timeNs, {
				count: 1,
				file_count: hit.fileCount,
				summary: hit.summary,
				files: filesText(hit.files, hit.fileCount),
			}),
		),
	];
}

/** A tag cannot be empty: a filesystem on the whole disk has no number. */
function volumeTag(id: string): string {
	return id === "" ? "whole" : id;
}
