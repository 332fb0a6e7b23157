import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { statSync, truncateSync } from "node:fs";
import { copyFile, open, readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { needsLvm, place, TestGroup } from "../../disk/lvm/testing.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { formatMode } from "./ls.ts";

const run = promisify(execFile);
const MAIN = new URL("../main.ts", import.meta.url).pathname;
const ENVIRONMENT = { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` };
const MIB = 1 << 20;

interface Result {
	readonly code: number;
	readonly stdout: string;
	readonly stderr: string;
}

async function umbra(...args: readonly string[]): Promise<Result> {
	try {
		const { stdout, stderr } = await run(process.execPath, [MAIN, ...args], { maxBuffer: 64 * MIB });
		return { code: 0, stdout, stderr };
	} catch (error) {
		const { code, stdout, stderr } = error as Result;
		return { code, stdout, stderr };
	}
}

const records = (text: string) =>
	text
		.split("\n")
		.filter((row) => row !== "")
		.map((row) => JSON.parse(row));

/** A filesystem with a directory, a file, a symlink and a name that would reach the terminal. */
async function makeFilesystem(folder: { file(name: string): string }, image: string): Promise<void> {
	await run("mke2fs", ["-q", "-F", "-t", "ext4", "-b", "4096", image, "8M"], { env: ENVIRONMENT });
	await writeFile(folder.file("content"), "hello\n");
	await writeFile(folder.file("passwd"), "root:x:0:0::/:/bin/sh\nada:x:1815:1815::/:/bin/sh\n");
	const commands = [
		"mkdir /etc",
		`write ${folder.file("passwd")} /etc/passwd`,
		`write ${folder.file("content")} /etc/motd`,
		"sif /etc/motd uid 1815",
		"sif /etc/motd mtime @1700000000",
		"symlink /motd ../etc/motd",
		`write ${folder.file("content")} /\x1b[31mred`,
	];
	await writeFile(folder.file("commands"), `${commands.join("\n")}\n`);
	await run("debugfs", ["-w", "-f", folder.file("commands"), image], { env: ENVIRONMENT });
}

/** Two such filesystems and a swap partition behind an MBR. */
async function makeDisk(folder: { file(name: string): string }, image: string): Promise<void> {
	const part = folder.file("part");
	await makeFilesystem(folder, part);
	await writeFile(image, "");
	truncateSync(image, 32 * MIB);
	const sfdisk = run("sfdisk", ["-q", image], { env: ENVIRONMENT });
	sfdisk.child.stdin?.end("label: dos\n2048,16384,83\n20480,16384,83\n40960,4096,82\n");
	await sfdisk;
	const file = await open(image, "r+");
	for (const offset of [2048 * 512, 20480 * 512]) await file.write(await readFile(part), 0, 8 * MIB, offset);
	await file.close();
}

describe("umbra ls, cat and diff", needs("mke2fs", "debugfs", "sfdisk", "qemu-img"), () => {
	it("list, read and compare a whole-disk filesystem", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image.raw");
		await makeFilesystem(folder, image);

		const [motd] = records((await umbra("ls", image, "/etc/motd", "--json", "--extents")).stdout);
		const { inode, extents, ...rest } = motd;
		assert.deepEqual(rest, {
			path: "/etc/motd",
			type: "file",
			size: 6,
			mtime: 1700000000,
			mode: 0o100644,
			uid: 1815,
			gid: 0,
			nlink: 1,
		});
		assert.ok(inode > 11);
		assert.deepEqual((await readFile(image)).subarray(extents[0][0], extents[0][0] + 6).toString(), "hello\n");
		assert.equal(extents[0][1], 4096);

		const all = records((await umbra("ls", image, "-R", "--json")).stdout).map(({ path }) => path);
		assert.deepEqual(all.toSorted(), ["/\x1b[31mred", "/etc", "/etc/motd", "/etc/passwd", "/lost+found", "/motd"]);
		assert.equal(
			"extents" in motd && records((await umbra("ls", image, "--json")).stdout).some((entry) => "extents" in entry),
			false,
		);

		const { stdout } = await umbra("ls", image);
		assert.match(stdout, /^lrwxrwxrwx .* \/motd -> \.\.\/etc\/motd$/m);
		assert.ok(stdout.includes("/\\x1b[31mred") && !stdout.includes("\x1b"));
		assert.match(
			(await umbra("ls", image, "etc")).stdout,
			/^-rw-r--r-- +1 ada +0 +6 2023-11-14 22:13:20 \/etc\/motd$/m,
		);

		assert.deepEqual(await umbra("cat", image, "/motd"), { code: 0, stdout: "hello\n", stderr: "" });

		const later = folder.file("later.raw");
		await copyFile(image, later);
		await run("debugfs", ["-w", "-R", "rm /etc/motd", later], { env: ENVIRONMENT });
		assert.deepEqual(records((await umbra("diff", image, later, "--json")).stdout), [
			{ path: "/etc/motd", change: "deleted", sizeBefore: 6, sizeAfter: 0, changedBytes: 0, owner: "ada" },
		]);
		assert.match((await umbra("diff", image, later)).stdout, /^deleted {3}\/etc\/motd .*\n1 change; /);
		assert.deepEqual(await umbra("diff", image, image, "--json"), { code: 0, stdout: "", stderr: "" });
	});

	it("tell several filesystems of a disk apart, in qcow2 too", async () => {
		await using folder = await tempFolder();
		const raw = folder.file("disk.raw");
		const image = folder.file("disk.qcow2");
		await makeDisk(folder, raw);
		await run("qemu-img", ["convert", "-O", "qcow2", raw, image]);

		const paths = records((await umbra("ls", image, "--json")).stdout).map(({ path }) => path);
		assert.ok(paths.includes("/1/etc") && paths.includes("/2/etc") && paths.every((path) => /^\/[12]\//.test(path)));
		assert.equal((await umbra("cat", image, "/2/etc/motd")).stdout, "hello\n");
		assert.equal((await umbra("cat", `${image}#2`, "/etc/motd")).stdout, "hello\n");
		const [first] = records((await umbra("ls", `${image}#1`, "/etc/motd", "--json", "--extents")).stdout);
		const [second] = records((await umbra("ls", image, "/2/etc/motd", "--json", "--extents")).stdout);
		assert.equal(second.path, "/2/etc/motd");
		assert.equal(second.extents[0][0] - first.extents[0][0], (20480 - 2048) * 512);

		const file = await open(raw, "r+");
		await file.write("HELLO\n", second.extents[0][0]).finally(() => file.close());
		assert.deepEqual(records((await umbra("diff", image, raw, "--json")).stdout), [
			{ path: "/2/etc/motd", change: "modified", sizeBefore: 6, sizeAfter: 6, changedBytes: 4096, owner: "ada" },
		]);
		assert.deepEqual(
			records((await umbra("diff", `${image}#2`, `${raw}#2`, "--json")).stdout).map(({ path }) => path),
			["/etc/motd"],
		);
		assert.equal((await umbra("diff", `${image}#1`, `${raw}#1`, "--json")).stdout, "");
	});

	it("say what is wrong by exit code and message", async () => {
		await using folder = await tempFolder();
		const disk = folder.file("disk.raw");
		await makeDisk(folder, disk);
		const cases: readonly [args: string[], code: number, message: RegExp][] = [
			[["ls", folder.file("missing")], 3, /missing/],
			[["ls", `${disk}#9`], 3, /no volume "9"; the disk has 1: ext4, 2: ext4, 3: unknown/],
			[["ls", disk, "/etc"], 3, /begins with one of \/1, \/2/],
			[["ls", `${disk}#1`, "/nope"], 3, /\/nope: no such file/],
			[["ls", `${disk}#3`], 1, /kind unknown/],
			[["cat", `${disk}#1`, "/etc"], 1, /is a dir, wanted a file/],
			[["cat", disk, "/"], 1, /is a dir/],
			[["diff", disk], 2, /missing required argument/],
		];
		for (const [args, code, message] of cases) {
			const result = await umbra(...args);
			assert.equal(result.code, code, args.join(" "));
			assert.match(result.stderr, message);
			assert.equal(result.stdout, "");
		}
		await writeFile(disk, Buffer.alloc(MIB));
		assert.equal((await umbra("ls", disk)).code, 3);
	});

	it("end quietly when the reader goes away", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image.raw");
		await run("mke2fs", ["-q", "-F", "-t", "ext4", image, "64M"], { env: ENVIRONMENT });
		await writeFile(folder.file("big"), Buffer.alloc(16 * MIB, "x"));
		await run("debugfs", ["-w", "-R", `write ${folder.file("big")} /big`, image], { env: ENVIRONMENT });
		const child = spawn(process.execPath, [MAIN, "cat", image, "/big"], { stdio: ["ignore", "pipe", "pipe"] });
		let stderr = "";
		child.stderr.on("data", (chunk) => {
			stderr += chunk;
		});
		await once(child.stdout, "data");
		child.stdout.destroy();
		const [code] = await once(child, "close");
		assert.deepEqual([code, stderr], [0, ""]);
	});
});

