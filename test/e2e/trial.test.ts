/** Trials: from a running guest into a collector, from there to an agent that lets clones of it run, and what is learned of it. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { markedProcesses } from "../../agent/trial/sweep.ts";
import { vmPath } from "../../cli/collector-client.ts";
import type { SignatureView } from "../../collector/api/views.ts";
import type { TrialRecord, TrialStory } from "../../collector/catalog/trial-records.ts";
import type { BatchView } from "../../collector/trial/batch.ts";
import { bootGuest, type Guest, makeDisk } from "../support/guest.ts";
import { startUmbra } from "../support/processes.ts";
import { needsGuest } from "../support/requires.ts";
import { Site } from "../support/site.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const MIB = 2 ** 20;
const GROUP = `umbra-test-${process.pid}`;
const GROUPS = ["", "cpu", "memory"].map((hierarchy) => join("/sys/fs/cgroup", hierarchy, GROUP));

/** An NMI that nobody asked for is the end of a kernel that was told so; slow disks are not. */
const STRESS = `
probes:
  - { name: alive, console: { pattern: "*much: OK*", expect: present }, every: 30s }
profiles:
  - name: nmi
    duration: 60s
    phases: [{ from: 2s, levers: [{ lever: nmi }] }]
  - name: slow
    seed: 3
    duration: 8s
    phases: [{ from: 1s, for: 5s, levers: [{ lever: disk-rate, bytesPerSecond: { between: [2e6, 3e6] } }] }]
`;

