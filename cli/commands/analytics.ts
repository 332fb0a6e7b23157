/** `umbra analytics`: the history as Parquet files, and SQL over them. */
import type { Command } from "commander";
import { UmbraError } from "../../common/errors.ts";
import { CollectorClient, type CollectorOptions, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";
import { withOutput } from "./output.ts";

/** Rows that are laid out as one table; what comes behind them is told apart by a heading of its own. */
const PAGE_ROWS = 10_000;
const REPORT_MS = 5_000;

export function register(program: Command): void {
	const analytics = program
		.command("analytics")
		.description("the history of all VMs as Parquet files, and SQL over them");
	withCollector(analytics.command("export <folder>"))
		.description("write what the collector knows to Parquet files in FOLDER; run again, it adds what is new")
		.option("--vm <name...>", "only these VMs")
		.option("--since <time>", "from this time on, instead of where FOLDER ends")
		.option("--json", "the result as one object")
		.action(
			async (
				folder: string,
				options: CollectorOptions & {
					readonly vm?: readonly string[];
					readonly since?: string;
					readonly json?: true;
				},
			) => {
				const { exportHistory } = await import("../analytics/export.ts");
				const { stopSignal } = await import("../../common/lifecycle.ts");
				const client = await CollectorClient.from(options);
				let reported = performance.now();
				const result = await exportHistory({
					client,
					folder,
					vms: options.vm ?? [],
					...(options.since === undefined ? {} : { since: options.since }),
					signal: stopSignal(),
					onProgress: (vm, { changesets, fileChanges }) => {
						if (performance.now() - reported < REPORT_MS) return;
						reported = performance.now();
						process.stderr.write(`${printable(vm)}: ${changesets} changesets, ${fileChanges} file changes so far\n`);
					},
				});
				const { vms, changesets, fileChanges, alerts } = result;
				console.log(
					options.json
						? JSON.stringify(result)
						: `${vms} VMs, ${changesets} changesets, ${fileChanges} file changes, ${alerts} alerts in ${folder}`,
				);
			},
		);
	analytics
		.command("query <folder> <sql>")
		.description("run SQL (DuckDB's) over an exported history; docs/analytics.md has its tables")
		.option("--json", "one object a line")
		.action(async (folder: string, sql: string, options: { readonly json?: true }) => {
			const { openHistory } = await import("../analytics/history.ts");
			const connection = await openHistory(folder);
			try {
				await withOutput(async (output, signal) => {
					const result = await connection.stream(sql).catch((error: unknown) => {
						throw new UmbraError(
							"bad-config",
							`the query does not work: ${error instanceof Error ? error.message : ""}`,
							{
								cause: error,
							},
						);
					});
					const names = result.deduplicatedColumnNames();
					let rows: Record<string, unknown>[] = [];
					const show = async () => {
						const columns = names.map((title) => ({
							title,
							value: (row: Record<string, unknown>) => printable(textOf(row[title])),
						}));
						for (const line of table(rows, columns)) await output.line(line);
						rows = [];
					};
					let shown = false;
					for await (const chunk of result.yieldRowObjectJson()) {
						signal.throwIfAborted();
						if (options.json) for (const row of chunk) await output.line(JSON.stringify(row));
						else rows.push(...chunk);
						if (rows.length < PAGE_ROWS) continue;
						await show();
						shown = true;
					}
					if (!options.json && (rows.length > 0 || !shown)) await show();
				});
			} finally {
				connection.closeSync();
			}
		});
}

function textOf(value: unknown): string {
	if (value === null || value === undefined) return "-";
	return typeof value === "object" ? JSON.stringify(value) : String(value);
}
