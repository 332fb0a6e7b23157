import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { crc32 } from "node:zlib";
import { isUmbraError } from "../../common/errors.ts";
import {
	encodeFileHeader,
	encodeTrailer,
	FILE_HEADER_SIZE,
	FOOTER_SIZE,
	PLAIN_PACK,
	packMeta,
	parseFileHeader,
	parseFooter,
	parseRecordHeader,
	parseTrailer,
	RECORD_HEADER_SIZE,
	type RecordHeader,
	TRAILER_ENTRY_SIZE,
	trailerSize,
	unpackMeta,
	writeRecordHeader,
	writeTrailerEntry,
} from "./pack-format.ts";
import { thrownBy } from "./testing.ts";

const NAME = Buffer.alloc(32, 0xab);
const TRAILER_OFFSET = FILE_HEADER_SIZE + 2 * (RECORD_HEADER_SIZE + 1000);

function recordHeader(): Buffer {
	const bytes = Buffer.alloc(RECORD_HEADER_SIZE);
	writeRecordHeader(bytes, 0, { name: NAME, encoding: "zstd", plainLength: 65536, storedLength: 1000 });
	return bytes;
}

function sealedEnd(): Buffer {
	const entries = Buffer.alloc(2 * TRAILER_ENTRY_SIZE);
	writeTrailerEntry(entries, 0, NAME, FILE_HEADER_SIZE, packMeta("zstd", 1000));
	writeTrailerEntry(entries, 40, Buffer.alloc(32, 1), FILE_HEADER_SIZE + 1052, packMeta("raw", 1000));
	return encodeTrailer(entries, TRAILER_OFFSET, PLAIN_PACK);
}

function parseEnd(bytes: Buffer): Buffer {
	return parseTrailer(bytes, parseFooter(bytes.subarray(-FOOTER_SIZE), TRAILER_OFFSET + bytes.length, PLAIN_PACK));
}

/** `bytes` with a field changed and the CRC over everything before `crcAt` made right again. */
function forged(bytes: Buffer, at: number, value: number, crcAt: number): Buffer {
	const copy = Buffer.from(bytes);
	copy.writeUInt32LE(value, at);
	copy.writeUInt32LE(crc32(copy.subarray(0, crcAt)), crcAt);
	return copy;
}

const STRUCTURES = [
	{
		name: "parseFileHeader",
		bytes: encodeFileHeader(7, PLAIN_PACK, 0),
		parse: (bytes: Buffer) => parseFileHeader(bytes, PLAIN_PACK),
	},
	{ name: "parseRecordHeader", bytes: recordHeader(), parse: (bytes: Buffer) => parseRecordHeader(bytes, PLAIN_PACK) },
	{ name: "parseTrailer and parseFooter", bytes: sealedEnd(), parse: parseEnd },
] as const;

for (const { name, bytes, parse } of STRUCTURES) {
	describe(name, () => {
		it("notices every single flipped bit", () => {
			for (let bit = 0; bit < bytes.length * 8; bit++) {
				const flipped = Buffer.from(bytes);
				flipped[bit >> 3]! ^= 1 << (bit & 7);
				assert.ok(
					isUmbraError(
						thrownBy(() => parse(flipped)),
						"corrupt",
					),
					`bit ${bit}`,
				);
			}
		});

		it("notices every missing byte", () => {
			for (let length = 0; length < bytes.length; length++) {
				const error = thrownBy(() => parse(bytes.subarray(0, length)));
				assert.ok(isUmbraError(error, "corrupt", "truncated"), `${length} bytes`);
			}
		});
	});
}

describe("parseFileHeader", () => {
	it("gives back the id", () => {
		assert.deepEqual(parseFileHeader(encodeFileHeader(0xfedcba98, PLAIN_PACK, 0), PLAIN_PACK), {
			id: 0xfedcba98,
			key: 0,
		});
	});

	it("refuses another version as unsupported, with a hint", () => {
		const error = thrownBy(() => parseFileHeader(forged(encodeFileHeader(7, PLAIN_PACK, 0), 8, 3, 20), PLAIN_PACK));
		assert.equal(error.code, "unsupported");
		assert.deepEqual([error.context.field, error.context.offset, error.context.found], ["version", 8, 3]);
		assert.match(error.hint ?? "", /another release/);
	});

	it("refuses reserved bytes that are set", () => {
		const error = thrownBy(() => parseFileHeader(forged(encodeFileHeader(7, PLAIN_PACK, 0), 16, 1, 20), PLAIN_PACK));
		assert.deepEqual([error.code, error.context.offset], ["corrupt", 16]);
	});
});

