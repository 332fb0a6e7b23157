/** `umbra state ...` and `umbra states VM`: RAM and devices of a VM, at the instant of a point. */
import type { Command } from "commander";
import type { MachineNetwork } from "../../agent/hypervisor/hypervisor.ts";
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

/** Lines of connections; --json has all. */
const SHOWN_CONNECTIONS = 30;

/** Connections to one port of the guest, or from it to one of a peer, are one line. */
function networkLines(network: MachineNetwork | undefined): string[] {
	if (network === undefined) return [];
	const lines = new Map<string, number>();
	for (const { protocol, state, guest, peer, isInbound } of network.connections) {
		if (state === "HOST_FORWARD") continue;
		const line = isInbound
			? `  listens at ${guest.address} ${protocol}/${guest.port}, asked by ${peer.address}`
			: `  ${guest.address} talks to ${peer.address} ${protocol}/${peer.port}`;
		lines.set(line, (lines.get(line) ?? 0) + 1);
	}
	return [
		...network.addresses.map(({ mac, address }) => `  ${mac} is ${address}`),
		...[...lines].slice(0, SHOWN_CONNECTIONS).map(([line, count]) => (count === 1 ? line : `${line} (${count} times)`)),
		...(lines.size > SHOWN_CONNECTIONS ? [`  ... and ${lines.size - SHOWN_CONNECTIONS} more`] : []),
	];
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
