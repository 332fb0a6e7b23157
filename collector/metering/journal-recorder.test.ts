import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { silentLogger } from "../../common/log.ts";
import type { Point } from "../../common/measurements/measurements.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { until } from "../../test/support/wait.ts";
import { alertNamed } from "../alert/testing.ts";
import { Catalog } from "../catalog/catalog.ts";
import type { ChangesetRecord } from "../catalog/records.ts";
import { changeset, fileChange } from "../detect/test-support.ts";
import { MemorySeriesStore } from "../series/memory-store.ts";
import type { SeriesStore } from "../series/series-store.ts";
import { SignatureBook } from "../signature/signatures.ts";
import { failureOf, reportOf } from "../signature/testing.ts";
import { JournalRecorder } from "./journal-recorder.ts";

const FILES = [fileChange("/a"), fileChange("/b", { changedBytes: 65536 })];
const VERDICT = {
	score: 0.8,
	severity: "warning",
	learning: false,
	features: {},
	contributions: [],
	files: [],
	triggers: [],
} as const;

class Station implements AsyncDisposable {
	readonly catalog: Catalog;
	readonly store = new MemorySeriesStore();
	constructor(catalog: Catalog) {
		this.catalog = catalog;
	}

	async commit(second: number): Promise<ChangesetRecord> {
		const record = changeset(FILES, second, { id: `c-${second}` });
		const { vm, vmUuid: uuid, agentId, host, id: headId, time: headTime } = record;
		await this.catalog.commit({
			changeset: record,
			vm: { vm, uuid, agentId, host, headId, headTime, disks: [] },
			files: FILES,
			firstIndex: 0,
		});
		return record;
	}

	async judge(record: ChangesetRecord, ...alerts: Parameters<typeof alertNamed>[1][]): Promise<void> {
		const raised = alerts.map((part, at) => alertNamed(`${record.id}-${at}`, part));
		await this.catalog.saveJudgement({ changeset: record, verdict: VERDICT, alerts: raised });
	}

	record(store: SeriesStore = this.store): Promise<JournalRecorder> {
		return JournalRecorder.start({ catalog: this.catalog, store, log: silentLogger() });
	}

	/** Seconds at which the store has a score. */
	async scores(): Promise<number[]> {
		const [series] = await this.store.query({ measurement: "anomaly", fields: ["score"], fromNs: 0n, toNs: 2n ** 62n });
		return (series?.timesNs ?? []).map((time) => Number(time / 1_000_000_000n) - 1_760_000_000);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.catalog[Symbol.asyncDispose]();
	}
}

describe("JournalRecorder", () => {
	it("brings what happens into the store, verdict, files and alerts included", async () => {
		await using folder = await tempFolder();
		await using station = new Station(await Catalog.open(folder.path));
		await using _recorder = await station.record();
		const record = await station.commit(60);
		const query = { fromNs: 0n, toNs: 2n ** 62n } as const;
		await until(
			async () => (await station.store.query({ ...query, measurement: "change", fields: ["files"] })).length > 0,
			{
				what: "the changeset, before it is judged",
			},
		);
		await station.judge(record, { severity: "critical" });
		await until(async () => (await station.scores()).length === 1, { what: "the verdict" });
		const hot = await station.store.query({ ...query, measurement: "file_hot", fields: ["path"], groupBy: ["rank"] });
		assert.deepEqual(
			hot.map(({ tags, values }) => [tags["rank"], values["path"]?.[0]]),
			[
				["01", "/b"],
				["02", "/a"],
			],
		);
		const found = await until(
			async () => (await station.store.query({ ...query, measurement: "alert", fields: ["firing", "id"] }))[0],
			{ what: "the alert" },
		);
		assert.deepEqual([found.values["firing"]?.[0], found.values["id"]?.[0]], [1, "c-60-0"]);
	});

	it("brings trials, those that end and those that were there", async () => {
		await using folder = await tempFolder();
		await using station = new Station(await Catalog.open(folder.path));
		const book = new SignatureBook({ catalog: station.catalog, settings: { keep: 10, stories: 10 } });
		await book.file(reportOf(1, null));
		await using _recorder = await station.record();
		await book.file(reportOf(2, failureOf("f in g")));
		const fields = ["count", "time_to_failure_seconds", "id", "signature"];
		const query = {
			measurement: "trial",
			fields,
			fromNs: 0n,
			toNs: 2n ** 62n,
			groupBy: ["outcome", "failure"],
		} as const;
		const found = await until(
			async () => {
				const series = await station.store.query(query);
				return series.length === 2 ? series : undefined;
			},
			{ what: "both trials" },
		);
		assert.deepEqual(
			found.map(({ tags, values }) => [tags["outcome"], tags["failure"], ...fields.map((field) => values[field]?.[0])]),
			[
				["failed", "oops", 1, 3, "t2", "f in g"],
				["survived", "", 1, null, "t1", null],
			],
		);
	});

	it("goes on where it was, and reads what was there before it", async () => {
		await using folder = await tempFolder();
		await using station = new Station(await Catalog.open(folder.path));
		await station.judge(await station.commit(60));
		{
			await using recorder = await station.record();
			await until(async () => (await station.scores()).length === 1 && recorder.behind === 0, { what: "the past" });
		}
		await station.judge(await station.commit(120));
		const taken: Point[] = [];
		const counting: SeriesStore = Object.assign(Object.create(station.store) as SeriesStore, {
			write: async (points: readonly Point[]) => {
				taken.push(...points);
				await station.store.write(points);
			},
		});
		await using recorder = await station.record(counting);
		await until(async () => (await station.scores()).length === 2 && recorder.behind === 0, {
			what: "what came since",
		});
		assert.ok(
			taken.every(({ timeNs }) => timeNs === BigInt(1_760_000_120) * 1_000_000_000n),
			"only what came since",
		);
	});

	it("waits for a store that has no room, and loses nothing by it", async () => {
		await using folder = await tempFolder();
		await using station = new Station(await Catalog.open(folder.path));
		let failures = 0;
		const full: SeriesStore = Object.assign(Object.create(station.store) as SeriesStore, {
			write: async (points: readonly Point[]) => {
				if (failures++ < 2) throw new UmbraError("limit", "the backlog is full");
				await station.store.write(points);
			},
		});
		await using recorder = await station.record(full);
		for (const second of [60, 120, 180]) await station.judge(await station.commit(second));
		await until(async () => (await station.scores()).length === 3 && recorder.behind === 0, { what: "all three" });
	});
});
