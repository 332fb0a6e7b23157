/** A site for the tests of trials: a captured guest, and an agent that takes trials. */
import assert from "node:assert/strict";
import { mkdir, readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { markedProcesses } from "../../agent/trial/sweep.ts";
import { vmPath } from "../../cli/collector-client.ts";
import type { BatchView } from "../../collector/trial/batch.ts";
import { bootGuest, type Guest, makeDisk } from "./guest.ts";
import { startUmbra } from "./processes.ts";
import { Site } from "./site.ts";
import { type TempFolder, tempFolder } from "./temp.ts";
import { until } from "./wait.ts";

const MIB = 2 ** 20;
const GROUP = `umbra-test-${process.pid}`;
const GROUPS = ["", "cpu", "memory", "unified"].map((hierarchy) => join("/sys/fs/cgroup", hierarchy, GROUP));

export class TrialSite implements AsyncDisposable {
	readonly folder: TempFolder;
	readonly site: Site;
	/** Of the agent's trials. */
	readonly trials: string;
	readonly #guest: Guest;
	readonly #resources: AsyncDisposableStack;

	private constructor(folder: TempFolder, guest: Guest, site: Site, resources: AsyncDisposableStack) {
		this.folder = folder;
		this.site = site;
		this.trials = join(site.folder, "agent", "trials");
		this.#guest = guest;
		this.#resources = resources;
	}

	/** The VM is "vm". Its kernel panics at an NMI; each clone says "much: OK" on its console once a second, read from its disk. */
	static async open(): Promise<TrialSite> {
		await using resources = new AsyncDisposableStack();
		const folder = resources.use(await tempFolder());
		// A test kills its agents, which then cannot.
		resources.defer(async () => void (await Promise.allSettled(GROUPS.map((group) => rmdir(group)))));
		const disk = await makeDisk(folder.file("disk.qcow2"), { sizeBytes: 64 * MIB, format: "qcow2", seed: 1 });
		const network = ["-netdev", "user,id=n0", "-device", "virtio-net-pci,id=net0,netdev=n0"];
		const guest = resources.use(
			await bootGuest({
				...{ folder: folder.file("vm"), disks: [disk], memoryMb: 160, modules: ["virtio_net"], extraArgs: network },
			}),
		);
		await guest.run(`ip addr add 10.0.2.15/24 dev eth0; ip link set eth0 up; echo 1 > /proc/sys/kernel/unknown_nmi_panic
dd if=/dev/urandom of=/mnt/much bs=64k count=16; md5sum /mnt/much > /tmp/sum; sync; echo 3 > /proc/sys/vm/drop_caches
(while :; do md5sum -c /tmp/sum > /dev/ttyS0; ping -c 1 -W 1 10.0.2.2; echo 3 > /proc/sys/vm/drop_caches; sleep 1; done) > /dev/null 2>&1 &`);
		await mkdir(folder.file("site"));
		const site = resources.use(
			await Site.start({
				folder: folder.file("site"),
				sockets: [guest.qmpSocket],
				agent: { trials: { slots: 3, memory: "3GiB", cgroup: GROUP, diskFloor: "64MiB" } },
			}),
		);
		await site.capture("vm");
		await site.client.post(vmPath("vm", "capture"), { state: "true" });
		await until(async () => (await site.changes("vm")).some(({ state }) => state !== undefined), {
			what: "a state in the catalog",
			timeoutMs: 60_000,
		});
		return new TrialSite(folder, guest, site, resources.move());
	}

	/** What the command says; it has to succeed. */
	async umbra(...args: string[]): Promise<string> {
		await using program = await startUmbra([...args, "--collector", this.site.apiUrl]);
		const code = await program.finished;
		assert.equal(code, 0, `${program.output()}\n${this.site.agent?.output().slice(-2000)}`);
		return stripVTControlCharacters(program.stdout());
	}

	async over(id: string): Promise<BatchView> {
		return await until(
			async () => {
				const view = await this.site.client.get<BatchView>(`/v1/trial-batches/${id}`);
				return view.state === "running" ? undefined : view;
			},
			{ what: "the batch is over", timeoutMs: 60_000 },
		);
	}

	/** Of no trial, and nothing happened to the VM. */
	async nothingLeft(): Promise<void> {
		const groups = async () => {
			const found = GROUPS.map((each) => readdir(each, { withFileTypes: true }).catch(() => []));
			return (await Promise.all(found)).flat().filter((entry) => entry.isDirectory());
		};
		const left = async () => [...(await readdir(this.trials)), ...markedProcesses(this.trials), ...(await groups())];
		await until(async () => (await left()).length === 0, { what: "nothing is left of trials", timeoutMs: 60_000 });
		assert.equal((await this.#guest.run("md5sum -c /tmp/sum")).output, "/mnt/much: OK\n");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#resources.disposeAsync();
	}
}
