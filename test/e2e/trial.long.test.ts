/** Trials whose ends nobody sees. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { markedProcesses } from "../../agent/trial/sweep.ts";
import { vmPath } from "../../cli/collector-client.ts";
import type { TrialRecord, TrialStory } from "../../collector/catalog/trial-records.ts";
import type { BatchView } from "../../collector/trial/batch.ts";
import { startUmbra } from "../support/processes.ts";
import { needsGuest } from "../support/requires.ts";
import { TrialSite } from "../support/trial-site.ts";
import { until } from "../support/wait.ts";

describe("a trial", needsGuest(), () => {
	let here: TrialSite;
	before(async () => {
		here = await TrialSite.open();
	});
	after(() => here[Symbol.asyncDispose]());

	it("is over where whoever follows it goes away, and lost where its agent or collector is killed", async () => {
		{
			await using following = await startUmbra([
				"trial",
				"run",
				"vm",
				"--for",
				"600s",
				"--collector",
				here.site.apiUrl,
			]);
			await until(() => markedProcesses(here.trials).length === 2, {
				what: "a clone and its memory",
				timeoutMs: 60_000,
			});
			await following.kill("SIGINT");
		}
		await until(() => markedProcesses(here.trials).length === 0, { what: "the clone is gone" });

		const start = async () => {
			const { id } = await here.site.client.post<BatchView>(vmPath("vm", "trials"), { clones: 2, seconds: 600 });
			await until(() => markedProcesses(here.trials).length === 3, {
				what: "two clones and their memory",
				timeoutMs: 60_000,
			});
			return id;
		};
		const ofAgent = await start();
		await here.site.agent?.kill("SIGKILL");
		const { state, trials: lost } = await here.over(ofAgent);
		assert.deepEqual([state, ...lost.map(({ outcome }) => outcome)], ["failed", "lost", "lost"]);
		await here.site.startAgent();
		await here.site.connected();
		await here.nothingLeft();

		const ofCollector = await start();
		await here.site.collector?.kill("SIGKILL");
		await here.site.startCollector();
		for (const at of [0, 1]) {
			const record = await here.site.client.get<TrialRecord>(`/v1/trials/${ofCollector}-${at}`);
			assert.equal(record.outcome, "lost");
		}
		await here.nothingLeft();
		await here.site.connected();
	});

	it("is lost alone where its clone is killed, and says why", async () => {
		const { id } = await here.site.client.post<BatchView>(vmPath("vm", "trials"), { clones: 2, seconds: 25 });
		const [pid = 0] = await until(
			async () => {
				const found = markedProcesses(here.trials).map(async ({ pid }) => {
					const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
					return command.startsWith("qemu-system") ? [pid] : [];
				});
				const clones = (await Promise.all(found)).flat();
				return clones.length === 2 ? clones : undefined;
			},
			{ what: "two clones", timeoutMs: 60_000 },
		);
		process.kill(pid, "SIGKILL");
		const { state, trials } = await here.over(id);
		assert.deepEqual([state, ...trials.map(({ outcome }) => outcome).sort()], ["done", "lost", "survived"]);
		const lost = trials.find(({ outcome }) => outcome === "lost");
		const { notes, failures } = await here.site.client.get<TrialStory>(`/v1/trials/${lost?.id}/story`);
		assert.match(notes[0] ?? "", /^lost: /);
		assert.deepEqual(failures, []);
		await here.nothingLeft();
	});
});
