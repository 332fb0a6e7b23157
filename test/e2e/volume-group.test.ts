/** A filesystem on a logical volume that lies across two disks of a VM: its changes are named, its files given back. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, open, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { it } from "node:test";
import { promisify } from "node:util";
import { vmPath } from "../../cli/collector-client.ts";
import { needsLvm, place, TestGroup } from "../../disk/lvm/testing.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { BareMachine } from "../support/bare-machine.ts";
import { ROOT } from "../support/processes.ts";
import { testRandom } from "../support/random.ts";
import { imageSha256, Site } from "../support/site.ts";
import { tempFolder } from "../support/temp.ts";

const MIB = 1024 * 1024;
const run = promisify(execFile);

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Has the kernel mount an image while `work` changes it; then the hashes of its files, by path. */
async function mounted(image: string, folder: string, work: (root: string) => Promise<void>) {
	const root = join(folder, "mounted");
	await mkdir(root, { recursive: true });
	await runProgram("mount", ["-o", "loop", image, root]);
	try {
		await work(root);
		const hashes = new Map<string, string>();
		for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
			if (!entry.isFile()) continue;
			const path = join(entry.parentPath, entry.name);
			hashes.set(path.slice(root.length), sha256(await readFile(path)));
		}
		return hashes;
	} finally {
		await runProgram("umount", [root]);
	}
}

it(
	"names and gives back files of a logical volume that lies across two disks",
	needsLvm("qemu-system-x86_64", "qemu-img", "mke2fs", "mount", "umount", "sfdisk"),
	async (context) => {
		const random = testRandom(context);
		await using folder = await tempFolder();
		// Each physical volume is the one partition of its disk.
		await using group = await TestGroup.create("vg", [16 * MIB, 16 * MIB], { offset: MIB });
		await group.create("data", ["-l", "6"]);
		for (const image of group.images) {
			await writeFile(folder.file("table"), "label: dos\nstart=2048, type=8e\n");
			await run("sh", ["-c", 'sfdisk -q "$1" < "$2"', "sh", image, folder.file("table")], {
				env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
			});
		}
		const segments = (await group.oracle()).get("data") ?? assert.fail("no volume");
		assert.deepEqual(
			segments.map(({ stripes: [stripe] }) => stripe?.disk),
			[0, 1],
		);
		const image = folder.file("data.ext4");
		await writeFile(image, "");
		await runProgram("mke2fs", ["-q", "-F", "-t", "ext4", image, "24m"]);
		const put = async () => {
			await place(group.images, segments, await readFile(image), MIB);
			return await Promise.all(group.images.map((path) => readFile(path)));
		};
		const early = await mounted(image, folder.path, async (root) => {
			await mkdir(join(root, "docs"));
			await writeFile(join(root, "big"), random.bytes(14 * MIB));
			await writeFile(join(root, "docs", "kept"), "nobody touches it");
			await writeFile(join(root, "docs", "letter"), random.bytes(20_000));
			await writeFile(join(root, "docs", "old"), random.bytes(70_000));
		});
		const before = await put();
		const paths = [folder.file("vda.raw"), folder.file("vdb.qcow2")] as const;
		await runProgram("qemu-img", ["convert", "-f", "raw", "-O", "raw", group.images[0]!, paths[0]]);
		await runProgram("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", group.images[1]!, paths[1]]);
		await using machine = await BareMachine.start({
			name: "db",
			folder: folder.path,
			disks: [
				{ id: "vda", path: paths[0], format: "raw" },
				{ id: "vdb", path: paths[1], format: "qcow2" },
			],
		});
		await using site = await Site.start({ folder: folder.path, sockets: [machine.qmpSocket] });
		const first = await site.capture("db");
		assert.equal(first.fileCount, 0);

		const late = await mounted(image, folder.path, async (root) => {
			// It does not fit on one disk, so some of it changes on either.
			await using big = await open(join(root, "big"), "r+");
			for (let at = 0; at < 14 * MIB; at += MIB) await big.write(random.bytes(5000), 0, 5000, at);
			await writeFile(join(root, "docs", "new"), random.bytes(300_000));
			await runProgram("mv", [join(root, "docs", "letter"), join(root, "docs", "letter.locked")]);
			await runProgram("rm", [join(root, "docs", "old")]);
		});
		const now = await put();
		for (const [at, disk] of ["vda", "vdb"].entries()) {
			await machine.writeDifference(disk, before[at]!, now[at]!);
		}
		const second = await site.capture("db");
		const { files } = await site.judged("db", second.time);
		assert.deepEqual(files.map(({ disk, volume, change, path }) => `${disk} ${volume} ${change} ${path}`).sort(), [
			"vda vg/data created /docs/new",
			"vda vg/data deleted /docs/old",
			"vda vg/data modified /big",
			"vda vg/data renamed /docs/letter.locked",
		]);
		for (const { disk, mode, attribution, problems, changedBytes } of second.disks) {
			assert.equal(mode, "tracked", disk);
			assert.ok(changedBytes > 0 && attribution.file >= 2 * 4096, `${disk}: ${JSON.stringify(attribution)}`);
			assert.equal(attribution.unknown, 0, disk);
			assert.deepEqual(problems, [], disk);
		}
		assert.deepEqual(
			second.disks.map(({ volumes }) => volumes.map(({ id, kind, files: count }) => `${id} ${kind} ${count}`)),
			[["1 LVM2_member 0", "vg/data ext4 4"], ["1 LVM2_member 0"]],
		);

		const third = await site.capture("db");
		assert.equal(third.fileCount, 0);
		assert.deepEqual(
			third.disks.map(({ changedBytes, volumes }) => [changedBytes, volumes]),
			second.disks.map(({ volumes }) => [0, volumes]),
		);

		// Every file of both points, as the kernel had it.
		for (const [{ time }, wanted] of [
			[first, early],
			[third, late],
		] as const) {
			for (const [path, hash] of wanted) {
				const response = await site.client.fetch(vmPath("db", "points", time, "content"), { path, volume: "vg/data" });
				assert.equal(sha256(new Uint8Array(await response.arrayBuffer())), hash, path);
			}
		}
		// The command: the only filesystem there is needs no name.
		const umbra = async (...args: string[]) =>
			(
				await run(join(ROOT, "umbra"), [...args, "--collector", site.apiUrl], {
					encoding: "buffer",
					maxBuffer: 64 * MIB,
				})
			).stdout;
		assert.match(String(await umbra("browse", "db@latest", "/docs")), /disk vda volume vg\/data\n.*letter\.locked/s);
		const place1 = ["--disk", "vda", "--volume", "vg/data", "--out", "-"];
		assert.equal(sha256(await umbra("browse", `db@${first.time}`, "/big", ...place1)), early.get("/big"));
		for (const [at, disk] of ["vda", "vdb"].entries()) {
			const format = at === 0 ? "raw" : "qcow2";
			assert.equal(
				await site.restoredSha256("db", third.time, disk),
				await imageSha256(paths[at]!, format, folder.path),
			);
		}
	},
);
