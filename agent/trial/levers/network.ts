/** Levers of what a clone's frames meet on their way, both ways, in the switch; and the link of its network cards. */
import { UmbraError } from "../../../common/errors.ts";
import type { LeverValues } from "../../../common/trial/schedule.ts";
import type { Clone } from "../clone.ts";
import type { SwitchPort } from "../network/segment.ts";
import type { Shape } from "../network/shape.ts";
import type { Lever, LeverMove, LeverTarget, MakeLever } from "./lever.ts";
import { linkOf } from "./link-state.ts";

export interface Nic {
	/** The id of its device, or what QEMU made of its model. */
	readonly name: string;
	readonly netdev: string;
	/** "virtio-net-pci". */
	readonly model: string;
	readonly port: SwitchPort;
}

/** The network cards that QEMU says are plugged into our switch. @throws UmbraError `unavailable`. */
export async function nicsOf({ qmp, plan, ports }: Clone): Promise<readonly Nic[]> {
	const text = String(await qmp.execute("human-monitor-command", { "command-line": "info network" }));
	const nics: Nic[] = [];
	let card: { readonly name: string; readonly model: string } | undefined;
	for (const line of text.split(/\r?\n/)) {
		const [, peer, name = "", type, rest = ""] = /^( \\ )?(.+?): index=\d+,type=([a-z-]+),?(.*)/.exec(line) ?? [];
		if (type === "nic") card = { name, model: /model=([^,]+)/.exec(rest)?.[1] ?? "" };
		else if (peer !== undefined && card !== undefined) {
			const port = ports[plan.nics.findIndex(({ netdev }) => netdev === name)];
			if (port !== undefined) nics.push({ ...card, netdev: name, port });
		}
	}
	return nics;
}

/** @throws UmbraError `bad-config` for a name that none has, `unsupported` where there are none. */
async function select(clone: Clone, name: string | number | undefined): Promise<readonly Nic[]> {
	const nics = await nicsOf(clone);
	if (nics.length === 0) throw new UmbraError("unsupported", "the machine has no network interface");
	if (name === undefined) return nics;
	const found = nics.filter((nic) => nic.name === name || nic.netdev === name);
	if (found.length > 0) return found;
	const names = nics.map((nic) => nic.name).join(", ");
	throw new UmbraError("bad-config", `the machine has no network interface ${name}; it has ${names}`, {
		context: { field: "nic", found: name, wanted: names },
	});
}

/** What one lever sets of a shape. */
type Settings = Partial<Shape>;

class NetworkShape implements Lever {
	readonly #clone: Clone;
	readonly #settings: (values: LeverValues) => Settings;
	readonly #plain: Settings;
	#nics: readonly Nic[] = [];
	#wanted: Settings = {};

	constructor({ clone }: LeverTarget, plain: Settings, settings: (values: LeverValues) => Settings) {
		this.#clone = clone;
		this.#plain = plain;
		this.#settings = settings;
	}

	async apply({ values }: LeverMove): Promise<LeverValues> {
		this.#nics = await select(this.#clone, values["nic"]);
		this.#wanted = this.#settings(values);
		this.#set(this.#wanted);
		return {};
	}

	async verify(): Promise<void> {
		this.#check(this.#wanted);
		const plugged = await nicsOf(this.#clone);
		for (const { name, port } of this.#nics) {
			if (port.isPlugged && plugged.some((nic) => nic.port === port)) continue;
			throw new UmbraError("unavailable", `${name} is not plugged into the switch any more`);
		}
	}

	async revert(): Promise<void> {
		this.#set(this.#plain);
		this.#check(this.#plain);
	}

	#set(settings: Settings): void {
		for (const { port } of this.#nics) {
			Object.assign(port.fromClone, settings);
			Object.assign(port.toClone, settings);
		}
	}

	#check(wanted: Settings): void {
		for (const { name, port } of this.#nics) {
			for (const key of Object.keys(wanted) as (keyof Shape)[]) {
				for (const shape of [port.fromClone, port.toClone]) {
					if (shape[key] === wanted[key]) continue;
					throw new UmbraError("unavailable", `${name}: ${key} is ${shape[key]} in the switch; wanted ${wanted[key]}`);
				}
			}
		}
	}
}

const number = (values: LeverValues, name: string): number => Number(values[name] ?? 0);

/** So much later each way: a round trip takes twice as much. */
export const makeNetworkLatency: MakeLever = (target) =>
	new NetworkShape(target, { delayMs: 0, jitterMs: 0 }, (values) => ({
		delayMs: number(values, "ms"),
		jitterMs: number(values, "jitterMs"),
	}));

export const makeNetworkLoss: MakeLever = (target) =>
	new NetworkShape(target, { loss: 0 }, (values) => ({ loss: number(values, "percent") / 100 }));

export const makeNetworkCorruption: MakeLever = (target) =>
	new NetworkShape(target, { corruption: 0 }, (values) => ({ corruption: number(values, "percent") / 100 }));

export const makeNetworkBandwidth: MakeLever = (target) =>
	new NetworkShape(target, { bytesPerSecond: 0 }, (values) => ({ bytesPerSecond: number(values, "bytesPerSecond") }));

/** The guest sees that its cable is out, as far as its card can tell. */
export class NetworkLink implements Lever {
	readonly #clone: Clone;
	#nics: readonly Nic[] = [];

	constructor({ clone }: LeverTarget) {
		this.#clone = clone;
	}

	async apply({ values }: LeverMove): Promise<LeverValues> {
		this.#nics = await select(this.#clone, values["nic"]);
		await this.#set(false);
		return {};
	}

	async verify(): Promise<void> {
		await this.#check(false);
	}

	async revert(): Promise<void> {
		await this.#set(true);
		await this.#check(true);
	}

	async #set(up: boolean): Promise<void> {
		for (const { name } of this.#nics) await this.#clone.qmp.execute("set_link", { name, up });
	}

	async #check(up: boolean): Promise<void> {
		for (const nic of this.#nics) {
			const found = await linkOf(this.#clone.qmp, nic);
			if (found === undefined || found === up) continue;
			throw new UmbraError("unavailable", `${nic.name}: its card says that the link is ${found ? "up" : "down"}`);
		}
	}
}
