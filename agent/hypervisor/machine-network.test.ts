import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseNeighbours, parseTracked, parseUserNetwork } from "./machine-network.ts";

describe("parseNeighbours", () => {
	it("gives addresses by MAC, but not of those that did not answer", () => {
		const text = JSON.stringify([
			{ dst: "192.168.122.10", dev: "virbr0", lladdr: "52:54:00:AA:00:01", state: ["REACHABLE"] },
			{ dst: "fe80::5054:ff:feaa:1", dev: "virbr0", lladdr: "52:54:00:aa:00:01", router: null, state: ["STALE"] },
			{ dst: "192.168.122.11", dev: "virbr0", state: ["FAILED"] },
		]);
		assert.deepEqual(parseNeighbours(text), [
			{ mac: "52:54:00:aa:00:01", address: "192.168.122.10" },
			{ mac: "52:54:00:aa:00:01", address: "fe80::5054:ff:feaa:1" },
		]);
		assert.deepEqual(parseNeighbours(""), []);
	});
});

describe("parseUserNetwork", () => {
	it("tells what the guest connected to from what came by a forward", () => {
		const text = [
			"Hub -1 (n0):\r",
			"  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\r",
			"  TCP[HOST_FORWARD]  13       127.0.0.1  2222       10.0.2.15    22     0     0\r",
			"  TCP[ESTABLISHED]   29       10.0.2.15 40618        10.0.2.2    80     0     0\r",
			"  TCP[ESTABLISHED]   31       127.0.0.1 51000       10.0.2.15    22     0     0\r",
			"  UDP[236 sec]       33       10.0.2.15 33333        10.0.2.3    53     0     0\r",
			"  ICMP[9 sec]        35       10.0.2.15     -        10.0.2.2     -     0     0\r",
		].join("\n");
		assert.deepEqual(
			parseUserNetwork(text).map(({ protocol, state, guest, peer, isInbound }) =>
				[protocol, state, `${guest.address}:${guest.port}`, `${peer.address}:${peer.port}`, isInbound].join(" "),
			),
			[
				"tcp HOST_FORWARD 10.0.2.15:22 127.0.0.1:2222 true",
				"tcp ESTABLISHED 10.0.2.15:40618 10.0.2.2:80 false",
				"tcp ESTABLISHED 10.0.2.15:22 127.0.0.1:51000 true",
				"udp  10.0.2.15:33333 10.0.2.3:53 false",
			],
		);
	});
});

describe("parseTracked", () => {
	const of = new Set(["192.168.122.10"]);
	const ends = (line: string) => {
		const found = parseTracked(line, of);
		if (found === undefined) return undefined;
		const { protocol, state, guest, peer, isInbound } = found;
		return [protocol, state, guest.address, guest.port, peer.address, peer.port, isInbound].join(" ");
	};

	it("knows the guest's end through NAT, both ways", () => {
		const out =
			"ipv4     2 tcp      6 431999 ESTABLISHED src=192.168.122.10 dst=1.2.3.4 sport=43210 dport=443 src=1.2.3.4 dst=203.0.113.7 sport=443 dport=43210 [ASSURED] mark=0 zone=0 use=2";
		const into =
			"ipv4     2 tcp      6 300 ESTABLISHED src=198.51.100.9 dst=203.0.113.7 sport=5555 dport=8080 src=192.168.122.10 dst=198.51.100.9 sport=80 dport=5555 [ASSURED] mark=0 use=1";
		const asked =
			"ipv4     2 udp      17 29 src=192.168.122.10 dst=192.168.122.1 sport=5353 dport=53 [UNREPLIED] src=192.168.122.1 dst=192.168.122.10 sport=53 dport=5353 mark=0 use=2";
		assert.equal(ends(out), "tcp ESTABLISHED 192.168.122.10 43210 1.2.3.4 443 false");
		assert.equal(ends(into), "tcp ESTABLISHED 192.168.122.10 80 198.51.100.9 5555 true");
		assert.equal(ends(asked), "udp  192.168.122.10 5353 192.168.122.1 53 false");
	});

	it("leaves out others, and what it does not know", () => {
		assert.equal(
			ends(
				"ipv4 2 tcp 6 9 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport=1 dport=2 src=10.0.0.2 dst=10.0.0.1 sport=2 dport=1",
			),
			undefined,
		);
		assert.equal(
			ends("ipv4     2 icmp     1 29 src=192.168.122.10 dst=8.8.8.8 type=8 code=0 id=1 src=8.8.8.8"),
			undefined,
		);
		assert.equal(ends(""), undefined);
	});
});
