/** A VM's RAM, devices and disk at one instant: from a running guest into an encrypted vault, and out of it into another guest. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, it } from "node:test";
import { QmpClient } from "../../agent/hypervisor/qmp.ts";
import { restoreDisk } from "../../cli/restore/disk.ts";
import type { ChangesetRecord } from "../../collector/catalog/records.ts";
import type { VaultJob } from "../../collector/retention/vault-jobs.ts";
import { bootGuest, makeDisk } from "../support/guest.ts";
import { listening, startUmbra } from "../support/processes.ts";
import { needsGuest } from "../support/requires.ts";
import { Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const MIB = 2 ** 20;

describe("a state capture", needsGuest(), () => {
	it("is kept, verified, given back with its point, and becomes a machine that goes on", async () => {
		await using folder = await tempFolder();
		const disk = await makeDisk(folder.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
		const vm = { folder: folder.file("vm"), disks: [disk], memoryMb: 160, modules: ["virtio_net"] };
		const network = ["-device", "virtio-net-pci,id=net0,mac=52:54:00:0A:0b:0c,netdev=n0", "-netdev", "user,id=n0"];
		await using guest = await bootGuest({ ...vm, extraArgs: network });
		await guest.run("dd if=/dev/urandom of=/tmp/kept bs=64k count=200; cp /tmp/kept /mnt/kept; sync");
		const { output: sum } = await guest.run("md5sum < /tmp/kept");
		// Somebody for the guest to talk to.
		const peers: Socket[] = [];
		const listener = createServer((socket) => peers.push(socket)).listen(0, "127.0.0.1");
		await once(listener, "listening");
		await using _listener = {
			[Symbol.asyncDispose]: async () => {
				for (const peer of peers) peer.destroy();
				listener.close();
			},
		};
		const { port } = listener.address() as AddressInfo;
		await guest.run(
			`ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; (sleep 600 | nc 10.0.2.2 ${port}) > /dev/null 2>&1 &`,
		);
		await until(() => peers.length > 0, { what: "the guest connects" });

		await mkdir(folder.file("site"));
		const key = folder.file("key");
		const umbra = async (...args: string[]): Promise<string> => {
			await using program = await startUmbra(args);
			assert.equal(await program.finished, 0, program.output());
			return program.output();
		};
		await umbra("vault", "init-key", key);
		await using site = await Site.start({
			folder: folder.file("site"),
			sockets: [guest.qmpSocket],
			collector: { vault: { encryption: { keyFile: key } } },
		});
		const ask = (...args: string[]) => umbra(...args, "--collector", site.apiUrl);
		const stored = async () => (await site.client.get<{ storedBytes: number }>("/v1/vault/stats")).storedBytes;
		const points = async () => (await site.changes("vm")).filter(({ state }) => state !== undefined);
		const capture = async (): Promise<ChangesetRecord> => {
			const { changesetId } = JSON.parse(await ask("state", "capture", "vm", "--json")) as { changesetId: string };
			return await until(async () => (await points()).find(({ id }) => id === changesetId), {
				what: "the state is in the catalog",
				timeoutMs: 60_000,
			});
		};
		await site.capture("vm");
		const plain = await stored();
		const first = await capture();
		const afterFirst = await stored();
		const second = await capture();
		const afterSecond = await stored();
		assert.ok(afterFirst - plain > 10 * MIB, `the first stored ${afterFirst - plain} bytes`);
		assert.ok(afterSecond - afterFirst < 0.4 * (afterFirst - plain), `then ${afterSecond - afterFirst}`);

		const listed = (await ask("states", "vm", "--json")).trim().split("\n");
		assert.deepEqual(
			listed.map((line) => (JSON.parse(line) as { time: string }).time),
			[second.time, first.time],
		);
		const shown = JSON.parse(await ask("state", "show", `vm@${first.time}`, "--json"));
		assert.equal(shown.time, first.time);
		const { machine } = shown.configuration;
		assert.deepEqual(machine.nics, [
			{ id: "net0", model: "virtio-net-pci", mac: "52:54:00:0a:0b:0c", backend: "user" },
		]);
		const [connection] = machine.network.connections;
		assert.deepEqual(
			[connection.protocol, connection.guest.address, connection.peer, connection.isInbound],
			["tcp", "10.0.2.15", { address: "10.0.2.2", port }, false],
		);
		assert.ok(machine.arguments.includes("virtio-net-pci,id=net0,mac=52:54:00:0A:0b:0c,netdev=n0"));
		assert.ok(!machine.arguments.includes("-qmp"));
		assert.match(await ask("state", "show", "vm@latest"), /net0: virtio-net-pci 52:54:00:0a:0b:0c user/);
		assert.match(await ask("state", "verify", `vm@${first.time}`), /is whole: 16\d\.?\d* MiB of RAM/);

		const stream = folder.file("stream");
		await ask("state", "export", `vm@${first.time}`, stream);
		const image = folder.file("clone.raw");
		await restoreDisk({ client: site.client, vm: "vm", time: first.time, disk: "disk0", out: image, force: false });
		await guest.kill();
		const cloneFolder = folder.file("clone");
		const [clone] = await Promise.all([
			bootGuest({
				...vm,
				folder: cloneFolder,
				disks: [{ path: image, format: "raw" }],
				extraArgs: [...network, "-incoming", `exec:cat '${stream}'`],
			}),
			goOn(`${cloneFolder}/qmp.sock`),
		]);
		await using _clone = clone;
		const { output } = await clone.run("md5sum < /tmp/kept; echo 3 > /proc/sys/vm/drop_caches; md5sum < /mnt/kept");
		assert.equal(output, `${sum}${sum}`);

		// What the state needs stays while its point does, and goes with it.
		const job = async (path: string, query = {}): Promise<VaultJob> => {
			await site.client.post(path, query);
			return await until(
				async () => {
					const now = await site.client.get<VaultJob>("/v1/vault/job");
					return now.state === "running" ? undefined : now;
				},
				{ what: `${path} ends` },
			);
		};
		assert.equal((await job("/v1/vault/gc", { grace: "0s" })).error, null);
		const checked = await job("/v1/vault/check", { readShare: 1 });
		assert.deepEqual([checked.error, checked.check?.packDamageCount, checked.check?.damagedTrees], [null, 0, 0]);
		await ask("state", "verify", `vm@${second.time}`);
		await ask("forget", `vm@${first.time}`);
		assert.deepEqual(
			(await points()).map(({ time }) => time),
			[second.time],
		);
		assert.equal((await ask("states", "vm", "--json")).trim().split("\n").length, 1);
		await ask("state", "verify", "vm");
	});
});

/** A machine that was captured stood still at that instant, and so does the one that is made of it. */
async function goOn(socketPath: string): Promise<void> {
	await listening(socketPath, { timeoutMs: 60_000 });
	await using qmp = await QmpClient.connect(socketPath);
	const status = async () => ((await qmp.execute("query-status")) as { status: string }).status;
	await until(async () => (await status()) === "paused", { what: "the state is loaded" });
	await qmp.execute("cont");
}
