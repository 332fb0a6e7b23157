/**
 * What has to hold of the source besides its tests. Every check runs, and everything that fails is told.
 *
 * usage: npm run check
 *
 * Exit status: 0 all is well, 1 something is not.
 */
import { execFile } from "node:child_process";
import {
	cpSync,
	existsSync,
	globSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { z } from "zod";
import { loadConfig } from "../common/config.ts";
import { messageOf } from "../common/errors.ts";
import { formatDuration } from "../common/units.ts";

const ROOT = join(import.meta.dirname, "..");
const MAX_OUTPUT = 16 * 1024 * 1024;
const NOT_OURS = ["node_modules/**", ".cache/**", "dist/**"];

interface Check {
	readonly title: string;
	/** What is wrong; nothing where all is well. */
	run(): Promise<readonly string[]>;
}

const CHECKS: readonly Check[] = [
	{ title: "types (tsc)", run: () => command(bin("tsc"), ["-p", "."]) },
	{
		title: "lint, format and import directions (biome)",
		run: () => command(bin("biome"), ["check", "--error-on-warnings"]),
	},
	{ title: "unused files, exports and dependencies (knip)", run: () => command(bin("knip"), ["--no-progress"]) },
	{ title: "generated protocol code is that of the .proto files", run: generatedCode },
	{ title: "docs/openapi.json is that of the API's routes", run: openApi },
	{ title: "docs/metrics.md is that of the measurements", run: metrics },
	{ title: "grafana/provisioning is that of the dashboards and rules", run: grafanaFiles },
	{ title: "example configs load", run: exampleConfigs },
	{ title: "shell scripts parse", run: shellScripts },
	{ title: "links in documents lead somewhere", run: documentLinks },
];

const failed: string[] = [];
for (const { title, run } of CHECKS) {
	const started = performance.now();
	const problems = await run().catch((error: unknown) => [messageOf(error)]);
	const took = formatDuration(performance.now() - started);
	console.log(`${problems.length === 0 ? "ok    " : "FAILED"} ${title} (${took})`);
	for (const problem of problems) console.log(problem.trimEnd().replaceAll(/^/gm, "       "));
	if (problems.length > 0) failed.push(title);
}
console.log(failed.length === 0 ? "\nall checks passed" : `\n${failed.length} of ${CHECKS.length} checks failed:`);
for (const title of failed) console.log(`  ${title}`);
process.exitCode = failed.length === 0 ? 0 : 1;

function bin(name: string): string {
	return join(ROOT, "node_modules", ".bin", name);
}

/** What a command says where it fails. */
async function command(path: string, args: readonly string[]): Promise<string[]> {
	return await new Promise((resolve) => {
		execFile(path, args, { cwd: ROOT, maxBuffer: MAX_OUTPUT }, (error, stdout, stderr) => {
			if (error === null) resolve([]);
			else resolve([`${stdout}${stderr}`.trim() || messageOf(error)]);
		});
	});
}

/** Generates beside a copy of the .proto files, in a folder that looks like the checkout to the generator. */
async function generatedCode(): Promise<string[]> {
	const folder = mkdtempSync(join(tmpdir(), "umbra-generated-"));
	try {
		const copy = join(folder, "proto");
		cpSync(join(ROOT, "proto"), copy, {
			recursive: true,
			filter: (path) => !path.startsWith(join(ROOT, "proto", "generated")),
		});
		mkdirSync(join(copy, "generated"));
		cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
		symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
		const problems = await command(process.execPath, [join(copy, "generate.ts")]);
		if (problems.length > 0) return problems;
		const [wanted, found] = [join(copy, "generated"), join(ROOT, "proto", "generated")];
		const names = new Set([...readdirSync(wanted), ...readdirSync(found)]);
		return [...names].flatMap((name) => {
			if (!existsSync(join(wanted, name))) return [`proto/generated/${name} is made by nothing`];
			const same =
				existsSync(join(found, name)) && readFileSync(join(found, name)).equals(readFileSync(join(wanted, name)));
			return same ? [] : [`proto/generated/${name} is out of date; run: npm run generate`];
		});
	} finally {
		rmSync(folder, { recursive: true });
	}
}

/** Imported here, as below: a program that does not load fails this check, not all of them. */
async function openApi(): Promise<string[]> {
	const { openApiDocument } = await import("../collector/api/server.ts");
	return upToDate(join("docs", "openapi.json"), await openApiDocument());
}

async function metrics(): Promise<string[]> {
	const { metricsDocument } = await import("../common/measurements/document.ts");
	return upToDate(join("docs", "metrics.md"), metricsDocument());
}

async function grafanaFiles(): Promise<string[]> {
	const { generatedFiles, PROVISIONING } = await import("../grafana/generated.ts");
	const files = generatedFiles();
	const found = globSync(`${PROVISIONING}/**/*.*`, { cwd: ROOT });
	return [
		...[...files].flatMap(([path, text]) => upToDate(path, text)),
		...found.filter((path) => !files.has(path)).map((path) => `${path} is made by nothing`),
	];
}

function upToDate(path: string, wanted: string): string[] {
	const found = existsSync(join(ROOT, path)) ? readFileSync(join(ROOT, path), "utf8") : "";
	return found === wanted ? [] : [`${path} is out of date; run: npm run generate`];
}

async function exampleConfigs(): Promise<string[]> {
	const { agentConfig } = await import("../agent/config.ts");
	const { collectorConfig } = await import("../collector/config.ts");
	const { grafanaSettings } = await import("../grafana/settings.ts");
	const examples = {
		"examples/agent.yaml": agentConfig,
		"examples/collector.yaml": collectorConfig,
		"examples/grafana.yaml": grafanaSettings,
		"compose/collector.yaml": collectorConfig,
	};
	const problems: string[] = [];
	for (const [name, schema] of Object.entries(examples)) {
		await loadConfig<z.ZodType>(schema, join(ROOT, "packaging", name)).catch((error: unknown) => {
			problems.push(messageOf(error));
		});
	}
	return problems;
}

async function shellScripts(): Promise<string[]> {
	const problems: string[] = [];
	for (const script of ["umbra", ".ci/run", ...globSync("packaging/**/*.sh", { cwd: ROOT })]) {
		const shell = readFileSync(join(ROOT, script), "utf8").startsWith("#!/bin/sh") ? "sh" : "bash";
		problems.push(...(await command(shell, ["-n", script])));
	}
	return problems;
}

/** Every relative link of every document names a file or folder that is there. */
async function documentLinks(): Promise<string[]> {
	const problems: string[] = [];
	for (const document of globSync("**/*.md", { cwd: ROOT, exclude: NOT_OURS })) {
		const text = readFileSync(join(ROOT, document), "utf8").replaceAll(/```.*?```|`[^`\n]*`/gs, "");
		for (const [, target = ""] of text.matchAll(/\]\(\s*<?([^)\s>]+)/g)) {
			const path = decodeURI(target.replace(/[#?].*$/, ""));
			if (path === "" || /^[a-z][a-z0-9+.-]*:/i.test(path)) continue;
			if (!existsSync(join(ROOT, path.startsWith("/") ? "" : dirname(document), path))) {
				problems.push(`${document}: ${target} leads nowhere`);
			}
		}
	}
	return problems;
}
