/** `umbra trials`, `trial`, `signatures` and `signature`: what shadow VMs were put through, and how they failed. */
import { writeFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { type Command, Option } from "commander";
import type { SignatureView, TrialView } from "../../collector/api/views.ts";
import type { TrialOutcome, TrialRecord, TrialStory } from "../../collector/catalog/trial-records.ts";
import type { ImportResult } from "../../collector/signature/exchange.ts";
import { isUmbraError, messageOf, UmbraError } from "../../common/errors.ts";
import { FAILURE_TYPES } from "../../common/failures/failures.ts";
import { formatDuration } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import { table } from "../table.ts";
import { rowLimit } from "../whole-number.ts";
import { withOutput } from "./output.ts";
import { readText } from "./read-text.ts";
import { trialPage } from "./trial-page.ts";
import { addTrialRun } from "./trial-run.ts";
import { outcomeText, rateText, signatureLines, storyLines, trialLines } from "./trial-text.ts";
import { isoTime } from "./vms.ts";

interface Options extends CollectorOptions {
	readonly json?: true;
}

interface ShowOptions extends Options {
	readonly html?: string;
}

interface TrialsOptions extends Options {
	readonly outcome?: string;
	readonly signature?: string;
	readonly since?: string;
	readonly limit: number;
}

interface SignaturesOptions extends Options {
	readonly type?: string;
}

interface MitigateOptions extends Options {
	readonly text?: string;
	readonly reset?: true;
	readonly by: string;
}

interface ImportOptions extends Options {
	readonly takeMitigations?: true;
	readonly by: string;
}

const OUTCOMES: readonly TrialOutcome[] = ["survived", "degraded", "failed", "lost"];
const YAML = "application/yaml";
/** Of an id: enough to tell signatures apart, and what the commands take. */
const SHORT_ID = 12;
const me = (): string => `${userInfo().username}@${hostname()}`;

export function register(program: Command): void {
	withCollector(program.command("trials [vm]"))
		.description("trials of shadow VMs, newest first")
		.addOption(new Option("--outcome <outcome>", "only these").choices(OUTCOMES))
		.option("--signature <id>", "only those that ended in this one")
		.option("--since <time>", "not before this time (ISO 8601)")
		.option("--limit <n>", "at most so many", rowLimit, 50)
		.option("--json", "one object a line")
		.action(listTrials);

	const trial = program.command("trial").description("one trial of a shadow VM");
	addTrialRun(trial);
	withCollector(trial.command("show <id>"))
		.description("a trial's story: how it ended, what was done and seen when, its profile")
		.option("--html <file>", "draw it: a page that needs nothing else")
		.option("--json", "as one object")
		.action(showTrial);

	const signatures = withCollector(program.command("signatures").argument("[vm]"))
		.description("ways to fail that trials found; export and import them with `umbra signatures export|import FILE`")
		.addOption(new Option("--type <type>", "only of this type").choices(FAILURE_TYPES))
		.option("--json", "one object a line")
		.action(listSignatures);
	withCollector(signatures.command("export <file>"))
		.description("write all signatures as YAML, for another site (- for standard output); without names of VMs")
		.action(exportSignatures);
	withCollector(signatures.command("import <file>"))
		.description("take in what another site exported; its counts stay apart from ours")
		.option("--take-mitigations", "let its mitigations take the place of ours")
		.option("--by <name>", "who says so", me())
		.option("--json", "what came of it as one object")
		.action(importSignatures);

	const signature = program.command("signature").description("one way to fail");
	withCollector(signature.command("show <id>"))
		.description(
			"a signature: its evidence, the stress that provokes it, how often, and what to do (the beginning of its id is enough)",
		)
		.option("--json", "as one object")
		.action(async (id: string, options: Options) => {
			const found = await find(await CollectorClient.from(options), id);
			await print(options.json ? [JSON.stringify(found)] : signatureLines(found));
		});
	withCollector(signature.command("mitigate <id>"))
		.description("say what to do first about this failure")
		.option("--text <text>", "what to do")
		.option("--reset", "let what is said of its type count again")
		.option("--by <name>", "who says so", me())
		.option("--json", "the signature as one object")
		.action(mitigate);
}

async function listTrials(vm: string | undefined, options: TrialsOptions): Promise<void> {
	const client = await CollectorClient.from(options);
	const { outcome, since, limit } = options;
	const signature = options.signature === undefined ? undefined : (await find(client, options.signature)).id;
	const query = { vm, outcome, since, signature, order: "newest" };
	const trials = await Array.fromAsync(client.list<TrialView>("/v1/trials", query, limit));
	if (options.json) return await print(trials.map((trial) => JSON.stringify(trial)));
	if (trials.length === 0) {
		const isFiltered = outcome !== undefined || since !== undefined || signature !== undefined;
		return await print([`No ${isFiltered ? "such " : ""}trials${ofVm(vm)}.`]);
	}
	await print(
		table(trials, [
			{ title: "TIME", value: ({ time }) => isoTime(time) },
			{ title: "VM", value: (trial) => printable(trial.vm) },
			{ title: "OUTCOME", value: (trial) => outcomeText(trial.outcome) },
			{ title: "AFTER", value: ({ failedMs }) => (failedMs === null ? "-" : formatDuration(failedMs)), right: true },
			{ title: "PROFILE", value: ({ control, profile }) => (control ? "(control)" : printable(profile ?? "-")) },
			{ title: "ID", value: ({ id }) => printable(id) },
			{
				title: "FAILURE",
				value: ({ failure }) => (failure === null ? "" : `${failure.type}: ${printable(failure.title)}`),
			},
		]),
	);
}

function ofVm(vm: string | undefined): string {
	return vm === undefined ? "" : ` of ${printable(vm)}`;
}

async function showTrial(id: string, options: ShowOptions): Promise<void> {
	const client = await CollectorClient.from(options);
	const path = `/v1/trials/${encodeURIComponent(id)}`;
	const trial = await client.get<TrialRecord>(path);
	const story = await client.get<TrialStory>(`${path}/story`).catch((error: unknown) => {
		if (isUmbraError(error, "not-found")) return undefined;
		throw error;
	});
	const { html, json } = options;
	if (html !== undefined) await writeText(html, trialPage(trial, story));
	if (json) return await print([JSON.stringify({ ...trial, story: story ?? null })]);
	if (html === undefined) await print([...trialLines(trial), ...(story === undefined ? [] : storyLines(story))]);
}

async function listSignatures(vm: string | undefined, options: SignaturesOptions): Promise<void> {
	const client = await CollectorClient.from(options);
	const { type } = options;
	const found = await Array.fromAsync(client.list<SignatureView>("/v1/signatures", { vm, type }));
	if (options.json) return await print(found.map((each) => JSON.stringify(each)));
	if (found.length === 0) {
		const why = vm === undefined && type === undefined ? ": no trial has failed yet" : "";
		return await print([`No signatures${type === undefined ? "" : ` of type ${type}`}${ofVm(vm)}${why}.`]);
	}
	const newest = found.sort((one, other) => Number(BigInt(other.lastSeen ?? 0) - BigInt(one.lastSeen ?? 0)));
	await print(
		table(newest, [
			{ title: "ID", value: ({ id }) => id.slice(0, SHORT_ID) },
			{ title: "TYPE", value: ({ type }) => type },
			{ title: "SEEN", value: ({ count }) => String(count), right: true },
			{ title: "REPRODUCED", value: ({ reproduction }) => rateText(reproduction), right: true },
			{ title: "VMS", value: ({ vms }) => String(vms.length), right: true },
			{ title: "LAST", value: ({ lastSeen }) => (lastSeen === null ? "elsewhere" : isoTime(lastSeen)) },
			{ title: "TITLE", value: ({ title }) => printable(title) },
		]),
	);
}

async function exportSignatures(file: string, _options: object, command: Command): Promise<void> {
	const client = await CollectorClient.from(command.optsWithGlobals<CollectorOptions>());
	const text = Buffer.from(await client.body(await client.fetch("/v1/signatures.yaml"))).toString("utf8");
	if (file === "-") return await print([text.trimEnd()]);
	await writeText(file, text);
}

async function writeText(file: string, text: string): Promise<void> {
	try {
		await writeFile(file, text);
	} catch (error) {
		throw new UmbraError("unavailable", `cannot write ${file}: ${messageOf(error)}`, {
			cause: error,
			context: { path: file },
		});
	}
	console.error(`Wrote ${file}`);
}

async function importSignatures(file: string, _options: object, command: Command): Promise<void> {
	const options = command.optsWithGlobals<ImportOptions>();
	const client = await CollectorClient.from(options);
	const body = { type: YAML, text: await readText(file) };
	const query = { by: options.by, takeMitigations: options.takeMitigations ? "1" : "0" };
	const result = await client.sendBody<ImportResult>("POST", "/v1/signatures.yaml", body, query);
	if (options.json) return await print([JSON.stringify(result)]);
	const { site, added, changed, unchanged, mitigations } = result;
	await print([
		`From ${printable(site)}: ${added} new, ${changed} changed, ${unchanged} as they were`,
		...mitigations.map(
			({ id, title, outcome }) => `  mitigation ${outcome}: ${id.slice(0, SHORT_ID)} ${printable(title)}`,
		),
		...(mitigations.some(({ outcome }) => outcome === "kept") ? ["Ours stay; --take-mitigations takes theirs."] : []),
	]);
}

async function mitigate(id: string, options: MitigateOptions): Promise<void> {
	const { text, reset, by, json } = options;
	if ((text === undefined) === (reset === undefined)) {
		throw new UmbraError("bad-config", "wanted either --text or --reset");
	}
	const client = await CollectorClient.from(options);
	const path = `/v1/signatures/${(await find(client, id)).id}/mitigation`;
	const body = { type: "application/json", text: JSON.stringify({ text, by }) };
	const changed = await (reset
		? client.send<SignatureView>("DELETE", path)
		: client.sendBody<SignatureView>("PUT", path, body));
	await print([json ? JSON.stringify(changed) : `${printable(changed.title)}: ${printable(changed.mitigation.text)}`]);
}

/** By its id or the beginning of it. @throws UmbraError `not-found`, `bad-config` where several begin so. */
async function find(client: CollectorClient, id: string): Promise<SignatureView> {
	if (/^[0-9a-f]{64}$/.test(id)) return await client.get(`/v1/signatures/${id}`);
	const found: SignatureView[] = [];
	for await (const each of client.list<SignatureView>("/v1/signatures")) if (each.id.startsWith(id)) found.push(each);
	const [one, another] = found;
	if (one === undefined || id === "") {
		throw new UmbraError("not-found", `no signature ${JSON.stringify(id)}`, { hint: "umbra signatures lists them" });
	}
	if (another !== undefined)
		throw new UmbraError("bad-config", `several signatures begin with ${id}: ${one.id}, ${another.id}`);
	return one;
}

async function print(lines: readonly string[]): Promise<void> {
	await withOutput(async (output) => {
		for (const line of lines) await output.line(line);
	});
}
