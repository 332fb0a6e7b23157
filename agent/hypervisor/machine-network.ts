/**
 * What can be seen of a machine's network from outside: the addresses that its host talks to it by (the host's neighbour table),
 * and who it talks to (the host's connection tracking, and QEMU's own user network). A guest on a bridge that the host has no part
 * in is seen by neither; of its routes, and of sockets that nobody has connected to, its agent alone can tell (guest-network.ts).
 */
import { execFile } from "node:child_process";
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { z } from "zod";
import { errnoOf, messageOf } from "../../common/errors.ts";
import type { Logger } from "../../common/log.ts";
import type { MachineNetwork, NetworkConnection, NicConfiguration } from "./hypervisor.ts";
import type { QmpClient } from "./qmp.ts";

const TRACKING = "/proc/net/nf_conntrack";
/** A host that tracks more connections than that has those of this machine among the first or not at all. */
const MAX_TRACKED_BYTES = 32 * 2 ** 20;
const MAX_CONNECTIONS = 500;
const MAX_ADDRESSES = 100;
const NEIGHBOURS_MS = 5000;

const neighbourShape = z.array(
	z.object({ dst: z.string(), lladdr: z.string().optional(), state: z.array(z.string()).default([]) }),
);

/** Never rejects: what cannot be seen is left out. */
export async function readNetwork(
	qmp: QmpClient,
	nics: readonly NicConfiguration[],
	log: Logger,
): Promise<MachineNetwork> {
	const isUser = nics.some(({ backend }) => backend === "user");
	const [neighbours, user] = await Promise.all([
		readNeighbours(log),
		isUser ? readUserNetwork(qmp, log) : Promise.resolve([]),
	]);
	const macs = new Set(nics.map(({ mac }) => mac));
	const seen = neighbours.filter(({ mac }) => macs.has(mac)).slice(0, MAX_ADDRESSES);
	const tracked = seen.length === 0 ? [] : await readTracked(new Set(seen.map(({ address }) => address)), log);
	return { addresses: seen, connections: [...user, ...tracked].slice(0, MAX_CONNECTIONS) };
}

interface Neighbour {
	readonly mac: string;
	readonly address: string;
}

async function readNeighbours(log: Logger): Promise<Neighbour[]> {
	try {
		const options = { timeout: NEIGHBOURS_MS, maxBuffer: 16 * 2 ** 20 };
		return parseNeighbours((await promisify(execFile)("ip", ["-json", "neigh", "show"], options)).stdout);
	} catch (error) {
		log.debug({ reason: messageOf(error) }, "the host's neighbours cannot be seen");
		return [];
	}
}

/** @param text of `ip -json neigh show` */
export function parseNeighbours(text: string): Neighbour[] {
	return neighbourShape
		.parse(JSON.parse(text === "" ? "[]" : text))
		.flatMap(({ dst, lladdr, state }) =>
			lladdr === undefined || state.includes("FAILED") ? [] : [{ mac: lladdr.toLowerCase(), address: dst }],
		);
}

async function readUserNetwork(qmp: QmpClient, log: Logger): Promise<NetworkConnection[]> {
	try {
		return parseUserNetwork(String(await qmp.execute("human-monitor-command", { "command-line": "info usernet" })));
	} catch (error) {
		log.debug({ reason: messageOf(error) }, "QEMU does not tell of its user network");
		return [];
	}
}

/**
 * `info usernet`; the guest's side is the source of what it connected to, and the destination of what came by a forward:
 *
 *     TCP[ESTABLISHED]   29       10.0.2.15 40618        10.0.2.2    80     0     0
 *     TCP[HOST_FORWARD]  13       127.0.0.1  2222       10.0.2.15    22     0     0
 */
export function parseUserNetwork(text: string): NetworkConnection[] {
	const line = /^\s*(TCP|UDP)\[([^\]]*)\]\s+-?\d+\s+(\S+)\s+(\d+)\s+(\S+)\s+(\d+)\s/;
	const found: NetworkConnection[] = [];
	const forwards = new Set<string>();
	for (const each of text.split(/\r?\n/)) {
		const [, protocol = "", state = "", from = "", fromPort = "", to = "", toPort = ""] = line.exec(each) ?? [];
		if (protocol === "") continue;
		const [source, target] = [
			{ address: from, port: Number(fromPort) },
			{ address: to, port: Number(toPort) },
		];
		const isForward = state === "HOST_FORWARD";
		// Nothing is connected; it says where something may be.
		if (isForward) forwards.add(`${protocol} ${to}:${toPort}`);
		const isInbound = isForward || forwards.has(`${protocol} ${to}:${toPort}`);
		const [guest, peer] = isInbound ? [target, source] : [source, target];
		const told = /^\d+ sec$/.test(state) ? "" : state;
		found.push({ protocol: protocol === "TCP" ? "tcp" : "udp", state: told, guest, peer, isInbound });
	}
	return found;
}

async function readTracked(addresses: ReadonlySet<string>, log: Logger): Promise<NetworkConnection[]> {
	const found: NetworkConnection[] = [];
	try {
		const file = createReadStream(TRACKING, { end: MAX_TRACKED_BYTES });
		for await (const line of createInterface({ input: file, crlfDelay: Number.POSITIVE_INFINITY })) {
			const connection = parseTracked(line, addresses);
			if (connection !== undefined) found.push(connection);
			if (found.length >= MAX_CONNECTIONS) break;
		}
	} catch (error) {
		if (errnoOf(error) !== "ENOENT") log.debug({ reason: messageOf(error) }, "tracked connections cannot be read");
	}
	return found;
}

/**
 * A line of `/proc/net/nf_conntrack`, where one of the addresses is an end of it. The first tuple is as whoever connected saw it, the
 * second as the answers come: with NAT the two differ, and the guest's own address stands in one of them.
 */
export function parseTracked(line: string, addresses: ReadonlySet<string>): NetworkConnection | undefined {
	const head = /^ipv[46]\s+\d+\s+(tcp|udp|sctp)\s+\d+\s+\d+\s+(?:([A-Z_0-9]+)\s+)?src=/.exec(line);
	if (head === null) return undefined;
	const tuples = [...line.matchAll(/src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g)].slice(0, 2).map(tupleOf);
	const [asked, answered] = tuples;
	if (asked === undefined) return undefined;
	const told = { protocol: head[1] as NetworkConnection["protocol"], state: head[2] ?? "" };
	if (addresses.has(asked.source.address))
		return { ...told, guest: asked.source, peer: asked.target, isInbound: false };
	// Forwarded to the guest, the answers are what comes from it.
	if (answered !== undefined && addresses.has(answered.source.address)) {
		return { ...told, guest: answered.source, peer: asked.source, isInbound: true };
	}
	return undefined;
}

function tupleOf([, source = "", target = "", sourcePort, targetPort]: RegExpExecArray) {
	return {
		source: { address: source, port: Number(sourcePort) },
		target: { address: target, port: Number(targetPort) },
	};
}
