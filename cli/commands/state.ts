/** `umbra state ...` and `umbra states VM`: RAM and devices of a VM, at the instant of a point. */
import type { Command } from "commander";
import type { GuestRoute } from "../../agent/guest/commands.ts";
import type { MachineNetwork, NetworkEnd } from "../../agent/hypervisor/hypervisor.ts";
import type { StateRecord } from "../../collector/catalog/records.ts";
import { stopSignal } from "../../common/lifecycle.ts";
import { formatBytes, formatDuration } from "../../common/units.ts";
import { CollectorClient, type CollectorOptions, parseVmAtTime, vmPath, withCollector } from "../collector-client.ts";
import { printable } from "../printable.ts";
import type { StateAtPoint } from "../state/state.ts";
import { table } from "../table.ts";
import { rowLimit } from "../whole-number.ts";
import { withOutput } from "./output.ts";
import { isoTime } from "./vms.ts";

interface Options extends CollectorOptions {
	readonly json?: true;
}

interface PointView {
	readonly time: string;
	readonly pauseMs: number;
	readonly state?: StateRecord;
}

export function register(program: Command): void {
	const state = program.command("state").description("RAM and devices of a VM, at the instant of a point");
	withCollector(state.command("capture <vm>"))
		.description("tell the VM's agent to capture RAM, devices and disks at one instant, and wait for that")
		.option("--allow-pause", "also where the VM stands still for long for it, as with RAM that others share")
		.option("--timeout <seconds>", "how long to wait", Number, 600)
		.option("--json", "the answer as one object")
		.action(capture);
	withCollector(state.command("show <vm@time>"))
		.description("what was captured, and how the machine was made")
		.option("--json", "as one object")
		.action(show);
	withCollector(state.command("verify <vm@time>"))
		.description("read all of it, and see whether a machine can be made of it")
		.option("--json", "the result as one object")
		.action(verify);
	withCollector(state.command("export <vm@time> <out>"))
		.description("write it as a migration stream, which QEMU takes with -incoming")
		.option("--json", "the result as one object")
		.action(exportTo);
	withCollector(program.command("states <vm>"))
		.description("the points of a VM that have RAM and devices, newest first")
		.option("--limit <n>", "at most so many", rowLimit, 50)
		.option("--json", "one object a line")
		.action(list);
}

async function capture(
	vm: string,
	options: Options & { readonly allowPause?: true; readonly timeout: number },
): Promise<void> {
	const client = await CollectorClient.from(options);
	const start = performance.now();
	const result = await client.post<{ readonly changesetId: string }>(vmPath(vm, "capture"), {
		timeoutSeconds: options.timeout,
		state: "true",
		...(options.allowPause ? { allowPause: "true" } : {}),
	});
	console.log(
		options.json
			? JSON.stringify(result)
			: `Captured ${vm} with RAM and devices in ${formatDuration(performance.now() - start)}: changeset ${result.changesetId}`,
	);
}

async function list(vm: string, options: Options & { readonly limit: number }): Promise<void> {
	const client = await CollectorClient.from(options);
	const query = { state: "1", order: "newest" };
	const points = await Array.fromAsync(client.list<PointView>(vmPath(vm, "points"), query, options.limit));
	await withOutput(async (output) => {
		if (options.json) {
			for (const point of points) await output.line(JSON.stringify(point));
			return;
		}
		const lines = table(points, [
			{ title: "TIME", value: ({ time }) => isoTime(time) },
			{ title: "RAM", value: ({ state }) => formatBytes(state?.memoryBytes ?? 0), right: true },
			{ title: "CPUS", value: ({ state }) => String(state?.cpus ?? 0), right: true },
			{ title: "PAUSE", value: ({ pauseMs }) => `${pauseMs.toFixed(1)} ms`, right: true },
			{ title: "MACHINE", value: ({ state }) => printable(state?.machineType ?? "") },
			{ title: "HYPERVISOR", value: ({ state }) => printable(state?.hypervisor ?? "") },
		]);
		for (const line of lines) await output.line(line);
	});
}

async function find(target: string, options: Options): Promise<StateAtPoint> {
	const { openState } = await import("../state/state.ts");
	const { vm, time } = parseVmAtTime(target);
	return await openState(await CollectorClient.from(options), vm, time);
}

async function show(target: string, options: Options): Promise<void> {
	const { view } = await find(target, options);
	if (options.json) {
		console.log(JSON.stringify(view));
		return;
	}
	const { state, configuration } = view;
	const { machine } = configuration;
	const nics = machine.nics.map(({ id, model, mac, backend }) => `  ${id}: ${model} ${mac} ${backend}`);
	const lines = [
		`VM          ${view.vm}`,
		`time        ${isoTime(view.time)}`,
		`stood still ${view.pauseMs.toFixed(1)} ms`,
		`machine     ${state.machineType}, ${state.hypervisor}, ${machine.architecture}`,
		`CPUs        ${machine.cpus}`,
		`RAM         ${formatBytes(state.memoryBytes)}, ${configuration.stream.ram.blocks.length} RAM blocks`,
		`devices     ${formatBytes(state.parts.devices.sizeBytes)}`,
		`network     ${nics.length === 0 ? "no card" : ""}`,
		...nics,
		...networkLines(machine.network),
		`arguments   ${machine.arguments === null ? "not known: the agent cannot see QEMU's process" : ""}`,
		...(machine.arguments ?? []).map((argument) => `  ${argument}`),
	];
	for (const line of lines) console.log(printable(line.trimEnd()));
}

