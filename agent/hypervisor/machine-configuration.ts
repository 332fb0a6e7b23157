/**
 * What a machine is made of: what QEMU's monitor tells, and the arguments that it was started with. Those that concern
 * its surroundings only (monitors, logs, process and sandbox) are left out, and secrets are blotted out: a clone has its
 * own.
 */
import { z } from "zod";
import { messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import { KernelTree } from "../proc/tree.ts";
import { parse } from "./block-graph.ts";
import { readGuestNetwork } from "./guest-network.ts";
import type { MachineConfiguration, NicConfiguration } from "./hypervisor.ts";
import { readNetwork } from "./machine-network.ts";
import type { QmpClient } from "./qmp.ts";
import { findProcess } from "./reading/threads.ts";

const versionShape = z.object({ qemu: z.object({ major: z.number(), minor: z.number(), micro: z.number() }) });
const cpusShape = z.array(z.object({ "thread-id": z.number() }));
const memoryShape = z.object({ "base-memory": z.number(), "plugged-memory": z.number().default(0) });
const backendsShape = z.array(z.object({ id: z.string().default(""), size: z.number(), share: z.boolean() }));

/** Options with a value that a clone has no use for. */
const SURROUNDINGS = new Set([
	...["-name", "-qmp", "-qmp-pretty", "-mon", "-monitor", "-pidfile", "-D", "-d", "-dfilter", "-trace", "-debugcon"],
	...["-display", "-vnc", "-spice", "-gdb", "-runas", "-chroot", "-sandbox", "-incoming", "-loadvm", "-msg"],
	...["-run-with", "-writeconfig", "-seed", "-icount", "-watchdog-action", "-compat", "-plugin"],
]);
/** Options without one. */
const SWITCHES = new Set([
	...["-S", "-s", "-daemonize", "-nographic", "-snapshot", "-no-shutdown", "-singlestep", "-one-insn-per-tb"],
]);
/** Of a list of options ("secret,id=s,data=..."), or of JSON. */
const SECRETS = /((?:^|,)(?:data|password|password-secret-data)=)(?:,,|[^,])*/g;

export interface ConfigurationRequest {
	/** QEMU's, where the agent sees it. */
	readonly pid: number | undefined;
	/** Whether the guest's agent may be asked for its network. */
	readonly askGuest: boolean;
	readonly log: Logger;
}

/** @throws UmbraError `unsupported` where QEMU's answers are not understood. */
export async function readConfiguration(
	qmp: QmpClient,
	{ pid, askGuest, log }: ConfigurationRequest,
): Promise<MachineConfiguration> {
	const { qemu } = parse(versionShape, await qmp.execute("query-version"), "query-version");
	const { arch } = parse(z.object({ arch: z.string() }), await qmp.execute("query-target"), "query-target");
	const cpus = parse(cpusShape, await qmp.execute("query-cpus-fast"), "query-cpus-fast");
	const memory = parse(memoryShape, await qmp.execute("query-memory-size-summary"), "query-memory-size-summary");
	const backends = parse(backendsShape, await qmp.execute("query-memdev"), "query-memdev");
	const told = await qmp.execute("human-monitor-command", { "command-line": "info network" });
	const nics = parseNics(String(told));
	const network = await readNetwork(qmp, nics, log);
	const guest = askGuest ? await readGuestNetwork(qmp, log) : undefined;
	const args = pid === undefined ? null : readArguments(pid);
	return {
		version: `${qemu.major}.${qemu.minor}.${qemu.micro}`,
		architecture: arch,
		cpus: cpus.length,
		memory: { base: memory["base-memory"], plugged: memory["plugged-memory"] },
		memoryBackends: backends.map(({ id, size, share }) => ({ id, size, share })),
		arguments: args && normaliseArguments(args),
		nics,
		network: guest === undefined ? network : { ...network, guest },
	};
}

/** The machine's process, as the agent sees it; undefined where it does not. */
export async function queryProcess(qmp: QmpClient, log: Logger): Promise<number | undefined> {
	const [cpu] = parse(cpusShape, await qmp.execute("query-cpus-fast"), "query-cpus-fast");
	try {
		return cpu === undefined ? undefined : findProcess(new KernelTree(), cpu["thread-id"]);
	} catch (error) {
		log.debug({ reason: messageOf(error) }, "cannot see the machine's process");
		return undefined;
	}
}

/** Without the program. @throws UmbraError `unavailable` where the agent itself is short of something. */
function readArguments(pid: number): string[] | null {
	return new KernelTree().text(`/proc/${pid}/cmdline`)?.replace(/\0$/, "").split("\0").slice(1) ?? null;
}

/**
 * QEMU's arguments without those that concern its surroundings. `--option` is written `-option`.
 *
 * @param args without the program
 */
export function normaliseArguments(args: readonly string[]): string[] {
	const kept: string[] = [];
	for (let at = 0; at < args.length; at++) {
		const option = (args[at] as string).replace(/^--(?=.)/, "-");
		if (SWITCHES.has(option)) continue;
		const value = args[at + 1];
		// Of the kernel's command line alone is it usual that it begins with a dash.
		const hasValue = option.startsWith("-") && value !== undefined && (option === "-append" || !/^-./.test(value));
		if (hasValue) at++;
		if (SURROUNDINGS.has(option)) continue;
		kept.push(option);
		if (hasValue) kept.push(option === "-object" ? blotOut(value) : value);
	}
	return kept;
}

function blotOut(value: string): string {
	if (!value.trimStart().startsWith("{")) return value.replace(SECRETS, "$1-");
	try {
		const object = JSON.parse(value) as Record<string, unknown>;
		return JSON.stringify(
			Object.fromEntries(
				Object.entries(object).map(([key, each]) => [key, /^(?:data|password)$/.test(key) ? "-" : each]),
			),
		);
	} catch {
		return "-";
	}
}

/**
 * `info network`, the one place where every device stands with its address:
 *
 *     net0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56
 *      \ n0: index=0,type=tap,ifname=vnet0
 */
export function parseNics(text: string): NicConfiguration[] {
	const nics = new Map<string, { id: string; model: string; mac: string; backend: string }>();
	let last: string | undefined;
	for (const line of text.split(/\r?\n/)) {
		const [, peer, name = "", type = "", rest = ""] =
			/^( \\ )?(.+?): index=\d+,type=([a-z-]+)(?:,(.*))?$/.exec(line) ?? [];
		if (name === "") continue;
		if (peer !== undefined) {
			const nic = last === undefined ? undefined : nics.get(last);
			if (nic !== undefined) nic.backend = type;
			continue;
		}
		last = type === "nic" ? name : undefined;
		if (last === undefined || nics.has(name)) continue;
		const model = /(?:^|,)model=([^,]*)/.exec(rest)?.[1] ?? "";
		const mac = /(?:^|,)macaddr=([0-9a-fA-F:]+)/.exec(rest)?.[1] ?? "";
		nics.set(name, { id: name, model, mac: mac.toLowerCase(), backend: "" });
	}
	return [...nics.values()];
}
