/** How long a guest that writes all the time stands still while its snapshot opens. */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { QmpClient } from "../../agent/hypervisor/qmp.ts";
import { vmPath } from "../../cli/collector-client.ts";
import { bootGuest, type Guest, makeDisk } from "../support/guest.ts";
import { Site } from "../support/site.ts";
import { until } from "../support/wait.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { median, number, spread } from "./measure.ts";

const GIB = 2 ** 30;
const CAPTURES = 20;
const PAUSE_MS = 50;
const ALL_STATS = z.array(z.object({ qdev: z.string().optional(), stats: z.object({ wr_operations: z.number() }) }));

export const pauseBench: Bench = { name: "pause", programs: [], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	await using stack = new AsyncDisposableStack();
	say("booting a guest with one disk and one with two");
	const monitorPath = folder.file("events.sock");
	const one = stack.use(await boot(folder.file("one"), 1));
	const two = stack.use(await boot(folder.file("two"), 2, ["-qmp", `unix:${monitorPath},server=on,wait=off`]));
	const monitor = stack.use(await QmpClient.connect(monitorPath));
	const site = stack.use(
		await Site.start({ folder: folder.path, sockets: [one.qmpSocket, two.qmpSocket], agent: { log: "warn" } }),
	);
	for (const vm of ["one", "two"]) await site.capture(vm);

	say(`${CAPTURES} captures of two disks under writes`);
	await keepWriting(two, ["/mnt/w", "/mnt1/w"]);
	const stopped: number[] = [];
	for (let at = 0; at < CAPTURES; at++) stopped.push(await stopToResume(site, monitor));
	await two.kill();

	say(`${CAPTURES} captures of one disk under writes, and as long without a capture`);
	await keepWriting(one, ["/mnt/w"]);
	const stalled: number[] = [];
	const undisturbed: number[] = [];
	for (let at = 0; at < CAPTURES; at++) {
		let captureMs = 0;
		const during = await longestStall(one, async () => {
			const start = performance.now();
			await order(site, "one");
			captureMs = performance.now() - start;
		});
		stalled.push(during);
		undisturbed.push(await longestStall(one, () => sleep(captureMs)));
	}
	return [
		{
			figure: "guest pause, two disks: STOP to RESUME",
			target: `<= ${PAUSE_MS} ms`,
			measured: `${number(median(stopped))} ms`,
			met: median(stopped) <= PAUSE_MS,
			how: `The guest writes 4 KiB blocks to both disks with O_DIRECT without pause and is captured ${CAPTURES} times; time stamps of QEMU's own STOP and RESUME events, as a second monitor sees them: ${spread(stopped, "ms")}.`,
		},
		{
			figure: "guest pause, one disk: longest write",
			target: `<= ${PAUSE_MS} ms`,
			measured: `${number(median(stalled))} ms (${number(median(undisturbed))} ms without a capture)`,
			met: median(stalled) <= PAUSE_MS,
			how: `One disk needs no stop, so the guest feels a snapshot only as writes that take longer. It writes as above, one write at a time; the finished ones are counted from outside (\`query-blockstats\`, asked again as soon as it has answered), and the longest time without one more is taken for each of ${CAPTURES} whole captures, so copying before writes is in it: ${spread(stalled, "ms")}. The same without a capture, for as long: ${spread(undisturbed, "ms")}.`,
		},
	];
}

async function boot(folder: string, disks: number, extraArgs: readonly string[] = []): Promise<Guest> {
	const paths = Array.from({ length: disks }, (_, at) => `${folder}-${at}.qcow2`);
	for (const [at, path] of paths.entries()) await makeDisk(path, { sizeBytes: GIB, format: "qcow2", seed: at });
	return await bootGuest({ folder, extraArgs, disks: paths.map((path) => ({ path, format: "qcow2" })) });
}

/** Writes go on in the guest's background, 64 MiB round and round. */
async function keepWriting(guest: Guest, files: readonly string[]): Promise<void> {
	const loops = files.map((file) => {
		const dd = `dd if=/dev/zero of=${file} bs=4k count=16384 conv=notrunc`;
		return `${dd} && sync || exit 1\n(while ${dd} oflag=direct; do :; done) >/dev/null 2>&1 &`;
	});
	const { code, output } = await guest.run(loops.join("\n"));
	if (code !== 0) throw new Error(`the guest could not write: ${output}`);
	const before = await written(guest);
	await until(async () => (await written(guest)) > before, { what: "the guest writes" });
}

async function order(site: Site, vm: string): Promise<void> {
	await site.client.post(vmPath(vm, "capture"));
}

/** One capture; milliseconds from the first STOP to the RESUME after it. */
async function stopToResume(site: Site, monitor: QmpClient): Promise<number> {
	const times: { stop?: bigint; resume?: bigint } = {};
	const ignore = monitor.onEvent(({ event, timeNs }) => {
		if (event === "STOP") times.stop ??= timeNs;
		if (event === "RESUME") times.resume ??= timeNs;
	});
	await order(site, "two");
	await until(() => times.stop !== undefined && times.resume !== undefined, { what: "STOP and RESUME" });
	ignore();
	return Number((times.resume ?? 0n) - (times.stop ?? 0n)) / 1e6;
}

/**
 * The longest time in which no write of the guest was seen to finish while `work` ran, in milliseconds. The guest has
 * one write under way at a time, so that is how long one took, the guest's own step to the next and the time between
 * two looks included.
 */
async function longestStall(guest: Guest, work: () => Promise<void>): Promise<number> {
	let before = await written(guest);
	let seen = performance.now();
	let longest = 0;
	let ended = false;
	const done = work().finally(() => {
		ended = true;
	});
	while (!ended) {
		const now = await written(guest);
		if (now === before) continue;
		const time = performance.now();
		longest = Math.max(longest, time - seen);
		[before, seen] = [now, time];
	}
	await done;
	return Math.max(longest, performance.now() - seen);
}

/** Writes of the first disk that are finished. */
async function written(guest: Guest): Promise<number> {
	const all = ALL_STATS.parse(await guest.qmp("query-blockstats"));
	const found = all.find(({ qdev }) => qdev?.includes("disk0"));
	if (found === undefined) throw new Error("no statistics of disk0");
	return found.stats.wr_operations;
}
