/** `umbra trial run VM`: clones of a VM's state, run in isolation. */
import type { Command } from "commander";
import type { TrialRunView } from "../../collector/api/run-trial-routes.ts";
import { UmbraError } from "../../common/errors.ts";
import { formatBytes, formatDuration, parseDuration } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";
import { withOutput } from "./output.ts";
import { isoTime } from "./vms.ts";

interface Options extends CollectorOptions {
	readonly time: string;
	readonly clones: number;
	readonly for: string;
	readonly agent?: string;
	readonly json?: true;
}

export function addTrialRun(trial: Command): void {
	withCollector(trial.command("run <vm>"))
		.description("let clones of a VM's newest state run for a while on an agent that has room, and tell how they fared")
		.option("--time <time>", "the newest state at or before it", "latest")
		.option("--clones <n>", "how many", Number, 1)
		.option("--for <duration>", "how long each runs", "30s")
		.option("--agent <id>", "on this agent or host; any with room by default")
		.option("--json", "the result as one object")
		.action(run);
}

async function run(vm: string, options: Options): Promise<void> {
	const client = await CollectorClient.from(options);
	const result = await client.post<TrialRunView>(vmPath(vm, "trials"), {
		time: options.time,
		clones: options.clones,
		seconds: Math.ceil(parseDuration(options.for) / 1000),
		...(options.agent === undefined ? {} : { agent: options.agent }),
	});
	await withOutput(async (output) => {
		if (options.json) {
			await output.line(JSON.stringify(result));
			return;
		}
		const { time, host, templateMs, ramBytes, diskBytes, clones, notes } = result;
		await output.line(
			`${printable(vm)}@${isoTime(time)} on ${printable(host)}: ${formatBytes(ramBytes)} of RAM ready in ${formatDuration(templateMs)}, ${formatBytes(diskBytes)} of disks read`,
		);
		const lines = table(clones, [
			{ title: "CLONE", value: ({ name }) => name },
			{ title: "STARTED", value: ({ startedMs }) => `${Math.round(startedMs)} ms`, right: true },
			{ title: "OWN MEMORY", value: ({ ownBytes }) => formatBytes(ownBytes), right: true },
			{ title: "FRAMES", value: ({ sentFrames }) => String(sentFrames), right: true },
			{ title: "CONSOLE", value: ({ consoleBytes }) => formatBytes(consoleBytes), right: true },
			{ title: "AT THE END", value: ({ survived, end }) => (survived ? "running" : printable(end)) },
		]);
		for (const line of lines) await output.line(line);
		for (const note of notes) await output.line(`note: ${printable(note)}`);
	});
	if (result.clones.some(({ survived }) => !survived)) throw new UmbraError("conflict", "not all clones survived");
}
