/**
 * What a Linux guest's `/proc/net` says of its routes and sockets. Addresses stand there as the processor has them in memory, 32 bits
 * at a time: backwards, of all that QEMU runs as a hypervisor but s390x. A line that is not understood is passed over.
 */
import { SocketAddress } from "node:net";
import type { GuestRoute } from "./commands.ts";

export interface GuestSocket {
	readonly protocol: "tcp" | "udp";
	/** "LISTEN", "ESTABLISHED"; of UDP, "ESTABLISHED" or "UNCONNECTED". */
	readonly state: string;
	readonly local: SocketEnd;
	/** Null where it is connected to nobody. */
	readonly peer: SocketEnd | null;
}

interface SocketEnd {
	readonly address: string;
	readonly port: number;
}

/** include/net/tcp_states.h */
const TCP_STATES: Readonly<Record<string, string>> = {
	...{
		"01": "ESTABLISHED",
		"02": "SYN_SENT",
		"03": "SYN_RECV",
		"04": "FIN_WAIT1",
		"05": "FIN_WAIT2",
		"06": "TIME_WAIT",
	},
	...{ "07": "CLOSE", "08": "CLOSE_WAIT", "09": "LAST_ACK", "0A": "LISTEN", "0B": "CLOSING", "0C": "SYN_RECV" },
};
/** include/uapi/linux/route.h and ipv6_route.h */
const UP = 0x1;
const REJECT = 0x200;
const LOCAL = 0x8000_0000;

/**
 * `tcp`, `tcp6`, `udp` or `udp6`:
 *
 *     sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
 *      0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 5050 1 ...
 */
export function parseSockets(text: string, protocol: GuestSocket["protocol"]): GuestSocket[] {
	const line = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) /;
	return text.split("\n").flatMap((each) => {
		const [, from = "", fromPort = "", to = "", toPort = "", code = ""] = line.exec(each) ?? [];
		const [local, peer] = [endOf(from, fromPort), endOf(to, toPort)];
		if (local === undefined || peer === undefined) return [];
		const told = TCP_STATES[code] ?? code;
		const state = protocol === "udp" && told === "CLOSE" ? "UNCONNECTED" : told;
		return [{ protocol, state, local, peer: peer.port === 0 ? null : peer }];
	});
}

/**
 * `route`, of the main table:
 *
 *     Iface Destination Gateway  Flags RefCnt Use Metric Mask     MTU Window IRTT
 *     eth0  00000000    0202000A 0003  0      0   100    00000000 0   0      0
 */
export function parseRoutes(text: string): GuestRoute[] {
	return text.split("\n").flatMap((line) => {
		const [name = "", to = "", through = "", flags = "", , , metric = "", mask = ""] = line.trim().split(/\s+/);
		const [destination, gateway] = [addressOf(to), addressOf(through)];
		if (destination === undefined || gateway === undefined || !isUsed(flags) || !/^[0-9A-F]{8}$/i.test(mask)) return [];
		const prefix = Number.parseInt(mask, 16).toString(2).replaceAll("0", "").length;
		return checked({ interface: name, destination, prefix, gateway, metric: Number(metric) });
	});
}

/**
 * `ipv6_route`, without a header, numbers in hexadecimal, addresses forwards: destination, its prefix, source, its prefix, gateway,
 * metric, references, use, flags, interface. It has the guest's own addresses and multicast too, which are left out.
 */
export function parseRoutes6(text: string): GuestRoute[] {
	return text.split("\n").flatMap((line) => {
		const [to = "", prefix = "", , , through = "", metric = "", , , flags = "", name = ""] = line.trim().split(/\s+/);
		const [destination, gateway] = [forwards(to), forwards(through)];
		if (destination === undefined || gateway === undefined || !isUsed(flags)) return [];
		if (name === "lo" || /^ff/i.test(to) || (Number.parseInt(flags, 16) & LOCAL) !== 0) return [];
		const numbers = { prefix: Number.parseInt(prefix, 16), metric: Number.parseInt(metric, 16) };
		return checked({ interface: name, destination, gateway, ...numbers });
	});
}

function checked(route: GuestRoute): GuestRoute[] {
	return isCount(route.prefix) && route.prefix <= 128 && isCount(route.metric) ? [route] : [];
}

function isCount(number: number): boolean {
	return Number.isSafeInteger(number) && number >= 0;
}

function isUsed(flags: string): boolean {
	const bits = Number.parseInt(flags, 16);
	return (bits & UP) !== 0 && (bits & REJECT) === 0;
}

function endOf(address: string, port: string): SocketEnd | undefined {
	const found = addressOf(address);
	return found === undefined ? undefined : { address: found, port: Number.parseInt(port, 16) };
}

function addressOf(hex: string): string | undefined {
	if (!/^(?:[0-9A-F]{8}|[0-9A-F]{32})$/i.test(hex)) return undefined;
	const bytes = Buffer.from(hex, "hex").swap32();
	return bytes.length === 4 ? bytes.join(".") : forwards(bytes.toString("hex"));
}

/** 32 digits. */
function forwards(hex: string): string | undefined {
	if (!/^[0-9a-f]{32}$/i.test(hex)) return undefined;
	const groups = hex.match(/.{4}/g) ?? [];
	return new SocketAddress({ address: groups.join(":"), family: "ipv6" }).address;
}
