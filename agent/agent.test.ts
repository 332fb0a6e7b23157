import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { ClassicLevel } from "classic-level";
import { silentLogger } from "../common/log.ts";
import { tempFolder } from "../test/support/temp.ts";
import { Agent } from "./agent.ts";
import type { AgentConfig } from "./config.ts";

describe("Agent.start", () => {
	it("refuses a state in which a bit rotted: changesets of it would tell of other blocks", async () => {
		await using folder = await tempFolder();
		const state = folder.file("state");
		const db = new ClassicLevel<string, string>(state);
		for (let at = 0; at < 100; at++) await db.put(`spool/${at}`, "part of a changeset");
		await db.close();
		const log = (await readdir(state)).find((name) => name.endsWith(".log"));
		assert.ok(log !== undefined);
		const bytes = await readFile(folder.file(`state/${log}`));
		bytes[1000]! ^= 4;
		await writeFile(folder.file(`state/${log}`), bytes);
		// It does not get as far as to any other setting.
		const config = { dataDir: folder.path } as AgentConfig;
		await assert.rejects(Agent.start(config, silentLogger()), {
			code: "corrupt",
			message: /^the agent's state is damaged: .*\d+\.log, byte \d+: the checksum of a record does not fit it$/,
			hint: /move .*state and .*spool away/,
		});
	});
});
