import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { run } from "../ext/testing.ts";
import { Hive, type HiveKey } from "./hive.ts";
import { parseSam } from "./sam.ts";
import { emptyHive, FREE, makeHive, putCell, ROOT_KEY } from "./testing.ts";

const MANY = 700;
const BIG = Buffer.from(Array.from({ length: 40_000 }, (_, i) => i % 251));

/** Every kind of list and value that hivex makes. */
const COMMANDS = [
	"add one",
	"add Two Words",
	"add straße",
	"cd one",
	"setval 4",
	"@",
	"string:default",
	"number",
	"dword:305419896",
	"odd type",
	"hex:1001:",
	"bytes",
	"hex:3:00,01,02,03,04,05,06,07,08",
	"cd ..",
	"add many",
	"cd many",
	...Array.from({ length: MANY }, (_, i) => [
		`add k${String(i).padStart(4, "0")}`,
		`cd k${String(i).padStart(4, "0")}`,
		"setval 1",
		"n",
		`dword:${i}`,
		"cd ..",
	]).flat(),
];

function words(...numbers: readonly number[]): Buffer {
	const bytes = Buffer.alloc(4 * numbers.length);
	for (const [i, number] of numbers.entries()) bytes.writeUInt32LE(number, 4 * i);
	return bytes;
}

/** "path" and "path|name|type|data" lines. */
function dump(hive: Hive, key: HiveKey = hive.root, path = ""): string[] {
	const lines = [path];
	for (const { name, type, data } of hive.values(key)) lines.push(`${path}|${name}|${type}|${data.toString("hex")}`);
	for (const sub of hive.subkeys(key)) lines.push(...dump(hive, sub, `${path}\\${sub.name}`));
	return lines;
}

/** The same, as hivexregedit tells it. */
async function theirDump(path: string): Promise<string[]> {
	const text = (await run("hivexregedit", ["--export", "--prefix", "P", path, "\\"])).toString("latin1");
	const lines: string[] = [];
	let key = "";
	for (const line of text.split("\n")) {
		const header = /^\[P\\?(.*)\]$/.exec(line);
		const value = /^(?:@|"(.*?)")=(?:hex\(([0-9a-f]+)\):(.*)|dword:([0-9a-f]{8}))$/.exec(line);
		if (header !== null) {
			key = header[1] === "" ? "" : `\\${header[1]}`;
			lines.push(key);
		} else if (value !== null) {
			const [, name = "", type = "4", bytes = "", word] = value;
			const data = word === undefined ? bytes.replaceAll(",", "") : Buffer.from(word, "hex").reverse().toString("hex");
			lines.push(`${key}|${name}|${Number.parseInt(type, 16)}|${data}`);
		}
	}
	return lines;
}

