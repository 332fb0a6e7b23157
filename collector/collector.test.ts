import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { get } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { credentials, status } from "@grpc/grpc-js";
import { silentLogger } from "../common/log.ts";
import { v1 } from "../proto/service.ts";
import { Collector } from "./collector.ts";
import { collectorConfig } from "./config.ts";
import { fileChange, random, randomBlock, TestAgent, TestVm } from "./ingest/test-agent.ts";

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
	const path = await mkdtemp(join(tmpdir(), "umbra-collector-"));
	return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const listen = { agents: "127.0.0.1:0", api: "127.0.0.1:0" };
const start = (config: object) => Collector.start(collectorConfig.parse({ listen, ...config }), silentLogger());

/** Polls what the API says until `wanted` holds. */
async function until<T>(url: string, wanted: (body: T) => boolean): Promise<T> {
	for (;;) {
		const response = await fetch(url);
		const body = (await response.json()) as T;
		if (response.ok && wanted(body)) return body;
		await new Promise((resolve) => setTimeout(resolve, 5));
	}
}

describe("Collector", () => {
	it("refuses to share a data folder, and lets the next one in", async () => {
		await using folder = await temporaryFolder();
		{
			await using _one = await start({ dataDir: folder.path });
			await assert.rejects(start({ dataDir: folder.path }), { code: "conflict", hint: /dataDir/ });
		}
		await using _next = await start({ dataDir: folder.path });
	});

	it("does not listen beyond loopback without a token", async () => {
		await using folder = await temporaryFolder();
		for (const [field, address] of [
			["agents", "0.0.0.0:0"],
			["api", "[::]:0"],
			["agents", "192.0.2.1:0"],
		] as const) {
			const config = { dataDir: folder.path, listen: { ...listen, [field]: address } };
			await assert.rejects(start(config), {
				code: "bad-config",
				message: new RegExp(`^listen.${field}: .* reachable from other machines`),
				hint: /tokenFile/,
			});
		}
		const tokenFile = join(folder.path, "token");
		await writeFile(tokenFile, "short\n");
		const config = { dataDir: folder.path, tokenFile, listen: { ...listen, agents: "0.0.0.0:0" } };
		await assert.rejects(start(config), { code: "bad-config", message: /holds no token of 16/ });
		await writeFile(tokenFile, "long-enough-for-a-token\n");
		await using _collector = await start(config);
	});

	it("speaks TLS on both ports, and asks agents for a certificate where a clientCa is set", async () => {
		await using folder = await temporaryFolder();
		const file = (name: string) => join(folder.path, name);
		const openssl = (...args: string[]) => execFileSync("openssl", args, { stdio: "ignore" });
		for (const name of ["server", "agent"]) {
			const subject = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1"];
			const key = [
				"-newkey",
				"ec",
				"-pkeyopt",
				"ec_paramgen_curve:prime256v1",
				"-nodes",
				"-keyout",
				file(`${name}.key`),
			];
			openssl("req", "-x509", "-days", "1", ...key, "-out", file(`${name}.crt`), ...subject);
		}
		const tls = { cert: file("server.crt"), key: file("server.key"), clientCa: file("agent.crt") };
		const missing = { ...tls, key: file("none") };
		await assert.rejects(start({ dataDir: folder.path, tls: missing }), { code: "bad-config", message: /^tls.key: / });
		const garbage = { ...tls, cert: file("agent.key") };
		await assert.rejects(start({ dataDir: folder.path, tls: garbage }), { code: "bad-config", message: /^tls: / });
		await using collector = await start({ dataDir: folder.path, tls });
		const [ca, key, cert] = await Promise.all(
			["server.crt", "agent.key", "agent.crt"].map((name) => readFile(file(name))),
		);
		await using agent = new TestAgent(collector.agentAddress, "a", undefined, credentials.createSsl(ca, key, cert));
		assert.deepEqual([...(await agent.offer(Buffer.alloc(32)))], [0]);
		for (const credential of [credentials.createSsl(ca), credentials.createInsecure()]) {
			await using stranger = new TestAgent(collector.agentAddress, "b", undefined, credential);
			await assert.rejects(stranger.offer(Buffer.alloc(32)), { code: status.UNAVAILABLE });
		}
		const { promise, resolve, reject } = Promise.withResolvers<number | undefined>();
		const request = get(`https://${collector.apiAddress}/v1/health`, { ca, agent: false }, (response) => {
			response.resume();
			resolve(response.statusCode);
		});
		request.once("error", reject);
		assert.equal(await promise, 200);
	});

	it("says which address is taken", async () => {
		await using folder = await temporaryFolder();
		await using other = await temporaryFolder();
		await using first = await start({ dataDir: folder.path });
		for (const [field, address] of [
			["agents", first.agentAddress],
			["api", first.apiAddress],
		] as const) {
			await assert.rejects(start({ dataDir: other.path, listen: { ...listen, [field]: address } }), {
				code: "unavailable",
				message: new RegExp(address),
			});
		}
	});

	it("judges a changeset, raises the alert and posts it", async () => {
		await using folder = await temporaryFolder();
		const posted: { body: string; key: string | undefined }[] = [];
		const receiver = createServer((request, response) => {
			let body = "";
			request.on("data", (piece) => (body += piece));
			request.on("end", () => {
				posted.push({ body, key: request.headers["idempotency-key"]?.toString() });
				response.writeHead(posted.length === 1 ? 503 : 204).end();
			});
		});
		await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
		const { port } = receiver.address() as AddressInfo;
		try {
			const webhooks = [{ name: "noc", url: `http://127.0.0.1:${port}/alert` }];
			await using collector = await start({ dataDir: folder.path, webhooks });
			await using agent = new TestAgent(collector.agentAddress);
			const vm = new TestVm("web-1");
			vm.write("vda", 0, randomBlock(random(1)));
			await vm.capture(agent);
			vm.write("vda", 1, randomBlock(random(2)));
			const touched = fileChange("/etc/shadow", { change: v1.FileChangeKind.FILE_CHANGE_MODIFIED });
			const id = await vm.capture(agent, [touched]);
			type Alerts = { items: { changesetId: string; cause: string; files: string[]; undelivered: string[] }[] };
			const url = `http://${collector.apiAddress}/v1/alerts?vm=web-1`;
			const { items } = await until<Alerts>(url, (body) => body.items[0]?.undelivered.length === 0);
			assert.equal(items.length, 1);
			assert.equal(items[0]?.changesetId, id);
			assert.equal(items[0]?.cause, "critical-file");
			assert.deepEqual(items[0]?.files, ["/etc/shadow"]);
			// More than twice only where this process stood still for longer than is waited for its answer.
			assert.ok(posted.length >= 2);
			assert.equal(new Set(posted.map(({ key }) => key)).size, 1);
			assert.match(posted[1]?.body ?? "", /\/etc\/shadow/);
			type Changes = { items: { verdict: { severity: string } | null }[] };
			const { items: anomalies } = (await (
				await fetch(`http://${collector.apiAddress}/v1/anomalies`)
			).json()) as Changes;
			assert.equal(anomalies.length, 1);
			assert.equal(anomalies[0]?.verdict?.severity, "critical");
		} finally {
			receiver.closeAllConnections();
			receiver.close();
		}
	});
});
