/**
 * Measures the promised figures side by side and prints one table. A full run writes docs/benchmarks.md, and
 * docs/benchmarks.json from which it is made; a selection is printed, and written with --record.
 *
 * usage: npm run bench [-- [--record] NAME ...]     names: scan, capture, pause, clone, ingest, encryption, influx, rest, telemetry, flow, read, export, vault, backup, list, map, diff, day, series, state, service
 *
 * Exit status: 0 all promised figures met, 1 one was missed or could not be measured, 2 no such bench.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { messageOf } from "../../common/errors.ts";
import { formatDuration } from "../../common/units.ts";
import { findProgram } from "../../packaging/guest/programs.ts";
import { ROOT } from "../support/processes.ts";
import { tempFolder } from "../support/temp.ts";
import { backupBench } from "./backup.bench.ts";
import type { Bench, Row } from "./bench.ts";
import { captureBench } from "./capture.bench.ts";
import { cloneBench } from "./clone.bench.ts";
import { dayBench } from "./day.bench.ts";
import { diffBench } from "./diff.bench.ts";
import { encryptionBench } from "./encryption.bench.ts";
import { exportBench } from "./export.bench.ts";
import { flowBench } from "./flow.bench.ts";
import { influxBench } from "./influx.bench.ts";
import { ingestBench } from "./ingest.bench.ts";
import { listBench } from "./list.bench.ts";
import { describeMachine, load } from "./machine.ts";
import { mapBench } from "./map.bench.ts";
import { pauseBench } from "./pause.bench.ts";
import { readBench } from "./read.bench.ts";
import { document, printTable, type Records } from "./report.ts";
import { restBench } from "./rest.bench.ts";
import { scanBench } from "./scan.bench.ts";
import { seriesBench } from "./series.bench.ts";
import { serviceBench } from "./service.bench.ts";
import { stateBench } from "./state.bench.ts";
import { telemetryBench } from "./telemetry.bench.ts";
import { vaultBench } from "./vault.bench.ts";

const BENCHES: readonly Bench[] = [
	scanBench,
	captureBench,
	pauseBench,
	cloneBench,
	ingestBench,
	encryptionBench,
	influxBench,
	restBench,
	telemetryBench,
	flowBench,
	readBench,
	exportBench,
	vaultBench,
	backupBench,
	listBench,
	mapBench,
	diffBench,
	dayBench,
	seriesBench,
	stateBench,
	serviceBench,
];
const DOCUMENT = join(ROOT, "docs", "benchmarks.md");
const RECORDS = join(ROOT, "docs", "benchmarks.json");

const { values, positionals: wanted } = parseArgs({
	options: { record: { type: "boolean", default: false } },
	allowPositionals: true,
});
const isRecorded = values.record || wanted.length === 0;
const unknown = wanted.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) {
	console.error(`no such bench: ${unknown.join(", ")}; there are: ${BENCHES.map(({ name }) => name).join(", ")}`);
	process.exit(2);
}

const started = performance.now();
const rows: Row[] = [];
for (const bench of BENCHES) {
	if (wanted.length > 0 && !wanted.includes(bench.name)) continue;
	const before = load();
	const found = await runBench(bench);
	rows.push(...found);
	if (isRecorded) await record(bench.name, [before, load()], found);
}
printTable(rows);
console.log(`\n${formatDuration(performance.now() - started)}${isRecorded ? "; written to docs/benchmarks.md" : ""}`);
process.exitCode = rows.some(({ met }) => met === false) ? 1 : 0;

/** At once, so that what comes after it can fail. */
async function record(name: string, loads: readonly [number, number], found: readonly Row[]): Promise<void> {
	const before = JSON.parse(await readFile(RECORDS, "utf8")) as Records;
	const date = new Date().toISOString().slice(0, 10);
	const records = { ...before, [name]: { date, machine: await describeMachine(), load: loads, rows: found } };
	await writeFile(RECORDS, `${JSON.stringify(records, null, 2)}\n`);
	const names = BENCHES.map((bench) => bench.name);
	await writeFile(DOCUMENT, document(records, names));
}

/** One that fails is a row that says so: the others go on. */
async function runBench(bench: Bench): Promise<Row[]> {
	const begun = performance.now();
	const say = (text: string): void => {
		console.error(`[${formatDuration(performance.now() - started)}] ${bench.name}: ${text}`);
	};
	try {
		const missing = bench.programs.filter((program) => findProgram(program) === undefined);
		if (missing.length > 0) throw new Error(`missing: ${missing.join(", ")}`);
		await using folder = await tempFolder();
		const found = await bench.run({ folder, say });
		say(`done in ${formatDuration(performance.now() - begun)}`);
		return found;
	} catch (error) {
		say(`failed: ${error instanceof Error ? error.stack : messageOf(error)}`);
		const measured = `could not be measured: ${messageOf(error).split("\n", 1)[0]}`;
		return [{ figure: bench.name, target: "-", measured, met: false, how: "Not measured." }];
	}
}
