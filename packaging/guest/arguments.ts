/** QEMU's command line for a guest. Pure: names in, arguments out. */
import { UmbraError } from "../../common/errors.ts";
import type { Accelerator } from "./accel.ts";
import { AGENT_PORT, SHELL_PORT } from "./initramfs.ts";

export type DiskInterface = "virtio" | "scsi" | "ide";

export interface GuestDisk {
	readonly path: string;
	readonly format: "raw" | "qcow2";
	/** Default `virtio`. */
	readonly interface?: DiskInterface;
	/** The device's id, /machine/peripheral/<id> in QMP; its block node is `<id>-format`. Default disk0, disk1 ... */
	readonly id?: string;
}

export interface GuestPaths {
	readonly kernel: string;
	readonly initramfs: string;
	readonly console: string;
	/** QEMU connects here for the shell port. */
	readonly shell: string;
	/** QEMU connects here for the private monitor. */
	readonly control: string;
	/** QEMU listens here: the monitor for whoever watches this guest. */
	readonly qmp: string;
	/** QEMU listens here, for whoever speaks to the guest agent; left out, the guest has no port for one. */
	readonly agent?: string;
}

export interface MachineOptions {
	readonly name: string;
	readonly memoryMb: number;
	readonly accelerator: Accelerator;
	readonly disks: readonly GuestDisk[];
	readonly paths: GuestPaths;
	readonly extraArgs: readonly string[];
}

/** The PIIX3 controller has two buses of two drives. */
const MAX_IDE_DISKS = 4;

/**
 * What saves boot time under emulation, on top of not saying much on a slow serial port: no security
 * mitigations, no address randomisation, no calibration of timers, grace periods that end at once.
 */
const KERNEL_ARGUMENTS = [
	...["console=ttyS0", "quiet", "panic=-1"],
	...["nokaslr", "mitigations=off", "tsc=reliable", "no_timer_check", "random.trust_cpu=on"],
	...["8250.nr_uarts=1", "cryptomgr.notests", "rcupdate.rcu_expedited=1"],
];

/** @throws UmbraError `limit` for more IDE disks than there are places. */
export function qemuArguments(options: MachineOptions): string[] {
	const { paths, disks } = options;
	const file = (path: string): string => path.replaceAll(",", ",,");
	return [
		...["-name", file(options.name)],
		...["-machine", "pc,hpet=off", "-accel", options.accelerator === "kvm" ? "kvm" : "tcg,thread=multi"],
		...(options.accelerator === "kvm" ? ["-cpu", "host"] : []),
		...["-m", String(options.memoryMb), "-smp", "1"],
		...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-rtc", "base=utc"],
		...["-kernel", paths.kernel, "-initrd", paths.initramfs],
		...["-append", [...KERNEL_ARGUMENTS, `umbra.disks=${kernelNames(disks).join(",")}`].join(" ")],
		// A file takes all that the kernel says: a console that nobody drains would stop the guest.
		...["-chardev", `file,id=console,path=${file(paths.console)}`, "-serial", "chardev:console"],
		...["-chardev", `socket,id=shell,path=${file(paths.shell)}`],
		...["-device", "virtio-serial-pci", "-device", `virtserialport,chardev=shell,name=${SHELL_PORT}`],
		...(paths.agent === undefined
			? []
			: [
					...["-chardev", `socket,id=agent,path=${file(paths.agent)},server=on,wait=off`],
					...["-device", `virtserialport,chardev=agent,name=${AGENT_PORT}`],
				]),
		...["-chardev", `socket,id=control,path=${file(paths.control)}`, "-mon", "chardev=control,mode=control"],
		...["-qmp", `unix:${file(paths.qmp)},server=on,wait=off`],
		...(disks.some((disk) => disk.interface === "scsi") ? ["-device", "virtio-scsi-pci,id=scsi"] : []),
		...diskArguments(disks),
		...options.extraArgs,
	];
}

function diskArguments(disks: readonly GuestDisk[]): string[] {
	const used = { virtio: 0, scsi: 0, ide: 0 };
	return disks.flatMap((disk, index) => {
		const id = disk.id ?? `disk${index}`;
		const bus = disk.interface ?? "virtio";
		const place = used[bus]++;
		const node = `${id}-format`;
		const backend = {
			driver: disk.format,
			"node-name": node,
			discard: "unmap",
			file: { driver: "file", "node-name": `${id}-file`, filename: disk.path, discard: "unmap" },
		};
		return [
			"-blockdev",
			JSON.stringify(backend),
			"-device",
			JSON.stringify({ ...device(bus, place), id, drive: node }),
		];
	});
}

function device(bus: DiskInterface, place: number): Record<string, unknown> {
	if (bus === "virtio") return { driver: "virtio-blk-pci" };
	if (bus === "scsi") return { driver: "scsi-hd", bus: "scsi.0", "scsi-id": place };
	if (place >= MAX_IDE_DISKS) {
		throw new UmbraError("limit", `a guest takes at most ${MAX_IDE_DISKS} IDE disks`, {
			context: { found: place + 1, wanted: MAX_IDE_DISKS },
		});
	}
	return { driver: "ide-hd", bus: `ide.${place >> 1}`, unit: place & 1 };
}

/**
 * What the guest's init calls each disk: `vda`, or `scsi0` for the first by SCSI address, since the kernel names
 * sda, sdb ... in the order in which it happens to find them. IDE drives are SCSI disks to Linux, and come last
 * because their driver does.
 */
function kernelNames(disks: readonly GuestDisk[]): string[] {
	const scsi = disks.filter((disk) => disk.interface === "scsi").length;
	const used = { virtio: 0, scsi: 0, ide: scsi };
	return disks.map((disk) => {
		const bus = disk.interface ?? "virtio";
		const place = used[bus]++;
		return bus === "virtio" ? `vd${String.fromCharCode("a".charCodeAt(0) + place)}` : `scsi${place}`;
	});
}
