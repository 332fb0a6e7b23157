import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { type Point, point } from "../common/measurements/measurements.ts";
import { needs } from "../test/support/requires.ts";
import { StatusServer } from "./status-server.ts";

const TOKEN = "Bearer 0123456789abcdef";

function start(problems: readonly string[] = []): Promise<StatusServer> {
	const points: (Point | null)[] = [
		point("agent", { host: "kvm-07" }, 1n, { rss_bytes: 2 ** 27, telemetry_dropped: 0, capture_failures: 3 }),
		point("vm_disk", { host: "kvm-07", vm: 'odd "name"\n', disk: "vda" }, 1n, { wr_bytes: 4096 }),
	];
	return StatusServer.start({
		address: { host: "127.0.0.1", port: 0 },
		authorize: (shown) => shown === TOKEN,
		points: async () => points.filter((each) => each !== null),
		problems: () => problems,
	});
}

describe("StatusServer", () => {
	it("shows its metrics to whoever has the token", async () => {
		await using server = await start();
		const url = `http://${server.address}/metrics`;
		assert.equal((await fetch(url)).status, 401);
		const response = await fetch(url, { headers: { authorization: TOKEN } });
		assert.match(response.headers.get("content-type") ?? "", /^text\/plain/);
		const text = await response.text();
		assert.match(text, /^umbra_agent_capture_failures_total\{host="kvm-07"\} 3$/m);
		assert.match(text, /^process_cpu_seconds_total /m);
	});

	it("says whether it is alive, and whether it works, to anyone", async () => {
		await using working = await start();
		await using failing = await start(["the spool is full", "no connection to the collector"]);
		const ask = async (server: StatusServer, path: string) => {
			const response = await fetch(`http://${server.address}${path}`);
			return [response.status, await response.text()];
		};
		assert.deepEqual(await ask(working, "/healthz"), [200, "ok\n"]);
		assert.deepEqual(await ask(working, "/readyz"), [200, "ok\n"]);
		assert.deepEqual(await ask(failing, "/healthz"), [200, "ok\n"]);
		assert.deepEqual(await ask(failing, "/readyz"), [503, "the spool is full\nno connection to the collector\n"]);
		assert.equal((await ask(working, "/else"))[0], 404);
		assert.equal((await fetch(`http://${working.address}/healthz`, { method: "POST" })).status, 405);
	});

	it("says which setting is at fault where it cannot listen", async () => {
		await using server = await start();
		const port = Number(server.address.split(":").at(-1));
		const again = StatusServer.start({
			address: { host: "127.0.0.1", port },
			authorize: () => true,
			points: async () => [],
			problems: () => [],
		});
		await assert.rejects(again, { code: "unavailable", message: /EADDRINUSE/, context: { field: "status.listen" } });
	});

	it("writes what Prometheus's own tool finds no fault with", needs("promtool"), async () => {
		await using server = await start();
		const response = await fetch(`http://${server.address}/metrics`, { headers: { authorization: TOKEN } });
		// prom-client's own names are not ours to choose.
		const ours = (await response.text()).split("\n").filter((line) => /(^|\s)umbra_/.test(line));
		execFileSync("promtool", ["check", "metrics"], { input: `${ours.join("\n")}\n`, stdio: ["pipe", "pipe", "pipe"] });
	});
});
