/** A real VictoriaMetrics takes what the store writes. */
import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { describe, it } from "node:test";
import { startProgram } from "../../../test/support/processes.ts";
import { needs } from "../../../test/support/requires.ts";
import { freePort } from "../../../test/support/site.ts";
import { tempFolder } from "../../../test/support/temp.ts";
import { until } from "../../../test/support/wait.ts";
import { numbered, numberedFrom, storeAt } from "./testing.ts";

describe("VictoriaMetrics", needs("victoria-metrics"), () => {
	it("takes numbers, and never sees texts; the store says that it cannot ask it", async () => {
		await using folder = await tempFolder();
		await mkdir(folder.file("store"));
		const url = `http://127.0.0.1:${await freePort()}`;
		await using server = await startProgram("victoria-metrics", [
			...[`-storageDataPath=${folder.file("data")}`, `-httpListenAddr=${new URL(url).host}`, "-retentionPeriod=100y"],
		]);
		const answers = async (path: string) => await fetch(`${url}${path}`).catch(() => undefined);
		await until(async () => (await answers("/health"))?.status === 200, { what: `it answers; ${server.output()}` });
		await using store = await storeAt(url, folder.file("store"), { version: "victoriametrics" });
		await store.write([
			...numberedFrom(0, 1000),
			{
				...{ measurement: "anomaly", timeNs: numbered(0).timeNs },
				...{ tags: { host: "h1", vm: "a b,c=d", severity: "info" }, fields: { score: 0.5, feature: "a\nb" } },
			},
		]);
		await store.flush();
		assert.deepEqual([store.status().pointsWritten, store.status().pointsRefused], [1001, 0]);
		const series = await until(
			async () => {
				await answers("/internal/force_flush");
				const text = await (await answers('/api/v1/export?match[]={__name__!=""}'))?.text();
				const found =
					text
						?.trim()
						.split("\n")
						.map((line) => JSON.parse(line || "{}")) ?? [];
				return found.length === 17 ? found : undefined;
			},
			{ what: "17 series" },
		);
		const anomaly = series.find(({ metric }) => metric.__name__ === "anomaly_score");
		assert.deepEqual(anomaly.metric, {
			...{ __name__: "anomaly_score", db: "umbra", host: "h1", vm: "a b,c=d", severity: "info" },
		});
		assert.deepEqual(anomaly.values, [0.5]);
		const temperatures = series.filter(({ metric }) => metric.__name__ === "host_temperature_celsius");
		const values = temperatures.flatMap((each) => each.values as number[]).sort((a, b) => a - b);
		assert.deepEqual(
			values,
			Array.from({ length: 1000 }, (_, at) => at),
		);
		await assert.rejects(store.query({ measurement: "vm", fields: ["state"], fromNs: 0n, toNs: 1n }), {
			code: "unsupported",
			hint: /MetricsQL/,
		});
	});
});
