/** Trials: from a running guest into a collector, from there to an agent that lets clones of it run, and what is learned of it. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import type { SignatureView } from "../../collector/api/views.ts";
import type { TrialRecord, TrialStory } from "../../collector/catalog/trial-records.ts";
import type { BatchView } from "../../collector/trial/batch.ts";
import { needsGuest } from "../support/requires.ts";
import { TrialSite } from "../support/trial-site.ts";

const MIB = 2 ** 20;

/** An NMI that nobody asked for is the end of a kernel that was told so; slow disks are not. */
const STRESS = `
probes:
  - { name: alive, console: { pattern: "*much: OK*", expect: present }, every: 30s }
profiles:
  - name: nmi
    duration: 12s
    phases: [{ from: 2s, levers: [{ lever: nmi }] }]
  - name: slow
    seed: 3
    duration: 8s
    phases: [{ from: 1s, for: 5s, levers: [{ lever: disk-rate, bytesPerSecond: { between: [2e6, 3e6] } }] }]
`;

describe("a trial", needsGuest(), () => {
	let here: TrialSite;
	before(async () => {
		here = await TrialSite.open();
	});
	after(() => here[Symbol.asyncDispose]());

	it("runs clones of what was captured, and leaves nothing", async () => {
		const run = async () => {
			const ran = await here.umbra("trial", "run", "vm", "--clones", "3", "--for", "4s", "--json");
			const batch = JSON.parse(ran) as BatchView;
			const storyOf = (id: string) => here.site.client.get<TrialStory>(`/v1/trials/${id}/story`);
			return { batch, stories: await Promise.all(batch.trials.map(({ id }) => storyOf(id))) };
		};
		let { batch, stories } = await run();
		// A machine may stand still for as long as its clones live: then they say nothing.
		if (!stories.every(({ console }) => console.includes("OK"))) ({ batch, stories } = await run());
		const { ramBytes = 0, diskBytes = 0 } = batch.template ?? {};
		assert.ok(ramBytes > 20 * MIB && ramBytes < 160 * MIB && diskBytes >= MIB, JSON.stringify(batch));
		assert.equal(batch.trials.length, 3);
		for (const [at, { outcome, memoryBytes }] of batch.trials.entries()) {
			const story = JSON.stringify(stories[at]);
			assert.equal(outcome, "survived", story);
			assert.ok(stories[at]?.console.includes("OK") && (memoryBytes ?? 0) < 100 * MIB, story);
		}
		await here.nothingLeft();
	});

	it("finds out how the VM fails, files it, and has it again", async () => {
		const profile = here.folder.file("stress.yaml");
		await writeFile(profile, STRESS);
		const ran = await here.umbra("trial", "run", "vm", "--profile", profile, "--seed", "7", "--json");
		const [failed, slow, control] = (JSON.parse(ran) as BatchView).trials;
		assert.ok(failed !== undefined && slow !== undefined && control !== undefined);
		assert.deepEqual(
			[failed.outcome, failed.failure?.type, control.outcome, control.profile],
			["failed", "kernel-panic", "survived", null],
		);
		const records = await Promise.all(
			[failed, slow].map(({ id }) => here.site.client.get<TrialRecord>(`/v1/trials/${id}`)),
		);
		const [nmi, rate] = records;
		assert.deepEqual([nmi?.profile?.seed, rate?.profile?.seed], [7, 8]);
		assert.deepEqual(
			nmi?.levers.map(({ lever, action, problem }) => [lever, action, problem]),
			[["nmi", "fire", ""]],
		);
		const { failedMs, firstStressMs } = nmi ?? assert.fail();
		assert.ok((failedMs ?? 0) >= (firstStressMs ?? 0) && (firstStressMs ?? 0) > 1990, JSON.stringify(nmi));
		assert.notEqual(rate?.outcome, "failed", JSON.stringify(rate));
		assert.deepEqual(
			rate?.levers.map(({ action, problem }) => [action, problem]),
			[
				["set", ""],
				["revert", ""],
			],
		);
		const story = await here.site.client.get<TrialStory>(`/v1/trials/${failed.id}/story`);
		assert.match(story.console, /Kernel panic/);
		assert.ok(Object.keys(story.series.values).length > 5, JSON.stringify(story.series));
		assert.deepEqual(
			story.probes.map(({ name, problem }) => [name, problem]),
			[["alive", ""]],
		);

		await here.umbra("trial", "replay", failed.id, "--times", "2");
		const { items } = await here.site.client.get<{ items: SignatureView[] }>("/v1/signatures");
		const signature = items.find(({ title }) => title === failed.failure?.title);
		assert.deepEqual([signature?.reproduction, signature?.controls], [{ failed: 2, trials: 2 }, 0]);
		assert.ok(Object.keys(signature?.leadUp?.values ?? {}).length > 5);

		const page = here.folder.file("trial.html");
		await here.umbra("trial", "show", failed.id, "--html", page);
		assert.match(await readFile(page, "utf8"), /<svg.*<polyline.*Kernel panic/s);
		const shown = await here.umbra("trial", "show", failed.id);
		for (const part of [/kernel-panic: /, /fire +nmi/, /the end of its console/]) assert.match(shown, part);
		await here.nothingLeft();
	});
});
