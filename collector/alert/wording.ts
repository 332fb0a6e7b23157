/** The sentences of an alert: read at 3 a.m. by someone who did not build any of this. */
import { formatBytes, formatTime } from "../../common/units.ts";
import type { ChangesetRecord, Contribution, Verdict } from "../catalog/records.ts";

/** How a feature reads in a sentence; what is not listed reads as its name. */
const PHRASES: Readonly<
	Record<string, { readonly unit: "bytes" | "count" | "bits" | "share"; readonly noun: string }>
> = {
	changedBytes: { unit: "bytes", noun: "changed a minute" },
	filesModified: { unit: "count", noun: "files modified a minute" },
	filesMetadata: { unit: "count", noun: "files with other permissions, owners or times a minute" },
	foldersTouched: { unit: "count", noun: "folders touched a minute" },
	filesCreated: { unit: "count", noun: "files created a minute" },
	filesDeleted: { unit: "count", noun: "files deleted a minute" },
	filesRenamed: { unit: "count", noun: "files renamed a minute" },
	documentsDeleted: { unit: "count", noun: "documents deleted a minute" },
	documentsRewritten: { unit: "count", noun: "documents rewritten a minute" },
	documentsLost: { unit: "count", noun: "documents turned into random content" },
	extensionChanges: { unit: "count", noun: "files given another extension" },
	entropyAfter: { unit: "bits", noun: "bits a byte of entropy in what was written" },
	entropyRise: { unit: "bits", noun: "bits a byte of entropy gained by rewritten files" },
	highEntropyShare: { unit: "share", noun: "of what was written looks random" },
	highEntropyBytes: { unit: "bytes", noun: "of random-looking content written a minute" },
	systemFilesTouched: { unit: "count", noun: "critical system files touched" },
	executablesTouched: { unit: "count", noun: "programs or libraries written a minute" },
	logBytesGrown: { unit: "bytes", noun: "of logs written a minute" },
	largestLogGrowth: { unit: "bytes", noun: "added a minute to one log" },
	unattributedShare: { unit: "share", noun: "of the changed bytes belongs to no file" },
};

/** Unusual features named in one sentence. */
const NAMED_FEATURES = 3;

export function anomalySummary(changeset: ChangesetRecord, verdict: Verdict): string {
	const reasons = verdict.contributions.slice(0, NAMED_FEATURES).map(comparison);
	const files = verdict.files.slice(0, 3).join(", ");
	const where = files === "" ? "" : ` Look at: ${files}.`;
	const count = `${changeset.fileCount} file${changeset.fileCount === 1 ? "" : "s"} changed`;
	return `${changeset.vm}: its disks change as they never did (score ${verdict.score.toFixed(2)}, ${count}): ${reasons.join("; ")}.${where}`;
}

function comparison({ feature, value, expected }: Contribution): string {
	const phrase = PHRASES[feature] ?? { unit: "count", noun: feature };
	return `${amount(value, phrase.unit)} ${phrase.noun} (usually ${amount(expected, phrase.unit)})`;
}

function amount(value: number, unit: "bytes" | "count" | "bits" | "share"): string {
	if (unit === "bytes") return formatBytes(Math.round(value));
	if (unit === "share") return `${Math.round(value * 100)} %`;
	if (unit === "bits") return value.toFixed(1);
	return value >= 10 ? String(Math.round(value)) : String(Math.round(value * 10) / 10);
}

/** What to do first about a cause, with commands ready to paste. */
export function mitigationOf(cause: string, changeset: ChangesetRecord): string {
	const vm = quoted(changeset.vm);
	const time = formatTime(BigInt(changeset.time));
	const disk = changeset.disks[0]?.disk ?? "DISK";
	const look = `umbra changes ${vm} --since ${time}`;
	const restore = `\`umbra points ${vm}\` lists the points; take the last one before ${time} and run \`umbra restore ${vm}@TIME ${quoted(disk)} OUT\``;
	switch (cause) {
		case "mass-rewrite":
			return `Cut ${changeset.vm} off the network and pause it now: every minute costs more files. Do not power it off, its memory may hold the key. Then: \`${look}\` shows every file that was hit; ${restore}.`;
		case "critical-file":
			return `Find out whether this change was planned. If nobody knows of it, treat ${changeset.vm} as broken into: cut it off the network and keep it running for evidence. \`${look}\` shows what else changed; \`umbra browse ${vm}@TIME\` shows the files as they were; ${restore}.`;
		case "log-growth":
			return `Read the end of the log: a program is failing over and over, or someone is being locked out. Stop its source or rotate the log before the volume is full. \`${look}\` shows whether it goes on.`;
		case "log-cleared":
			return `Ask who cleared it. If nobody did, treat ${changeset.vm} as broken into. The log as it was is still there: \`umbra points ${vm}\`, then \`umbra browse ${vm}@TIME\` with the last point before ${time}.`;
		default:
			return `Compare with what was planned for ${changeset.vm} (deployments, backups, migrations). If nothing was, \`${look}\` shows the files, and ${restore} brings back the state before.`;
	}
}

/** A name as a shell takes it: the guest's owner chose it, not we. */
function quoted(text: string): string {
	return /^[\w.@:/-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
