import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { testRandom } from "../../test/support/random.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { memorySource } from "../ext/testing.ts";
import { DamagedSource } from "../fuzz/damaged-source.ts";
import { readEverything } from "../fuzz/read-everything.ts";
import { openFile } from "../source/file.ts";
import type { BlockSource } from "../source/source.ts";
import { makeImage, makeImageOf } from "./testing.ts";
import { openXfs } from "./xfs.ts";

const PAGE = 512;

describe("openXfs on damaged images", () => {
	it("throws nothing but UmbraError for random bytes behind a superblock's magic number", async (t) => {
		const random = testRandom(t);
		for (let round = 0; round < 100; round++) {
			const bytes = random.bytes(65536);
			bytes.write("XFSB", 0, "latin1");
			assert.ok((await readEverything(openXfs, memorySource(bytes))) instanceof UmbraError);
		}
	});
});

describe("openXfs refuses", () => {
	const cases = [
		{ field: "sb_magicnum", at: 0, value: 0x58465341, width: 4, code: "corrupt" },
		{ field: "sb_blocksize", at: 4, value: 8192, width: 4, code: "corrupt" },
		{ field: "sb_dblocks", at: 8, value: 0x80000000, width: 4, code: "corrupt" },
		{ field: "sb_dblocks", at: 12, value: 0, width: 4, code: "corrupt" },
		{ field: "sb_dblocks", at: 12, value: 81921, width: 4, code: "truncated" },
		{ field: "sb_agblocks", at: 84, value: 63, width: 4, code: "corrupt" },
		{ field: "sb_agcount", at: 88, value: 3, width: 4, code: "corrupt" },
		{ field: "sb_versionnum", at: 100, value: 0xb4a3, width: 2, code: "unsupported" },
		{ field: "sb_versionnum", at: 100, value: 0x94a5, width: 2, code: "unsupported" },
		{ field: "sb_sectsize", at: 102, value: 256, width: 2, code: "corrupt" },
		{ field: "sb_sectsize", at: 102, value: 8192, width: 2, code: "corrupt" },
		{ field: "sb_inodesize", at: 104, value: 384, width: 2, code: "corrupt" },
		{ field: "sb_inodesize", at: 104, value: 4096, width: 2, code: "corrupt" },
		{ field: "sb_inopblock", at: 106, value: 16, width: 2, code: "corrupt" },
		{ field: "sb_blocklog", at: 120, value: 17, width: 1, code: "corrupt" },
		{ field: "sb_blocklog", at: 120, value: 8, width: 1, code: "corrupt" },
		{ field: "sb_inopblog", at: 123, value: 4, width: 1, code: "corrupt" },
		{ field: "sb_agblklog", at: 124, value: 16, width: 1, code: "corrupt" },
		{ field: "sb_dirblklog", at: 192, value: 5, width: 1, code: "corrupt" },
		{ field: "sb_features2", at: 200, value: 0x40000000, width: 4, code: "unsupported" },
		{ field: "sb_features_incompat", at: 216, value: 0x800, width: 4, code: "unsupported" },
	] as const;
	for (const { field, at, value, width, code } of cases) {
		it(`${field} ${value} as ${code}`, needs("mkfs.xfs"), async () => {
			await using folder = await tempFolder();
			const image = folder.file("image");
			await makeImage(image, 320, []);
			await using source = await openFile(image);
			const damaged = new DamagedSource(source);
			(await damaged.page(0)).writeUIntBE(value, at, width);
			const error = await readEverything(openXfs, damaged);
			assert.equal(error?.code, code);
			assert.equal(error.context.field, field);
			assert.equal(error.context.structure, "xfs_dsb");
		});
	}

	it("a volume too short for a superblock", async () => {
		assert.equal((await readEverything(openXfs, memorySource(Buffer.alloc(511))))?.code, "truncated");
	});
});

