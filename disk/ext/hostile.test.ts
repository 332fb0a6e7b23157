import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { readEverything } from "../fuzz/read-everything.ts";
import { crc32c, viewOf } from "../parser/checksum.ts";
import { isExt, openExt } from "./ext.ts";
import { debugfs, has, makeImage, makeTree, memorySource, random, temporaryFolder } from "./testing.ts";

const MIB = 1 << 20;

async function image(
	options: readonly string[],
	commands: (folder: string) => readonly string[] = () => [],
): Promise<Buffer> {
	await using folder = await temporaryFolder();
	const path = join(folder.path, "image");
	await makeTree(join(folder.path, "tree"));
	await makeImage(path, 16 * MIB, options, join(folder.path, "tree"));
	await writeFile(join(folder.path, "block"), Buffer.alloc(4096, "journalled"));
	if (commands("").length > 0) await debugfs(path, commands(folder.path), true);
	return readFile(path);
}

describe("openExt on damaged images", () => {
	it("throws nothing but UmbraError for random bytes behind a superblock's magic number", async () => {
		const next = random(3);
		const bytes = Buffer.alloc(65536);
		for (let round = 0; round < 300; round++) {
			for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(next() * 2 ** 32), at);
			bytes.writeUInt16LE(0xef53, 1024 + 56);
			const error = await readEverything(openExt, memorySource(bytes));
			assert.ok(error instanceof UmbraError);
		}
	});
});

describe("openExt refuses", () => {
	const cases = [
		{ field: "s_magic", at: 0x38, value: 0x1234, width: 2, code: "corrupt" },
		{ field: "s_log_block_size", at: 0x18, value: 7, width: 4, code: "corrupt" },
		{ field: "s_first_data_block", at: 0x14, value: 2, width: 4, code: "corrupt" },
		{ field: "s_blocks_count", at: 0x04, value: 0, width: 4, code: "corrupt" },
		{ field: "s_blocks_count", at: 0x04, value: 16385, width: 4, code: "truncated" },
		{ field: "s_blocks_per_group", at: 0x20, value: 7, width: 4, code: "corrupt" },
		{ field: "s_blocks_per_group", at: 0x20, value: 8193, width: 4, code: "corrupt" },
		{ field: "s_inode_size", at: 0x58, value: 192, width: 2, code: "corrupt" },
		{ field: "s_inode_size", at: 0x58, value: 2048, width: 2, code: "corrupt" },
		{ field: "s_inodes_per_group", at: 0x28, value: 1, width: 4, code: "corrupt" },
		{ field: "s_inodes_per_group", at: 0x28, value: 8193, width: 4, code: "corrupt" },
		{ field: "s_inodes_count", at: 0x00, value: 17, width: 4, code: "corrupt" },
		{ field: "s_first_ino", at: 0x54, value: 10, width: 4, code: "corrupt" },
		{ field: "s_first_ino", at: 0x54, value: 0xffffffff, width: 4, code: "corrupt" },
		{ field: "s_desc_size", at: 0xfe, value: 32, width: 2, code: "corrupt" },
		{ field: "s_desc_size", at: 0xfe, value: 96, width: 2, code: "corrupt" },
		{ field: "s_reserved_gdt_blocks", at: 0xce, value: 257, width: 2, code: "corrupt" },
	] as const;
	let whole: Promise<Buffer> | undefined;
	for (const { field, at, value, width, code } of cases) {
		it(`${field} ${value} as ${code}`, async (t) => {
			if (!(await has(t, "mke2fs"))) return;
			whole ??= image(["-t", "ext4", "-b", "1024", "-O", "^has_journal"]);
			const bytes = Buffer.from(await whole);
			bytes.writeUIntLE(value, 1024 + at, width);
			const error = await readEverything(openExt, memorySource(bytes));
			assert.equal(error?.code, code);
			assert.equal(error.context.field, field);
			assert.equal(error.context.offset, 1024 + at);
			assert.equal(error.context.structure, "ext4_super_block");
		});
	}

	it("features that it cannot read, by name", async (t) => {
		if (!(await has(t, "mke2fs"))) return;
		const bytes = await image(["-t", "ext4"]);
		bytes.writeUInt32LE(bytes.readUInt32LE(1024 + 0x60) | 0x1001 | 0x40000000, 1024 + 0x60);
		const error = await readEverything(openExt, memorySource(bytes));
		assert.equal(error?.code, "unsupported");
		assert.equal(error.context.found, "compression, dirdata, 0x40000000");
	});

	it("a volume too short for a superblock", async () => {
		const error = await readEverything(openExt, memorySource(Buffer.alloc(2047)));
		assert.equal(error?.code, "truncated");
	});
});

