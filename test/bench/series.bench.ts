/** Time series: how fast points are on disk for good, and how fast a day of one VM is read among a hundred million values. */
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { formatBytes } from "../../common/units.ts";
import { startProgram } from "../support/processes.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { median, number, spread } from "./measure.ts";
import type { EmbeddedResult } from "./series-embedded-child.ts";

const CHILD = fileURLToPath(new URL("series-embedded-child.ts", import.meta.url));
/** A day of these is 105 million values. */
const VMS = 200;
const ROUNDS = 8640;
const WRITTEN_A_SECOND = 300_000;
const ASKED_MS = 50;

export const seriesBench: Bench = { name: "series", programs: [], run };

async function run(context: BenchContext): Promise<Row[]> {
	return await embeddedRows(context);
}

async function embeddedRows({ folder, say }: BenchContext): Promise<Row[]> {
	say(`embedded: a day of ${VMS} VMs, every 10 s`);
	await mkdir(folder.file("embedded"));
	await using child = await startProgram(process.execPath, [CHILD, folder.file("embedded"), `${VMS}`, `${ROUNDS}`]);
	if ((await child.finished) !== 0) throw new Error(`it failed: ${child.output()}`);
	const { values, seconds, cpuSeconds, bytes, peakBytes, asked } = JSON.parse(child.stdout()) as EmbeddedResult;
	const speed = values / seconds;
	const millions = number(values / 1e6);
	const setting = `${VMS} VMs on 20 hosts, each with a disk, a network interface and two vCPUs, every 10 s for the 24 h before now: ${millions} million values (61 a VM and round), most of them counters and noise.`;
	const one = asked["oneMean"]!;
	const others = {
		onePoints: "every point",
		oneRate: "the rate of a disk",
		allMean: "the same of all VMs",
		newest: "the newest value of all VMs",
	};
	return [
		{
			figure: "values written to the embedded series store, on disk for good",
			target: `>= ${number(WRITTEN_A_SECOND)} /s`,
			measured: `${number(speed)} /s (${number((cpuSeconds / values) * 1e6)} us of processor each)`,
			met: speed >= WRITTEN_A_SECOND,
			how: `${setting} 20 writes a round, as 20 agents send them, four rounds under way; timed from the first write to the last acknowledgement, which comes once the log is synced. Making up the points, sorting them into parts and merging these in the background is in the time.`,
		},
		{
			figure: "24 h of one VM's metric in five-minute means, embedded store",
			target: `<= ${ASKED_MS} ms`,
			measured: spread(one, "ms"),
			met: median(one) <= ASKED_MS,
			how: `The ${millions} million values above; ${one.length} questions, each for another VM.`,
		},
		{
			figure: "other questions about 24 h, embedded store",
			target: "-",
			measured: Object.entries(others)
				.map(([name, what]) => `${what} ${number(median(asked[name]!))} ms`)
				.join(", "),
			met: undefined,
			how: "As above; medians. All but the newest values and every point in five-minute windows.",
		},
		{
			figure: "disk and memory of the embedded store",
			target: "-",
			measured: `${formatBytes(bytes)} (${number(bytes / values)} bytes a value), at most ${formatBytes(peakBytes)} resident`,
			met: undefined,
			how: `All files of its folder after the last write, the log included; the process that makes up, writes and asks, with DuckDB's limit at 512 MiB.`,
		},
	];
}
