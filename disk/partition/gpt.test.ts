import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUmbraError, type UmbraError } from "../../common/errors.ts";
import { buildGptDisk, sealGptHeader } from "./builders.ts";
import { parseGptEntries, parseGptHeader } from "./gpt.ts";

const disk = buildGptDisk({ sectors: 256, partitions: [{ number: 3, first: 40, last: 49, name: "root–ü" }] });

describe("parseGptHeader", () => {
	it("reads a valid header", () => {
		const header = parseGptHeader(disk.subarray(512, 1024), 1);
		assert.equal(header.alternateLba, 255);
		assert.equal(header.partitionEntryLba, 2);
		assert.equal(header.firstUsableLba, 34);
	});

	const spoilt: readonly [string, (header: Buffer) => void, string, number][] = [
		["another signature", (header) => header.write("EFI PORT", 0), "Signature", 0],
		["a header size beyond the sector", (header) => header.writeUInt32LE(513, 12), "HeaderSize", 12],
		["a header size that is too small", (header) => header.writeUInt32LE(91, 12), "HeaderSize", 12],
		["a wrong CRC", (header) => header.writeUInt8(header.readUInt8(60) ^ 1, 60), "HeaderCRC32", 16],
		["another sector's header", (header) => header.writeBigUInt64LE(7n, 24), "MyLBA", 24],
		["an LBA beyond 2^53 bytes", (header) => header.writeBigUInt64LE(1n << 45n, 32), "AlternateLBA", 32],
		["too many entries", (header) => header.writeUInt32LE(0xffffffff, 80), "NumberOfPartitionEntries", 80],
		["an entry size that is no power of two", (header) => header.writeUInt32LE(384, 84), "SizeOfPartitionEntry", 84],
		["an entry size of zero", (header) => header.writeUInt32LE(0, 84), "SizeOfPartitionEntry", 84],
	];
	for (const [what, spoil, field, offset] of spoilt) {
		it(`refuses ${what}`, () => {
			const header = Buffer.from(disk.subarray(512, 1024));
			spoil(header);
			if (field !== "HeaderCRC32") sealGptHeader(header);
			assert.throws(
				() => parseGptHeader(header, 1),
				(error) => isUmbraError(error, "corrupt") && error.context.field === field && error.context.offset === offset,
			);
		});
	}
});

describe("parseGptEntries", () => {
	const header = parseGptHeader(disk.subarray(512, 1024), 1);
	const entries = disk.subarray(1024, 1024 + 16384);

	it("lists the entries in use with number, type and name", () => {
		const [entry, ...others] = parseGptEntries(entries, header, assert.fail);
		assert.deepEqual(others, []);
		assert.equal(entry!.number, 3);
		assert.equal(entry!.partitionTypeGuid, "0FC63DAF-8483-4772-8E79-3D69D8477DE4");
		assert.deepEqual([entry!.startingLba, entry!.endingLba, entry!.name], [40, 49, "root–ü"]);
	});

	it("refuses entries whose CRC is wrong", () => {
		const spoilt = Buffer.from(entries);
		spoilt.writeUInt8(1, 5000);
		assert.throws(
			() => parseGptEntries(spoilt, header, assert.fail),
			(error) => isUmbraError(error, "corrupt") && error.context.field === "PartitionEntryArrayCRC32",
		);
	});

	it("leaves out an entry outside the usable range and says so", () => {
		const bad = buildGptDisk({
			sectors: 256,
			partitions: [
				{ number: 1, first: 5, last: 4, name: "" },
				{ number: 2, first: 50, last: 60, name: "" },
			],
		});
		const problems: UmbraError[] = [];
		const found = parseGptEntries(
			bad.subarray(1024, 1024 + 16384),
			parseGptHeader(bad.subarray(512, 1024), 1),
			(problem) => problems.push(problem),
		);
		assert.deepEqual(
			found.map(({ number }) => number),
			[2],
		);
		assert.deepEqual(
			problems.map(({ code, context }) => [code, context.offset]),
			[["corrupt", 32]],
		);
	});
});
