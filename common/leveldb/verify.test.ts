import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { ClassicLevel } from "classic-level";
import { crc32c, masked } from "./crc32c.ts";
import { readLog } from "./log.ts";
import { unsnappy } from "./snappy.ts";
import { verifyFiles } from "./verify.ts";

const ALL = { tables: true } as const;

interface Random {
	/** From 0, below `end`. */
	below(end: number): number;
	chance(probability: number): boolean;
	pick<T>(items: readonly T[]): T;
}

/** Seeded anew in every run; printed. */
function testRandom(context: TestContext): Random {
	let state = Number(process.env["UMBRA_TEST_SEED"] ?? Date.now() % 2 ** 32);
	context.diagnostic(`seed: ${state} (again with UMBRA_TEST_SEED=${state})`);
	const fraction = () => {
		// Numerical Recipes' constants; the low bits are poor.
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return ((state >>> 8) ^ (state >>> 20)) / 2 ** 24;
	};
	const below = (end: number) => Math.floor(fraction() * end);
	return { below, chance: (probability) => fraction() < probability, pick: (items) => items[below(items.length)]! };
}

class Folder implements AsyncDisposable {
	readonly path: string;

	constructor(path: string) {
		this.path = path;
	}

	file(name: string): string {
		return join(this.path, name);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await rm(this.path, { recursive: true });
	}
}

async function tempFolder(): Promise<Folder> {
	return new Folder(await mkdtemp(join(tmpdir(), "umbra-leveldb-")));
}

/** Text that compresses, and some that does not. */
function textOf(random: Random): string {
	return JSON.stringify({
		path: "/var/lib/x".repeat(random.below(40)),
		root: Array.from({ length: 32 }, () => random.below(256).toString(16)).join(""),
	});
}

/** A database with tables and a log; what it holds. */
async function fill(folder: string, random: Random, records = 1500): Promise<Map<string, string>> {
	const held = new Map<string, string>();
	// So small that there are several tables after it was opened again.
	const level = new ClassicLevel<string, string>(folder, { writeBufferSize: 65_536, blockSize: 1024 });
	for (let at = 0; at < records; at++) {
		const [key, value] = [`change/web/${random.below(10_000)}`, textOf(random)];
		held.set(key, value);
		await level.put(key, value, { sync: at % 100 === 0 });
	}
	// Closed in the midst of making a table, it would leave one behind that is no part of it.
	await level.compactRange("", "\uffff");
	await level.put("last", "in the log");
	held.set("last", "in the log");
	await level.close();
	return held;
}

/** What a database has that nobody verified: undefined where it does not open. */
async function contentOf(folder: string): Promise<Map<string, string> | undefined> {
	const level = new ClassicLevel<string, string>(folder);
	try {
		await level.open();
		return new Map(await level.iterator().all());
	} catch {
		return undefined;
	} finally {
		await level.close();
	}
}

describe("crc32c", () => {
	it("gives the sums of RFC 3720, whole and in parts", () => {
		const digits = Buffer.from("123456789");
		assert.equal(crc32c(digits, 0, 9), 0xe3069283);
		assert.equal(crc32c(digits, 4, 9, crc32c(digits, 0, 4)), 0xe3069283);
		assert.equal(crc32c(Buffer.alloc(32), 0, 32), 0x8a9136aa);
		assert.equal(crc32c(Buffer.alloc(32, 255), 0, 32), 0x62a8ab43);
		// LevelDB's own test: masking is no identity, and is not undone by itself.
		assert.notEqual(masked(masked(0xe3069283)), masked(0xe3069283));
	});
});

describe("unsnappy", () => {
	it("takes literals and copies, also of what they are writing", () => {
		// "ab", then six bytes from two bytes back.
		assert.equal(Buffer.from(unsnappy(Buffer.from([8, 4, 97, 98, 2 | (5 << 2), 2, 0]))).toString(), "abababab");
	});

	for (const [what, bytes] of [
		["a copy from before the beginning", [8, 4, 97, 98, 2 | (5 << 2), 3, 0]],
		["more than its size", [7, 4, 97, 98, 2 | (5 << 2), 2, 0]],
		["less than its size", [9, 4, 97, 98, 2 | (5 << 2), 2, 0]],
		["a literal that is cut off", [8, 4, 97]],
		["a size without bounds", [255, 255, 255, 255, 15]],
	] as const) {
		it(`refuses ${what}`, () => {
			assert.throws(() => unsnappy(Buffer.from(bytes)), { code: "corrupt" });
		});
	}
});

