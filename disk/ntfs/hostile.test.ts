import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { UmbraError } from "../../common/errors.ts";
import { needs } from "../../test/support/requires.ts";
import { tempFolder } from "../../test/support/temp.ts";
import { readEverything } from "../fuzz/read-everything.ts";
import { isNtfs, openNtfs } from "./ntfs.ts";
import { makeVolume, memorySource, mount, needsNtfs, random } from "./testing.ts";

const MIB = 1 << 20;
const RECORD = 1024;

describe("openNtfs on damaged images", () => {
	it("throws nothing but UmbraError for random bytes behind a signature", async () => {
		const next = random(3);
		const bytes = Buffer.alloc(65536);
		for (let round = 0; round < 300; round++) {
			for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(Math.floor(next() * 2 ** 32), at);
			bytes.write("NTFS    ", 3, "latin1");
			assert.ok((await readEverything(openNtfs, memorySource(bytes))) instanceof UmbraError);
		}
	});
});

describe("openNtfs refuses", needs("mkntfs"), () => {
	const cases = [
		{ field: "oem_id", at: 3, value: 0x4d, width: 1, code: "corrupt" },
		{ field: "bytes_per_sector", at: 11, value: 513, width: 2, code: "corrupt" },
		{ field: "bytes_per_sector", at: 11, value: 8192, width: 2, code: "corrupt" },
		{ field: "sectors_per_cluster", at: 13, value: 0, width: 1, code: "corrupt" },
		{ field: "sectors_per_cluster", at: 13, value: 3, width: 1, code: "corrupt" },
		{ field: "sectors_per_cluster", at: 13, value: 0xf0, width: 1, code: "corrupt" },
		{ field: "number_of_sectors", at: 40, value: 0, width: 4, code: "corrupt" },
		{ field: "number_of_sectors", at: 40, value: 16385, width: 4, code: "truncated" },
		{ field: "number_of_sectors", at: 44, value: 0xffffffff, width: 4, code: "corrupt" },
		{ field: "mft_lcn", at: 48, value: 2048, width: 4, code: "corrupt" },
		{ field: "mftmirr_lcn", at: 56, value: 2048, width: 4, code: "corrupt" },
		{ field: "clusters_per_mft_record", at: 64, value: 0, width: 1, code: "corrupt" },
		{ field: "clusters_per_mft_record", at: 64, value: 0x80, width: 1, code: "corrupt" },
		{ field: "clusters_per_mft_record", at: 64, value: 17, width: 1, code: "corrupt" },
	] as const;
	for (const { field, at, value, width, code } of cases) {
		it(`${field} ${value} as ${code}`, async () => {
			const bytes = Buffer.from(await plainImage());
			bytes.writeUIntLE(value, at, width);
			const error = await readEverything(openNtfs, memorySource(bytes));
			assert.equal(error?.code, code);
			assert.equal(error.context.field, field);
			assert.ok(Math.abs(Number(error.context.offset) - at) <= 4);
			assert.equal(error.context.structure, "NTFS boot sector");
		});
	}

	it("a volume too short for a boot sector", async () => {
		assert.equal((await readEverything(openNtfs, memorySource(Buffer.alloc(511))))?.code, "truncated");
	});
});

let plain: Promise<Buffer> | undefined;
function plainImage(): Promise<Buffer> {
	plain ??= (async () => {
		await using folder = await tempFolder();
		await makeVolume(folder.file("image"), 8 * MIB, ["-c", "4096"]);
		return readFile(folder.file("image"));
	})();
	return plain;
}

