/**
 * Sends the same points over bare HTTP, and does nothing else: 10,000 lines a request, made and compressed before the clock
 * starts, four requests under way.
 *
 * usage: node influx-raw-child.ts URL DATABASE KIND POINTS     prints {"seconds":...,"cpuSeconds":...}
 */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { gzipSync } from "node:zlib";
import { LineWriter } from "../../collector/series/influx/lines.ts";
import { type Kind, rounds } from "./influx-data.ts";

const LINES = 10_000;
const IN_FLIGHT = 4;

const [url = "", database = "", kind = "", count = ""] = process.argv.slice(2);
const bodies = [...bodiesOf(kind as Kind, Number(count))];
const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
const target = `${url}/write?db=${database}&precision=ns`;
let next = 0;
const cpu = process.cpuUsage();
const start = performance.now();
// The first one alone: of first writes side by side InfluxDB may forget one.
await send(1);
await Promise.all(Array.from({ length: IN_FLIGHT }, () => send()));
const seconds = (performance.now() - start) / 1000;
const { user, system } = process.cpuUsage(cpu);
agent.destroy();
console.log(JSON.stringify({ seconds, cpuSeconds: (user + system) / 1e6 }));

function* bodiesOf(of: Kind, points: number): Generator<Buffer> {
	const writer = new LineWriter();
	for (const batch of rounds(of, points)) {
		for (const point of batch) {
			writer.add(point);
			if (writer.lines === LINES) yield gzipSync(writer.take().payload, { level: 1 });
		}
	}
	if (writer.lines > 0) yield gzipSync(writer.take().payload, { level: 1 });
}

async function send(most = Number.POSITIVE_INFINITY): Promise<void> {
	for (let sent = 0; sent < most && next < bodies.length; sent++) {
		const body = bodies[next++] as Buffer;
		const headers = { "content-encoding": "gzip", "content-length": body.length };
		const asked = request(target, { agent, method: "POST", headers });
		asked.end(body);
		const [response] = await once(asked, "response");
		response.resume();
		await once(response, "end");
		// InfluxDB's own limit on a write, met on a machine that has too much to do: a client would try again.
		if (response.statusCode === 500) bodies.push(body);
		else if (response.statusCode !== 204) throw new Error(`HTTP ${response.statusCode}`);
	}
}
