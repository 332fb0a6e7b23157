import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, it } from "node:test";
import { isUmbraError } from "../common/errors.ts";
import { ROOT } from "../test/support/processes.ts";
import { tempFolder } from "../test/support/temp.ts";
import { type AgentConfig, loadAgentConfig, settingsFor } from "./config.ts";

const EXAMPLE = join(ROOT, "packaging", "examples", "agent.yaml");
const LEAST = ["dataDir: /d", "collector:", "  address: c:1", "qemu:", "  sockets: [/s]"];

async function load(...lines: readonly string[]): Promise<AgentConfig> {
	await using temp = await tempFolder();
	const path = temp.file("agent.yaml");
	await writeFile(path, lines.join("\n"));
	return await loadAgentConfig(path);
}

describe("loadAgentConfig", () => {
	it("loads the example", async () => {
		const config = await loadAgentConfig(EXAMPLE);
		assert.equal(config.dataDir, "/var/lib/umbra/agent");
		assert.deepEqual(settingsFor(config, "db-3").excludeDisks, ["swap"]);
	});

	it("has the defaults that the example shows, and knows every setting in it", async () => {
		const text = await readFile(EXAMPLE, "utf8");
		// A commented setting, alone or as the first under a section; the sections that are commented come with it.
		const shown = text
			.split("\n")
			.filter((line) => /^\s*#\s*-?\s*[A-Za-z]+:(\s|$)/.test(line))
			.map((line) => line.replace(/^(\s*)#/, "$1").trim());
		const value = (name: string) =>
			shown
				.find((line) => line.startsWith(`${name}:`))
				?.replace(/^\w+:\s*/, "")
				.replace(/\s+#.*$/, "");
		const config = await load(...LEAST);
		assert.equal(value("schedule"), config.schedule);
		assert.equal(value("threads"), String(config.threads));
		assert.equal(value("log"), config.log);
		const explicit = await load(
			...LEAST,
			`  scanInterval: ${value("scanInterval")}`,
			`log: ${value("log")}`,
			`scratch: {limit: ${value("limit")}}`,
			`host: ${value("host")}`,
		);
		assert.equal(explicit.qemu.scanInterval, config.qemu.scanInterval);
		assert.equal(explicit.scratch.limit, config.scratch.limit);
	});

	it("makes absolute what QEMU gets to see", async () => {
		const config = await load("dataDir: d", ...LEAST.slice(1), "scratch: {dir: x/y}");
		assert.equal(config.dataDir, resolve("d"));
		assert.equal(config.scratch.dir, resolve("x/y"));
		assert.equal((await load(...LEAST)).scratch.dir, undefined);
	});

	for (const [what, lines, why] of [
		["an unknown key", [...LEAST, "shedule: every 1m"], /shedule/],
		["an unknown key in a section", [...LEAST, "spool: {max: 1GiB}"], /max/],
		["an unknown key of a VM", [...LEAST, "vms: [{match: a, excluded: true}]"], /excluded/],
		["a missing section", LEAST.slice(0, 3), /qemu/],
		[
			"an address without a port",
			["collector: {address: c}", ...LEAST.filter((l) => !/coll|addr/.test(l))],
			/host:port/,
		],
		["a schedule that makes no sense", [...LEAST, "schedule: sometimes"], /schedule: not a schedule.*"sometimes"/],
		["a VM's schedule that makes no sense", [...LEAST, "vms: [{match: a, schedule: every 1ms}]"], /vms\.0\.schedule/],
		["a size without sense", [...LEAST, "spool: {limit: lots}"], /spool\.limit: not a size: "lots"/],
		["a look every 0 s, which keeps a core busy", [...LEAST, "  scanInterval: 0s"], /scanInterval.*100ms to 1h/],
		["a look so rare that a timer overflows", [...LEAST, "  scanInterval: 30d"], /scanInterval.*100ms to 1h/],
		["no sockets", [...LEAST.slice(0, 4), "  sockets: []"], /qemu\.sockets/],
		["too many threads", [...LEAST, "threads: 65"], /threads/],
		["a socket without a name", [...LEAST, "vms: [{socket: /s, exclude: true}]"], /vms\.0\.name/],
		["settings of no VM", [...LEAST, "vms: [{exclude: true}]"], /fits no VM/],
		["a key given twice", [...LEAST, "dataDir: /e"], /not YAML/],
		["no YAML", ["a: [b"], /not YAML/],
		["a list", ["- a"], /top level/],
		["nothing", [], /dataDir/],
	] as const) {
		it(`refuses ${what}`, async () => {
			await assert.rejects(load(...lines), (error) => {
				assert.ok(isUmbraError(error, "bad-config"), String(error));
				assert.match(error.message, why);
				return true;
			});
		});
	}

	it("says that there is no such file", async () => {
		await assert.rejects(loadAgentConfig("/nowhere/agent.yaml"), (error) => isUmbraError(error, "not-found"));
	});
});

describe("settingsFor", () => {
	it("takes the first entry that fits, by pattern or by given name", async () => {
		const config = await load(
			...LEAST,
			"vms:",
			"  - {match: 'db-*', schedule: every 5m}",
			"  - {match: '*', excludeDisks: [x]}",
			"  - {match: 'web', exclude: true}",
		);
		assert.equal(settingsFor(config, "db-1").schedule, "every 5m");
		assert.deepEqual(settingsFor(config, "db-1").excludeDisks, []);
		assert.equal(settingsFor(config, "web").exclude, false);
		assert.deepEqual(settingsFor(config, "").excludeDisks, ["x"]);
		const named = await load(...LEAST, "vms: [{socket: /s/17, name: mail, schedule: every 1h}]");
		assert.equal(settingsFor(named, "mail").schedule, "every 1h");
		assert.equal(settingsFor(named, "mail2").schedule, undefined);
	});
});
