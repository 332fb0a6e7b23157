import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { tempFolder } from "../../test/support/temp.ts";
import { Journal } from "./journal.ts";
import { identify, MARK } from "./process.ts";
import { sweepTrials } from "./sweep.ts";

async function sleeper(env: Record<string, string> = {}) {
	const child = spawn("sleep", ["1000"], { env: { ...process.env, ...env }, stdio: "ignore" });
	await once(child, "spawn");
	return child;
}

describe("sweepTrials", () => {
	it("ends what the journal names and what has the mark, and nothing else", async () => {
		await using temp = await tempFolder();
		const template = temp.file("0a0a0a0a");
		const clone = join(template, "c0");
		await mkdir(clone, { recursive: true });
		const journalled = await sleeper();
		const marked = await sleeper({ [MARK]: temp.file("0b0b0b0b") });
		const stranger = await sleeper({ [MARK]: "/elsewhere/0b0b0b0b" });
		const reused = await sleeper();
		const journal = new Journal(clone);
		await journal.begin({ id: "t-c0", point: "", groups: [join(temp.path, "group", "cgroup.procs")] });
		await journal.add(identify(journalled.pid!)!);
		const other = identify(reused.pid!)!;
		// As if another process had got its number since, and as if the host had been started again.
		await journal.add({ ...other, started: other.started - 1 });
		await journal.add({ ...other, boot: "another" });
		await mkdir(temp.file("group"));
		await writeFile(join(template, "record.json"), "half a rec");
		const ends = Promise.all([once(journalled, "exit"), once(marked, "exit")]);
		try {
			assert.deepEqual(await sweepTrials(temp.path), { templates: 2, processes: 2 });
			await ends;
			assert.deepEqual([journalled.signalCode, marked.signalCode], ["SIGKILL", "SIGKILL"]);
			assert.ok(identify(stranger.pid!) !== undefined && identify(reused.pid!) !== undefined);
			assert.ok(!existsSync(template) && !existsSync(temp.file("group")));
			assert.deepEqual(await sweepTrials(temp.path), { templates: 0, processes: 0 });
		} finally {
			stranger.kill("SIGKILL");
			reused.kill("SIGKILL");
		}
	});
});
