import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { describe, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { silentLogger } from "../../common/log.ts";
import { bootGuest } from "../../test/support/guest.ts";
import { needsGuestAgent } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import type { GuestNetwork } from "../guest/network.ts";
import { readGuestNetwork } from "./guest-network.ts";
import { QmpClient } from "./qmp.ts";

const isNowhere = (address: string): boolean => /^[0:.]*$/.test(address);

/** As `guestLines` has them. */
function toldLines({ routes, sockets }: GuestNetwork): string[] {
	return [
		...(routes ?? []).map(({ destination, prefix, gateway, interface: name, metric }) => {
			const to = prefix === 0 ? "default" : `${destination}/${prefix}`;
			return `${to} via ${isNowhere(gateway) ? "" : gateway} dev ${name} metric ${metric}`;
		}),
		...(sockets ?? []).map(({ protocol, state, local, peer }) => {
			const there = peer === null ? "" : `${peer.address}:${peer.port}`;
			return `${protocol} ${local.address}:${local.port} ${there} ${state}`;
		}),
	].sort();
}

/** @param text of `ip -4 route; ip -6 route; netstat -tuan` in the guest */
function guestLines(text: string): string[] {
	return text
		.split("\n")
		.flatMap((line) => {
			const route = /^(\S+)(?: via (\S+))? dev (\S+)(?:.* metric (\d+))?/.exec(line);
			if (route !== null) return [`${route[1]} via ${route[2] ?? ""} dev ${route[3]} metric ${route[4] ?? 0}`];
			const [, protocol, local, peer = "", state = ""] =
				/^(tcp|udp)\s+\d+\s+\d+ (\S+)\s+(\S+)\s*(\S*)/.exec(line) ?? [];
			if (protocol === undefined) return [];
			return [`${protocol} ${local} ${peer.endsWith(":*") ? "" : peer} ${state === "" ? "UNCONNECTED" : state}`];
		})
		.filter((line) => !line.startsWith("ff00::"))
		.sort();
}

describe("readGuestNetwork", needsGuestAgent(), () => {
	it("tells routes and sockets as the guest itself does, and keeps off a line that is taken", async () => {
		await using temp = await tempFolder();
		await using guest = await bootGuest({
			folder: temp.file("vm"),
			disks: [],
			memoryMb: 128,
			guestAgent: true,
			modules: ["virtio_net"],
			extraArgs: ["-netdev", "user,id=n0,ipv6=off", "-device", "virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56"],
		});
		await guest.run(`ip addr add 10.0.2.15/24 dev eth0; ip link set lo up; ip link set eth0 up
			ip route add default via 10.0.2.2 metric 7; ip route add 10.9.0.0/16 via 10.0.2.3
			ip -6 addr add fd00::15/64 dev eth0; ip -6 route add default via fd00::2
			nc -ll -p 8080 -e cat >/dev/null 2>&1 &
			httpd -p 127.0.0.1:3306
			printf 'interface eth0\nstart 10.0.2.20\nend 10.0.2.30\n' > /tmp/dhcp
			udhcpd -f /tmp/dhcp >/dev/null 2>&1 &
			until netstat -ltn | grep -q :8080 && netstat -ltn | grep -q :3306 && netstat -lun | grep -q :67; do sleep 0.1; done
			(sleep 600 | nc 127.0.0.1 3306) >/dev/null 2>&1 &
			until netstat -tn | grep -q ESTABLISHED; do sleep 0.1; done`);
		await using qmp = await QmpClient.connect(guest.qmpSocket);
		const read = () => readGuestNetwork(qmp, silentLogger());

		const production = connect(guest.agentSocket!);
		await once(production, "connect");
		await until(async () => !JSON.stringify(await qmp.execute("query-chardev")).includes("disconnected:unix:"), {
			what: "QEMU has the other client",
		});
		assert.equal(await read(), undefined);
		production.destroy();

		let [found, wanted]: (readonly string[])[] = [[], []];
		// Where something changes between the two, it does not every time.
		const isSame = async () => {
			const told = await read();
			if (told === undefined) return undefined;
			const { output } = await guest.run("ip -4 route; ip -6 route; netstat -tuan");
			[found, wanted] = [toldLines(told), guestLines(output)];
			return isDeepStrictEqual(found, wanted) ? told : undefined;
		};
		const told = await until(isSame, { what: "the agent tells what the guest does", timeoutMs: 60_000 }).catch(
			(error: unknown) => {
				assert.deepEqual(found, wanted);
				throw error;
			},
		);
		const card = told.interfaces.find(({ name }) => name === "eth0");
		assert.equal(card?.mac, "52:54:00:12:34:56");
		assert.ok(card.addresses.some(({ address, prefix }) => address === "10.0.2.15" && prefix === 24));
		assert.deepEqual(
			told.sockets?.slice(0, 3).map(({ peer }) => peer),
			[null, null, null],
		);
		// And another time, as the line was let go of.
		const routes = async () => (await read())?.routes ?? undefined;
		assert.deepEqual(await until(routes, { what: "it answers again" }), told.routes);
	});
});
