/** Series into InfluxDB through the collector's log, against bare HTTP; its backlog brought in; its memory while nothing answers. */
import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { formatBytes } from "../../common/units.ts";
import { Influx } from "../support/influx.ts";
import { startProgram } from "../support/processes.ts";
import { freePort } from "../support/site.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import type { Kind } from "./influx-data.ts";
import { interleaved, median, number } from "./measure.ts";
import { cpuSeconds } from "./process-stats.ts";

const STORE = fileURLToPath(new URL("influx-store-child.ts", import.meta.url));
const RAW = fileURLToPath(new URL("influx-raw-child.ts", import.meta.url));
const STALLED = fileURLToPath(new URL("../../collector/series/influx/stalled-child.ts", import.meta.url));

const ROUNDS = 5;
const OF_RAW = 0.8;
const DATABASE = "bench";
const KINDS: Readonly<Record<Kind, { readonly points: number; readonly what: string }>> = {
	fleet: { points: 120_000, what: "readings of VMs" },
	sensors: { points: 1_200_000, what: "points of one field" },
};
/** A field that every point of a measurement has. */
const FIELDS = { vm: "state", vm_vcpu: "state", vm_disk: "errors", vm_nic: "up", host_temperature: "celsius" };
const STALLED_BYTES = 512 * 2 ** 20;
const MAX_GROWTH = 64 * 2 ** 20;

const RESULT = z.object({ seconds: z.number(), cpuSeconds: z.number(), pointsWritten: z.number().optional() });
const STALLED_RESULT = z.object({ points: z.number(), code: z.literal("limit"), grownBytes: z.number() });

export const influxBench: Bench = { name: "influx", programs: ["influxd"], run };

interface Run {
	/** A second. */
	readonly speed: number;
	/** Microseconds a point, of the writer and of influxd. */
	readonly own: number;
	readonly influxd: number;
}

async function run(context: BenchContext): Promise<Row[]> {
	const rows: Row[] = [];
	for (const kind of Object.keys(KINDS) as Kind[]) rows.push(await throughput(context, kind));
	rows.push(await replay(context), await stalled(context));
	return rows;
}

async function throughput(context: BenchContext, kind: Kind): Promise<Row> {
	const { points, what } = KINDS[kind];
	context.say(`${ROUNDS} rounds of ${number(points)} ${what}: through the store, and bare`);
	const { store, raw } = await interleaved(
		{
			store: (round) =>
				withInflux(context, `${kind}-store-${round}`, async (influx, folder) =>
					measured(kind, influx, [STORE, influx.url, DATABASE, folder, kind, String(points)]),
				),
			raw: (round) =>
				withInflux(context, `${kind}-raw-${round}`, async (influx) =>
					measured(kind, influx, [RAW, influx.url, DATABASE, kind, String(points)]),
				),
		},
		ROUNDS,
	);
	const of = (runs: readonly Run[], field: keyof Run): number => median(runs.map((each) => each[field]));
	const ratio = of(store, "speed") / of(raw, "speed");
	return {
		figure: `${what} into InfluxDB 1.6, through the log, against bare HTTP`,
		target: `>= ${OF_RAW} x`,
		measured: `${number(ratio)} x (${number(of(store, "speed"))} of ${number(of(raw, "speed"))} points/s)`,
		met: ratio >= OF_RAW,
		how: `${number(points)} points as agents bring them, from 64 writers at a time: made into lines, synced to the log, sent to an influxd of its own, until it has acknowledged all; every point counted afterwards by query. Bare: the same lines in requests of 10,000, made and compressed before the clock starts, four under way. Each in a process of its own with a new influxd on the same two cores, in turns; medians of ${ROUNDS} rounds. Processor time a point: ${number(of(store, "own"))} µs in the store, ${number(of(raw, "own"))} µs in the bare client, ${number(of(raw, "influxd"))} µs in influxd.`,
	};
}

