/** Disks of running guests that come, grow and go, and several of them at one instant. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { makeImage } from "../../agent/hypervisor/testing.ts";
import { vmPath } from "../../cli/collector-client.ts";
import { bootGuest, makeDisk } from "../support/guest.ts";
import { needsGuest } from "../support/requires.ts";
import { imageSha256, Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const MIB = 1024 * 1024;

it("follows a disk that is resized, one that is added and one that is removed", needsGuest(), async () => {
	await using folder = await tempFolder();
	const disk = await makeDisk(join(folder.path, "a.qcow2"), {
		sizeBytes: 128 * MIB,
		format: "qcow2",
		table: "gpt",
		seed: 1,
	});
	const added = await makeImage(join(folder.path, "b.qcow2"), "qcow2", 16 * MIB);
	await using guest = await bootGuest({
		disks: [{ path: disk.path, format: "qcow2", id: "vda" }],
		folder: join(folder.path, "vm"),
		name: "web",
	});
	await using site = await Site.start({ folder: folder.path, sockets: [guest.qmpSocket] });
	const check = async (paths: Readonly<Record<string, string>>) => {
		await guest.sync();
		await guest.qmp("stop");
		for (const id of Object.keys(paths))
			await guest.qmp("human-monitor-command", {
				"command-line": `qemu-io -d /machine/peripheral/${id}/virtio-backend flush`,
			});
		const point = await site.capture("web");
		assert.deepEqual(point.disks.map((entry) => entry.disk).sort(), Object.keys(paths).sort());
		for (const [id, path] of Object.entries(paths)) {
			assert.equal(await site.restoredSha256("web", point.time, id), await imageSha256(path, "qcow2", folder.path), id);
		}
		await guest.qmp("cont");
		return point;
	};
	await check({ vda: disk.path });

	await guest.qmp("block_resize", { "node-name": "vda-format", size: 192 * MIB });
	await guest.run("dd if=/dev/urandom of=/dev/vda bs=1M seek=150 count=4 2>/dev/null; sync");
	const resized = await check({ vda: disk.path });
	assert.equal(resized.disks[0]?.sizeBytes, 192 * MIB);
	assert.equal(resized.disks[0]?.mode, "resync");
	assert.match(resized.disks[0]?.reason ?? "", /resized/);

	await guest.qmp("blockdev-add", {
		driver: "qcow2",
		"node-name": "vdb-format",
		file: { driver: "file", filename: added },
	});
	await guest.qmp("device_add", { driver: "virtio-blk-pci", id: "vdb", drive: "vdb-format" });
	await until(
		async () =>
			(await guest.run("test -b /dev/vdb && dd if=/dev/urandom of=/dev/vdb bs=64k count=9 2>/dev/null && sync"))
				.code === 0,
		{ what: "the guest sees its new disk" },
	);
	const grown = await check({ vda: disk.path, vdb: added });
	assert.deepEqual(grown.disks.map(({ mode }) => mode).sort(), ["first", "tracked"]);

	await guest.qmp("device_del", { id: "vdb" });
	await until(async () => !JSON.stringify(await guest.qmp("query-block")).includes("/peripheral/vdb/"), {
		what: "the disk is unplugged",
	});
	const shrunk = await check({ vda: disk.path });
	assert.deepEqual(
		shrunk.disks.map(({ mode }) => mode),
		["tracked"],
	);
});

it("captures two disks of a running guest at one instant", needsGuest(), async () => {
	await using folder = await tempFolder();
	const system = await makeDisk(join(folder.path, "a.qcow2"), { sizeBytes: 128 * MIB, format: "qcow2", seed: 2 });
	const [b, c] = [
		await makeImage(join(folder.path, "b.raw"), "raw", 8 * MIB),
		await makeImage(join(folder.path, "c.qcow2"), "qcow2", 8 * MIB),
	];
	await using guest = await bootGuest({
		disks: [
			{ path: system.path, format: "qcow2", id: "vda" },
			{ path: b, format: "raw", id: "vdb" },
			{ path: c, format: "qcow2", id: "vdc" },
		],
		folder: join(folder.path, "vm"),
		name: "pair",
	});
	await using site = await Site.start({ folder: folder.path, sockets: [guest.qmpSocket] });
	// A counter goes to one disk, then to the other, each write finished before the next begins.
	await guest.run(
		`(n=0; while :; do n=$((n + 1)); printf '%016d' $n > /tmp/n
dd if=/tmp/n of=/dev/vdb bs=512 count=1 oflag=direct conv=sync,notrunc 2>/dev/null
dd if=/tmp/n of=/dev/vdc bs=512 count=1 oflag=direct conv=sync,notrunc 2>/dev/null
done) </dev/null >/dev/null 2>&1 &`,
	);
	const seen = new Set<number>();
	for (let round = 0; round < 8; round++) {
		const point = await site.capture("pair");
		const counter = async (disk: string) => {
			const path = `${vmPath("pair", "points", point.time, "disks", disk)}/data`;
			const response = await site.client.fetch(path, {}, { headers: { range: "bytes=0-15" } });
			return Number(await response.text()) || 0;
		};
		const [first, second] = [await counter("vdb"), await counter("vdc")];
		assert.ok(first === second || first === second + 1, `vdb says ${first}, vdc says ${second}`);
		assert.ok(!seen.has(first), `${first} again`);
		seen.add(first);
		await until(async () => Number((await readFile(b)).toString("latin1", 0, 16)) > first, {
			what: "the guest goes on writing",
		});
	}
});
