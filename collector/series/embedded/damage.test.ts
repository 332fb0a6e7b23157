/** Files that are cut, changed or gone, disks that fail: what is whole goes on. */
import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ErrorCode, isUmbraError } from "../../../common/errors.ts";
import { until } from "../../../test/support/wait.ts";
import { ask, at, BASE_NS } from "../suite/stores.ts";
import type { EmbeddedStore } from "./embedded.ts";
import { encodeSegmentHeader } from "./log-record.ts";
import { type EmbeddedPlace, embeddedPlace, keptLog } from "./testing.ts";

const VM = { host: "h1", vm: "web1" };

/** Writes these numbers, one write each. */
async function write(store: EmbeddedStore, ...numbers: number[]): Promise<void> {
	for (const number of numbers) await store.write([at(number, "vm", VM, { threads: number })]);
}

async function numbersIn(store: EmbeddedStore): Promise<unknown> {
	await store.flush();
	return (await store.query(ask("vm", ["threads"])))[0]?.values["threads"] ?? [];
}

async function only(folder: string, pattern = /./): Promise<string> {
	const names = (await readdir(folder)).filter((name) => pattern.test(name));
	assert.equal(names.length, 1, names.join());
	return join(folder, names[0]!);
}

async function flip(path: string, offset: number): Promise<void> {
	const bytes = await readFile(path);
	bytes[offset < 0 ? bytes.length + offset : offset]! ^= 0xff;
	await writeFile(path, bytes);
}

/** Its columns; what says where these are is whole. */
async function scramble(path: string): Promise<void> {
	const bytes = await readFile(path);
	await writeFile(path, bytes.fill(0xff, 4, 300));
}

function failsWith(code: ErrorCode, message: RegExp): (error: unknown) => true {
	return (error) => {
		assert.ok(isUmbraError(error, code), String(error));
		assert.match(error.message, message);
		return true;
	};
}

/** A place with 1, 2 and 3 written, and its store closed. */
async function written(...tidyAfter: number[]): Promise<EmbeddedPlace> {
	const place = await embeddedPlace();
	await using store = await place.open();
	for (const number of [1, 2, 3]) {
		await write(store, number);
		if (tidyAfter.includes(number)) await store.tidy();
	}
	return place;
}

describe("the log of the embedded store", () => {
	it("may end in a write that was cut", async () => {
		await using place = await written();
		const path = await only(join(place.folder, "log"));
		await truncate(path, (await readFile(path)).length - 1);
		await using store = await place.open();
		assert.deepEqual(await numbersIn(store), [1, 2]);
		await write(store, 4);
		assert.deepEqual(await numbersIn(store), [1, 2, 4]);
	});

	it("loses the write that a bad byte hits, says so, and keeps the others", async () => {
		await using place = await written();
		const path = await only(join(place.folder, "log"));
		const bytes = await readFile(path);
		await flip(path, bytes.indexOf("SREC", bytes.indexOf("SREC") + 1) + 20);
		const { log, lines } = keptLog();
		await using store = await place.open({ log });
		assert.deepEqual(await numbersIn(store), [1, 3]);
		assert.match(lines.join(""), /a log segment of the series store is damaged: some points are lost/);
	});

	it("is set aside where it is none", async () => {
		await using place = await written();
		const path = await only(join(place.folder, "log"));
		await flip(path, 0);
		const { log, lines } = keptLog();
		await using store = await place.open({ log });
		assert.deepEqual(await numbersIn(store), []);
		assert.match(lines.join(""), /set aside/);
		assert.deepEqual(await readdir(join(place.folder, "damaged")), ["log-1"]);
	});

	it("of a newer Umbra is refused and left as it is", async () => {
		await using place = await written();
		const path = await only(join(place.folder, "log"));
		const newer = encodeSegmentHeader(1, 2);
		await writeFile(path, newer);
		await assert.rejects(place.open(), failsWith("unsupported", /log-0000000001 is of version 2, wanted at most 1/));
		assert.deepEqual(await readFile(path), newer);
	});

	it("that cannot be written fails the write, and takes the next when it can", async () => {
		await using place = await embeddedPlace();
		await using store = await place.open({ segmentBytes: 1 });
		await write(store, 1);
		await store.tidy();
		await rename(join(place.folder, "log"), join(place.folder, "elsewhere"));
		await assert.rejects(write(store, 2), failsWith("unavailable", /cannot write .*log-/));
		assert.equal(store.status().writeFailures, 1);
		assert.match(store.status().lastError, /cannot write/);
		await rename(join(place.folder, "elsewhere"), join(place.folder, "log"));
		await write(store, 3);
		assert.equal(store.status().lastError, "");
		assert.deepEqual(await numbersIn(store), [1, 3]);
	});
});