/** Of routes, of who listens and of connections, each; --json has all. */
const SHOWN_LINES = 30;

function networkLines(network: MachineNetwork | undefined): string[] {
	if (network === undefined) return [];
	const { interfaces, routes, sockets } = network.guest ?? { interfaces: [], routes: null, sockets: null };
	const listening = (sockets ?? []).filter(({ peer }) => peer === null);
	return [
		...network.addresses.map(({ mac, address }) => `  ${mac} is ${address}`),
		...interfaces
			.filter(({ addresses }) => addresses.length > 0)
			.map(
				({ name, addresses }) =>
					`  ${name} has ${addresses.map(({ address, prefix }) => `${address}/${prefix}`).join(", ")}`,
			),
		...some((routes ?? []).map(routeLine)),
		...some(listening.map(({ protocol, local }) => `  listens at ${local.address} ${protocol}/${local.port}`)),
		...some(connectionLines(network)),
	];
}

function routeLine({ destination, prefix, gateway, interface: name }: GuestRoute): string {
	const through = /^[0:.]*$/.test(gateway) ? "" : ` through ${gateway}`;
	return `  reaches ${prefix === 0 ? "everything else" : `${destination}/${prefix}`}${through} by ${name}`;
}

/** Connections to one port of the guest, or from it to one of a peer, are one line. */
function connectionLines({ connections, guest }: MachineNetwork): string[] {
	const lines = new Map<string, number>();
	const add = (isInbound: boolean, protocol: string, own: NetworkEnd, peer: NetworkEnd): void => {
		const line = isInbound
			? `  ${own.address} ${protocol}/${own.port} is asked by ${peer.address}`
			: `  ${own.address} talks to ${peer.address} ${protocol}/${peer.port}`;
		lines.set(line, (lines.get(line) ?? 0) + 1);
	};
	const seen = new Set<string>();
	const keyOf = (protocol: string, own: NetworkEnd, peer: NetworkEnd) =>
		[protocol, own.address, own.port, peer.address, peer.port].join(" ");
	for (const { protocol, state, guest: own, peer, isInbound } of connections) {
		if (state === "HOST_FORWARD") continue;
		seen.add(keyOf(protocol, own, peer));
		add(isInbound, protocol, own, peer);
	}
	const sockets = guest?.sockets ?? [];
	const served = new Set(
		sockets.filter(({ peer }) => peer === null).map((each) => `${each.protocol} ${each.local.port}`),
	);
	for (const { protocol, local, peer } of sockets) {
		// What it says to itself is nobody's business.
		if (peer === null || peer.address === local.address) continue;
		const [own, other] = [asSeen(local), asSeen(peer)];
		if (!seen.has(keyOf(protocol, own, other))) add(served.has(`${protocol} ${own.port}`), protocol, own, other);
	}
	return [...lines].map(([line, count]) => (count === 1 ? line : `${line} (${count} times)`));
}

/** A socket of IPv6 may speak IPv4: its frames do, as others see them. */
function asSeen({ address, port }: NetworkEnd): NetworkEnd {
	return { address: address.replace(/^::ffff:(?=\d+\.)/, ""), port };
}

function some(lines: readonly string[]): string[] {
	const more = lines.length - SHOWN_LINES;
	return more > 0 ? [...lines.slice(0, SHOWN_LINES), `  ... and ${more} more`] : [...lines];
}

async function verify(target: string, options: Options): Promise<void> {
	const { verifyState } = await import("../state/state.ts");
	await using found = await find(target, options);
	const start = performance.now();
	const result = await verifyState(found, stopSignal());
	const { vm, time } = found.view;
	console.log(
		options.json
			? JSON.stringify({ vm, time, ...result })
			: `${vm}@${isoTime(time)} is whole: ${formatBytes(result.ramBytes)} of RAM and ${formatBytes(result.deviceBytes)} of devices, read in ${formatDuration(performance.now() - start)}`,
	);
}

async function exportTo(target: string, out: string, options: Options): Promise<void> {
	const { exportState } = await import("../state/state.ts");
	await using found = await find(target, options);
	const bytes = await exportState(found, out, stopSignal());
	const { vm, time } = found.view;
	console.log(
		options.json
			? JSON.stringify({ vm, time, out, bytes })
			: `Wrote ${vm}@${isoTime(time)} to ${out}: ${formatBytes(bytes)}. A QEMU of the same arguments takes it with -incoming 'exec:cat ${out}', and stands still until it is told to go on`,
	);
}
