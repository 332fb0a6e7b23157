/** `umbra profile`: stress profiles made from what a VM does, and checked. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import type { LoadView } from "../../collector/api/load.ts";
import { messageOf, UmbraError } from "../../common/errors.ts";
import { MAX_TRIALS } from "../../common/trial/batch-size.ts";
import { generateProfile, type LoadAverages } from "../../common/trial/generate.ts";
import { formatBatch, parseBatch, type StressProfile, writtenProfile } from "../../common/trial/profile.ts";
import { scheduleOf } from "../../common/trial/schedule.ts";
import { formatDuration, parseBytes, parseDuration } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";
import { wholeNumber } from "../whole-number.ts";
import { withOutput } from "./output.ts";
import { readText } from "./read-text.ts";

interface MakeOptions extends CollectorOptions {
	readonly seed: string;
	readonly count: string;
	readonly duration: string;
	readonly since?: string;
	readonly cpu?: string;
	readonly memory?: string;
	readonly io?: string;
	readonly out?: string;
	readonly json?: true;
}

const MAX_SEED = 2 ** 32 - 1;
const MAX_COUNT = 1000;
/** Shorter, a profile has no time for what it may hold. */
const MIN_DURATION_MS = 10_000;
const MAX_DURATION_MS = 864e5;

export function register(program: Command): void {
	const profile = program.command("profile").description("stress profiles of shadow VMs: docs/trials.md");
	withCollector(profile.command("make <vm>"))
		.description("make profiles from what a VM does on average: a little more of it, and now and then a fault")
		.requiredOption("--seed <n>", "what all that is left to chance is drawn from: the same seed, the same profile")
		.option(
			"--count <n>",
			`so many, of this seed and those that follow; a batch runs at most ${MAX_TRIALS}, its control among them`,
			"1",
		)
		.option("--duration <time>", "how long each lasts, such as 2m", "2m")
		.option("--since <time>", "averages from this time on (ISO 8601); the last week unless given")
		.option("--cpu <percent>", "instead of the average that was measured, of all its vCPUs")
		.option("--memory <percent>", "instead of the average that was measured")
		.option("--io <bytes>", "instead of the average that was measured, read and written a second, such as 5MiB")
		.option("--out <file>", "where to write them; standard output unless given")
		.option("--json", "one profile a line instead of YAML")
		.action(make);
	profile
		.command("check <file>")
		.description("say what is wrong with a profile or a batch of them, or what it comes to")
		.option("--json", "one profile a line, each with its steps")
		.action(check);
}

async function make(vm: string, options: MakeOptions): Promise<void> {
	const seed = wholeNumber("--seed", options.seed, 0, MAX_SEED);
	const count = wholeNumber("--count", options.count, 1, Math.min(MAX_COUNT, MAX_SEED - seed + 1));
	const durationMs = parseDuration(options.duration);
	if (durationMs < MIN_DURATION_MS || durationMs > MAX_DURATION_MS) {
		throw new UmbraError("bad-config", `--duration: ${options.duration}; wanted 10s to 1d`, {
			context: { field: "--duration" },
		});
	}
	const averages = await averagesOf(vm, options);
	const profiles = Array.from({ length: count }, (_, at) =>
		generateProfile({ vm, averages, seed: seed + at, durationMs }),
	);
	const text = options.json
		? profiles.map((each) => `${JSON.stringify(writtenProfile(each))}\n`).join("")
		: formatBatch({ vm, control: true, probes: [], profiles });
	if (options.out === undefined) {
		await withOutput(async (output) => await output.line(text.trimEnd()));
		return;
	}
	try {
		await writeFile(options.out, text);
	} catch (error) {
		throw new UmbraError("unavailable", `cannot write ${options.out}: ${messageOf(error)}`, { cause: error });
	}
	console.error(`Wrote ${profiles.length} profile${profiles.length === 1 ? "" : "s"} to ${options.out}`);
}

/** As given, else as measured; nothing is asked where all is given. @throws UmbraError `unavailable` where neither is there. */
async function averagesOf(vm: string, options: MakeOptions): Promise<LoadAverages> {
	const given = {
		cpuPercent: percent("--cpu", options.cpu),
		memoryPercent: percent("--memory", options.memory),
		ioBytesPerSecond: options.io === undefined ? undefined : parseBytes(options.io),
	};
	const isWhole = Object.values(given).every((value) => value !== undefined);
	const measured = isWhole
		? undefined
		: await (await CollectorClient.from(options)).get<LoadView>(vmPath(vm, "load"), { since: options.since });
	const flags = { cpuPercent: "--cpu", memoryPercent: "--memory", ioBytesPerSecond: "--io" } as const;
	const averageOf = (name: keyof LoadAverages): number => {
		const value = given[name] ?? measured?.[name];
		if (typeof value === "number") return value;
		throw new UmbraError("unavailable", `nobody has measured ${name} of ${vm} in that time`, {
			hint: `give it by ${flags[name]}, or an earlier --since${name === "memoryPercent" ? "; memory needs a balloon with statistics" : ""}`,
		});
	};
	return {
		cpuPercent: averageOf("cpuPercent"),
		memoryPercent: averageOf("memoryPercent"),
		ioBytesPerSecond: averageOf("ioBytesPerSecond"),
	};
}

async function check(file: string, options: { readonly json?: true }): Promise<void> {
	const { profiles } = parseBatch(await readText(file), file);
	const known = profiles.map((profile) => ({ profile, steps: scheduleOf(profile) }));
	await withOutput(async (output) => {
		const lines = options.json
			? known.map(({ profile, steps }) => JSON.stringify({ ...writtenProfile(profile), steps }))
			: table(known, [
					{ title: "PROFILE", value: ({ profile }) => printable(profile.name) },
					{ title: "SEED", value: ({ profile }) => String(profile.seed), right: true },
					{ title: "LASTS", value: ({ profile }) => formatDuration(profile.duration), right: true },
					{ title: "STEPS", value: ({ steps }) => String(steps.length), right: true },
					{ title: "LEVERS", value: ({ profile }) => leversOf(profile).join(", ") },
				]);
		for (const line of lines) await output.line(line);
	});
}

function leversOf({ phases }: StressProfile): string[] {
	return [...new Set(phases.flatMap(({ levers }) => levers.map(({ lever }) => lever)))];
}

function percent(field: string, text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	const value = Number(text.replace(/%$/, ""));
	if (text.trim() !== "" && value >= 0 && value <= 100) return value;
	throw new UmbraError("bad-config", `${field}: ${JSON.stringify(text)}; wanted 0 to 100`, { context: { field } });
}
