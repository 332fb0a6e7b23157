import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { layOut } from "../state/ram-layout.ts";
import { type PlanOptions, planClone } from "./arguments.ts";
import { pairs } from "./option-list.ts";

const MIB = 2 ** 20;

function plan(args: readonly string[], more: Partial<PlanOptions> = {}) {
	return planClone({
		machine: { arguments: args, memory: { base: 512 * MIB, plugged: 0 }, nics: [] },
		stream: {
			machineType: "pc-i440fx-7.2",
			ram: layOut([
				{ name: "pc.ram", size: 512 * MIB },
				{ name: "/objects/m0", size: 512 * MIB },
				{ name: "system.flash0", size: 4 * MIB },
				{ name: "pc.bios", size: 256 * 1024 },
			]),
		},
		disks: new Map(),
		diskSocket: "/t/nbd",
		hasKvm: false,
		hasOwnNetworks: true,
		...more,
	});
}

/** What is said for an option, of all that were planned. */
function said(args: readonly string[], option: string): string[] {
	return pairs(args).flatMap(([name, value]) => (name === option ? [value] : []));
}

const BASE = ["-nodefaults", "-machine", "pc,accel=tcg", "-m", "512"];

describe("planClone", () => {
	it("puts shared memory under the machine's own RAM, and names the version of its kind", () => {
		const { ram, args } = plan(BASE);
		assert.deepEqual(ram, [
			{
				block: "pc.ram",
				backend: "pc.ram",
				size: 512 * MIB,
				offset: 0,
				options: ["x-use-canonical-path-for-ramblock-id=off"],
			},
		]);
		assert.deepEqual(said(args, "-machine"), ["pc-i440fx-7.2,accel=tcg,memory-backend=pc.ram"]);
	});

	it("keeps the backends that the machine was given, by their names in its state", () => {
		const machine = ["-machine", "q35,memory-backend=m0", "-object", "memory-backend-memfd,id=m0,size=512M,share=on"];
		const { ram, args } = plan(["-nodefaults", ...machine]);
		assert.deepEqual(ram[0], {
			...{ block: "/objects/m0", backend: "m0", size: 512 * MIB, offset: 512 * MIB },
			options: ["x-use-canonical-path-for-ramblock-id=on"],
		});
		assert.deepEqual(said(args, "-object"), []);
		assert.match(said(args, "-machine")[0] ?? "", /memory-backend=m0/);
	});

	it("finds the disks by device, drive and place, and puts an overlay under each", () => {
		const disks = new Map([
			["disk0", MIB],
			["root", 2 * MIB],
			["virtio0", 3 * MIB],
		]);
		const { args, disks: planned } = plan(
			[
				...BASE,
				...["-blockdev", '{"driver":"qcow2","node-name":"f0","file":{"driver":"file","filename":"/etc/shadow"}}'],
				...["-device", '{"driver":"virtio-blk-pci","id":"disk0","drive":"f0"}'],
				...["-drive", "if=none,id=root,file=/a,,b.img,format=raw", "-device", "scsi-hd,drive=root"],
				...["-drive", "file=/c.img,if=virtio"],
				...["-device", "ide-cd,id=cd0,drive=cd", "-drive", "if=none,id=cd,media=cdrom,file=/x.iso"],
			],
			{ disks },
		);
		assert.deepEqual(
			planned.map(({ disk, size }) => [disk, size]),
			[...disks],
		);
		const nodes = said(args, "-blockdev").map((text) => JSON.parse(text));
		assert.deepEqual(
			nodes
				.filter(({ driver }) => driver === "qcow2")
				.map((node) => [node["node-name"], node.file.filename, node.backing.export]),
			[
				["umbra-d0", "d0.qcow2", "disk0"],
				["umbra-d1", "d1.qcow2", "root"],
				["umbra-d2", "d2.qcow2", "virtio0"],
			],
		);
		// Of each its own filter without limits, over it, so that levers can slow it down.
		assert.deepEqual(
			nodes
				.filter(({ driver }) => driver === "throttle")
				.map((node) => [node["node-name"], node["throttle-group"], node.file]),
			[
				["f0", "umbra-t0", "umbra-d0"],
				["root", "umbra-t1", "umbra-d1"],
			],
		);
		assert.deepEqual(said(args, "-object"), [
			"throttle-group,id=umbra-t0",
			"throttle-group,id=umbra-t1",
			"throttle-group,id=umbra-t2",
		]);
		assert.match(said(args, "-drive")[0] ?? "", /^if=virtio,index=0,id=virtio0,file=json:.*"file":"umbra-d2"/);
		assert.deepEqual(said(args, "-device"), [
			'{"driver":"virtio-blk-pci","id":"disk0","drive":"f0"}',
			"scsi-hd,drive=root",
			"ide-cd,id=cd0",
		]);
		assert.doesNotMatch(args.join(" "), /shadow|b\.img|x\.iso/);
	});

	it("leaves no backend of the host under networks, consoles, random numbers and sound", () => {
		const { args, nics, channels } = plan([
			...BASE,
			...[
				"-netdev",
				"tap,id=n0,fd=33,vhost=on,vhostfd=34",
				"-device",
				"virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01",
			],
			...["-netdev", "bridge,id=n1,br=br0", "-device", "rtl8139,netdev=n1"],
			...["-nic", "user,model=e1000,mac=52:54:00:00:00:02,hostfwd=tcp::22-:22"],
			...["-chardev", "pty,id=c0", "-serial", "chardev:c0", "-chardev", "socket,id=ga,path=/run/ga,server=on"],
			...["-device", "virtio-serial-pci", "-device", "virtserialport,chardev=ga,name=org.qemu.guest_agent.0"],
			...["-object", "rng-random,id=r0,filename=/dev/random", "-audiodev", "alsa,id=a0"],
			...["-object", "secret,id=s0,data=-", "-overcommit", "mem-lock=on"],
		]);
		assert.deepEqual(
			nics.map(({ netdev, wire }) => [netdev, wire]),
			[
				["n0", "redirected-tap"],
				["n1", "stream"],
				["umbra-n0", "stream"],
			],
		);
		assert.deepEqual(
			channels.map(({ kind, name }) => [kind, name]),
			[
				["console", "serial0"],
				["guest-agent", "org.qemu.guest_agent.0"],
			],
		);
		assert.deepEqual(said(args, "-net"), ["nic,netdev=umbra-n0,model=e1000,macaddr=52:54:00:00:00:02"]);
		assert.ok(said(args, "-netdev").includes("user,id=umbra-unplugged0,restrict=on"));
		assert.ok(said(args, "-object").includes("rng-builtin,id=r0"));
		assert.deepEqual(said(args, "-audiodev"), ["none,id=a0"]);
		assert.doesNotMatch(args.join(" "), /hostfwd|vhostfd|fd=33|\/run\/ga|\/dev\/random|alsa|pty|br0|mem-lock|secret/);
	});

	it("gives firmware in flash a place of the same size, and leaves the kernel of a past boot behind", () => {
		const { args, notes } = plan([
			...[
				"-nodefaults",
				"-machine",
				"pc,pflash0=code,kernel=/boot/k",
				"-m",
				"512",
				"-kernel",
				"/boot/k",
				"-append",
				"-x root=/dev/vda",
			],
			...["-blockdev", '{"driver":"file","node-name":"code","filename":"/usr/share/OVMF/CODE.fd"}'],
		]);
		assert.deepEqual(JSON.parse(said(args, "-blockdev")[0] ?? ""), {
			...{ driver: "null-co", size: 4 * MIB, "read-zeroes": true, "node-name": "code" },
		});
		assert.ok(args.includes("-no-reboot"));
		assert.doesNotMatch(args.join(" "), /boot\/k|OVMF/);
		assert.equal(notes.length, 1);
	});

	it("takes firmware's variables, which the guest can write to, from the point", () => {
		const { args, disks } = plan([...BASE, "-drive", "if=pflash,format=raw,unit=1,file=/vars.fd"], {
			disks: new Map([["pflash1", 540_672]]),
		});
		assert.deepEqual(
			disks.map(({ disk, overlay, size }) => [disk, overlay, size]),
			[["pflash1", "d0.qcow2", 540_672]],
		);
		assert.match(said(args, "-drive")[0] ?? "", /^if=pflash,unit=1,id=pflash1,file=json:.*"file":"umbra-d0"/);
	});

	const refused: readonly (readonly [string, readonly string[], RegExp])[] = [
		["a device of the host", ["-device", "vfio-pci,host=01:00.0"], /-device vfio-pci: a device of the host/],
		["a way to the host", ["-device", "vhost-vsock-pci,guest-cid=3"], /-device vhost-vsock-pci: it is a way/],
		["an unknown device", ["-device", "isa-new"], /-device isa-new: whether/],
		["a property that names something of the host", ["-device", "virtio-blk-pci,path=/x"], /path=: it names/],
		["a ROM file", ["-device", "e1000,romfile=/etc/shadow"], /romfile=/],
		["a folder of the host", ["-virtfs", "local,path=/,mount_tag=x"], /-virtfs: it shows/],
		["an unknown option", ["-new", "x"], /-new: whether/],
		["firmware by its path", ["-bios", "/x"], /-bios/],
		["several queues", ["-netdev", "tap,id=n,queues=4", "-device", "virtio-net-pci,netdev=n,mq=on"], /queues=4/],
		["a disk that was not captured", ["-drive", "if=none,id=x,file=y", "-device", "scsi-hd,drive=x"], /disk x/],
		["KVM where there is none", ["-accel", "kvm"], /no KVM/],
		["a global that names a file", ["-global", "e1000.romfile=/x"], /-global/],
	];
	for (const [what, args, message] of refused) {
		it(`refuses ${what}`, () => assert.throws(() => plan([...BASE, ...args]), { code: "unsupported", message }));
	}

	it("refuses a machine of which something was plugged in while it ran", () => {
		assert.throws(() => plan(BASE, { disks: new Map([["hot", MIB]]) }), { code: "unsupported", message: /disk hot/ });
		const machine = { arguments: BASE, memory: { base: 512 * MIB, plugged: MIB }, nics: [] };
		assert.throws(() => plan(BASE, { machine }), { code: "unsupported", message: /plugged in/ });
		const unseen = { arguments: null, memory: { base: 512 * MIB, plugged: 0 }, nics: [] };
		assert.throws(() => plan([], { machine: unseen }), { code: "unsupported", message: /could not see/ });
	});
});
