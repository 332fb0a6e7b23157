/** `umbra diff`: which files differ between two images, and by how much. */
import type { Command } from "commander";
import { formatBytes } from "../../common/units.ts";
import type { ChangedPages, DiskChanges, FileChange } from "../../disk/map/map.ts";
import type { BlockSource } from "../../disk/source/source.ts";
import { printable } from "../printable.ts";
import { Progress } from "../progress.ts";
import { IMAGE_HELP, openCached, parseImageSpec, selectVolumes, warn } from "./image.ts";
import { type Output, withOutput } from "./output.ts";

export function register(program: Command): void {
	program
		.command("diff")
		.description("which files differ between two images, and by how much")
		.argument("<old>", "image file or NBD URI, with #N for one partition")
		.argument("<new>", "the same disk later")
		.option("--json", "one JSON object a line")
		.addHelpText("after", IMAGE_HELP)
		.action((old: string, now: string, options: { json?: boolean }) =>
			withOutput((output, signal) => diff(old, now, options.json === true, output, signal)),
		);
}

async function diff(old: string, now: string, json: boolean, output: Output, signal: AbortSignal): Promise<void> {
	const { readDiskTree } = await import("../../disk/tree.ts");
	const { mapChanges } = await import("../../disk/map/map.ts");
	await using opened = new AsyncDisposableStack();
	const before = await openSelected(old, opened, signal);
	const after = await openSelected(now, opened, signal);
	const pages = await comparePagesShown(before, after, signal);
	const oldTree = await readDiskTree(before, signal);
	const newTree = await readDiskTree(after, signal);
	for (const problem of oldTree.problems) warn(`${old}: ${problem}`);
	for (const problem of newTree.problems) warn(`${now}: ${problem}`);
	const changes = mapChanges(oldTree, newTree, pages);
	for (const problem of changes.problems) warn(problem);
	const isPrefixed = (await countFilesystems(before, signal)) > 1 || (await countFilesystems(after, signal)) > 1;
	for (const { volume, files } of changes.files) {
		const prefix = isPrefixed ? `/${volume}` : "";
		for (const change of files) {
			const written = output.line(json ? toJson(change, prefix) : toText(change, prefix));
			if (written !== undefined) await written;
		}
	}
	if (!json) await output.line(summarise(changes));
}

async function comparePagesShown(before: BlockSource, after: BlockSource, signal: AbortSignal): Promise<ChangedPages> {
	const { comparePages } = await import("../../disk/map/compare.ts");
	using progress = new Progress("comparing", Math.max(before.size, after.size));
	return await comparePages(before, after, { signal, onProgress: (done) => progress.at(done) });
}

async function countFilesystems(source: BlockSource, signal: AbortSignal): Promise<number> {
	const { openDisk } = await import("../../disk/disk.ts");
	return (await openDisk(source, signal)).volumes.filter(({ isFilesystem }) => isFilesystem).length;
}

/** The whole disk, or the one volume that the spec names. */
async function openSelected(text: string, opened: AsyncDisposableStack, signal: AbortSignal): Promise<BlockSource> {
	const spec = await parseImageSpec(text);
	const source = opened.use(await openCached(spec.image, signal));
	if (spec.volume === undefined) return source;
	const { sliceSource } = await import("../../disk/source/slice.ts");
	const [selected] = await selectVolumes(source, spec.volume, signal);
	const { offset, length } = selected!.volume;
	return sliceSource(source, offset, length, text);
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
