import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { orAborted } from "../../common/abort.ts";
import { UmbraError } from "../../common/errors.ts";
import { toLong } from "../../proto/service.ts";
import { collectGarbage } from "../../test/support/garbage.ts";
import { testRandom } from "../../test/support/random.ts";
import { until } from "../../test/support/wait.ts";
import { ByteBudget } from "./byte-budget.ts";
import { KeyedMutex } from "./keyed-mutex.ts";
import { TelemetryTable } from "./telemetry.ts";

const NEVER = new AbortController().signal;
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("ByteBudget", () => {
	it("lets those who wait in, in order, as bytes are given back", async () => {
		const budget = new ByteBudget(10);
		const order: string[] = [];
		await budget.acquire(6, NEVER);
		const big = budget.acquire(8, NEVER).then(() => order.push("big"));
		// It would fit, but it came later.
		const small = budget.acquire(1, NEVER).then(() => order.push("small"));
		await turn();
		assert.deepEqual(order, []);
		budget.release(6);
		await Promise.all([big, small]);
		assert.deepEqual(order, ["big", "small"]);
		assert.equal(budget.used, 9);
	});

	it("gives a request larger than itself everything, alone", async () => {
		const budget = new ByteBudget(10);
		await budget.acquire(50, NEVER);
		let second = false;
		const waiting = budget.acquire(1, NEVER).then(() => (second = true));
		await turn();
		assert.equal(second, false);
		budget.release(50);
		await waiting;
	});

	it("forgets who gave up, and lets the next one in", async () => {
		const budget = new ByteBudget(10);
		await budget.acquire(8, NEVER);
		const stop = new AbortController();
		const given = budget.acquire(5, stop.signal);
		const next = budget.acquire(2, NEVER);
		stop.abort(new UmbraError("unavailable", "gone"));
		await assert.rejects(given, { code: "unavailable" });
		await next;
		assert.equal(budget.used, 10);
		await assert.rejects(budget.acquire(1, stop.signal), { code: "unavailable" });
		assert.equal(budget.used, 10);
	});
});

describe("KeyedMutex", () => {
	it("holds one key for one holder at a time, others not at all", async () => {
		const mutex = new KeyedMutex();
		const first = await mutex.acquire("a", NEVER);
		using _other = await mutex.acquire("b", NEVER);
		const order: number[] = [];
		const stop = new AbortController();
		const work = [1, 2, 3].map(async (at) => {
			using _lock = await mutex.acquire("a", at === 2 ? stop.signal : NEVER);
			order.push(at);
			await turn();
			order.push(-at);
		});
		stop.abort(new UmbraError("unavailable", "gone"));
		await assert.rejects(work[1]!, { code: "unavailable" });
		assert.deepEqual(order, []);
		first[Symbol.dispose]();
		await Promise.all([work[0], work[2]]);
		assert.deepEqual(order, [1, -1, 3, -3]);
	});
});

describe("orAborted", () => {
	it("ends with the work or with the signal, whichever is first", async () => {
		assert.equal(await orAborted(Promise.resolve(7), NEVER), 7);
		const stop = new AbortController();
		const waiting = orAborted(new Promise(() => undefined), stop.signal);
		stop.abort(new UmbraError("unavailable", "gone"));
		await assert.rejects(waiting, { code: "unavailable" });
		await assert.rejects(orAborted(Promise.reject(new Error("late")), stop.signal), { code: "unavailable" });
	});

	it("keeps nothing of the results", async () => {
		const live = new AbortController().signal;
		const results = await Promise.all(
			Array.from({ length: 5 }, async () => {
				const result = { bytes: Buffer.alloc(1000) };
				const weak = new WeakRef(result);
				await orAborted(Promise.resolve(result), live);
				return weak;
			}),
		);
		const isGone = async () => {
			await turn();
			collectGarbage();
			return results.every((weak) => weak.deref() === undefined);
		};
		await until(isGone, { what: "the results to be let go of" });
		assert.equal(live.aborted, false);
	});
});

describe("TelemetryTable", () => {
	const sample = (host: string, time: number, busy = 1) => ({
		measurement: "cpu",
		tags: { host },
		timeNs: toLong(time),
		fields: { busy },
	});

	const all = (table: TelemetryTable, measurement?: string, tags: Readonly<Record<string, string>> = {}) =>
		table.page(measurement, tags, { limit: 1000 }).items;

	it("shows every series once, page after page, while samples come", (context) => {
		const random = testRandom(context);
		const table = new TelemetryTable();
		const hosts = Array.from({ length: 500 }, (_, at) => `host-${at}`);
		for (const host of random.shuffle(hosts)) table.add([sample(host, 1)]);
		table.add([{ ...sample("host-0", 1), measurement: "memory" }]);
		const seen: string[] = [];
		const limit = random.between(1, 60);
		let cursor: string | undefined;
		do {
			const page = table.page("cpu", {}, { limit, cursor });
			assert.ok(page.items.length <= limit);
			seen.push(...page.items.map(({ tags }) => tags["host"] ?? ""));
			// A newer sample moves a series to the end of the table.
			table.add([sample(random.pick(hosts), 2 + seen.length)]);
			cursor = page.next ?? undefined;
		} while (cursor !== undefined);
		assert.deepEqual(seen.sort(), hosts.toSorted());
	});

	it("keeps the newest sample of each series and drops what is older or malformed", () => {
		const table = new TelemetryTable();
		table.add([sample("a", 2, 0.2), sample("a", 1, 0.1), sample("b", 1), { measurement: "" }, { measurement: "x" }]);
		assert.equal(table.dropped, 3);
		assert.deepEqual(all(table, "cpu", { host: "a" }), [
			{ measurement: "cpu", tags: { host: "a" }, time: "2", fields: { busy: 0.2 } },
		]);
		assert.equal(all(table).length, 2);
	});

	it("forgets the series that was silent for longest when it is full", () => {
		const table = new TelemetryTable(2);
		table.add([sample("a", 1), sample("b", 1), sample("a", 2), sample("c", 1)]);
		assert.deepEqual(
			all(table, "cpu").map(({ tags }) => tags["host"]),
			["a", "c"],
		);
	});
});