describe("parseRecordHeader", () => {
	it("gives back what was written", () => {
		const headers: RecordHeader[] = [
			{ name: NAME, encoding: "zstd", plainLength: 65536, storedLength: 1 },
			{ name: NAME, encoding: "raw", plainLength: 1, storedLength: 1 },
		];
		for (const header of headers) {
			const bytes = Buffer.alloc(RECORD_HEADER_SIZE + 3);
			writeRecordHeader(bytes, 3, header);
			assert.deepEqual(parseRecordHeader(bytes.subarray(3), PLAIN_PACK), header);
		}
	});

	const refused = [
		{ field: "encoding", at: 4, value: 2 },
		{ field: "encoding", at: 4, value: 0x100 },
		{ field: "plain length", at: 8, value: 0 },
		{ field: "plain length", at: 8, value: 65537 },
		{ field: "plain length", at: 8, value: 0xffffffff },
		{ field: "stored length", at: 12, value: 0 },
		{ field: "stored length", at: 12, value: 65537 },
		{ field: "stored length", at: 12, value: 0xffffffff },
	];
	for (const { field, at, value } of refused) {
		it(`refuses a ${field} of ${value} whose CRC is right`, () => {
			const error = thrownBy(() => parseRecordHeader(forged(recordHeader(), at, value, 48), PLAIN_PACK));
			assert.deepEqual([error.code, error.context.field, error.context.offset], ["corrupt", field, at]);
		});
	}

	it("refuses a raw record whose two lengths differ", () => {
		const error = thrownBy(() => parseRecordHeader(forged(recordHeader(), 4, 0, 48), PLAIN_PACK));
		assert.deepEqual([error.code, error.context.field], ["corrupt", "stored length"]);
	});
});

describe("parseTrailer", () => {
	it("gives back the entries", () => {
		const entries = parseEnd(sealedEnd());
		assert.equal(entries.length, 2 * TRAILER_ENTRY_SIZE);
		assert.deepEqual(entries.subarray(0, 32), NAME);
		assert.equal(entries.readUInt32LE(72), FILE_HEADER_SIZE + 1052);
		assert.deepEqual(unpackMeta(entries.readUInt32LE(36)), { encoding: "zstd", storedLength: 1000 });
	});

	const refused = [
		{ field: "offset", at: 8 + 32, value: FILE_HEADER_SIZE - 1 },
		{ field: "offset", at: 8 + 32, value: TRAILER_OFFSET - 1051 },
		{ field: "offset", at: 8 + 32, value: 0xffffffff },
		{ field: "length", at: 8 + 36, value: packMeta("raw", 0) },
		{ field: "length", at: 8 + 36, value: packMeta("raw", 65537) },
		{ field: "length", at: 8 + 36, value: 0x02000001 },
		{ field: "count", at: 4, value: 1 },
	];
	for (const { field, at, value } of refused) {
		it(`refuses a ${field} of ${value} whose CRC is right`, () => {
			const bytes = sealedEnd();
			const size = trailerSize(2);
			bytes.writeUInt32LE(value, at);
			bytes.writeUInt32LE(crc32(bytes.subarray(0, size)), size + 8);
			bytes.writeUInt32LE(crc32(bytes.subarray(size, size + 16)), size + 16);
			const error = thrownBy(() => parseEnd(bytes));
			assert.deepEqual([error.code, error.context.field, error.context.offset], ["corrupt", field, at]);
		});
	}
});

describe("parseFooter", () => {
	const footer = sealedEnd().subarray(-FOOTER_SIZE);
	const size = TRAILER_OFFSET + trailerSize(2) + FOOTER_SIZE;
	const refused = [
		{ title: "a trailer inside the file header", at: 0, value: 0, code: "corrupt", offset: 0 },
		{ title: "a trailer past the end", at: 0, value: 0xffffffff, code: "corrupt", offset: 0 },
		{ title: "more entries than the pack has bytes", at: 4, value: 0xffffffff, code: "corrupt", offset: 0 },
		{ title: "another version", at: 12, value: 9, code: "unsupported", offset: 12 },
	];
	for (const { title, at, value, code, offset } of refused) {
		it(`refuses ${title}`, () => {
			const error = thrownBy(() => parseFooter(forged(footer, at, value, 16), size, PLAIN_PACK));
			assert.deepEqual([error.code, error.context.offset], [code, offset]);
		});
	}

	it("refuses the footer of a pack of another size", () => {
		assert.equal(thrownBy(() => parseFooter(footer, size + 1, PLAIN_PACK)).code, "corrupt");
	});
});
