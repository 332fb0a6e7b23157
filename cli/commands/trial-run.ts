/** `umbra trial run|replay|batches|cancel`: clones of a VM's state, run in isolation, each under its own stress. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { BatchTrialView, BatchView } from "../../collector/trial/batch.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { checkTrialCount } from "../../common/trial/batch-size.ts";
import { parseBatch } from "../../common/trial/profile.ts";
import { formatBytes, formatDuration, parseDuration } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";
import { withOutput } from "./output.ts";
import { readText } from "./read-text.ts";
import { outcomeText } from "./trial-text.ts";
import { isoTime } from "./vms.ts";

const LOOK_MS = 1000;

interface WaitOptions extends CollectorOptions {
	readonly agent?: string;
	/** False with --no-wait. */
	readonly wait: boolean;
	readonly json?: true;
}

interface RunOptions extends WaitOptions {
	readonly time: string;
	readonly profile?: string;
	readonly seed?: string;
	readonly clones?: string;
	readonly for?: string;
}

interface ReplayOptions extends WaitOptions {
	readonly times: string;
}

export function addTrialRun(trial: Command): void {
	waiting(withCollector(trial.command("run <vm>")))
		.description("run clones of a VM's newest state on an agent that has room, each under its own stress")
		.option("--profile <file>", "a stress profile or a batch of them (docs/trials.md); without, clones run unstressed")
		.option("--seed <n>", "in place of the profile's own; those of a batch get the ones that follow")
		.option("--time <time>", "the newest state at or before it", "latest")
		.option("--clones <n>", "how many, without a profile (1)")
		.option("--for <duration>", "how long each runs, without a profile (30s)")
		.action(run);
	waiting(withCollector(trial.command("replay <id>")))
		.description("run a trial again, from the same state under the same stress: does it fail like this again?")
		.option("--times <k>", "how often", "1")
		.action(async (id: string, options: ReplayOptions) => {
			const client = await CollectorClient.from(options);
			const query = { times: options.times, ...agentOf(options) };
			await follow(
				client,
				await client.post<BatchView>(`/v1/trials/${encodeURIComponent(id)}/replays`, query),
				options,
			);
		});
	withCollector(trial.command("batches"))
		.description("trials that run or ended lately, by batch")
		.option("--json", "one object a line")
		.action(listBatches);
	withCollector(trial.command("cancel <batch>"))
		.description("end a batch; its trials that have not ended are lost")
		.action(async (id: string, options: CollectorOptions) => {
			const client = await CollectorClient.from(options);
			await client.send<BatchView>("DELETE", batchPath(id));
		});
}

function waiting(command: Command): Command {
	return command
		.option("--agent <id>", "on this agent or host; any with room by default")
		.option("--no-wait", "say which batch it is and go; the trials go on")
		.option("--json", "the batch as one object");
}

async function run(vm: string, options: RunOptions): Promise<void> {
	const { profile, seed, time, clones, for: duration } = options;
	const client = await CollectorClient.from(options);
	if (profile === undefined) {
		if (seed !== undefined) throw new UmbraError("bad-config", "--seed is of a profile: wanted --profile too");
		const seconds = Math.ceil(parseDuration(duration ?? "30s") / 1000);
		const query = { time, clones: clones ?? "1", seconds, ...agentOf(options) };
		return await follow(client, await client.post<BatchView>(vmPath(vm, "trials"), query), options);
	}
	if (clones !== undefined || duration !== undefined) {
		throw new UmbraError("bad-config", "a profile says how many trials there are, and for how long each runs", {
			hint: "leave out --clones and --for",
		});
	}
	const query = { time, ...(seed === undefined ? {} : { seed }), ...agentOf(options) };
	const text = await readText(profile);
	checkTrialCount(parseBatch(text, profile), profile);
	const body = { type: "application/yaml", text };
	await follow(client, await client.sendBody<BatchView>("POST", vmPath(vm, "trials"), body, query), options);
}

function agentOf({ agent }: WaitOptions): { readonly agent?: string } {
	return agent === undefined ? {} : { agent };
}

