import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { loadAgentId } from "./identity.ts";

describe("loadAgentId", () => {
	let folder = "";
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "umbra-identity-"));
	});
	after(() => rm(folder, { recursive: true, force: true }));

	it("makes an id once, the same for all who ask at the same time, and leaves nothing else", async () => {
		const state = join(folder, "state");
		const ids = await Promise.all([loadAgentId(state), loadAgentId(state), loadAgentId(state)]);
		assert.equal(new Set([...ids, await loadAgentId(state)]).size, 1);
		assert.match(ids[0] as string, /^[0-9a-f-]{36}$/);
		assert.deepEqual(await readdir(state), ["agent-id"]);
	});

	it("refuses a file that holds something else rather than becoming another agent", async () => {
		await writeFile(join(folder, "agent-id"), "not an id\n");
		await assert.rejects(loadAgentId(folder), { name: "UmbraError", code: "corrupt" });
	});
});
