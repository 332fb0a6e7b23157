/** A whole collector on InfluxDB: samples that an agent was told have arrived are in the database in the end, whoever was killed. */
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { packSamples } from "../proto/samples.ts";
import { toLong } from "../proto/service.ts";
import { Influx } from "../test/support/influx.ts";
import { startUmbra } from "../test/support/processes.ts";
import { testRandom } from "../test/support/random.ts";
import { needs } from "../test/support/requires.ts";
import { freePort } from "../test/support/site.ts";
import { tempFolder } from "../test/support/temp.ts";
import { until } from "../test/support/wait.ts";
import { TestAgent } from "./ingest/test-agent.ts";

const DATABASE = "umbra";
const A_BATCH = 50;
/** Batches on their way, as many as an agent has. */
const UNDER_WAY = 4;
/** 2026-01-01. */
const FIRST_NS = 1_767_225_600_000_000_000n;

/** Batch number `at`; no two samples are of one moment, and each says which it is. */
const batch = (at: number) =>
	packSamples(
		Array.from({ length: A_BATCH }, (_, index) => {
			const number = at * A_BATCH + index;
			const timeNs = toLong(FIRST_NS + BigInt(number) * 1_000_000n);
			return { measurement: "host_temperature", tags: { host: "h", sensor: "s" }, timeNs, fields: { celsius: number } };
		}),
	);

/** Sends batches until the session ends, first those that were not acknowledged, as an agent does. */
async function send(port: number, acknowledged: Set<number>): Promise<void> {
	await using agent = new TestAgent(`127.0.0.1:${port}`);
	let next = 0;
	const push = (): void => {
		while (acknowledged.has(next)) next++;
		stream.write({ telemetry: { sequence: toLong(BigInt(next + 1)), compressed: batch(next) } });
		next++;
	};
	const { stream, ended } = await agent.greet({}, ({ telemetryAck }) => {
		if (telemetryAck === undefined || telemetryAck === null) return;
		acknowledged.add(Number(telemetryAck.sequence) - 1);
		push();
	});
	for (let at = 0; at < UNDER_WAY; at++) push();
	await ended;
}

describe("samples of a collector that is killed", needs("influxd"), () => {
	it("are in InfluxDB once they were acknowledged: SIGKILL of the database, of the collector, of both", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		await mkdir(folder.file("influx"));
		await using influx = await Influx.start(folder.file("influx"));
		const port = await freePort();
		const config = folder.file("collector.yaml");
		const series = `series: { store: influxdb, url: "${influx.url}", database: ${DATABASE} }`;
		const listen = `listen: { agents: "127.0.0.1:${port}", api: "127.0.0.1:0" }`;
		await writeFile(config, `dataDir: ${folder.file("data")}\n${listen}\n${series}\n`);
		const start = async () => {
			const collector = await startUmbra(["collector", "--config", config]);
			await collector.said(/collector started/, { timeoutMs: 60_000 });
			return collector;
		};
		const acknowledged = new Set<number>();
		for (const killed of [...random.shuffle(["database", "collector", "both"]), "collector"]) {
			await using collector = await start();
			const before = acknowledged.size;
			const sent = send(port, acknowledged);
			await until(() => acknowledged.size > before, { what: "batches are acknowledged" });
			await sleep(random.below(300));
			if (killed !== "collector") await influx.kill();
			if (killed === "database") {
				const without = acknowledged.size;
				await until(() => acknowledged.size > without, { what: "batches are acknowledged without a database" });
			}
			if (killed !== "database") await collector.kill();
			if (killed !== "collector") await influx.restart();
			await sleep(random.below(300));
			await collector.kill();
			await sent;
		}
		const wanted = [...acknowledged].flatMap((at) =>
			Array.from({ length: A_BATCH }, (_, index) => at * A_BATCH + index),
		);
		context.diagnostic(`${wanted.length} samples were acknowledged`);
		assert.ok(wanted.length >= 5 * A_BATCH, `${wanted.length}`);
		await using _collector = await start();
		await until(
			async () => {
				const [row] = await influx.query(`SELECT "celsius" FROM "host_temperature"`, DATABASE);
				const there = new Set(row?.values.map(([, celsius]) => celsius));
				return wanted.every((number) => there.has(number));
			},
			{ what: "all that was acknowledged is in the database", timeoutMs: 60_000, intervalMs: 300 },
		);
	});
});
