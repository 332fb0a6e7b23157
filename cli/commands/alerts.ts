/** `umbra alerts` and `umbra anomalies`: what wants an operator's eye. */
import type { Command } from "commander";
import type { AlertRecord, ChangesetRecord } from "../../collector/catalog/records.ts";
import { isUmbraError } from "../../common/errors.ts";
import { CollectorClient, type CollectorOptions, type Query, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { paint, severityText, table } from "../table.ts";
import { rowLimit } from "../whole-number.ts";
import { type Output, withOutput } from "./output.ts";
import { isoTime } from "./vms.ts";

interface Options extends CollectorOptions {
	readonly json?: true;
	readonly vm?: string;
	readonly firing?: true;
	readonly since?: string;
	readonly limit: number;
	readonly follow?: true;
}

/** Files named below each alert. */
const SHOWN_FILES = 8;

export function register(program: Command): void {
	withCollector(program.command("alerts"))
		.description("alerts, newest first")
		.option("--vm <vm>", "only of this VM")
		.option("--firing", "only those that are not resolved")
		.option("--since <time>", "not before this time (ISO 8601)")
		.option("--limit <n>", "at most so many", rowLimit, 50)
		.option("--follow", "oldest first, and then those that come, until Ctrl-C")
		.option("--json", "one object a line")
		.action(async (options: Options) => {
			const client = await CollectorClient.from(options);
			const { vm, since, limit, firing, follow, json } = options;
			const query = { vm, since, state: firing ? "firing" : undefined };
			await withOutput(async (output, signal) => {
				const print = (alert: AlertRecord) => (json ? output.line(JSON.stringify(alert)) : show(output, alert));
				const list = (more: Query, most?: number) =>
					client.list<AlertRecord>("/v1/alerts", { ...query, ...more }, most, signal);
				const alerts = async () => await Array.fromAsync(list({}, limit));
				if (follow !== true) {
					const found = await alerts();
					if (found.length === 0 && vm !== undefined) await requireKnown(client, vm, signal);
					if (!json && found.length === 0) await output.line("No alerts.");
					for (const alert of found) await print(alert);
					return;
				}
				const { followList } = await import("../follow.ts");
				// Those that were raised before may have changed since.
				const recent = async function* () {
					yield* (await alerts()).reverse();
				};
				await followList<AlertRecord>({
					client,
					query: { vm, type: "alert" },
					signal,
					recent,
					missed: recent,
					told: async function* (data) {
						yield data as AlertRecord;
					},
					// Shown when it is raised, gets worse or ends; not each time that it is found again.
					nameOf: ({ id, state, severity }) =>
						firing && state !== "firing" ? undefined : `${id} ${state} ${severity}`,
					show: async (alert) => {
						await print(alert);
						await output.flush();
					},
				});
			});
		});

	withCollector(program.command("anomalies"))
		.description("changesets that were judged abnormal, newest first")
		.option("--since <time>", "not before this time (ISO 8601)")
		.option("--limit <n>", "at most so many", rowLimit, 50)
		.option("--json", "one object a line")
		.action(async (options: Options) => {
			const client = await CollectorClient.from(options);
			const found = await Array.fromAsync(
				client.list<ChangesetRecord>("/v1/anomalies", { since: options.since }, options.limit),
			);
			await withOutput(async (output) => {
				if (options.json) {
					for (const change of found) await output.line(JSON.stringify(change));
					return;
				}
				const lines = table(found, [
					{ title: "TIME", value: ({ time }) => isoTime(time) },
					{ title: "VM", value: ({ vm }) => printable(vm) },
					{ title: "SCORE", value: ({ verdict }) => (verdict?.score ?? 0).toFixed(2), right: true },
					{ title: "SEVERITY", value: ({ verdict }) => severityText(verdict?.severity ?? null) },
					{
						title: "BECAUSE",
						value: ({ verdict }) =>
							[
								...(verdict?.triggers.map(({ trigger }) => trigger) ?? []),
								...(verdict?.contributions
									.slice(0, 3)
									.map(({ feature, deviation }) => `${feature} ${deviation.toFixed(0)}σ`) ?? []),
							].join(", "),
					},
				]);
				for (const line of lines) await output.line(line);
			});
		});
}

/** A VM that was dropped is still known by its chain. @throws UmbraError `not-found`. */
async function requireKnown(client: CollectorClient, vm: string, signal: AbortSignal): Promise<void> {
	try {
		await client.get(vmPath(vm), {}, signal);
	} catch (error) {
		const isGone = isUmbraError(error, "not-found");
		if (!isGone || !(await client.get(vmPath(vm, "chain"), {}, signal).catch(() => undefined))) throw error;
	}
}

async function show(output: Output, alert: AlertRecord): Promise<void> {
	const { time, severity, state, vm, cause, summary, files, fileCount, mitigation } = alert;
	await output.line(
		`${paint("bold", isoTime(time))}  ${severityText(severity)} ${state}  ${printable(vm)}  ${printable(cause)}`,
	);
	await output.line(`  ${printable(summary)}`);
	for (const file of files.slice(0, SHOWN_FILES)) await output.line(`    ${printable(file)}`);
	if (fileCount > SHOWN_FILES) await output.line(`    ... and ${fileCount - SHOWN_FILES} more`);
	await output.line(`  ${paint("dim", "do:")} ${printable(mitigation)}`);
}
