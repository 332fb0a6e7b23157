/** How long it takes until a clone of a captured machine runs, and how much of the host's memory it takes. */
import { setTimeout as sleep } from "node:timers/promises";
import { Segment } from "../../agent/trial/network/segment.ts";
import type { Template } from "../../agent/trial/template.ts";
import { capturePoint } from "../../agent/trial/testing.ts";
import { Trials } from "../../agent/trial/trials.ts";
import { silentLogger } from "../../common/log.ts";
import { bootGuest, makeDisk } from "../support/guest.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { median, number, spread } from "./measure.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const SMALL_MB = 512;
const LARGE_MB = 2048;
const ROUNDS = 15;
const IDLE_CLONES = 3;
const IDLE_MS = 10_000;
const START_MS = 400;
const GROWTH = 1.3;
const SHARE = 0.25;

export const cloneBench: Bench = { name: "clone", programs: ["perl", "setpriv"], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	await using stack = new AsyncDisposableStack();
	const trials = stack.use(
		await Trials.open({
			folder: folder.file("t"),
			limits: { slots: 8, memory: 16 * GIB, cpuShare: 1, cgroup: `umbra-bench-${process.pid}`, disk: GIB },
			log: silentLogger(),
		}),
	);
	const templates: Template[] = [];
	for (const memoryMb of [SMALL_MB, LARGE_MB]) {
		say(`a guest of ${memoryMb} MB`);
		templates.push(stack.use(await prepare(trials, folder.file(`g${memoryMb}`), memoryMb)));
	}
	const [small, large] = templates as [Template, Template];

	say(`${ROUNDS} clones of each, in turns`);
	const took = new Map<Template, number[]>(templates.map((template) => [template, []]));
	for (let round = 0; round < ROUNDS; round++) {
		for (const template of templates) took.get(template)?.push(await startOne(template));
	}
	const [smallMs, largeMs] = [took.get(small) ?? [], took.get(large) ?? []];
	const growth = median(largeMs) / median(smallMs);

	say(`${IDLE_CLONES} clones that run for ${IDLE_MS / 1000} s`);
	const own: number[] = [];
	for (const template of templates) own.push(await ownShare(template));
	const share = Math.max(...own);
	const ready = templates.map((template) => `${number(template.madeMs)} ms for ${number(template.ramBytes / MIB)} MiB`);
	return [
		{
			figure: "a clone of a captured VM, until it runs",
			target: `<= ${START_MS} ms`,
			measured: `${number(median(smallMs))} ms`,
			met: median(smallMs) <= START_MS,
			how: `A guest of ${SMALL_MB} MB RAM with one disk, a quarter of its RAM filled, is captured and made a template. From the order for a clone until its guest goes on, the start of QEMU included: ${spread(smallMs, "ms")}, ${ROUNDS} times.`,
		},
		{
			figure: `the same with ${LARGE_MB} MB of RAM in place of ${SMALL_MB}`,
			target: `< ${GROWTH}x`,
			measured: `${number(growth)}x`,
			met: growth < GROWTH,
			how: `In turns with the small one: ${spread(largeMs, "ms")}. RAM is mapped, not read.`,
		},
		{
			figure: "host memory of an idle clone, of its RAM",
			target: `<= ${SHARE * 100} %`,
			measured: `${number(100 * share)} %`,
			met: share <= SHARE,
			how: `${IDLE_CLONES} clones of a template run for ${IDLE_MS / 1000} s; the proportional set size of each without what all share (Pss_Anon + Pss_File), its median: ${number(100 * (own[0] ?? 0))} % of ${SMALL_MB} MB, ${number(100 * (own[1] ?? 0))} % of ${LARGE_MB} MB. The larger counts.`,
		},
		{
			figure: "a captured VM, until it can be cloned",
			target: "-",
			measured: ready.join(", "),
			met: undefined,
			how: "From a state in this process's memory: the collector and the network are not in it. Once for each guest.",
		},
	];
}

async function prepare(trials: Trials, folder: string, memoryMb: number): Promise<Template> {
	const disk = await makeDisk(`${folder}.qcow2`, { sizeBytes: 256 * MIB, format: "qcow2", seed: memoryMb });
	await using guest = await bootGuest({ folder, disks: [disk], memoryMb });
	const copies = memoryMb / 4 / 16 - 1;
	await guest.run(
		`dd if=/dev/urandom of=/tmp/a bs=64k count=256; for i in $(seq ${copies}); do cat /tmp/a > /tmp/a$i; done`,
	);
	const point = await capturePoint(guest, folder);
	await guest.kill();
	return await trials.prepare(point, new AbortController().signal);
}

async function startOne(template: Template): Promise<number> {
	const begun = performance.now();
	await using clone = await template.clone({ segment: new Segment() });
	await clone.start();
	return performance.now() - begun;
}

/** Of a clone's RAM, what it takes of the host for itself. */
async function ownShare(template: Template): Promise<number> {
	await using clones = new AsyncDisposableStack();
	const all = [];
	for (let at = 0; at < IDLE_CLONES; at++) {
		const clone = clones.use(await template.clone({ segment: new Segment() }));
		await clone.start();
		all.push(clone);
	}
	await sleep(IDLE_MS);
	const memories = await Promise.all(all.map((clone) => clone.memory()));
	return median(memories.map((memory) => (memory?.ownBytes ?? 0) / template.cloneRamBytes));
}
