/** Who changed a file of a running VM, and which package change explains it, from the guest's disk to the operator. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { DebianGuest, inGuest, JOURNAL_REMOTE, needsMount } from "../../disk/test-guest.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { BareMachine } from "../support/bare-machine.ts";
import { ROOT } from "../support/processes.ts";
import { Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";

const run = promisify(execFile);
const NEEDS = ["qemu-system-x86_64", "qemu-img", "mke2fs", "dpkg", "dpkg-deb", "utmpdump", JOURNAL_REMOTE];

it(
	"tells an operator who changed a file of a running VM, and what a package update explains",
	needsMount(...NEEDS),
	async () => {
		await using folder = await tempFolder();
		const image = folder.file("guest.raw");
		await writeFile(image, "");
		await runProgram("mke2fs", ["-q", "-F", "-t", "ext4", image, "32M"]);
		const guest = new DebianGuest(folder.path, new Map([["/", "fe:00"]]));
		const places = [{ image, type: "ext4" }] as const;
		await inGuest(places, (root) => guest.install(root, "/dev/vda / ext4 defaults 0 1\n"));
		const before = await readFile(image);
		const path = folder.file("vda.qcow2");
		await runProgram("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", image, path]);
		await using machine = await BareMachine.start({
			...{ name: "web", folder: folder.path, disks: [{ id: "vda", path, format: "qcow2" }] },
		});
		await using site = await Site.start({ folder: folder.path, sockets: [machine.qmpSocket] });
		const first = await site.capture("web");
		assert.deepEqual([first.fileCount, first.packages], [0, undefined]);

		// What it knows of the guest's packages outlives it.
		await site.agent?.kill();
		await inGuest(places, (root) => guest.work(root));
		await machine.writeDifference("vda", before, await readFile(image));
		await site.startAgent();
		await site.capture("web");
		// By its schedule it may have captured before it was told to.
		const changed = (await site.changes("web")).find(({ fileCount }) => fileCount > 0) ?? assert.fail("no changes");
		const { changeset, files } = await site.judged("web", changed.time);
		assert.deepEqual(changeset.packages, [
			{ package: "arrives:all", before: "", after: "0.1-1" },
			{ package: "grows:all", before: "1.0-1", after: "1.1-1" },
			{ package: "leaves:all", before: "3-1", after: "" },
		]);
		assert.deepEqual(
			changeset.sessions?.map(({ user, tty, host, to }) => ({ user, tty, host, to })),
			[{ user: "alice", tty: "pts/0", host: "10.0.0.7", to: null }],
		);
		const file = (wanted: string) => files.find((each) => each.path === wanted) ?? assert.fail(wanted);
		assert.deepEqual(file("/usr/bin/grows").package, {
			...{ name: "grows", version: "1.1-1", event: "upgraded", state: "shipped", explained: true },
		});
		// Their package is gone, or has them no longer: who owned them is what the agent remembers.
		assert.deepEqual(file("/usr/bin/leaves").package, {
			...{ name: "leaves", version: "3-1", event: "removed", state: "removed", explained: true },
		});
		assert.deepEqual(file("/usr/share/grows/old").package, {
			...{ name: "grows", version: "1.0-1", event: "upgraded", state: "removed", explained: true },
		});
		const { actors = [], package: shipped } = file("/usr/bin/tool");
		assert.deepEqual(
			actors.map(({ action, user, account, host, executable, pid }) => [action, user, account, host, executable, pid]),
			[["write", "alice", "root", "10.0.0.7", "/usr/bin/cp", 902]],
		);
		assert.deepEqual([shipped?.name, shipped?.state, shipped?.explained], ["tool", "modified", false]);
		assert.equal(file("/home/alice/notes.txt").package, undefined);

		const { stdout } = await run(join(ROOT, "umbra"), ["changes", "web", "--collector", site.apiUrl]);
		for (const wanted of [
			/ \/usr\/bin\/grows {2}\(alice as root from 10\.0\.0\.7 with \/usr\/bin\/dpkg; grows 1\.1-1 upgraded\)$/m,
			/ \/usr\/bin\/leaves {2}\(alice as root from 10\.0\.0\.7 with \/usr\/bin\/dpkg; leaves 3-1 removed\)$/m,
			/ \/usr\/bin\/tool {2}\(alice as root from 10\.0\.0\.7 with \/usr\/bin\/cp; not what tool 2-1 shipped\)$/m,
			/ \/usr\/lib\/arrives\/hit {2}\(root with \/usr\/sbin\/cron; not what arrives 0\.1-1 shipped\)$/m,
			/ \/home\/alice\/notes\.txt {2}\(alice from 10\.0\.0\.7 with \/usr\/bin\/nano\)$/m,
			/^ {2}logged in: alice pts\/0 from 10\.0\.0\.7, since \S+, still there$/m,
			/^ {2}package upgraded: grows:all 1\.0-1 -> 1\.1-1$/m,
		]) {
			assert.match(stdout, wanted);
		}
	},
);
