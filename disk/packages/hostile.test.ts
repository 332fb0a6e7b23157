import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { type Random, testRandom } from "../../test/support/random.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { Problems } from "../parser/problems.ts";
import { explain } from "./explain.ts";
import { GuestRoot } from "./guest-root.ts";
import type { PackageDb } from "./package-db.ts";
import { readPackages } from "./packages.ts";
import { parseRpmHeader } from "./rpm-header.ts";
import { readSqlite } from "./rpm-sqlite.ts";
import { fileOf, makeNdb, memoryMounts } from "./testing.ts";

const TYPE = { INT16: 3, INT32: 4, STRING: 6, STRING_ARRAY: 8 } as const;

interface Tag {
	readonly tag: number;
	readonly type: number;
	readonly count: number;
	readonly data: Buffer;
}

function makeHeader(tags: readonly Tag[]): Buffer {
	const head = Buffer.alloc(8 + 16 * tags.length);
	head.writeUInt32BE(tags.length, 0);
	let offset = 0;
	for (const [i, { tag, type, count, data }] of tags.entries()) {
		for (const [j, value] of [tag, type, offset, count].entries()) head.writeUInt32BE(value, 8 + 16 * i + 4 * j);
		offset += data.length;
	}
	head.writeUInt32BE(offset, 4);
	return Buffer.concat([head, ...tags.map(({ data }) => data)]);
}

const text = (tag: number, value: string): Tag => ({
	tag,
	type: TYPE.STRING,
	count: 1,
	data: Buffer.from(`${value}\0`),
});
const texts = (tag: number, values: readonly string[]): Tag => ({
	tag,
	type: TYPE.STRING_ARRAY,
	count: values.length,
	data: Buffer.from(values.map((value) => `${value}\0`).join("")),
});
function numbers(tag: number, values: readonly number[]): Tag {
	const data = Buffer.alloc(4 * values.length);
	for (const [i, value] of values.entries()) data.writeUInt32BE(value, 4 * i);
	return { tag, type: TYPE.INT32, count: values.length, data };
}

function packageTags(name: string): Tag[] {
	return [
		text(1000, name),
		text(1001, "1"),
		text(1002, "2"),
		text(1022, "noarch"),
		numbers(1028, [1, 2]),
		texts(1035, ["ab".repeat(32), ""]),
		texts(1036, ["", "target"]),
		numbers(1037, [1, 0]),
		numbers(1116, [0, 1]),
		texts(1117, ["a", name]),
		texts(1118, ["/etc/", "/usr/bin/"]),
		numbers(5011, [8]),
	];
}

const HEADER = makeHeader(packageTags("sample"));

describe("parseRpmHeader refuses", () => {
	const without = (tag: number, other?: Tag) =>
		makeHeader([...packageTags("sample").filter((each) => each.tag !== tag), ...(other === undefined ? [] : [other])]);
	const patched = (at: number, value: number) => {
		const bytes = Buffer.from(HEADER);
		bytes.writeUInt32BE(value, at);
		return bytes;
	};
	const cases = [
		{ what: "too many tags", bytes: patched(0, 65536), code: "limit", field: "il" },
		{ what: "more data than there is", bytes: patched(4, 1 << 20), code: "truncated", field: "dl" },
		{ what: "a value behind the end", bytes: patched(8 + 8, 1 << 20), code: "corrupt", field: "offset" },
		{ what: "no name", bytes: without(1000), code: "corrupt", field: "NAME, VERSION, RELEASE" },
		{
			what: "a name that is a number",
			bytes: without(1000, numbers(1000, [1])),
			code: "corrupt",
			field: "type of tag 1000",
		},
		{
			what: "a million and one files",
			bytes: without(1117, { ...texts(1117, [""]), count: 1_000_001 }),
			code: "limit",
			field: "count",
		},
		{
			what: "more files than bytes",
			bytes: without(1117, { ...texts(1117, [""]), count: 5000 }),
			code: "corrupt",
			field: "count",
		},
		{
			what: "a folder that is not there",
			bytes: without(1116, numbers(1116, [0, 2])),
			code: "corrupt",
			field: "DIRINDEXES",
		},
		{ what: "a file without a folder", bytes: without(1116, numbers(1116, [0])), code: "corrupt", field: "DIRINDEXES" },
		{ what: "a digest too few", bytes: without(1035, texts(1035, ["00"])), code: "corrupt", field: "FILEDIGESTS" },
		{ what: "nothing", bytes: Buffer.alloc(7), code: "truncated", field: "index length" },
	] as const;
	for (const { what, bytes, code, field } of cases) {
		it(`${what} as ${code}`, () => {
			assert.throws(
				() => parseRpmHeader(bytes, "header"),
				(error) => error instanceof UmbraError && error.code === code && error.context.field === field,
			);
		});
	}
});