describe(
	"umbra ls, cat, diff and scan of an image that was cut",
	needs("mke2fs", "debugfs", "qemu-img", "qemu-nbd"),
	() => {
		for (const format of ["qcow2", "vmdk", "vdi", "vhdx"]) {
			it(`say so, and give no zeroes for what is not there: ${format}`, async () => {
				await using folder = await tempFolder();
				const [raw, image, cut] = ["image.raw", `image.${format}`, `cut.${format}`].map((name) => folder.file(name));
				await run("mke2fs", ["-q", "-F", "-t", "ext4", "-b", "4096", raw!, "24M"], { env: ENVIRONMENT });
				await writeFile(folder.file("content"), randomBytes(12 * MIB));
				await run("debugfs", ["-w", "-R", `write ${folder.file("content")} /big`, raw!], { env: ENVIRONMENT });
				await run("qemu-img", ["convert", "-f", "raw", "-O", format, raw!, image!]);
				await copyFile(image!, cut!);
				truncateSync(cut!, Math.floor(statSync(cut!).size * 0.6));
				const listed = [["ls", cut!, "-R"]];
				// They open images alike: one format is enough.
				const others =
					format === "qcow2"
						? [
								["cat", cut!, "/big"],
								["diff", image!, cut!],
								["scan", cut!],
							]
						: [];
				for (const args of [...listed, ...others]) {
					const { code, stdout, stderr } = await umbra(...args);
					assert.deepEqual([code, stdout], [1, ""], args.join(" "));
					assert.match(
						stderr,
						format === "vhdx" ? /truncated/ : /cut\.\w+: ends after \d+ bytes, but its [\w ]+ reaches to \d+/,
					);
				}
			});
		}
	},
);

