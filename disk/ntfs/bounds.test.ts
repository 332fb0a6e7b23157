import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { before, describe, it } from "node:test";
import { tempFolder } from "../../test/support/temp.ts";
import type { BlockSource } from "../source/source.ts";
import { openNtfs } from "./ntfs.ts";
import { RecordTable } from "./record-table.ts";
import { Security, UNKNOWN_OWNER } from "./security.ts";
import { makeVolume, memorySource, mount, needsNtfs } from "./testing.ts";

const MIB = 1 << 20;
const CLUSTER = 4096;

/** A volume with a file of so many streams that it takes several records, and where the MFT begins. */
async function makeListed(): Promise<{ bytes: Buffer; mft: number; record: number }> {
	await using folder = await tempFolder();
	await makeVolume(folder.file("image"), 8 * MIB, ["-c", String(CLUSTER)]);
	{
		await using volume = await mount(folder.file("image"));
		await writeFile(volume.at("listed"), "content");
		for (let i = 0; i < 40; i++) await writeFile(volume.at(`listed:stream ${i}`), "x".repeat(40));
	}
	const bytes = await readFile(folder.file("image"));
	const fs = await openNtfs(memorySource(bytes));
	return { bytes, mft: (await fs.lookup("/$MFT")).data[0]!, record: (await fs.lookup("/listed")).inode };
}

/** The places of the entries of the list that name the file's own attributes, by type. */
function* listEntries(bytes: Buffer, record: number, type: number): Generator<number> {
	for (let at = 0; at + 32 <= bytes.length; at += 8) {
		if (bytes.readUInt32LE(at) !== type || bytes[at + 7] !== 0x1a) continue;
		const length = bytes.readUInt16LE(at + 4);
		if (length >= 32 && length < 128 && bytes.readUInt32LE(at + 16) >= record) yield at;
	}
}

describe("openNtfs takes no more than what is written is worth", needsNtfs(), () => {
	let listed: Awaited<ReturnType<typeof makeListed>>;
	before(async () => {
		listed = await makeListed();
	});

	it("where an attribute list names one name of a file many times", async () => {
		const bytes = Buffer.from(listed.bytes);
		const [name] = listEntries(bytes, listed.record, 0x30);
		const streams = [...listEntries(bytes, listed.record, 0x80)].slice(-20);
		assert.ok(name !== undefined && streams.length === 20);
		// The same reference and instance in entries of the same length.
		for (const at of streams) {
			bytes.writeUInt32LE(0x30, at);
			bytes.copy(bytes, at + 16, name + 16, name + 26);
		}
		const fs = await openNtfs(memorySource(bytes));
		const { nodes, links } = await fs.scan();
		assert.equal(nodes.get(listed.record)?.nlink, 1);
		assert.equal(links.filter(({ inode }) => inode === listed.record).length, 1);
		assert.ok(
			fs.problems.some(({ message }) => /attribute \d+ of record \d+ twice in its attribute list/.test(message)),
		);
	});

	it("where an attribute list names other files' records", async () => {
		const bytes = Buffer.from(listed.bytes);
		for (const [i, at] of [...listEntries(bytes, listed.record, 0x80)].entries()) {
			bytes.writeUInt32LE(5, at + 16);
			bytes.writeUInt16LE(i, at + 24);
		}
		const fs = await openNtfs(memorySource(bytes));
		const { links } = await fs.scan();
		assert.equal(links.filter(({ name }) => name.startsWith("listed")).length, 1);
		const messages = fs.problems.map(({ message }) => message);
		assert.ok(
			messages.some((message) => /an extension record 5 that is another file's/.test(message)),
			messages.join(),
		);
	});

	it("where the MFT says that it has four billion records, of which nothing was written", async () => {
		const bytes = Buffer.from(listed.bytes);
		const clusters = 2 ** 30;
		const size = 2 ** 33 * CLUSTER;
		bytes.writeBigUInt64LE(BigInt(size / 512 - 1), 40);
		const data = attribute(bytes, listed.mft, 0x80);
		const runs = data + bytes.readUInt16LE(data + 32);
		// 4 bytes of length, 1 of place: as long as the run that it replaces, which is all there is.
		const place = listed.mft / CLUSTER;
		assert.ok(place < 128 && data + bytes.readUInt32LE(data + 4) - runs >= 7);
		bytes[runs] = 0x14;
		bytes.writeUInt32LE(clusters, runs + 1);
		bytes.writeUInt8(place, runs + 5);
		bytes.writeUInt8(0, runs + 6);
		for (const field of [40, 48, 56]) bytes.writeBigUInt64LE(BigInt(clusters * CLUSTER), data + field);
		const { source, read } = thin(bytes, size);
		const fs = await openNtfs(source);
		const { nodes } = await fs.scan();
		const whole = await (await openNtfs(memorySource(listed.bytes))).scan();
		for (const inode of whole.nodes.keys()) assert.ok(nodes.has(inode), `inode ${inode}`);
		assert.ok(read() < 64 * MIB + size / CLUSTER / 8, `${read()} bytes were read`);
	});
});

/** The first attribute of a type in the record at `at`. */
function attribute(bytes: Buffer, record: number, type: number): number {
	let at = record + bytes.readUInt16LE(record + 20);
	while (bytes.readUInt32LE(at) !== type) at += bytes.readUInt32LE(at + 4);
	return at;
}

/** A disk that begins with `bytes`; nothing behind them was ever written. */
function thin(bytes: Buffer, size: number): { source: BlockSource; read: () => number } {
	let sum = 0;
	const source: BlockSource = {
		name: "thin",
		size,
		read: async (offset, length) => {
			sum += length;
			const result = Buffer.alloc(length);
			if (offset < bytes.length) bytes.copy(result, 0, offset);
			return result;
		},
		extents: async (offset, length) => {
			const data = Math.max(0, Math.min(length, bytes.length - offset));
			const extents = [
				{ offset, length: data, zero: false },
				{ offset: offset + data, length: length - data, zero: true },
			];
			return extents.filter((extent) => extent.length > 0);
		},
		[Symbol.asyncDispose]: async () => {},
	};
	return { source, read: () => sum };
}

describe("Security", () => {
	it("names no more owners than anybody lists", () => {
		const count = 70_000;
		const stride = 512 << 10;
		const table = Buffer.alloc(stride * Math.ceil((count * 80) / (stride / 2 - 80)));
		for (let i = 0, at = 0; i < count; i++, at += 80) {
			if ((at % stride) + 80 > stride / 2) at = Math.ceil(at / stride) * stride;
			table.writeUInt32LE(1000 + i, at + 4);
			table.writeUInt32LE(68, at + 16);
			// A descriptor with an owner of its own: S-1-5-21-i.
			table.writeUInt32LE(20, at + 20 + 4);
			Buffer.from([1, 2, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0]).copy(table, at + 40);
			table.writeUInt32LE(i, at + 52);
		}
		const security = new Security();
		assert.equal(security.addTable(table), 0);
		assert.notEqual(security.ownerOf(1000, undefined).uid, UNKNOWN_OWNER);
		assert.equal(security.ownerOf(1000 + count - 1, undefined).uid, UNKNOWN_OWNER);
		assert.equal(security.owners().users.size, 65536);
	});
});

describe("RecordTable", () => {
	it("has what was noted, among billions", () => {
		const table = new RecordTable(-1);
		for (const [record, value] of [
			[0, 7],
			[16383, 8],
			[4_000_000_000, 9],
		] as const) {
			assert.equal(table.get(record), -1);
			table.set(record, value);
			assert.equal(table.get(record), value);
		}
		assert.equal(table.get(0), 7);
	});
});
