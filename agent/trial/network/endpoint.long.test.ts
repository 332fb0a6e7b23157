import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { bootGuest, type Guest } from "../../../test/support/guest.ts";
import { needsGuest } from "../../../test/support/requires.ts";
import { type TempFolder, tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import { echoPeer } from "./echo-peer.ts";
import { Endpoint } from "./endpoint.ts";
import { Segment, type SwitchPort } from "./segment.ts";
import { plainShape } from "./shape.ts";
import type { TcpConnection } from "./tcp.ts";

const ADDRESS = "10.9.8.7";
const BODY_BYTES = 60_000;

describe("Endpoint", needsGuest(), () => {
	let temp: TempFolder;
	let guest: Guest;
	let segment: Segment;
	let port: SwitchPort;
	let endpoint: Endpoint;

	before(async () => {
		temp = await tempFolder();
		segment = new Segment({ peers: [echoPeer()] });
		port = await segment.listen("guest/n0", temp.file("n0"));
		endpoint = new Endpoint(segment, { ports: [port] });
		guest = await bootGuest({
			folder: temp.file("vm"),
			disks: [],
			modules: ["virtio_net"],
			extraArgs: [
				...["-netdev", `stream,id=n0,addr.type=unix,addr.path=${temp.file("n0")}`],
				...["-device", "virtio-net-pci,netdev=n0"],
			],
		});
		await guest.run(`ip addr add ${ADDRESS}/24 dev eth0; ip link set eth0 up; mkdir /tmp/www`);
		await guest.run(`head -c ${BODY_BYTES} /dev/zero | tr '\\0' x > /tmp/www/big; echo well > /tmp/www/index.html`);
		await guest.run("httpd -p 80 -h /tmp/www");
	});

	after(async () => {
		endpoint[Symbol.dispose]();
		await guest[Symbol.asyncDispose]();
		await port[Symbol.asyncDispose]();
		await temp[Symbol.asyncDispose]();
	});

	const within = (ms: number) => AbortSignal.timeout(ms);

	it("finds the guest and is answered", async () => {
		assert.equal((await get(endpoint, "/")).body, "well\n");
		assert.deepEqual(endpoint.addresses(), [ADDRESS]);
		// Nothing is left in the guest of a connection that was ended in peace.
		const left = async () => (await guest.run("netstat -tn | grep :80 | grep -vc TIME_WAIT")).output;
		await until(async () => (await left()) === "0\n", { what: "no connection is left" });
	});

	it("takes a long answer whole, also where frames get lost, come late, overtake each other and are damaged", async () => {
		assert.equal((await get(endpoint, "/big")).body, "x".repeat(BODY_BYTES));
		for (const shape of [
			{ loss: 0.15 },
			{ delayMs: 20, jitterMs: 30 },
			{ corruption: 0.1 },
			{ loss: 0.1, delayMs: 5, jitterMs: 20, corruption: 0.05 },
		]) {
			Object.assign(port.fromClone, plainShape(), shape);
			Object.assign(port.toClone, plainShape(), shape);
			const { body } = await get(endpoint, "/big");
			assert.ok(body === "x".repeat(BODY_BYTES), JSON.stringify(shape));
		}
		for (const shape of [port.fromClone, port.toClone]) Object.assign(shape, plainShape());
	});

	it("shows latency as a client would see it, and loss as seconds", async () => {
		const plain = Array.from({ length: 5 }, () => 0);
		for (const at of plain.keys()) plain[at] = (await get(endpoint, "/")).ms;
		assert.ok(Math.min(...plain) < 395, `${plain}`);
		port.toClone.delayMs = 100;
		port.fromClone.delayMs = 100;
		// There and back twice: a connection, and the question. More only where this host stands still.
		const delayed = async () => {
			const { ms } = await get(endpoint, "/");
			assert.ok(ms > 395, `${ms}`);
			return ms < 5000;
		};
		await until(delayed, { what: "an answer that is no later than it has to be" });
		for (const shape of [port.fromClone, port.toClone]) Object.assign(shape, plainShape());
		const lost = async () => {
			const { droppedFrames } = port.counters;
			const begun = performance.now();
			port.toClone.loss = 1;
			const asked = endpoint.connect(ADDRESS, 80, within(60_000));
			await until(() => port.counters.droppedFrames > droppedFrames, { what: "it is lost", intervalMs: 5 });
			port.toClone.loss = 0;
			endpoint.release(await asked);
			const took = performance.now() - begun;
			assert.ok(took > 900, `${took} ms`);
			return took < 4500;
		};
		await until(lost, { what: "a connection after what was lost is sent again" });
	});

	it("says how far it came", async () => {
		await assert.rejects(endpoint.connect(ADDRESS, 81, within(60_000)), {
			code: "unavailable",
			message: `${ADDRESS}:81: the connection is refused`,
		});
		port.fromClone.loss = 1;
		const unanswered = endpoint.connect(ADDRESS, 80, within(1500)).finally(() => {
			port.fromClone.loss = 0;
		});
		await assert.rejects(unanswered, { message: `${ADDRESS}:80: no answer to a connection, asked 2 times` });
		await assert.rejects(endpoint.connect("10.9.8.99", 80, within(300)), {
			message: "10.9.8.99: nobody there answers ARP",
		});
		await assert.rejects(endpoint.connect("fd00::1", 80, within(300)), { code: "unsupported" });
	});

	it("is answered where the way back leads by a gateway", async () => {
		await guest.run(`ip addr flush dev eth0; ip addr add ${ADDRESS}/30 dev eth0; ip route add default via 10.9.8.5`);
		assert.equal((await get(endpoint, "/")).body, "well\n");
		await guest.run(`ip addr flush dev eth0; ip addr add ${ADDRESS}/24 dev eth0`);
	});

	it("speaks with a program at a bare port, both ways, and is told where it goes away", async () => {
		await guest.run("(nc -l -p 7000 -e /bin/cat) >/dev/null 2>&1 &");
		await guest.run("until netstat -ltn | grep -q :7000; do sleep 0.05; done");
		const connection = await endpoint.connect(ADDRESS, 7000, within(60_000));
		const sent = "y".repeat(100_000);
		connection.end(sent);
		let received = "";
		for await (const piece of connection) received += piece;
		assert.ok(received === sent, `${received.length} bytes`);

		await guest.run("(nc -l -p 7001 -e /bin/sleep 100) >/dev/null 2>&1 &");
		await guest.run("until netstat -ltn | grep -q :7001; do sleep 0.05; done");
		const other = await endpoint.connect(ADDRESS, 7001, within(60_000));
		const end = Promise.withResolvers<string>();
		other.on("error", ({ message }) => end.resolve(message)).on("end", () => end.resolve("end"));
		other.resume();
		other.write("it is not read");
		// What is connected to the kernel is not yet in the program's hands, and what is sent not yet in the guest.
		await guest.run("until netstat -tn | grep :7001 | awk '$2 == 14 { n = 1 } END { exit !n }'; do :; done");
		await guest.run("until killall -9 sleep 2>/dev/null; do :; done");
		assert.equal(await end.promise, "the connection is reset");
	});
});

async function get(endpoint: Endpoint, path: string): Promise<{ readonly body: string; readonly ms: number }> {
	const begun = performance.now();
	const connection: TcpConnection = await endpoint.connect(ADDRESS, 80, AbortSignal.timeout(60_000));
	return await new Promise((resolve, reject) => {
		const asked = request({ path, host: ADDRESS, createConnection: () => connection as never }, (response) => {
			let body = "";
			response.on("data", (piece) => {
				body += piece;
			});
			response.on("end", () => {
				resolve({ body, ms: performance.now() - begun });
				endpoint.release(connection);
			});
		});
		asked.on("error", reject);
		asked.end();
	});
}
