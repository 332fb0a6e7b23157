/** `umbra diff`: which files differ between two images, and by how much. */
import type { Command } from "commander";
import { UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";
import type { NamedSource } from "../../disk/disk.ts";
import type { ChangedPages, DiskChanges, FileChange } from "../../disk/map/map.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { printable } from "../printable.ts";
import { Progress } from "../progress.ts";
import { collect, IMAGE_HELP, openMachine, parseImageSpec, selectVolumes, warn } from "./image.ts";
import { type Output, withOutput } from "./output.ts";

interface Options {
	readonly json?: boolean;
	readonly withOld?: readonly string[];
	readonly withNew?: readonly string[];
}

export function register(program: Command): void {
	program
		.command("diff")
		.description("which files differ between two images, and by how much")
		.argument("<old>", "image file or NBD URI, with #N for one partition, #vg/lv for one logical volume")
		.argument("<new>", "the same disk later")
		.option("--json", "one JSON object a line")
		.option("--with-old <image>", "a further disk of the same VM, where volume groups span several", collect)
		.option("--with-new <image>", "that disk later; one for each --with-old, in the same order", collect)
		.addHelpText("after", IMAGE_HELP)
		.action((old: string, now: string, options: Options) =>
			withOutput((output, signal) => diff(old, now, options, output, signal)),
		);
}

async function diff(
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
	const { readMachineTree } = await import("../../disk/tree.ts");
	const { mapMachineChanges } = await import("../../disk/map/map.ts");
	await using opened = new AsyncDisposableStack();
	const before = await openSelected(old, withOld, opened, signal);
	const after = await openSelected(now, withNew, opened, signal);
	if (before.length !== after.length) {
		throw new UmbraError("bad-config", "one side names a volume and the other does not, beside further disks");
	}
	const pages = new Map<string, ChangedPages>();
	for (const [at, { name, source }] of after.entries()) {
		pages.set(name, await comparePagesShown(before[at]!.source, source, signal));
	}
	const oldTree = await readMachineTree(before, signal);
	const newTree = await readMachineTree(after, signal);
	for (const problem of oldTree.problems) warn(`${old}: ${problem}`);
	for (const problem of newTree.problems) warn(`${now}: ${problem}`);
	const changes = mapMachineChanges(oldTree, newTree, pages);
	for (const problem of changes.problems) warn(problem);
	const isPrefixed = (await countFilesystems(before, signal)) > 1 || (await countFilesystems(after, signal)) > 1;
	for (const { disk, volume, files } of changes.files) {
		// Partitions of further disks have numbers that the first one's have too.
		const place = disk === FIRST_DISK || volume.includes("/") ? "" : `/${disk}`;
		const prefix = isPrefixed ? `${place}${volume === "" ? "" : `/${volume}`}` : "";
		for (const change of files) {
			const written = output.line(json ? toJson(change, prefix) : toText(change, prefix));
			if (written !== undefined) await written;
		}
	}
	if (!json) await output.line(summarise(changes));
}

const FIRST_DISK = "disk1";

async function comparePagesShown(before: BlockSource, after: BlockSource, signal: AbortSignal): Promise<ChangedPages> {
	const { comparePages } = await import("../../disk/map/compare.ts");
	using progress = new Progress("comparing", Math.max(before.size, after.size));
	return await comparePages(before, after, { signal, onProgress: (done) => progress.at(done) });
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
): Promise<NamedSource[]> {
	const spec = await parseImageSpec(text);
	const sources = await openMachine(spec.image, others, opened, signal);
	if (spec.volume === undefined) return sources.map(({ source }, at) => ({ name: `disk${at + 1}`, source }));
	const { segmentSource } = await import("../../disk/segments.ts");
	const [selected] = await selectVolumes(sources, spec.volume, signal);
	const { volume } = selected!;
	// Says why, where it is not known where the volume lies.
	if (volume.segments.length === 0) await volume.open(signal);
	const disks = sources.map(({ source }) => source);
	return [{ name: FIRST_DISK, source: segmentSource(disks, volume.segments, text) }];
}

function toJson({ path, change, oldPath, sizeBefore, sizeAfter, changedBytes }: FileChange, prefix: string): string {
	const old = oldPath === undefined ? {} : { oldPath: prefix + oldPath };
	return JSON.stringify({ path: prefix + path, change, ...old, sizeBefore, sizeAfter, changedBytes });
}

function toText({ path, change, oldPath, sizeBefore, sizeAfter, changedBytes }: FileChange, prefix: string): string {
	const from = oldPath === undefined ? "" : ` (was ${printable(prefix + oldPath)})`;
	const size =
		sizeBefore === sizeAfter ? formatBytes(sizeAfter) : `${formatBytes(sizeBefore)} -> ${formatBytes(sizeAfter)}`;
	return `${change.padEnd(8)}  ${printable(prefix + path)}${from}  ${size}, ${formatBytes(changedBytes)} changed`;
}

function summarise({ files, attribution }: DiskChanges): string {
	const { total, ...parts } = attribution;
	const count = files.reduce((sum, volume) => sum + volume.files.length, 0);
	const shares = Object.entries(parts)
		.filter(([, bytes]) => bytes > 0)
		.map(([name, bytes]) => `${name} ${formatBytes(bytes)}`);
	return `${count} ${count === 1 ? "change" : "changes"}; ${formatBytes(total)} changed${shares.length > 0 ? `: ${shares.join(", ")}` : ""}`;
}