describe("a part of the embedded store", () => {
	const parts = (place: EmbeddedPlace): string => join(place.folder, "parts");

	for (const [what, damage] of [
		["changed", async (path: string) => await scramble(path)],
		["changed at its end", async (path: string) => await flip(path, -6)],
		["overwritten", async (path: string) => await writeFile(path, Buffer.alloc((await readFile(path)).length))],
	] as const) {
		it(`that is ${what} is set aside when it is asked, and the others answer`, async () => {
			await using place = await written(1, 3);
			const { log, lines } = keptLog();
			await using store = await place.open({ log });
			const [first] = (await readdir(parts(place))).sort();
			await damage(join(parts(place), first!));
			assert.deepEqual(await numbersIn(store), [2, 3]);
			assert.match(lines.join(""), /a part of the series store cannot be read: set aside/);
			assert.deepEqual(await readdir(join(place.folder, "damaged")), [first]);
			assert.deepEqual(await numbersIn(store), [2, 3]);
		});
	}

	it("that is gone or cut is told of when the store opens, and the others answer", async () => {
		for (const damage of [rm, async (path: string) => await appendFile(path, "x")]) {
			await using place = await written(1, 3);
			const [first] = (await readdir(parts(place))).sort();
			await damage(join(parts(place), first!));
			const { log, lines } = keptLog();
			await using store = await place.open({ log });
			assert.match(lines.join(""), /a part of the series store is gone or cut/);
			assert.deepEqual(await numbersIn(store), [2, 3]);
		}
	});

	it("that upkeep cannot read is set aside, and upkeep goes on", async () => {
		await using place = await written(1, 3);
		const [first] = (await readdir(parts(place))).sort();
		await scramble(join(parts(place), first!));
		await using store = await place.open({ now: () => BASE_NS + 3n * 86_400_000_000_000n });
		await store.tidy();
		assert.equal(store.sizes().minute.rows, 1);
		assert.deepEqual(await numbersIn(store), [2, 3]);
	});

	it("of minutes is made again where the raw points are there", async () => {
		for (const damage of [rm, scramble]) {
			await using place = await written(3);
			const now = (): bigint => BASE_NS + 2n * 86_400_000_000_000n;
			const question = ask("vm", ["threads"], { window: { everyNs: 60_000_000_000n, aggregate: "sum" } });
			{
				await using store = await place.open({ now });
				await store.tidy();
			}
			const [minutes] = (await readdir(parts(place))).filter((name) => name.includes("minute"));
			await damage(join(parts(place), minutes!));
			await using store = await place.open({ now });
			assert.deepEqual((await store.query(question))[0]?.values["threads"], [6]);
			await store.tidy();
			assert.equal(store.sizes().minute.parts, 1);
			assert.deepEqual((await store.query(question))[0]?.values["threads"], [6]);
		}
	});

	it("that cannot be made keeps points waiting, as long as there is room for them", async () => {
		await using place = await embeddedPlace();
		await using store = await place.open({ segmentBytes: 100, backlogBytes: 4000 });
		await rename(parts(place), join(place.folder, "elsewhere"));
		await write(store, 1);
		await assert.rejects(store.tidy(), (error) => isUmbraError(error, "unavailable"));
		await until(() => store.status().lastError !== "", { what: "upkeep says that it failed" });
		let taken = 1;
		const fill = async (): Promise<never> => {
			for (;;) {
				await write(store, taken + 1);
				taken++;
			}
		};
		await assert.rejects(fill(), failsWith("limit", /cannot keep up/));
		assert.ok(taken > 3 && store.status().backlogBytes > 4000);
		await rename(join(place.folder, "elsewhere"), parts(place));
		await store.tidy();
		assert.equal(store.status().backlogBytes, 0);
		await write(store, taken + 1);
		assert.deepEqual(
			await numbersIn(store),
			Array.from({ length: taken + 1 }, (_, at) => at + 1),
		);
	});
});

