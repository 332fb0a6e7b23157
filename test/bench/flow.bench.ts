/** A first capture of 10 GiB: what it takes in memory at either end, and how fast it goes; then the way back. */
import { rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { formatBytes } from "../../common/units.ts";
import { BareMachine } from "../support/bare-machine.ts";
import { startUmbra } from "../support/processes.ts";
import { Site } from "../support/site.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { writeImage } from "./data.ts";
import { number } from "./measure.ts";
import { memory, resetPeak } from "./process-stats.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const DISK_BYTES = 12 * GIB;
const DATA_BYTES = 10 * GIB;
const SPOOL_LIMIT = "2GiB";
/** Memory is bounded where the last quarter of the data takes no more than the first did; the rest is for what grows with the vault, the collector's index. */
const GROWTH = 1.25;
const LOOK_MS = 250;
const TIMEOUT_MS = 10 * 60_000;

export const flowBench: Bench = { name: "flow", programs: [], run };

interface Peaks {
	readonly agent: number;
	readonly collector: number;
}

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	const path = folder.file("disk.raw");
	say("writing a disk with 10 GiB of data");
	await writeImage(path, DISK_BYTES, DATA_BYTES);
	await using machine = await BareMachine.start({
		name: "vm",
		folder: folder.path,
		disks: [{ id: "disk0", path, format: "raw" }],
	});
	say("first capture of it, into a collector");
	const start = performance.now();
	await using site = await Site.start({
		folder: folder.path,
		sockets: [machine.qmpSocket],
		agent: { spool: { limit: SPOOL_LIMIT }, log: "warn" },
		collector: { log: "warn" },
	});
	const quarters = await follow(site, say);
	const seconds = (performance.now() - start) / 1000;
	const [first, last] = [quarters[0], quarters[3]];
	if (first === undefined || last === undefined) throw new Error("it went by faster than it could be followed");
	await machine.kill();
	await rm(path);

	const most = (of: keyof Peaks): number => Math.max(...quarters.map((peaks) => peaks[of]));
	const how = `A QEMU with a raw disk of 12 GiB, 10 GiB of it noise in which no two blocks are alike, the agent's spool limited to ${SPOOL_LIMIT}; the first capture, from the start of agent and collector until the changeset is in the catalog. The kernel's peak of resident memory (VmHWM), reset at each quarter of the data`;
	const rows = (["agent", "collector"] as const).map((of): Row => {
		const growth = last[of] / first[of];
		return {
			figure: `${of}'s memory while 10 GiB flow through`,
			target: `last quarter <= ${GROWTH} x first`,
			measured: `${number(growth)} x, ${formatBytes(most(of))} at most`,
			met: growth <= GROWTH,
			how: `${how}: ${quarters.map((peaks) => formatBytes(peaks[of])).join(", ")}.`,
		};
	});
	rows.push({
		figure: "first capture of 10 GiB, disk to vault",
		target: "-",
		measured: `${number(DATA_BYTES / 1e6 / seconds)} MB/s`,
		met: undefined,
		how: "The same run: read over NBD, hashed, spooled to disk and synced, sent, verified, written to the vault and synced, on one machine and one disk. The time from start to changeset, the start of both programs included.",
	});
	rows.push(await restore(site, folder.file("restored.raw"), say));
	return rows;
}

/** Waits for the changeset; the peaks of each quarter of the data. */
async function follow(site: Site, say: BenchContext["say"]): Promise<Peaks[]> {
	const [agent, collector] = [site.agent?.pid ?? 0, site.collector?.pid ?? 0];
	const quarters: Peaks[] = [];
	const deadline = performance.now() + TIMEOUT_MS;
	for (;;) {
		const { vault } = await site.client.get<{ vault: { storedBytes: number } }>("/v1/health");
		const done = (await site.changes("vm")).length > 0;
		if (done || (quarters.length < 3 && vault.storedBytes >= ((quarters.length + 1) * DATA_BYTES) / 4)) {
			quarters.push({ agent: memory(agent).peak, collector: memory(collector).peak });
			say(`${formatBytes(vault.storedBytes)} in the vault`);
			if (done) return quarters;
			for (const pid of [agent, collector]) resetPeak(pid);
		}
		if (performance.now() > deadline) {
			throw new Error(`no changeset within ${TIMEOUT_MS / 60_000} minutes; the agent said: ${site.agent?.output()}`);
		}
		await sleep(LOOK_MS);
	}
}

async function restore(site: Site, out: string, say: BenchContext["say"]): Promise<Row> {
	say("restoring it");
	const start = performance.now();
	await using program = await startUmbra(["restore", "vm@latest", "disk0", out, "--collector", site.apiUrl]);
	if ((await program.finished) !== 0) throw new Error(`the restore failed: ${program.output()}`);
	const seconds = (performance.now() - start) / 1000;
	const { blocks } = await stat(out);
	if (blocks * 512 > DATA_BYTES + 64 * MIB) throw new Error("the restored disk is not sparse");
	return {
		figure: "restore of 10 GiB, vault to raw image",
		target: "-",
		measured: `${number(DATA_BYTES / 1e6 / seconds)} MB/s`,
		met: undefined,
		how: "`umbra restore` of that point over the collector's API into a sparse raw file, every block verified, synced at the end.",
	};
}
