/**
 * Measures the promised figures side by side and prints one table. A full run writes docs/benchmarks.md; a selection
 * is printed only.
 *
 * usage: npm run bench [-- NAME ...]     names: scan, capture, pause, ingest, encryption, influx, rest, flow, read, export, vault, backup, list, map, diff, day
 *
 * Exit status: 0 all promised figures met, 1 one was missed or could not be measured, 2 no such bench.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../common/errors.ts";
import { formatDuration } from "../../common/units.ts";
import { findProgram } from "../../packaging/guest/programs.ts";
import { ROOT } from "../support/processes.ts";
import { tempFolder } from "../support/temp.ts";
import { backupBench } from "./backup.bench.ts";
import type { Bench, Row } from "./bench.ts";
import { captureBench } from "./capture.bench.ts";
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
import { document, printTable } from "./report.ts";
import { restBench } from "./rest.bench.ts";
import { scanBench } from "./scan.bench.ts";
import { vaultBench } from "./vault.bench.ts";

const BENCHES: readonly Bench[] = [
	scanBench,
	captureBench,
	pauseBench,
	ingestBench,
	encryptionBench,
	influxBench,
	restBench,
	flowBench,
	readBench,
	exportBench,
	vaultBench,
	backupBench,
	listBench,
	mapBench,
	diffBench,
	dayBench,
];
const DOCUMENT = join(ROOT, "docs", "benchmarks.md");

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) {
	console.error(`no such bench: ${unknown.join(", ")}; there are: ${BENCHES.map(({ name }) => name).join(", ")}`);
	process.exit(2);
}

const started = performance.now();
const loadBefore = load();
const rows: Row[] = [];
for (const bench of BENCHES) {
	if (wanted.length === 0 || wanted.includes(bench.name)) rows.push(...(await runBench(bench)));
}
printTable(rows);
const took = performance.now() - started;
if (wanted.length === 0) {
	const machine = await describeMachine();
	const minutes = took / 60_000;
	await writeFile(DOCUMENT, document({ rows, machine, date: new Date(), loadBefore, loadAfter: load(), minutes }));
}
console.log(`\n${formatDuration(took)}${wanted.length === 0 ? "; written to docs/benchmarks.md" : ""}`);
process.exitCode = rows.some(({ met }) => met === false) ? 1 : 0;

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