describe("Hive", needs("hivexsh", "hivexget", "hivexregedit"), () => {
	it("reads every key and value as hivex does", async () => {
		await using folder = await tempFolder();
		const path = folder.file("hive");
		await makeHive(path, COMMANDS);
		const ours = dump(new Hive(await readFile(path), "hive"));
		assert.ok(ours.length > 2 * MANY);
		assert.deepEqual(ours.sort(), (await theirDump(path)).sort());
		assert.ok(ours.includes("\\one||1|640065006600610075006c0074000000"));
		assert.ok(ours.includes("\\one|odd type|1001|"));
		const hive = new Hive(await readFile(path), "hive");
		assert.equal(hive.find(["TWO words"])?.name, "Two Words");
		assert.equal(hive.find(["one", "two"]), undefined);
	});

	it("puts together a value that lies in several cells, as hivex does", async () => {
		await using folder = await tempFolder();
		const bytes = emptyHive(65536);
		const segments = [0, 16344, 32688].map((from) => BIG.subarray(from, from + 16344));
		const places: number[] = [];
		let at = FREE;
		for (const segment of segments) {
			places.push(at);
			// Windows leaves four bytes behind each that count for nothing.
			at = putCell(bytes, at, Buffer.concat([segment, Buffer.alloc(4, 0xee)]));
		}
		const list = at;
		at = putCell(bytes, at, words(...places));
		const data = at;
		at = putCell(bytes, at, Buffer.concat([Buffer.from("db\x03\0", "latin1"), words(list)]));
		const value = at;
		const name = Buffer.from("big", "latin1");
		at = putCell(bytes, at, Buffer.concat([Buffer.from("vk\x03\0", "latin1"), words(BIG.length, data, 3, 1), name]));
		const values = at;
		at = putCell(bytes, at, words(value));
		bytes.writeInt32LE(65536 - at, 4096 + at);
		bytes.writeUInt32LE(1, ROOT_KEY + 36);
		bytes.writeUInt32LE(values, ROOT_KEY + 40);
		const [found] = new Hive(bytes, "hive").values(new Hive(bytes, "hive").root);
		assert.ok(found?.data.equals(BIG));
		await writeFile(folder.file("hive"), bytes);
		assert.ok((await run("hivexget", [folder.file("hive"), "\\", "big"])).equals(BIG));
	});

	it("throws nothing but UmbraError and ends, whatever is in a hive", async (t) => {
		await using folder = await tempFolder();
		const path = folder.file("hive");
		await makeHive(path, [
			...COMMANDS.slice(0, 60),
			"cd \\",
			"add SAM",
			"cd SAM",
			"add Domains",
			"cd Domains",
			"add Builtin",
			"cd Builtin",
			"add Aliases",
			"cd Aliases",
			"add Names",
			"cd Names",
			"add A",
			"cd A",
			"setval 1",
			"@",
			"hex:544:",
		]);
		const whole = await readFile(path);
		assert.deepEqual([...parseSam(whole)], [["S-1-5-32-544", "A"]]);
		const random = testRandom(t);
		let refused = 0;
		for (let round = 0; round < 3000; round++) {
			const bytes = Buffer.from(random.chance(0.1) ? whole.subarray(0, random.below(whole.length)) : whole);
			for (let i = random.between(1, 8); i > 0 && bytes.length > 4; i--) {
				const at = random.chance(0.1) ? random.below(Math.min(bytes.length - 4, 64)) : random.below(bytes.length - 4);
				const value = random.pick([
					0,
					1,
					0xff,
					0xffff,
					0xffffffff,
					0x7fffffff,
					0x80000000,
					0x20,
					random.below(bytes.length),
				]);
				bytes.writeUInt32LE(value, random.chance(0.5) ? at & ~3 : at);
			}
			try {
				const hive = new Hive(bytes, "hive");
				// Bounded, for a damaged key may be its own child.
				const keys = [hive.root];
				for (let i = 0; i < keys.length && keys.length < 5000; i++) {
					for (const value of hive.values(keys[i]!)) assert.ok(value.data.length <= bytes.length);
					keys.push(...hive.subkeys(keys[i]!));
				}
				parseSam(bytes);
			} catch (error) {
				if (!(error instanceof UmbraError)) throw error;
				refused++;
			}
		}
		assert.ok(refused > 100, `only ${refused} of the rounds did harm`);
	});
});

describe("Hive refuses", () => {
	const cases = [
		{ what: "signature", at: 0, value: 0, code: "corrupt", field: "signature" },
		{ what: "a later major version", at: 20, value: 2, code: "unsupported", field: "major version" },
		{ what: "a root behind the end", at: 36, value: 8192, code: "corrupt", field: "offset" },
		{ what: "a root in a free cell", at: 4096 + 0x20, value: 96, code: "corrupt", field: "size" },
		{ what: "a root that is no key", at: 4096 + 0x24, value: 0, code: "corrupt", field: "signature" },
		{ what: "a name longer than its cell", at: 4096 + 0x20 + 76, value: 0xff, code: "corrupt", field: "length" },
	] as const;
	for (const { what, at, value, code, field } of cases) {
		it(`${what} as ${code}`, () => {
			const bytes = emptyHive();
			bytes.writeUInt32LE(value, at);
			assert.throws(
				() => new Hive(bytes, "hive"),
				(error) => error instanceof UmbraError && error.code === code && error.context.field === field,
			);
		});
	}

	it("a list that names one key over and over, by its end", () => {
		const bytes = emptyHive();
		const list = 4096 + 0x100;
		bytes.writeInt32LE(-2052, list);
		bytes.write("ri", list + 4, "latin1");
		bytes.writeUInt16LE(500, list + 6);
		for (let i = 0; i < 500; i++) bytes.writeUInt32LE(0x100 + 2052, list + 8 + 4 * i);
		const leaf = list + 2052;
		bytes.writeInt32LE(-1600, leaf);
		bytes.write("li", leaf + 4, "latin1");
		bytes.writeUInt16LE(390, leaf + 6);
		for (let i = 0; i < 390; i++) bytes.writeUInt32LE(0x20, leaf + 8 + 4 * i);
		bytes.writeUInt32LE(1, 4096 + 0x24 + 20);
		bytes.writeUInt32LE(0x100, 4096 + 0x24 + 28);
		const hive = new Hive(bytes, "hive");
		assert.equal([...hive.subkeys(hive.root)].length, 500 * 390);
		assert.throws(
			() => {
				for (let i = 0; i < 10; i++) hive.find(["none"]);
			},
			(error) => error instanceof UmbraError && error.code === "limit",
		);
	});
});
