/** A whole collector as its watchers see it; and what agents measure on its way to the store. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { silentLogger } from "../../common/log.ts";
import type { Point } from "../../common/measurements/measurements.ts";
import { toLong } from "../../proto/service.ts";
import { needs } from "../../test/support/requires.ts";
import { until } from "../../test/support/wait.ts";
import { openSite } from "../api/testing.ts";
import { TelemetryTable } from "../ingest/telemetry.ts";
import { fileChange, TestVm } from "../ingest/test-agent.ts";
import { MemorySeriesStore } from "../series/memory-store.ts";
import type { SeriesStore } from "../series/series-store.ts";
import { SampleIntake } from "./sample-intake.ts";

const TOKEN = "0123456789abcdef0123";

describe("/metrics, /healthz, /readyz", () => {
	it("tell how the collector, its agents and its VMs are", async () => {
		await using site = await openSite({ token: TOKEN });
		const vm = new TestVm("web-1");
		vm.timeNs = BigInt(Date.now() - 3_600_000) * 1_000_000n;
		await vm.capture(site.agent, [fileChange("/a")]);
		const text = await until(
			async () => {
				const page = await (await site.request("/metrics")).text();
				return /umbra_collector_changesets_total\{.*\} 1$/m.test(page) && page;
			},
			{ what: "the changeset in the metrics" },
		);
		const value = (name: string) => Number(new RegExp(`^${name}\\{.*\\} (.*)$`, "m").exec(text)?.[1]);
		assert.equal(value("umbra_collector_vms"), 1);
		assert.ok(value("umbra_collector_vm_point_age_seconds") > 3000);
		assert.ok(value("umbra_collector_disk_free_bytes") > 0);
		assert.match(text, /umbra_collector_vm_risk\{host="host-1",vm="web-1"\} 0$/m);
		assert.equal((await fetch(`http://${site.collector.apiAddress}/metrics`)).status, 401);
	});

	it("let probes in without a token, and say no more to them than that it works", async () => {
		await using site = await openSite({ token: TOKEN });
		for (const path of ["/healthz", "/readyz"]) {
			const response = await fetch(`http://${site.collector.apiAddress}${path}`);
			assert.deepEqual([response.status, await response.text()], [200, "ok\n"]);
		}
		assert.equal((await fetch(`http://${site.collector.apiAddress}/healthz/../v1/vms`)).status, 401);
	});

	it("are in the words that Prometheus's own tool takes", needs("promtool"), async () => {
		await using site = await openSite();
		await new TestVm('a\\b"c').capture(site.agent);
		const page = await (await site.request("/metrics")).text();
		// prom-client's own names are not ours to choose.
		const ours = page.split("\n").filter((line) => /(^|\s)umbra_/.test(line));
		execFileSync("promtool", ["check", "metrics"], { input: `${ours.join("\n")}\n`, stdio: ["pipe", "pipe", "pipe"] });
	});
});

describe("SampleIntake", () => {
	const tags = { host: "h", vm: "v" };
	const sample = (more: object = {}) => ({
		measurement: "vm",
		tags,
		timeNs: toLong(5_000n),
		fields: { state: 1 },
		...more,
	});

	it("writes what it knows, and leaves out what an agent of another version adds", async () => {
		const store = new MemorySeriesStore();
		const table = new TelemetryTable();
		const intake = new SampleIntake({ table, store, log: silentLogger() });
		await intake.take(
			[
				sample({ fields: { state: 1, mood: 3 } }),
				sample({ measurement: "weather" }),
				sample({ tags: { ...tags, phase: "full" } }),
				sample({ fields: { state: Number.NaN } }),
			],
			new AbortController().signal,
		);
		const [series] = await store.query({ measurement: "vm", fields: ["state"], fromNs: 0n, toNs: 10_000n });
		assert.deepEqual([series?.timesNs, series?.values], [[5_000n], { state: [1] }]);
		assert.deepEqual([table.accepted, store.status().pointsWritten], [3, 1]);
	});

	it("holds an agent back while there is no room, and gives up when it goes", async () => {
		const inner = new MemorySeriesStore();
		let room = false;
		const store: SeriesStore = Object.assign(Object.create(inner) as SeriesStore, {
			write: async (points: readonly Point[]) => {
				if (!room) throw new UmbraError("limit", "the backlog is full");
				await inner.write(points);
			},
		});
		const intake = new SampleIntake({ table: new TelemetryTable(), store, log: silentLogger() });
		const gone = new AbortController();
		const waiting = intake.take([sample()], gone.signal);
		gone.abort(new UmbraError("unavailable", "gone"));
		await assert.rejects(waiting);
		const patient = intake.take([sample()], new AbortController().signal);
		room = true;
		await patient;
		assert.equal(inner.status().pointsWritten, 1);
	});
});
