/** Network interfaces of a machine that end on a tap device of the host. */
import type { FieldsOf } from "../../../common/measurements/measurements.ts";
import { type NicStat, parseNetDev } from "../../proc/devices.ts";
import { isUp } from "../../proc/nics.ts";
import { parseTapName } from "../../proc/process.ts";
import type { KernelTree } from "../../proc/tree.ts";

export type TapSource =
	/** The interface by its name. */
	| { readonly kind: "name"; readonly name: string }
	/** The machine was given the open device as this descriptor. */
	| { readonly kind: "descriptor"; readonly descriptor: number }
	/** A helper opened it. */
	| { readonly kind: "helper" };

export interface TapNic {
	/** The device's id, or the name that QEMU gave it: "e1000.0". */
	readonly id: string;
	readonly source: TapSource;
}

/**
 * QEMU's `info network`, the only place where it says which device hangs on which tap:
 *
 *     net0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56
 *      \ n0: index=0,type=tap,ifname=vnet0,script=no,downscript=no
 *
 * A device with several queues has a line for each. Those that end elsewhere (user, socket, vhost-user) are left out.
 */
export function parseInfoNetwork(text: string): TapNic[] {
	const nics = new Map<string, TapNic>();
	let nic: string | undefined;
	for (const line of text.split(/\r?\n/)) {
		const match = /^( \\ )?(.+?): index=\d+,type=([a-z-]+)(?:,(.*))?$/.exec(line);
		const [, peer, name = "", type, rest = ""] = match ?? [];
		if (peer === undefined) nic = type === "nic" ? name : undefined;
		else if (nic !== undefined && type === "tap" && !nics.has(nic)) {
			const source = tapSource(rest);
			if (source !== undefined) nics.set(nic, { id: nic, source });
		}
	}
	return [...nics.values()];
}

function tapSource(words: string): TapSource | undefined {
	const [, key, value = ""] = /^(ifname|fd|helper)=([^,]*)/.exec(words) ?? [];
	if (key === "ifname") return { kind: "name", name: value };
	if (key === "fd") return { kind: "descriptor", descriptor: Number(value) };
	return key === "helper" ? { kind: "helper" } : undefined;
}

/**
 * The host's interface of each device. Of descriptors the kernel tells to whoever may trace the process; of what a helper
 * opened only where there is one, as nothing says which is which.
 */
export function findTaps(tree: KernelTree, nics: readonly TapNic[], pid: number | undefined): Map<string, string> {
	const taps = new Map<string, string>();
	for (const { id, source } of nics) {
		const name =
			source.kind === "name"
				? source.name
				: source.kind === "descriptor" && pid !== undefined
					? parseTapName(tree.text(`/proc/${pid}/fdinfo/${source.descriptor}`) ?? "")
					: undefined;
		if (name !== undefined) taps.set(id, name);
	}
	const [helped, ...more] = nics.filter(({ source }) => source.kind === "helper");
	if (helped === undefined || more.length > 0 || pid === undefined) return taps;
	const known = new Set(taps.values());
	const open = tree
		.names(`/proc/${pid}/fdinfo`)
		.flatMap((descriptor) => parseTapName(tree.text(`/proc/${pid}/fdinfo/${descriptor}`) ?? "") ?? []);
	const others = [...new Set(open)].filter((name) => !known.has(name));
	if (others.length === 1) taps.set(helped.id, others[0] as string);
	return taps;
}

/** @param taps the host's interface of each device */
export function readNics(tree: KernelTree, taps: ReadonlyMap<string, string>): Map<string, FieldsOf<"vm_nic">> {
	const fields = new Map<string, FieldsOf<"vm_nic">>();
	if (taps.size === 0) return fields;
	const stats = parseNetDev(tree.text("/proc/net/dev") ?? "");
	for (const [id, name] of taps) {
		const stat = stats.get(name);
		if (stat !== undefined) fields.set(id, { ...asGuestSees(stat), up: isUp(tree, name) });
	}
	return fields;
}

/** What the host received on the tap is what the guest sent. */
function asGuestSees(stat: NicStat): FieldsOf<"vm_nic"> {
	return {
		rx_bytes: stat.txBytes,
		rx_pkts: stat.txPackets,
		rx_errs: stat.txErrors,
		rx_drop: stat.txDropped,
		tx_bytes: stat.rxBytes,
		tx_pkts: stat.rxPackets,
		tx_errs: stat.rxErrors,
		tx_drop: stat.rxDropped,
	};
}
