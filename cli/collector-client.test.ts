import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { isUmbraError } from "../common/errors.ts";
import { tempFolder } from "../test/support/temp.ts";
import { CollectorClient, parseVmAtTime, vmPath } from "./collector-client.ts";
import { standIn } from "./testing.ts";

describe("parseVmAtTime", () => {
	for (const [text, vm, time] of [
		["web", "web", "latest"],
		["web@latest", "web", "latest"],
		["web@2026-11-21T19:48:00Z", "web", "2026-11-21T19:48:00Z"],
		["a@b@latest", "a@b", "latest"],
		["ü/1@x", "ü/1", "x"],
	] as const) {
		it(`takes ${text}`, () => assert.deepEqual(parseVmAtTime(text), { vm, time }));
	}
	for (const text of ["web@", "@latest", "@"]) {
		it(`refuses ${text}`, () => {
			assert.throws(
				() => parseVmAtTime(text),
				(error) => isUmbraError(error, "bad-config") && error.hint !== undefined,
			);
		});
	}
});

describe("vmPath", () => {
	it("keeps every name one part of the path", () => {
		assert.equal(vmPath("a/b ü?#", "points", "1"), "/v1/vms/a%2Fb%20%C3%BC%3F%23/points/1");
	});
});

describe("CollectorClient", () => {
	it("sends the token, and queries without what is undefined", async () => {
		await using temp = await tempFolder();
		await writeFile(temp.file("token"), "secret\n");
		await using server = await standIn((_, response) => response.end('{"a": 1}'));
		const client = await CollectorClient.from({ collector: server.url, tokenFile: temp.file("token") });
		assert.deepEqual(await client.get("/v1/x", { b: 2, c: undefined, d: "&=" }), { a: 1 });
		assert.equal(server.requests[0]?.url, "/v1/x?b=2&d=%26%3D");
		assert.equal(server.requests[0]?.headers.authorization, "Bearer secret");
	});

	it("lists page after page, no more than wanted", async () => {
		await using server = await standIn(({ url }, response) => {
			const { searchParams } = new URL(url ?? "", "http://x");
			const from = Number(searchParams.get("cursor") ?? 0);
			const count = Math.min(Number(searchParams.get("limit")), 3);
			const items = Array.from({ length: count }, (_, at) => from + at);
			response.end(JSON.stringify({ items, next: from + count >= 10 ? null : String(from + count) }));
		});
		const client = await CollectorClient.from({ collector: server.url });
		assert.deepEqual(await Array.fromAsync(client.list("/v1/x", {}, 5)), [0, 1, 2, 3, 4]);
		assert.equal((await Array.fromAsync(client.list("/v1/x"))).length, 12);
		assert.deepEqual(await Array.fromAsync(client.list("/v1/x", {}, 0)), []);
	});

	for (const [what, status, body, code, message] of [
		[
			"the collector's own error",
			404,
			'{"error": {"code": "not-found", "message": "no VM x"}}',
			"not-found",
			/^no VM x$/,
		],
		["an error of a proxy", 502, "<html>", "internal", /^HTTP 502$/],
		["null", 500, "null", "internal", /^HTTP 500$/],
		["a page where JSON was wanted", 200, "<html>", "unavailable", /no Umbra collector/],
	] as const) {
		it(`turns ${what} into one of ours`, async () => {
			await using server = await standIn((_, response) => response.writeHead(status).end(body));
			const client = await CollectorClient.from({ collector: server.url });
			await assert.rejects(client.get("/v1/x"), (error) => {
				assert.ok(isUmbraError(error, code), String(error));
				assert.match(error.message, message);
				return true;
			});
		});
	}

	it("says that it cannot reach the collector, also where the connection is cut in the middle", async () => {
		const client = await CollectorClient.from({ collector: "http://127.0.0.1:1" });
		await assert.rejects(
			client.get("/v1/x"),
			(error) => isUmbraError(error, "unavailable") && error.hint !== undefined,
		);
		await using server = await standIn((_, response) => {
			response.writeHead(200, { "content-length": 100 }).write("half");
			response.destroy();
		});
		const cut = await CollectorClient.from({ collector: server.url });
		await assert.rejects(cut.get("/v1/x"), (error) => isUmbraError(error, "unavailable"));
	});

	it("leaves an abort what it is", async () => {
		await using server = await standIn(() => {});
		const client = await CollectorClient.from({ collector: server.url });
		const abort = new AbortController();
		const getting = client.get("/v1/x", {}, abort.signal);
		abort.abort();
		await assert.rejects(getting, (error) => error === abort.signal.reason);
	});

	it("refuses what is no address, and a token that cannot be read", async () => {
		for (const collector of ["collector:7070", "nowhere", "file:///etc/passwd", ""]) {
			await assert.rejects(
				CollectorClient.from({ collector }),
				(error) => isUmbraError(error, "bad-config"),
				collector,
			);
		}
		await assert.rejects(CollectorClient.from({ tokenFile: "/nowhere/token" }), (error) =>
			isUmbraError(error, "bad-config"),
		);
	});
});
