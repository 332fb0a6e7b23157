/** What a clone's `-machine` and `-accel` may say: what is known to open no file and to reach nothing of this host. */
import { cannot } from "./devices.ts";
import type { OptionSet } from "./option-set.ts";

const KNOWN: readonly RegExp[] = [
	/^(?:type|accel|kernel-irqchip|kvm-shadow-mem|kvm-type|memory-backend|pflash[01]|suppress-vmdesc|bus-lock-ratelimit)$/,
	/^(?:acpi|usb|hpet|graphics|i8042|pic|pit|sata|smbus|smm|vmport|fd-bootchk|nvdimm|nvdimm-persistence|hmat|cxl)$/,
	/^(?:max-fw-size|max-ram-below-4g|default-bus-bypass-iommu|x-oem-id|x-oem-table-id|smbios-entry-point-type|page-per-vq)$/,
	/^(?:boot\.(?:order|once|menu|reboot-timeout|strict)|smp\.[a-z]+|memory\.(?:size|slots|max-size))$/,
	// Of Arm, s390x and POWER.
	/^(?:gic-version|highmem(?:-(?:ecam|mmio|redists))?|compact-highmem|its|iommu|mte|msi|ras|secure|virtualization|dtb-(?:randomness|kaslr-seed))$/,
	/^(?:(?:aes|dea)-key-wrap|loadparm|zpcii-disable)$/,
	/^(?:cap-[a-z0-9-]+|ic-mode|max-cpu-compat|resize-hpt|x-vof)$/,
];
/** Of the host alone, or of a boot that is over. */
const DROPPED = /^(?:dump-guest-core|mem-merge|kernel|initrd|append|shim|boot\.splash(?:-time)?)$/;
const OUT_OF_REACH =
	/^(?:memory-encryption|confidential-guest-support|firmware|dtb|dumpdtb|phandle-start|dt-compatible|sgx-epc\..*)$/;
const KNOWN_OF_ACCELERATORS =
	/^(?:accel|thread|tb-size|kernel-irqchip|kvm-shadow-mem|split-wx|one-insn-per-tb|dirty-ring-size|eager-split-size|notify-vmexit|notify-window|honor-guest-pat)$/;
const ACCELERATORS = /^(?:(?:kvm|tcg)(?::(?:kvm|tcg))*)?$/;

/** Takes away what a clone has no use for. @throws UmbraError `unsupported`. */
export function checkMachine(machine: OptionSet): void {
	for (const key of machine.keys()) {
		// QEMU takes either.
		const name = key.replaceAll("_", "-");
		if (DROPPED.test(name)) machine.delete(key);
		else if (OUT_OF_REACH.test(name)) throw cannot(`-machine ${key}=`, "its memory or firmware is out of reach");
		else if (!KNOWN.some((known) => known.test(name))) {
			throw cannot(`-machine ${key}=`, "whether it can be cloned is not known");
		}
	}
	checkName("-machine accel=", machine.get("accel") ?? "");
}

/** @throws UmbraError `unsupported`. */
export function checkAccelerator(accelerator: OptionSet): void {
	const unknown = accelerator.keys().find((key) => !KNOWN_OF_ACCELERATORS.test(key));
	if (unknown !== undefined) throw cannot(`-accel ${unknown}=`, "whether it can be cloned is not known");
	checkName("-accel", accelerator.get("accel") ?? "");
}

function checkName(option: string, name: string): void {
	if (!ACCELERATORS.test(name)) throw cannot(`${option} ${name}`, "clones run by KVM or TCG");
}
