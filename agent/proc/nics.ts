/** Network interfaces by their folders in /sys/class/net: Documentation/ABI/testing/sysfs-class-net. */
import type { KernelTree } from "./tree.ts";

/** IFF_TAP of linux/if_tun.h: a tap device, as VMs have them; other tunnels are the host's own. */
const IFF_TAP = 0x0002;

/** True for what VMs hang on. */
export function isTap(tree: KernelTree, name: string): boolean {
	const flags = tree.text(`/sys/class/net/${name}/tun_flags`);
	if (flags !== undefined && (Number(flags) & IFF_TAP) !== 0) return true;
	return tree.names(`/sys/class/net/${name}/macvtap`).length > 0;
}

/** True where there is a device behind it. */
export function isHardware(tree: KernelTree, name: string): boolean {
	return tree.link(`/sys/class/net/${name}/device`) !== undefined;
}

/** 1 or 0; undefined where the interface is gone. */
export function isUp(tree: KernelTree, name: string): number | undefined {
	const state = tree.text(`/sys/class/net/${name}/operstate`)?.trim();
	if (state === undefined) return undefined;
	if (state !== "unknown") return Number(state === "up");
	// Tunnels and their kin have no link to speak of; where they are set up, they have a carrier.
	return Number(tree.text(`/sys/class/net/${name}/carrier`)?.trim() === "1");
}
