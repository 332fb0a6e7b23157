/**
 * `umbra restore VM@TIME DISK OUT`: a whole disk as it was, to a sparse raw file or a qcow2 image, proved by its Merkle root.
 * `umbra restore VM@TIME --path PATH OUT`: a file or folder of it, with owners, modes, times and links.
 */
import type { Command } from "commander";
import { UmbraError } from "../../common/errors.ts";
import { formatBytes, formatDuration } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, parseVmAtTime, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import type { DiskFormat } from "../restore/layout.ts";
import type { RestoreTreeResult } from "../restore/tree.ts";
import { isoTime } from "./vms.ts";

interface Options extends CollectorOptions {
	readonly force?: true;
	readonly json?: true;
	readonly format?: string;
	readonly path?: string;
	readonly disk?: string;
	readonly volume?: string;
}

/** Of what could not be restored; `--json` has all. */
const SHOWN_FAILURES = 50;

export function register(program: Command): void {
	withCollector(program.command("restore <vm@time> <disk-or-out> [out]"))
		.usage("<vm@time> <disk> <out>\n       umbra restore <vm@time> --path <path> <out>")
		.description("write a disk as it was to a raw file or a qcow2 image, or with --path a file or folder of it")
		.option("--format <format>", "of a disk: raw, or qcow2 (the default where OUT ends in .qcow2)")
		.option("--path <path>", "restore this file or folder to OUT, with owners, modes, times and links")
		.option("--disk <disk>", "which disk, where the VM has several; of a logical volume, the one on which it begins")
		.option("--volume <volume>", "which partition, or logical volume as in vg/lv, where there are several filesystems")
		.option("--force", "replace OUT where it exists; begin anew where a restore was interrupted")
		.option("--json", "the result as one object")
		.action(async (target: string, first: string, second: string | undefined, options: Options) => {
			const [disk, out] = second === undefined ? [options.disk, first] : [first, second];
			if (options.path === undefined) await restoreDiskTo(target, disk, out, options);
			else if (second === undefined) await restorePathTo(target, options.path, out, options);
			else throw new UmbraError("bad-config", `with --path, the disk is named by --disk: --disk ${disk}`);
		});
}

async function restoreDiskTo(target: string, disk: string | undefined, out: string, options: Options): Promise<void> {
	if (disk === undefined) {
		throw new UmbraError("bad-config", "name the disk, or --path of a file or folder", {
			hint: "umbra restore VM@TIME DISK OUT, or umbra restore VM@TIME --path /etc OUT",
		});
	}
	if (options.volume !== undefined) throw new UmbraError("bad-config", "--volume goes with --path");
	const { restoreDisk } = await import("../restore/disk.ts");
	const { stopSignal } = await import("../../common/lifecycle.ts");
	const client = await CollectorClient.from(options);
	const start = performance.now();
	const format = formatOf(options.format, out);
	const force = options.force === true;
	const result = await restoreDisk({
		client,
		...parseVmAtTime(target),
		disk,
		out,
		format,
		force,
		signal: stopSignal(),
	});
	if (options.json) {
		console.log(JSON.stringify(result));
		return;
	}
	const took = formatDuration(performance.now() - start);
	const kept = result.keptBytes === 0 ? "" : `, ${formatBytes(result.keptBytes)} of it there already`;
	console.log(
		`${disk} as of ${isoTime(result.time)}: ${formatBytes(result.sizeBytes)} (${formatBytes(result.dataBytes)} of data${kept}) in ${took}, root ${result.root} verified`,
	);
}

async function restorePathTo(target: string, path: string, out: string, options: Options): Promise<void> {
	if (options.format !== undefined) throw new UmbraError("bad-config", "--format goes with a disk, not with --path");
	if (!path.startsWith("/")) {
		throw new UmbraError("bad-config", `--path: ${path} is not absolute; wanted one such as /etc`);
	}
	const { restoreTree } = await import("../restore/tree.ts");
	const { stopSignal } = await import("../../common/lifecycle.ts");
	const client = await CollectorClient.from(options);
	const start = performance.now();
	const { disk, volume } = options;
	const force = options.force === true;
	const wanted = { client, ...parseVmAtTime(target), path, disk, volume, out, force, signal: stopSignal() };
	const result = await restoreTree(wanted);
	if (result.failed.length > 0) process.exitCode = 1;
	if (options.json) console.log(JSON.stringify(result));
	else report(result, out, formatDuration(performance.now() - start));
}

function report(result: RestoreTreeResult, out: string, took: string): void {
	const { time, path, disk, volume, files, folders, symlinks, hardLinks, special, bytes, failed, warnings } = result;
	const counts = [
		[files, "file", "files"],
		[folders, "folder", "folders"],
		[symlinks, "symlink", "symlinks"],
		[hardLinks, "hard link", "hard links"],
		[special, "special file", "special files"],
	] as const;
	const parts = counts
		.filter(([count]) => count > 0)
		.map(([count, one, many]) => `${count} ${count === 1 ? one : many}`);
	const where = `disk ${printable(disk)}${volume === "" ? "" : ` volume ${printable(volume)}`}`;
	console.log(
		`${printable(path)} on ${where} as of ${isoTime(time)}: ${parts.join(", ") || "nothing"}, ${formatBytes(bytes)} in ${took}`,
	);
	for (const warning of warnings) console.error(`warning: ${printable(warning)}`);
	if (!result.ownersSet)
		console.error("warning: owners were not set, nor were files made that run as them; root can do that");
	if (result.guarded) {
		console.error(`warning: ${out} is for root alone, as there are devices in it or files that run as their owner`);
	}
	for (const { path: lost, problem } of failed.slice(0, SHOWN_FAILURES))
		console.error(`failed: ${printable(lost)}: ${printable(problem)}`);
	if (failed.length > SHOWN_FAILURES)
		console.error(`... and ${failed.length - SHOWN_FAILURES} more; --json lists them all`);
}

function formatOf(format: string | undefined, out: string): DiskFormat {
	const wanted = format ?? (out.endsWith(".qcow2") ? "qcow2" : "raw");
	if (wanted === "raw" || wanted === "qcow2") return wanted;
	throw new UmbraError("bad-config", `--format: ${wanted}; wanted raw or qcow2`);
}
