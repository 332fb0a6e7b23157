import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { blake3Name } from "../../common/block.ts";
import { cpuTimeMs } from "../../test/support/cpu-time.ts";
import { testRandom } from "../../test/support/random.ts";
import { encodeChunk } from "./chunk-codec.ts";
import { PLAIN_FORM } from "./chunk-form.ts";
import {
	encodeFileHeader,
	encodeTrailer,
	FILE_HEADER_SIZE,
	PLAIN_PACK,
	RECORD_HEADER_SIZE,
	TRAILER_ENTRY_SIZE,
	writeRecordHeader,
} from "./pack-format.ts";
import { scanPack } from "./pack-scan.ts";
import { sampleChunk } from "./testing.ts";

function record(plain: Uint8Array): Buffer {
	const { encoding, data } = encodeChunk(plain);
	const bytes = Buffer.alloc(RECORD_HEADER_SIZE + data.length);
	const name = blake3Name(plain);
	writeRecordHeader(bytes, 0, { name, encoding, plainLength: plain.length, storedLength: data.length });
	bytes.set(data, RECORD_HEADER_SIZE);
	return bytes;
}

const RECORDS = [1, 2, 3, 4, 5].map((seed) => record(sampleChunk(seed, 200).data));
const PACK = Buffer.concat([encodeFileHeader(1, PLAIN_PACK, 0), ...RECORDS]);
const OFFSETS = RECORDS.map((_, index) => FILE_HEADER_SIZE + Buffer.concat(RECORDS.slice(0, index)).length);

/** Offsets of the records that a scan found. */
function found(pack: Buffer): number[] {
	const { entries } = scanPack(pack, PLAIN_FORM);
	return Array.from({ length: entries.length / TRAILER_ENTRY_SIZE }, (_, index) =>
		entries.readUInt32LE(index * TRAILER_ENTRY_SIZE + 32),
	);
}

describe("scanPack", () => {
	it("finds every record of an unsealed pack", () => {
		assert.deepEqual(found(PACK), OFFSETS);
		assert.deepEqual({ ...scanPack(PACK, PLAIN_FORM), entries: null }, { entries: null, end: PACK.length, gaps: [] });
	});

	it("cuts a torn tail at any byte, and keeps every record before it", () => {
		for (let length = 0; length <= PACK.length; length++) {
			const torn = PACK.subarray(0, length);
			const whole = OFFSETS.filter((offset, index) => offset + RECORDS[index]!.length <= length);
			assert.deepEqual(found(torn), whole, `${length} bytes`);
			const last = whole.length - 1;
			const end = last < 0 ? Math.min(length, FILE_HEADER_SIZE) : OFFSETS[last]! + RECORDS[last]!.length;
			assert.equal(scanPack(torn, PLAIN_FORM).end, end, `${length} bytes`);
		}
	});

	it("loses one record to a flipped bit, whichever it is, and none of those behind it", () => {
		for (let at = FILE_HEADER_SIZE; at < PACK.length; at++) {
			const flipped = Buffer.from(PACK);
			flipped[at]! ^= 1 << (at % 8);
			const hit = OFFSETS.findLastIndex((offset) => offset <= at);
			assert.deepEqual(found(flipped), OFFSETS.toSpliced(hit, 1), `byte ${at}`);
			const gaps = hit < 4 ? [{ offset: OFFSETS[hit], length: RECORDS[hit]!.length }] : [];
			assert.deepEqual(scanPack(flipped, PLAIN_FORM).gaps, gaps, `byte ${at}`);
		}
	});

	it("takes a tail of zeroes, of noise, or half a trailer for torn", (context) => {
		const trailer = encodeTrailer(scanPack(PACK, PLAIN_FORM).entries, PACK.length, PLAIN_PACK);
		const tails = [Buffer.alloc(5000), testRandom(context).bytes(5000), trailer.subarray(0, trailer.length - 1)];
		for (const tail of tails) {
			const scan = scanPack(Buffer.concat([PACK, tail]), PLAIN_FORM);
			assert.equal(scan.end, PACK.length);
			assert.deepEqual(scan.gaps, []);
		}
	});

	it("believes no record that a guest wrote into its disk, unless it is true", () => {
		const lie = record(sampleChunk(8, 100).data);
		lie[RECORD_HEADER_SIZE + 50]! ^= 1;
		const carrier = record(Buffer.concat([sampleChunk(10, 300).data, lie, sampleChunk(12, 300).data]));
		const pack = Buffer.concat([encodeFileHeader(1, PLAIN_PACK, 0), carrier, RECORDS[0]!]);
		assert.deepEqual(found(pack), [FILE_HEADER_SIZE, FILE_HEADER_SIZE + carrier.length]);
		// With the carrier damaged the scan looks inside it.
		pack[FILE_HEADER_SIZE + RECORD_HEADER_SIZE]! ^= 1;
		assert.deepEqual(found(pack), [FILE_HEADER_SIZE + carrier.length]);
	});

	it("ends in bounded time on a pack made of record headers that lie", () => {
		const header = Buffer.alloc(RECORD_HEADER_SIZE);
		writeRecordHeader(header, 0, {
			name: Buffer.alloc(32, 1),
			encoding: "raw",
			plainLength: 65536,
			storedLength: 65536,
		});
		const pack = Buffer.alloc(2 ** 20, header);
		encodeFileHeader(1, PLAIN_PACK, 0).copy(pack);
		const usedMs = cpuTimeMs(() => assert.equal(scanPack(pack, PLAIN_FORM).entries.length, 0), 10_000);
		assert.ok(usedMs < 10_000, `${usedMs} ms`);
	});
});