describe("openNtfs goes on", needsNtfs(), () => {
	async function filled(): Promise<{ bytes: Buffer; mft: number; record: (path: string) => Promise<number> }> {
		await using folder = await tempFolder();
		const path = folder.file("image");
		await makeVolume(path, 8 * MIB, ["-c", "4096"]);
		{
			await using volume = await mount(path);
			for (let i = 0; i < 300; i++) await writeFile(volume.at(`file-${i}`), `content ${i}`);
		}
		const bytes = await readFile(path);
		const fs = await openNtfs(memorySource(bytes));
		return {
			bytes,
			mft: (await fs.lookup("/$MFT")).data[0]!,
			record: async (name) => (await fs.lookup(name)).inode,
		};
	}
	async function problemsOf(bytes: Buffer) {
		const fs = await openNtfs(memorySource(bytes));
		const scan = await fs.scan();
		return { fs, scan, messages: fs.problems.map(({ message }) => message) };
	}

	it("after a half written record, and names it", async () => {
		const { bytes, mft, record } = await filled();
		const number = await record("/file-7");
		bytes[mft + number * RECORD + 1023]! ^= 0x55;
		const { fs, messages, scan } = await problemsOf(bytes);
		assert.deepEqual(messages, [
			`memory: MFT record ${number} has sector 1 that does not match its update sequence: it was half written`,
		]);
		assert.ok(!scan.nodes.has(number));
		await assert.rejects(fs.lookup("/file-7"), { code: "not-found" });
		assert.equal(Buffer.from(await fs.readFile(await fs.lookup("/file-8"), 0, 99)).toString(), "content 8");
	});

	it("with the mirror where the MFT's own record is damaged", async () => {
		const { bytes, mft } = await filled();
		bytes.fill(0, mft, mft + RECORD);
		const { messages, scan } = await problemsOf(bytes);
		assert.match(messages[0]!, /the MFT's own record has nothing in it; its mirror is used/);
		assert.ok(scan.links.some(({ name }) => name === "file-299"));
	});

	it("with a damaged index block, whose names the scan has nevertheless", async () => {
		const { bytes } = await filled();
		const before = await problemsOf(bytes);
		const root = before.scan.nodes.get(before.fs.root)!;
		bytes[root.data[0]! + 510]! ^= 1;
		const { fs, scan } = await problemsOf(bytes);
		assert.equal(scan.nodes.size, before.scan.nodes.size);
		const entries = await fs.readDirectory(root);
		assert.ok(entries.length < 320 && entries.length > 200, `${entries.length} names left`);
		assert.match(fs.problems[0]!.message, /directory 5 has index block 0 with sector 0 that does not match/);
	});

	it("with files that no directory holds, which it shows in one of their own", async () => {
		const { bytes, mft, record } = await filled();
		const number = await record("/file-3");
		const at = bytes.indexOf(Buffer.from("file-3", "utf16le"), mft + number * RECORD);
		// The parent's sequence number, 60 bytes before the name.
		assert.equal(bytes.readUInt16LE(at - 60), 5);
		bytes.writeUInt16LE(6, at - 60);
		const { fs, scan, messages } = await problemsOf(bytes);
		assert.deepEqual(messages, ["memory: 1 files are in no directory; they are listed in /$OrphanFiles"]);
		assert.equal(scan.links.at(-1)!.name, "file-3");
		const node = await fs.lookup("/$OrphanFiles/file-3");
		assert.equal(node.inode, number);
		assert.equal(Buffer.from(await fs.readFile(node, 0, 99)).toString(), "content 3");
		assert.deepEqual(await fs.readDirectory(await fs.lookup("/$OrphanFiles")), [{ name: "file-3", inode: number }]);
	});

	it("where $LogFile was not written back, and says that it may lag", async () => {
		const { bytes } = await filled();
		const log = (await (await openNtfs(memorySource(bytes))).lookup("/$LogFile")).data[0]!;
		// A restart page with one client that is at work.
		bytes.fill(0, log, log + 8192);
		bytes.write("RSTR", log, "latin1");
		bytes.writeUInt16LE(30, log + 4);
		bytes.writeUInt16LE(9, log + 6);
		bytes.writeUInt16LE(48, log + 24);
		bytes.writeUInt32LE(1, log + 48);
		const { messages } = await problemsOf(bytes);
		assert.equal(messages.length, 1);
		assert.match(messages[0]!, /what is only in \$LogFile is not shown/);
		bytes.writeUInt16LE(0xffff, log + 48 + 12);
		assert.deepEqual((await problemsOf(bytes)).messages, []);
		bytes.fill(0, log, log + 8192);
		assert.match((await problemsOf(bytes)).messages[0]!, /\$LogFile cannot be read/);
	});
});

describe("isNtfs", () => {
	it("wants the signature", () => {
		const head = Buffer.alloc(512);
		assert.equal(isNtfs(head), false);
		head.write("NTFS    ", 3, "latin1");
		assert.equal(isNtfs(head), true);
		assert.equal(isNtfs(head.subarray(0, 300)), false);
	});
});
