/** What becomes of points as the days go by. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Point } from "../../../common/measurements/measurements.ts";
import { testRandom } from "../../../test/support/random.ts";
import { MemorySeriesStore } from "../memory-store.ts";
import type { Aggregate, Series, SeriesQuery, SeriesStore } from "../series-store.ts";
import type { EmbeddedStore } from "./embedded.ts";
import { DAY_NS, HOUR_NS, MINUTE_NS } from "./layout.ts";
import { type EmbeddedPlace, embeddedPlace, testSettings } from "./testing.ts";

/** 2026-03-01, a Sunday. */
const BASE_NS = 1_772_323_200n * 1_000_000_000n;
const SECOND_NS = 1_000_000_000n;
const RETENTION = { raw: "2d", minute: "5d", hour: "100d" };

/** A store with a clock that is set by hand. */
class Site implements AsyncDisposable {
	nowNs = BASE_NS;
	readonly #place: EmbeddedPlace;
	store!: EmbeddedStore;

	private constructor(place: EmbeddedPlace) {
		this.#place = place;
	}

	static async make(): Promise<Site> {
		const site = new Site(await embeddedPlace());
		await site.open();
		return site;
	}

	async open(): Promise<void> {
		this.store = await this.#place.open({ settings: testSettings(RETENTION), now: () => this.nowNs });
	}

	/** Lets it become that late, and upkeep do what is due then. */
	async until(nowNs: bigint): Promise<void> {
		this.nowNs = nowNs;
		await this.store.tidy();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.store[Symbol.asyncDispose]();
		await this.#place[Symbol.asyncDispose]();
	}
}

function vmPoint(timeNs: bigint, vm: string, fields: Record<string, number>): Point {
	return { measurement: "vm", tags: { host: "h1", vm }, timeNs, fields };
}

function anomaly(timeNs: bigint, feature: string): Point {
	return { measurement: "anomaly", tags: { host: "h1", vm: "a", severity: "info" }, timeNs, fields: { feature } };
}

const FIELDS = ["threads", "cpu_time"];
const ALL: SeriesQuery = {
	measurement: "vm",
	fields: FIELDS,
	fromNs: BASE_NS - 2n * DAY_NS,
	toNs: BASE_NS + 9n * DAY_NS,
};

const EXACT: readonly Aggregate[] = ["mean", "min", "max", "sum", "count"];
/** What tells all series apart. */
const TAGS = ["vm", "host"];

/** Questions that minutes (or hours, where they are whole ones) answer exactly. */
function exactQuestions(everyNs: bigint): SeriesQuery[] {
	const gauges = EXACT.map(
		(aggregate): SeriesQuery => ({ ...ALL, fields: ["threads"], window: { everyNs, aggregate } }),
	);
	const window = { everyNs, aggregate: "last" } as const;
	return [
		...gauges,
		{ ...gauges[0]!, groupBy: ["vm"], descending: true, limit: 7 },
		{ ...ALL, window, groupBy: TAGS },
		{ ...ALL, window, groupBy: ["host"], where: { vm: "b" } },
		{ ...ALL, fields: ["cpu_time"], rate: true, window },
		{ ...ALL, fields: ["cpu_time"], rate: true, window, groupBy: ["vm"], where: { vm: ["a", "c"] } },
	];
}

async function sameAs(
	model: SeriesStore,
	store: SeriesStore,
	questions: readonly SeriesQuery[],
	when: string,
): Promise<void> {
	for (const query of questions) {
		const [found, wanted] = [rounded(await store.query(query)), rounded(await model.query(query))];
		const asked = JSON.stringify(query, (_, value) => (typeof value === "bigint" ? `${value}` : value));
		assert.deepEqual(found, wanted, `${when}: ${asked}`);
	}
}

function rounded(series: readonly Series[]): unknown {
	return series.map(({ tags, timesNs, values }) => {
		const lists = Object.entries(values).map(([field, list]) => [
			field,
			list.map((value) => (typeof value === "number" ? Number(value.toPrecision(9)) : value)),
		]);
		return { tags, timesNs, values: Object.fromEntries(lists) };
	});
}

