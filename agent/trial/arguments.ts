/**
 * A captured machine's arguments -> those of a clone. Everything through which the machine reached its host is replaced by
 * something of ours: RAM, disks, networks, character devices. An option that is not known is refused by name.
 *
 * Options stay in their order, since that decides the places of devices on their buses.
 */
import { AGENT_PORT } from "../guest/guest-agent.ts";
import type { MachineConfiguration } from "../hypervisor/hypervisor.ts";
import type { StateShape } from "../state/state.ts";
import type { ClonePlan, PlannedChannel, PlannedDisk, PlannedNic, SharedRam } from "./clone-plan.ts";
import { cannot, checkDevice } from "./devices.ts";
import { checkGlobal } from "./globals.ts";
import { checkAccelerator, checkMachine } from "./machine-options.ts";
import { checkTable, DROPPED, KEPT, OF_BOOT, pairs, REASONS, SWITCHES } from "./option-list.ts";
import { escaped, OptionSet } from "./option-set.ts";
import { planRam } from "./ram-plan.ts";

export interface PlanOptions {
	readonly machine: Pick<MachineConfiguration, "arguments" | "memory" | "nics">;
	readonly stream: Pick<StateShape, "machineType" | "ram">;
	/** Sizes of the point's disks in bytes, by id. */
	readonly disks: ReadonlyMap<string, number>;
	/** Unix socket at which the point's disks are served, as seen from a clone's folder. */
	readonly diskSocket: string;
	/** KVM can be used here. */
	readonly hasKvm: boolean;
	/** A clone can be given a network namespace with a tap device in it. */
	readonly hasOwnNetworks: boolean;
}

/** For code that an emulated processor runs, translated. What does not fit is translated anew. */
const TRANSLATED_MB = "64";
/** How backends are called that nothing is plugged into. */
export const UNPLUGGED = "umbra-unplugged";
const DRIVE_LETTERS = ["-hda", "-hdb", "-hdc", "-hdd"];

/**
 * @throws UmbraError `unsupported` with the option and the reason where no clone can be made of the machine; `corrupt`
 * where its arguments make no sense.
 */
export function planClone(options: PlanOptions): ClonePlan {
	return new Planner(options).plan();
}

class Planner {
	readonly #options: PlanOptions;
	readonly #args: string[] = [];
	readonly #notes: string[] = [];
	readonly #channels: PlannedChannel[] = [];
	readonly #nics: PlannedNic[] = [];
	readonly #disks: PlannedDisk[] = [];
	/** By id: as they were told, and whether something uses them. */
	readonly #drives = new Map<string, OptionSet>();
	readonly #nodes = new Map<string, OptionSet>();
	readonly #backends = new Map<string, OptionSet>();
	readonly #places = new Map<string, number>();
	#ram: readonly SharedRam[] = [];

	constructor(options: PlanOptions) {
		this.#options = options;
	}

