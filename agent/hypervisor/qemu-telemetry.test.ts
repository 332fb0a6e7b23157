import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { describe, it } from "node:test";
import { silentLogger } from "../../common/log.ts";
import { startProgram } from "../../test/support/processes.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import type { MachineReading, ReadingRequest } from "./hypervisor.ts";
import { QemuMachine } from "./qemu-machine.ts";
import { QemuTelemetry } from "./qemu-telemetry.ts";
import type { QmpClient } from "./qmp.ts";
import { BareQemu, makeImage, monitorAt, virtio, virtioDisk } from "./testing.ts";

const QEMU = needs("qemu-system-x86_64", "qemu-img");
const MIB = 2 ** 20;
const REQUEST: ReadingRequest = { intervalSeconds: 10, dirtyRate: false };

async function opens(path: string): Promise<boolean> {
	const file = await open(path, "r+").catch(() => undefined);
	await file?.close();
	return file !== undefined;
}

const telemetryOf = (qmp: QmpClient) => new QemuTelemetry({ qmp, still: () => undefined, log: silentLogger() });

async function machineOf(qemu: BareQemu): Promise<QemuMachine> {
	return await QemuMachine.connect({
		...{ socketPath: qemu.qmpPath, scratchFolder: qemu.scratch, scratchLimit: 2 ** 30, log: silentLogger() },
	});
}

const written = ({ disks }: MachineReading) => [...disks].map(([id, { wr_bytes }]) => `${id}=${wr_bytes}`);

