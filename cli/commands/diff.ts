/** `umbra diff`: which files differ between two images, by how much, by whom, and which package update explains it. */
import type { Command } from "commander";
import type { PackageFileRecord } from "../../collector/catalog/records.ts";
import { UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";
import type { Causes, FileCauses } from "../../disk/causes.ts";
import type { NamedSource } from "../../disk/disk.ts";
import type { Ranges } from "../../disk/filesystem.ts";
import type { ChangedPages, DiskChanges, FileChange } from "../../disk/map/map.ts";
import type { Explanation } from "../../disk/packages/explain.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { actorsText, packageLines, packageText, sessionLines } from "../causes.ts";
import { type CollectorOptions, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { Progress } from "../progress.ts";
import { collect, IMAGE_HELP, openMachine, parseImageSpec, selectVolumes, warn } from "./image.ts";
import { type Output, withOutput } from "./output.ts";

interface Options extends CollectorOptions {
	readonly json?: boolean;
	readonly blocks?: boolean;
	readonly withOld?: readonly string[];
	readonly withNew?: readonly string[];
}

const CAUSES_HELP = `

Of a Linux guest with auditd, wtmp or a journal, and dpkg or rpm, it is told who changed a file and whether it is what its
package shipped; of a Windows volume, who owns it. The guest's own word is all that this rests on. Its root filesystem
has to be among the images.`;

const POINTS_HELP = `

Of a VM that a collector knows, two points are compared: umbra diff web1@2026-11-21T19:00:00Z web1@latest.`;

const HASHES_HELP = `

Where umbra scan has read both images and neither has changed since, only blocks with other hashes are read again.`;

export function register(program: Command): void {
	withCollector(program.command("diff"))
		.description(
			"which files differ between two images or points, by how much, by whom, and which package update explains it",
		)
		.argument(
			"<old>",
			"image file, NBD URI, or VM@TIME, with #N for one partition of an image, #vg/lv for one logical volume",
		)
		.argument("<new>", "the same disk, or VM, later")
		.argument("[disk]", "of points, only this disk")
		.option("--blocks", "of points, which ranges of their disks differ, instead of which files")
		.option("--json", "one JSON object a line")
		.option("--with-old <image>", "a further disk of the same VM, where volume groups span several", collect)
		.option("--with-new <image>", "that disk later; one for each --with-old, in the same order", collect)
		.addHelpText("after", `${IMAGE_HELP}${POINTS_HELP}${CAUSES_HELP}${HASHES_HELP}`)
		.action((old: string, now: string, disk: string | undefined, options: Options) =>
			withOutput(async (output, signal) => {
				const { diffPoints, isPoint } = await import("./diff-points.ts");
				const { json = false, blocks = false } = options;
				if ((await isPoint(old)) && (await isPoint(now))) {
					await diffPoints(old, now, { ...options, json, blocks, disk }, output, signal);
				} else if (blocks || disk !== undefined) {
					throw new UmbraError(
						"bad-config",
						`${disk ?? "--blocks"} is for two points, VM@TIME; wanted two images alone`,
					);
				} else await diffImages(old, now, options, output, signal);
			}),
		);
}

export async function diffImages(
	old: string,
	now: string,
	{ json = false, withOld = [], withNew = [] }: Options,
	output: Output,
	signal: AbortSignal,
): Promise<void> {
	if (withOld.length !== withNew.length) {
		throw new UmbraError("bad-config", `${withOld.length} times --with-old, ${withNew.length} times --with-new`, {
			hint: "each further disk is given twice: as it was and as it is",
		});
	}
	await using opened = new AsyncDisposableStack();
	const before = await openSelected(old, withOld, opened, signal);
	const after = await openSelected(now, withNew, opened, signal);
	if (before.length !== after.length) {
		throw new UmbraError("bad-config", "one side names a volume and the other does not, beside further disks");
	}
	const within = (at: number) => differing(before[at]!.image, after[at]!.image);
	await showDiff({ old, now, before, after, within }, json, output, signal);
}

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

const FIRST_DISK = "disk1";

/** A disk, and the image that it is all of: of a volume alone no block hashes are kept. */
interface DiffSource extends NamedSource {
	readonly image?: string;
}

/** Where two images differ, by the hashes that `umbra scan` kept of both; undefined where they have to be read. */
async function differing(before: string | undefined, after: string | undefined): Promise<Ranges | undefined> {
	if (before === undefined || after === undefined) return undefined;
	const { differingBlocks, knownBlockNames } = await import("../block-names.ts");
	const [old, now] = await Promise.all([knownBlockNames(before), knownBlockNames(after)]);
	return old === undefined || now === undefined ? undefined : differingBlocks(old, now);
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

/** The disks of one side, "disk1" and so on; where the spec names a volume, that volume alone. */
async function openSelected(
	text: string,
	others: readonly string[],
	opened: AsyncDisposableStack,
	signal: AbortSignal,
): Promise<DiffSource[]> {
	const spec = await parseImageSpec(text);
	const sources = await openMachine(spec.image, others, opened, signal);
	if (spec.volume === undefined) {
		return sources.map(({ name, source }, at) => ({ name: `disk${at + 1}`, source, image: name }));
	}
	const { segmentSource } = await import("../../disk/segments.ts");
	const [selected] = await selectVolumes(sources, spec.volume, signal);
	const { volume } = selected!;
	// Says why, where it is not known where the volume lies.
	if (volume.segments.length === 0) await volume.open(signal);
	const disks = sources.map(({ source }) => source);
	return [{ name: FIRST_DISK, source: segmentSource(disks, volume.segments, text) }];
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