function damage(bytes: Buffer, random: Random): Buffer {
	const copy = Buffer.from(random.chance(0.1) ? bytes.subarray(0, random.below(bytes.length)) : bytes);
	for (let i = random.between(1, 6); i > 0 && copy.length >= 4; i--) {
		const at = random.below(copy.length - 3) & (random.chance(0.5) ? ~3 : ~0);
		const value = random.pick([
			0,
			1,
			0xff,
			0xffff,
			0xffffffff,
			0x7fffffff,
			0x0a0a0a0a,
			random.below(2 ** 32),
			random.below(bytes.length),
		]);
		if (random.chance(0.5)) copy.writeUInt32LE(value, at);
		else copy.writeUInt32BE(value, at);
	}
	return copy;
}

/** Asks all there is to ask. @returns what was found. */
async function ask(files: ReadonlyMap<string, Buffer>): Promise<PackageDb | undefined> {
	const mounts = memoryMounts(files);
	const database = await readPackages(mounts);
	if (database === undefined) return undefined;
	for (const path of ["/etc/a", "/usr/bin/sample", "/etc/sample.conf", "/usr/bin/tool", "//", "", "x"]) {
		await database.ownerOf(path);
		await explain({ path, change: "modified" }, { versions: new Map() }, database, await fileOf(mounts, path));
	}
	assert.ok(database.problems.length <= 1001);
	return database;
}

const NDB = "/usr/lib/sysimage/rpm/Packages.db";
const SQLITE = "/var/lib/rpm/rpmdb.sqlite";
const DPKG: readonly (readonly [string, string])[] = [
	[
		"/var/lib/dpkg/status",
		"Package: sample\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nConffiles:\n /etc/sample.conf 0123456789abcdef0123456789abcdef\n\nPackage: other\nStatus: install ok unpacked\nArchitecture: amd64\nVersion: 2:1-1\n",
	],
	["/var/lib/dpkg/diversions", "/usr/bin/tool\n/usr/bin/tool.real\nother\n"],
	["/var/lib/dpkg/updates/0001", "Package: third\nStatus: install ok installed\nArchitecture: all\nVersion: 3\n"],
	["/var/lib/dpkg/info/sample.list", "/.\n/etc\n/etc/sample.conf\n/usr\n/usr/bin\n/usr/bin/tool\n"],
	["/var/lib/dpkg/info/sample.md5sums", "0123456789abcdef0123456789abcdef  usr/bin/tool\n"],
	["/var/lib/dpkg/info/other:amd64.list", "/.\n/usr/bin/tool\n"],
	["/usr/bin/tool", "content"],
];

describe("readPackages of damaged databases", () => {
	it("throws nothing but UmbraError and ends: dpkg", async (t) => {
		const random = testRandom(t);
		const whole = new Map<string, Buffer>(DPKG.map(([path, content]) => [path, Buffer.from(content)]));
		assert.deepEqual([...(await ask(whole))!.versions.keys()], ["sample:all", "other:amd64", "third:all"]);
		for (let round = 0; round < 400; round++) {
			const files = new Map(whole);
			for (const [path, bytes] of whole) if (random.chance(0.4)) files.set(path, damage(bytes, random));
			await ask(files);
		}
	});

	it("throws nothing but UmbraError and ends: rpm's headers in ndb", async (t) => {
		const random = testRandom(t);
		const whole = makeNdb([HEADER, makeHeader(packageTags("other"))]);
		assert.deepEqual([...(await ask(new Map([[NDB, whole]])))!.versions.keys()], ["sample:noarch", "other:noarch"]);
		let harmed = 0;
		for (let round = 0; round < 400; round++) {
			const headers = [HEADER, HEADER].map((header) => (random.chance(0.6) ? damage(header, random) : header));
			const bytes = random.chance(0.5) ? damage(makeNdb(headers), random) : makeNdb(headers);
			if ((await ask(new Map([[NDB, bytes]])))!.problems.length > 0) harmed++;
		}
		assert.ok(harmed > 100, `only ${harmed} of the rounds did harm`);
	});

	it("keeps the packages around one that is damaged, and names it", async () => {
		const broken = Buffer.from(HEADER);
		broken.writeUInt32BE(0xffff, 0);
		const database = (await ask(new Map([[NDB, makeNdb([HEADER, broken, makeHeader(packageTags("other"))])]])))!;
		assert.deepEqual([...database.versions.keys()], ["sample:noarch", "other:noarch"]);
		assert.equal(database.problems.length, 1);
		assert.equal(database.problems[0]!.code, "truncated");
	});

	it("does not read one place of an ndb twice", async () => {
		const bytes = makeNdb([HEADER, HEADER]);
		bytes.copy(bytes, 48, 32, 48);
		const database = (await ask(new Map([[NDB, bytes]])))!;
		assert.equal(database.versions.size, 1);
		assert.match(database.problems[0]!.message, /begins within another/);
	});
});

