/**
 * `critical-file`: a file on which the system's integrity rests was created, modified, deleted or renamed, or its mode or
 * owner changed; or a program with root's setuid bit appeared where none belongs.
 *
 * Package managers do all of that for a living. What they replace (programs, libraries, kernels, units) while
 * their own database changes is reported as `info`. Credentials stay a warning even then: installing a package may
 * add a system user, but nobody should add one unseen. An intruder who is root can fake a package run; the hit is
 * on record all the same. Where the agent could compare a file with what its package shipped, that decides: content
 * that no package shipped is not explained by a package run.
 */
import type { FileChangeRecord, Severity, TriggerHit } from "../../catalog/records.ts";
import { criticalRule, isPackageDatabase, isUntrustedFolder } from "../paths.ts";
import { list, MAX_CULPRITS, plural, type TriggerInput } from "./trigger.ts";

/** A package run spans captures: what its last one left unexplained within this many seconds belongs to it. */
const PACKAGE_RUN_SECONDS = 600;
const S_ISUID = 0o4000;

const RANK: Readonly<Record<Severity, number>> = { info: 0, warning: 1, critical: 2 };

interface Finding {
	readonly path: string;
	readonly severity: Severity;
	readonly explained: boolean;
	readonly text: string;
}

export function criticalFiles(input: TriggerInput): { hits: TriggerHit[]; packageRun: number } {
	const { files, memory, time } = input;
	const running = files.some((file) => file.change !== "metadata" && isPackageDatabase(file.path));
	const packageRun = running ? time : memory.packageRun;
	const explained = packageRun > 0 && time >= packageRun && time - packageRun <= PACKAGE_RUN_SECONDS;
	const findings = files.map((file) => find(file, explained)).filter((finding) => finding !== undefined);
	findings.sort((a, b) => RANK[b.severity] - RANK[a.severity] || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
	// What the package manager explains must not hide among what it does not, nor the other way round.
	const open = findings.filter((finding) => finding.severity !== "info");
	const hits = [open, findings.filter((finding) => finding.severity === "info")]
		.filter((group) => group.length > 0)
		.map(hitOf);
	return { hits, packageRun };
}

function find(file: FileChangeRecord, packageRun: boolean): Finding | undefined {
	if (file.type === "dir") return undefined;
	const inPlace = file.change === "modified";
	const paths = file.change === "renamed" && file.oldPath !== undefined ? [file.path, file.oldPath] : [file.path];
	for (const path of paths) {
		const rule = criticalRule(path, inPlace);
		if (rule === undefined) continue;
		const setuid = file.change === "metadata" && isRootSetuid(file);
		const severity = setuid ? "critical" : rule.severity;
		const explained = isExplained(file, packageRun);
		const settled: Severity = !explained ? severity : rule.packaged ? "info" : "warning";
		const what = setuid ? `${rule.what}, runs as root` : rule.what;
		return { path, severity: settled, explained, text: `${path} (${what}) ${verb(file)}${culprit(file)}` };
	}
	if (isRootSetuid(file) && file.change !== "deleted" && isUntrustedFolder(file.path)) {
		const text = `${file.path} (program that runs as root, in a user's folder) ${verb(file)}`;
		return { path: file.path, severity: "critical", explained: false, text };
	}
	return undefined;
}

function isExplained(file: FileChangeRecord, packageRun: boolean): boolean {
	if (file.package?.explained === true) return true;
	return packageRun && file.package?.state !== "modified" && !isOddForPackages(file);
}

/** Who did it, where the guest's own logs tell. */
function culprit({ actors, package: owner }: FileChangeRecord): string {
	const [actor] = actors ?? [];
	const who = actor === undefined ? "" : actor.user || actor.account;
	const what = actor === undefined ? "" : actor.executable || actor.process;
	const by = who === "" && what === "" ? "" : ` by ${who || "?"}${what === "" ? "" : ` with ${what}`}`;
	return owner?.state === "modified" ? `${by}, not what ${owner.name} ${owner.version} shipped` : by;
}

/** Packages install files of root's; others under a system path came from elsewhere. */
function isOddForPackages(file: FileChangeRecord): boolean {
	return file.uid !== 0 && !file.path.toLowerCase().startsWith("/windows/");
}

function isRootSetuid(file: FileChangeRecord): boolean {
	return file.type === "file" && file.uid === 0 && (file.mode & S_ISUID) !== 0;
}

function verb(file: FileChangeRecord): string {
	if (file.change === "renamed") return `renamed from ${file.oldPath ?? "?"} to ${file.path}`;
	if (file.change === "metadata")
		return `given mode ${(file.mode & 0o7777).toString(8)}, owner ${file.owner || file.uid}`;
	return file.change;
}

function hitOf(findings: readonly Finding[]): TriggerHit {
	const worst = findings[0] as Finding;
	const count = plural(findings.length, "critical system file");
	const reason = findings.every((finding) => finding.explained) ? " while a package manager was at work" : "";
	const first = list(
		findings.map((finding) => finding.text),
		3,
	);
	return {
		trigger: "critical-file",
		severity: worst.severity,
		summary: `${count} changed${reason}: ${first}.`,
		files: findings.slice(0, MAX_CULPRITS).map((finding) => finding.path),
		fileCount: findings.length,
		features: { files: findings.length, packageRun: reason === "" ? 0 : 1 },
	};
}
