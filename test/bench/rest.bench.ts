/** What an agent costs a host that it watches, while next to nothing happens. */

import { setTimeout as sleep } from "node:timers/promises";
import { formatBytes } from "../../common/units.ts";
import { bootGuest, makeDisk } from "../support/guest.ts";
import { Site } from "../support/site.ts";
import { until } from "../support/wait.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { number } from "./measure.ts";
import { startAsPackaged } from "./packaged.ts";
import { cpuSeconds, memory, resetPeak } from "./process-stats.ts";

const MIB = 2 ** 20;
/** Three captures of the default schedule are in it. */
const MEASURED_MS = 190_000;
const MAX_RSS = 150 * MIB;
const MAX_CORE = 0.01;

export const restBench: Bench = { name: "rest", programs: [], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	const path = folder.file("disk.qcow2");
	await makeDisk(path, { sizeBytes: 2048 * MIB, format: "qcow2", seed: 1 });
	await using guest = await bootGuest({ folder: folder.file("vm"), disks: [{ path, format: "qcow2" }] });
	// As little as any system does by itself.
	await guest.run("(while sleep 10; do date >>/mnt/var/log/messages; done) >/dev/null 2>&1 &");
	await using site = await Site.start({
		folder: folder.path,
		sockets: [guest.qmpSocket],
		agent: { schedule: "every 60s", qemu: { sockets: [guest.qmpSocket] }, log: "warn" },
	});
	const captures = async (): Promise<number> => (await site.changes("vm")).length;
	let seen = 0;
	const another = async (): Promise<void> => {
		await until(async () => (await captures()) > seen, { what: "a capture", timeoutMs: 120_000 });
		seen = await captures();
	};
	await another();
	await startAsPackaged(site, folder.file("cache"), another);
	const pid = site.agent?.pid ?? 0;
	say(`the agent at rest for ${MEASURED_MS / 1000} s`);
	const before = await captures();
	resetPeak(pid);
	const [cpu, start] = [await cpuSeconds(pid), performance.now()];
	await sleep(MEASURED_MS);
	const core = ((await cpuSeconds(pid)) - cpu) / ((performance.now() - start) / 1000);
	const { rss, peak } = memory(pid);
	const taken = (await captures()) - before;
	if (taken < 2) throw new Error(`only ${taken} captures while the agent was measured`);
	const how = `A running Linux guest that appends a line to a log every ten seconds, the default settings (a capture every 60 s), the environment that the systemd unit sets, the first capture done; over ${MEASURED_MS / 1000} s with ${taken} captures.`;
	return [
		{
			figure: "agent at rest, one VM: memory",
			target: `<= ${MAX_RSS / MIB} MiB`,
			measured: `${formatBytes(peak)} at most, ${formatBytes(rss)} at the end`,
			met: peak <= MAX_RSS,
			how: `${how} Resident memory by the kernel's account (VmHWM after a reset, VmRSS).`,
		},
		{
			figure: "agent at rest, one VM: processor",
			target: `<= ${MAX_CORE * 100} % of a core`,
			measured: `${number(core * 100)} %`,
			met: core <= MAX_CORE,
			how: `${how} User and system time of all its threads.`,
		},
	];
}
