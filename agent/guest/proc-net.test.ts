import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseRoutes, parseRoutes6, parseSockets } from "./proc-net.ts";

const rest = "00000000:00000000 00:00000000 00000000     0        0 5050 1 0000000000000000 100 0 0 10 0";

describe("parseSockets", () => {
	const told = (text: string, protocol: "tcp" | "udp") =>
		parseSockets(text, protocol).map(({ state, local, peer }) =>
			[state, local.address, local.port, ...(peer === null ? ["-"] : [peer.address, peer.port])].join(" "),
		);

	it("tells who listens from who is connected", () => {
		const text = [
			"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
			`   0: 0100007F:0CEA 00000000:0000 0A ${rest}`,
			`  10: 0F02000A:9EAA 0202000A:0050 01 ${rest}`,
			`  11: 0F02000A:9EAB 0202000A:0050 99 ${rest}`,
			"   what is this",
			"",
		].join("\n");
		assert.deepEqual(told(text, "tcp"), [
			"LISTEN 127.0.0.1 3306 -",
			"ESTABLISHED 10.0.2.15 40618 10.0.2.2 80",
			"99 10.0.2.15 40619 10.0.2.2 80",
		]);
	});

	it("takes IPv6, and sockets that know no listening", () => {
		const [any, one] = ["0".repeat(32), `${"0".repeat(24)}01000000`];
		const lines = [
			`  1: ${one}:0035 ${any}:0000 07 ${rest}`,
			`  2: 0000000000000000FFFF00000F02000A:0035 0000000000000000FFFF00000202000A:1000 01 ${rest}`,
			`  3: ${one}:0035 ${any}00:0000 07 ${rest}`,
		];
		assert.deepEqual(told(lines.join("\n"), "udp"), [
			"UNCONNECTED ::1 53 -",
			"ESTABLISHED ::ffff:10.0.2.15 53 ::ffff:10.0.2.2 4096",
		]);
	});
});

describe("parseRoutes", () => {
	it("tells the ways out, and not what is refused or down", () => {
		const text = [
			"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
			"eth0\t00000000\t0202000A\t0003\t0\t0\t100\t00000000\t0\t0\t0  ",
			"eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
			"*\t0000FE0A\t00000000\t0201\t0\t0\t0\t0000FFFF\t0\t0\t0",
			"eth1\t0000FE0A\t00000000\t0000\t0\t0\t0\t0000FFFF\t0\t0\t0",
			"eth1\tnonsense",
		].join("\n");
		assert.deepEqual(parseRoutes(text), [
			{ interface: "eth0", destination: "0.0.0.0", prefix: 0, gateway: "10.0.2.2", metric: 100 },
			{ interface: "eth0", destination: "10.0.2.0", prefix: 24, gateway: "0.0.0.0", metric: 0 },
		]);
	});
});

describe("parseRoutes6", () => {
	it("leaves out the guest's own addresses, loopback and multicast", () => {
		const none = "0".repeat(32);
		const line = (to: string, prefix: string, through: string, flags: string, name: string) =>
			`${to} ${prefix} ${none} 00 ${through} 00000400 00000001 00000000 ${flags} ${name.padStart(8)}`;
		const text = [
			line("fec00000000000000000000000000000", "40", none, "00000001", "eth0"),
			line(none, "00", "fe800000000000000000000000000002", "00450003", "eth0"),
			line("fec00000000000000000000000000015", "80", none, "80200001", "eth0"),
			line("ff000000000000000000000000000000", "08", none, "00000001", "eth0"),
			line(none, "00", none, "00200200", "lo"),
			"",
		].join("\n");
		assert.deepEqual(parseRoutes6(text), [
			{ interface: "eth0", destination: "fec0::", prefix: 64, gateway: "::", metric: 1024 },
			{ interface: "eth0", destination: "::", prefix: 0, gateway: "fe80::2", metric: 1024 },
		]);
	});
});
