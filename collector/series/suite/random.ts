/** Part of `suite.ts`: random writes and questions, answered as the plain store in memory answers them. */
import assert from "node:assert/strict";
import { it } from "node:test";
import type { Point } from "../../../common/measurements/measurements.ts";
import { type Random, testRandom } from "../../../test/support/random.ts";
import { MemorySeriesStore } from "../memory-store.ts";
import type { Aggregate, Series, SeriesQuery, SeriesStore } from "../series-store.ts";
import { BASE_NS, HOUR_NS, SECOND_NS, type Stores } from "./stores.ts";

const ROUNDS = 15;
const QUERIES_A_ROUND = 6;
const VMS = ["a", "b", "c'", ""];
const DISKS = ["vda", "vdb"];
const NUMBER_AGGREGATES: readonly Aggregate[] = ["mean", "min", "max", "sum", "count", "first", "last", "median"];
const TEXT_AGGREGATES: readonly Aggregate[] = ["first", "last", "count"];

export function answersRandomQuestions({ makePlace }: Stores): void {
	it("answers random questions after random writes as the plain store does", async (context) => {
		const random = testRandom(context);
		await using place = await makePlace();
		const model = new MemorySeriesStore();
		let store = await place.open();
		try {
			const earlier: Point[] = [];
			for (let round = 0; round < ROUNDS; round++) {
				const points = Array.from({ length: random.between(1, 60) }, () =>
					earlier.length > 0 && random.chance(0.15) ? random.pick(earlier) : randomPoint(random),
				);
				earlier.push(...points);
				await store.write(points);
				await model.write(points);
				if (random.chance(0.15)) {
					await store[Symbol.asyncDispose]();
					store = await place.open();
				}
				await store.flush();
				for (let each = 0; each < QUERIES_A_ROUND; each++) await compare(store, model, randomQuery(random));
			}
		} finally {
			await store[Symbol.asyncDispose]();
		}
	});
}

async function compare(store: SeriesStore, model: SeriesStore, query: SeriesQuery): Promise<void> {
	const [found, wanted] = [rounded(await store.query(query)), rounded(await model.query(query))];
	assert.deepEqual(
		found,
		wanted,
		JSON.stringify(query, (_, value) => (typeof value === "bigint" ? `${value}` : value)),
	);
}

/** Two stores may add in another order: only the leading digits count. */
function rounded(series: readonly Series[]): Series[] {
	return series.map(({ tags, timesNs, values }) => ({
		tags,
		timesNs,
		values: Object.fromEntries(
			Object.entries(values).map(([field, list]) => [
				field,
				list.map((value) => (typeof value === "number" ? Number(value.toPrecision(10)) : value)),
			]),
		),
	}));
}

/** No two series have a point at the same instant: which of them is the last then is nobody's promise. */
function randomPoint(random: Random): Point {
	const [vm, disk] = [random.below(VMS.length), random.below(DISKS.length)];
	const about = random.chance(0.1) ? -3 * 86_400 : 0;
	const timeNs = BASE_NS + SECOND_NS * BigInt(about + random.below(1200)) + BigInt(vm * 10 + disk);
	const tags = { host: vm < 2 ? "h1" : "h2", vm: VMS[vm]! };
	if (random.chance(0.3)) {
		const fields: Record<string, string | number> = { feature: random.pick(["x", "y", 'z"\\', "w\n"]) };
		if (random.chance(0.7)) fields["score"] = random.below(1000) / 8;
		return { measurement: "anomaly", tags: { ...tags, severity: disk === 0 ? "info" : "warning" }, timeNs, fields };
	}
	const fields: Record<string, number> = { rd_bytes: random.below(1e6) };
	if (random.chance(0.5)) fields["wr_bytes"] = random.below(1e12) * 1024;
	if (random.chance(0.5)) fields["idle_seconds"] = random.between(-50, 50) / 4;
	if (random.chance(0.2)) delete fields["rd_bytes"];
	if (Object.keys(fields).length === 0) fields["errors"] = 1;
	return { measurement: "vm_disk", tags: { ...tags, disk: DISKS[disk]! }, timeNs, fields };
}

function randomQuery(random: Random): SeriesQuery {
	const texts = random.chance(0.3);
	const rate = !texts && random.chance(0.25);
	const windowed = rate || random.chance(0.6);
	const some = <T>(values: readonly T[]): T[] => random.shuffle(values).slice(0, random.between(1, values.length));
	const fields = some(
		texts ? ["feature", "score"] : rate ? ["rd_bytes", "wr_bytes"] : ["rd_bytes", "wr_bytes", "idle_seconds"],
	);
	const old = random.chance(0.2) || rate;
	const fromNs = old
		? BASE_NS - 80n * HOUR_NS
		: BASE_NS + SECOND_NS * BigInt(random.below(600)) + BigInt(random.below(40));
	const toNs = fromNs + (old ? 82n * HOUR_NS : SECOND_NS * BigInt(random.below(900)));
	const everyNs = SECOND_NS * BigInt(random.pick([1, 7, 10, 60, 100, 3600]));
	const where: Record<string, string | string[]> = {};
	if (random.chance(0.4)) where["vm"] = random.chance(0.5) ? random.pick(VMS) : some(VMS);
	if (random.chance(0.2)) where["host"] = random.pick(["h1", "h2", "h3"]);
	return {
		measurement: texts ? "anomaly" : "vm_disk",
		fields,
		where,
		fromNs,
		toNs,
		groupBy: random.chance(0.7) ? some(texts ? ["host", "vm", "severity"] : ["host", "vm", "disk"]) : [],
		...(windowed && { window: { everyNs, aggregate: random.pick(texts ? TEXT_AGGREGATES : NUMBER_AGGREGATES) } }),
		...(rate && { rate }),
		...(random.chance(0.3) && { descending: true }),
		...(random.chance(0.3) && { limit: random.between(1, 20) }),
	};
}
