import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { z } from "zod";
import { bytesField, checkConfig, durationField, loadConfig } from "./config.ts";
import { isUmbraError } from "./errors.ts";

const schema = z.strictObject({
	name: z.string(),
	size: bytesField().default(7),
	every: durationField().optional(),
	list: z.array(z.strictObject({ port: z.int() })).default([]),
});

async function tempFolder(): Promise<AsyncDisposable & { file(name: string): string }> {
	const path = await mkdtemp(join(tmpdir(), "umbra-"));
	return {
		file: (name) => join(path, name),
		[Symbol.asyncDispose]: () => rm(path, { recursive: true }),
	};
}

async function load(text: string): Promise<z.output<typeof schema>> {
	await using temp = await tempFolder();
	await writeFile(temp.file("c.yaml"), text);
	return await loadConfig(schema, temp.file("c.yaml"));
}

describe("loadConfig", () => {
	it("reads sizes and durations as people write them, and fills in defaults", async () => {
		assert.deepEqual(await load("name: a\nevery: 1.5h\nlist: [{port: 1}]"), {
			name: "a",
			size: 7,
			every: 5_400_000,
			list: [{ port: 1 }],
		});
		assert.equal((await load("name: a\nsize: 4096")).size, 4096);
	});

	for (const [what, text, why] of [
		["unknown keys, by name", "name: a\nnmae: b", /c\.yaml: \(top level\): .*nmae/],
		["unknown keys in lists, with their place", "name: a\nlist: [{port: 1}, {port: 2, prot: 3}]", /list\.1: .*prot/],
		["a wrong value, naming the field and the value", "name: [x]", /name: .*found \["x"\]/],
		["every wrong field at once", "name: 1\nsize: big", /name: .*; size: not a size: "big"/],
		["a missing field", "size: 1", /name: /],
		["a duration without a unit", "name: a\nevery: 60", /every: not a duration: "60"/],
		["a key given twice", "name: a\nname: b", /not YAML: .*unique/],
		["two documents", "name: a\n---\nname: b", /not YAML/],
		["a tab for spaces", "list:\n\t- port: 1", /not YAML/],
		["an alias without an anchor", "name: *a", /not YAML/],
		["a bomb of aliases", bomb(), /not YAML/],
		["a file that is text", "just words", /top level/],
		["an empty file", "", /name/],
	] as const) {
		it(`refuses ${what}`, async () => {
			await assert.rejects(load(text), (error) => {
				assert.ok(isUmbraError(error, "bad-config"), String(error));
				assert.match(error.message, why);
				return true;
			});
		});
	}

	it("tells a file that is not there from one that cannot be read", async () => {
		await using temp = await tempFolder();
		await assert.rejects(loadConfig(schema, temp.file("none")), (error) => isUmbraError(error, "not-found"));
		await mkdir(temp.file("folder"));
		await assert.rejects(loadConfig(schema, temp.file("folder")), (error) => isUmbraError(error, "unavailable"));
	});
});

/** Ten levels, each ten times the one before. */
function bomb(): string {
	const lines = ["a0: &a0 x"];
	for (let level = 1; level < 10; level++) {
		lines.push(`a${level}: &a${level} [${Array.from({ length: 10 }, () => `*a${level - 1}`).join(", ")}]`);
	}
	return lines.join("\n");
}

describe("checkConfig", () => {
	it("names the first wrong field for programs, and hints for people", () => {
		assert.throws(
			() => checkConfig(schema, { name: "a", list: [{ port: "x" }] }, "here"),
			(error) => isUmbraError(error) && error.context.field === "list.0.port" && error.hint !== undefined,
		);
	});
});