describe("verifyFiles", () => {
	it("finds nothing wrong with a database as LevelDB left it, while it is written, and where there is none", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		assert.deepEqual(await verifyFiles(folder.file("none"), ALL), { files: 0, bytes: 0, damage: [] });
		const level = new ClassicLevel<string, string>(folder.path, { writeBufferSize: 65_536 });
		let isWriting = true;
		const writes = (async () => {
			for (let at = 0; at < 3000; at++) await level.put(`k${random.below(2000)}`, textOf(random));
			isWriting = false;
		})();
		let rounds = 0;
		for (; isWriting; rounds++) assert.deepEqual((await verifyFiles(folder.path, ALL)).damage, []);
		await writes;
		await level.close();
		assert.ok(rounds > 0);
		const { files, damage } = await verifyFiles(folder.path, ALL);
		assert.deepEqual(damage, []);
		// CURRENT, the manifest, a log and a table at least: how many tables it merged by then is LevelDB's.
		assert.ok(files >= 4, `${files} files`);
	});

	it("finds nothing wrong where the process ended while it made one, and LevelDB goes on from there", async () => {
		// Comparator, log, next file, last sequence number: what LevelDB writes first.
		const edit = Buffer.concat([
			Buffer.from([1, 26]),
			Buffer.from("leveldb.BytewiseComparator"),
			Buffer.of(2, 0, 3, 2, 4, 0),
		]);
		const record = Buffer.concat([Buffer.alloc(6), Buffer.of(1), edit]);
		record.writeUInt32LE(masked(crc32c(record, 6, record.length)));
		record.writeUInt16LE(edit.length, 4);
		for (const files of [
			{ "MANIFEST-000001": Buffer.alloc(0) },
			{ "MANIFEST-000001": record },
			{ "MANIFEST-000001": record, CURRENT: Buffer.from("MANIFEST-000001\n") },
		]) {
			await using folder = await tempFolder();
			for (const [name, bytes] of Object.entries(files)) await writeFile(folder.file(name), bytes);
			assert.deepEqual((await verifyFiles(folder.path, ALL)).damage, []);
			await using level = new ClassicLevel<string, string>(folder.path);
			await level.put("a", "b");
			assert.deepEqual((await verifyFiles(folder.path, ALL)).damage, []);
		}
	});

	it("finds each bit that is another, in any file, unless LevelDB does not look at it", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const held = await fill(folder.path, random);
		const names = (await readdir(folder.path)).filter((name) => /^(CURRENT|MANIFEST-\d+|\d+\.(log|ldb))$/.test(name));
		const kinds = new Set(names.map((name) => name.replace(/[-\d]/g, "")));
		assert.deepEqual(kinds, new Set(["CURRENT", "MANIFEST", ".log", ".ldb"]));
		let found = 0;
		for (let round = 0; round < 200; round++) {
			const name = random.pick(names);
			await using damaged = await tempFolder();
			for (const each of await readdir(folder.path))
				await writeFile(damaged.file(each), await readFile(join(folder.path, each)));
			const bytes = await readFile(damaged.file(name));
			// Ends are where the footers are.
			const at = random.chance(0.3)
				? bytes.length - 1 - random.below(Math.min(60, bytes.length))
				: random.below(bytes.length);
			const bit = random.below(8);
			bytes[at]! ^= 1 << bit;
			await writeFile(damaged.file(name), bytes);
			const { damage } = await verifyFiles(damaged.path, ALL);
			if (damage.length > 0) {
				assert.equal(
					damage.some(({ file }) => file === name || /^\d+\.(log|ldb)$/.test(file)),
					true,
					JSON.stringify(damage),
				);
				found++;
				// LevelDB is not asked: it may come upon something for which it ends the process.
				continue;
			}
			// Where nothing is found nothing was lost.
			const served = await contentOf(damaged.path);
			assert.ok(served !== undefined && isSame(served, held), `${name}, byte ${at} of ${bytes.length}, bit ${bit}`);
		}
		assert.ok(found > 150, `${found}`);
	});

	it("takes a log that a crash tore for what it is, wherever it was cut, and says so of every bit before", async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		const level = new ClassicLevel<string, string>(folder.path);
		for (let at = 0; at < 90; at++) await level.put(`k${at}`, textOf(random).repeat(1 + random.below(3)));
		await level.close();
		const name = (await readdir(folder.path)).find((each) => each.endsWith(".log"));
		assert.ok(name !== undefined);
		const whole = await readFile(folder.file(name));
		assert.ok(whole.length > 32_768, "one block");
		assert.equal(readLog(whole, "log").records.length, 90);
		for (let round = 0; round < 300; round++) {
			const cut = random.below(whole.length + 1);
			const torn = Buffer.from(whole.subarray(0, cut));
			assert.equal(readLog(torn, "log").damage, undefined, `cut at ${cut}`);
			// The disk knew the new size, but had not all of the content.
			const padded = Buffer.concat([torn, Buffer.alloc(512 + random.below(4096))]);
			assert.equal(readLog(padded, "log").damage, undefined, `zeroes from ${cut}`);
		}
		// Of the last record too: as long as it is whole.
		for (let round = 0; round < 2000; round++) {
			const at = random.chance(0.5) ? whole.length - 1 - random.below(400) : random.below(whole.length);
			const bytes = Buffer.from(whole);
			bytes[at]! ^= 1 << random.below(8);
			const { damage, records } = readLog(bytes, "log");
			assert.ok(damage !== undefined || records.length === 90, `byte ${at}`);
		}
	});

	it("says which file is missing, and what CURRENT should name", async (context) => {
		const random = testRandom(context);
		for (const [which, message] of [
			[/^CURRENT$/, /is not there, but (MANIFEST-\d+|\d+\.(ldb|log)) is/],
			[/^MANIFEST-/, /names MANIFEST-\d+, which is not there/],
			[/\.log$/, /^it is not there/],
			[/\.ldb$/, /^it is not there/],
		] as const) {
			await using folder = await tempFolder();
			await fill(folder.path, random, 400);
			const name = (await readdir(folder.path)).find((each) => which.test(each));
			assert.ok(name !== undefined, String(which));
			await rm(folder.file(name));
			const { damage } = await verifyFiles(folder.path, ALL);
			assert.match(damage[0]?.message ?? "", message);
		}
		for (const [text, message] of [
			["", /^"", wanted the name of a MANIFEST/],
			["MANIFEST-0000", /wanted the name of a MANIFEST/],
			["MANIFEST-999999\n", /names MANIFEST-999999/],
		] as const) {
			await using folder = await tempFolder();
			await fill(folder.path, random, 400);
			await writeFile(folder.file("CURRENT"), text);
			const { damage } = await verifyFiles(folder.path, ALL);
			assert.deepEqual([damage[0]?.file, damage[0]?.structure], ["CURRENT", "current"]);
			assert.match(damage[0]?.message ?? "", message);
		}
	});
});

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
	return one.size === other.size && [...one].every(([key, value]) => other.get(key) === value);
}