describe("upkeep of the embedded store", () => {
	it("answers the same from raw points, from minutes and from hours", async (context) => {
		const random = testRandom(context);
		await using site = await Site.make();
		const model = new MemorySeriesStore();
		const write = async (points: readonly Point[]): Promise<void> => {
			await Promise.all([site.store.write(points), model.write(points)]);
			await site.store.flush();
		};
		const counters = new Map<string, number>();
		for (let part = 0; part < 4; part++) {
			const points: Point[] = [];
			for (const [place, vm] of ["a", "b", "c"].entries()) {
				for (let minute = 0; minute < 720; minute += random.between(1, 25)) {
					const seconds = BigInt(part * 43_200 + minute * 60 + random.below(60));
					const risen = (counters.get(vm) ?? 0) + random.below(1000);
					counters.set(vm, random.chance(0.02) ? 0 : risen);
					// Apart by nanoseconds, so that it is clear which is the last.
					const timeNs = BASE_NS + seconds * SECOND_NS + BigInt(place);
					points.push(vmPoint(timeNs, vm, { threads: random.below(50), cpu_time: counters.get(vm)! }));
				}
			}
			await write(random.shuffle(points));
			await site.until(BASE_NS + BigInt(part + 1) * 12n * HOUR_NS);
		}
		const minutely = exactQuestions(MINUTE_NS * BigInt(random.pick([1, 5, 12])));
		const hourly = exactQuestions(HOUR_NS * BigInt(random.pick([1, 3, 5, 24])));
		const odd = [...exactQuestions(7n * SECOND_NS).slice(4, 7), { ...ALL, groupBy: ["vm"] }];
		// Without rates: what the first window's is made of is another question.
		const whole = [...minutely, ...hourly].filter(({ rate }) => rate !== true);
		const cut = whole.map((query) => ({
			...query,
			fromNs: BASE_NS + 3n * HOUR_NS + 61n * SECOND_NS,
			toNs: BASE_NS + 31n * HOUR_NS + 7n,
		}));
		await sameAs(model, site.store, [...minutely, ...hourly, ...odd, ...cut], "raw");
		await site.until(BASE_NS + 2n * DAY_NS + 2n * HOUR_NS);
		assert.equal(site.store.sizes().minute.parts, 2);
		await sameAs(model, site.store, [...minutely, ...hourly, ...odd, ...cut], "folded");
		// Of what comes late and replaces values the answers are still right.
		await write([
			vmPoint(BASE_NS + 90n * SECOND_NS, "a", { threads: 1000 }),
			vmPoint(BASE_NS + DAY_NS, "d", { threads: 5 }),
		]);
		await sameAs(model, site.store, [...minutely, ...hourly, ...cut], "late");
		await site.until(site.nowNs);
		await sameAs(model, site.store, [...minutely, ...hourly, ...cut], "late, in parts");
		await site.until(BASE_NS + 4n * DAY_NS);
		assert.equal(site.store.sizes().raw.parts, 0);
		assert.equal(site.store.sizes().minute.parts, 2);
		await sameAs(model, site.store, [...minutely, ...hourly], "without raw points");
		await site.store[Symbol.asyncDispose]();
		await site.open();
		await sameAs(model, site.store, [...minutely, ...hourly], "without raw points, opened again");
		await site.until(BASE_NS + 7n * DAY_NS);
		assert.deepEqual([site.store.sizes().minute.parts, site.store.sizes().hour.parts], [0, 2]);
		await sameAs(model, site.store, hourly, "without minutes");
		await site.until(BASE_NS + 102n * DAY_NS);
		assert.deepEqual(site.store.sizes().hour, { parts: 0, rows: 0, bytes: 0 });
		assert.deepEqual(await site.store.query(ALL), []);
	});

	it("tells of past days a point a minute or an hour: the mean of gauges, the last of counters and texts", async () => {
		await using site = await Site.make();
		const at = (seconds: number): bigint => BASE_NS + BigInt(seconds) * SECOND_NS;
		await site.store.write([
			vmPoint(at(61), "a", { threads: 2, cpu_time: 10 }),
			vmPoint(at(62), "a", { threads: 4, cpu_time: 20 }),
			vmPoint(at(119), "a", { threads: 9, cpu_time: 15 }),
			vmPoint(at(300), "a", { cpu_time: 99 }),
			...["x", "y", "z"].map((feature, second) => anomaly(at(second), feature)),
		]);
		await site.until(BASE_NS + 4n * DAY_NS);
		const [minutes] = await site.store.query(ALL);
		assert.deepEqual(minutes?.timesNs, [at(60), at(300)]);
		assert.deepEqual(minutes?.values, { threads: [5, null], cpu_time: [15, 99] });
		const texts = { ...ALL, measurement: "anomaly", fields: ["feature"] } as const;
		assert.deepEqual((await site.store.query(texts))[0]?.values, { feature: ["z"] });
		const counts = await site.store.query({ ...texts, window: { everyNs: DAY_NS, aggregate: "count" } });
		assert.deepEqual(counts[0]?.values, { feature: [3] });
		await site.until(BASE_NS + 7n * DAY_NS);
		const [hours] = await site.store.query(ALL);
		assert.deepEqual(hours?.timesNs, [at(0)]);
		assert.deepEqual(hours?.values, { threads: [5], cpu_time: [99] });
	});

	it("asks raw points as long as they cover the range, and coarser ones only beyond", async () => {
		await using site = await Site.make();
		const points = [0, 1, 2, 3].map((day) => vmPoint(BASE_NS + BigInt(day) * DAY_NS + 5n, "a", { threads: day }));
		await site.store.write(points);
		await site.until(BASE_NS + 4n * DAY_NS);
		const times = async (fromNs: bigint): Promise<bigint[]> =>
			(await site.store.query({ ...ALL, fromNs })).flatMap(({ timesNs }) => timesNs.map((time) => time - BASE_NS));
		assert.deepEqual(await times(BASE_NS + 2n * DAY_NS), [2n * DAY_NS + 5n, 3n * DAY_NS + 5n]);
		// The newest day has no minutes yet.
		assert.deepEqual(await times(BASE_NS), [0n, DAY_NS, 2n * DAY_NS, 3n * DAY_NS + 5n]);
	});

	it("fills gaps of days whose raw points are gone, and leaves what they have", async () => {
		await using site = await Site.make();
		await site.store.write([
			vmPoint(BASE_NS, "a", { threads: 7 }),
			vmPoint(BASE_NS + 3n * DAY_NS, "a", { threads: 3 }),
		]);
		await site.until(BASE_NS + 4n * DAY_NS);
		await site.store.write([
			vmPoint(BASE_NS + 1n, "a", { threads: 100 }),
			vmPoint(BASE_NS + MINUTE_NS, "a", { threads: 8 }),
			vmPoint(BASE_NS, "b", { threads: 9 }),
		]);
		await site.store.flush();
		const found = await site.store.query({ ...ALL, fields: ["threads"], groupBy: ["vm"], toNs: BASE_NS + DAY_NS });
		assert.deepEqual(
			found.map(({ tags, timesNs, values }) => [tags["vm"], timesNs.map((time) => time - BASE_NS), values["threads"]]),
			[
				["a", [0n, MINUTE_NS], [7, 8]],
				["b", [0n], [9]],
			],
		);
		assert.equal(site.store.sizes().raw.rows, 1);
	});

	it("merges the parts of a day before they are many", async () => {
		await using site = await Site.make();
		for (let round = 0; round < 20; round++) {
			const timeNs = BASE_NS + BigInt(round) * MINUTE_NS;
			await site.store.write([vmPoint(timeNs, "a", { threads: round }), vmPoint(BASE_NS, "b", { threads: round })]);
			await site.store.tidy();
			assert.ok(site.store.sizes().raw.parts <= 14, `${site.store.sizes().raw.parts} parts`);
		}
		const [a, b] = await site.store.query({ ...ALL, fields: ["threads"], groupBy: ["vm"] });
		assert.deepEqual(
			a?.values["threads"],
			Array.from({ length: 20 }, (_, round) => round),
		);
		assert.deepEqual(b?.values["threads"], [19]);
	});

	it("joins the hours of a month", async () => {
		await using site = await Site.make();
		const days = [0, 5, 30, 31, 60, 61, 64, 70];
		const points = days.map((day) => vmPoint(BASE_NS + BigInt(day) * DAY_NS, "a", { threads: day }));
		await site.store.write(points);
		await site.until(BASE_NS + 71n * DAY_NS);
		// March and April as one each, two days of May; the newest is not folded yet.
		assert.equal(site.store.sizes().hour.parts, 2 + 2);
		const threads = async (): Promise<unknown> =>
			(await site.store.query({ ...ALL, fields: ["threads"], toNs: BASE_NS + 100n * DAY_NS }))[0]?.values["threads"];
		assert.deepEqual(await threads(), days);
		await site.until(BASE_NS + (31n + 101n) * DAY_NS);
		assert.deepEqual(await threads(), days.slice(3));
	});
});