describe("openXfs goes on", () => {
	/** An image with a directory of blocks and a directory whose extents need a tree, and where its structures are. */
	async function withImage(use: (source: BlockSource) => Promise<void>): Promise<void> {
		await using folder = await tempFolder();
		const tree = folder.file("tree");
		await mkdir(join(tree, "spread"), { recursive: true });
		for (let i = 0; i < 600; i++) await writeFile(join(tree, "spread", `${i}-${"n".repeat(200)}`), String(i));
		const image = folder.file("image");
		await makeImageOf(image, 320, ["-b", "size=1024", "-m", "rmapbt=1"], tree);
		await using source = await openFile(image);
		await use(source);
	}

	it("after damage that only a checksum shows, loses nothing, and names each", needs("mkfs.xfs"), async () => {
		await withImage(async (source) => {
			const fs = await openXfs(source);
			const whole = await fs.scan();
			assert.deepEqual(fs.problems, []);
			const spread = await fs.lookup("/spread");
			assert.ok(spread.meta.length > 0);
			const headers = Buffer.from(await source.read(0, 4 * PAGE));
			const inodes = headers.readUInt32BE(2 * PAGE + 20) * 1024;
			const free = headers.readUInt32BE(PAGE + 16) * 1024;
			const expected: readonly [what: string, at: number, message: RegExp][] = [
				["the superblock's label", 110, /the superblock does not match its checksum/],
				["AGF", PAGE + 200, /the AGF of group 0 has a checksum that does not match/],
				["AGI", 2 * PAGE + 400, /the AGI of group 0 has a checksum that does not match/],
				["AGFL", 3 * PAGE + 24, /the AGFL of group 0 has a checksum that does not match/],
				["inode tree", inodes + 24, /the inobt of group 0 has a block that does not match its checksum/],
				["extent tree", spread.meta[0]! + 32, /has an extent tree block that does not match its checksum/],
				["directory", spread.data[0]! + 16, /has a block that does not match its checksum/],
			];
			for (const [what, at, message] of expected) {
				const { messages, nodes } = await damagedAt(source, at, (page, byte) => {
					page[byte]! ^= 0x10;
				});
				assert.equal(nodes, whole.nodes.size, what);
				assert.equal(messages.length, 1, `${what}: ${messages}`);
				assert.match(messages[0]!, message);
			}
			// A leaf of free space says nothing of files and is not read.
			const leaf = await damagedAt(source, free + 60, (page, byte) => page.fill(0xff, byte));
			assert.deepEqual(leaf, { messages: [], nodes: whole.nodes.size });
		});
	});

	it("without what a damaged structure described", needs("mkfs.xfs"), async () => {
		await withImage(async (source) => {
			const fs = await openXfs(source);
			const whole = await fs.scan();
			const spread = await fs.lookup("/spread");
			const gone = await damagedAt(source, spread.data[0]!, (page) => page.fill(0));
			assert.ok(gone.nodes < whole.nodes.size && gone.nodes > whole.nodes.size - 25, `${gone.nodes}`);
			assert.match(gone.messages.join(), /directory inode \d+ has a block of magic 0x0 in the block at \d+/);
			const extents = await damagedAt(source, spread.meta[0]!, (page) => page.writeUInt16BE(500, 6));
			assert.match(extents.messages.join(), /has an extent tree block that makes no sense/);
			const agi = await damagedAt(source, 2 * PAGE, (page) => page.fill(0, 0, 4));
			assert.match(agi.messages.join(), /the AGI of group 0 has the magic number 0x0/);
			// What directories name is found without the inode trees.
			assert.equal(agi.nodes, whole.nodes.size);
		});
	});

	it("with names that would leave their directory, escaped", needs("mkfs.xfs"), async () => {
		await withImage(async (source) => {
			const [offset] = (await (await openXfs(source)).lookup("/spread")).data;
			const block = Buffer.from(await source.read(offset!, PAGE));
			const at = block.indexOf("-nnn");
			const damaged = new DamagedSource(source);
			(await damaged.page(offset!)).write("/../", at, "latin1");
			const { links } = await (await openXfs(damaged)).scan();
			assert.ok(links.some(({ name }) => name.includes("\\x2f..\\x2f")));
			assert.ok(!links.some(({ name }) => name.includes("/")));
		});
	});
});

async function damagedAt(
	source: BlockSource,
	at: number,
	change: (page: Buffer, byte: number) => void,
): Promise<{ messages: string[]; nodes: number }> {
	const damaged = new DamagedSource(source);
	change(await damaged.page(at - (at % PAGE)), at % PAGE);
	const fs = await openXfs(damaged);
	const { nodes } = await fs.scan();
	return { messages: fs.problems.map(({ message }) => message), nodes: nodes.size };
}
