/** Clones of a VM: from a running guest into a collector, and from there to an agent that lets three of it run. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { markedProcesses } from "../../agent/trial/sweep.ts";
import { vmPath } from "../../cli/collector-client.ts";
import type { TrialRunView } from "../../collector/api/run-trial-routes.ts";
import { bootGuest, makeDisk } from "../support/guest.ts";
import { startUmbra } from "../support/processes.ts";
import { needsGuest } from "../support/requires.ts";
import { Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const MIB = 2 ** 20;
const GROUP = `umbra-test-${process.pid}`;

describe("a trial", needsGuest(), () => {
	it("runs clones of what was captured, and leaves nothing, also where its agent is killed", async () => {
		await using folder = await tempFolder();
		const groups = ["", "cpu", "memory"].map((hierarchy) => join("/sys/fs/cgroup", hierarchy, GROUP));
		// The test kills its agents, which then cannot.
		await using _groups = {
			[Symbol.asyncDispose]: async () => void (await Promise.allSettled(groups.map((group) => rmdir(group)))),
		};
		const disk = await makeDisk(folder.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
		const network = ["-netdev", "user,id=n0", "-device", "virtio-net-pci,id=net0,netdev=n0"];
		await using guest = await bootGuest({
			...{ folder: folder.file("vm"), disks: [disk], memoryMb: 160, modules: ["virtio_net"], extraArgs: network },
		});
		// Each clone says once more on its console that it is alive, in what it reads from its disk, and asks the network.
		await guest.run(`ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up
dd if=/dev/urandom of=/mnt/much bs=64k count=16; md5sum /mnt/much > /tmp/sum; sync; echo 3 > /proc/sys/vm/drop_caches
(while :; do md5sum -c /tmp/sum > /dev/ttyS0; ping -c 1 -W 1 10.0.2.2; echo 3 > /proc/sys/vm/drop_caches; sleep 1; done) > /dev/null 2>&1 &`);
		await mkdir(folder.file("site"));
		await using site = await Site.start({
			folder: folder.file("site"),
			sockets: [guest.qmpSocket],
			agent: { trials: { slots: 3, memory: "3GiB", cgroup: GROUP } },
		});
		await site.capture("vm");
		await site.client.post(vmPath("vm", "capture"), { state: "true" });
		await until(async () => (await site.changes("vm")).some(({ state }) => state !== undefined), {
			what: "a state in the catalog",
			timeoutMs: 60_000,
		});
		const run = async (...args: string[]) => {
			await using program = await startUmbra(["trial", "run", "vm", ...args, "--collector", site.apiUrl]);
			return { code: await program.finished, output: program.output(), stdout: program.stdout() };
		};
		const { code, output, stdout } = await run("--clones", "3", "--for", "4s", "--json");
		assert.equal(code, 0, `${output}\n${site.agent?.output().slice(-2000)}`);
		const trial = JSON.parse(stdout) as TrialRunView;
		assert.ok(trial.ramBytes > 20 * MIB && trial.ramBytes < 160 * MIB, `${trial.ramBytes}`);
		assert.ok(trial.diskBytes >= MIB, `${trial.diskBytes}`);
		assert.equal(trial.clones.length, 3);
		for (const clone of trial.clones) {
			assert.ok(clone.survived && clone.consoleBytes > 0 && clone.sentFrames > 0, JSON.stringify(clone));
			assert.ok(clone.ownBytes < 100 * MIB, JSON.stringify(clone));
		}
		const trials = join(site.folder, "agent", "trials");
		assert.deepEqual([await readdir(trials), markedProcesses(trials)], [[], []]);
		const refused = await run("--clones", "4");
		assert.equal(refused.code, 1);
		assert.match(refused.output, /no agent has 4 slots/);

		// Whoever asked for it went away: nobody would learn how it fared.
		const asking = new AbortController();
		const url = `${site.apiUrl}${vmPath("vm", "trials")}?clones=1&seconds=600`;
		const asked = fetch(url, { method: "POST", signal: asking.signal }).catch(() => undefined);
		await until(() => markedProcesses(trials).length === 2, { what: "a clone and its memory", timeoutMs: 60_000 });
		asking.abort();
		await asked;
		await until(() => markedProcesses(trials).length === 0, { what: "the clone is gone" });

		const cut = site.client.post(vmPath("vm", "trials"), { clones: 2, seconds: 600 }).catch((error: unknown) => error);
		await until(() => markedProcesses(trials).length === 3, { what: "two clones and their memory", timeoutMs: 60_000 });
		await site.agent?.kill("SIGKILL");
		assert.ok((await cut) instanceof Error);
		await site.startAgent();
		await site.connected();
		assert.deepEqual([await readdir(trials), markedProcesses(trials)], [[], []]);
		for (const group of groups.filter((each) => existsSync(each))) {
			const entries = await readdir(group, { withFileTypes: true });
			assert.deepEqual(
				entries.filter((entry) => entry.isDirectory()).map(({ name }) => name),
				[],
			);
		}
		assert.equal((await guest.run("md5sum -c /tmp/sum")).output, "/mnt/much: OK\n");
	});
});
