/**
 * What a network card tells its guest of the link. No command of QEMU's tells it, so the card's register is read, where it is known
 * that reading changes nothing.
 */
import { z } from "zod";
import { parse } from "../../hypervisor/block-graph.ts";
import type { QmpClient } from "../../hypervisor/qmp.ts";

interface Register {
	readonly bar: number;
	/** Bytes. */
	readonly offset: number;
	readonly bit: number;
}

/** By QEMU's name of the card. */
const REGISTERS: readonly (readonly [RegExp, Register])[] = [
	// virtio 1.2, 5.1.4: `status` of the device's configuration, which QEMU has at 0x2000 of its fifth region; VIRTIO_NET_S_LINK_UP.
	[/^virtio-net-pci/, { bar: 4, offset: 0x2006, bit: 0 }],
	// Intel 8254x, 13.4.2: Device Status, LU.
	[/^(?:e1000|igb)/, { bar: 0, offset: 0x8, bit: 1 }],
];

/** PCI devices, and those behind bridges. */
interface PciDevice {
	readonly qdev_id: string;
	readonly regions: readonly { readonly bar: number; readonly type: string; readonly address: number }[];
	readonly pci_bridge?: { readonly devices?: readonly PciDevice[] | undefined } | undefined;
}

const device: z.ZodType<PciDevice> = z.lazy(() =>
	z.object({
		qdev_id: z.string().default(""),
		regions: z.array(z.object({ bar: z.number(), type: z.string(), address: z.number() })).default([]),
		pci_bridge: z.object({ devices: z.array(device).optional() }).optional(),
	}),
) as z.ZodType<PciDevice>;

/** True where it is up; undefined where this card's register is not known, or not mapped. @throws UmbraError `unavailable`. */
export async function linkOf(
	qmp: QmpClient,
	{ name, model }: { readonly name: string; readonly model: string },
): Promise<boolean | undefined> {
	const register = REGISTERS.find(([pattern]) => pattern.test(model))?.[1];
	if (register === undefined) return undefined;
	const buses = parse(z.array(z.object({ devices: z.array(device) })), await qmp.execute("query-pci"), "query-pci");
	const found = flat(buses.flatMap(({ devices }) => devices)).find(({ qdev_id }) => qdev_id === name);
	const region = found?.regions.find(({ bar, type }) => bar === register.bar && type === "memory");
	// -1: the guest has it switched off.
	if (region === undefined || region.address <= 0) return undefined;
	const line = `xp /1hx 0x${(region.address + register.offset).toString(16)}`;
	const text = String(await qmp.execute("human-monitor-command", { "command-line": line }));
	const [, value] = /: 0x([0-9a-f]+)/.exec(text) ?? [];
	return value === undefined ? undefined : ((Number.parseInt(value, 16) >> register.bit) & 1) === 1;
}

function flat(devices: readonly PciDevice[]): PciDevice[] {
	return devices.flatMap((each) => [each, ...flat(each.pci_bridge?.devices ?? [])]);
}
