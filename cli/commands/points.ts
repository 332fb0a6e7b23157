/** `umbra points VM`: the states of a VM that can be browsed and restored. */
import type { Command } from "commander";
import type { Severity } from "../../collector/catalog/records.ts";
import { formatBytes } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { type Column, severityText, table } from "../table.ts";
import { rowLimit } from "../whole-number.ts";
import { withOutput } from "./output.ts";
import { isoTime } from "./vms.ts";

interface PointView {
	readonly time: string;
	readonly consistency: string;
	readonly fileCount: number;
	readonly disks: readonly {
		readonly disk: string;
		readonly root: string;
		readonly mode: string;
		readonly changedBytes: number;
	}[];
	readonly score: number | null;
	readonly severity: Severity | null;
	readonly imported?: { readonly kind: string; readonly name: string };
}

interface Options extends CollectorOptions {
	readonly json?: true;
	readonly since?: string;
	readonly limit: number;
}

export function register(program: Command): void {
	withCollector(program.command("points <vm>"))
		.description("the points of a VM, newest first")
		.option("--since <time>", "not before this time (ISO 8601)")
		.option("--limit <n>", "at most so many", rowLimit, 50)
		.option("--json", "one object a line")
		.action(async (vm: string, options: Options) => {
			const client = await CollectorClient.from(options);
			const query = { since: options.since, order: "newest" };
			const points = await Array.fromAsync(client.list<PointView>(vmPath(vm, "points"), query, options.limit));
			await withOutput(async (output) => {
				if (options.json) {
					for (const point of points) await output.line(JSON.stringify(point));
					return;
				}
				const lines = table(points, [
					{ title: "TIME", value: ({ time }) => isoTime(time) },
					{ title: "MODE", value: modeOf },
					{
						title: "CHANGED",
						value: ({ disks }) => formatBytes(disks.reduce((sum, { changedBytes }) => sum + changedBytes, 0)),
						right: true,
					},
					{ title: "FILES", value: ({ fileCount }) => String(fileCount), right: true },
					{ title: "SCORE", value: ({ score }) => (score === null ? "-" : score.toFixed(2)), right: true },
					{ title: "SEVERITY", value: ({ severity }) => severityText(severity) },
					{
						title: "ROOTS",
						value: ({ disks }) => disks.map(({ disk, root }) => `${printable(disk)}=${root.slice(0, 12)}`).join(" "),
					},
					...(points.some(({ imported }) => imported !== undefined) ? [ORIGIN] : []),
				]);
				for (const line of lines) await output.line(line);
			});
		});
}

/** Shown where there is any. */
const ORIGIN: Column<PointView> = {
	title: "IMPORTED FROM",
	value: ({ imported }) => (imported === undefined ? "" : `${imported.kind} ${printable(imported.name)}`),
};

function modeOf({ disks, imported }: PointView): string {
	return imported === undefined ? [...new Set(disks.map(({ mode }) => mode))].join(",") : "import";
}
