/**
 * Which devices a clone may have. The configuration was told by another host, which may be in the hands of somebody
 * else: what is not known to touch nothing of this host but by a backend, which is always ours, is refused.
 */
import { UmbraError } from "../../common/errors.ts";
import type { OptionSet } from "./option-set.ts";

const KNOWN: readonly RegExp[] = [
	/^virtio-(?:blk|scsi|net|serial|balloon|rng|gpu|vga|keyboard|mouse|tablet|multitouch|iommu|mem)(?:-(?:pci|device|ccw|pci-transitional|pci-non-transitional))?$/,
	/^(?:virtserialport|virtconsole|virtio-(?:gpu|vga))$/,
	/^(?:isa-serial|pci-serial(?:-[24]x)?|isa-debugcon|isa-parallel)$/,
	/^(?:pcie-root-port|pcie-pci-bridge|pci-bridge|ioh3420|i82801b11-bridge|x3130-upstream|xio3130-downstream|pxb|pxb-pcie|dmi-pci-bridge)$/,
	/^(?:ich9-usb-(?:e|u)hci[1-6]|piix[34]-usb-uhci|qemu-xhci|nec-usb-xhci|usb-ehci|vt82c686b-usb-uhci|usb-(?:tablet|kbd|mouse|hub|wacom-tablet))$/,
	/^(?:scsi-(?:hd|cd)|lsi|lsi53c8(?:10|95a)|megasas(?:-gen2)?|mptsas1068|pvscsi|ahci|ich9-ahci|ide-(?:hd|cd)|nvme|nvme-ns|usb-storage|sd-card|piix[34]-ide)$/,
	/^(?:e1000(?:-82544gc|-82545em)?|e1000e|igb|rtl8139|vmxnet3|ne2k_pci|pcnet|i825\w+|tulip)$/,
	/^(?:intel-hda|ich9-intel-hda|hda-(?:duplex|micro|output)|AC97|ES1370)$/,
	/^(?:VGA|qxl|qxl-vga|cirrus-vga|bochs-display|vmware-svga|ramfb|secondary-vga)$/,
	/^(?:pvpanic|pvpanic-pci|vmgenid|vmcoreinfo|i6300esb|ib700|intel-iommu|pc-dimm|smbus-eeprom)$/,
];

/** Why some are not, for people. */
const REASONS: readonly (readonly [RegExp, string])[] = [
	[/^vfio|^pci-assign|^xen-pci/, "a device of the host is passed through to the machine"],
	[/^vhost-vsock|^vhost-user-vsock/, "it is a way from the guest to its host"],
	[/^vhost/, "another process holds a part of the device's state"],
	[/^usb-host|^usb-redir|^usb-mtp|^virtio-input-host/, "it belongs to something outside of the machine"],
	[/^virtio-9p|^virtio-fs/, "it shows a folder of the host"],
	[/^tpm|^ccid|^u2f/, "its secrets are kept outside of the machine"],
	[/^scsi-(?:block|generic)/, "it passes commands to a device of the host"],
	[/^ivshmem|^virtio-pmem|^nvdimm|^cxl/, "its memory lies in a file or is shared with others"],
];

/** Properties that name something of the host. */
const OF_HOST =
	/^(?:host|hostdev|hostbus|hostaddr|hostport|sysfsdev|filename|file|path|rootdir|evdev|pcap|fd|fds|vhostfd|vhostfds)$/;
/** Texts that QEMU hands to the guest, which may have any letters. No other text of a device has a slash, unless it is a path. */
const SHOWN = /^(?:name|serial|vendor|product|model|ver|version|device_id|hba_serial|loadparm)$/;

/** @throws UmbraError `unsupported` with the reason where a clone cannot have the device. */
export function checkDevice(device: OptionSet): string {
	const driver = device.get("driver") ?? "";
	if (!KNOWN.some((known) => known.test(driver))) {
		const why = REASONS.find(([pattern]) => pattern.test(driver))?.[1] ?? "whether it can be cloned is not known";
		throw cannot(`-device ${driver}`, why);
	}
	for (const key of device.keys()) {
		if (refersToHost(key)) throw cannot(`-device ${driver},${key}=`, "it names something of the host");
		// One without is in the clone's own folder, or is QEMU's.
		const isPath = !SHOWN.test(key) && device.texts(key).some((text) => text.includes("/"));
		if (isPath) throw cannot(`-device ${driver},${key}=`, "it names a file of another host");
	}
	return driver;
}

export function refersToHost(property: string): boolean {
	return OF_HOST.test(property);
}

export function cannot(option: string, why: string): UmbraError {
	return new UmbraError("unsupported", `no clone can be made of this machine: ${option}: ${why}`, {
		context: { structure: "QEMU's arguments", found: option },
	});
}