/** Runs a child that writes `points`, and counts what came. */
async function measured(kind: Kind, influx: Influx, args: readonly string[]): Promise<Run> {
	const { points } = KINDS[kind];
	const before = await cpuSeconds(influx.pid);
	await using child = await startProgram(process.execPath, args);
	if ((await child.finished) !== 0) throw new Error(`it failed: ${child.output()}`);
	const spent = (await cpuSeconds(influx.pid)) - before;
	const { seconds, cpuSeconds: own } = RESULT.parse(JSON.parse(child.stdout()));
	await countAll(influx, points);
	return { speed: points / seconds, own: (own * 1e6) / points, influxd: (spent * 1e6) / points };
}

async function countAll(influx: Influx, wanted: number): Promise<void> {
	const fields = Object.entries(FIELDS);
	const counts = await Promise.all(fields.map(([measurement, field]) => influx.count(DATABASE, measurement, field)));
	const found = counts.reduce((sum, count) => sum + count, 0);
	if (found !== wanted) throw new Error(`${found} points in the database, ${wanted} were written`);
}

/** With a new influxd that has the database, and a folder for a store. */
async function withInflux<T>(
	{ folder }: BenchContext,
	name: string,
	use: (influx: Influx, folder: string) => Promise<T>,
): Promise<T> {
	const own = folder.file(name);
	await mkdir(`${own}/influx`, { recursive: true });
	await mkdir(`${own}/store`);
	try {
		await using influx = await Influx.start(`${own}/influx`);
		await influx.query(`CREATE DATABASE "${DATABASE}"`);
		return await use(influx, `${own}/store`);
	} finally {
		await rm(own, { recursive: true, force: true });
	}
}

async function replay(context: BenchContext): Promise<Row> {
	const { points } = KINDS.fleet;
	context.say(`${number(points)} points while the database is away, then brought in`);
	const speeds: { readonly kept: number; readonly brought: number }[] = [];
	for (let round = 0; round < 3; round++) {
		speeds.push(
			await withInflux(context, `replay-${round}`, async (influx, folder) => {
				const away = `http://127.0.0.1:${await freePort()}`;
				const child = async (url: string, count: number, ...more: string[]) => {
					const args = [STORE, url, DATABASE, folder, "fleet", String(count), ...more];
					await using program = await startProgram(process.execPath, args);
					if ((await program.finished) !== 0) throw new Error(`it failed: ${program.output()}`);
					return RESULT.parse(JSON.parse(program.stdout()));
				};
				const kept = await child(away, points, "keep");
				const brought = await child(influx.url, 0);
				await countAll(influx, points);
				return { kept: points / kept.seconds, brought: points / brought.seconds };
			}),
		);
	}
	const kept = median(speeds.map((each) => each.kept));
	const brought = median(speeds.map((each) => each.brought));
	return {
		figure: "readings of VMs accepted while InfluxDB is away, and brought in afterwards",
		target: "-",
		measured: `${number(kept)} and ${number(brought)} points/s`,
		met: undefined,
		how: `${number(points)} points from 64 writers into the log alone, synced; then a new process delivers the log to an influxd until it has acknowledged all, counted by query. Medians of 3.`,
	};
}

async function stalled({ folder, say }: BenchContext): Promise<Row> {
	say(`filling a backlog of ${formatBytes(STALLED_BYTES)} while the database accepts connections and never answers`);
	const silent = createServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
	await once(silent, "listening");
	const address = silent.address();
	const port = typeof address === "object" ? address?.port : undefined;
	await mkdir(folder.file("stalled"));
	const args = [STALLED, `http://127.0.0.1:${port}`, folder.file("stalled"), String(STALLED_BYTES)];
	await using child = await startProgram(process.execPath, args);
	if ((await child.finished) !== 0) throw new Error(`it failed: ${child.output()}`);
	silent.close();
	const { grownBytes, points } = STALLED_RESULT.parse(JSON.parse(child.stdout()));
	return {
		figure: `memory that the series store takes while InfluxDB stalls, ${formatBytes(STALLED_BYTES)} of backlog`,
		target: `<= ${formatBytes(MAX_GROWTH)}`,
		measured: formatBytes(grownBytes),
		met: grownBytes <= MAX_GROWTH,
		how: `A server that accepts connections and never answers; ${number(points)} points of a kilobyte are written until the store refuses with \`limit\`, requests ending after 1 s each. Growth of resident memory after the first 10 MB.`,
	};
}