	plan(): ClonePlan {
		const { machine, disks } = this.#options;
		if (machine.arguments === null) throw cannot("its arguments", "the agent that captured it could not see them");
		const given = pairs(machine.arguments);
		for (const [option, value] of given) this.#learn(option, value);
		const { ram, backends } = planRam(this.#options, given);
		this.#ram = ram;
		for (const [option, value] of given) this.#add(...this.#translate(option, value, backends));
		const has = (...names: string[]) => given.some(([option]) => names.includes(option));
		if (!has("-machine", "-M")) this.#add(...this.#machine(OptionSet.parseList("", "type"), backends.size > 0));
		if (!has("-nodefaults")) this.#defaults(has);
		if (given.some(([option]) => OF_BOOT.has(option))) {
			this.#notes.push("the machine was started with a kernel from its host: a clone ends where its guest reboots");
			if (!has("-no-reboot")) this.#add("-no-reboot");
		}
		for (const disk of disks.keys()) {
			if (this.#disks.some((planned) => planned.disk === disk)) continue;
			throw cannot(`disk ${disk}`, "none of its arguments make it: it was plugged in while the machine ran");
		}
		return {
			args: this.#args,
			ram: this.#ram,
			channels: this.#channels,
			nics: this.#nics,
			disks: this.#disks,
			notes: this.#notes,
		};
	}

	#accelerator(accelerator: OptionSet): readonly string[] {
		checkAccelerator(accelerator);
		this.#needsKvm("-accel", accelerator.get("accel") ?? "");
		// Or the code that is translated may come to take a GiB.
		if (accelerator.get("accel") === "tcg") accelerator.set("tb-size", TRANSLATED_MB);
		return ["-accel", accelerator.toString()];
	}

	#needsKvm(option: string, value: string): void {
		if (!/kvm/.test(value) || /tcg/.test(value) || this.#options.hasKvm) return;
		throw cannot(`${option} ${value}`, "this host has no KVM that the agent may use");
	}

	/** What others refer to, wherever it stands. */
	#learn(option: string, value: string): void {
		if (option === "-drive") {
			const drive = OptionSet.parseList(value, "file");
			if ((drive.get("if") ?? "") === "none") this.#drives.set(drive.get("id") ?? "", drive);
		}
		if (option === "-blockdev") {
			const node = OptionSet.parse(value, "driver");
			this.#nodes.set(node.get("node-name") ?? "", node);
		}
		if (option === "-netdev") {
			const netdev = OptionSet.parse(value, "type");
			this.#backends.set(netdev.get("id") ?? "", netdev);
		}
	}

