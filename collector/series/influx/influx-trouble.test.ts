/** The store on a real InfluxDB that refuses, stalls, is missing, or wants a password. */
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { silentLogger } from "../../../common/log.ts";
import type { Point } from "../../../common/measurements/measurements.ts";
import { Influx } from "../../../test/support/influx.ts";
import { startProgram } from "../../../test/support/processes.ts";
import { needs } from "../../../test/support/requires.ts";
import { freePort } from "../../../test/support/site.ts";
import { type TempFolder, tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import { openInfluxStore } from "./influx-store.ts";
import { influxSettings } from "./settings.ts";
import { numbered, numberedFrom, StallingProxy, storeAt } from "./testing.ts";

const STALLED = fileURLToPath(new URL("./stalled-child.ts", import.meta.url));
const MIB = 2 ** 20;

describe("InfluxStore, in trouble", needs("influxd"), () => {
	let folder: TempFolder;
	let influx: Influx;
	before(async () => {
		folder = await tempFolder();
		await mkdir(folder.file("influx"));
		influx = await Influx.start(folder.file("influx"));
	});
	after(async () => {
		await influx[Symbol.asyncDispose]();
		await folder[Symbol.asyncDispose]();
	});

	async function ownFolder(name: string): Promise<string> {
		await mkdir(folder.file(name));
		return folder.file(name);
	}

	function vm(number: number, name = "web1"): Point {
		return { ...numbered(number), measurement: "vm", tags: { host: "h", vm: name }, fields: { state: number } };
	}

	it("sets aside points whose type conflicts, with the reason, and writes all others", async () => {
		await influx.query('CREATE DATABASE "conflict"');
		// Somebody else wrote this field as a whole number.
		const wrote = await fetch(`${influx.url}/write?db=conflict`, {
			method: "POST",
			body: `vm state=1i ${vm(0).timeNs}`,
		});
		assert.equal(wrote.status, 204);
		const own = await ownFolder("conflict");
		await using store = await storeAt(influx.url, own, { database: "conflict" });
		await store.write([
			...numberedFrom(0, 3000),
			...[1, 2, 3].map((number) => vm(number)),
			...numberedFrom(3000, 3000),
		]);
		await store.flush();
		assert.equal(await influx.count("conflict", "host_temperature", "celsius"), 6000);
		const { pointsWritten, pointsRefused, lastError, backlogBytes } = store.status();
		assert.deepEqual([pointsWritten, pointsRefused, lastError, backlogBytes], [6000, 3, "", 0]);
		const told = (await readFile(`${own}/refused.lp`, "utf8")).split("\n");
		assert.match(told[0] ?? "", /^# 20.*Z partial write: field type conflict: input field "state" on measurement "vm"/);
		assert.deepEqual(told.slice(1), [
			...[1, 2, 3].map((each) => `vm,host=h,vm=web1 state=${each} ${vm(each).timeNs}`),
			"",
		]);
	});

	it("sets aside a point whose key is too long, and only that", async () => {
		await using store = await storeAt(influx.url, await ownFolder("long"), { database: "long" });
		await store.write([vm(1), vm(2, "x".repeat(70_000)), vm(3, "y".repeat(60_000))]);
		await store.flush();
		assert.deepEqual([store.status().pointsWritten, store.status().pointsRefused], [2, 1]);
		assert.equal(await influx.count("long", "vm", "state"), 2);
	});

	it("makes the database with its retention, and sets aside points that are older", async () => {
		const own = await ownFolder("retention");
		const settings = { database: "short", retention: "2h", retentionPolicy: "two hours" };
		await using store = await storeAt(influx.url, own, settings);
		const now = BigInt(Date.now()) * 1_000_000n;
		await store.write([{ ...vm(0), timeNs: now }, vm(1), { ...vm(2), timeNs: now - 1n }]);
		await store.flush();
		const [policies] = await influx.query('SHOW RETENTION POLICIES ON "short"');
		assert.deepEqual(
			policies?.values.map(([name, duration]) => [name, duration]),
			[["two hours", "2h0m0s"]],
		);
		assert.deepEqual([store.status().pointsWritten, store.status().pointsRefused], [2, 1]);
		assert.match(await readFile(`${own}/refused.lp`, "utf8"), /beyond retention policy dropped=1\nvm,.* state=1 /);
		const [series] = await store.query({ measurement: "vm", fields: ["state"], fromNs: now - 1n, toNs: now + 1n });
		assert.deepEqual(series?.values, { state: [2, 0] });
	});

	it("adds a retention policy to a database that is there", async () => {
		await influx.query('CREATE DATABASE "kept"');
		await using store = await storeAt(influx.url, await ownFolder("kept"), {
			database: "kept",
			retentionPolicy: "umbra",
		});
		await store.write([vm(1)]);
		await store.flush();
		assert.equal((await influx.query('SELECT * FROM "umbra"."vm"', "kept"))[0]?.values.length, 1);
	});

	it("keeps points while the database is missing and must not be made, and says so", async () => {
		await using store = await storeAt(influx.url, await ownFolder("missing"), {
			database: "absent",
			createDatabase: false,
		});
		await store.write([vm(1)]);
		void store.flush().catch(() => {});
		await until(() => store.status().lastError !== "", { what: "a failure" });
		assert.match(store.status().lastError, /HTTP 404: database not found: "absent"/);
		await assert.rejects(store.query({ measurement: "vm", fields: ["state"], fromNs: 0n, toNs: 1n }), {
			code: "unavailable",
			message: /database not found/,
			hint: /missing/,
		});
		assert.equal(store.status().pointsWritten, 0);
		await influx.query('CREATE DATABASE "absent"');
		await store.flush();
		assert.equal(await influx.count("absent", "vm", "state"), 1);
		assert.equal(store.status().lastError, "");
	});

	it("makes the database again that somebody dropped", async () => {
		await using store = await storeAt(influx.url, await ownFolder("dropped"), { database: "dropped" });
		await store.write([vm(1)]);
		await store.flush();
		await influx.query('DROP DATABASE "dropped"');
		await store.write([vm(2)]);
		await store.flush();
		assert.equal(await influx.count("dropped", "vm", "state"), 1);
	});

	it("keeps a rewritten point's later value, though batches were under way at the same time", async () => {
		await using proxy = await StallingProxy.start(influx.url, true);
		await using store = await storeAt(proxy.url, await ownFolder("order"), { database: "order", timeout: "1s" });
		const rewrites = 40;
		for (let value = 0; value < rewrites; value++) {
			const points = numberedFrom(0, 1000).map((point) => ({ ...point, fields: { celsius: value } }));
			await store.write(points);
		}
		proxy.stalls = false;
		await store.flush();
		const [row] = await influx.query('SELECT min("celsius"), count("celsius") FROM "host_temperature"', "order");
		assert.deepEqual(row?.values[0]?.slice(1), [rewrites - 1, 1000]);
	});

	it("holds its memory and refuses with limit while the database stalls", async (context) => {
		const own = await ownFolder("stalled");
		await using proxy = await StallingProxy.start(influx.url, true);
		const args = ["--expose-gc", STALLED, proxy.url, own, String(160 * MIB)];
		await using child = await startProgram(process.execPath, args);
		assert.equal(await child.finished, 0, child.output());
		const told = JSON.parse(child.stdout());
		assert.equal(told.code, "limit");
		assert.ok(told.backlogBytes >= 160 * MIB && told.backlogBytes < 161 * MIB, child.stdout());
		assert.ok(told.keptBytes < 80 * MIB, child.stdout());
		// With garbage, of which there may be much for a while, and still less than all that is in the backlog.
		assert.ok(told.grownBytes < 128 * MIB, child.stdout());
		assert.ok((await readdir(`${own}/backlog`)).length > 8);
		context.diagnostic(child.stdout());
	});

	it("answers again once a stalled database does, without losing or repeating a point", async () => {
		await using proxy = await StallingProxy.start(influx.url, true);
		const settings = { database: "again", timeout: "1s", backlogLimit: "1MiB", version: 1 };
		await using store = await storeAt(proxy.url, await ownFolder("again"), settings);
		let taken = 0;
		const full = async () => {
			for (;;) {
				await store.write(numberedFrom(taken, 1000));
				taken += 1000;
			}
		};
		await assert.rejects(full(), { code: "limit", hint: /backlogLimit/ });
		const { backlogBytes } = store.status();
		await assert.rejects(store.write(numberedFrom(taken, 1000)), { code: "limit" });
		assert.equal(store.status().backlogBytes, backlogBytes);
		await until(() => store.status().writeFailures > 0, { what: "a time that is over" });
		assert.match(store.status().lastError, /did not answer within 1000 ms/);
		assert.ok(store.status().backlogSeconds > 0);
		proxy.stalls = false;
		await store.flush();
		assert.equal(await influx.count("again", "host_temperature", "celsius"), taken);
		await store.write(numberedFrom(taken, 1000));
	});

	it("begins while the database is away, and has what was written when it comes", async () => {
		const port = await freePort();
		await using store = await storeAt(`http://127.0.0.1:${port}`, await ownFolder("away"));
		await store.write([vm(1)]);
		await until(() => store.status().writeFailures > 0, { what: "a failure" });
		assert.match(store.status().lastError, /cannot reach http:\/\/127\.0\.0\.1:\d+: ECONNREFUSED/);
		await assert.rejects(store.query({ measurement: "vm", fields: ["state"], fromNs: 0n, toNs: 1n }), {
			code: "unavailable",
		});
		await assert.rejects(store.flush(AbortSignal.timeout(50)), { name: "TimeoutError" });
	});

	it("shows a user's password, says where it is wrong, and writes it nowhere", async () => {
		await mkdir(folder.file("guarded"));
		await using guarded = await Influx.start(folder.file("guarded"), { auth: true });
		const password = 'it\'s a "secret" ü';
		await guarded.query(`CREATE USER "umbra" WITH PASSWORD '${password.replace("'", "\\'")}' WITH ALL PRIVILEGES`);
		const passwordFile = folder.file("password");
		const lines: string[] = [];
		const log = silentLogger();
		const listen = (fields: unknown, text?: unknown) => void lines.push(JSON.stringify([fields, text]));
		Object.assign(log, { info: listen, warn: listen, error: listen });
		const own = await ownFolder("secret");
		const open = async (secret: string) => {
			await writeFile(passwordFile, `${secret}\n`, { mode: 0o600 });
			const settings = influxSettings.parse({ store: "influxdb", url: guarded.url, username: "umbra", passwordFile });
			return await openInfluxStore({ folder: own, settings, log });
		};
		{
			await using store = await open("wrong-password");
			await store.write([vm(1)]);
			await until(() => store.status().lastError !== "", { what: "a refusal" });
			assert.match(store.status().lastError, /HTTP 401: authorization failed/);
			assert.ok(!JSON.stringify(store.status()).includes("wrong-password"));
		}
		await using store = await open(password);
		await store.flush();
		const [series] = await store.query({ measurement: "vm", fields: ["state"], fromNs: 0n, toNs: 2n ** 62n });
		assert.deepEqual(series?.values, { state: [1] });
		assert.ok(
			lines.some((line) => line.includes("series.tokenFile, or username and passwordFile")),
			lines.join("\n"),
		);
		assert.ok(!lines.some((line) => line.includes("wrong-password") || line.includes("secret")), lines.join("\n"));
	});

	it("keeps the field time, of which InfluxDB itself thinks nothing, in points and in rates", async () => {
		await using store = await storeAt(influx.url, await ownFolder("time"), { database: "time" });
		const points = [0, 10_000].map((number) => ({
			...numbered(number),
			measurement: "vm_vcpu" as const,
			tags: { host: "h", vm: "v", vcpu: "0" },
			fields: { time: number * 1000, state: 1 },
		}));
		await store.write(points);
		await store.flush();
		const range = { measurement: "vm_vcpu", fields: ["time"], fromNs: 0n, toNs: 2n ** 62n } as const;
		assert.deepEqual((await store.query(range))[0]?.values, { time: [0, 10_000_000] });
		const window = { everyNs: 10_000_000_000n, aggregate: "last" } as const;
		assert.deepEqual((await store.query({ ...range, window, rate: true }))[0]?.values, { time: [1_000_000] });
	});
});