describe("umbra ls, cat and diff on logical volumes", needsLvm("mke2fs", "debugfs", "sfdisk"), () => {
	it("select them by name, tell them apart by prefix, and put several disks together", async () => {
		await using group = await TestGroup.create("vgcli", [32 * MIB, 32 * MIB], { offset: MIB, tail: MIB });
		await group.create("root", ["-l", "2"], ["0"]);
		await group.create("wide", ["-l", "4", "-i", "2", "-I", "16k"]);
		await group.create("empty", ["-l", "1"], ["0"]);
		const { folder, images } = group;
		const [first, second] = images as [string, string];
		const content = folder.file("fs");
		const oracle = await group.oracle();
		await makeFilesystem(folder, content);
		await place(images, oracle.get("root")!, await readFile(content), MIB);
		await run("mke2fs", ["-q", "-F", "-t", "ext4", "-b", "4096", content, "16M"], { env: ENVIRONMENT });
		await writeFile(folder.file("big"), Buffer.alloc(300_000, "umbra "));
		await run("debugfs", ["-w", "-R", `write ${folder.file("big")} /big`, content], { env: ENVIRONMENT });
		await place(images, oracle.get("wide")!, await readFile(content), MIB);
		// The physical volumes are partitions, as installers make them.
		for (const image of images) {
			const sfdisk = run("sfdisk", ["-q", "--wipe", "never", image], { env: ENVIRONMENT });
			sfdisk.child.stdin?.end(`label: gpt\nstart=2048,size=${(32 * MIB) / 512}\n`);
			await sfdisk;
		}

		// The striped volume needs the second disk; the other one is listed without it.
		const alone = await umbra("ls", first, "-R", "--json");
		assert.equal(alone.code, 0);
		assert.match(alone.stderr, /vgcli\/wide: its physical volume pv1 .* is not here/);
		assert.ok(records(alone.stdout).some(({ path }) => path === "/vgcli/root/etc/motd"));
		assert.equal((await umbra("cat", `${first}#vgcli/root`, "/motd")).stdout, "hello\n");
		assert.equal((await umbra("cat", first, "/vgcli/root/motd")).stdout, "hello\n");
		const missing = await umbra("ls", `${first}#vgcli/wide`);
		assert.deepEqual([missing.code, missing.stdout], [1, ""]);
		assert.equal((await umbra("ls", `${first}#vgcli/none`)).code, 3);

		const both = records((await umbra("ls", first, "/vgcli", "-R", "--json", "--extents", "--with", second)).stdout);
		const big = both.find(({ path }) => path === "/vgcli/wide/big");
		assert.ok(big !== undefined && both.some(({ path }) => path === "/vgcli/root/etc/motd"));
		const disks = [await readFile(first), await readFile(second)];
		const pieces = big.extents.map(([offset, length, disk]: [number, number, string?]) => {
			assert.ok(disk === undefined || disk === second);
			return disks[disk === undefined ? 0 : 1]!.subarray(offset, offset + length);
		});
		assert.ok(pieces.length > 10);
		assert.equal(
			Buffer.concat(pieces)
				.subarray(0, 300_000)
				.compare(await readFile(folder.file("big"))),
			0,
		);
		const cat = await umbra("cat", `${first}#vgcli/wide`, "/big", "--with", second);
		assert.equal(cat.stdout, Buffer.alloc(300_000, "umbra ").toString());

		const [oldFirst, oldSecond] = (await group.save("old")) as [string, string];
		await writeFile(folder.file("small"), "new\n");
		await run("debugfs", ["-w", "-R", `write ${folder.file("small")} /small`, content], { env: ENVIRONMENT });
		await place(images, oracle.get("wide")!, await readFile(content), MIB);
		const more = ["--with-old", oldSecond, "--with-new", second];
		const created = { change: "created", sizeBefore: 0, sizeAfter: 4, changedBytes: 4096 };
		assert.deepEqual(records((await umbra("diff", oldFirst, first, "--json", ...more)).stdout), [
			{ path: "/vgcli/wide/small", ...created, owner: "root" },
		]);
		const selected = await umbra("diff", `${oldFirst}#vgcli/wide`, `${first}#vgcli/wide`, "--json", ...more);
		assert.deepEqual(records(selected.stdout), [{ path: "/small", ...created }]);
		assert.equal((await umbra("diff", oldFirst, first, "--with-old", oldSecond)).code, 2);
	});
});

describe("formatMode", () => {
	it("writes modes as ls does", () => {
		assert.equal(formatMode({ type: "file", mode: 0o104755 }), "-rwsr-xr-x");
		assert.equal(formatMode({ type: "dir", mode: 0o41777 }), "drwxrwxrwt");
		assert.equal(formatMode({ type: "symlink", mode: 0o120777 }), "lrwxrwxrwx");
		assert.equal(formatMode({ type: "char", mode: 0o22640 }), "crw-r-S---");
	});
});