describe("openExt goes on", () => {
	it("after a damaged inode, descriptor, bitmap, directory and superblock, and names each", async (t) => {
		if (!(await has(t, "mke2fs", "debugfs"))) return;
		const bytes = await image(["-t", "ext4", "-b", "1024"]);
		const fs = await openExt(memorySource(bytes));
		const whole = await fs.scan();
		const at = async (path: string) => fs.lookup(path);
		const many = await at("/many");
		const problemsOf = async (damaged: Buffer) => {
			const opened = await openExt(memorySource(damaged));
			const scan = await opened.scan();
			return { lost: whole.nodes.size - scan.nodes.size, messages: opened.problems.map((problem) => problem.message) };
		};
		const flipped = (offset: number) => {
			const copy = Buffer.from(bytes);
			copy[offset]! ^= 0x10;
			return copy;
		};
		const superblock = await problemsOf(flipped(1024 + 0x40));
		assert.deepEqual(superblock, { lost: 0, messages: ["memory: the superblock does not match its checksum"] });
		const descriptor = await problemsOf(flipped(2048 + 0x0e));
		assert.deepEqual(descriptor, {
			lost: 0,
			messages: ["memory: the descriptor of group 0 does not match its checksum"],
		});
		const bitmap = await problemsOf(flipped(bytes.readUInt32LE(2048 + 4) * 1024 + 3));
		assert.deepEqual(bitmap, {
			lost: 0,
			messages: ["memory: the inode bitmap of group 0 does not match its checksum"],
		});
		const table = bytes.readUInt32LE(2048 + 8) * 1024;
		const inode = await problemsOf(flipped(table + (12 - 1) * 256 + 0x10));
		assert.equal(inode.lost, 0);
		assert.deepEqual(inode.messages, ["memory: inode 12 does not match its checksum"]);
		const name = await problemsOf(flipped(many.data[0]! + 24 + 8));
		assert.equal(name.lost, 0);
		assert.match(name.messages[0]!, /has a block that fails its checksum/);
		const cut = Buffer.from(bytes);
		cut.writeUInt16LE(5, many.data[0]! + 24 + 4);
		const directory = await problemsOf(cut);
		assert.ok(directory.lost > 5 && directory.lost < 60, `${directory.lost} files lost`);
		assert.match(directory.messages[0]!, /directory inode \d+ has an entry of length 5 at byte 24/);
	});

	it("past directories that lead back to where they began", async (t) => {
		if (!(await has(t, "mke2fs", "debugfs"))) return;
		const loops = () => ["link /deep /deep/er/and/loop", "link / /deep/root", "sif /names links_count 3"];
		const bytes = await image(["-t", "ext4", "-b", "1024", "-O", "^metadata_csum"], loops);
		const fs = await openExt(memorySource(bytes));
		const { links } = await fs.scan();
		assert.ok(!links.some(({ name }) => name === "loop" || name === "root"));
		assert.equal(fs.problems.length, 2);
		for (const problem of fs.problems) assert.match(problem.message, /which has another name/);
	});

	it("with names that would leave their directory, escaped", async (t) => {
		if (!(await has(t, "mke2fs"))) return;
		const bytes = await image(["-t", "ext4", "-b", "1024", "-O", "^metadata_csum"]);
		const at = bytes.indexOf("still");
		bytes.write("../et", at, "latin1");
		const fs = await openExt(memorySource(bytes));
		const { links } = await fs.scan();
		assert.ok(links.some(({ name }) => name === "..\\x2fet"));
		assert.equal((await fs.lookup("/deep/er/and/deeper/..\\x2fet")).size, 5);
	});
});

describe("isExt", () => {
	it("wants the magic number and a block size that exists", () => {
		const head = Buffer.alloc(4096);
		assert.equal(isExt(head), false);
		head.writeUInt16LE(0xef53, 1024 + 0x38);
		head.writeUInt32LE(16, 1024);
		assert.equal(isExt(head), true);
		assert.equal(isExt(head.subarray(0, 2000)), false);
		head.writeUInt32LE(9, 1024 + 0x18);
		assert.equal(isExt(head), false);
	});
});

describe("crc32c", () => {
	it("gives the check value of CRC-32C, however the bytes are cut", () => {
		const view = viewOf(Buffer.from("123456789".repeat(9)));
		assert.equal(~crc32c(0xffffffff, view, 0, 9) >>> 0, 0xe3069283);
		for (let cut = 0; cut <= 81; cut++) {
			assert.equal(crc32c(crc32c(0xffffffff, view, 0, cut), view, cut), crc32c(0xffffffff, view));
		}
	});
});
