import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testRandom } from "../../test/support/random.ts";
import { ChangedPagesBuilder, meanEntropy } from "./changed-pages.ts";
import { RECORD_CRC, RECORD_ENTROPY, RECORD_SIZE } from "./record.ts";

function record(crcs: Readonly<Record<number, number>>, entropy: Readonly<Record<number, number>> = {}): Uint8Array {
	const bytes = Buffer.alloc(RECORD_SIZE);
	for (const [page, crc] of Object.entries(crcs)) bytes.writeUInt32LE(crc, RECORD_CRC + 4 * Number(page));
	for (const [page, value] of Object.entries(entropy)) bytes[RECORD_ENTROPY + Number(page)] = value;
	return bytes;
}

describe("ChangedPagesBuilder", () => {
	it("names the pages whose checksum differs in any byte, with their entropy before and after", () => {
		const builder = new ChangedPagesBuilder();
		builder.addBlock(3, record({ 0: 1, 5: 0x01020304 }, { 5: 10 }), record({ 0: 1, 5: 0x02020304, 15: 9 }, { 5: 200 }));
		builder.addBlock(7, record({ 2: 0xff }), record({ 2: 0xff_00 }));
		const pages = builder.pages();
		assert.deepEqual([...pages.offsets], [3 * 65536 + 5 * 4096, 3 * 65536 + 15 * 4096, 7 * 65536 + 2 * 4096]);
		assert.deepEqual([...pages.before], [10, 0, 0]);
		assert.deepEqual([...pages.after], [200, 0, 0]);
	});

	it("names every page of a block that changed behind the same checksums", () => {
		const builder = new ChangedPagesBuilder();
		builder.addBlock(2, record({ 1: 7 }), record({ 1: 7 }));
		const wanted = Array.from({ length: 16 }, (_, page) => 2 * 65536 + page * 4096);
		assert.deepEqual([...builder.pages().offsets], wanted);
	});

	it("grows to any number of pages", (context) => {
		const random = testRandom(context);
		const builder = new ChangedPagesBuilder();
		const wanted: number[] = [];
		const nothing = record({});
		for (let block = 0; block < 1000; block++) {
			const pages = Array.from({ length: 16 }, (_, page) => page).filter((page) => page === 0 || random.chance(0.5));
			wanted.push(...pages.map((page) => block * 65536 + page * 4096));
			builder.addBlock(block, nothing, record(Object.fromEntries(pages.map((page) => [page, 1 + random.below(1e9)]))));
		}
		assert.deepEqual([...builder.pages().offsets], wanted);
		assert.equal(builder.pages().before.length, wanted.length);
		assert.equal(builder.pages().after.length, wanted.length);
	});

	it("is empty where nothing was added", () => {
		assert.equal(new ChangedPagesBuilder().pages().offsets.length, 0);
	});
});

describe("meanEntropy", () => {
	it("is in bits per byte, and -1 of nothing", () => {
		assert.equal(meanEntropy(new Uint8Array()), -1);
		assert.equal(meanEntropy(Uint8Array.of(255, 255)), 8);
		assert.equal(meanEntropy(Uint8Array.of(0, 255)), 4);
	});
});
