import assert from "node:assert/strict";
import { copyFile, mkdir, open, readFile, rename, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { variantsOf } from "../../test/support/variants.ts";
import { Problems } from "../parser/problems.ts";
import { Volume } from "../parser/volume.ts";
import { openExt } from "./ext.ts";
import { readGroups } from "./groups.ts";
import { type Ext, ROOT_INODE } from "./inode.ts";
import { readJournal } from "./journal.ts";
import { loadInode } from "./loader.ts";
import { parseSuperblock } from "./superblock.ts";
import {
	debugfs,
	describeNode,
	has,
	makeImage,
	makeTree,
	openImage,
	pathsOf,
	random,
	randomBytes,
	run,
	temporaryFolder,
} from "./testing.ts";

const MIB = 1 << 20;
const JOURNAL_INODE = 8;

/** The whole volume as it is after the replay in memory, and where the journal and the superblock lie. */
async function replayInMemory(image: string): Promise<{ bytes: Buffer; problems: Problems; own: number[] }> {
	await using source = await openImage(image);
	const superblock = parseSuperblock(await source.read(1024, 1024), source.size, source.name);
	const volume = new Volume(source, superblock.blockSize, superblock.blocksCount);
	const problems = new Problems(source.name);
	const ext: Ext = { superblock, volume, problems, groups: await readGroups(superblock, volume, problems) };
	const journal = await loadInode(ext, JOURNAL_INODE);
	const overlay = superblock.features.needsRecovery ? await readJournal(volume, journal.runs, problems) : undefined;
	const replayed = new Volume(source, superblock.blockSize, superblock.blocksCount, overlay);
	const bytes = await replayed.read(0, superblock.blocksCount * superblock.blockSize);
	return { bytes, problems, own: [1024, 1024, ...journal.node.data] };
}

/** The volume after e2fsck has replayed its journal on disk, which changes the image. */
async function replayOnDisk(image: string): Promise<Buffer> {
	await run("e2fsck", ["-fy", "-E", "journal_only", image], [1]);
	return readFile(image);
}

/** Both replays of one image must agree in every block but the journal's own and the superblock. */
async function assertSameReplay(image: string): Promise<Problems> {
	const ours = await replayInMemory(image);
	const theirs = await replayOnDisk(image);
	for (let i = 0; i < ours.own.length; i += 2) {
		for (const bytes of [ours.bytes, theirs]) bytes.fill(0, ours.own[i]!, ours.own[i]! + ours.own[i + 1]!);
	}
	assert.equal(ours.bytes.length, theirs.length);
	for (let at = 0; at < theirs.length; at += 1024) {
		const same = ours.bytes.compare(theirs, at, at + 1024, at, at + 1024) === 0;
		assert.ok(same, `the replays differ at byte ${at}`);
	}
	return ours.problems;
}

const FORMATS = [
	{ name: "no checksums, 32 bit", options: ["-t", "ext3", "-b", "1024"], open: "jo" },
	{ name: "no checksums, 64 bit", options: ["-t", "ext4", "-b", "1024", "-O", "^metadata_csum,64bit"], open: "jo" },
	{ name: "checksums v3", options: ["-t", "ext4", "-b", "1024"], open: "jo -c" },
	{ name: "checksums v3, 4 KiB blocks", options: ["-t", "ext4", "-b", "4096"], open: "jo -c -v 3" },
	{ name: "checksums v2", options: ["-t", "ext4", "-b", "1024"], open: "jo -c -v 2" },
	{ name: "checksums v2, 32 bit", options: ["-t", "ext4", "-b", "1024", "-O", "^64bit"], open: "jo -c -v 2" },
];

describe("readJournal", () => {
	for (const format of FORMATS) {
		it(`replays what debugfs journalled as e2fsck does: ${format.name}`, async (t) => {
			if (!(await has(t, "mke2fs", "debugfs", "e2fsck"))) return;
			await using folder = await temporaryFolder();
			const image = join(folder.path, "image");
			await makeImage(image, 32 * MIB, format.options);
			const blockSize = Number(/-b,(\d+)/.exec(String(format.options))![1]);
			const next = random(11);
			const file = (name: string) => join(folder.path, name);
			for (const name of ["one", "two", "three"]) await writeFile(file(name), randomBytes(next, 8 * blockSize));
			const escaped = randomBytes(next, 3 * blockSize);
			for (const at of [0, blockSize, 2 * blockSize]) escaped.writeUInt32BE(0xc03b3998, at);
			await writeFile(file("escaped"), escaped);
			const base = (20 * MIB) / blockSize;
			const commands = [
				format.open,
				`jw -b ${base}-${base + 7} ${file("one")}`,
				`jw -b ${base + 4},${base + 5},${base + 100} ${file("two")}`,
				`jw -b ${base + 200}-${base + 202} ${file("escaped")}`,
				`jw -r ${base + 1},${base + 5}`,
				`jw -b ${base + 5} ${file("three")}`,
				`jw -b ${base + 2}-${base + 3} -r ${base + 6},${base + 7} ${file("three")}`,
				// Not committed: it must not be seen, nor must what its revoke records say.
				`jw -c -b ${base}-${base + 2} -r ${base + 200} ${file("three")}`,
				"jc",
			];
			await debugfs(image, commands, true);
			const seen = await replayInMemory(image);
			const at = (block: number) => seen.bytes.subarray(block * blockSize, (block + 1) * blockSize);
			const one = await readFile(file("one"));
			assert.deepEqual(at(base), one.subarray(0, blockSize), "the first transaction's block is not seen");
			assert.ok(
				at(base + 1).every((byte) => byte === 0),
				"a revoked block is seen",
			);
			assert.deepEqual(at(base + 201), escaped.subarray(blockSize, 2 * blockSize));
			assert.deepEqual(seen.problems.list, []);
			await assertSameReplay(image);
		});
	}

	it("ends before a transaction that was damaged", async (t) => {
		if (!(await has(t, "mke2fs", "debugfs", "e2fsck"))) return;
		await using folder = await temporaryFolder();
		const image = join(folder.path, "image");
		await makeImage(image, 32 * MIB, ["-t", "ext4", "-b", "1024"]);
		const base = 20 * 1024;
		for (const name of ["one", "two", "three"]) {
			await writeFile(join(folder.path, name), Buffer.alloc(2048, name));
		}
		const commands = ["one", "two", "three"].map(
			(name, i) => `jw -b ${base + i}-${base + i + 1} ${folder.path}/${name}`,
		);
		await debugfs(image, ["jo -c", ...commands, "jc"], true);
		const { own } = await replayInMemory(image);
		// Each transaction is a descriptor, two blocks and a commit; the log begins in the journal's second block.
		for (const { block, about } of [
			{ block: 1 + 4, about: "descriptor" },
			{ block: 1 + 4 + 3, about: "commit" },
		]) {
			const damaged = join(folder.path, about);
			await copyFile(image, damaged);
			await using handle = await open(damaged, "r+");
			await handle.write(Buffer.from("damage"), 0, 6, own[2]! + block * 1024 + 200);
			const { bytes, problems } = await replayInMemory(damaged);
			assert.equal(bytes.toString("latin1", base * 1024, base * 1024 + 3), "one", about);
			assert.equal(bytes[(base + 2) * 1024], 0, about);
			assert.equal(problems.list[0]?.code, "corrupt", about);
			assert.match(problems.list[0].message, /journal transaction \d+ fails its checksum/);
			// For a bad descriptor e2fsck gives up the whole journal; what was committed before it is sound all the same.
			if (about === "commit") await assertSameReplay(damaged);
		}
		const damaged = join(folder.path, "data");
		await copyFile(image, damaged);
		await using handle = await open(damaged, "r+");
		await handle.write(Buffer.from("damage"), 0, 6, own[2]! + 2 * 1024 + 200);
		const { bytes, problems } = await replayInMemory(damaged);
		assert.equal(bytes[base * 1024], 0, "a copy that fails its checksum is shown");
		assert.equal(bytes.toString("latin1", (base + 1) * 1024, (base + 1) * 1024 + 3), "two");
		assert.match(problems.list[0]!.message, /the journal's copy of block 20480 fails its checksum/);
	});

	it("names a journal on another device, and that it was not replayed", async (t) => {
		if (!(await has(t, "mke2fs", "debugfs"))) return;
		await using folder = await temporaryFolder();
		const image = join(folder.path, "image");
		await makeImage(image, 16 * MIB, ["-t", "ext4", "-O", "^has_journal,^metadata_csum"]);
		await debugfs(image, ["feature has_journal needs_recovery", "ssv journal_inum 0"], true);
		await using source = await openImage(image);
		const fs = await openExt(source);
		assert.equal(fs.problems.length, 1);
		assert.match(fs.problems[0]!.message, /the journal is on another device and was not replayed/);
		assert.equal((await fs.scan()).nodes.size, 2);
	});
});

const MOUNTS = [
	{ name: "ordered data", options: ["-t", "ext4"], mount: "data=ordered" },
	{ name: "data in the journal", options: ["-t", "ext4", "-b", "1024"], mount: "data=journal" },
	{ name: "no checksums", options: ["-t", "ext3"], mount: "data=ordered" },
	{
		name: "journal_checksum of old",
		options: ["-t", "ext4", "-O", "^metadata_csum"],
		mount: "journal_checksum,journal_async_commit,data=writeback",
	},
	{ name: "a journal that wraps round", options: ["-t", "ext4", "-b", "1024", "-J", "size=1"], mount: "data=journal" },
	{ name: "inline data", options: ["-t", "ext4", "-O", "inline_data"], mount: "data=ordered" },
	{ name: "orphan file", options: ["-t", "ext4", "-O", "orphan_file"], mount: "data=ordered" },
];

/** False, with the test skipped, where loop devices cannot be mounted. */
async function canMount(t: TestContext): Promise<boolean> {
	if (process.getuid?.() !== 0) {
		t.skip("mounting a loop device needs root");
		return false;
	}
	return has(t, "mount", "umount", "losetup", "e2fsck");
}

describe("openExt on a disk copied while it was mounted", () => {
	for (const { name, options, mount } of variantsOf(MOUNTS, 3)) {
		it(`shows what the kernel shows when it mounts the copy: ${name}`, async (t) => {
			if (!(await canMount(t)) || !(await has(t, "mke2fs"))) return;
			await using folder = await temporaryFolder();
			const image = join(folder.path, "image");
			const copy = join(folder.path, "copy");
			await makeImage(image, 64 * MIB, options);
			{
				await using mounted = await mountImage(folder.path, image, mount);
				await work(mounted.path, 5);
				await copyFile(image, copy);
			}
			await using source = await openImage(copy);
			const fs = await openExt(source);
			const scan = await fs.scan();
			assert.deepEqual(fs.problems, []);
			const paths = pathsOf(scan);
			assert.ok(paths.size > 60, "nothing of what was done is seen");

			const again = join(folder.path, "again");
			await copyFile(copy, again);
			await assertSameReplay(again);
			// The kernel's own replay, and a look at its outcome without one.
			const theirs = join(folder.path, "theirs");
			await copyFile(copy, theirs);
			{
				await using mounted = await mountImage(folder.path, theirs, "noatime");
				for (const [path, inode] of paths) {
					const node = await fs.node(inode);
					if (node.type !== "file") continue;
					const content = await readFile(bytesOfPath(join(mounted.path, path)));
					assert.deepEqual(Buffer.from(await fs.readFile(node, 0, node.size)), content, path);
				}
			}
			await using clean = await openImage(theirs);
			const kernel = await openExt(clean);
			const kernelScan = await kernel.scan();
			const kernelPaths = pathsOf(kernelScan);
			assert.deepEqual([...paths.keys()].sort(), [...kernelPaths.keys()].sort());
			for (const [path, inode] of paths) {
				const wanted = kernelScan.nodes.get(kernelPaths.get(path)!)!;
				assert.equal(describeNode(scan.nodes.get(inode)!), describeNode(wanted), path);
			}
			assert.equal(scan.root, ROOT_INODE);
		});
	}

	it("says so where changes stand in fast commits", async (t) => {
		if (!(await canMount(t)) || !(await has(t, "mke2fs"))) return;
		await using folder = await temporaryFolder();
		const image = join(folder.path, "image");
		const copy = join(folder.path, "copy");
		await makeImage(image, 64 * MIB, ["-t", "ext4", "-O", "fast_commit"]);
		{
			await using mounted = await mountImage(folder.path, image, "data=ordered");
			await synced(join(mounted.path, "first"), Buffer.from("first"));
			await run("sync", ["-f", mounted.path]);
			await synced(join(mounted.path, "second"), Buffer.from("second"));
			await synced(join(mounted.path, "second"), Buffer.from("second, longer"));
			await copyFile(image, copy);
		}
		await using source = await openImage(copy);
		const fs = await openExt(source);
		await fs.scan();
		assert.equal(fs.problems.length, 1);
		assert.equal(fs.problems[0]!.code, "unsupported");
		assert.match(fs.problems[0]!.message, /fast commits/);
	});
});

async function mountImage(
	folder: string,
	image: string,
	options: string,
): Promise<AsyncDisposable & { readonly path: string }> {
	const path = join(folder, "mounted");
	await mkdir(path, { recursive: true });
	await run("mount", ["-o", `loop,${options}`, image, path]);
	return { path, [Symbol.asyncDispose]: async () => void (await run("umount", [path])) };
}

/** A path as it stands on disk, with the escapes of `decodeName` taken back. */
function bytesOfPath(path: string): Buffer {
	const bytes = Buffer.from(path).toString("latin1");
	return Buffer.from(
		bytes.replace(/\\x([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16))),
		"latin1",
	);
}

/** Writes a file and has it reach the disk. */
async function synced(path: string, content: Buffer): Promise<void> {
	await using handle = await open(path, "w");
	await handle.write(content);
	await handle.sync();
}

/** Changes of all kinds, many of them committed one by one; the last ones are only in the journal. */
async function work(root: string, seed: number): Promise<void> {
	const next = random(seed);
	await makeTree(join(root, "tree"));
	await run("sync", ["-f", root]);
	await mkdir(join(root, "work"));
	for (let i = 0; i < 150; i++) {
		const path = join(root, "work", `file-${i % 60}`);
		await synced(path, randomBytes(next, Math.floor(next() * 20_000)));
		if (i % 7 === 3) await rename(path, join(root, "work", `renamed-${i}`));
		if (i % 11 === 5) await rm(path, { force: true });
		if (i % 13 === 6) await truncate(join(root, "tree/sizes/300001.bin"), 1000 * i);
	}
	await rm(join(root, "tree/many"), { recursive: true });
	await mkdir(join(root, "tree/many"));
	await synced(join(root, "last"), Buffer.from("last"));
}
