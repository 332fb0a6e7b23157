import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { silentLogger } from "../../common/log.ts";
import { bootGuest, makeDisk } from "../../test/support/guest.ts";
import { needsGuest } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import type { Clone } from "./clone.ts";
import { assertReachesNobody } from "./isolation-testing.ts";
import { echoPeer } from "./network/echo-peer.ts";
import { Segment } from "./network/segment.ts";
import { markedProcesses } from "./sweep.ts";
import { CloneShell, capturePoint, testLimits } from "./testing.ts";
import { Trials } from "./trials.ts";

const MIB = 2 ** 20;
const MEMORY_MB = 192;
/** QEMU needs it in any case; here it lies in flash memory. */
const FIRMWARE = "/usr/share/seabios/bios-256k.bin";

describe("clones of a running machine", needsGuest(), () => {
	it("go on from its instant, each by itself, and leave nothing", async () => {
		await using temp = await tempFolder();
		const disk = await makeDisk(temp.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
		await using guest = await bootGuest({
			folder: temp.file("vm"),
			disks: [disk],
			memoryMb: MEMORY_MB,
			modules: ["virtio_balloon", "virtio_net"],
			extraArgs: [
				...["-device", "virtio-balloon-pci,id=balloon"],
				...["-netdev", "user,id=n0", "-device", "virtio-net-pci,id=net0,netdev=n0"],
			],
		});
		await guest.run("ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2");
		await guest.run(
			"dd if=/dev/urandom of=/tmp/kept bs=64k count=100; cp /tmp/kept /mnt/kept; echo before > /mnt/mark; sync",
		);
		const { output: sum } = await guest.run("md5sum < /tmp/kept");
		await guest.run(
			"(i=0; while :; do i=$((i+1)); echo $i > /tmp/n; mv /tmp/n /tmp/count; sleep 0.1; done) >/dev/null 2>&1 &",
		);
		const counted = async () => Number((await guest.run("cat /tmp/count")).output);
		const before = await until(async () => (await counted()) || undefined, { what: "the guest counts" });
		const point = await capturePoint(guest, temp.path);
		const after = await counted();

		const folder = temp.file("trials");
		await using trials = await Trials.open({
			folder,
			limits: testLimits(3, 4096),
			log: silentLogger(),
		});
		const { signal } = new AbortController();
		await using template = await trials.prepare(point, signal);
		const segments = [0, 1, 2].map(() => new Segment({ peers: [echoPeer()] }));
		const clones = await Promise.all(segments.map((segment) => template.clone({ segment })));
		await assert.rejects(template.clone({ segment: new Segment() }), { code: "limit", message: /all 3 slots/ });

		// Before any of them goes on, their memory is the same, and what one gives back the others keep.
		const [first, second] = clones as [Clone, Clone, Clone];
		const stood = await memorySum(second);
		assert.equal(await memorySum(first), stood);
		await first.start();
		await first.qmp.execute("balloon", { value: 64 * MIB });
		const balloon = async () => ((await first.qmp.execute("query-balloon")) as { actual: number }).actual;
		await until(async () => (await balloon()) < 110 * MIB, { what: "the balloon is inflated" });
		assert.equal(await memorySum(second), stood);

		const shells = clones.map((clone) => new CloneShell(clone));
		for (const clone of clones.slice(1)) await clone.start();
		for (const shell of shells.slice(1)) {
			const count = Number(await shell.run("cat /tmp/count"));
			assert.ok(count >= before, `${count}, captured between ${before} and ${after}`);
			const sums = "md5sum < /tmp/kept; echo 3 > /proc/sys/vm/drop_caches; md5sum < /mnt/kept";
			assert.equal(await shell.run(sums), `${sum}${sum}`);
			assert.equal(await shell.run("echo spoken > /dev/ttyS0"), "");
		}
		for (const clone of clones.slice(1)) {
			await until(() => clone.console().includes("spoken"), { what: "the console is alive" });
			const memory = await clone.memory();
			assert.ok(memory !== undefined && memory.ownBytes < 100 * MIB, JSON.stringify(memory));
		}
		await shells[2]?.run("echo mine > /mnt/mark; sync");
		assert.equal(await shells[1]?.run("cat /mnt/mark"), "before\n");
		assert.equal((await guest.run("cat /mnt/mark")).output, "before\n");

		// Whatever a clone sends, it reaches the switch and nobody else.
		await assertReachesNobody(second, shells[1] as CloneShell, segments[1] as Segment);
		assert.ok((second.ports[0]?.counters.receivedFrames ?? 0) >= 6);
		assert.equal((await counted()) >= after, true);

		const processes = markedProcesses(folder);
		assert.equal(processes.length, 4);
		await template[Symbol.asyncDispose]();
		assert.deepEqual(markedProcesses(folder), []);
		assert.deepEqual(await readdir(folder), []);
		assert.equal(trials.usedSlots + trials.reservedBytes, 0);
	});

	it("are made of machines with many devices, of another kind, with backends of their own, on a tap", async () => {
		await using temp = await tempFolder();
		const disk = await makeDisk(temp.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
		for (const name of ["b", "c", "d"]) await writeFile(temp.file(name), Buffer.alloc(MIB, name));
		await using guest = await bootGuest({
			folder: temp.file("vm"),
			disks: [disk],
			memoryMb: MEMORY_MB,
			modules: ["virtio_net"],
			extraArgs: [
				...["-machine", "type=q35,memory-backend=m0", "-object", `memory-backend-ram,id=m0,size=${MEMORY_MB}M`],
				...["-drive", `if=pflash,format=raw,readonly=on,file=${FIRMWARE}`],
				...["-device", "pcie-root-port,id=rp1,chassis=1", "-device", "pcie-root-port,id=rp2,chassis=2"],
				...["-object", "iothread,id=io1", "-device", "virtio-scsi-pci,id=scsi1"],
				...["-drive", `if=none,id=b,format=raw,file=${temp.file("b")}`, "-device", "scsi-hd,drive=b,bus=scsi1.0"],
				...["-drive", `if=virtio,format=raw,file=${temp.file("c")}`],
				...["-blockdev", `{"driver":"raw","node-name":"nd","file":{"driver":"file","filename":"${temp.file("d")}"}}`],
				...["-device", '{"driver":"virtio-blk-pci","drive":"nd","bus":"rp1"}'],
				...["-device", "ide-cd,id=cd0", "-device", "qemu-xhci,id=usb", "-device", "usb-tablet,bus=usb.0"],
				...["-object", "rng-random,id=r0,filename=/dev/urandom", "-device", "virtio-rng-pci,rng=r0"],
				...["-device", "vmgenid,guid=324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87", "-device", "pvpanic-pci"],
				...["-device", "VGA,vgamem_mb=8", "-device", "virtio-balloon-pci", "-device", "i6300esb"],
				...["-audiodev", "none,id=a0", "-device", "ich9-intel-hda", "-device", "hda-duplex,audiodev=a0"],
				...["-chardev", "null,id=ga", "-device", "virtserialport,chardev=ga,name=org.qemu.guest_agent.0"],
				...["-netdev", `tap,id=n0,ifname=umbt${process.pid % 100_000},script=no,downscript=no`],
				...["-device", "virtio-net-pci,id=net0,netdev=n0,bus=rp2", "-nic", "user,model=e1000"],
			],
		});
		await guest.run(
			"ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; ip route add default via 10.0.2.2; echo here > /tmp/mark",
		);
		const point = await capturePoint(guest, temp.path);
		await using trials = await Trials.open({
			folder: temp.file("trials"),
			limits: testLimits(1, 4096),
			log: silentLogger(),
		});
		await using template = await trials.prepare(point, new AbortController().signal);
		assert.deepEqual(template.plan.disks.map(({ disk }) => disk).sort(), ["b", "disk0", "nd", "virtio0"]);
		assert.deepEqual(
			template.plan.nics.map(({ wire }) => wire),
			["redirected-tap", "stream"],
		);
		const segment = new Segment({ peers: [echoPeer()] });
		const clone = await template.clone({ segment });
		await clone.start();
		const shell = new CloneShell(clone);
		const said = await shell.run(
			"cat /tmp/mark; for d in a b c; do head -c 3 /dev/vd$d; done | tr -d '\\0' | fold -w 3 | sort",
		);
		assert.equal(said, "here\nccc\nddd\n");
		const ping = "ping -c 1 -W 5 10.0.2.2 | grep -c ' 1 packets received'";
		await until(async () => (await shell.run(ping)) === "1\n", { what: "a ping is answered", timeoutMs: 60_000 });
		assert.deepEqual(
			clone.channels.map(({ kind }) => kind),
			["console", "port", "guest-agent"],
		);
		await assertReachesNobody(clone, shell, segment);
	});
});

/** Of all RAM, as the monitor writes it down. */
async function memorySum({ qmp, folder }: Clone): Promise<string> {
	await mkdir(`${folder}/sum`);
	const path = `${folder}/sum/ram`;
	await qmp.execute("pmemsave", { val: 0, size: MEMORY_MB * MIB, filename: path });
	const hash = createHash("sha256")
		.update(await readFile(path))
		.digest("hex");
	await rm(`${folder}/sum`, { recursive: true });
	return hash;
}
