import assert from "node:assert/strict";
import { open } from "node:fs/promises";
import { describe, it } from "node:test";
import { tempFolder } from "../../test/support/temp.ts";
import { openNtfs } from "./ntfs.ts";
import {
	JOURNAL_TIME,
	type JournalChange,
	makeJournal,
	makeUsnJournal,
	makeVolume,
	mount,
	needsNtfs,
	openImage,
	run,
	writeUsnJournal,
} from "./testing.ts";
import { parseUsnRecords, REASON, readUsnEnd, readUsnJournal, readUsnStream, type UsnRecord } from "./usn.ts";

/** Before it, the journal is a hole; one longer than the volume The Sleuth Kit takes for damage. */
const START = 16 << 20;

function parse(bytes: Buffer, usn = 0): { records: UsnRecord[]; damaged: number } {
	const records: UsnRecord[] = [];
	return { damaged: parseUsnRecords(bytes, usn, records).damaged, records };
}

const CHANGES: readonly JournalChange[] = [
	{ inode: 40, name: "old.txt", reason: REASON.RENAME_OLD_NAME },
	{ inode: 41, name: "else", reason: REASON.DATA_EXTEND },
	{ inode: 40, name: "neu ß.txt", reason: REASON.RENAME_NEW_NAME, parent: 77, version: 3 },
	{ inode: 40, name: "neu ß.txt", reason: (REASON.RENAME_NEW_NAME | REASON.CLOSE) >>> 0, parent: 77 },
	{ inode: 42, name: "gone", reason: REASON.FILE_DELETE },
];

describe("parseUsnRecords", () => {
	it("reads versions 2 and 3", () => {
		const { records, damaged } = parse(makeJournal(CHANGES));
		assert.equal(damaged, 0);
		assert.deepEqual(
			records.map(({ inode, name, reason, parent }) => ({ inode, name, reason, parent })),
			CHANGES.map(({ inode, name, reason, parent = 5 }) => ({ inode, name, reason, parent })),
		);
		const [first] = records;
		assert.equal(first!.time, JOURNAL_TIME);
		assert.equal(first!.generation, 3);
		assert.equal(first!.parentGeneration, 7);
		assert.equal(first!.attributes, 0x20);
	});
	it("goes on after a page that makes no sense", () => {
		const many = Array.from({ length: 200 }, (_, i) => ({ inode: i, name: `name ${i}`, reason: 1 }));
		const bytes = makeJournal(many, 8192);
		const { length } = parse(bytes, 8192).records;
		assert.equal(length, 200);
		for (const damage of [
			() => bytes.writeUInt32LE(12, 4096),
			() => bytes.writeUInt32LE(8000, 4096),
			() => bytes.writeUInt16LE(9, 4100),
			() => bytes.writeUInt16LE(5000, 4096 + 56),
			() => bytes.writeUInt32LE(1, 4096 + 24),
		]) {
			const before = Buffer.from(bytes);
			damage();
			const { records, damaged } = parse(bytes, 8192);
			assert.equal(damaged, 1);
			assert.ok(records.length > 100 && records.length < 200);
			before.copy(bytes);
		}
	});
});

describe("parseUsnRecords of versions that tell no names", () => {
	it("passes over ranges of version 4, and stops at what says another place", () => {
		const bytes = makeJournal(CHANGES);
		const [, second, third] = parse(bytes).records;
		const range = Buffer.from(bytes);
		range.fill(0, second!.usn, third!.usn);
		range.writeUInt32LE(third!.usn - second!.usn, second!.usn);
		range.writeUInt16LE(4, second!.usn + 4);
		range.writeBigInt64LE(BigInt(second!.usn), second!.usn + 40);
		assert.ok(third!.usn - second!.usn >= 56);
		const { records, damaged } = parse(range);
		assert.deepEqual([records.length, damaged], [CHANGES.length - 1, 0]);
		range.writeBigInt64LE(7n, second!.usn + 40);
		assert.deepEqual([parse(range).records.length, parse(range).damaged], [1, 1]);
	});
});

describe("readUsnEnd", needsNtfs("ntfscp"), () => {
	it("is behind the last record, where the next reading goes on, and names the journal", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeVolume(image, 24 << 20);
		const ends = async () => {
			await using source = await openImage(image);
			const fs = await openNtfs(source);
			return { end: await readUsnEnd(fs), all: await readUsnJournal(fs) };
		};
		assert.deepEqual(await ends(), { end: undefined, all: undefined });
		await makeUsnJournal(image, 0x1d9_0000_0000_1234n);
		const id = "01d9000000001234";
		assert.deepEqual((await ends()).end, { id, next: 0 });
		const many = Array.from({ length: 40 }, (_, i) => ({ inode: 64, name: `file ${i}.txt`, reason: 1 }));
		const journal = makeJournal(many, START);
		// Behind the records, what has not been written yet.
		await writeUsnJournal(image, Buffer.concat([journal, Buffer.alloc(100 << 10)]), START);
		const { end, all } = await ends();
		const last = all?.records.at(-1) ?? assert.fail();
		assert.deepEqual([all?.id, all?.first, all?.records.length], [id, START, 40]);
		assert.equal(end?.next, last.usn + journal.readUInt32LE(last.usn - START));
		assert.equal(end?.next, all?.next);
		await writeUsnJournal(image, makeJournal(many.slice(0, 5), START + 8192), START + 8192);
		await using source = await openImage(image);
		const more = await readUsnJournal(await openNtfs(source), end?.next);
		assert.equal(more?.records.length, 5);
	});
});

describe("readUsnJournal", needsNtfs("usnjls"), () => {
	it("agrees with The Sleuth Kit's usnjls, and begins where it is told to", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeVolume(image, 32 << 20);
		const many = Array.from({ length: 900 }, (_, i) => ({ inode: 64 + (i % 9), name: `file ${i}.txt`, reason: 0x100 }));
		{
			await using volume = await mount(image);
			// ntfs-3g lets nobody write in $Extend, and usnjls does not find $J beside content without a name.
			await using stream = await open(volume.at("journal"), "w");
			await stream.write(makeJournal(many, START), 0, undefined, START);
		}
		await using source = await openImage(image);
		const fs = await openNtfs(source);
		const stream = await fs.lookup("/journal");
		const read = await readUsnStream(fs, stream);
		assert.equal(read.first, START);
		assert.equal(read.damaged, 0);
		assert.equal(read.records.length, 900);
		const { inode } = await fs.lookup("/journal");
		const theirs = (await run("usnjls", ["-f", "ntfs", image, String(inode)])).toString().trim().split("\n");
		assert.equal(theirs.length, 900);
		for (const [i, line] of theirs.entries()) assert.ok(line.includes(`file ${i}.txt`), line);
		const half = read.records[450]!.usn;
		const rest = await readUsnStream(fs, stream, half);
		assert.deepEqual(rest.records, read.records.slice(450));
		assert.deepEqual((await readUsnStream(fs, stream, read.next)).records, []);
	});

	it("is nothing where the volume keeps none", async () => {
		await using folder = await tempFolder();
		const image = folder.file("image");
		await makeVolume(image, 16 << 20);
		await using source = await openImage(image);
		assert.equal(await readUsnJournal(await openNtfs(source)), undefined);
	});
});
