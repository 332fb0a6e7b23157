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
		[
			"a global that names one in the long form",
			["-global", "driver=virtio-net-pci,property=romfile,value=/etc/shadow"],
			/-global virtio-net-pci\.romfile/,
		],
		["a global that says more", ["-global", "driver=VGA,property=edid,value=on,x=/etc/shadow"], /-global x=/],
		["a global that is a descriptor", ["-global", "virtio-net-pci.vhostfd=0"], /vhostfd=: it names/],
		["a global that is one of our channels", ["-global", "isa-serial.chardev=umbra-qmp"], /chardev=: it names/],
		["a global text that nothing is known of", ["-global", "new.thing=x"], /new\.thing=x: it may name/],
		["a machine whose splash is called otherwise", ["-M", "pc,boot.splash_file=/etc/shadow"], /boot\.splash_file=/],
		["a device tree", ["-M", "pc,dtb=/etc/shadow"], /dtb=: its/],
		["a device tree that is written down", ["-M", "pc,dumpdtb=/root/x"], /dumpdtb=: its/],
		["encryption by the other spelling", ["-M", "pc,memory_encryption=s0"], /memory_encryption=: its/],
		["a key of machines that is not known", ["-machine", "pc,new=/etc/shadow"], /-machine new=: whether/],
		["another accelerator", ["-machine", "pc,accel=xen"], /accel= xen: clones/],
		["an accelerator's device", ["-accel", "tcg,device=/dev/sda"], /-accel device=/],
		["a capture of a USB device", ["-device", "usb-tablet,pcap=/root/x"], /pcap=: it names/],
		["a path within a device", ["-device", '{"driver":"VGA","new":[{"a":"/etc/shadow"}]}'], /new=: it names a file/],
		["a loader of files", ["-device", "loader,file=/etc/shadow,addr=0"], /-device loader/],
		["a secret of the host in a table", ["-fw_cfg", "name=opt/x,gen_id=s0"], /-fw_cfg gen_id=/],
		["a file in a table", ["-fw_cfg", "opt/x,file=/etc/shadow"], /-fw_cfg file=/],
		["a file of SMBIOS", ["-smbios", "file=/etc/shadow"], /-smbios file=/],
		["a text of SMBIOS in a file", ["-smbios", "type=11,value=a,path=/etc/shadow"], /-smbios path=/],
		["a table of ACPI", ["-acpitable", "file=/etc/shadow"], /-acpitable: it names/],
		["a file of options", ["-readconfig", "/etc/x"], /-readconfig: it names/],
		["a property that is set later", ["-set", "device.net0.romfile=/etc/shadow"], /-set: whether/],
		["a boot by a file", ["-boot", "c,new=/etc/shadow"], /-boot new=/],
		["an object of a file", ["-object", "memory-backend-file,id=x,mem-path=/etc/shadow,size=1"], /-object memory-/],
		["another option of a card", ["-net", "nic,script=/x"], /-net nic,script=/],
	];
	for (const [what, args, message] of refused) {
		it(`refuses ${what}`, () => assert.throws(() => plan([...BASE, ...args]), { code: "unsupported", message }));
	}

	const split: readonly (readonly [string, readonly string[]])[] = [
		["a flag", ["-device", "virtio-net-pci,multifunction,,romfile=/etc/shadow"]],
		["the first value", ["-device", "virtio-net-pci,,romfile=/etc/shadow"]],
		["what looks like JSON", ["-smbios", '{"type":"1,file=/etc/shadow"}']],
	];
	for (const [what, args] of split) {
		it(`refuses an option that is another to QEMU: behind ${what}`, () => {
			assert.throws(() => plan([...BASE, ...args]), { code: "corrupt", message: /none of QEMU's/ });
		});
	}

	it("keeps what is told as one value in one", () => {
		const { args } = plan([
			...BASE,
			...["-audiodev", '{"driver":"none","id":"a,driver=wav,path=/root/x"}'],
			...["-drive", "if=ide,index=2,media=cdrom,id=c,,file=/etc/shadow"],
			...["-nic", "user,model=e1000,,type=tap"],
		]);
		assert.deepEqual(said(args, "-audiodev"), ["none,id=a,,driver=wav,,path=/root/x"]);
		assert.deepEqual(said(args, "-drive"), ["if=ide,index=2,id=c,,file=/etc/shadow,media=cdrom"]);
		assert.deepEqual(said(args, "-net"), ["nic,netdev=umbra-n0,model=e1000,,type=tap"]);
	});

	it("keeps what libvirt and others tell of kinds of devices, tables and the machine", () => {
		const globals = [
			...["PIIX4_PM.disable_s3=1", "ICH9-LPC.disable_s4=0", "kvm-pit.lost_tick_policy=delay"],
			...["driver=cfi.pflash01,property=secure,value=on", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"],
			...["virtio-net-pci.romfile=", "q35-pcihost.pci-hole64-size=1048576K", "qxl-vga.ram_size=67108864"],
		];
		const smbios = "type=1,manufacturer=a/b,serial=1,,2";
		const machine =
			"pc-q35-7.2,usb=off,vmport=off,smm=on,kernel_irqchip=on,dump-guest-core=off,mem-merge=off,nvdimm=on";
		const { args } = plan(
			[
				...[
					"-nodefaults",
					"-machine",
					`${machine},hpet=off,acpi=on,i8042=off,boot.splash=/etc/shadow,boot.menu=on,shim=/x`,
				],
				...globals.flatMap((each) => ["-global", each]),
				...["-smbios", smbios, "-fw_cfg", "opt/x,string=a/b", "-boot", "order=c,strict=on,splash=/etc/shadow"],
				...["-device", "virtserialport,name=org/x", "-device", "scsi-hd,serial=a/b,drive=d,device_id=x/y"],
				...["-drive", "if=none,id=d,file=/x.img"],
			],
			{ disks: new Map([["d", MIB]]) },
		);
		assert.deepEqual(said(args, "-global"), [
			...["driver=PIIX4_PM,property=disable_s3,value=1", "driver=ICH9-LPC,property=disable_s4,value=0"],
			...["driver=kvm-pit,property=lost_tick_policy,value=delay", "driver=cfi.pflash01,property=secure,value=on"],
			"driver=ICH9-LPC,property=acpi-pci-hotplug-with-bridge-support,value=off",
			...[
				"driver=virtio-net-pci,property=romfile,value=",
				"driver=q35-pcihost,property=pci-hole64-size,value=1048576K",
			],
			"driver=qxl-vga,property=ram_size,value=67108864",
		]);
		assert.deepEqual(said(args, "-machine"), [
			"pc-i440fx-7.2,usb=off,vmport=off,smm=on,kernel_irqchip=on,nvdimm=on,hpet=off,acpi=on,i8042=off,boot.menu=on,memory-backend=pc.ram",
		]);
		assert.deepEqual(said(args, "-smbios"), [smbios]);
		assert.deepEqual(said(args, "-boot"), ["c,strict=on"]);
		assert.doesNotMatch(args.join(" "), /shadow|shim/);
	});

	it("makes clones of a machine with what libvirt gives to one", () => {
		const node = (name: string) => `{"node-name":"libvirt-${name}","driver":"qcow2","file":"libvirt-${name}-storage"}`;
		const { args, nics, channels, disks } = plan(
			[
				...["-object", '{"qom-type":"secret","id":"masterKey0","format":"raw","file":"/var/lib/x/master-key.aes"}'],
				...["-machine", "pc-q35-7.2,usb=off,smm=on,dump-guest-core=off,pflash0=libvirt-fw,memory-backend=m0,acpi=on"],
				...["-accel", "kvm", "-cpu", "host,migratable=on", "-m", "size=524288k", "-overcommit", "mem-lock=off"],
				...["-global", "driver=cfi.pflash01,property=secure,value=on", "-smp", "2,sockets=2,cores=1,threads=1"],
				...[
					"-object",
					'{"qom-type":"memory-backend-ram","id":"m0","size":536870912}',
					"-no-user-config",
					"-nodefaults",
				],
				...["-rtc", "base=utc,driftfix=slew", "-global", "kvm-pit.lost_tick_policy=delay", "-boot", "strict=on"],
				...["-global", "ICH9-LPC.disable_s3=1", "-global", "ICH9-LPC.noreboot=off", "-blockdev", node("fw")],
				...["-device", '{"driver":"pcie-root-port","port":16,"id":"pci.1","multifunction":true,"addr":"0x2"}'],
				...["-device", '{"driver":"virtio-serial-pci","id":"virtio-serial0","bus":"pci.1"}', "-blockdev", node("1")],
				...["-device", '{"driver":"virtio-blk-pci","drive":"libvirt-1","id":"virtio-disk0","serial":"a/b"}'],
				...["-netdev", '{"type":"tap","fd":"37","vhost":true,"vhostfd":"39","id":"hostnet0"}'],
				...["-device", '{"driver":"virtio-net-pci","netdev":"hostnet0","id":"net0","mac":"52:54:00:00:00:01"}'],
				...["-chardev", "pty,id=c0", "-device", '{"driver":"isa-serial","chardev":"c0","id":"serial0","index":0}'],
				...["-chardev", "spicevmc,id=c1,name=vdagent", "-device", '{"driver":"virtserialport","chardev":"c1","nr":2}'],
				...["-audiodev", '{"id":"audio1","driver":"spice"}', "-device", '{"driver":"usb-tablet","bus":"usb.0"}'],
				...["-object", '{"qom-type":"rng-random","id":"r0","filename":"/dev/urandom"}'],
				...["-device", '{"driver":"virtio-rng-pci","rng":"r0"}', "-smbios", "type=1,manufacturer=Red Hat,product=KVM"],
			],
			{ disks: new Map([["virtio-disk0", MIB]]), hasKvm: true },
		);
		assert.deepEqual(
			[nics.map(({ wire }) => wire), channels.map(({ kind }) => kind), disks.map(({ disk }) => disk)],
			[["redirected-tap"], ["console", "port"], ["virtio-disk0"]],
		);
		assert.doesNotMatch(args.join(" "), /master-key|urandom|"fd"|vhostfd|spice|pty|qcow2-storage/);
	});

	it("refuses a machine of which something was plugged in while it ran", () => {
		assert.throws(() => plan(BASE, { disks: new Map([["hot", MIB]]) }), { code: "unsupported", message: /disk hot/ });
		const machine = { arguments: BASE, memory: { base: 512 * MIB, plugged: MIB }, nics: [] };
		assert.throws(() => plan(BASE, { machine }), { code: "unsupported", message: /plugged in/ });
		const unseen = { arguments: null, memory: { base: 512 * MIB, plugged: 0 }, nics: [] };
		assert.throws(() => plan([], { machine: unseen }), { code: "unsupported", message: /could not see/ });
	});
});
