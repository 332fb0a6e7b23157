/** Whether what a kernel of today says when it fails is known: the corpus holds what one said when it was recorded. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { FailureClassifier } from "../../common/failures/classifier.ts";
import { bootGuest, type Guest, type GuestOptions } from "../../packaging/guest/guest.ts";
import { needs } from "../support/requires.ts";
import { tempFolder } from "../support/temp.ts";
import { until } from "../support/wait.ts";

const LOUD = "echo 8 > /proc/sys/kernel/printk; echo 1 > /proc/sys/kernel/sysrq";

interface Provocation {
	readonly what: string;
	readonly wanted: string;
	readonly options?: Partial<GuestOptions>;
	readonly hasDisk?: true;
	provoke(guest: Guest): Promise<unknown>;
}

/** In the background: the guest may not live to answer. */
const later = (guest: Guest, script: string) => guest.run(`(sleep 0.2; ${script}) >/dev/null 2>&1 &`);

const PROVOCATIONS: readonly Provocation[] = [
	{
		what: "a panic",
		wanted: "kernel-panic: kernel panic: sysrq triggered crash",
		provoke: (guest) => later(guest, "echo c > /proc/sysrq-trigger"),
	},
	{
		what: "memory that runs out",
		wanted: "oom-kill: OOM kill of dd",
		options: { memoryMb: 128 },
		provoke: (guest) =>
			later(guest, "echo 1 > /proc/sys/vm/overcommit_memory; dd if=/dev/zero of=/dev/null bs=110M count=1"),
	},
	{
		what: "a disk that fails writes",
		wanted: "io-error: I/O error on vda",
		hasDisk: true,
		provoke: async (guest) => {
			const fails = [{ event: "none", iotype: "write", errno: 5, once: false }];
			const node = { driver: "blkdebug", "node-name": "failing", image: "disk0-format", "inject-error": fails };
			await guest.qmp("blockdev-add", node);
			await guest.qmp("qom-set", { path: "/machine/peripheral/disk0", property: "drive", value: "failing" });
			await later(guest, "dd if=/dev/zero of=/mnt/x bs=64k count=8; sync");
		},
	},
	{
		what: "a disk that does not get on",
		wanted: "hung-task: ",
		hasDisk: true,
		provoke: async (guest) => {
			await guest.run("echo 3 > /proc/sys/kernel/hung_task_timeout_secs");
			const id = "/machine/peripheral/disk0/virtio-backend";
			const limits = { bps: 0, bps_rd: 1, bps_wr: 1, iops: 0, iops_rd: 0, iops_wr: 0 };
			await guest.qmp("block_set_io_throttle", { id, ...limits });
			await later(guest, "dd if=/dev/zero of=/mnt/x bs=1M count=8; sync");
		},
	},
	{
		what: "a restart",
		wanted: "reboot: rebooted by the guest",
		provoke: (guest) => later(guest, "reboot -f"),
	},
];

describe("FailureClassifier, on the console of a real guest", needs("qemu-system-x86_64", "mke2fs"), () => {
	for (const { what, wanted, options, hasDisk, provoke } of PROVOCATIONS) {
		it(`knows ${what}`, async () => {
			await using folder = await tempFolder();
			const image = folder.file("disk");
			if (hasDisk) execFileSync("mke2fs", ["-q", "-F", "-t", "ext4", image, "64m"]);
			const disks = hasDisk ? [{ path: image, format: "raw" as const }] : [];
			await using guest = await bootGuest({ disks, folder: folder.path, ...options });
			await guest.run(LOUD);
			await provoke(guest);
			// A report takes time to come: its first line alone may have another title.
			let told = "";
			const isKnown = async (): Promise<boolean> => {
				const classifier = new FailureClassifier();
				classifier.write(await readFile(folder.file("console.log"), "utf8"));
				const [failure] = classifier.failures();
				told = failure === undefined ? "" : `${failure.type}: ${failure.title}`;
				return told.startsWith(wanted);
			};
			await until(isKnown, { what: wanted, timeoutMs: 60_000 }).catch(async (cause: unknown) => {
				const text = await readFile(folder.file("console.log"), "utf8");
				assert.fail(`${cause}; it is taken for ${told || "nothing"}:\n${text.slice(-4000)}`);
			});
		});
	}
});
