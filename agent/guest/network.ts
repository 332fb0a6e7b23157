/** What a guest agent tells of its guest's network. */
import type { GuestInterface, GuestRoute } from "./commands.ts";
import type { GuestAgent } from "./guest-agent.ts";
import { type GuestSocket, parseRoutes, parseRoutes6, parseSockets } from "./proc-net.ts";

/** Of one file. Those who listen come first, some 150 bytes each. */
const MAX_FILE_BYTES = 256 * 1024;
const MAX_SOCKETS = 500;
const MAX_ROUTES = 200;
const MAX_INTERFACES = 100;
const MAX_ADDRESSES = 50;

/** The guest's word for it. */
export interface GuestNetwork {
	readonly interfaces: readonly GuestInterface[];
	/** Null where the agent cannot or may not tell. */
	readonly routes: readonly GuestRoute[] | null;
	/** Those that are connected to nobody first. Null as with `routes`. */
	readonly sockets: readonly GuestSocket[] | null;
}

/** What it does not tell, may not or not in time, is null. @throws UmbraError where it tells nothing at all; the signal's reason. */
export async function askNetwork(agent: GuestAgent, signal: AbortSignal): Promise<GuestNetwork> {
	const interfaces = (await agent.interfaces(signal)).slice(0, MAX_INTERFACES);
	const routes = (await told(readRoutes(agent, signal))) ?? (await told(agent.routes(signal)));
	const sockets = await told(readSockets(agent, signal));
	return {
		interfaces: interfaces.map((each) => ({ ...each, addresses: each.addresses.slice(0, MAX_ADDRESSES) })),
		routes: routes?.slice(0, MAX_ROUTES) ?? null,
		sockets: sockets?.slice(0, MAX_SOCKETS) ?? null,
	};
}

async function readRoutes(agent: GuestAgent, signal: AbortSignal): Promise<GuestRoute[]> {
	const four = parseRoutes(await agent.readFile("/proc/net/route", MAX_FILE_BYTES, signal));
	// A guest without IPv6 has no such file.
	const six = (await told(agent.readFile("/proc/net/ipv6_route", MAX_FILE_BYTES, signal))) ?? "";
	return [...four, ...parseRoutes6(six)];
}

async function readSockets(agent: GuestAgent, signal: AbortSignal): Promise<GuestSocket[]> {
	const found: GuestSocket[] = [];
	for (const protocol of ["tcp", "udp"] as const) {
		const path = `/proc/net/${protocol}`;
		found.push(...parseSockets(await agent.readFile(path, MAX_FILE_BYTES, signal), protocol));
		const six = (await told(agent.readFile(`${path}6`, MAX_FILE_BYTES, signal))) ?? "";
		found.push(...parseSockets(six, protocol));
	}
	const rank = ({ peer }: GuestSocket) => (peer === null ? 0 : 1);
	return found.sort((a, b) => rank(a) - rank(b));
}

/** Undefined where it is not told: agents of RHEL give no files, those before 9.1 know no routes, and some are too slow. */
async function told<T>(answer: Promise<T>): Promise<T | undefined> {
	try {
		return await answer;
	} catch {
		return undefined;
	}
}
