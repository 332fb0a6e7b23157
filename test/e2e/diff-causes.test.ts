/** `umbra diff` of yesterday's and today's image: which files changed, by whom, and what a package update explains. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdir, open, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { needsLvm, TestGroup } from "../../disk/lvm/testing.ts";
import { makeVolume, mount, needsNtfs, setAttribute } from "../../disk/ntfs/testing.ts";
import { DebianGuest, inGuest, JOURNAL_REMOTE, needsMount, RpmGuest } from "../../disk/test-guest.ts";
import { descriptorOf, makeHive, samCommands } from "../../disk/windows/testing.ts";
import { runProgram } from "../../packaging/guest/programs.ts";
import { ROOT } from "../support/processes.ts";
import { type TempFolder, tempFolder } from "../support/temp.ts";

const run = promisify(execFile);
const MIB = 1 << 20;

async function umbra(...args: readonly string[]): Promise<string> {
	const { stdout, stderr } = await run(join(ROOT, "umbra"), args, { maxBuffer: 16 * MIB });
	assert.equal(stderr, "");
	return stdout;
}

/** The line about a file, without its sizes: `change path, owner name  (why)`. */
function lineOf(text: string, path: string): string {
	const line = text.split("\n").find((each) => each.includes(` ${path}  `)) ?? assert.fail(`${path} in\n${text}`);
	return line.replace(/ {2}\S+ \S+(?: -> \S+ \S+)?, \S+ \S+ changed/, "").replace(/ +/g, " ");
}

async function partition(image: string, table: string): Promise<void> {
	await runProgram("sfdisk", ["-q", image], { input: table });
}

async function toQcow2(raw: string, folder: TempFolder, name: string): Promise<string> {
	const image = folder.file(`${name}.qcow2`);
	await runProgram("qemu-img", ["convert", "-f", "raw", "-O", "qcow2", raw, image]);
	return image;
}

/** What an operator reads of a day that two kinds of Linux have in common. */
async function assertWork(old: string, now: string, manager: string, arch: string): Promise<void> {
	const text = await umbra("diff", old, now);
	const alice = "alice as root from 10.0.0.7";
	for (const [path, wanted] of [
		["/usr/bin/grows", `modified PATH, owner root (${alice} with ${manager}; grows 1.1-1 upgraded)`],
		["/usr/share/grows/new", "created PATH, owner root (grows 1.1-1 upgraded)"],
		["/usr/share/grows/old", "deleted PATH, owner root (grows 1.0-1 upgraded)"],
		["/usr/bin/leaves", `deleted PATH, owner root (${alice} with ${manager}; leaves 3-1 removed)`],
		["/usr/lib/arrives/lib.so", `created PATH, owner root (${alice} with ${manager}; arrives 0.1-1 installed)`],
		["/usr/lib/arrives/hit", "created PATH, owner root (root with /usr/sbin/cron; not what arrives 0.1-1 shipped)"],
		["/usr/bin/tool", `modified PATH, owner root (${alice} with /usr/bin/cp; not what tool 2-1 shipped)`],
		["/etc/tool.conf", `modified PATH, owner root (${alice} with /usr/bin/vim.tiny; edited configuration of tool 2-1)`],
		["/home/alice/notes.txt", "created PATH, owner alice (alice from 10.0.0.7 with /usr/bin/nano)"],
	] as const) {
		assert.equal(lineOf(text, path), wanted.replace("PATH", path));
	}
	assert.match(text, /^logged in: alice pts\/0 from 10\.0\.0\.7, since 20\S+Z, still there$/m);
	for (const line of [
		`package installed: arrives:${arch} 0.1-1`,
		`package upgraded: grows:${arch} 1.0-1 -> 1.1-1`,
		`package removed: leaves:${arch} 3-1`,
	]) {
		assert.ok(text.split("\n").includes(line), line);
	}

	const records = (await umbra("diff", old, now, "--json"))
		.trim()
		.split("\n")
		.map((line) => JSON.parse(line));
	const file = (path: string) => records.find((record) => record.path === path);
	const { actors, owner, package: shipped } = file("/usr/bin/tool");
	assert.deepEqual(
		[owner, shipped],
		["root", { name: "tool", version: "2-1", event: "", state: "modified", explained: false }],
	);
	const [{ time, ...actor }] = actors;
	assert.ok(Math.abs(time - Date.now() / 1000) < 3600);
	assert.deepEqual(actor, {
		...{ count: 1, action: "write", user: "alice", uid: 0, account: "root", host: "10.0.0.7", tty: "pts0" },
		...{ process: "cp", executable: "/usr/bin/cp", pid: 902, source: "audit" },
	});
	assert.deepEqual(file("/usr/bin/grows").package, {
		...{ name: "grows", version: "1.1-1", event: "upgraded", state: "shipped", explained: true },
	});
	assert.equal("package" in file("/home/alice/notes.txt"), false);
}

