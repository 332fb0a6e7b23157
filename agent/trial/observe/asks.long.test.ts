import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { bootGuest, type Guest } from "../../../test/support/guest.ts";
import { needsGuest } from "../../../test/support/requires.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import { Endpoint } from "../network/endpoint.ts";
import { Segment } from "../network/segment.ts";
import { ask } from "./asks.ts";
import { probesOf } from "./testing.ts";

const HEAD = "HTTP/1.1 200 OK\\r\\n";
/** What a service at each port says to whoever connects, as a script of the guest. */
const SERVICES: Readonly<Record<number, string>> = {
	9001: "cat /dev/urandom",
	9002: "cat /dev/zero",
	9003: `printf '${HEAD}'; yes "$(printf 'X-More: yes\\r')"`,
	9004: `printf '${HEAD}\\r\\n'; yes no`,
	9005: "sleep 100",
	9006: `printf '${HEAD}Content-Length: 10\\r\\n\\r\\nhalf'; sleep 100`,
	9007: `printf 'HTTP/1.1 302 Found\\r\\nLocation: http://10.9.9.9/\\r\\nContent-Length: 0\\r\\n\\r\\n'`,
	9008: `printf '${HEAD}Transfer-Encoding: chunked\\r\\n\\r\\n2\\r\\nwe\\r\\n2\\r\\nll\\r\\n0\\r\\n\\r\\n'`,
	9009: `printf '${HEAD}Content-Length: 999999999999\\r\\n\\r\\nwell'`,
	9010: `printf '${HEAD}\\r\\nwell, \\033[2J and more'`,
	9011: "true",
};

describe("ask", needsGuest(), () => {
	const resources = new AsyncDisposableStack();
	let guest: Guest;
	let endpoint: Endpoint;

	before(async () => {
		const temp = resources.use(await tempFolder());
		const segment = new Segment();
		const ports = [0, 1].map(async (at) => resources.use(await segment.listen(`guest/n${at}`, temp.file(`n${at}`))));
		endpoint = resources.use(new Endpoint(segment, { ports: await Promise.all(ports) }));
		guest = resources.use(
			await bootGuest({
				folder: temp.file("vm"),
				disks: [],
				modules: ["virtio_net"],
				extraArgs: [0, 1].flatMap((at) => [
					...["-netdev", `stream,id=n${at},addr.type=unix,addr.path=${temp.file(`n${at}`)}`],
					...["-device", `virtio-net-pci,netdev=n${at}`],
				]),
			}),
		);
		// The second of two cards is the one that is used; nobody is there to answer but the endpoint.
		await guest.run("ip addr add 10.9.8.7/24 dev eth1; ip link set eth1 up");
		for (const [port, script] of Object.entries(SERVICES)) {
			const read = "while read -r line && [ $" + "{#line} -gt 1 ]; do :; done";
			await guest.run(`cat > /tmp/${port} <<'END'\n${read}\n${script}\nEND`);
			await guest.run(`(nc -l -l -p ${port} -e sh /tmp/${port}) >/dev/null 2>&1 &`);
			await guest.run(`until netstat -ltn | grep -q :${port}; do sleep 0.05; done`);
		}
	});
	after(async () => await resources.disposeAsync());

	// So long that only a test that fails waits for it, or that this host stands still.
	const answer = async (probe: string, timeoutMs = 30_000) => {
		const [found] = probesOf(`{ name: p, ${probe} }`);
		const begun = performance.now();
		const wrong = await ask(found!, { guest: undefined, endpoint }, AbortSignal.timeout(timeoutMs));
		// Less than the services sleep for.
		assert.ok(performance.now() - begun < timeoutMs + 30_000, `${probe} took ${performance.now() - begun} ms`);
		assert.ok(wrong.length < 500 && /^[ -\uffff]*$/.test(wrong), JSON.stringify(wrong));
		return wrong;
	};
	const http = async (port: number, timeoutMs?: number) =>
		await answer(`http: { address: 10.9.8.7, port: ${port}, contains: well }`, timeoutMs);

	it("bounds what a service says, and how long it takes", async () => {
		assert.match(await http(9001), /Parse Error|reset/);
		assert.match(await http(9002), /Parse Error|reset/);
		assert.match(await http(9003), /Header overflow|reset/i);
		assert.match(await http(9004), /^the answer does not contain "well" but: no no no/);
		for (const port of [9005, 9006]) {
			const wanted = `10.9.8.7:${port}: connected, and no whole answer in time`;
			// The time may be over before it has connected, where this host stands still.
			await until(async () => (await http(port, 1500)) === wanted, { what: `${port}: no whole answer` });
		}
		assert.match(await http(9009), /aborted|hang up|whole answer/);
		assert.match(await http(9011), /hang up|reset/);
	});

	it("takes an answer as HTTP has it, follows nothing, and shows nothing that a terminal would obey", async () => {
		assert.equal(await http(9007), "answered with 302, not 200");
		assert.equal(await http(9008), "");
		assert.equal(await http(9010), "");
		assert.match(await answer("http: { port: 9010, contains: otherwise }"), /but: well, {1,2}\[2J and more$/);
	});

	it("has learnt the guest's address from what it sent, on whichever card", async () => {
		assert.equal(await answer("tcp: { port: 9007 }"), "");
		assert.match(await answer("tcp: { port: 1 }"), /^10\.9\.8\.7:1: the connection is refused$/);
	});
});
