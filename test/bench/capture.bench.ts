/** What an incremental capture costs, and that it does not cost more on a larger disk. */
import { vmPath } from "../../cli/collector-client.ts";
import type { ChangesetRecord } from "../../collector/catalog/records.ts";
import { bootGuest, type Guest, makeDisk } from "../support/guest.ts";
import { Site } from "../support/site.ts";
import { until } from "../support/wait.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { interleaved, median, number, spread } from "./measure.ts";

const GIB = 2 ** 30;
const ROUNDS = 10;
const FILES = 10;
const LARGER_DISK = 1.3;
const CHANGED_MS = 2000;
const UNCHANGED_MS = 500;

export const captureBench: Bench = { name: "capture", programs: [], run };

interface Timing {
	/** Of the request to the collector, which asks the agent and answers when the capture is final. */
	readonly wallMs: number;
	readonly captureMs: number;
	readonly changedBytes: number;
}

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	await using stack = new AsyncDisposableStack();
	say("making a 2 GiB and a 64 GiB disk, booting a guest on each");
	const small = stack.use(await boot(folder.file("small"), 2 * GIB));
	const large = stack.use(await boot(folder.file("large"), 64 * GIB));
	const site = stack.use(
		await Site.start({ folder: folder.path, sockets: [small.qmpSocket, large.qmpSocket], agent: { log: "warn" } }),
	);
	say("first captures");
	for (const vm of ["small", "large"]) await site.capture(vm);
	say(`${ROUNDS} rounds of captures: 10 MiB changed, then nothing changed, on either`);
	const { smallChanged, largeChanged, smallUnchanged, largeUnchanged } = await interleaved(
		{
			smallChanged: () => changed(site, small, "small"),
			largeChanged: () => changed(site, large, "large"),
			smallUnchanged: () => capture(site, "small"),
			largeUnchanged: () => capture(site, "large"),
		},
		ROUNDS,
	);
	const wall = (timings: readonly Timing[]): number[] => timings.map(({ wallMs }) => wallMs);
	const inside = (timings: readonly Timing[]): string =>
		spread(
			timings.map(({ captureMs }) => captureMs),
			"ms",
		);
	const ratio = median(wall(largeChanged)) / median(wall(smallChanged));
	const slowest = Math.max(median(wall(largeChanged)), median(wall(smallChanged)));
	const idle = Math.max(median(wall(largeUnchanged)), median(wall(smallUnchanged)));
	const seen = number(median(largeChanged.map(({ changedBytes }) => changedBytes)) / 2 ** 20);
	const setting = `Two running Linux guests with ext4 on qcow2, one with a disk of 2 GiB, one of 64 GiB, under one agent. In the guest ${FILES} files of 1 MiB are overwritten with random bytes and synced`;
	const timed = `timed is the API's \`POST /v1/vms/VM/capture\`, which answers when the capture is durable in the agent's spool; medians of ${ROUNDS} in turns`;
	return [
		{
			figure: "capture of 10 MiB changed, 64 GiB disk against 2 GiB",
			target: `<= ${LARGER_DISK} x`,
			measured: `${number(ratio)} x (${number(median(wall(largeChanged)))} and ${number(median(wall(smallChanged)))} ms)`,
			met: ratio <= LARGER_DISK,
			how: `${setting} (${seen} MiB of blocks differ with metadata and journal); ${timed}. The changesets' own \`captureMs\`: ${inside(largeChanged)} and ${inside(smallChanged)}.`,
		},
		{
			figure: "capture of 10 MiB changed, time",
			target: `< ${CHANGED_MS / 1000} s`,
			measured: `${number(slowest)} ms`,
			met: slowest < CHANGED_MS,
			how: `The slower of the two above: 64 GiB ${spread(wall(largeChanged), "ms")}, 2 GiB ${spread(wall(smallChanged), "ms")}.`,
		},
		{
			figure: "capture with no change, time",
			target: `< ${UNCHANGED_MS / 1000} s`,
			measured: `${number(idle)} ms`,
			met: idle < UNCHANGED_MS,
			how: `The same guests, left alone since the capture before; ${timed}; the slower of 64 GiB ${spread(wall(largeUnchanged), "ms")} and 2 GiB ${spread(wall(smallUnchanged), "ms")}.`,
		},
	];
}

async function boot(folder: string, sizeBytes: number): Promise<Guest> {
	const disk = await makeDisk(`${folder}.qcow2`, { sizeBytes, format: "qcow2", seed: 1 });
	return await bootGuest({ folder, disks: [{ path: disk.path, format: "qcow2" }] });
}

async function changed(site: Site, guest: Guest, vm: string): Promise<Timing> {
	const { code, output } = await guest.run(
		`mkdir -p /mnt/srv/data && for i in $(seq ${FILES}); do dd if=/dev/urandom of=/mnt/srv/data/$i bs=1M count=1 conv=notrunc; done; sync`,
	);
	if (code !== 0) throw new Error(`the guest could not write: ${output}`);
	return await capture(site, vm);
}

async function capture(site: Site, vm: string): Promise<Timing> {
	const start = performance.now();
	const { changesetId } = await site.client.post<{ changesetId: string }>(vmPath(vm, "capture"));
	const wallMs = performance.now() - start;
	// The uplink is at rest again before the next one is timed.
	const changeset = await arrived(site, vm, changesetId);
	const changedBytes = changeset.disks.reduce((sum, disk) => sum + disk.changedBytes, 0);
	return { wallMs, captureMs: changeset.captureMs, changedBytes };
}

async function arrived(site: Site, vm: string, id: string): Promise<ChangesetRecord> {
	return await until(async () => (await site.changes(vm)).find((change) => change.id === id), {
		what: `changeset ${id} of ${vm} in the catalog`,
	});
}