describe("umbra diff tells which files changed, by whom, and what a package update explains", () => {
	const tools = ["qemu-img", "sfdisk", "utmpdump", JOURNAL_REMOTE];

	it("of a Debian: ext4 in a partition", needsMount("mke2fs", "dpkg", "dpkg-deb", ...tools), async () => {
		await using folder = await tempFolder();
		const raw = folder.file("disk.raw");
		await writeFile(raw, "");
		await truncate(raw, 34 * MIB);
		await partition(raw, "label: gpt\nstart=2048, size=65536\n");
		await runProgram("mke2fs", ["-q", "-F", "-t", "ext4", "-L", "root", "-E", `offset=${MIB}`, raw, "32M"]);
		const guest = new DebianGuest(folder.path);
		const places = [{ image: raw, type: "ext4", offset: MIB, length: 32 * MIB }] as const;
		await inGuest(places, (root) => guest.install(root, "LABEL=root / ext4 defaults 0 1\n"));
		const yesterday = await toQcow2(raw, folder, "yesterday");
		await inGuest(places, (root) => guest.work(root));
		const today = await toQcow2(raw, folder, "today");
		await assertWork(yesterday, today, "/usr/bin/dpkg", "all");
		assert.equal(await umbra("diff", today, today, "--json"), "");
	});

	it("of a machine with rpm: XFS on LVM", needsLvm("mkfs.xfs", "mount", "rpm", "rpmbuild", ...tools), async () => {
		await using folder = await tempFolder();
		await using group = await TestGroup.create("rhel", [340 * MIB], { offset: MIB, tail: MIB });
		await group.create("root", ["-l", "100%FREE"]);
		// The group's own loop device keeps others off its image.
		const raw = folder.file("disk.raw");
		await runProgram("cp", ["--sparse=always", group.images[0]!, raw]);
		await partition(raw, `label: gpt\nstart=2048, size=${340 * 2048}, type=lvm\n`);
		const segments = (await group.oracle()).get("root") ?? assert.fail("no volume");
		assert.equal(segments.length, 1);
		const [{ length, stripes }] = segments as [(typeof segments)[number]];
		const offset = MIB + stripes[0]!.offset;
		const range = ["-o", String(offset), "--sizelimit", String(length)];
		const device = (await runProgram("losetup", ["-f", "--show", ...range, raw])).trim();
		try {
			await runProgram("mkfs.xfs", ["-q", "-f", device]);
		} finally {
			await runProgram("losetup", ["-d", device]);
		}
		const guest = new RpmGuest(folder.path);
		const places = [{ image: raw, type: "xfs", offset, length }] as const;
		await inGuest(places, (root) => guest.install(root, "/dev/mapper/rhel-root / xfs defaults 0 0\n"));
		const yesterday = await toQcow2(raw, folder, "yesterday");
		await inGuest(places, (root) => guest.work(root));
		const today = await toQcow2(raw, folder, "today");
		await assertWork(yesterday, today, "/usr/bin/python3.9", "noarch");
	});

	it("of a Windows disk: NTFS with the accounts of its SAM", needsNtfs("hivexsh", "setfattr", ...tools), async () => {
		await using folder = await tempFolder();
		const volume = folder.file("volume.raw");
		await makeVolume(volume, 16 * MIB);
		const machine = Buffer.alloc(12, 7);
		const sid = (rid: number) => `S-1-5-21-${Array(3).fill(machine.readUInt32LE(0)).join("-")}-${rid}`;
		const accounts = [
			{ kind: "Users", name: "alice", rid: 1001 },
			{ kind: "Users", name: "Bob Builder", rid: 1002 },
			{ kind: "Groups", name: "None", rid: 513 },
		] as const;
		await makeHive(folder.file("SAM"), samCommands(machine, accounts, []));
		const put = async (path: string, content: string, rid: number): Promise<void> => {
			await writeFile(path, content);
			await setAttribute(path, "ntfs_acl", descriptorOf(sid(rid), sid(513)));
		};
		{
			await using mounted = await mount(volume);
			await mkdir(mounted.at("Windows/System32/config"), { recursive: true });
			await copyFile(folder.file("SAM"), mounted.at("Windows/System32/config/SAM"));
			await mkdir(mounted.at("Users/alice"), { recursive: true });
			await put(mounted.at("Users/alice/report.txt"), "x".repeat(5000), 1001);
			await put(mounted.at("Users/alice/old.txt"), "y".repeat(5000), 1002);
		}
		const toDisk = async (name: string): Promise<string> => {
			const raw = folder.file(`${name}.raw`);
			await writeFile(raw, "");
			await truncate(raw, 18 * MIB);
			await partition(raw, `label: dos\nstart=2048, size=${16 * 2048}, type=7\n`);
			await using file = await open(raw, "r+");
			await file.write(await readFile(volume), 0, 16 * MIB, MIB);
			return await toQcow2(raw, folder, name);
		};
		const yesterday = await toDisk("yesterday");
		{
			await using mounted = await mount(volume);
			const report = await open(mounted.at("Users/alice/report.txt"), "r+");
			await report.write("changed", 100).finally(() => report.close());
			await put(mounted.at("Users/alice/from bob.txt"), "z".repeat(5000), 1002);
			await rm(mounted.at("Users/alice/old.txt"));
		}
		const today = await toDisk("today");
		const text = await umbra("diff", yesterday, today);
		assert.equal(lineOf(text, "/Users/alice/report.txt"), "modified /Users/alice/report.txt, owner alice");
		assert.equal(lineOf(text, "/Users/alice/from bob.txt"), "created /Users/alice/from bob.txt, owner Bob Builder");
		assert.equal(lineOf(text, "/Users/alice/old.txt"), "deleted /Users/alice/old.txt, owner Bob Builder");
		const records = (await umbra("diff", yesterday, today, "--json"))
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line));
		const created = records.find(({ change }) => change === "created");
		assert.deepEqual(
			{ ...created, changedBytes: 0 },
			{
				path: "/Users/alice/from bob.txt",
				change: "created",
				sizeBefore: 0,
				sizeAfter: 5000,
				changedBytes: 0,
				owner: "Bob Builder",
			},
		);
	});
});