describe("the manifest of the embedded store", () => {
	for (const [what, damage] of [
		["damaged", async (path: string) => await flip(path, 60)],
		["no JSON", async (path: string) => await writeFile(path, "{")],
		["gone", async (path: string) => await rm(path)],
	] as const) {
		it(`is made anew of the parts where it is ${what}`, async () => {
			await using place = await written(1, 2);
			{
				// Minutes and hours only, of two days; then raw points of today.
				const nowNs = BASE_NS + 86_400_000_000_000n * 20n;
				await using store = await place.open({ now: () => nowNs });
				await store.tidy();
				assert.equal(store.sizes().raw.rows, 0);
				await store.write([at(86_400 * 20, "vm", VM, { threads: 20 }), at(86_400 * 19, "vm", VM, { threads: 19 })]);
				await store.tidy();
			}
			await damage(join(place.folder, "manifest.json"));
			const { log, lines } = keptLog();
			await using store = await place.open({ log, now: () => BASE_NS + 86_400_000_000_000n * 20n });
			assert.match(lines.join(""), /the manifest of the series store was made anew/);
			await store.tidy();
			const toNs = BASE_NS + 86_400_000_000_000n * 30n;
			const [days] = await store.query(
				ask("vm", ["threads"], { toNs, window: { everyNs: 86_400_000_000_000n, aggregate: "sum" } }),
			);
			assert.deepEqual(days?.values["threads"], [6, 19, 20]);
		});
	}

	it("of a newer Umbra is refused, and everything is left as it is", async () => {
		await using place = await written(3);
		const path = join(place.folder, "manifest.json");
		const text = await readFile(path, "utf8");
		await writeFile(path, text.replace('"version":1', '"version":2'));
		await assert.rejects(place.open(), failsWith("unsupported", /manifest.json is of version 2, wanted at most 1/));
		await writeFile(path, text);
		await using store = await place.open();
		assert.deepEqual(await numbersIn(store), [1, 2, 3]);
	});
});

describe("opening the embedded store", () => {
	it("refuses a folder that another one has open", async () => {
		await using place = await embeddedPlace();
		await using _store = await place.open();
		await assert.rejects(place.open(), failsWith("conflict", /another process has this series store open/));
	});

	it("refuses a folder that stands for several in SQL", async () => {
		await using place = await embeddedPlace();
		await assert.rejects(place.open({ folder: join(place.folder, "a[b]") }), failsWith("bad-config", /a\[b\]/));
	});

	it("takes a folder with quotes and spaces in its name, and says where a file is in its place", async () => {
		await using place = await embeddedPlace();
		const folder = join(place.folder, 'it\'s "a" 100% folder; --');
		{
			await using store = await place.open({ folder });
			await write(store, 1);
			await store.tidy();
			assert.deepEqual(await numbersIn(store), [1]);
		}
		await mkdir(join(place.folder, "x"));
		await writeFile(join(place.folder, "x", "parts"), "");
		await assert.rejects(
			place.open({ folder: join(place.folder, "x") }),
			failsWith("unavailable", /cannot prepare .*x/),
		);
	});

	it("leaves nothing to do for those who come after closing", async () => {
		await using place = await embeddedPlace();
		const store = await place.open();
		await store[Symbol.asyncDispose]();
		for (const use of [write(store, 1), store.flush(), store.query(ask("vm", ["threads"]))]) {
			await assert.rejects(use, failsWith("unavailable", /the series store is closed/));
		}
		await store[Symbol.asyncDispose]();
	});
});
