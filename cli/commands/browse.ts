/** `umbra browse VM@TIME [PATH]`: the files of a VM as they were, and with `--history` what became of one of them. */
import { createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { UmbraError } from "../../common/errors.ts";
import { formatBytes } from "../../common/units.ts";
import { actorsText } from "../causes.ts";
import { CollectorClient, type CollectorOptions, parseVmAtTime, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import type { HistoryOptions, PathVersion } from "../restore/path-history.ts";
import { table } from "../table.ts";
import { withOutput } from "./output.ts";
import { isoTime } from "./vms.ts";

interface NodeView {
	readonly name?: string;
	readonly type: string;
	readonly size: number;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly mtime: number;
	readonly problem?: string;
}

interface Listing {
	readonly time: string;
	readonly disk: string;
	readonly volume: string;
	readonly node: NodeView & { readonly target?: string };
	readonly entries?: readonly (NodeView & { readonly name: string })[];
	readonly next?: string | null;
}

interface Options extends CollectorOptions {
	readonly json?: true;
	readonly disk?: string;
	readonly volume?: string;
	readonly out?: string;
	readonly history?: true;
}

export function register(program: Command): void {
	withCollector(program.command("browse <vm@time> [path]"))
		.description("list a directory of a VM as it was; with --out, restore one file")
		.option("--disk <disk>", "which disk, where the VM has several; of a logical volume, the one on which it begins")
		.option("--volume <volume>", "which partition, or logical volume as in vg/lv, where there are several filesystems")
		.option("--out <file>", "write the file at PATH to this file (- for standard output)")
		.option("--history", "list every version of PATH that there was, up to TIME, also under former names")
		.option("--json", "one object a line")
		.action(async (target: string, path: string | undefined, options: Options) => {
			const client = await CollectorClient.from(options);
			const { vm, time } = parseVmAtTime(target);
			const query = { path: path ?? "/", disk: options.disk, volume: options.volume };
			if (options.history) {
				if (path === undefined)
					throw new UmbraError("bad-config", "--history wants a path: umbra browse VM /etc/hosts --history");
				await showHistory({ client, vm, time, ...query }, options.json === true);
				return;
			}
			if (options.out !== undefined) {
				const response = await client.fetch(vmPath(vm, "points", time, "content"), query);
				if (response.body === null) return;
				const sink = options.out === "-" ? process.stdout : createWriteStream(options.out, { flags: "wx" });
				await pipeline(Readable.fromWeb(response.body), sink, { end: options.out !== "-" });
				return;
			}
			await withOutput(async (output) => {
				let cursor: string | undefined;
				do {
					const page: Listing = await client.get(vmPath(vm, "points", time, "files"), { ...query, cursor });
					const rows = page.entries ?? [{ ...page.node, name: path ?? "/" }];
					if (options.json) for (const row of rows) await output.line(JSON.stringify(row));
					else {
						if (cursor === undefined) {
							await output.line(
								`${printable(vm)} at ${isoTime(page.time)}, disk ${page.disk}${page.volume === "" ? "" : ` volume ${page.volume}`}`,
							);
						}
						for (const line of describe(rows)) await output.line(line);
						if (page.node.target !== undefined) await output.line(`-> ${printable(page.node.target)}`);
					}
					cursor = page.next ?? undefined;
				} while (cursor !== undefined);
			});
		});
}

async function showHistory(wanted: HistoryOptions, json: boolean): Promise<void> {
	const { pathHistory } = await import("../restore/path-history.ts");
	const versions = await pathHistory(wanted);
	const { vm, path } = wanted;
	if (versions.length === 0) throw new UmbraError("not-found", `VM ${vm} had no ${path} at any point`);
	await withOutput(async (output) => {
		if (json) {
			for (const version of versions) await output.line(JSON.stringify(version));
			return;
		}
		for (const line of describeVersions(versions)) await output.line(line);
		await output.line(`${printable(`umbra restore ${vm}@TIME --path PATH OUT`)} gives one back`);
	});
}

function describeVersions(versions: readonly PathVersion[]): string[] {
	return table(versions, [
		{ title: "TIME", value: ({ time }) => isoTime(time) },
		{ title: "CHANGE", value: ({ change }) => (change === "first" ? "first seen" : change) },
		{ title: "SIZE", value: ({ size, isThere }) => (isThere ? formatBytes(size) : ""), right: true },
		{
			title: "CHANGED",
			value: ({ changedBytes }) => (changedBytes === null ? "?" : formatBytes(changedBytes)),
			right: true,
		},
		{
			title: "PATH",
			value: ({ path, oldPath, newPath, actors }) => {
				const names = [oldPath, path, newPath].filter((name) => name !== undefined).join(" -> ");
				const who = actorsText(actors);
				return `${printable(names)}${who === "" ? "" : `  (${who})`}`;
			},
		},
	]);
}

function describe(rows: readonly (NodeView & { readonly name: string })[]): string[] {
	return table(rows, [
		{ title: "MODE", value: ({ mode }) => (mode & 0o7777).toString(8).padStart(4, "0") },
		{ title: "OWNER", value: ({ uid, gid }) => `${uid}:${gid}` },
		{ title: "SIZE", value: ({ size, type }) => (type === "file" ? formatBytes(size) : type), right: true },
		{ title: "MODIFIED", value: ({ mtime }) => new Date(mtime * 1000).toISOString().slice(0, 19) },
		{
			title: "NAME",
			value: ({ name, type, problem }) =>
				`${printable(name)}${type === "dir" ? "/" : ""}${problem === undefined ? "" : ` (${printable(problem)})`}`,
		},
	]);
}
