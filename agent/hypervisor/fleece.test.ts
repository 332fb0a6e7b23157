import assert from "node:assert/strict";
import { mkdir, readdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { needs } from "../../test/support/requires.ts";
import { queryDevices } from "./block-graph.ts";
import type { Snapshot, SnapshotDisk } from "./hypervisor.ts";
import type { QmpClient } from "./qmp.ts";
import { BareQemu, makeImage, readSnapshot, virtio, virtioDisk } from "./testing.ts";

const MIB = 2 ** 20;
const NOTHING = { exports: [], jobs: [], files: [] };

const twoDisks = () =>
	BareQemu.start(async (temp) => [
		...virtioDisk("va", await makeImage(temp.file("a.qcow2"), "qcow2", 16 * MIB), "qcow2"),
		...virtioDisk("vb", await makeImage(temp.file("b.raw"), "raw", 8 * MIB), "raw"),
	]);
const oneDisk = (format: "qcow2" | "raw" = "qcow2") =>
	BareQemu.start(async (temp) => virtioDisk("va", await makeImage(temp.file("a"), format, 16 * MIB), format));

const request = (tokens: Readonly<Record<string, string | undefined>>) => ({ disks: new Map(Object.entries(tokens)) });
const tokensOf = (snapshot: Snapshot) => Object.fromEntries(snapshot.disks.map(({ disk, token }) => [disk.id, token]));
const onlyDisk = (snapshot: Snapshot): SnapshotDisk => snapshot.disks[0] ?? assert.fail("no disk");
const filled = (bytes: Uint8Array, value: number) => bytes.every((byte) => byte === value);

describe("Fleece.open", needs("qemu-system-x86_64", "qemu-img"), () => {
	it("captures disks of every kind, and leaves out what cannot be written", async () => {
		await using qemu = await BareQemu.start(async (temp) => {
			const image = (name: string, format: "qcow2" | "raw" = "qcow2") => makeImage(temp.file(name), format, 4 * MIB);
			const node = (name: string, path: string, rest = "") =>
				`driver=qcow2,node-name=${name},file.driver=file,file.filename=${path}${rest}`;
			// No whole number of 64 KiB blocks, as a firmware's variables.
			await makeImage(temp.file("flash"), "raw", 540_672);
			return [
				// One that no disk has.
				...["-object", "iothread,id=io1", "-device", "virtio-scsi-pci,id=bus0"],
				...["-drive", `file=${await image("a")},if=none,id=da,format=qcow2`],
				...["-device", "virtio-blk-pci,drive=da,id=va"],
				...["-blockdev", node("nb", await image("b")), "-device", "scsi-hd,drive=nb,id=sb,bus=bus0.0"],
				...["-blockdev", node("nc", await image("c")), "-device", "ide-hd,drive=nc,id=ic"],
				...["-blockdev", node("nd", await image("d")), "-device", "virtio-blk-pci,drive=nd"],
				...["-drive", `file=${await image("e", "raw")},if=ide,format=raw,index=1`],
				...["-drive", `file=${temp.file("flash")},if=pflash,format=raw`],
				...["-blockdev", node("nf", await image("f"), ",read-only=on"), "-device", "virtio-blk-pci,drive=nf,id=vf"],
				...["-device", "ide-cd,id=cd"],
				// Its drive is called as another device.
				...["-drive", `file=${await image("g")},if=none,id=sb,format=qcow2`, "-device", "virtio-blk-pci,drive=sb"],
			];
		});
		const before = await qemu.graph();
		await using qmp = await qemu.connect();
		const devices = await queryDevices(qmp);
		const ids = devices.map(({ id }) => id).sort();
		assert.deepEqual(ids, ["ic", "ide0-hd1", "nd", "peripheral-anon-device[1]", "pflash0", "sb", "va"]);
		const writable: Readonly<Record<string, string>> = {
			va: virtio("va"),
			sb: "sb",
			ic: "ic",
			nd: "/machine/peripheral-anon/device[0]/virtio-backend",
			pflash0: "/machine/system.flash0",
			"peripheral-anon-device[1]": "/machine/peripheral-anon/device[1]/virtio-backend",
		};
		const write = async (pattern: number) => {
			for (const device of Object.values(writable)) await qemu.io(device, `write -P ${pattern} 0 512k`);
		};
		await write(1);
		const fleece = qemu.fleece(qmp);
		let tokens: Record<string, string | undefined> = Object.fromEntries(ids.map((id) => [id, undefined]));
		for (const round of [1, 2]) {
			await using snapshot = await fleece.open(request(tokens));
			await write(round + 1);
			assert.deepEqual(snapshot.disks.map(({ disk }) => disk.id).sort(), ids);
			for (const disk of snapshot.disks) {
				const { bytes, dirty } = await readSnapshot(disk);
				const what = `${disk.disk.id} in round ${round}`;
				assert.equal(bytes.length, disk.disk.size, what);
				if (disk.disk.id === "ide0-hd1") assert.deepEqual(dirty, round === 1 ? undefined : [], what);
				else {
					assert.ok(filled(bytes.subarray(0, 512 * 1024), round), `${what} begins with ${bytes[0]}`);
					assert.ok(filled(bytes.subarray(512 * 1024), 0), what);
					assert.deepEqual(dirty, round === 1 ? undefined : [0, 1, 2, 3, 4, 5, 6, 7], what);
				}
			}
			snapshot.keep();
			tokens = tokensOf(snapshot);
		}
		assert.deepEqual(await qemu.graph(), { ...before, ...NOTHING });
		assert.equal(await qemu.status(), "running");
		for (const device of Object.values(writable)) await qemu.io(device, "read -P 3 0 512k");
	});

	it("does not touch a machine whose QEMU would abort: one before 9.0 with disks in threads of their own", async () => {
		const drive = (path: string) => ["-object", "iothread,id=io1", "-drive", `file=${path},if=none,id=d,format=qcow2`];
		const machines = {
			"virtio-blk": ["-device", "virtio-blk-pci,drive=d,id=va,iothread=io1"],
			"virtio-blk without an id": ["-device", "virtio-blk-pci,drive=d,iothread=io1"],
			"virtio-scsi": ["-device", "virtio-scsi-pci,id=b,iothread=io1", "-device", "scsi-hd,drive=d,id=sb,bus=b.0"],
			"virtio-scsi without an id": ["-device", "virtio-scsi-pci,iothread=io1", "-device", "scsi-hd,drive=d"],
		};
		for (const [what, args] of Object.entries(machines)) {
			await using qemu = await BareQemu.start(async (temp) => [
				...drive(await makeImage(temp.file("d"), "qcow2", MIB)),
				...args,
			]);
			await using qmp = await qemu.connect();
			const [device] = await queryDevices(qmp);
			const { major } = ((await qmp.execute("query-version")) as { qemu: { major: number } }).qemu;
			const before = await qemu.graph();
			const open = async () => {
				await using _snapshot = await qemu.fleece(qmp).open(request({ [device?.id ?? ""]: undefined }));
			};
			if (major >= 9) await open();
			else
				await assert.rejects(
					open,
					(error) => isUmbraError(error, "unsupported") && /iothread/.test(error.message),
					what,
				);
			assert.deepEqual(await qemu.graph(), { ...before, ...NOTHING });
			assert.equal(await qemu.status(), "running");
		}
	});

	it("reads the same instant of two disks while both go on being written", async () => {
		await using qemu = await twoDisks();
		await using qmp = await qemu.connect();
		const before = await qemu.graph();
		for (const id of ["va", "vb"]) await qemu.io(virtio(id), "write -P 1 0 8M");
		const asked = Date.now();
		await using snapshot = await qemu.fleece(qmp).open(request({ va: undefined, vb: undefined }));
		assert.ok(Math.abs(Number(snapshot.timeNs / 1_000_000n) - asked) < 60_000);
		assert.ok(snapshot.pauseNs > 0n);
		assert.equal(await qemu.status(), "running");
		let pattern = 2;
		let stop = false;
		const writer = (async () => {
			for (; !stop; pattern = (pattern % 250) + 1) {
				for (const id of ["va", "vb"]) await qemu.io(virtio(id), `write -P ${pattern} ${(pattern % 8) * MIB} 1M`);
			}
		})();
		for (const disk of snapshot.disks) {
			for (let round = 0; round < 3; round++) {
				const { bytes } = await readSnapshot(disk);
				assert.ok(filled(bytes.subarray(0, 8 * MIB), 1), `${disk.disk.id}, round ${round}`);
				assert.ok(filled(bytes.subarray(8 * MIB), 0));
			}
		}
		stop = true;
		await writer;
		assert.ok(pattern > 2);
		await snapshot[Symbol.asyncDispose]();
		assert.deepEqual(await qemu.graph(), { ...before, ...NOTHING });
	});

	it("gives the record back unless it is kept", async () => {
		await using qemu = await oneDisk();
		await using qmp = await qemu.connect();
		const fleece = qemu.fleece(qmp);
		const device = virtio("va");
		let token: string | undefined;
		const capture = async (write: string | undefined, keep: boolean) => {
			await using snapshot = await fleece.open(request({ va: token }));
			const disk = onlyDisk(snapshot);
			if (write !== undefined) await qemu.io(device, write);
			const { dirty } = await readSnapshot(disk);
			if (keep) {
				snapshot.keep();
				token = disk.token;
			}
			return dirty;
		};
		assert.equal(await capture("write -P 1 0 64k", false), undefined);
		assert.deepEqual(await qemu.bitmaps("va-node"), [], "nothing was kept, nothing stays");
		assert.equal(await capture("write -P 2 64k 64k", true), undefined);
		assert.deepEqual(await qemu.bitmaps("va-node"), [{ name: token, recording: true, persistent: true }]);
		await qemu.io(device, "write -P 3 128k 1");
		assert.deepEqual(await capture("write -P 4 640k 64k", false), [1, 2]);
		assert.deepEqual(await qemu.bitmaps("va-node"), [{ name: token, recording: true, persistent: true }]);
		assert.deepEqual(await capture("discard 1M 128k", true), [1, 2, 10]);
		assert.deepEqual(await capture(undefined, true), [16, 17]);
		assert.deepEqual(await capture(undefined, true), []);
		assert.equal((await qemu.bitmaps("va-node")).length, 1);
	});

	it("tracks over a clean restart of QEMU, and says that the record is lost after a crash", async () => {
		await using qemu = await twoDisks();
		let tokens: Record<string, string | undefined> = { va: undefined, vb: undefined };
		const capture = async () => {
			await using qmp = await qemu.connect();
			await using snapshot = await qemu.fleece(qmp).open(request(tokens));
			const dirty: Record<string, number[] | undefined> = {};
			for (const disk of snapshot.disks) dirty[disk.disk.id] = (await readSnapshot(disk)).dirty;
			snapshot.keep();
			tokens = tokensOf(snapshot);
			return dirty;
		};
		await capture();
		for (const id of ["va", "vb"]) await qemu.io(virtio(id), "write -P 1 192k 64k");
		await qemu.quit();
		await qemu.boot();
		assert.deepEqual(await capture(), { va: [3], vb: undefined }, "a raw image keeps no bitmap");
		await qemu.io(virtio("va"), "write -P 2 0 64k");
		await qemu.kill();
		await qemu.boot();
		assert.deepEqual(await capture(), { va: undefined, vb: undefined });
		assert.deepEqual(await capture(), { va: [], vb: [] });
	});

	it("gives up the snapshot, not the guest's write, when the scratch image is full", async () => {
		await using qemu = await oneDisk();
		await using qmp = await qemu.connect();
		const before = await qemu.graph();
		const device = virtio("va");
		await qemu.io(device, "write -P 1 0 12M");
		const fleece = qemu.fleece(qmp, { limit: 4 * MIB });
		let token: string;
		{
			await using snapshot = await fleece.open(request({ va: undefined }));
			snapshot.keep();
			token = onlyDisk(snapshot).token;
		}
		{
			await using snapshot = await fleece.open(request({ va: token }));
			for (let at = 0; at < 12; at++) await qemu.io(device, `write -P 2 ${at}M 1M`);
			await assert.rejects(readSnapshot(onlyDisk(snapshot)), (error) => isUmbraError(error, "unavailable"));
		}
		await qemu.io(device, "read -P 2 0 12M");
		assert.deepEqual(await qemu.graph(), { ...before, ...NOTHING });
		await using again = await qemu.fleece(qmp).open(request({ va: token }));
		const { bytes, dirty } = await readSnapshot(onlyDisk(again));
		assert.ok(filled(bytes.subarray(0, 12 * MIB), 2));
		assert.equal(dirty?.length, 12 * 16);
	});

	const root = process.getuid?.() === 0 ? needs("mount", "umount") : { skip: "only root can mount a small filesystem" };
	it("gives up the snapshot, not the guest's write, when the scratch folder's disk is full", root, async () => {
		await using qemu = await oneDisk();
		await using qmp = await qemu.connect();
		const folder = qemu.temp.file("small");
		await mkdir(folder);
		await runProgram("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]);
		try {
			const device = virtio("va");
			await qemu.io(device, "write -P 1 0 12M");
			{
				await using snapshot = await qemu.fleece(qmp, { scratch: folder }).open(request({ va: undefined }));
				for (let at = 0; at < 12; at++) await qemu.io(device, `write -P 2 ${at}M 1M`);
				await assert.rejects(readSnapshot(onlyDisk(snapshot)), (error) => isUmbraError(error, "unavailable"));
			}
			await qemu.io(device, "read -P 2 0 12M");
			// Full from the start: the snapshot is not opened at all, and nothing is left behind.
			const before = await qemu.graph();
			await runProgram("dd", ["if=/dev/zero", `of=${folder}/fill`, "bs=64k", "count=31", "status=none"]);
			await assert.rejects(
				qemu.fleece(qmp, { scratch: folder }).open(request({ va: undefined })),
				(error) => isUmbraError(error, "limit") && /No space left/.test(error.message),
			);
			assert.deepEqual(await qemu.graph(), before);
		} finally {
			await runProgram("umount", ["-l", folder]);
		}
	});

	it("leaves somebody else's NBD server alone and says so, also after an agent that died on it", async () => {
		await using qemu = await oneDisk();
		const socket = qemu.temp.file("other.nbd");
		await qemu.monitor.execute("nbd-server-start", { addr: { type: "unix", data: { path: socket } } });
		const theirs = { type: "nbd", id: "theirs", "node-name": "va-node", name: "theirs", writable: false };
		await qemu.monitor.execute("block-export-add", theirs);
		const before = await qemu.graph();
		assert.deepEqual(before.exports, ["theirs"]);
		await using qmp = await qemu.connect();
		await assert.rejects(
			qemu.fleece(qmp).open(request({ va: undefined })),
			(error) => isUmbraError(error, "conflict") && error.hint !== undefined,
		);
		assert.deepEqual(await qemu.graph(), before);

		diesBefore(qmp, (command) => command === "nbd-server-start");
		await assert.rejects(qemu.fleece(qmp).open(request({ va: undefined })));
		await using next = await qemu.connect();
		await qemu.fleece(next).clean();
		assert.deepEqual(await qemu.graph(), before);
	});

	it("captures a paused machine and leaves it paused", async () => {
		await using qemu = await twoDisks();
		await using qmp = await qemu.connect();
		await qemu.monitor.execute("stop");
		await using snapshot = await qemu.fleece(qmp).open(request({ va: undefined, vb: undefined }));
		assert.equal(snapshot.disks.length, 2);
		await snapshot[Symbol.asyncDispose]();
		assert.equal(await qemu.status(), "paused");
	});

	it("takes a new size, and disks that vanished are not part of it", async () => {
		await using qemu = await oneDisk();
		await using qmp = await qemu.connect();
		const fleece = qemu.fleece(qmp);
		let token: string;
		{
			await using snapshot = await fleece.open(request({ va: undefined, gone: "umbra-x" }));
			assert.deepEqual(
				snapshot.disks.map(({ disk }) => [disk.id, disk.size]),
				[["va", 16 * MIB]],
			);
			snapshot.keep();
			token = onlyDisk(snapshot).token;
		}
		await qemu.monitor.execute("block_resize", { "node-name": "va-node", size: 24 * MIB });
		await qemu.io(virtio("va"), "write -P 5 23M 1M");
		await using snapshot = await fleece.open(request({ va: token }));
		const disk = onlyDisk(snapshot);
		assert.equal(disk.disk.size, 24 * MIB);
		const { bytes, dirty } = await readSnapshot(disk);
		assert.equal(bytes.length, 24 * MIB);
		assert.ok(filled(bytes.subarray(23 * MIB), 5));
		assert.ok(dirty?.includes(23 * 16));
	});

	it("closes without complaint when the machine dies, and leaves no scratch image", async () => {
		await using qemu = await oneDisk();
		await using qmp = await qemu.connect();
		const snapshot = await qemu.fleece(qmp).open(request({ va: undefined }));
		await qemu.kill();
		await snapshot[Symbol.asyncDispose]();
		assert.ok(qmp.closed.aborted);
		assert.deepEqual(await readdir(qemu.scratch), []);
	});
});

/** From the command that `which` picks on, the agent is dead: its connection is closed and nothing is sent any more. */
function diesBefore(qmp: QmpClient, which: (command: string, count: number) => boolean): void {
	const execute = qmp.execute.bind(qmp);
	let count = 0;
	qmp.execute = (command, args) => {
		if (which(command, ++count)) void qmp[Symbol.asyncDispose]();
		return execute(command, args);
	};
}

describe("Fleece.clean", needs("qemu-system-x86_64", "qemu-img"), () => {
	it("puts a machine right wherever an agent died, with every write still on record", async (context) => {
		await using qemu = await twoDisks();
		const before = await qemu.graph();
		const ids = ["va", "vb"] as const;
		let tokens: Record<string, string | undefined> = { va: undefined, vb: undefined };
		let block = 0;
		let written = new Set<number>();
		const write = async () => {
			block = (block + 1) % 128;
			written.add(block);
			for (const id of ids) await qemu.io(virtio(id), `write -P ${block + 1} ${block * 64}k 64k`);
		};
		const captureAll = async (qmp: QmpClient, tracked: boolean) => {
			await using snapshot = await qemu.fleece(qmp).open(request(tokens));
			for (const disk of snapshot.disks) {
				const { dirty, bytes } = await readSnapshot(disk);
				if (!tracked) continue;
				assert.ok(dirty !== undefined, `${disk.disk.id}: ${"reason" in disk.tracking ? disk.tracking.reason : ""}`);
				for (const wanted of written) {
					assert.ok(dirty.includes(wanted), `block ${wanted} of ${disk.disk.id} is not on record`);
					assert.equal(bytes[wanted * 65536], wanted + 1);
				}
				assert.ok(dirty.length <= written.size, "and nothing else is");
			}
			snapshot.keep();
			tokens = tokensOf(snapshot);
			written = new Set();
		};
		{
			await using qmp = await qemu.connect();
			await captureAll(qmp, false);
		}
		let died = true;
		let count = 0;
		for (let nth = 1; died; nth++) {
			died = false;
			count = nth;
			await write();
			{
				await using qmp = await qemu.connect();
				diesBefore(qmp, (_, at) => {
					if (at === nth) died = true;
					return at === nth;
				});
				let changed = false;
				try {
					await using snapshot = await qemu.fleece(qmp).open(request(tokens));
					await write();
					changed = true;
					// As the agent: what is durable counts from here, whether or not `keep` is still reached.
					tokens = tokensOf(snapshot);
					written = new Set([block]);
					snapshot.keep();
				} catch (error) {
					assert.ok(isUmbraError(error, "unavailable") || error instanceof Error, String(error));
				}
				if (!changed) await write();
			}
			await using next = await qemu.connect();
			await qemu.fleece(next).clean();
			assert.deepEqual(await qemu.graph(), { ...before, ...NOTHING }, `died before command ${nth}`);
			assert.equal(await qemu.status(), "running", `died before command ${nth}`);
			await write();
			await captureAll(next, true);
		}
		context.diagnostic(`${count} places to die`);
		assert.ok(count > 40);
	});

	it("lets a machine go on that an agent had stopped, and only then", async () => {
		await using qemu = await twoDisks();
		const none = request({ va: undefined, vb: undefined });
		{
			await using qmp = await qemu.connect();
			diesBefore(qmp, (command) => command === "cont");
			await assert.rejects(qemu.fleece(qmp).open(none));
		}
		assert.equal(await qemu.status(), "paused");
		{
			await using qmp = await qemu.connect();
			await qemu.fleece(qmp).clean();
			assert.equal(await qemu.status(), "running");
			diesBefore(qmp, (command) => command === "nbd-server-start");
			await assert.rejects(qemu.fleece(qmp).open(none));
		}
		await qemu.monitor.execute("stop");
		await using qmp = await qemu.connect();
		await qemu.fleece(qmp).clean();
		assert.equal(await qemu.status(), "paused", "the operator stopped it");
	});
});
