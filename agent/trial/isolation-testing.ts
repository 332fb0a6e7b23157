/** For the tests of trials: a clone tries all ways to its host that a network has, and it is counted outside what came of it. */
import assert from "node:assert/strict";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { readFile, readlink } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { until } from "../../test/support/wait.ts";
import type { Clone } from "./clone.ts";
import type { Segment } from "./network/segment.ts";
import type { CloneShell } from "./testing.ts";

/** What this host listens at itself; "::1" is missing where it does without IPv6. */
const LOOPBACKS = Object.values(networkInterfaces())
	.flat()
	.flatMap((each) => (each?.internal === true && ["127.0.0.1", "::1"].includes(each.address) ? [each.address] : []));
const HAS_IPV6 = LOOPBACKS.includes("::1");
const ALL_NODES = "ff02::1";
const [TYPE_IPV4, TYPE_IPV6, TCP, UDP, ICMP] = [0x0800, 0x86dd, 6, 17, 1];

/** Listens on all addresses of this host, and counts who comes. */
class Strangers implements AsyncDisposable {
	readonly #server = createServer(() => this.connections++);
	readonly #sockets: readonly Socket[] = [
		createSocket("udp4"),
		...(HAS_IPV6 ? [createSocket({ type: "udp6", ipv6Only: true })] : []),
	];
	connections = 0;
	datagrams = 0;

	static async listen(): Promise<Strangers> {
		const strangers = new Strangers();
		const { port } = await strangers.#listen();
		for (const socket of strangers.#sockets) {
			socket.on("message", () => strangers.datagrams++);
			socket.bind(port);
			await once(socket, "listening");
		}
		return strangers;
	}

	async #listen(): Promise<AddressInfo> {
		this.#server.listen(0, HAS_IPV6 ? "::" : "0.0.0.0");
		await once(this.#server, "listening");
		return this.#server.address() as AddressInfo;
	}

	get port(): number {
		return (this.#server.address() as AddressInfo).port;
	}

	/** So that what is not counted has not come. */
	async prove(address: string): Promise<void> {
		const before = this.connections + this.datagrams;
		const connection = connect(this.port, address, () => connection.destroy());
		const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
		socket.send("x", this.port, address, () => socket.close());
		await until(() => this.connections + this.datagrams === before + 2, { what: `${address} is listened on` });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const socket of this.#sockets) socket.close();
		await new Promise((resolve) => this.#server.close(resolve));
	}
}

/**
 * TCP, UDP and pings to all addresses of this host and to some others, and to all nodes of the link over IPv6.
 *
 * The clone has an interface eth0 with an IPv4 address, and a default route over it.
 */
export async function assertReachesNobody(clone: Clone, shell: CloneShell, segment: Segment): Promise<void> {
	await using strangers = await Strangers.listen();
	const { port } = strangers;
	const own = Object.values(networkInterfaces())
		.flat()
		.filter((each) => each !== undefined && !each.internal);
	const [ipv4, ipv6] = (["IPv4", "IPv6"] as const).map((family) =>
		own.filter((each) => each?.family === family).map((each) => each?.address ?? ""),
	);
	const seen = new Set<string>();
	const off = segment.onFrame((_, direction, frame) => {
		if (direction === "from-clone") seen.add(destination(frame));
	});
	const others = ["10.0.2.2", "192.168.0.1", "8.8.8.8"];
	const tries = (address: string, ping: string) => [
		`echo x | nc -w 1 ${address} ${port}`,
		`timeout 2 tftp -g -r x -l /tmp/x ${address} ${port}`,
		ping,
	];
	const lines = [
		...[...others, ...(ipv4 ?? [])].flatMap((address) => tries(address, `ping -c 1 -W 5 ${address}`)),
		...(ipv6 ?? []).flatMap((address) => {
			const scoped = address.startsWith("fe80:") ? `${address}%eth0` : address;
			return tries(scoped, `ping6 -c 1 -W 1 -I eth0 ${address}`);
		}),
		...tries(`${ALL_NODES}%eth0`, `ping6 -c 1 -W 1 -I eth0 ${ALL_NODES}`),
	];
	// Nothing is sent from an address as long as its kernel looks whether another node has it (flag 0x40).
	const setUp = `
		ip -6 addr add fd00::aa/64 dev eth0; ip -6 route add default dev eth0
		settled() { grep -q ' 20 80 *eth0' /proc/net/if_inet6 && ! grep -qE ' (4|c).  *eth0' /proc/net/if_inet6; }
		[ -e /proc/net/if_inet6 ] && for i in $(seq 200); do settled && break; sleep 0.1; done
		[ -e /proc/net/if_inet6 ]; echo $?`;
	const hasIpv6 = (await shell.run(setUp)).trim().endsWith("0");
	const told = [...others, ...(ipv4 ?? [])];
	const wanted = told.flatMap((address) => [TCP, UDP, ICMP].map((kind) => `${address} ${kind}`));
	if (hasIpv6) wanted.push(`${ALL_NODES} ${UDP}`);
	let said = "";
	const triesAll = async () => {
		said = await shell.run(`(${lines.map((line) => `(${line}) 2>&1 &`).join("\n")}\nwait)`);
		const answers = said.match(/1 packets received/g)?.length ?? 0;
		return answers === told.length && wanted.every((each) => seen.has(each));
	};
	// The switch is in this process: what waits for an answer of it while that stands still gives up, and tries again here.
	await until(triesAll, { what: "all is sent, and answered by the switch", timeoutMs: 60_000 }).catch((cause) => {
		const missing = wanted.filter((each) => !seen.has(each));
		throw new Error(`not sent: ${missing.join("; ")}; the clone said: ${said}`, { cause });
	});
	off();

	assert.deepEqual([strangers.connections, strangers.datagrams], [0, 0]);
	for (const address of [...LOOPBACKS, ...(ipv4 ?? [])]) await strangers.prove(address);
	await assertCarriesNothing(clone.process.id.pid);
}

/** Of the process's own network namespace: what it has is its loopback and taps of clones, and no packet went over any. */
async function assertCarriesNothing(pid: number): Promise<void> {
	assert.notEqual(await readlink(`/proc/${pid}/ns/net`), await readlink("/proc/self/ns/net"));
	const [, , ...lines] = (await readFile(`/proc/${pid}/net/dev`, "utf8")).trimEnd().split("\n");
	assert.ok(lines.length > 0);
	for (const line of lines) {
		const [name = "", told = ""] = line.split(":");
		const counts = told.trim().split(/\s+/).map(Number);
		// The kernel adds tunnels that lead nowhere, where it was made with them.
		assert.match(name.trim(), /^(?:lo|umbra\d+|tunl0|sit0|gre0|gretap0|erspan0|ip_vti0|ip6_vti0|ip6tnl0|ip6gre0)$/);
		assert.deepEqual([counts[1], counts[9]], [0, 0], `${name}: packets received and sent`);
	}
}

/** "8.8.8.8 17": the address and the protocol that a frame is for; of others the type. */
function destination(frame: Buffer): string {
	const type = frame.readUInt16BE(12);
	if (type === TYPE_IPV4 && frame.length >= 34) return `${frame.subarray(30, 34).join(".")} ${frame[23]}`;
	if (type !== TYPE_IPV6 || frame.length < 54) return `type ${type.toString(16)}`;
	const isAllNodes = frame.toString("hex", 38, 54) === "ff020000000000000000000000000001";
	return `${isAllNodes ? ALL_NODES : frame.toString("hex", 38, 54)} ${frame[20]}`;
}