describe("a trial", needsGuest(), () => {
	const resources = new AsyncDisposableStack();
	let folder: TempFolder;
	let guest: Guest;
	let site: Site;
	let trials: string;

	before(async () => {
		folder = resources.use(await tempFolder());
		// A test kills its agents, which then cannot.
		resources.defer(async () => void (await Promise.allSettled(GROUPS.map((group) => rmdir(group)))));
		const disk = await makeDisk(folder.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
		const network = ["-netdev", "user,id=n0", "-device", "virtio-net-pci,id=net0,netdev=n0"];
		guest = resources.use(
			await bootGuest({
				...{ folder: folder.file("vm"), disks: [disk], memoryMb: 160, modules: ["virtio_net"], extraArgs: network },
			}),
		);
		// Each clone says once more on its console that it is alive, in what it reads from its disk, and asks the network.
		await guest.run(`ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; echo 1 > /proc/sys/kernel/unknown_nmi_panic
dd if=/dev/urandom of=/mnt/much bs=64k count=16; md5sum /mnt/much > /tmp/sum; sync; echo 3 > /proc/sys/vm/drop_caches
(while :; do md5sum -c /tmp/sum > /dev/ttyS0; ping -c 1 -W 1 10.0.2.2; echo 3 > /proc/sys/vm/drop_caches; sleep 1; done) > /dev/null 2>&1 &`);
		await mkdir(folder.file("site"));
		site = resources.use(
			await Site.start({
				folder: folder.file("site"),
				sockets: [guest.qmpSocket],
				agent: { trials: { slots: 3, memory: "3GiB", cgroup: GROUP } },
			}),
		);
		trials = join(site.folder, "agent", "trials");
		await site.capture("vm");
		await site.client.post(vmPath("vm", "capture"), { state: "true" });
		await until(async () => (await site.changes("vm")).some(({ state }) => state !== undefined), {
			what: "a state in the catalog",
			timeoutMs: 60_000,
		});
	});
	after(() => resources[Symbol.asyncDispose]());

	async function umbra(...args: string[]): Promise<string> {
		await using program = await startUmbra([...args, "--collector", site.apiUrl]);
		const code = await program.finished;
		assert.equal(code, 0, `${program.output()}\n${site.agent?.output().slice(-2000)}`);
		return stripVTControlCharacters(program.stdout());
	}

	async function over(id: string): Promise<BatchView> {
		return await until(
			async () => {
				const view = await site.client.get<BatchView>(`/v1/trial-batches/${id}`);
				return view.state === "running" ? undefined : view;
			},
			{ what: "the batch is over", timeoutMs: 60_000 },
		);
	}

	async function nothingLeft(): Promise<void> {
		const left = async () => [...(await readdir(trials)), ...markedProcesses(trials)];
		await until(async () => (await left()).length === 0, { what: "nothing is left of trials", timeoutMs: 60_000 });
		for (const group of GROUPS.filter((each) => existsSync(each))) {
			const entries = await readdir(group, { withFileTypes: true });
			const names = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
			assert.deepEqual(names, []);
		}
		assert.equal((await guest.run("md5sum -c /tmp/sum")).output, "/mnt/much: OK\n");
	}

	it("runs clones of what was captured, and leaves nothing", async () => {
		const batch = JSON.parse(await umbra("trial", "run", "vm", "--clones", "3", "--for", "4s", "--json")) as BatchView;
		const { ramBytes = 0, diskBytes = 0 } = batch.template ?? {};
		assert.ok(ramBytes > 20 * MIB && ramBytes < 160 * MIB && diskBytes >= MIB, JSON.stringify(batch));
		assert.equal(batch.trials.length, 3);
		for (const { id, outcome, memoryBytes } of batch.trials) {
			const story = await site.client.get<TrialStory>(`/v1/trials/${id}/story`);
			assert.equal(outcome, "survived", JSON.stringify(story));
			assert.ok(story.console.includes("OK") && (memoryBytes ?? 0) < 100 * MIB, JSON.stringify(story));
		}
		await nothingLeft();
	});

	it("finds out how the VM fails, files it, and has it again", async () => {
		const profile = folder.file("stress.yaml");
		await writeFile(profile, STRESS);
		const ran = await umbra("trial", "run", "vm", "--profile", profile, "--seed", "7", "--json");
		const [failed, slow, control] = (JSON.parse(ran) as BatchView).trials;
		assert.ok(failed !== undefined && slow !== undefined && control !== undefined);
		assert.deepEqual(
			[failed.outcome, failed.failure?.type, control.outcome, control.profile],
			["failed", "kernel-panic", "survived", null],
		);
		const records = await Promise.all([failed, slow].map(({ id }) => site.client.get<TrialRecord>(`/v1/trials/${id}`)));
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
		const story = await site.client.get<TrialStory>(`/v1/trials/${failed.id}/story`);
		assert.match(story.console, /Kernel panic/);
		assert.ok(Object.keys(story.series.values).length > 5, JSON.stringify(story.series));
		assert.deepEqual(
			story.probes.map(({ name, problem }) => [name, problem]),
			[["alive", ""]],
		);

		await umbra("trial", "replay", failed.id, "--times", "2");
		const [signature] = (await site.client.get<{ items: SignatureView[] }>("/v1/signatures")).items;
		assert.equal(signature?.title, failed.failure?.title);
		assert.deepEqual([signature?.reproduction, signature?.controls], [{ failed: 3, trials: 3 }, 0]);
		assert.ok(Object.keys(signature?.leadUp?.values ?? {}).length > 5);

		const page = folder.file("trial.html");
		await umbra("trial", "show", failed.id, "--html", page);
		assert.match(await readFile(page, "utf8"), /<svg.*<polyline.*Kernel panic/s);
		const shown = await umbra("trial", "show", failed.id);
		for (const part of [/kernel-panic: /, /fire +nmi/, /the end of its console/]) assert.match(shown, part);
		await nothingLeft();
	});

	it("is over where whoever follows it goes away, and lost where its agent or collector is killed", async () => {
		{
			await using following = await startUmbra(["trial", "run", "vm", "--for", "600s", "--collector", site.apiUrl]);
			await until(() => markedProcesses(trials).length === 2, { what: "a clone and its memory", timeoutMs: 60_000 });
			await following.kill("SIGINT");
		}
		await until(() => markedProcesses(trials).length === 0, { what: "the clone is gone" });

		const start = async () => {
			const { id } = await site.client.post<BatchView>(vmPath("vm", "trials"), { clones: 2, seconds: 600 });
			await until(() => markedProcesses(trials).length === 3, {
				what: "two clones and their memory",
				timeoutMs: 60_000,
			});
			return id;
		};
		const ofAgent = await start();
		await site.agent?.kill("SIGKILL");
		const { state, trials: lost } = await over(ofAgent);
		assert.deepEqual([state, ...lost.map(({ outcome }) => outcome)], ["failed", "lost", "lost"]);
		await site.startAgent();
		await site.connected();
		await nothingLeft();

		const ofCollector = await start();
		await site.collector?.kill("SIGKILL");
		await site.startCollector();
		for (const at of [0, 1]) {
			const record = await site.client.get<TrialRecord>(`/v1/trials/${ofCollector}-${at}`);
			assert.equal(record.outcome, "lost");
		}
		await nothingLeft();
	});
});
