/** How fast an exported point is read, against qemu-nbd on the raw image. */
import { rm, writeFile } from "node:fs/promises";
import { vmPath } from "../../cli/collector-client.ts";
import type { ExportView } from "../../collector/export/exports.ts";
import { TestAgent, TestVm } from "../../collector/ingest/test-agent.ts";
import { createRandom } from "../../common/random.ts";
import { NbdClient } from "../../disk/source/nbd/client.ts";
import { parseNbdUri } from "../../disk/source/nbd/uri.ts";
import { listening, startProgram } from "../support/processes.ts";
import { Site } from "../support/site.ts";
import type { Bench, BenchContext, Row } from "./bench.ts";
import { noise } from "./data.ts";
import { interleaved, median, number, spread } from "./measure.ts";

const MIB = 2 ** 20;
const BLOCK = 65536;
const DISK_MIB = 512;
const ROUNDS = 7;
const RANDOM_READS = 20_000;
const READ_BYTES = 4096;
const DEPTH = 16;
const MIN_SHARE = 0.5;
const MIN_READS = 5000;

export const exportBench: Bench = { name: "export", programs: ["qemu-nbd", "nbdcopy"], run };

async function run({ folder, say }: BenchContext): Promise<Row[]> {
	await using site = await Site.start({ folder: folder.path, sockets: [folder.file("no*.sock")] });
	const rows: Row[] = [];
	for (const [kind, noisy] of [
		["random data", 1],
		["half-compressible data", 0.5],
	] as const) {
		const image = folder.file("image.raw");
		say(`bringing ${DISK_MIB} MiB of ${kind} into the vault`);
		const disk = Buffer.concat([...noise(DISK_MIB * MIB)]);
		if (noisy < 1) for (let at = 0; at < disk.length; at += BLOCK) disk.fill(0x41, at + BLOCK * noisy, at + BLOCK);
		await writeFile(image, disk);
		const vm = `bench-${noisy}`;
		await capture(site, vm, disk);
		const view = await site.client.post<ExportView>(vmPath(vm, "points", "latest", "exports"), { leaseSeconds: 3600 });
		const ours = view.disks[0]?.uri ?? "";
		const socket = folder.file("qemu.sock");
		await using _server = await startProgram("qemu-nbd", [
			...["--read-only", "--persistent", "--shared", "8", "--format", "raw", "--socket", socket, image],
		]);
		await listening(socket);
		const theirs = `nbd+unix:///?socket=${socket}`;
		say(`reading it ${ROUNDS} times from either server`);
		const speeds = await interleaved({ ours: () => copy(ours), theirs: () => copy(theirs) }, ROUNDS, 2);
		const share = median(speeds.ours) / median(speeds.theirs);
		rows.push({
			figure: `reading an export, ${kind}, against qemu-nbd on the raw image`,
			target: `>= ${MIN_SHARE} x`,
			measured: `${number(share)} x (${number(median(speeds.ours))} of ${number(median(speeds.theirs))} MB/s)`,
			met: share >= MIN_SHARE,
			how: `${DISK_MIB} MiB in a point of a running collector, packs and image in the page cache; \`nbdcopy URI null:\` as it is, ${ROUNDS} times from either server in turns after two rounds to warm up; medians. Ours checks every block against its name, and decompresses it: ${spread(speeds.ours, "MB/s")}.`,
		});
		say(`${RANDOM_READS} random reads`);
		const rates = await interleaved({ ours: (round) => randomReads(ours, round) }, 3);
		const rate = median(rates.ours);
		rows.push({
			figure: `random 4 KiB reads of an export, ${kind}`,
			target: `>= ${number(MIN_READS)} /s`,
			measured: `${number(rate)} /s`,
			met: rate >= MIN_READS,
			how: `The same export; ${number(RANDOM_READS)} reads of 4 KiB at random places, ${DEPTH} under way on one connection, by the agent's NBD client; each is of a block of 64 KiB that is read and checked whole. Median of 3, ${spread(rates.ours, "/s")}.`,
		});
		await rm(image);
	}
	return rows;
}

async function capture(site: Site, name: string, disk: Buffer): Promise<void> {
	await using agent = new TestAgent(`127.0.0.1:${site.agentPort}`, `${name}-agent`);
	const vm = new TestVm(name, {}, `${name}-agent`);
	vm.disks.set("vda", disk);
	await vm.capture(agent);
}

/** Of 10^6 bytes a second. */
async function copy(uri: string): Promise<number> {
	const start = performance.now();
	await using program = await startProgram("nbdcopy", [uri, "null:"]);
	if ((await program.finished) !== 0) throw new Error(`nbdcopy failed: ${program.output()}`);
	return (DISK_MIB * MIB) / 1e3 / (performance.now() - start);
}

/** A second. */
async function randomReads(uri: string, seed: number): Promise<number> {
	const random = createRandom(seed);
	await using client = await NbdClient.connect(parseNbdUri(uri));
	let left = RANDOM_READS;
	const start = performance.now();
	const lane = async (): Promise<void> => {
		while (left-- > 0) await client.read(random.between(0, client.size / READ_BYTES - 1) * READ_BYTES, READ_BYTES);
	};
	await Promise.all(Array.from({ length: DEPTH }, lane));
	return (RANDOM_READS * 1000) / (performance.now() - start);
}
