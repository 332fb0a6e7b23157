/** `umbra scan` against b3sum: how much of the hash function's own speed is left. */
import { z } from "zod";
import { startProgram, startUmbra } from "../support/processes.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { writeImage } from "./data.ts";
import { interleaved, median, number } from "./measure.ts";

/** So large that what Node.js compiles in the beginning does not show. */
const IMAGE_BYTES = 4096 * 2 ** 20;
const MEGABYTES = IMAGE_BYTES / 1e6;
const ROUNDS = 9;
const PER_CORE = 0.8;
const TWO_THREADS = 1.6;
const RUN = z.object({ seconds: z.number(), cpuSeconds: z.number() });

export const scanBench: Bench = { name: "scan", programs: ["b3sum"], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	const image = folder.file("image.raw");
	say("writing a 4 GiB image");
	await writeImage(image, IMAGE_BYTES);
	say(`scanning it ${ROUNDS} times with one thread and with two, and as often by b3sum`);
	const { reference, one, two } = await interleaved(
		{ reference: () => b3sum(image), one: () => scan(image, 1), two: () => scan(image, 2) },
		ROUNDS,
	);
	const core = (runs: readonly Run[]): number => median(runs.map(({ cpuSeconds }) => MEGABYTES / cpuSeconds));
	const wall = (runs: readonly Run[]): number => median(runs.map(({ seconds }) => MEGABYTES / seconds));
	const best = (runs: readonly Run[]): number => Math.max(...runs.map(({ seconds }) => MEGABYTES / seconds));
	const perCore = core(one) / core(reference);
	const scaling = best(two) / best(one);
	const data = "Image of 4 GiB in the page cache, no two blocks alike";
	return [
		{
			figure: "umbra scan, per core, against b3sum",
			target: `>= ${PER_CORE} x`,
			measured: `${number(perCore)} x (${number(core(one))} of ${number(core(reference))} MB a core-second)`,
			met: perCore >= PER_CORE,
			how: `${data}; \`umbra scan --no-entropy --threads 1\` against \`b3sum --num-threads 1 --no-mmap\`, medians of ${ROUNDS} runs in turns. By processor time, so that other work on the machine does not count: b3sum's whole run, the scan's without Node.js's start. By the clock: medians ${number(wall(one))} and ${number(wall(reference))} MB/s, best runs ${number(best(one))} and ${number(best(reference))} MB/s.`,
		},
		{
			figure: "umbra scan, two threads against one",
			target: `>= ${TWO_THREADS} x`,
			measured: `${number(scaling)} x (${number(best(two))} of ${number(best(one))} MB/s)`,
			met: scaling >= TWO_THREADS,
			how: `The same image with \`--threads 2\` and \`--threads 1\`, by the clock, the best of ${ROUNDS} runs each: two threads need both cores, and whatever else runs only takes speed away. Medians: ${number(wall(two))} and ${number(wall(one))} MB/s.`,
		},
	];
}

interface Run {
	readonly seconds: number;
	readonly cpuSeconds: number;
}

async function scan(image: string, threads: number): Promise<Run> {
	await using program = await startUmbra(["scan", "--no-entropy", "--json", "--threads", String(threads), image]);
	if ((await program.finished) !== 0) throw new Error(`umbra scan failed: ${program.output()}`);
	return RUN.parse(JSON.parse(program.stdout()));
}

/** `times` of the shell prints what it used itself, then what its children used: "0m0.301s 0m0.164s". */
async function b3sum(image: string): Promise<Run> {
	const start = performance.now();
	await using program = await startProgram("sh", ["-c", 'b3sum --num-threads 1 --no-mmap "$1"; times', "sh", image]);
	if ((await program.finished) !== 0) throw new Error(`b3sum failed: ${program.output()}`);
	const seconds = (performance.now() - start) / 1000;
	const children = program.stdout().trim().split("\n").at(-1) ?? "";
	const parts = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
		([, minutes, rest]) => Number(minutes) * 60 + Number(rest),
	);
	if (parts.length !== 2) throw new Error(`no times: ${program.output()}`);
	return { seconds, cpuSeconds: (parts[0] ?? 0) + (parts[1] ?? 0) };
}
