import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError } from "../../common/errors.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { bootGuest, makeBlankDisk, makeDisk } from "./guest.ts";
import { needsGuest } from "./requires.ts";
import { tempFolder } from "./temp.ts";

const SIZE = 128 * 2 ** 20;

describe("bootGuest", needsGuest(), () => {
	it("boots, writes a file and syncs it; after SIGKILL debugfs sees it", async () => {
		await using temp = await tempFolder();
		const disk = await makeDisk(temp.file("disk.raw"), { sizeBytes: SIZE, format: "raw", table: "gpt", seed: 1 });
		await using guest = await bootGuest({ disks: [disk], folder: temp.file("vm") });

		const written = await guest.run("echo 'kept on disk' >/mnt/home/alice/new.txt");
		assert.deepEqual(written, { code: 0, output: "" });
		await guest.sync();
		await guest.kill();
		assert.equal(await guest.finished, null);

		// The journal is replayed first: what it commits is on the disk as far as ext4 is concerned.
		const filesystem = `${disk.path}?offset=${disk.filesystemOffset}`;
		await runProgram("debugfs", ["-w", "-R", "jr", filesystem]);
		assert.equal(await runProgram("debugfs", ["-R", "cat /home/alice/new.txt", filesystem]), "kept on disk\n");
		const folder = await runProgram("debugfs", ["-R", "stat /home/alice", filesystem]);
		assert.match(folder, /Mode: {2}0755.*\nUser: {2}1000 {3}Group: {2}1000/s);
	});

	it("mounts disks of every kind in the order given and leaves a blank one alone", async () => {
		await using temp = await tempFolder();
		const make = async (name: string, table: "none" | "mbr" | "gpt", format: "raw" | "qcow2") =>
			await makeDisk(temp.file(name), {
				...{ sizeBytes: SIZE, seed: 2, table, format },
				files: [{ path: "/name", content: name }],
			});
		const disks = [
			{ ...(await make("ide", "mbr", "qcow2")), interface: "ide" as const },
			{ ...(await make("scsi-a", "gpt", "raw")), interface: "scsi" as const },
			{ ...(await make("virtio", "none", "qcow2")), id: "root" },
			{ ...(await make("scsi-b", "none", "raw")), interface: "scsi" as const },
		];
		await makeBlankDisk(temp.file("blank"), SIZE, "raw");
		await using guest = await bootGuest({
			disks: [...disks, { path: temp.file("blank"), format: "raw" }],
			folder: temp.file("vm"),
		});
		const names = await guest.run("cat /mnt/name /mnt1/name /mnt2/name /mnt3/name; ls /mnt4");
		assert.deepEqual(names, { code: 0, output: "idescsi-avirtioscsi-b" });
		assert.match(guest.console(), /no ext4 filesystem on vdb/);
		assert.deepEqual(
			await guest.qmp("qom-get", { path: "/machine/peripheral/root", property: "drive" }),
			"root-format",
		);
	});

	it("runs scripts one after another with their code and output, of any size", async () => {
		await using temp = await tempFolder();
		await using guest = await bootGuest({ disks: [], folder: temp.file("vm"), name: "talker" });
		assert.deepEqual(await guest.qmp("query-name"), { name: "talker" });
		const long = "x".repeat(10_000);
		const results = await Promise.all([
			guest.run("echo out; echo err >&2; exit 3"),
			guest.run(`cat <<'END'\n${long}\nÄ $HOME\nEND`),
			guest.run("head -c 200000 /dev/zero | tr '\\0' 'z'"),
			guest.run("(while true; do sleep 1; done) & echo started"),
		]);
		assert.deepEqual(results, [
			{ code: 3, output: "out\nerr\n" },
			{ code: 0, output: `${long}\nÄ $HOME\n` },
			{ code: 0, output: "z".repeat(200_000) },
			{ code: 0, output: "started\n" },
		]);
		await guest.shutdown();
		assert.equal(await guest.finished, 0);
	});

	it("says what QEMU said where it does not start", async () => {
		await using temp = await tempFolder();
		const disks = [{ path: temp.file("absent.qcow2"), format: "qcow2" as const }];
		await assert.rejects(bootGuest({ disks, folder: temp.file("vm") }), (error) => {
			assert.ok(isUmbraError(error, "unavailable"));
			assert.match(error.message, /absent\.qcow2.*No such file/s);
			return true;
		});
	});

	it("takes no further scripts after one that outlasted its time, and ends with its signal", async () => {
		await using temp = await tempFolder();
		const abort = new AbortController();
		await using guest = await bootGuest({ disks: [], folder: temp.file("vm"), signal: abort.signal });
		const late = (error: unknown) =>
			isUmbraError(error, "unavailable") && /did not finish "sleep 600"/.test(error.message);
		await assert.rejects(guest.run("sleep 600", { timeoutMs: 100 }), late);
		await assert.rejects(guest.run("true"), late);
		abort.abort();
		assert.equal(await guest.finished, null);
	});

	it("refuses a folder whose sockets' paths would be too long", async () => {
		await using temp = await tempFolder();
		const folder = temp.file("d".repeat(100));
		await assert.rejects(bootGuest({ disks: [], folder }), (error) => isUmbraError(error, "bad-config"));
	});
});
