/** What differs between two states of a machine, told file by file: for `umbra diff`, of images and of points alike. */
import type { PackageFileRecord } from "../../collector/catalog/records.ts";
import { formatBytes } from "../../common/units.ts";
import type { Causes, FileCauses } from "../../disk/causes.ts";
import type { NamedSource } from "../../disk/disk.ts";
import type { Ranges } from "../../disk/filesystem.ts";
import type { ChangedPages, DiskChanges, FileChange } from "../../disk/map/map.ts";
import type { Explanation } from "../../disk/packages/explain.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { actorsText, packageLines, packageText, sessionLines } from "../causes.ts";
import { warn } from "../commands/image.ts";
import type { Output } from "../commands/output.ts";
import { printable } from "../printable.ts";
import { Progress } from "../progress.ts";

/** Two states of a machine, disk by disk in one order. */
export interface DiffSides {
	/** For people. */
	readonly old: string;
	readonly now: string;
	/** Disks of one place have one name. */
	readonly before: readonly NamedSource[];
	readonly after: readonly NamedSource[];
	/** Where the disks of one place can differ; undefined where they have to be read to find out. */
	within(at: number): Promise<Ranges | undefined>;
}

export async function showDiff(
	{ old, now, before, after, within }: DiffSides,
	json: boolean,
	output: Output,
	signal: AbortSignal,
): Promise<void> {
	const { readMachineTree } = await import("../../disk/tree.ts");
	const { mapMachineChanges } = await import("../../disk/map/map.ts");
	const pages = new Map<string, ChangedPages>();
	for (const [at, { name, source }] of after.entries()) {
		pages.set(name, await comparePagesShown(before[at]!.source, source, await within(at), signal));
	}
	const oldTree = await readMachineTree(before, signal);
	const newTree = await readMachineTree(after, signal);
	for (const problem of oldTree.problems) warn(`${old}: ${problem}`);
	for (const problem of newTree.problems) warn(`${now}: ${problem}`);
	const { withJournals } = await import("../../disk/journals.ts");
	const mapped = mapMachineChanges(oldTree, newTree, pages);
	const journaled = await withJournals(mapped.files, oldTree, newTree, after, signal);
	const changes = { ...mapped, files: journaled.files };
	for (const problem of [...changes.problems, ...journaled.problems]) warn(problem);
	const { changeInterval, findCauses } = await import("../../disk/causes.ts");
	const interval = changeInterval(oldTree, newTree, changes.files);
	const causes = await findCauses({ files: changes.files, interval, before, after, signal });
	for (const problem of causes.problems) warn(`${now}: ${problem}`);
	const isPrefixed = (await countFilesystems(before, signal)) > 1 || (await countFilesystems(after, signal)) > 1;
	for (const { disk, volume, files } of changes.files) {
		// Partitions of further disks have numbers that the first one's have too.
		const place = disk === after[0]?.name || volume.includes("/") ? "" : `/${disk}`;
		const prefix = isPrefixed ? `${place}${volume === "" ? "" : `/${volume}`}` : "";
		for (const change of files) {
			const why = causes.files.get(change);
			const written = output.line(json ? toJson(change, prefix, why) : toText(change, prefix, why));
			if (written !== undefined) await written;
		}
	}
	if (json) return;
	for (const line of guestLines(causes)) await output.line(line);
	await output.line(summarise(changes));
}

async function comparePagesShown(
	before: BlockSource,
	after: BlockSource,
	within: Ranges | undefined,
	signal: AbortSignal,
): Promise<ChangedPages> {
	const { comparePages } = await import("../../disk/map/compare.ts");
	const what = within === undefined ? "comparing" : "comparing what has other hashes";
	using progress = new Progress(what, Math.max(before.size, after.size));
	const onProgress = (done: number): void => progress.at(done);
	return await comparePages(before, after, { signal, onProgress, ...(within === undefined ? {} : { within }) });
}

async function countFilesystems(sources: readonly NamedSource[], signal: AbortSignal): Promise<number> {
	const { openDisks } = await import("../../disk/disk.ts");
	return (await openDisks(sources, signal)).volumes.filter(({ isFilesystem }) => isFilesystem).length;
}

function toJson(file: FileChange, prefix: string, why: FileCauses | undefined): string {
	const { path, change, oldPath, via, sizeBefore, sizeAfter, changedBytes, owner } = file;
	return JSON.stringify({
		path: prefix + path,
		change,
		...(oldPath === undefined ? {} : { oldPath: prefix + oldPath }),
		...(via === undefined ? {} : { via: via.map((each) => prefix + each) }),
		sizeBefore,
		sizeAfter,
		changedBytes,
		...(owner === "" ? {} : { owner }),
		...(why === undefined || why.actors.length === 0 ? {} : { actors: why.actors }),
		...(why?.package === undefined ? {} : { package: packageRecord(why.package) }),
	});
}

function toText(file: FileChange, prefix: string, why: FileCauses | undefined): string {
	const { path, change, oldPath, via = [], sizeBefore, sizeAfter, changedBytes, owner, uid } = file;
	const former = [...(oldPath === undefined ? [] : [oldPath]), ...via].map((each) => printable(prefix + each));
	const from = former.length === 0 ? "" : ` (${change === "deleted" ? "then" : "was"} ${former.join(", then ")})`;
	if (change === "transient") return `${change}  ${printable(prefix + path)}${from}  came and went${causesText(why)}`;
	const size =
		sizeBefore === sizeAfter ? formatBytes(sizeAfter) : `${formatBytes(sizeBefore)} -> ${formatBytes(sizeAfter)}`;
	return `${change.padEnd(8)}  ${printable(prefix + path)}${from}  ${size}, ${formatBytes(changedBytes)} changed, owner ${printable(owner === "" ? String(uid) : owner)}${causesText(why)}`;
}

function causesText(why: FileCauses | undefined): string {
	if (why === undefined) return "";
	const owner = why.package === undefined ? "" : packageText(packageRecord(why.package));
	const texts = [actorsText(why.actors), owner].filter((text) => text !== "");
	return texts.length === 0 ? "" : `  (${texts.join("; ")})`;
}

function packageRecord({ package: owner, event, state, explained }: Explanation): PackageFileRecord {
	return { name: owner.name, version: owner.version, event: event ?? "", state, explained };
}

/** Who was there and what was installed. */
function guestLines({ sessions, packages }: Causes): string[] {
	const changed = packages.map(({ key, before, after }) => ({ package: key, before, after }));
	const logins = sessions.map((session) => ({ ...session, to: session.to ?? null }));
	return [...sessionLines(logins), ...packageLines(changed)];
}

function summarise({ files, attribution }: DiskChanges): string {
	const { total, ...parts } = attribution;
	const count = files.reduce((sum, volume) => sum + volume.files.length, 0);
	const shares = Object.entries(parts)
		.filter(([, bytes]) => bytes > 0)
		.map(([name, bytes]) => `${name} ${formatBytes(bytes)}`);
	return `${count} ${count === 1 ? "change" : "changes"}; ${formatBytes(total)} changed${shares.length > 0 ? `: ${shares.join(", ")}` : ""}`;
}
