import assert from "node:assert/strict";
import { open, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { silentLogger } from "../../common/log.ts";
import { NbdClient } from "../../disk/source/nbd/client.ts";
import { bootGuest, makeDisk } from "../../test/support/guest.ts";
import { needsGuest } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { HashPool } from "../capture/hash-pool.ts";
import { QemuMachine } from "../hypervisor/qemu-machine.ts";
import { monitorAt } from "../hypervisor/testing.ts";
import { rejoin } from "./rejoin.ts";
import { type ReadState, readState } from "./state.ts";
import { MemoryChunks } from "./testing.ts";

const MIB = 2 ** 20;
/** Counts in memory, then on the disk, for ever: at any instant the disk has the same number or the one before. */
const COUNT = `(i=0; while :; do i=$((i+1)); echo "umbra-count $i." > /tmp/count
dd if=/tmp/count of=/mnt/count bs=4096 conv=sync,notrunc oflag=direct; done) > /dev/null 2>&1 &`;

interface Captured {
	readonly chunks: MemoryChunks;
	readonly state: ReadState;
}

/** Captures the machine's state, and its one disk into `image`. */
async function capture(machine: QemuMachine, image: string): Promise<Captured> {
	await using pool = new HashPool(1);
	const chunks = new MemoryChunks();
	const { signal } = new AbortController();
	let state: ReadState | undefined;
	await using snapshot = await machine.openSnapshot({
		disks: new Map([["disk0", undefined]]),
		ram: {
			allowPause: false,
			read: async (stream, scratchPath) => {
				state = await readState({ stream, scratchPath, pool, chunks, maxWaitMs: 60_000, signal });
			},
		},
	});
	await snapshot.ram?.finished();
	assert.ok(state !== undefined);
	const { socketPath, exportName } = snapshot.disks[0]!;
	await using nbd = await NbdClient.connect({ address: { path: socketPath }, exportName, contexts: [] });
	await using file = await open(image, "w");
	for (let at = 0; at < nbd.size; at += MIB) await file.write(await nbd.read(at, MIB), 0, MIB, at);
	return { chunks, state };
}

/** The greatest number that was counted to in these bytes. */
function greatestCount(bytes: Buffer): number {
	let greatest = 0;
	for (let at = bytes.indexOf("umbra-count "); at >= 0; at = bytes.indexOf("umbra-count ", at + 1)) {
		const [, digits] = /^umbra-count (\d+)\.\n/.exec(bytes.toString("latin1", at, at + 32)) ?? [];
		greatest = Math.max(greatest, Number(digits ?? 0));
	}
	return greatest;
}

/** A machine that was captured stood still at that instant, and so does the one that is made of it. */
async function goOn(socketPath: string): Promise<void> {
	await using qmp = await monitorAt(socketPath);
	const status = async () => ((await qmp.execute("query-status")) as { status: string }).status;
	await until(async () => (await status()) === "paused", { what: "the state is loaded" });
	await qmp.execute("cont");
}

describe("the state of a running machine", () => {
	it("put together again is the machine at the instant of its disk, and goes on", needsGuest(), async () => {
		await using temp = await tempFolder();
		const disk = await makeDisk(temp.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
		const vm = { folder: temp.file("vm"), disks: [disk], memoryMb: 160 };
		await using guest = await bootGuest(vm);
		await guest.run("dd if=/dev/urandom of=/tmp/kept bs=64k count=100; cp /tmp/kept /mnt/kept; sync");
		const { output: sum } = await guest.run("md5sum < /tmp/kept");
		await guest.run(COUNT);
		// Between two numbers the file is empty for a moment.
		const counted = async (from = guest) =>
			await until(async () => greatestCount(Buffer.from((await from.run("cat /tmp/count")).output)) || undefined, {
				what: "a number",
			});
		await until(async () => (await counted()) > 10, { what: "the guest counts" });
		await using machine = await QemuMachine.connect({
			socketPath: guest.qmpSocket,
			scratchFolder: temp.path,
			scratchLimit: 2 ** 30,
			log: silentLogger(),
		});
		const settings = async () => [
			await guest.qmp("query-migrate-capabilities"),
			await guest.qmp("query-migrate-parameters"),
			await guest.qmp("query-named-block-nodes", { flat: true }).then((nodes) => (nodes as unknown[]).length),
		];
		const before = await settings();
		const image = temp.file("disk.raw");
		const { chunks, state } = await capture(machine, image);
		assert.deepEqual(await settings(), before);
		const later = await counted();
		await until(async () => (await counted()) > later, { what: "the guest goes on" });
		await guest.kill();

		const ram = chunks.source(state.ram);
		const inMemory = greatestCount(Buffer.from(await ram.read(0, ram.size)));
		await using file = await open(image);
		const onDisk = greatestCount(await file.readFile());
		assert.ok(onDisk === inMemory || onDisk === inMemory - 1, `${onDisk} on the disk, ${inMemory} in memory`);

		const stream = temp.file("state");
		await writeFile(stream, rejoin(state.shape, ram, chunks.source(state.devices)));
		const folder = temp.file("clone");
		const [clone] = await Promise.all([
			bootGuest({
				...vm,
				folder,
				disks: [{ path: image, format: "raw" }],
				extraArgs: ["-incoming", `exec:cat '${stream}'`],
			}),
			goOn(`${folder}/qmp.sock`),
		]);
		await using _clone = clone;
		const { output } = await clone.run("md5sum < /tmp/kept; echo 3 > /proc/sys/vm/drop_caches; md5sum < /mnt/kept");
		assert.equal(output, `${sum}${sum}`);
		const goesOnAt = await counted(clone);
		assert.ok(goesOnAt >= inMemory, `${goesOnAt}, after ${inMemory}`);
		assert.doesNotMatch(clone.console(), /error/i);
	});
});