/** Until it is over; who goes away before cancels it. */
async function follow(client: CollectorClient, begun: BatchView, { wait, json }: WaitOptions): Promise<void> {
	const { id, vm, host, trials } = begun;
	if (!wait) {
		const line = `${trials.length} trials of ${printable(vm)} run on ${printable(host)}: batch ${id}`;
		return await withOutput(async (output) => void (await output.line(json ? JSON.stringify(begun) : line)));
	}
	const stop = new AbortController();
	const interrupt = () => stop.abort();
	process.once("SIGINT", interrupt);
	process.once("SIGTERM", interrupt);
	const told = new Set<string>();
	let batch = begun;
	process.stderr.write(`batch ${id}: ${trials.length} trials of ${printable(vm)} on ${printable(host)}\n`);
	try {
		while (batch.state === "running") {
			await sleep(LOOK_MS, undefined, { signal: stop.signal });
			batch = await client.get<BatchView>(batchPath(id), {}, stop.signal).catch((error: unknown) => {
				// The batch goes on, whether or not we hear of it; it ends with its collector, which then does not know it.
				if (stop.signal.aborted || !isUmbraError(error, "unavailable")) throw error;
				process.stderr.write(`umbra: ${printable(messageOf(error))}; trying again\n`);
				return batch;
			});
			for (const trial of batch.trials.filter((each) => each.outcome !== null && !told.has(each.id))) {
				told.add(trial.id);
				process.stderr.write(`${told.size} of ${batch.trials.length}: ${printable(endOf(trial))}\n`);
			}
		}
	} catch (error) {
		if (!stop.signal.aborted) throw error;
		await client.send<BatchView>("DELETE", batchPath(id));
		throw new UmbraError("unavailable", `batch ${id} was cancelled`);
	} finally {
		process.removeListener("SIGINT", interrupt);
		process.removeListener("SIGTERM", interrupt);
	}
	await withOutput(async (output) => {
		for (const line of json ? [JSON.stringify(batch)] : batchLines(batch)) await output.line(line);
	});
	if (batch.state !== "done") throw new UmbraError("unavailable", `batch ${id}: ${batch.error || batch.state}`);
}

function endOf({ id, profile, outcome, failure, failedMs }: BatchTrialView): string {
	const how = failure === null ? "" : `: ${failure.type}: ${failure.title}`;
	const when = failedMs === null ? "" : ` after ${formatDuration(failedMs)}`;
	return `${id} (${profile ?? "control"}) ${outcome}${when}${how}`;
}

function batchLines({ vm, point, host, trials, template }: BatchView): string[] {
	const made =
		template === null
			? ""
			: `: ${formatBytes(template.ramBytes)} of RAM ready in ${formatDuration(template.templateMs)}, ${formatBytes(template.diskBytes)} of disks read`;
	return [
		`${printable(vm)}@${isoTime(point)} on ${printable(host)}${made}`,
		...table(trials, [
			{ title: "TRIAL", value: ({ id }) => id },
			{ title: "PROFILE", value: ({ profile }) => (profile === null ? "(control)" : printable(profile)) },
			{ title: "OUTCOME", value: ({ outcome }) => (outcome === null ? "-" : outcomeText(outcome)) },
			{ title: "AFTER", value: ({ failedMs }) => (failedMs === null ? "-" : formatDuration(failedMs)), right: true },
			{ title: "CLONED", value: ({ cloneMs }) => (cloneMs === null ? "-" : `${Math.round(cloneMs)} ms`), right: true },
			{
				title: "MEMORY",
				value: ({ memoryBytes }) => (memoryBytes === null ? "-" : formatBytes(memoryBytes)),
				right: true,
			},
			{
				title: "FAILURE",
				value: ({ failure }) => (failure === null ? "" : `${failure.type}: ${printable(failure.title)}`),
			},
		]),
		...(template?.notes ?? []).map((note) => `note: ${printable(note)}`),
	];
}

async function listBatches(options: CollectorOptions & { readonly json?: true }): Promise<void> {
	const client = await CollectorClient.from(options);
	const batches = await client.get<BatchView[]>("/v1/trial-batches");
	const ended = ({ trials }: BatchView) => trials.filter(({ outcome }) => outcome !== null).length;
	const failed = ({ trials }: BatchView) => trials.filter(({ outcome }) => outcome === "failed").length;
	const lines = options.json
		? batches.map((batch) => JSON.stringify(batch))
		: table(batches, [
				{ title: "BEGUN", value: ({ begun }) => isoTime(begun) },
				{ title: "VM", value: ({ vm }) => printable(vm) },
				{ title: "HOST", value: ({ host }) => printable(host) },
				{ title: "STATE", value: ({ state }) => state },
				{ title: "ENDED", value: (batch) => `${ended(batch)} of ${batch.trials.length}`, right: true },
				{ title: "FAILED", value: (batch) => String(failed(batch)), right: true },
				{ title: "BATCH", value: ({ id }) => id },
				{ title: "ERROR", value: ({ error }) => printable(error) },
			]);
	await withOutput(async (output) => {
		for (const line of lines) await output.line(line);
	});
}

function batchPath(id: string): string {
	return `/v1/trial-batches/${encodeURIComponent(id)}`;
}
