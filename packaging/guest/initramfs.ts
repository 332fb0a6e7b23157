/** The guest's initramfs: busybox, the modules for its devices, and an init that mounts the disks and obeys the host. */
import { type CpioEntry, cpio } from "./cpio.ts";
import { readAgent, readBusybox, readModules } from "./kernel.ts";

/** The virtio-serial port over which host and guest speak. */
export const SHELL_PORT = "umbra.shell";
/** The one that every guest agent looks for. */
export const AGENT_PORT = "org.qemu.guest_agent.0";

const MODULES = ["virtio_pci", "virtio_blk", "virtio_console"];
/** Only where a disk needs them: each module costs boot time under emulation. */
const SCSI_MODULES = ["sd_mod", "virtio_scsi"];
const IDE_MODULES = ["sd_mod", "ata_piix"];

/**
 * PID 1. `umbra.disks=vda,scsi0` on the kernel's command line names the disks to wait for (scsi0: the first by SCSI
 * address); the first is mounted at /mnt, the next at /mnt1, /mnt2 ...: its first partition with a filesystem, or all of
 * it. A disk without one is left alone.
 *
 * A guest agent, where there is one, speaks over its own port; what it runs finds the programs of busybox and prlimit.
 *
 * The protocol on the shell port: the host sends `ID LENGTH\n` and LENGTH bytes of shell script; the guest answers
 * `ID CODE LENGTH\n` and LENGTH bytes of what the script wrote. Scripts run one after another.
 */
const INIT = `#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/root TERM=dumb
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
for module in $(cat /modules/order); do
	insmod /modules/$module.ko || echo "umbra-guest: cannot insert $module"
done

disks=$(sed -n 's/.*umbra\\.disks=\\([^ ]*\\).*/\\1/p' /proc/cmdline | tr , ' ')
scsi=$(echo $disks | tr ' ' '\\n' | grep -c scsi)

# SCSI disks and their partitions appear by and by; a virtio disk is complete when its module is.
until [ $(ls -d /sys/class/scsi_disk/*/device/block/* 2>/dev/null | wc -l) = $scsi ]; do sleep 0.05; done

device_of() {
	case $1 in
	scsi*)
		set -- $1 $(ls -d /sys/class/scsi_disk/*/device/block/*)
		shift $((\${1#scsi} + 1))
		echo \${1##*/}
		;;
	*) echo $1 ;;
	esac
}

mount_disk() {
	for try in 1 2 3 4 5 6 7 8 9 10; do
		for device in /dev/$1[0-9]* /dev/$1; do
			[ -b $device ] && mount -t ext4 $device $2 2>/dev/null && return
		done
		case $1 in vd*) break ;; esac
		sleep 0.1
	done
	echo "umbra-guest: no ext4 filesystem on $1"
}

number=
for disk in $disks; do
	mkdir -p /mnt$number
	mount_disk $(device_of $disk) /mnt$number
	number=$((number + 1))
done

for port in /sys/class/virtio-ports/*; do
	case "$(cat $port/name)" in
	${SHELL_PORT}) exec 3<>/dev/\${port##*/} ;;
	${AGENT_PORT})
		[ -x /usr/sbin/qemu-ga ] && PATH=/bin:/usr/bin /usr/sbin/qemu-ga -m virtio-serial -p /dev/\${port##*/} -t /tmp >/tmp/qemu-ga.log 2>&1 &
		;;
	esac
done
cd /mnt
while read -r id length <&3; do
	head -c $length <&3 >/tmp/script
	sh /tmp/script </dev/null >/tmp/output 2>&1 3<&-
	code=$?
	echo "$id $code $(wc -c </tmp/output)" >&3
	cat /tmp/output >&3
done
echo "umbra-guest: the host closed the port"
poweroff -f
`;

const FOLDERS = ["bin", "dev", "mnt", "modules", "proc", "root", "sys", "tmp"];

export interface InitramfsOptions {
	/** Further modules of the kernel, by name. */
	readonly modules?: readonly string[] | undefined;
	readonly guestAgent?: boolean | undefined;
}

/** @throws UmbraError `not-found` before the bootstrap has run. */
export async function buildInitramfs(buses: ReadonlySet<string>, options: InitramfsOptions = {}): Promise<Buffer> {
	const modules = await readModules([
		...MODULES,
		...(options.modules ?? []),
		...(buses.has("scsi") ? SCSI_MODULES : []),
		...(buses.has("ide") ? IDE_MODULES : []),
	]);
	const agent = options.guestAgent === true ? [...(await readAgent())] : [];
	return cpio([
		...[...FOLDERS, ...foldersOf(agent.map(([path]) => path))].map(
			(path): CpioEntry => ({ path, type: "folder", mode: 0o755 }),
		),
		{ path: "bin/busybox", type: "file", mode: 0o755, content: await readBusybox() },
		...agent.map(([path, content]): CpioEntry => ({ path, type: "file", mode: 0o755, content })),
		...modules.map(
			({ name, content }): CpioEntry => ({ path: `modules/${name}.ko`, type: "file", mode: 0o644, content }),
		),
		{ path: "modules/order", type: "file", mode: 0o644, content: modules.map(({ name }) => `${name}\n`).join("") },
		{ path: "init", type: "file", mode: 0o755, content: INIT },
	]);
}

/** All that these lie in, outer ones first. */
function foldersOf(paths: readonly string[]): string[] {
	const folders = paths.flatMap((path) => path.split("/").map((_, depth, parts) => parts.slice(0, depth).join("/")));
	return [...new Set(folders)].filter((folder) => folder !== "").sort();
}
