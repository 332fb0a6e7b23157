/**
 * What is asked of InfluxDB 2.x and 3, and what is made of their answers. The other side is a recording server that answers as these
 * are documented to; it is no InfluxDB, so what is shown here is the shape of requests alone.
 */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import type { SeriesQuery } from "../series-store.ts";
import { numbered, numberedFrom, type Recorded, RecordingServer, type Scripted, storeAt } from "./testing.ts";

const TOKEN = "UMBRA_TEST_INFLUX_DIALECT_TOKEN";
const QUERY: SeriesQuery = { measurement: "host_temperature", fields: ["celsius"], fromNs: 0n, toNs: 10n };
const LINES = "host_temperature,host=h1,sensor=core\\ 1 celsius=1 1700000000001000000\n";
const ROWS = {
	results: [{ series: [{ columns: ["time", "celsius"], values: [["1970-01-01T00:00:00.000000007Z", 21.5]] }] }],
};

/** One write and one query, and all that the server was asked for them. */
async function talk(
	settings: Readonly<Record<string, unknown>>,
	answer: (request: Recorded) => Scripted | undefined,
): Promise<Recorded[]> {
	process.env[TOKEN] = "abc";
	await using folder = await tempFolder();
	await using server = await RecordingServer.start((request) => {
		const scripted = answer(request);
		if (scripted !== undefined) return scripted;
		return request.path.startsWith("/query") ? { status: 200, body: ROWS } : { status: 204 };
	});
	await using store = await storeAt(server.url, folder.path, { tokenEnv: TOKEN, ...settings });
	await store.write([numbered(1)]);
	await store.flush();
	assert.deepEqual(await store.query(QUERY), [{ tags: {}, timesNs: [7n], values: { celsius: [21.5] } }]);
	assert.deepEqual([store.status().pointsWritten, store.status().lastError], [1, ""]);
	for (const { headers } of server.requests) assert.equal(headers.authorization, "Token abc");
	return server.requests;
}

function shapes(requests: readonly Recorded[]): string[] {
	return requests.map(({ method, path }) => `${method} ${path}`);
}

const QUERY_BODY = new URLSearchParams({
	q: 'SELECT "celsius" AS "celsius" FROM "host_temperature" WHERE time >= 0 AND time < 10',
	chunked: "true",
	chunk_size: "10000",
}).toString();

describe("InfluxDB 2.x", () => {
	const settings = { version: 2, org: "our org", bucket: "umbra", retention: "30d" };
	const lists = (path: string, found: { bucket?: boolean; mapping?: boolean }): Scripted | undefined => {
		if (path.startsWith("/api/v2/orgs?")) return { status: 200, body: { orgs: [{ id: "0a" }] } };
		if (path.startsWith("/api/v2/buckets?"))
			return { status: 200, body: { buckets: found.bucket ? [{ id: "0b" }] : [] } };
		if (path.startsWith("/api/v2/dbrps?")) {
			const content = [{ database: "elsewhere", retention_policy: "rp", bucketID: "0b" }];
			return { status: 200, body: { content: found.mapping ? content : [] } };
		}
		return undefined;
	};

	it("has bucket and DBRP mapping made where they are missing", async () => {
		const requests = await talk(settings, ({ method, path }) => {
			if (method === "POST" && path === "/api/v2/buckets") return { status: 201, body: { id: "0c" } };
			if (method === "POST" && path === "/api/v2/dbrps") return { status: 201, body: {} };
			return lists(path, {});
		});
		assert.deepEqual(shapes(requests), [
			"GET /api/v2/orgs?org=our+org",
			"GET /api/v2/buckets?orgID=0a&name=umbra",
			"POST /api/v2/buckets",
			"GET /api/v2/dbrps?orgID=0a&bucketID=0c",
			"POST /api/v2/dbrps",
			"POST /api/v2/write?org=our+org&bucket=umbra&precision=ns",
			"POST /query?db=umbra&rp=autogen",
		]);
		assert.deepEqual(JSON.parse(requests[2]!.body), {
			...{ orgID: "0a", name: "umbra", retentionRules: [{ type: "expire", everySeconds: 30 * 86_400 }] },
		});
		assert.deepEqual(JSON.parse(requests[4]!.body), {
			...{ orgID: "0a", bucketID: "0c", database: "umbra", retention_policy: "autogen", default: true },
		});
		assert.equal(requests[5]!.body, LINES);
		assert.equal(requests[5]!.headers["content-encoding"], "gzip");
		assert.equal(requests[6]!.body, QUERY_BODY);
		assert.equal(requests[6]!.headers["content-type"], "application/x-www-form-urlencoded");
	});

	it("takes the bucket and the mapping that are there, found by asking which version it is", async () => {
		const requests = await talk({ org: "our org" }, ({ path }) => {
			if (path === "/ping")
				return { status: 204, headers: { "x-influxdb-version": "v2.7.1", "x-influxdb-build": "OSS" } };
			return lists(path, { bucket: true, mapping: true });
		});
		assert.deepEqual(shapes(requests).slice(3), [
			"GET /api/v2/dbrps?orgID=0a&bucketID=0b",
			"POST /api/v2/write?org=our+org&bucket=umbra&precision=ns",
			"POST /query?db=elsewhere&rp=rp",
		]);
	});

	it("writes with a token that may do nothing else", async () => {
		const requests = await talk({ ...settings, createDatabase: false }, ({ path }) =>
			path.startsWith("/api/v2/orgs") ? { status: 403, body: { code: "forbidden", message: "forbidden" } } : undefined,
		);
		assert.deepEqual(shapes(requests), [
			"GET /api/v2/orgs?org=our+org",
			"POST /api/v2/write?org=our+org&bucket=umbra&precision=ns",
			"POST /query?db=umbra",
		]);
	});

	it("looks at lines that are refused with 422, and honours Retry-After of 429 and 503", async () => {
		await using folder = await tempFolder();
		let busy = 2;
		let askedAt = 0;
		const waits: number[] = [];
		await using server = await RecordingServer.start(({ path, body }) => {
			if (!path.startsWith("/api/v2/write")) return lists(path, { bucket: true, mapping: true }) ?? { status: 404 };
			if (askedAt !== 0) waits.push(performance.now() - askedAt);
			askedAt = performance.now();
			if (busy-- > 0)
				return { status: busy === 1 ? 429 : 503, headers: { "retry-after": "1" }, body: { message: "busy" } };
			if (!body.includes("celsius=17 ")) return { status: 204 };
			const message = "failure writing points to database: partial write: points beyond retention policy dropped=1";
			return { status: 422, body: { code: "unprocessable entity", message } };
		});
		await using store = await storeAt(server.url, folder.path, settings);
		// Of one series, so that one request is under way at a time.
		await store.write([numbered(1), numbered(1 + 16), numbered(1 + 32)]);
		void store.flush();
		await until(() => store.status().writeFailures > 0, { what: "a busy server" });
		assert.match(store.status().lastError, /HTTP (429|503): busy/);
		await store.flush();
		const { pointsWritten, pointsRefused } = store.status();
		assert.deepEqual([pointsWritten, pointsRefused], [2, 1]);
		assert.ok(Math.max(...waits) >= 990, waits.join(" "));
	});
});

