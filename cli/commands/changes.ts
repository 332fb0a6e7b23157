/** `umbra changes VM`: what changed when, which files, and what it was judged to be. */
import type { Command } from "commander";
import type { ChangesetRecord, FileChangeRecord } from "../../collector/catalog/records.ts";
import { formatBytes } from "../../common/units.ts";
import { actorsText, packageLines, packageText, sessionLines } from "../causes.ts";
import { CollectorClient, type CollectorOptions, type Query, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { entropyText, paint, severityText, table } from "../table.ts";
import { rowLimit } from "../whole-number.ts";
import { type Output, withOutput } from "./output.ts";
import { isoTime } from "./vms.ts";

type ChangeView = ChangesetRecord & { readonly files?: readonly FileChangeRecord[] };

interface Options extends CollectorOptions {
	readonly json?: true;
	readonly path?: string;
	readonly since?: string;
	readonly limit: number;
	readonly follow?: true;
}

export function register(program: Command): void {
	withCollector(program.command("changes <vm>"))
		.description("the changesets of a VM with their files, newest first")
		.option("--path <path>", "only the history of this file")
		.option("--since <time>", "not before this time (ISO 8601)")
		.option("--limit <n>", "at most so many changesets", rowLimit, 20)
		.option("--follow", "oldest first, and then those that come, until Ctrl-C")
		.option("--json", "one changeset a line, with its files")
		.action(async (vm: string, options: Options) => {
			const client = await CollectorClient.from(options);
			const { follow, json, since, path, limit } = options;
			await withOutput(async (output, signal) => {
				const print = (change: ChangeView) => (json ? output.line(JSON.stringify(change)) : show(output, change));
				const list = (more: Query, most?: number) => {
					const query = { since, path, files: 1, ...more };
					return client.list<ChangeView>(vmPath(vm, "changes"), query, most, signal);
				};
				if (follow !== true) {
					for await (const change of list({ order: "newest" }, limit)) await print(change);
					return;
				}
				const { followList } = await import("../follow.ts");
				let last = since;
				await followList<ChangeView>({
					client,
					// Not when they come in: then they are not judged yet.
					query: { vm, type: "verdict" },
					signal,
					recent: async function* () {
						yield* (await Array.fromAsync(list({ order: "newest" }, limit))).reverse();
					},
					missed: () => list({ order: "oldest", since: last }),
					told: (data) => {
						const { time } = data as ChangesetRecord;
						return list({ order: "oldest", since: time, until: time });
					},
					// What was shown before it was judged is shown again.
					nameOf: ({ time, verdict }) => `${time} ${verdict !== null}`,
					show: async (change) => {
						last = change.time;
						await print(change);
						await output.flush();
					},
				});
			});
		});
}

const TIME_FROM: Readonly<Record<NonNullable<ChangesetRecord["imported"]>["timeFrom"], string>> = {
	snapshot: "as the image says",
	name: "by the date in its name",
	modified: "by when it was last written",
	given: "as it was given",
};

async function show(output: Output, change: ChangeView): Promise<void> {
	const { verdict, disks, fileCount, files = [] } = change;
	const changed = disks.reduce((sum, { changedBytes }) => sum + changedBytes, 0);
	const judged =
		verdict === null
			? "not judged yet"
			: verdict.learning
				? "learning"
				: `score ${verdict.score.toFixed(2)} ${severityText(verdict.severity)}`;
	await output.line(
		`${paint("bold", isoTime(change.time))}  ${formatBytes(changed)} changed, ${fileCount} files  ${judged}`,
	);
	if (change.imported !== undefined) {
		const { kind, name, timeFrom } = change.imported;
		await output.line(`  imported: ${kind} ${printable(name)}, time ${TIME_FROM[timeFrom]}`);
	}
	for (const disk of disks) {
		const { attribution: parts } = disk;
		const named =
			parts.total === 0 ? "" : `  (${share(parts.total - parts.unknown, parts.total)} attributed: ${describe(parts)})`;
		const why = disk.reason === "" ? "" : `: ${printable(disk.reason)}`;
		await output.line(`  ${printable(disk.disk)}: ${disk.mode}${why}${named}`);
		for (const problem of disk.problems) await output.line(`    ${paint("yellow", "!")} ${printable(problem)}`);
	}
	for (const line of [...sessionLines(change.sessions), ...packageLines(change.packages)])
		await output.line(`  ${line}`);
	for (const trigger of verdict?.triggers ?? []) {
		await output.line(`  ${severityText(trigger.severity)} ${trigger.trigger}: ${printable(trigger.summary)}`);
	}
	if (files.length === 0) return;
	const lines = table(files, [
		{ title: "    CHANGE", value: ({ change: kind }) => `    ${kind}` },
		{ title: "OWNER", value: ownerText },
		{
			title: "SIZE",
			value: ({ sizeBefore, sizeAfter }) => `${formatBytes(sizeBefore)} > ${formatBytes(sizeAfter)}`,
			right: true,
		},
		{ title: "CHANGED", value: ({ changedBytes }) => formatBytes(changedBytes), right: true },
		{
			title: "ENTROPY",
			value: ({ entropyBefore, entropyAfter }) => `${entropyText(entropyBefore)} > ${entropyText(entropyAfter)}`,
			right: true,
		},
		{ title: "PATH", value: pathText },
	]);
	for (const line of lines) await output.line(line);
	if (fileCount > files.length) await output.line(`    ... and ${fileCount - files.length} more`);
}

/** The path, and behind it what is known of how it came to change. */
function pathText({ change, path, oldPath, via = [], actors, package: owner }: FileChangeRecord): string {
	const former = oldPath === undefined ? via : [oldPath, ...via];
	const shown = printable((change === "deleted" ? [path, ...former] : [...former, path]).join(" -> "));
	const causes = [actorsText(actors), packageText(owner)].filter((text) => text !== "");
	return causes.length === 0 ? shown : `${shown}  (${causes.join("; ")})`;
}

/** Of what came and went, the owner is not known. */
function ownerText({ change, owner, uid }: FileChangeRecord): string {
	return change === "transient" ? "" : printable(owner === "" ? String(uid) : owner);
}

function share(part: number, total: number): string {
	return `${((100 * part) / total).toFixed(1)} %`;
}

function describe({
	file,
	directory,
	journal,
	metadata,
	free,
}: ChangesetRecord["disks"][number]["attribution"]): string {
	return Object.entries({ files: file, directories: directory, journal, metadata, "free space": free })
		.filter(([, bytes]) => bytes > 0)
		.map(([name, bytes]) => `${name} ${formatBytes(bytes)}`)
		.join(", ");
}