async function makeSqlite(path: string, sql: string, blobs: readonly (Buffer | null)[]): Promise<Buffer> {
	{
		using database = new DatabaseSync(path);
		database.exec(sql);
		for (const blob of blobs) database.prepare("INSERT INTO Packages (blob) VALUES (?)").run(blob);
	}
	return readFile(path);
}

const TABLE = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB)";

describe("readPackages of a hostile SQLite database", () => {
	it("throws nothing but UmbraError and ends, whatever is in it", async (t) => {
		await using folder = await tempFolder();
		const random = testRandom(t);
		const blobs = Array.from({ length: 40 }, (_, i) => makeHeader(packageTags(`package${i}`)));
		const whole = await makeSqlite(folder.file("db"), TABLE, blobs);
		assert.equal((await ask(new Map([[SQLITE, whole]])))!.versions.size, 40);
		for (let round = 0; round < 6; round++) await ask(new Map([[SQLITE, damage(whole, random)]]));
		assert.equal((await ask(new Map([[SQLITE, Buffer.alloc(4096, 1)]])))!.problems[0]!.code, "corrupt");
	});

	it("refuses a view in place of the table", async () => {
		await using folder = await tempFolder();
		const view =
			"CREATE VIEW Packages AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x AS hnum, zeroblob(9) AS blob FROM c";
		const database = (await ask(new Map([[SQLITE, await makeSqlite(folder.file("db"), view, [])]])))!;
		assert.match(database.problems[0]!.message, /another kind of table Packages/);
	});

	it("ends a table without end, and the process that reads it", async () => {
		await using folder = await tempFolder();
		const path = folder.file("db");
		const leaf = await makeSqlite(path, `PRAGMA page_size = 4096; ${TABLE}`, [null]);
		const mounts = memoryMounts(new Map([[SQLITE, endless(leaf)]]));
		const file = (await new GuestRoot(mounts).find(SQLITE))!;
		await assert.rejects(
			async () => {
				for await (const header of readSqlite(file, undefined, new Problems("rpmdb"), undefined, 700))
					assert.fail(`${header.length} bytes`);
			},
			(error) => error instanceof UmbraError && error.code === "limit" && /more than 700 ms/.test(error.message),
		);
	});

	it("stops when it is told to", async () => {
		await using folder = await tempFolder();
		const bytes = await makeSqlite(folder.file("db"), TABLE, [null]);
		const mounts = memoryMounts(new Map([[SQLITE, endless(bytes)]]));
		await assert.rejects(readPackages(mounts, AbortSignal.timeout(300)), { name: "TimeoutError" });
	});
});

/** Puts pages above the only leaf of the table, each naming the next 300 times: 300^16 rows in 80 KiB. */
function endless(bytes: Buffer): Buffer {
	const LEVELS = 16;
	const size = bytes.readUInt16BE(16);
	const pages = bytes.length / size;
	const at = Array.from({ length: pages }, (_, page) => page).find((page) => {
		const start = page * size;
		return (
			page > 0 && bytes[start] === 13 && bytes.readUInt16BE(start + 3) === 1 && bytes.readUInt16BE(start + 5) > size - 8
		);
	})!;
	assert.ok(at > 0);
	const result = Buffer.concat([bytes, Buffer.alloc(size * (LEVELS + 1))]);
	// The leaf moves to the end, and the first of the pages takes its place.
	bytes.copy(result, (pages + LEVELS) * size, at * size, (at + 1) * size);
	for (let level = 0; level <= LEVELS; level++) {
		if (level === LEVELS) break;
		const page = level === 0 ? at : pages + level;
		const start = page * size;
		const child = pages + level + 2;
		result.fill(0, start, start + size);
		result[start] = 5;
		result.writeUInt16BE(300, start + 3);
		result.writeUInt16BE(size - 8, start + 5);
		result.writeUInt32BE(child, start + 8);
		result.writeUInt32BE(child, start + size - 8);
		result[start + size - 4] = 1;
		for (let i = 0; i < 300; i++) result.writeUInt16BE(size - 8, start + 12 + 2 * i);
	}
	result.writeUInt32BE(result.length / size, 28);
	return result;
}