describe("InfluxDB 3", () => {
	it("is written to as 2.x, and asked as 1.x", async () => {
		const requests = await talk({ database: "umbra" }, ({ path }) =>
			path === "/ping" ? { status: 200, body: { version: "3.4.1", revision: "x" } } : undefined,
		);
		assert.deepEqual(shapes(requests), [
			"GET /ping",
			"POST /api/v2/write?bucket=umbra&precision=ns",
			"POST /query?db=umbra",
		]);
		assert.equal(requests[1]!.body, LINES);
		assert.equal(requests[2]!.body, QUERY_BODY);
	});

	it("has a database made that forgets, unless it is there", async () => {
		for (const status of [200, 409]) {
			const requests = await talk({ version: 3, retention: "90d" }, ({ path }) =>
				path.startsWith("/api/v3/") ? { status, body: status === 409 ? { error: "already exists" } : {} } : undefined,
			);
			assert.equal(shapes(requests)[0], "POST /api/v3/configure/database");
			assert.deepEqual(JSON.parse(requests[0]!.body), { db: "umbra", retention_period: "7776000s" });
		}
	});

	it("says of a refused line what is wrong with it", async () => {
		await using folder = await tempFolder();
		await using server = await RecordingServer.start(({ body }) => {
			if (!body.includes("celsius=2 ")) return { status: 204 };
			const data = [{ error_message: "invalid column type", line_number: 1, original_line: "host_temp" }];
			return { status: 400, body: { error: "partial write of line protocol occurred", data } };
		});
		await using store = await storeAt(server.url, folder.path, { version: 3 });
		await store.write([numbered(1), numbered(2)]);
		await store.flush();
		assert.deepEqual([store.status().pointsWritten, store.status().pointsRefused], [1, 1]);
	});
});

describe("a server that is none of them", () => {
	it("sets aside what it refuses without saying why, once it takes other lines meanwhile", async () => {
		await using folder = await tempFolder();
		await using server = await RecordingServer.start(({ body }) => {
			return body.includes("celsius=5 ") ? { status: 400, body: "no" } : { status: 204 };
		});
		await using store = await storeAt(server.url, folder.path, { version: 3 });
		await store.write([numbered(5)]);
		void store.flush();
		await until(() => store.status().lastError !== "", { what: "a failure" });
		await store.write(numberedFrom(6, 10));
		await store.flush();
		assert.deepEqual([store.status().pointsWritten, store.status().pointsRefused], [10, 1]);
	});

	for (const [what, answer, message] of [
		["does not say what it is", { status: 200, body: {} }, /does not say which InfluxDB it is/],
		["redirects", { status: 302, headers: { location: "/login" } }, /HTTP 302/],
		["refuses everything", { status: 400, body: "Bad Request" }, /HTTP 400: "Bad Request"/],
	] as const) {
		it(`keeps what it was given where the server ${what}`, async () => {
			await using folder = await tempFolder();
			await using server = await RecordingServer.start(() => answer);
			await using store = await storeAt(server.url, folder.path);
			await store.write([numbered(1)]);
			await until(() => store.status().lastError !== "", { what: "a failure" });
			assert.match(store.status().lastError, message);
			const { pointsRefused, backlogBytes } = store.status();
			assert.equal(pointsRefused, 0);
			assert.ok(backlogBytes > 0);
		});
	}
});
