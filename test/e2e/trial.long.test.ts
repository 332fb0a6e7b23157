/** Trials whose ends nobody sees. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { markedProcesses } from "../../agent/trial/sweep.ts";
import { vmPath } from "../../cli/collector-client.ts";
import type { TrialRecord } from "../../collector/catalog/trial-records.ts";
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
	});
});