	#translate(option: string, value: string, memory: ReadonlySet<string>): readonly string[] {
		if (KEPT.has(option)) {
			if (option === "-accel") return this.#accelerator(OptionSet.parseList(value, "accel"));
			if (option === "-enable-kvm") this.#needsKvm(option, "kvm");
			return [option, ...(SWITCHES.has(option) ? [] : [value])];
		}
		if (DROPPED.has(option) || OF_BOOT.has(option)) return [];
		if (DRIVE_LETTERS.includes(option)) {
			return this.#drive(OptionSet.parseList(`if=ide,index=${DRIVE_LETTERS.indexOf(option)}`, "file"));
		}
		switch (option) {
			case "-machine":
			case "-M":
				return this.#machine(OptionSet.parseList(value, "type"), memory.size > 0);
			case "-device":
				return this.#device(OptionSet.parse(value, "driver"));
			case "-object":
				return this.#object(value, memory);
			case "-drive":
				return this.#drive(OptionSet.parseList(value, "file"));
			case "-cdrom":
				return this.#drive(OptionSet.parseList("if=ide,index=2,media=cdrom", "file"));
			case "-serial":
			case "-parallel":
				return this.#serial(option, value);
			case "-nic":
			case "-net":
				return this.#network(option, value);
			case "-audiodev": {
				const id = OptionSet.parse(value, "driver").get("id") ?? "";
				return [option, `none,id=${escaped(id)}`];
			}
			case "-boot": {
				const boot = OptionSet.parseList(value, "order");
				boot.delete("splash", "splash-time");
				const unknown = boot.keys().find((key) => !/^(?:order|once|menu|reboot-timeout|strict)$/.test(key));
				if (unknown !== undefined) throw cannot(`-boot ${unknown}=`, "whether it can be cloned is not known");
				return boot.keys().length > 0 ? [option, boot.toString()] : [];
			}
			case "-bios":
				if (value.includes("/")) throw cannot("-bios", "it names a file of another host");
				return [option, value];
			case "-smbios":
			case "-fw_cfg":
				return [option, checkTable(option, value)];
			case "-global":
				return [option, checkGlobal(value)];
			case "-blockdev":
			case "-netdev":
			case "-chardev":
				return []; // Made anew for what uses them.
			default:
				throw cannot(option, REASONS[option] ?? "whether it can be cloned is not known");
		}
	}

	#machine(machine: OptionSet, hasBackends: boolean): readonly string[] {
		// Versioned: that of the state, whatever the name stood for.
		if (this.#options.stream.machineType !== "") machine.set("type", this.#options.stream.machineType);
		checkMachine(machine);
		this.#needsKvm("-machine accel=", machine.get("accel") ?? "");
		for (const unit of [0, 1]) {
			const node = machine.get(`pflash${unit}`);
			if (node === undefined) continue;
			// One that the guest can write to counts as a disk.
			if (this.#options.disks.has(node)) this.#overlay(node, node);
			else this.#blockdev({ ...this.#flash(unit), "node-name": node });
		}
		const [own] = this.#ram;
		if (own !== undefined && !hasBackends) machine.set("memory-backend", own.backend);
		return ["-machine", machine.toString()];
	}

	#object(value: string, memory: ReadonlySet<string>): readonly string[] {
		const object = OptionSet.parse(value, "qom-type");
		const type = object.get("qom-type") ?? "";
		const id = object.get("id") ?? "";
		if (type.startsWith("memory-backend-") && memory.has(id)) return []; // Each clone has its own.
		if (type === "iothread") return ["-object", object.toString()];
		if (type.startsWith("rng-")) return ["-object", `rng-builtin,id=${escaped(id)}`];
		if (/^(?:secret|tls-|auth|throttle-group|filter-|thread-context|input-|main-loop|colo-)/.test(type)) return [];
		throw cannot(`-object ${type}`, "whether it can be cloned is not known");
	}

	#device(device: OptionSet): readonly string[] {
		const driver = checkDevice(device);
		const drive = device.get("drive");
		if (drive !== undefined) this.#deviceDrive(device, driver, drive);
		const chardev = device.get("chardev");
		if (chardev !== undefined) {
			const isPort = driver === "virtserialport";
			const name = device.get("name") ?? device.get("id") ?? `${driver}${this.#next(driver)}`;
			const isAgent = isPort && name === AGENT_PORT;
			device.set("chardev", this.#channel(isAgent ? "guest-agent" : isPort ? "port" : "console", name));
		}
		const netdev = device.get("netdev");
		if (netdev !== undefined) this.#netdev(netdev, driver);
		// A guest that can tell is told that it is another machine now, and makes its random numbers anew.
		if (driver === "vmgenid") device.set("guid", "auto");
		return ["-device", device.toString()];
	}

	#deviceDrive(device: OptionSet, driver: string, name: string): void {
		const drive = this.#drives.get(name) ?? this.#nodes.get(name);
		if (drive === undefined) throw cannot(`-device ${driver},drive=${name}`, "no argument makes this drive");
		const found = [device.get("id"), name].find((id) => id !== undefined && this.#options.disks.has(id));
		if (found !== undefined) {
			this.#overlay(found, name);
			return;
		}
		if (/-cd$/.test(driver) || drive.get("media") === "cdrom") {
			this.#notes.push(`the medium of ${device.get("id") ?? name} is not part of a point: the drive is empty`);
			device.delete("drive");
			return;
		}
		throw cannot(
			`disk ${device.get("id") ?? name}`,
			"it is not in the point; is it read-only, or excluded from captures?",
		);
	}

	#drive(drive: OptionSet): readonly string[] {
		const bus = drive.get("if") ?? "ide";
		if (bus === "none") return []; // Made for the device that uses it.
		if (bus === "pflash") {
			const unit = Number(drive.get("unit") ?? drive.get("index") ?? this.#next("pflash"));
			const id = drive.get("id") ?? `pflash${unit}`;
			const node = this.#options.disks.has(id) ? this.#disk(id) : this.#flash(unit);
			return ["-drive", `if=pflash,unit=${unit},id=${escaped(id)},file=${json(node)}`];
		}
		if (bus !== "virtio" && bus !== "ide" && bus !== "scsi") throw cannot(`-drive if=${bus}`, "it is not captured");
		const index = Number(drive.get("index") ?? this.#next(bus));
		const isCd = drive.get("media") === "cdrom";
		const automatic = bus === "virtio" ? `virtio${index}` : `${bus}${index >> 1}-${isCd ? "cd" : "hd"}${index & 1}`;
		const id = drive.get("id") ?? automatic;
		const place = `if=${bus},index=${index},id=${escaped(id)}`;
		if (this.#options.disks.has(id)) {
			return ["-drive", `${place},file=${json(this.#disk(id))}`];
		}
		if (!isCd) throw cannot(`disk ${id}`, "it is not in the point; is it read-only, or excluded from captures?");
		this.#notes.push(`the medium of ${id} is not part of a point: the drive is empty`);
		return ["-drive", `${place},media=cdrom`];
	}

	#overlay(disk: string, node: string): void {
		this.#blockdev(this.#disk(disk, node));
	}

	/**
	 * What a device is plugged into: a filter that levers of disks set limits of, and change the node below. What is there is a
	 * node of its own, so that it can be taken out.
	 */
	#disk(disk: string, filter?: string): object {
		if (this.#disks.some((planned) => planned.disk === disk)) throw cannot(`disk ${disk}`, "two devices share it");
		const number = this.#disks.length;
		const planned: PlannedDisk = {
			disk,
			overlay: `d${number}.qcow2`,
			size: this.#options.disks.get(disk) ?? 0,
			filter: filter ?? `umbra-f${number}`,
			group: `umbra-t${number}`,
			node: { ...this.#image(disk, `d${number}.qcow2`), "node-name": `umbra-d${number}` },
		};
		this.#disks.push(planned);
		this.#add("-object", `throttle-group,id=${planned.group}`);
		this.#blockdev(planned.node);
		return throttled(planned);
	}

	#image(disk: string, overlay: string): object {
		return {
			driver: "qcow2",
			discard: "unmap",
			// What a clone writes is not meant to last.
			cache: { "no-flush": true },
			file: { driver: "file", filename: overlay, discard: "unmap", locking: "off" },
			backing: {
				driver: "nbd",
				server: { type: "unix", path: this.#options.diskSocket },
				export: disk,
				"read-only": true,
			},
		};
	}

	/** Of the size that the state says; its contents are part of the RAM there. */
	#flash(unit: number): object {
		const { blocks } = this.#options.stream.ram;
		const block = blocks.find(({ name }) => name === `system.flash${unit}` || name === `virt.flash${unit}`);
		if (block === undefined) throw cannot(`pflash${unit}`, "its contents are not in the state");
		return { driver: "null-co", size: block.size, "read-zeroes": true };
	}

	#serial(option: string, value: string): readonly string[] {
		if (value === "none" || value === "null") return [option, value];
		const name = `${option.slice(1)}${this.#next(option)}`;
		return [option, `chardev:${this.#channel("console", name)}`];
	}

	/** @returns the id of the character device. */
	#channel(kind: PlannedChannel["kind"], name: string): string {
		const id = `umbra-ch${this.#channels.length}`;
		const socket = `ch${this.#channels.length}`;
		this.#channels.push({ kind, name, socket });
		this.#add("-chardev", `socket,id=${id},path=${socket}`);
		return id;
	}

	#network(option: string, value: string): readonly string[] {
		const set = option === "-nic" ? OptionSet.parse(value, "type") : OptionSet.parseList(value, "type");
		const type = set.get("type") ?? "";
		if (option === "-nic") {
			if (type === "none") return ["-nic", "none"];
			this.#backends.set("", set);
			const id = `umbra-n${this.#next("-nic")}`;
			this.#netdev(id, set.get("model") ?? "", set);
			const more = [["model", set.get("model")] as const, ["macaddr", set.get("mac")] as const];
			const told = more.map(([key, each]) => (each === undefined ? "" : `,${key}=${escaped(each)}`)).join("");
			return ["-net", `nic,netdev=${id}${told}`];
		}
		// Backends of this old form hang at a hub with the device: each device is by itself now.
		if (type === "none") return ["-nic", "none"];
		if (type !== "nic") return [];
		const unknown = set.keys().find((key) => !/^(?:type|netdev|macaddr|model|name|addr|vectors)$/.test(key));
		if (unknown !== undefined) throw cannot(`-net nic,${unknown}=`, "whether it can be cloned is not known");
		const id = set.get("netdev") ?? `umbra-n${this.#next("-nic")}`;
		this.#netdev(id, set.get("model") ?? "");
		set.set("netdev", id);
		return ["-net", set.toString()];
	}

	#netdev(id: string, model: string, told = this.#backends.get(id)): void {
		const type = told?.get("type");
		if (Number(told?.get("queues") ?? 1) > 1) {
			throw cannot(`-netdev ${type},queues=${told?.get("queues")}`, "a clone's network has one queue");
		}
		const hasHeader = /^(?:tap|vhost-user|vhost-vdpa|bridge)$/.test(type ?? "") && told?.get("vnet_hdr") !== "off";
		// QEMU's own network has a state, which wants to be loaded: there is one that nothing is plugged into.
		if (type === "user") this.#add("-netdev", `user,id=${UNPLUGGED}${this.#next(type)},restrict=on`);
		const number = this.#nics.length;
		const socket = `n${number}`;
		if (!hasHeader || !/^(?:virtio|e1000e|igb|vmxnet3)/.test(model)) {
			this.#nics.push({ netdev: id, socket, wire: "stream" });
			this.#add("-netdev", JSON.stringify({ type: "stream", id, addr: { type: "unix", path: socket } }));
			return;
		}
		if (!this.#options.hasOwnNetworks) {
			throw cannot(
				`-netdev ${type}`,
				"its guest leaves checksums to the network: a clone needs a tap in a network namespace of its own, which this agent may not make",
			);
		}
		this.#nics.push({ netdev: id, socket, wire: "redirected-tap" });
		this.#redirectedTap(id, number, socket);
	}

	/** Of the process's own network namespace, where it is the only thing and stays down: no frame gets as far as it. */
	#redirectedTap(id: string, number: number, socket: string): void {
		const tap = {
			type: "tap",
			id,
			ifname: `umbra${number}`,
			script: "no",
			downscript: "no",
			vnet_hdr: true,
			vhost: false,
		};
		this.#add("-netdev", JSON.stringify(tap));
		const redirector = { "qom-type": "filter-redirector", netdev: id, vnet_hdr_support: true };
		const [out, into] = [`umbra-n${number}o`, `umbra-n${number}i`];
		this.#add("-chardev", `socket,id=${out},path=${socket}`, "-chardev", `socket,id=${into},path=${socket}i`);
		this.#add("-object", JSON.stringify({ ...redirector, id: `${out}f`, queue: "rx", outdev: out }));
		this.#add("-object", JSON.stringify({ ...redirector, id: `${into}f`, queue: "tx", indev: into }));
	}

	#defaults(has: (...options: string[]) => boolean): void {
		if (!has("-serial")) this.#add(...this.#serial("-serial", "vc"));
		if (has("-net", "-netdev", "-nic")) return;
		const isAlone = this.#options.machine.nics.length === 0;
		this.#add(...(isAlone ? ["-nic", "none"] : this.#network("-net", "nic")));
	}

	#blockdev(node: object): void {
		this.#add("-blockdev", JSON.stringify(node));
	}

	#next(kind: string): number {
		const next = this.#places.get(kind) ?? 0;
		this.#places.set(kind, next + 1);
		return next;
	}

	#add(...args: readonly string[]): void {
		this.#args.push(...args);
	}
}

/** The filter over the node that a disk is to have now. */
export function throttled({ filter, group, node }: PlannedDisk, below = node["node-name"]): Record<string, unknown> {
	return { driver: "throttle", "node-name": filter, "throttle-group": group, discard: "unmap", file: below };
}

/** A block node as the name of a file, within a list of options. */
function json(value: object): string {
	return `json:${escaped(JSON.stringify(value))}`;
}