describe("QemuTelemetry", QEMU, () => {
	it("counts what was done to disks, under the names that captures have, with and without a snapshot's filters", async () => {
		await using qemu = await BareQemu.start(async (temp) => {
			const format = { driver: "qcow2", "node-name": "root-disk", file: { driver: "file", filename: temp.file("b") } };
			await makeImage(temp.file("b"), "qcow2", 8 * MIB);
			return [
				...virtioDisk("va", await makeImage(temp.file("a"), "qcow2", 16 * MIB), "qcow2"),
				// Without an id: it is called by its node, which a snapshot's filter takes the place of.
				...["-blockdev", JSON.stringify(format), "-device", "virtio-blk-pci,drive=root-disk"],
				// Of no account: it cannot be written.
				...["-drive", `if=none,id=cd,media=cdrom,read-only=on,file=${await makeImage(temp.file("c"), "raw", MIB)}`],
				...["-device", "ide-cd,drive=cd,id=cd0", "-device", "ide-cd,id=empty"],
			];
		});
		await using machine = await machineOf(qemu);
		const io = async (device: string, command: string) => {
			await qemu.io(device, `aio_${command}`);
			await qemu.io(device, "aio_flush");
		};
		const unnamed = "/machine/peripheral-anon/device[0]/virtio-backend";
		const before = await machine.read(REQUEST);
		assert.deepEqual(
			[...before.disks].map(([id, { capacity }]) => `${id}=${capacity}`),
			[`va=${16 * MIB}`, `root-disk=${8 * MIB}`],
		);
		assert.deepEqual(
			(await machine.disks()).map(({ id }) => id),
			[...before.disks.keys()],
		);
		await io(virtio("va"), "write -P 7 0 192k");
		await io(unnamed, "write -P 7 0 64k");
		await io(virtio("va"), "read 0 4k");
		const { disks } = await machine.read(REQUEST);
		const moved = (id: string, field: "wr_bytes" | "wr_reqs" | "rd_bytes" | "rd_reqs") =>
			(disks.get(id)?.[field] ?? 0) - (before.disks.get(id)?.[field] ?? 0);
		// The machine's firmware may look at the first sector as well.
		const firmware = moved("va", "rd_reqs") - 1;
		assert.ok(firmware === 0 || firmware === 1, `${firmware} reads of others`);
		assert.deepEqual([moved("va", "wr_bytes"), moved("va", "rd_bytes")], [192 * 1024, 4096 + firmware * 512]);
		assert.deepEqual([moved("va", "wr_reqs"), moved("root-disk", "wr_bytes")], [1, 65536]);
		const { allocation = 0, physical = 0 } = disks.get("va") ?? {};
		assert.ok(allocation >= 192 * 1024 && physical > 0 && physical < 16 * MIB, `${allocation}, ${physical}`);
		{
			await using snapshot = await machine.openSnapshot({
				disks: new Map([
					["va", undefined],
					["root-disk", undefined],
				]),
			});
			assert.equal(snapshot.disks.length, 2);
			await io(virtio("va"), "write -P 9 0 64k");
			const during = await machine.read(REQUEST);
			assert.deepEqual(written(during), [`va=${256 * 1024}`, "root-disk=65536"]);
			assert.ok((during.disks.get("va")?.allocation ?? 0) >= allocation, "the image's own, not the filter's");
			// An agent that comes now knows of no names from before.
			const other = await telemetryOf(qemu.monitor).read(REQUEST);
			assert.deepEqual(written(other), written(during));
			assert.deepEqual(
				(await machine.disks()).map(({ id }) => id),
				["va", "root-disk"],
			);
		}
		assert.deepEqual(written(await machine.read(REQUEST)), [`va=${256 * 1024}`, "root-disk=65536"]);
	});

	it("goes on while captures open and close snapshots, and asks nothing in the instant in which the machine stands still", async () => {
		await using qemu = await BareQemu.start(async (temp) => [
			...virtioDisk("va", await makeImage(temp.file("a"), "qcow2", 4 * MIB), "qcow2"),
			...virtioDisk("vb", await makeImage(temp.file("b"), "qcow2", 4 * MIB), "qcow2"),
		]);
		await using machine = await machineOf(qemu);
		let capturing = true;
		let readings = 0;
		const reading = (async () => {
			while (capturing) {
				const { vm, disks } = await machine.read(REQUEST);
				assert.equal(vm.state, 1, "never seen while it is stopped for a snapshot");
				assert.deepEqual([...disks.keys()], ["va", "vb"]);
				readings++;
			}
		})();
		for (let capture = 0; capture < 3 || readings <= 3; capture++) {
			await using snapshot = await machine.openSnapshot({
				disks: new Map([
					["va", undefined],
					["vb", undefined],
				]),
			});
			snapshot.keep();
		}
		capturing = false;
		await reading;
	});

	it("reads vCPUs and the process from the kernel, and begins anew with a new QEMU", async () => {
		await using qemu = await BareQemu.start(async () => ["-smp", "2,maxcpus=4"]);
		const first = await (async () => {
			await using qmp = await qemu.connect();
			const telemetry = telemetryOf(qmp);
			// The firmware works for a while.
			await until(async () => ((await telemetry.read(REQUEST)).vm.cpu_time ?? 0) > 50e6, { what: "50 ms of work" });
			const first = await telemetry.read(REQUEST);
			return { ...first, later: (await telemetry.read(REQUEST)).vm };
		})();
		const { vm, vcpus, later } = first;
		assert.deepEqual([vm.state, vm.vcpu_current, vm.vcpu_maximum], [1, 2, 4]);
		assert.deepEqual([vm.memory_bytes, vm.balloon_current, vm.balloon_maximum], [32 * MIB, 32 * 1024, 32 * 1024]);
		assert.ok((vm.uptime_seconds ?? -1) >= 0 && (vm.threads ?? 0) > 2 && (vm.balloon_rss ?? 0) > 1024);
		assert.ok((vm.query_seconds ?? 0) > 0);
		assert.deepEqual([...vcpus.keys()], ["0", "1"]);
		assert.ok((vcpus.get("0")?.time ?? 0) > 0);
		const total = [...vcpus.values()].reduce((sum, { time }) => sum + (time ?? 0), 0);
		// Ticks of the process, which are read before or after, against nanoseconds of its threads.
		assert.ok(total <= (later.cpu_time ?? 0) + 100e6, `${total} of ${later.cpu_time}`);
		await qemu.quit();
		await qemu.boot();
		await using qmp = await qemu.connect();
		const again = await telemetryOf(qmp).read(REQUEST);
		assert.ok((again.vm.uptime_seconds ?? 0) < (vm.uptime_seconds ?? 0) + 60);
		assert.notEqual(again.vm.cpu_time, undefined);
	});

	it("tells the state of a machine that is paused", async () => {
		await using qemu = await BareQemu.start(async () => []);
		await using qmp = await qemu.connect();
		const telemetry = telemetryOf(qmp);
		await qemu.monitor.execute("stop");
		assert.equal((await telemetry.read(REQUEST)).vm.state, 3);
		await qemu.monitor.execute("cont");
		assert.equal((await telemetry.read(REQUEST)).vm.state, 1);
	});

	it("has a balloon's guest tell its statistics, unless somebody has said how often", async () => {
		await using qemu = await BareQemu.start(async () => [
			...["-device", "virtio-balloon-pci,id=mine", "-device", "virtio-net-pci,id=net0"],
		]);
		await using qmp = await qemu.connect();
		const property = { path: "/machine/peripheral/mine", property: "guest-stats-polling-interval" };
		await qemu.monitor.execute("qom-set", { ...property, value: 7 });
		const { vm } = await telemetryOf(qmp).read(REQUEST);
		assert.equal(await qemu.monitor.execute("qom-get", property), 7);
		await qemu.monitor.execute("qom-set", { ...property, value: 0 });
		await telemetryOf(qmp).read({ ...REQUEST, intervalSeconds: 30 });
		assert.equal(await qemu.monitor.execute("qom-get", property), 30);
		// No driver in the guest has told anything.
		assert.equal(vm.memory_bytes, 32 * MIB);
		assert.equal(vm.balloon_available, undefined);
	});

	it("measures how fast memory is written to where it is asked to, and not else", async () => {
		await using qemu = await BareQemu.start(async () => []);
		await using qmp = await qemu.connect();
		const telemetry = telemetryOf(qmp);
		await telemetry.read(REQUEST);
		const status = async () => ((await qemu.monitor.execute("query-dirty-rate")) as { status: string }).status;
		assert.equal(await status(), "unstarted");
		await telemetry.read({ ...REQUEST, dirtyRate: true });
		await until(async () => (await status()) === "measured", { what: "a measurement" });
		const { vm } = await telemetry.read({ ...REQUEST, dirtyRate: true });
		assert.ok((vm.dirtyrate_megabytes_per_second ?? -1) >= 0);
	});

	it("asks a QEMU that did not answer a single question before it asks the others", async () => {
		await using qemu = await BareQemu.start(async () => []);
		await using qmp = await qemu.connect();
		const asked: string[] = [];
		const execute = qmp.execute.bind(qmp);
		let broken = false;
		qmp.execute = (command, args) => {
			asked.push(command);
			return broken ? Promise.reject(new Error("no answer")) : execute(command, args);
		};
		const telemetry = telemetryOf(qmp);
		await telemetry.read(REQUEST);
		asked.length = 0;
		await telemetry.read(REQUEST);
		const questions = [...asked];
		assert.ok(questions.includes("query-blockstats") && questions.length < 6, questions.join());
		broken = true;
		await assert.rejects(telemetry.read(REQUEST));
		asked.length = 0;
		await assert.rejects(telemetry.read(REQUEST));
		assert.deepEqual(asked, ["query-status"]);
		broken = false;
		await telemetry.read(REQUEST);
		asked.length = 0;
		await telemetry.read(REQUEST);
		assert.deepEqual(asked, questions);
	});

	it("reads interfaces that end on a tap, as the guest sees them, by their device's id; others not", {
		skip: process.getuid?.() === 0 ? false : "needs root for a tap device",
	}, async (t) => {
		const taps = await opens("/dev/net/tun");
		if (!taps) t.diagnostic("no tap device can be made here: only that other interfaces are left out is tested");
		const name = `umbra${process.pid}`.slice(0, 15);
		await using qemu = await BareQemu.start(async () => [
			...["-netdev", "user,id=n0", "-device", "virtio-net-pci,id=user,netdev=n0"],
			...(taps ? ["-netdev", `tap,id=n1,ifname=${name},script=no,downscript=no`] : []),
			...(taps ? ["-device", "virtio-net-pci,id=wired,netdev=n1"] : []),
		]);
		await using qmp = await qemu.connect();
		const { nics } = await telemetryOf(qmp).read(REQUEST);
		assert.deepEqual([...nics.keys()], taps ? ["wired"] : []);
		if (!taps) return;
		const { rx_bytes, tx_bytes, up } = nics.get("wired") ?? {};
		assert.deepEqual([rx_bytes, tx_bytes, up], [0, 0, 0]);
	});

	it("counts exits where KVM runs the machine", async (t) => {
		if (!(await opens("/dev/kvm"))) {
			t.diagnostic("no KVM here: only emulation is tested");
			await using qemu = await BareQemu.start(async () => []);
			await using qmp = await qemu.connect();
			assert.equal((await telemetryOf(qmp).read(REQUEST)).vcpus.get("0")?.exits, undefined);
			return;
		}
		await using temp = await tempFolder();
		await using _qemu = await startProgram("qemu-system-x86_64", [
			...["-accel", "kvm", "-m", "32", "-display", "none", "-nodefaults"],
			...["-qmp", `unix:${temp.file("qmp")},server=on,wait=off`],
		]);
		await using qmp = await monitorAt(temp.file("qmp"));
		const telemetry = telemetryOf(qmp);
		const vcpu = await until(
			async () => {
				const found = (await telemetry.read(REQUEST)).vcpus.get("0");
				return (found?.exits ?? 0) > 100 ? found : undefined;
			},
			{ what: "100 exits of the firmware" },
		);
		assert.ok([0, 1].includes(vcpu.halted ?? -1));
	});
});
