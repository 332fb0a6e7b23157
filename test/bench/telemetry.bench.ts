/** What it costs a host that its agent reads 50 VMs, beside what node_exporter costs it for the host alone. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { formatBytes } from "../../common/units.ts";
import { findProgram } from "../../packaging/guest/programs.ts";
import { bootGuest, makeDisk } from "../support/guest.ts";
import { listening, type Program, startProgram } from "../support/processes.ts";
import { freePort, Site } from "../support/site.ts";
import { until } from "../support/wait.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { number } from "./measure.ts";
import { startAsPackaged } from "./packaged.ts";
import { cpuSeconds, memory, resetPeak } from "./process-stats.ts";

const MIB = 2 ** 20;
const VMS = 50;
const INTERVAL_S = 10;
/** A minute's facts and filesystems are in it twice. */
const MEASURED_MS = 120_000;
const MAX_RSS = 120 * MIB;
const MAX_CORE = 0.02;
const EXPORTER = "prometheus-node-exporter";
const SCRAPES = 30;

export const telemetryBench: Bench = { name: "telemetry", programs: [], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	const disks = await Promise.all(
		["a", "b"].map(async (name, seed) => {
			const path = folder.file(`${name}.qcow2`);
			await makeDisk(path, { sizeBytes: 64 * MIB, format: "qcow2", seed });
			return { path, format: "qcow2" as const };
		}),
	);
	await using guest = await bootGuest({
		folder: folder.file("vm"),
		disks,
		modules: ["virtio_balloon"],
		extraArgs: [
			...["-smp", "4", "-device", "virtio-balloon-pci,id=balloon", "-netdev", "user,id=net"],
			...["-device", "virtio-net-pci,id=nic,netdev=net"],
		],
	});
	await guest.run("true");
	await using standIn = await startProgram(process.execPath, [
		join(import.meta.dirname, "qmp-stand-in-child.ts"),
		...[folder.path, String(VMS), guest.qmpSocket],
	]);
	await standIn.said(/listening/, { what: "the monitors listen" });
	const sockets = [folder.file("*.qmp")];
	await using site = await Site.start({
		folder: folder.path,
		sockets,
		agent: {
			qemu: { sockets },
			vms: [{ match: "*", exclude: true }],
			telemetry: { interval: `${INTERVAL_S}s` },
			log: "warn",
		},
	});
	await startAsPackaged(site, folder.file("cache"), () => allRead(site));
	const pid = site.agent?.pid ?? 0;
	say(`the agent reads ${VMS} VMs for ${MEASURED_MS / 1000} s`);
	resetPeak(pid);
	const [cpu, start] = [await cpuSeconds(pid), performance.now()];
	await sleep(MEASURED_MS);
	const core = ((await cpuSeconds(pid)) - cpu) / ((performance.now() - start) / 1000);
	const { rss, peak } = memory(pid);
	const about = await newestOf(site, "agent");
	const how = `${VMS} VMs with 4 vCPUs, 2 disks and a balloon each, read every ${INTERVAL_S} s, the host too; no captures. The monitors are stand-ins that answer what a real QEMU answered, with counters that move, and the vCPUs' threads are real ones of the stand-in's process. The agent is a child process with the environment that the systemd unit sets, connected to a real collector; over ${MEASURED_MS / 1000} s.`;
	return [
		{
			figure: `telemetry of ${VMS} VMs: processor`,
			target: `<= ${MAX_CORE * 100} % of a core`,
			measured: `${number(core * 100)} %; a round took ${number((about.fields["scrape_seconds"] ?? 0) * 1000)} ms in all`,
			met: core <= MAX_CORE,
			how: `${how} User and system time of all its threads, everything else that it does included.`,
		},
		{
			figure: `telemetry of ${VMS} VMs: memory`,
			target: `<= ${MAX_RSS / MIB} MiB`,
			measured: `${formatBytes(peak)} at most, ${formatBytes(rss)} at the end`,
			met: peak <= MAX_RSS,
			how: `${how} Resident memory by the kernel's account (VmHWM after a reset, VmRSS).`,
		},
		...(findProgram(EXPORTER) === undefined ? [] : [await exporter(say)]),
	];
}

interface Sample {
	readonly tags: Readonly<Record<string, string>>;
	readonly time: string;
	readonly fields: Readonly<Record<string, number>>;
}

async function newestOf(site: Site, measurement: string): Promise<Sample> {
	const [newest] = await samplesOf(site, measurement);
	if (newest === undefined) throw new Error(`no ${measurement} was read`);
	return newest;
}

async function samplesOf(site: Site, measurement: string): Promise<Sample[]> {
	return await Array.fromAsync(site.client.list<Sample>("/v1/telemetry", { measurement }));
}

/** Two rounds of every VM, by the agent that was started last. */
async function allRead(site: Site): Promise<void> {
	const since = BigInt(Date.now()) * 1_000_000n;
	await until(
		async () => {
			const fresh = (await samplesOf(site, "vm")).filter(
				({ time, fields }) => BigInt(time) > since && fields["cpu_usage_percent"] !== undefined,
			);
			return fresh.length === VMS;
		},
		{ what: `readings of ${VMS} VMs`, timeoutMs: 120_000, intervalMs: 500 },
	);
}

/** Reads the same kind of host for comparison; it knows no VMs. */
async function exporter(say: (text: string) => void): Promise<Row> {
	say(`${EXPORTER} is scraped ${SCRAPES} times`);
	const port = await freePort();
	await using program: Program = await startProgram(EXPORTER, [`--web.listen-address=127.0.0.1:${port}`]);
	await listening(port);
	const scrape = async (): Promise<number> => (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).length;
	for (let n = 0; n < 3; n++) await scrape();
	const cpu = await cpuSeconds(program.pid);
	for (let n = 0; n < SCRAPES; n++) await scrape();
	const ms = (((await cpuSeconds(program.pid)) - cpu) / SCRAPES) * 1000;
	const { rss } = memory(program.pid);
	return {
		figure: "node_exporter, the host alone",
		target: "-",
		measured: `${formatBytes(rss)}, ${number(ms)} ms of a core a scrape (${number((ms / (INTERVAL_S * 1000)) * 100)} % at ${INTERVAL_S} s)`,
		met: undefined,
		how: `Debian's ${EXPORTER} with its defaults, ${SCRAPES} scrapes after three to warm up. It reads more of the host than Umbra, and no VMs.`,
	};
}
