import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parse } from "yaml";
import { isUmbraError } from "../common/errors.ts";
import { tempFolder } from "../test/support/temp.ts";
import { type GrafanaSettings, grafanaSettings } from "./settings.ts";
import { writeRendered } from "./write.ts";

const defaults = grafanaSettings.parse({});
const RULES = "alerting/umbra-rules.yaml";
const RECORD = "umbra-rendered.json";

function withPoints(...names: readonly string[]): GrafanaSettings {
	return grafanaSettings.parse({
		contactPoints: names.map((name) => ({ name, type: "email", addresses: ["noc@example.org"] })),
		routes: [{ contactPoint: names[0] }],
	});
}

describe("writeRendered", () => {
	it("writes once, and nothing where nothing changed", async () => {
		await using folder = await tempFolder();
		const first = await writeRendered(folder.path, defaults, false);
		assert.equal(first.unchanged.length, 0);
		const again = await writeRendered(folder.path, defaults, false);
		assert.deepEqual([again.written, again.removed], [[], []]);
		assert.equal(again.unchanged.length, first.written.length);
		// Nothing of an ending that Grafana would stumble over.
		for (const name of await readdir(folder.file("alerting"))) assert.match(name, /\.yaml$/);
	});

	it("refuses a file that it did not make, and writes nothing then", async () => {
		await using folder = await tempFolder();
		await mkdir(folder.file("alerting"));
		await writeFile(folder.file(RULES), "apiVersion: 1\n");
		await assert.rejects(
			writeRendered(folder.path, defaults, false),
			(error) => isUmbraError(error, "conflict") && error.message.includes("was not made by this command"),
		);
		assert.deepEqual(await readdir(folder.path), ["alerting"]);
		await writeRendered(folder.path, defaults, true);
		assert.match(await readFile(folder.file(RULES), "utf8"), /umbra-agent-silent/);
	});

	it("refuses to overwrite what was changed by hand since", async () => {
		await using folder = await tempFolder();
		await writeRendered(folder.path, defaults, false);
		await writeFile(folder.file(RULES), "apiVersion: 1\n");
		await assert.rejects(
			writeRendered(folder.path, grafanaSettings.parse({ folder: "Other" }), false),
			(error) => isUmbraError(error, "conflict") && error.message.includes("was changed since it was rendered"),
		);
	});

	it("leaves an operator's own files alone", async () => {
		await using folder = await tempFolder();
		await mkdir(folder.file("alerting"));
		await writeFile(folder.file("alerting/ours.yaml"), "apiVersion: 1\n");
		await writeRendered(folder.path, defaults, false);
		await writeRendered(folder.path, grafanaSettings.parse({ routing: "none" }), false);
		assert.equal(await readFile(folder.file("alerting/ours.yaml"), "utf8"), "apiVersion: 1\n");
	});

	it("takes away files that are no more, unless they were changed", async () => {
		await using folder = await tempFolder();
		await writeRendered(folder.path, defaults, false);
		await writeFile(folder.file("alerting/umbra-templates.yaml"), "apiVersion: 1\n");
		const { removed } = await writeRendered(folder.path, grafanaSettings.parse({ routing: "none" }), false);
		assert.deepEqual(removed.toSorted(), [
			"alerting/umbra-contact-points.yaml",
			"alerting/umbra-mute-times.yaml",
			"alerting/umbra-policies.yaml",
		]);
	});

	it("names rules that an earlier rendering had for deletion, for good", async () => {
		await using folder = await tempFolder();
		await writeRendered(folder.path, defaults, false);
		const record = JSON.parse(await readFile(folder.file(RECORD), "utf8"));
		record.rules.push("umbra-of-old");
		await writeFile(folder.file(RECORD), JSON.stringify(record));
		for (let round = 0; round < 2; round++) {
			await writeRendered(folder.path, defaults, false);
			const { deleteRules } = parse(await readFile(folder.file(RULES), "utf8"));
			assert.deepEqual(deleteRules, [{ orgId: 1, uid: "umbra-of-old" }]);
		}
	});

	it("names contact points that are gone for deletion only where it writes the policies too", async () => {
		await using folder = await tempFolder();
		await writeRendered(folder.path, withPoints("noc", "pager"), false);
		await writeRendered(folder.path, withPoints("noc"), false);
		const path = folder.file("alerting/umbra-contact-points.yaml");
		assert.deepEqual(parse(await readFile(path, "utf8")).deleteContactPoints, [{ orgId: 1, uid: "umbra-pager" }]);
		await writeRendered(folder.path, { ...withPoints("noc"), routing: "rules" }, false);
		assert.equal(parse(await readFile(path, "utf8")).deleteContactPoints, undefined);
	});

	it("says what is wrong with a damaged record", async () => {
		await using folder = await tempFolder();
		await writeRendered(folder.path, defaults, false);
		await writeFile(folder.file(RECORD), "{");
		await assert.rejects(writeRendered(folder.path, defaults, false), (error) => isUmbraError(error, "bad-config"));
		await rm(folder.file(RECORD));
		// Every file is as it would be written.
		await writeRendered(folder.path, defaults, false);
		assert.ok((await readdir(folder.path)).includes(RECORD));
		assert.ok(join(folder.path, RECORD).length > 0);
	});
});
